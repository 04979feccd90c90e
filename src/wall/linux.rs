//! seccomp and Landlock.

use super::{Gates, Part, Wall};
use landlock::{ABI, Access, AccessFs, Ruleset, RulesetAttr, RulesetCreatedAttr, RulesetError, RulesetStatus, Scope, path_beneath_rules};
use seccompiler::{
    BackendError, BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter, SeccompRule, TargetArch,
    sock_filter,
};
use std::collections::BTreeMap;
use std::env;
use std::path::PathBuf;

/// The newest version of Landlock whose rights and scopes are asked for (Linux 6.12); an older kernel gives those that it knows.
const LANDLOCK: ABI = ABI::V6;

/// What the system's libraries read: names of hosts, root certificates (but no keys, which lie beside them), the time zone, the number of cores, the memory.
const OF_THE_SYSTEM: [&str; 29] = [
    "/dev/null",
    "/dev/random",
    "/dev/tty",
    "/dev/urandom",
    "/etc/ca-certificates",
    "/etc/gai.conf",
    "/etc/host.conf",
    "/etc/hosts",
    "/etc/ld.so.cache",
    "/etc/localtime",
    "/etc/nsswitch.conf",
    "/etc/pki",
    "/etc/protocols",
    "/etc/resolv.conf",
    "/etc/services",
    "/etc/ssl/cert.pem",
    "/etc/ssl/certs",
    "/etc/ssl/openssl.cnf",
    "/lib",
    "/lib64",
    "/proc",
    "/run/NetworkManager",
    "/run/resolvconf",
    "/run/systemd/resolve",
    "/sys/devices/system/cpu",
    "/sys/fs/cgroup",
    "/sys/kernel/mm",
    "/usr/lib",
    "/usr/share",
];

