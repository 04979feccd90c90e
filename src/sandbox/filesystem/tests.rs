//! The answers by themselves, on files and folders of the host.

use super::super::state::tests::state;
use super::*;
use std::fs::File;
use wasmtime::component::Resource;
use wasmtime_wasi::filesystem::{Descriptor, Dir};
use wasmtime_wasi::p2::FsResult;
use wasmtime_wasi::p2::bindings::filesystem::types::{ErrorCode, HostDescriptor as _, OpenFlags, PathFlags};
use wasmtime_wasi::{FsPerms, OpenMode};

fn push_folder(state: &mut State, folder: File) -> Resource<Descriptor> {
    state.table_mut().push(Descriptor::Dir(Dir::new(folder, FsPerms::ReadOnly, OpenMode::READ, true))).unwrap()
}

fn again(fd: &Resource<Descriptor>) -> Resource<Descriptor> {
    Resource::new_borrow(fd.rep())
}

fn code<T>(result: FsResult<T>) -> ErrorCode {
    result.err().expect("an error").downcast().unwrap()
}

#[tokio::test]
async fn paths_are_as_long_as_on_linux() {
    let mut state = state();
    let folder = push_folder(&mut state, File::open("/").unwrap());
    let tmp = Resource::new_own(state.filesystem().0.table.push(Tmp::new(1 << 20, 10).root()).unwrap().rep());
    let mut view = view(&mut state);
    for fd in [folder, tmp] {
        // What can't be done anyway is not looked at either.
        let long = "./".repeat(2049);
        let flags = PathFlags::empty();
        assert!(matches!(code(view.stat_at(again(&fd), flags, long.clone()).await), ErrorCode::NameTooLong));
        let opening = view.open_at(again(&fd), flags, long.clone(), OpenFlags::CREATE, types::DescriptorFlags::WRITE);
        assert!(matches!(code(opening.await), ErrorCode::NameTooLong));
        assert!(matches!(code(view.create_directory_at(again(&fd), long.clone()).await), ErrorCode::NameTooLong));
        assert!(matches!(code(view.unlink_file_at(again(&fd), long.clone()).await), ErrorCode::NameTooLong));
        assert!(matches!(code(view.remove_directory_at(again(&fd), long.clone()).await), ErrorCode::NameTooLong));
        assert!(matches!(code(view.readlink_at(again(&fd), long.clone()).await), ErrorCode::NameTooLong));
        assert!(matches!(code(view.metadata_hash_at(again(&fd), flags, long.clone()).await), ErrorCode::NameTooLong));
        for (target, path) in [(long.as_str(), "x"), ("x", long.as_str())] {
            assert!(matches!(code(view.symlink_at(again(&fd), target.into(), path.into()).await), ErrorCode::NameTooLong));
            assert!(matches!(code(view.rename_at(again(&fd), target.into(), again(&fd), path.into()).await), ErrorCode::NameTooLong));
            assert!(matches!(code(view.link_at(again(&fd), flags, target.into(), again(&fd), path.into()).await), ErrorCode::NameTooLong));
        }
        let just = "./".repeat(2047);
        view.stat_at(again(&fd), flags, just).await.unwrap();
    }
}
