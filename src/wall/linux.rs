//! seccomp and Landlock.

use super::{Gates, Part, Wall};
use landlock::{ABI, Access, AccessFs, Ruleset, RulesetAttr, RulesetCreatedAttr, RulesetError, RulesetStatus, path_beneath_rules};
use seccompiler::{BpfProgram, SeccompAction, SeccompFilter};
use std::collections::BTreeMap;
use std::env;
use std::path::PathBuf;

/// The newest version of Landlock whose rights are asked for; an older kernel gives those that it knows.
const LANDLOCK: ABI = ABI::V6;

/// What the system's libraries read: names of hosts, root certificates, the time zone, the number of cores, the memory.
const OF_THE_SYSTEM: [&str; 25] = [
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
    "/etc/ssl",
    "/lib",
    "/lib64",
    "/proc",
    "/run/systemd/resolve",
    "/sys/devices/system/cpu",
    "/sys/fs/cgroup",
    "/sys/kernel/mm",
    "/usr/lib",
    "/usr/share",
];

/// What no server does: other programs, other processes' memory, mounts, namespaces, keys of the kernel, its modules, tracing, and doors that go round filters.
const FORBIDDEN: [libc::c_long; 43] = [
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
    libc::SYS_finit_module,
    libc::SYS_fsconfig,
    libc::SYS_fsmount,
    libc::SYS_fsopen,
    libc::SYS_init_module,
    libc::SYS_io_uring_enter,
    libc::SYS_io_uring_register,
    libc::SYS_io_uring_setup,
    libc::SYS_kcmp,
    libc::SYS_kexec_load,
    libc::SYS_keyctl,
    libc::SYS_mount,
    libc::SYS_mount_setattr,
    libc::SYS_move_mount,
    libc::SYS_name_to_handle_at,
    libc::SYS_open_by_handle_at,
    libc::SYS_open_tree,
    libc::SYS_perf_event_open,
    libc::SYS_personality,
    libc::SYS_pivot_root,
    libc::SYS_process_vm_readv,
    libc::SYS_process_vm_writev,
    libc::SYS_ptrace,
    libc::SYS_quotactl,
    libc::SYS_reboot,
    libc::SYS_request_key,
    libc::SYS_setns,
    libc::SYS_settimeofday,
    libc::SYS_swapoff,
    libc::SYS_swapon,
    libc::SYS_umount2,
    libc::SYS_unshare,
    libc::SYS_userfaultfd,
];
/// On x86-64, the same calls by the numbers of its 32-bit form.
const X32: libc::c_long = 0x4000_0000;

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
        .create()?
        .add_rules(path_beneath_rules(read, AccessFs::from_read(LANDLOCK)))?
        .add_rules(path_beneath_rules(&gates.write, AccessFs::from_all(LANDLOCK) & !AccessFs::Execute))?
        .restrict_self()?;
    Ok(status.ruleset)
}

fn system_calls() -> Result<(), String> {
    let numbers = FORBIDDEN.iter().flat_map(|number| [*number, *number | X32]);
    let rules: BTreeMap<i64, _> = numbers.map(|number| (number, Vec::new())).collect();
    let refuse = SeccompAction::Errno(libc::EPERM.unsigned_abs());
    let architecture = env::consts::ARCH.try_into().map_err(|_| format!("there is no filter for {}", env::consts::ARCH))?;
    let filter = SeccompFilter::new(rules, SeccompAction::Allow, refuse, architecture).map_err(|error| error.to_string())?;
    let program = BpfProgram::try_from(filter).map_err(|error| error.to_string())?;
    seccompiler::apply_filter_all_threads(&program).map_err(|error| error.to_string())
}
