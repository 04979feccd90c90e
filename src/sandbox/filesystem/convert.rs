//! The tree's words in WASI's.

use super::tree::{Follow, Kind, NodeId, OpenOptions, Stat, TreeError};
use std::time::{Duration, SystemTime};
use wasmtime_wasi::p2::FsError;
use wasmtime_wasi::p2::bindings::clocks::wall_clock::Datetime;
use wasmtime_wasi::p2::bindings::filesystem::types::{
    DescriptorFlags, DescriptorStat, DescriptorType, ErrorCode, MetadataHashValue, NewTimestamp, OpenFlags, PathFlags,
};

impl From<TreeError> for ErrorCode {
    fn from(error: TreeError) -> Self {
        match error {
            TreeError::Exists => ErrorCode::Exist,
            TreeError::NoEntry => ErrorCode::NoEntry,
            TreeError::NotFolder => ErrorCode::NotDirectory,
            TreeError::IsFolder => ErrorCode::IsDirectory,
            TreeError::NotEmpty => ErrorCode::NotEmpty,
            TreeError::NotPermitted => ErrorCode::NotPermitted,
            TreeError::Loop => ErrorCode::Loop,
            TreeError::NameTooLong => ErrorCode::NameTooLong,
            TreeError::FileTooLarge => ErrorCode::FileTooLarge,
            TreeError::NoSpace => ErrorCode::InsufficientSpace,
            TreeError::Invalid => ErrorCode::Invalid,
        }
    }
}

impl From<TreeError> for FsError {
    fn from(error: TreeError) -> Self {
        ErrorCode::from(error).into()
    }
}

impl From<Kind> for DescriptorType {
    fn from(kind: Kind) -> Self {
        match kind {
            Kind::File => DescriptorType::RegularFile,
            Kind::Folder => DescriptorType::Directory,
            Kind::Link => DescriptorType::SymbolicLink,
        }
    }
}

impl From<Stat> for DescriptorStat {
    fn from(stat: Stat) -> Self {
        DescriptorStat {
            type_: stat.kind.into(),
            link_count: stat.links.into(),
            size: stat.size,
            data_access_timestamp: Some(datetime(stat.accessed)),
            data_modification_timestamp: Some(datetime(stat.modified)),
            status_change_timestamp: Some(datetime(stat.changed)),
        }
    }
}

impl From<PathFlags> for Follow {
    fn from(flags: PathFlags) -> Self {
        if flags.contains(PathFlags::SYMLINK_FOLLOW) { Follow::Yes } else { Follow::No }
    }
}

pub(super) fn open_options(path: PathFlags, open: OpenFlags, flags: DescriptorFlags) -> OpenOptions {
    OpenOptions {
        follow: path.into(),
        create: open.contains(OpenFlags::CREATE),
        exclusive: open.contains(OpenFlags::EXCLUSIVE),
        truncate: open.contains(OpenFlags::TRUNCATE),
        folder: open.contains(OpenFlags::DIRECTORY),
        write: flags.contains(DescriptorFlags::WRITE),
    }
}

/// What programs see as the inode's number.
pub(super) fn metadata_hash(node: NodeId) -> MetadataHashValue {
    // Files of the host get hashes of their inodes; the upper half keeps the two apart.
    MetadataHashValue { lower: node.number(), upper: u64::from_be_bytes(*b"snap/tmp") }
}

fn datetime(time: SystemTime) -> Datetime {
    let since = time.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    Datetime { seconds: since.as_secs(), nanoseconds: since.subsec_nanos() }
}

/// The time to set, if one is to be set.
pub(super) fn new_time(time: NewTimestamp) -> Result<Option<SystemTime>, ErrorCode> {
    match time {
        NewTimestamp::NoChange => Ok(None),
        NewTimestamp::Now => Ok(Some(SystemTime::now())),
        NewTimestamp::Timestamp(Datetime { seconds, nanoseconds }) => {
            let since = Duration::from_secs(seconds).checked_add(Duration::from_nanos(nanoseconds.into())).ok_or(ErrorCode::Overflow)?;
            SystemTime::UNIX_EPOCH.checked_add(since).map(Some).ok_or(ErrorCode::Overflow)
        }
    }
}
