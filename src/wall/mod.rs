//! The second wall: what the process itself may still do, should a function ever get out of its sandbox.
//!
//! On Linux, for `snapfunc serve`: no new privileges, none of the system calls that no server has a use for (a list of what is forbidden, not of what is
//! allowed: a C library or a kernel that is newer must not stop the program), no files but the app's, its own and the system's libraries', no signals to other
//! processes, and no connections but those of networks.
//! It is raised before the process has threads, so that all of them stand behind it, and can't be taken down again.

#[cfg(target_os = "linux")]
mod linux;

use std::fmt;
use std::path::PathBuf;

/// What stays open.
#[derive(Debug, Clone, Default)]
pub struct Gates {
    /// Files and folders that may be read, beside what the system's libraries read: names of hosts, root certificates, the time zone.
    pub read: Vec<PathBuf>,
    /// Folders in which files may be made, changed and deleted.
    pub write: Vec<PathBuf>,
}

/// What stands. Shown as one line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wall {
    /// Whether forbidden system calls fail.
    pub seccomp: Part,
    /// Whether files that are not named can't be opened, nor other processes be signalled.
    pub landlock: Part,
}

/// One part of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Part {
    /// It stands.
    Up,
    /// It stands, but this kernel is too old for some of it.
    Partly,
    /// It does not, with the reason.
    Down(String),
}

/// Raises what this system has. What it lacks is in the answer; nothing fails.
#[must_use]
pub fn raise(gates: &Gates) -> Wall {
    #[cfg(target_os = "linux")]
    return linux::raise(gates);
    #[cfg(not(target_os = "linux"))]
    {
        let _ = gates;
        let part = Part::Down("only Linux has it".to_owned());
        Wall { seccomp: part.clone(), landlock: part }
    }
}

// === impl Wall ===

impl Wall {
    /// Whether all of it stands.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        self.parts().iter().all(|(_, part)| **part == Part::Up)
    }

    /// What does not stand, with the reasons; nothing where all does.
    #[must_use]
    pub fn gaps(&self) -> Option<String> {
        let gaps: Vec<_> =
            self.parts().iter().filter(|(_, part)| **part != Part::Up).map(|(name, part)| format!("{name}: {part}")).collect();
        (!gaps.is_empty()).then(|| gaps.join("; "))
    }

    fn parts(&self) -> [(&'static str, &Part); 2] {
        [("system calls (seccomp)", &self.seccomp), ("files (Landlock)", &self.landlock)]
    }
}

impl fmt::Display for Wall {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [seccomp, landlock] = self.parts().map(|(name, part)| format!("{name}: {part}"));
        write!(f, "second wall: {seccomp}; {landlock}")
    }
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Part::Up => f.write_str("up"),
            Part::Partly => f.write_str("up in part, as this kernel is older than Linux 6.12, which has all of it"),
            Part::Down(reason) => write!(f, "not there: {reason}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_tells_what_does_not_stand() {
        let wall = |seccomp, landlock| Wall { seccomp, landlock };
        let down = || Part::Down("it was switched off".to_owned());
        assert_eq!(wall(Part::Up, Part::Up).gaps(), None);
        let gaps = wall(Part::Up, Part::Partly).gaps().unwrap();
        assert_eq!(gaps, "files (Landlock): up in part, as this kernel is older than Linux 6.12, which has all of it");
        let gaps = wall(down(), down()).gaps().unwrap();
        assert_eq!(gaps, "system calls (seccomp): not there: it was switched off; files (Landlock): not there: it was switched off");
        for (whole, wall) in [(true, wall(Part::Up, Part::Up)), (false, wall(Part::Up, Part::Partly)), (false, wall(down(), Part::Up))] {
            assert_eq!(wall.is_whole(), whole, "{wall}");
        }
    }
}