/// What no server does: other programs, other processes' memory, files, messages and priorities, mounts, namespaces, devices, keys of the kernel, its modules and
/// its log, tracing, and doors that go round filters. And what Landlock leaves open on files that can't be opened: to give them another mode, owner, attribute or
/// time, and to be told of their changes, which only `start` asks for.
const FORBIDDEN: [libc::c_long; 80] = [
    libc::SYS_acct,
    libc::SYS_add_key,
    libc::SYS_bpf,
    libc::SYS_chroot,
    libc::SYS_clock_adjtime,
    libc::SYS_clock_settime,
    libc::SYS_delete_module,
    libc::SYS_execve,
    libc::SYS_execveat,
    libc::SYS_fanotify_init,
    libc::SYS_fchmod,
    libc::SYS_fchmodat,
    libc::SYS_fchown,
    libc::SYS_fchownat,
    libc::SYS_finit_module,
    libc::SYS_fremovexattr,
    libc::SYS_fsconfig,
    libc::SYS_fsetxattr,
    libc::SYS_fsmount,
    libc::SYS_fsopen,
    libc::SYS_fspick,
    libc::SYS_init_module,
    libc::SYS_io_uring_enter,
    libc::SYS_io_uring_register,
    libc::SYS_io_uring_setup,
    libc::SYS_inotify_add_watch,
    libc::SYS_inotify_init1,
    libc::SYS_ioprio_set,
    libc::SYS_kcmp,
    libc::SYS_kexec_load,
    libc::SYS_keyctl,
    libc::SYS_lremovexattr,
    libc::SYS_lsetxattr,
    libc::SYS_migrate_pages,
    libc::SYS_mknodat,
    libc::SYS_mount,
    libc::SYS_mount_setattr,
    libc::SYS_move_mount,
    libc::SYS_move_pages,
    libc::SYS_mq_open,
    libc::SYS_mq_unlink,
    libc::SYS_msgctl,
    libc::SYS_msgget,
    libc::SYS_msgrcv,
    libc::SYS_msgsnd,
    libc::SYS_name_to_handle_at,
    libc::SYS_open_by_handle_at,
    libc::SYS_open_tree,
    libc::SYS_perf_event_open,
    libc::SYS_personality,
    libc::SYS_pidfd_getfd,
    libc::SYS_pivot_root,
    libc::SYS_process_madvise,
    libc::SYS_process_vm_readv,
    libc::SYS_process_vm_writev,
    libc::SYS_ptrace,
    libc::SYS_quotactl,
    libc::SYS_quotactl_fd,
    libc::SYS_reboot,
    libc::SYS_removexattr,
    libc::SYS_request_key,
    libc::SYS_semctl,
    libc::SYS_semget,
    libc::SYS_semop,
    libc::SYS_semtimedop,
    libc::SYS_setdomainname,
    libc::SYS_sethostname,
    libc::SYS_setns,
    libc::SYS_setpriority,
    libc::SYS_settimeofday,
    libc::SYS_setxattr,
    libc::SYS_shmat,
    libc::SYS_shmctl,
    libc::SYS_shmget,
    libc::SYS_swapoff,
    libc::SYS_swapon,
    libc::SYS_syslog,
    libc::SYS_umount2,
    libc::SYS_unshare,
    libc::SYS_userfaultfd,
];
/// The same of calls that not all C libraries have a name for yet; a new call has one number on all kinds of machines.
const FORBIDDEN_NEW: [libc::c_long; 5] = [
    452, // fchmodat2
    463, // setxattrat
    466, // removexattrat
    467, // open_tree_attr
    469, // file_setattr
];
/// The same of one kind of machine: its ports, its segments, older names, and what not all C libraries have a name for.
#[cfg(target_arch = "x86_64")]
const FORBIDDEN_HERE: [libc::c_long; 13] = [
    libc::SYS_chmod,
    libc::SYS_chown,
    libc::SYS_futimesat,
    libc::SYS_inotify_init,
    libc::SYS_ioperm,
    libc::SYS_iopl,
    libc::SYS_kexec_file_load,
    libc::SYS_lchown,
    libc::SYS_mknod,
    libc::SYS_modify_ldt,
    libc::SYS_uselib,
    libc::SYS_utime,
    libc::SYS_utimes,
];
/// `kexec_file_load`.
#[cfg(not(target_arch = "x86_64"))]
const FORBIDDEN_HERE: [libc::c_long; 1] = [294];
/// Namespaces that `clone` would make. `CLONE_NEWTIME` is not among them: where `clone` has its flags, that bit is a part of a signal's number.
const NAMESPACES: [libc::c_int; 7] = [
    libc::CLONE_NEWCGROUP,
    libc::CLONE_NEWIPC,
    libc::CLONE_NEWNET,
    libc::CLONE_NEWNS,
    libc::CLONE_NEWPID,
    libc::CLONE_NEWUSER,
    libc::CLONE_NEWUTS,
];
/// Calls whose first argument is a process: 0 is the one, or the thread, that asks.
const OF_A_PROCESS: [libc::c_long; 5] =
    [libc::SYS_prlimit64, libc::SYS_sched_setaffinity, libc::SYS_sched_setattr, libc::SYS_sched_setparam, libc::SYS_sched_setscheduler];
/// What would type into the terminal that the program was started from: `TIOCSTI`, and `TIOCLINUX`, which pastes.
const TYPING: [u32; 2] = [0x5412, 0x541c];
/// Kinds of sockets: connections, and what the C library's resolver asks the kernel about its addresses. `AF_UNIX` is not among them: behind such sockets are other
/// programs, some of which start what they are told to, and Landlock looks at those with a file from Linux 7.1 on only.
const SOCKETS: [libc::c_int; 3] = [libc::AF_INET, libc::AF_INET6, libc::AF_NETLINK];
/// On x86-64, the bit of calls in its 32-bit form, which have numbers of their own for some.
const X32: u32 = 0x4000_0000;

pub(super) fn raise(gates: &Gates) -> Wall {
    // Landlock first: seccomp may one day forbid its calls.
    let landlock = match files(gates) {
        Ok(RulesetStatus::FullyEnforced) => Part::Up,
        Ok(RulesetStatus::PartiallyEnforced) => Part::Partly,
        Ok(RulesetStatus::NotEnforced) => Part::Down("this kernel does not have it, or it is not switched on".to_owned()),
        Err(error) => Part::Down(error.to_string()),
    };
    let seccomp = match system_calls() {
        Ok(()) => Part::Up,
        Err(reason) => Part::Down(reason),
    };
    Wall { seccomp, landlock }
}

