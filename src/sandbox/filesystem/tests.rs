//! The answers by themselves, on files and folders of the host.

use super::super::state::tests::state;
use super::listing::{Listing, entries};
use super::*;
use std::fs::{self, File};
use std::io::{Write as _, pipe};
use std::os::fd::OwnedFd;
use wasmtime::component::Resource;
use wasmtime_wasi::filesystem::{Descriptor, Dir, File as WasiFile};
use wasmtime_wasi::p2::bindings::filesystem::types::{Advice, ErrorCode, HostDescriptor as _, OpenFlags, PathFlags};
use wasmtime_wasi::p2::{DynInputStream, FsResult, StreamError};
use wasmtime_wasi::{FsPerms, OpenMode};

fn push_file(state: &mut State, file: File) -> Resource<Descriptor> {
    state.table_mut().push(Descriptor::File(WasiFile::new(file, FsPerms::ReadOnly, OpenMode::READ, true))).unwrap()
}

fn push_folder(state: &mut State, folder: File) -> Resource<Descriptor> {
    state.table_mut().push(Descriptor::Dir(Dir::new(folder, FsPerms::ReadOnly, OpenMode::READ, true))).unwrap()
}

fn again(fd: &Resource<Descriptor>) -> Resource<Descriptor> {
    Resource::new_borrow(fd.rep())
}

fn code<T>(result: FsResult<T>) -> ErrorCode {
    result.err().expect("an error").downcast().unwrap()
}

/// The system refuses to bring a pipe to a disk, and to be advised on one: so it is seen that it was not asked.
#[tokio::test]
async fn the_machines_disk_is_left_alone() {
    let mut state = state();
    let (reader, _writer) = pipe().unwrap();
    assert!(File::from(OwnedFd::from(reader.try_clone().unwrap())).sync_all().is_err());
    let fd = push_file(&mut state, File::from(OwnedFd::from(reader)));
    let mut view = view(&mut state);
    view.sync(again(&fd)).await.unwrap();
    view.sync_data(again(&fd)).await.unwrap();
    view.advise(again(&fd), 0, 0, Advice::DontNeed).await.unwrap();
    let nothing = Resource::new_borrow(999);
    assert!(view.sync(nothing).await.unwrap_err().downcast().is_err(), "what is no handle ends the guest");
}

#[tokio::test]
async fn streams_of_host_files_hold_nothing() {
    let mut state = state();
    let mut file = tempfile::tempfile().unwrap();
    let content: Vec<u8> = (0..100_000_u32).map(|n| n as u8).collect();
    file.write_all(&content).unwrap();
    let fd = push_file(&mut state, file);
    let folder = push_folder(&mut state, File::open("/").unwrap());
    assert!(matches!(code(view(&mut state).read_via_stream(folder, 0)), ErrorCode::IsDirectory));
    let stream = view(&mut state).read_via_stream(again(&fd), 10).unwrap();
    let stream: &mut DynInputStream = state.table_mut().get_mut(&stream).unwrap();
    // What is asked for comes with the call that asks for it, and not with a later one.
    assert_eq!(stream.read(0).unwrap().len(), 0);
    assert_eq!(stream.read(3).unwrap(), content[10..13]);
    stream.ready().await;
    let piece = stream.read(usize::MAX).unwrap();
    assert_eq!(piece, content[13..13 + (64 << 10)]);
    assert_eq!(stream.read(usize::MAX).unwrap(), content[13 + piece.len()..]);
    assert!(matches!(stream.read(1), Err(StreamError::Closed)));
}

#[tokio::test]
async fn a_folder_is_read_no_further_than_there_is_room() {
    let folder = tempfile::tempdir().unwrap();
    for number in 0..500 {
        fs::write(folder.path().join(format!("{number:0200}")), "").unwrap();
    }
    let opened = File::open(folder.path()).unwrap();
    let mut read = 0;
    let listing = Listing::of(entries(&opened).unwrap().inspect(|_| read += 1), 10_000);
    assert!(matches!(code(listing), ErrorCode::InsufficientMemory));
    assert!((10..50).contains(&read), "{read}");
    let listing = Listing::of(entries(&opened).unwrap(), 1 << 20).unwrap();
    let cost = listing.cost();
    assert!((500 * 200..500 * 400).contains(&cost), "{cost}");
    assert_eq!(listing.count(), 500);
}

#[tokio::test]
async fn a_listing_tells_what_is_there() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("file"), "").unwrap();
    fs::create_dir(folder.path().join("folder")).unwrap();
    std::os::unix::fs::symlink("/nowhere", folder.path().join("link")).unwrap();
    let opened = File::open(folder.path()).unwrap();
    for _ in 0..2 {
        let listing = Listing::of(entries(&opened).unwrap(), 1 << 20).unwrap();
        let mut found: Vec<_> = listing.map(|entry| entry.map(|entry| (entry.name, format!("{:?}", entry.type_))).unwrap()).collect();
        found.sort();
        let expected = [("file", "RegularFile"), ("folder", "Directory"), ("link", "SymbolicLink")];
        assert_eq!(found, expected.map(|(name, kind)| (name.to_owned(), format!("DescriptorType::{kind}"))));
    }
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