/// Also forbids new privileges, which both ask for.
fn files(gates: &Gates) -> Result<RulesetStatus, RulesetError> {
    let named = ["SSL_CERT_FILE", "SSL_CERT_DIR"].into_iter().filter_map(env::var_os).map(PathBuf::from);
    let read = OF_THE_SYSTEM.iter().map(PathBuf::from).chain(named).chain(gates.read.iter().cloned());
    let status = Ruleset::default()
        .handle_access(AccessFs::from_all(LANDLOCK))?
        .scope(Scope::from_all(LANDLOCK))?
        .create()?
        .add_rules(path_beneath_rules(read, AccessFs::from_read(LANDLOCK)))?
        .add_rules(path_beneath_rules(&gates.write, AccessFs::from_all(LANDLOCK) & !AccessFs::Execute))?
        .restrict_self()?;
    Ok(status.ruleset)
}

fn system_calls() -> Result<(), String> {
    let architecture = env::consts::ARCH.try_into().map_err(|_| format!("there is no filter for {}", env::consts::ARCH))?;
    for program in filters(architecture)? {
        seccompiler::apply_filter_all_threads(&program).map_err(|error| error.to_string())?;
    }
    Ok(())
}

/// The kernel asks all of them, and the strictest answer counts.
fn filters(architecture: TargetArch) -> Result<Vec<BpfProgram>, String> {
    let mut forbidden: BTreeMap<i64, Vec<SeccompRule>> =
        FORBIDDEN.iter().chain(&FORBIDDEN_NEW).chain(&FORBIDDEN_HERE).map(|number| (*number, Vec::new())).collect();
    forbidden.extend(by_argument().map_err(|error| error.to_string())?);
    let mut programs = vec![
        program(forbidden, libc::EPERM, architecture)?,
        // Its flags are in memory, where no filter sees them. C libraries take `clone` where there is none.
        program([(libc::SYS_clone3, Vec::new())].into(), libc::ENOSYS, architecture)?,
    ];
    if architecture == TargetArch::x86_64 {
        programs.push(without_x32());
    }
    Ok(programs)
}

fn program(rules: BTreeMap<i64, Vec<SeccompRule>>, error: libc::c_int, architecture: TargetArch) -> Result<BpfProgram, String> {
    let refuse = SeccompAction::Errno(error.unsigned_abs());
    let filter = SeccompFilter::new(rules, SeccompAction::Allow, refuse, architecture).map_err(|error| error.to_string())?;
    BpfProgram::try_from(filter).map_err(|error| error.to_string())
}

/// Calls that are forbidden with some arguments: where one rule holds, in all of its conditions. The kernel reads the lower half only of those that are looked at
/// as a `Dword`.
fn by_argument() -> Result<BTreeMap<i64, Vec<SeccompRule>>, BackendError> {
    let int = |value: libc::c_int| u64::from(value.unsigned_abs());
    let is = |argument, value| SeccompCondition::new(argument, SeccompCmpArgLen::Dword, SeccompCmpOp::Eq, value);
    let is_not = |argument, value| SeccompCondition::new(argument, SeccompCmpArgLen::Dword, SeccompCmpOp::Ne, value);
    let has = |argument, bits| SeccompCondition::new(argument, SeccompCmpArgLen::Qword, SeccompCmpOp::MaskedEq(bits), bits);
    let either = |conditions: Vec<Result<SeccompCondition, BackendError>>| {
        conditions.into_iter().map(|condition| SeccompRule::new(vec![condition?])).collect::<Result<Vec<_>, _>>()
    };
    let mut rules = BTreeMap::new();
    for number in OF_A_PROCESS {
        rules.insert(number, either(vec![is_not(0, 0)])?);
    }
    rules.insert(libc::SYS_clone, either(NAMESPACES.iter().map(|flag| has(0, int(*flag))).collect())?);
    rules.insert(libc::SYS_ioctl, either(TYPING.iter().map(|request| is(1, u64::from(*request))).collect())?);
    let no_kind = SOCKETS.iter().map(|kind| is_not(0, int(*kind))).collect::<Result<_, _>>()?;
    rules.insert(libc::SYS_socket, vec![SeccompRule::new(no_kind)?]);
    // tokio hears of signals by a pair of streams (1). Those of any other type (2 to 15) can be connected to something else.
    rules.insert(libc::SYS_socketpair, either(vec![is_not(0, int(libc::AF_UNIX)), has(1, 2), has(1, 4), has(1, 8)])?);
    // Without a path it is about a file that is open, as snapshots that are used have their times set.
    let path = SeccompCondition::new(1, SeccompCmpArgLen::Qword, SeccompCmpOp::Ne, 0);
    rules.insert(libc::SYS_utimensat, either(vec![path])?);
    Ok(rules)
}

/// No call of the 32-bit form. The crate compares numbers for equality only, so these are the instructions themselves: the number is what a filter's data
/// begins with (`struct seccomp_data`).
fn without_x32() -> BpfProgram {
    // The codes of instructions have 16 bits (`struct sock_filter`); their parts have 8.
    let code = |parts: u32| u16::try_from(parts).unwrap_or_default();
    let (load, compare) = (code(libc::BPF_LD | libc::BPF_W | libc::BPF_ABS), code(libc::BPF_JMP | libc::BPF_JGE | libc::BPF_K));
    let end = code(libc::BPF_RET | libc::BPF_K);
    vec![
        sock_filter { code: load, jt: 0, jf: 0, k: 0 },
        sock_filter { code: compare, jt: 0, jf: 1, k: X32 },
        sock_filter { code: end, jt: 0, jf: 0, k: libc::SECCOMP_RET_ERRNO | libc::EPERM.unsigned_abs() },
        sock_filter { code: end, jt: 0, jf: 0, k: libc::SECCOMP_RET_ALLOW },
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `AUDIT_ARCH_X86_64`.
    const X86_64: u32 = 0xc000_003e;

    /// What a filter says to a call: the machine of `bpf(4)`, as far as filters use it.
    fn run(program: &BpfProgram, number: u32, arguments: [u64; 2]) -> u32 {
        let [[first, of_first], [second, of_second]] =
            arguments.map(|argument| [argument & 0xffff_ffff, argument >> 32].map(|half| u32::try_from(half).unwrap()));
        let data = [number, X86_64, 0, 0, first, of_first, second, of_second];
        let (mut at, mut held) = (0, 0_u32);
        loop {
            let step = &program[at];
            at += 1;
            let jump = |holds: bool| usize::from(if holds { step.jt } else { step.jf });
            match u32::from(step.code) {
                0x20 => held = *data.get(usize::try_from(step.k).unwrap() / 4).unwrap_or(&0),
                0x54 => held &= step.k,
                0x05 => at += usize::try_from(step.k).unwrap(),
                0x15 => at += jump(held == step.k),
                0x25 => at += jump(held > step.k),
                0x35 => at += jump(held >= step.k),
                0x06 => return step.k,
                other => panic!("no filter here has {other:#x}"),
            }
        }
    }

    /// The number of the error that a call ends with; 0: it is let through.
    fn verdict(number: i64, first: u64) -> u32 {
        verdict_of_two(number, [first, 0])
    }

    fn verdict_of_two(number: i64, arguments: [u64; 2]) -> u32 {
        let number = u32::try_from(number).unwrap();
        let errors: Vec<_> = filters(TargetArch::x86_64)
            .unwrap()
            .iter()
            .map(|program| run(program, number, arguments))
            .filter(|verdict| *verdict != libc::SECCOMP_RET_ALLOW)
            .map(|verdict| {
                assert_eq!(verdict & 0xffff_0000, libc::SECCOMP_RET_ERRNO, "{number}");
                verdict & 0xffff
            })
            .collect();
        errors.first().copied().unwrap_or(0)
    }

    #[test]
    #[cfg(target_arch = "x86_64")]
    fn what_no_server_does_is_forbidden_in_both_forms() {
        let refused = libc::EPERM.unsigned_abs();
        for number in FORBIDDEN.iter().chain(&FORBIDDEN_NEW).chain(&FORBIDDEN_HERE) {
            assert_eq!(verdict(*number, 0), refused, "{number}");
        }
        // All of the 32-bit form, among them those with numbers of their own: execve, ptrace, process_vm_readv.
        for number in (0..480).chain(512..548) {
            assert_eq!(verdict(number | i64::from(X32), 0), refused, "{number}");
        }
        for number in [libc::SYS_read, libc::SYS_openat, libc::SYS_mmap, libc::SYS_futex, libc::SYS_connect, libc::SYS_accept4] {
            assert_eq!(verdict(number, 0), 0, "{number}");
        }
    }

    #[test]
    #[cfg(target_arch = "x86_64")]
    fn some_arguments_are_forbidden() {
        let refused = libc::EPERM.unsigned_abs();
        let upper = 7_u64 << 32;
        // Of other processes, by a number that the kernel takes for one (its lower half).
        for number in OF_A_PROCESS {
            assert_eq!((verdict(number, 0), verdict(number, upper)), (0, 0), "{number}");
            assert_eq!((verdict(number, 1), verdict(number, upper | 4711)), (refused, refused), "{number}");
        }
        for request in TYPING.map(u64::from) {
            assert_eq!(verdict_of_two(libc::SYS_ioctl, [0, request]), refused, "{request:#x}");
            assert_eq!(verdict_of_two(libc::SYS_ioctl, [0, upper | request]), refused, "{request:#x}");
        }
        // TCGETS, TIOCGWINSZ, FIONREAD, FIONBIO.
        for request in [0x5401, 0x5413, 0x541b, 0x5421] {
            assert_eq!(verdict_of_two(libc::SYS_ioctl, [0, request]), 0, "{request:#x}");
        }
        let socket = |kind: libc::c_int| [0, upper].map(|upper| verdict(libc::SYS_socket, upper | u64::from(kind.unsigned_abs())));
        for kind in 0..64 {
            let verdict = if SOCKETS.contains(&kind) { 0 } else { refused };
            assert_eq!(socket(kind), [verdict; 2], "{kind}");
        }
        assert_eq!(verdict(libc::SYS_socket, u64::from(u32::MAX)), refused);
        let pair = |domain: libc::c_int, kind: libc::c_int| {
            verdict_of_two(libc::SYS_socketpair, [domain, kind].map(|argument| u64::from(argument.unsigned_abs())))
        };
        for flags in [0, libc::SOCK_CLOEXEC, libc::SOCK_CLOEXEC | libc::SOCK_NONBLOCK] {
            assert_eq!(pair(libc::AF_UNIX, libc::SOCK_STREAM | flags), 0);
            for kind in 2..16 {
                assert_eq!(pair(libc::AF_UNIX, kind | flags), refused, "{kind}");
            }
        }
        assert_eq!(pair(libc::AF_TIPC, libc::SOCK_STREAM), refused);
        assert_eq!(verdict_of_two(libc::SYS_utimensat, [3, 0]), 0);
        for path in [1, 0x7fff_0000_0000, 0x7fff_1234_5678] {
            assert_eq!(verdict_of_two(libc::SYS_utimensat, [3, path]), refused, "{path:#x}");
        }
    }

    #[test]
    #[cfg(target_arch = "x86_64")]
    fn threads_can_be_made_and_namespaces_can_not() {
        let thread = libc::CLONE_VM | libc::CLONE_FS | libc::CLONE_FILES | libc::CLONE_SIGHAND | libc::CLONE_THREAD | libc::CLONE_SYSVSEM;
        let thread = u64::from((thread | libc::CLONE_SETTLS | libc::CLONE_PARENT_SETTID | libc::CLONE_CHILD_CLEARTID).unsigned_abs());
        assert_eq!(verdict(libc::SYS_clone, thread), 0);
        for namespace in NAMESPACES {
            let flag = u64::from(namespace.unsigned_abs());
            assert_eq!(verdict(libc::SYS_clone, flag), libc::EPERM.unsigned_abs(), "{namespace:#x}");
            assert_eq!(verdict(libc::SYS_clone, thread | flag | 17), libc::EPERM.unsigned_abs(), "{namespace:#x}");
        }
        assert_eq!(verdict(libc::SYS_clone3, 0), libc::ENOSYS.unsigned_abs());
    }
}
