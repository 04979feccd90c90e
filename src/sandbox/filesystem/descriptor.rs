//! `wasi:filesystem`: a handle is one of `/tmp`, answered here, or one of a host folder, answered by wasmtime-wasi.
//!
//! Both kinds live in one table under the WIT's one resource type; what lies at a handle's place in the table tells them apart.

use super::super::descriptors;
use super::convert::{metadata_hash, new_time, open_options};
use super::listing::{self, Listing};
use super::streams::{CHUNK, HostReader, Position, Reader, Writer};
use super::tree::{Kind, LONGEST_PATH, TreeError};
use super::{Handle, TMP, TmpDescriptor, View};
use wasmtime::component::Resource;
use wasmtime_wasi::p2::bindings::filesystem::preopens;
use wasmtime_wasi::p2::bindings::filesystem::types::{
    self, Advice, Descriptor, DescriptorFlags, DescriptorStat, DescriptorType, DirectoryEntry, DirectoryEntryStream, ErrorCode, Filesize,
    HostDescriptor, HostDirectoryEntryStream, MetadataHashValue, NewTimestamp, OpenFlags, PathFlags,
};
use wasmtime_wasi::p2::{DynInputStream, DynOutputStream, FsError, FsResult};

/// How many folders a guest may list at once.
const MOST_LISTINGS: usize = 64;
/// Bytes that their names may take together.
const MOST_LISTED: usize = 16 << 20;

// === impl View ===

impl View<'_> {
    /// The handle's descriptor, if it is one of `/tmp`.
    fn tmp(&self, fd: &Resource<Descriptor>) -> Option<&TmpDescriptor> {
        self.host.table.get(&Resource::<TmpDescriptor>::new_borrow(fd.rep())).ok()
    }

    fn push(&mut self, descriptor: TmpDescriptor) -> FsResult<Resource<Descriptor>> {
        Ok(Resource::new_own(self.host.table.push(descriptor)?.rep()))
    }

    /// The same, for what a path leads to from there. Nothing else is done with a path that is too long.
    fn tmp_at(&self, fd: &Resource<Descriptor>, path: &str) -> FsResult<Option<&TmpDescriptor>> {
        check_length(path)?;
        Ok(self.tmp(fd))
    }

    /// Two folders of `/tmp`, none, or one of each, between which nothing can be moved, and a path from each.
    fn both(&self, a: (&Resource<Descriptor>, &str), b: (&Resource<Descriptor>, &str)) -> FsResult<Option<(&Handle, &Handle)>> {
        match (self.tmp_at(a.0, a.1)?, self.tmp_at(b.0, b.1)?) {
            (Some(a), Some(b)) => Ok(Some((&a.handle, &b.handle))),
            (None, None) => Ok(None),
            (Some(_), None) | (None, Some(_)) => Err(ErrorCode::CrossDevice.into()),
        }
    }

    /// Takes a listing in.
    fn push_listing(&mut self, listing: Listing) -> FsResult<Resource<DirectoryEntryStream>> {
        let cost = listing.cost();
        let listing = self.host.table.push(listing)?;
        self.listings.count += 1;
        self.listings.held += cost;
        Ok(Resource::new_own(listing.rep()))
    }

    /// Answers what is for the machine's disk: files of `/tmp` are on none, and those of the host are only read, so nothing need be written. What others
    /// have in the machine's memory of its disk, and when that writes, is not a guest's to say.
    fn leave_the_disk(&self, fd: &Resource<Descriptor>) -> FsResult<()> {
        if self.tmp(fd).is_none() {
            self.host.table.get(fd)?;
        }
        Ok(())
    }

    /// Refuses what is neither a file nor a folder of the host: opening a pipe would wait for its other end, and this thread with it.
    async fn check_kind(&mut self, fd: &Resource<Descriptor>, flags: PathFlags, path: &str) -> FsResult<()> {
        let found = self.host.stat_at(Resource::new_borrow(fd.rep()), flags, path.to_owned()).await;
        // What can't be looked at can't be opened either: opening says why.
        match found.map(|found| found.type_) {
            Ok(DescriptorType::RegularFile | DescriptorType::Directory | DescriptorType::SymbolicLink) | Err(_) => Ok(()),
            Ok(_) => Err(ErrorCode::NotPermitted.into()),
        }
    }

    fn push_writer(&mut self, writer: Writer) -> FsResult<Resource<DynOutputStream>> {
        let writer: DynOutputStream = Box::new(writer);
        Ok(self.host.table.push(writer)?)
    }
}

// === impl TmpDescriptor ===

impl TmpDescriptor {
    fn kind(&self) -> Result<Kind, TreeError> {
        Ok(self.handle.tree.lock().stat(self.handle.node)?.kind)
    }

    /// The file, if the handle was opened for `use_`: reading or writing.
    fn file(&self, use_: DescriptorFlags) -> FsResult<&Handle> {
        match self.kind()? {
            Kind::Folder => Err(ErrorCode::IsDirectory.into()),
            Kind::File | Kind::Link if self.flags.contains(use_) => Ok(&self.handle),
            Kind::File | Kind::Link => Err(ErrorCode::BadDescriptor.into()),
        }
    }
}

/// As on Linux, where paths are no longer either.
fn check_length(path: &str) -> FsResult<()> {
    if path.len() > LONGEST_PATH { Err(ErrorCode::NameTooLong.into()) } else { Ok(()) }
}

impl preopens::Host for View<'_> {
    fn get_directories(&mut self) -> wasmtime::Result<Vec<(Resource<Descriptor>, String)>> {
        let mut directories = Vec::new();
        for (folder, guest_path) in self.mounts.folders() {
            directories.push((self.host.table.push(Descriptor::Dir(folder.clone()))?, (*guest_path).to_owned()));
        }
        let root = self.host.table.push(self.tmp.root())?;
        directories.push((Resource::new_own(root.rep()), TMP.to_owned()));
        Ok(directories)
    }
}

impl types::Host for View<'_> {
    fn convert_error_code(&mut self, error: FsError) -> wasmtime::Result<ErrorCode> {
        error.downcast()
    }

    fn filesystem_error_code(&mut self, error: Resource<wasmtime::Error>) -> wasmtime::Result<Option<ErrorCode>> {
        match self.host.table.get(&error)?.downcast_ref::<TreeError>() {
            Some(error) => Ok(Some((*error).into())),
            None => types::Host::filesystem_error_code(&mut self.host, error),
        }
    }
}

impl HostDescriptor for View<'_> {
    async fn advise(&mut self, fd: Resource<Descriptor>, _: Filesize, _: Filesize, _: Advice) -> FsResult<()> {
        self.leave_the_disk(&fd)
    }

    async fn sync_data(&mut self, fd: Resource<Descriptor>) -> FsResult<()> {
        self.leave_the_disk(&fd)
    }

    async fn sync(&mut self, fd: Resource<Descriptor>) -> FsResult<()> {
        self.leave_the_disk(&fd)
    }

    async fn get_flags(&mut self, fd: Resource<Descriptor>) -> FsResult<DescriptorFlags> {
        match self.tmp(&fd) {
            Some(tmp) => Ok(tmp.flags),
            None => self.host.get_flags(fd).await,
        }
    }

    async fn get_type(&mut self, fd: Resource<Descriptor>) -> FsResult<DescriptorType> {
        match self.tmp(&fd) {
            Some(tmp) => Ok(tmp.kind()?.into()),
            None => self.host.get_type(fd).await,
        }
    }

    async fn set_size(&mut self, fd: Resource<Descriptor>, size: Filesize) -> FsResult<()> {
        let Some(tmp) = self.tmp(&fd) else { return self.host.set_size(fd, size).await };
        let handle = tmp.file(DescriptorFlags::WRITE)?;
        Ok(handle.tree.lock().resize(handle.node, size)?)
    }

    async fn set_times(&mut self, fd: Resource<Descriptor>, accessed: NewTimestamp, modified: NewTimestamp) -> FsResult<()> {
        let Some(TmpDescriptor { handle, .. }) = self.tmp(&fd) else { return self.host.set_times(fd, accessed, modified).await };
        Ok(handle.tree.lock().set_times(handle.node, new_time(accessed)?, new_time(modified)?)?)
    }

    async fn set_times_at(
        &mut self,
        fd: Resource<Descriptor>,
        flags: PathFlags,
        path: String,
        accessed: NewTimestamp,
        modified: NewTimestamp,
    ) -> FsResult<()> {
        let Some(TmpDescriptor { handle, .. }) = self.tmp_at(&fd, &path)? else {
            return self.host.set_times_at(fd, flags, path, accessed, modified).await;
        };
        let mut tree = handle.tree.lock();
        let node = tree.find(handle.node, &path, flags.into())?;
        Ok(tree.set_times(node, new_time(accessed)?, new_time(modified)?)?)
    }

    async fn read(&mut self, fd: Resource<Descriptor>, length: Filesize, offset: Filesize) -> FsResult<(Vec<u8>, bool)> {
        let Some(tmp) = self.tmp(&fd) else { return self.host.read(fd, length, offset).await };
        let handle = tmp.file(DescriptorFlags::READ)?;
        let length = usize::try_from(length).unwrap_or(usize::MAX).min(CHUNK);
        let data = handle.tree.lock().read(handle.node, offset, length)?;
        let at_end = data.is_empty() && length > 0;
        Ok((data, at_end))
    }

    async fn write(&mut self, fd: Resource<Descriptor>, data: Vec<u8>, offset: Filesize) -> FsResult<Filesize> {
        let Some(tmp) = self.tmp(&fd) else { return self.host.write(fd, data, offset).await };
        let handle = tmp.file(DescriptorFlags::WRITE)?;
        handle.tree.lock().write(handle.node, offset, &data)?;
        Ok(data.len() as Filesize)
    }

    fn read_via_stream(&mut self, fd: Resource<Descriptor>, offset: Filesize) -> FsResult<Resource<DynInputStream>> {
        let reader: DynInputStream = match self.tmp(&fd) {
            Some(tmp) => Box::new(Reader::new(tmp.file(DescriptorFlags::READ)?.clone(), offset)),
            None => match self.host.table.get(&fd)? {
                Descriptor::File(file) => Box::new(HostReader::new(file.file.clone(), offset)),
                Descriptor::Dir(_) => return Err(ErrorCode::IsDirectory.into()),
            },
        };
        Ok(self.host.table.push(reader)?)
    }

    fn write_via_stream(&mut self, fd: Resource<Descriptor>, offset: Filesize) -> FsResult<Resource<DynOutputStream>> {
        let Some(tmp) = self.tmp(&fd) else { return self.host.write_via_stream(fd, offset) };
        let writer = Writer::new(tmp.file(DescriptorFlags::WRITE)?.clone(), Position::At(offset));
        self.push_writer(writer)
    }

    fn append_via_stream(&mut self, fd: Resource<Descriptor>) -> FsResult<Resource<DynOutputStream>> {
        let Some(tmp) = self.tmp(&fd) else { return self.host.append_via_stream(fd) };
        let writer = Writer::new(tmp.file(DescriptorFlags::WRITE)?.clone(), Position::End);
        self.push_writer(writer)
    }

    async fn read_directory(&mut self, fd: Resource<Descriptor>) -> FsResult<Resource<DirectoryEntryStream>> {
        if self.listings.count >= MOST_LISTINGS {
            return Err(ErrorCode::InsufficientMemory.into());
        }
        let room = MOST_LISTED.saturating_sub(self.listings.held);
        let listing = match self.tmp(&fd) {
            Some(TmpDescriptor { handle, .. }) => {
                let entries = handle.tree.lock().list(handle.node)?;
                Listing::of(entries.into_iter().map(|(name, kind)| Ok(DirectoryEntry { type_: kind.into(), name })), room)?
            }
            None => match self.host.table.get(&fd)? {
                Descriptor::Dir(folder) => Listing::of(listing::entries(&folder.dir)?, room)?,
                Descriptor::File(_) => return Err(ErrorCode::NotDirectory.into()),
            },
        };
        self.push_listing(listing)
    }

    async fn stat(&mut self, fd: Resource<Descriptor>) -> FsResult<DescriptorStat> {
        let Some(TmpDescriptor { handle, .. }) = self.tmp(&fd) else { return self.host.stat(fd).await };
        Ok(handle.tree.lock().stat(handle.node)?.into())
    }

    async fn stat_at(&mut self, fd: Resource<Descriptor>, flags: PathFlags, path: String) -> FsResult<DescriptorStat> {
        let Some(TmpDescriptor { handle, .. }) = self.tmp_at(&fd, &path)? else { return self.host.stat_at(fd, flags, path).await };
        let tree = handle.tree.lock();
        let node = tree.find(handle.node, &path, flags.into())?;
        Ok(tree.stat(node)?.into())
    }

    async fn open_at(
        &mut self,
        fd: Resource<Descriptor>,
        path_flags: PathFlags,
        path: String,
        open_flags: OpenFlags,
        flags: DescriptorFlags,
    ) -> FsResult<Resource<Descriptor>> {
        let Some(TmpDescriptor { handle, .. }) = self.tmp_at(&fd, &path)? else {
            self.check_kind(&fd, path_flags, &path).await?;
            if !descriptors::are_spare() {
                return Err(ErrorCode::InsufficientMemory.into());
            }
            return self.host.open_at(fd, path_flags, path, open_flags, flags).await;
        };
        let node = handle.tree.lock().open(handle.node, &path, open_options(path_flags, open_flags, flags))?;
        let handle = Handle { tree: handle.tree.clone(), node };
        self.push(TmpDescriptor { handle, flags })
    }

    async fn create_directory_at(&mut self, fd: Resource<Descriptor>, path: String) -> FsResult<()> {
        let Some(TmpDescriptor { handle, .. }) = self.tmp_at(&fd, &path)? else { return self.host.create_directory_at(fd, path).await };
        Ok(handle.tree.lock().create_folder(handle.node, &path)?)
    }

    async fn remove_directory_at(&mut self, fd: Resource<Descriptor>, path: String) -> FsResult<()> {
        let Some(TmpDescriptor { handle, .. }) = self.tmp_at(&fd, &path)? else { return self.host.remove_directory_at(fd, path).await };
        Ok(handle.tree.lock().remove_folder(handle.node, &path)?)
    }

    async fn unlink_file_at(&mut self, fd: Resource<Descriptor>, path: String) -> FsResult<()> {
        let Some(TmpDescriptor { handle, .. }) = self.tmp_at(&fd, &path)? else { return self.host.unlink_file_at(fd, path).await };
        Ok(handle.tree.lock().unlink(handle.node, &path)?)
    }

    async fn rename_at(
        &mut self,
        fd: Resource<Descriptor>,
        old_path: String,
        new_fd: Resource<Descriptor>,
        new_path: String,
    ) -> FsResult<()> {
        let Some((old, new)) = self.both((&fd, &old_path), (&new_fd, &new_path))? else {
            return self.host.rename_at(fd, old_path, new_fd, new_path).await;
        };
        Ok(old.tree.lock().rename(old.node, &old_path, new.node, &new_path)?)
    }

    async fn link_at(
        &mut self,
        fd: Resource<Descriptor>,
        flags: PathFlags,
        old_path: String,
        new_fd: Resource<Descriptor>,
        new_path: String,
    ) -> FsResult<()> {
        let Some((old, new)) = self.both((&fd, &old_path), (&new_fd, &new_path))? else {
            return self.host.link_at(fd, flags, old_path, new_fd, new_path).await;
        };
        Ok(old.tree.lock().link(old.node, &old_path, flags.into(), new.node, &new_path)?)
    }

    async fn symlink_at(&mut self, fd: Resource<Descriptor>, target: String, path: String) -> FsResult<()> {
        check_length(&target)?;
        let Some(TmpDescriptor { handle, .. }) = self.tmp_at(&fd, &path)? else { return self.host.symlink_at(fd, target, path).await };
        Ok(handle.tree.lock().symlink(&target, handle.node, &path)?)
    }

    async fn readlink_at(&mut self, fd: Resource<Descriptor>, path: String) -> FsResult<String> {
        let Some(TmpDescriptor { handle, .. }) = self.tmp_at(&fd, &path)? else { return self.host.readlink_at(fd, path).await };
        Ok(handle.tree.lock().read_link(handle.node, &path)?)
    }

    async fn is_same_object(&mut self, a: Resource<Descriptor>, b: Resource<Descriptor>) -> wasmtime::Result<bool> {
        match (self.tmp(&a), self.tmp(&b)) {
            (Some(a), Some(b)) => Ok(a.handle.node == b.handle.node),
            (None, None) => self.host.is_same_object(a, b).await,
            (Some(_), None) | (None, Some(_)) => Ok(false),
        }
    }

    async fn metadata_hash(&mut self, fd: Resource<Descriptor>) -> FsResult<MetadataHashValue> {
        match self.tmp(&fd) {
            Some(tmp) => Ok(metadata_hash(tmp.handle.node)),
            None => self.host.metadata_hash(fd).await,
        }
    }

    async fn metadata_hash_at(&mut self, fd: Resource<Descriptor>, flags: PathFlags, path: String) -> FsResult<MetadataHashValue> {
        let Some(TmpDescriptor { handle, .. }) = self.tmp_at(&fd, &path)? else { return self.host.metadata_hash_at(fd, flags, path).await };
        Ok(metadata_hash(handle.tree.lock().find(handle.node, &path, flags.into())?))
    }

    fn drop(&mut self, fd: Resource<Descriptor>) -> wasmtime::Result<()> {
        if self.tmp(&fd).is_none() {
            return HostDescriptor::drop(&mut self.host, fd);
        }
        self.host.table.delete(Resource::<TmpDescriptor>::new_own(fd.rep()))?;
        Ok(())
    }
}

impl HostDirectoryEntryStream for View<'_> {
    async fn read_directory_entry(&mut self, stream: Resource<DirectoryEntryStream>) -> FsResult<Option<DirectoryEntry>> {
        self.host.table.get_mut(&Resource::<Listing>::new_borrow(stream.rep()))?.next().transpose()
    }

    fn drop(&mut self, stream: Resource<DirectoryEntryStream>) -> wasmtime::Result<()> {
        let listing = self.host.table.delete(Resource::<Listing>::new_own(stream.rep()))?;
        self.listings.count -= 1;
        self.listings.held -= listing.cost();
        Ok(())
    }
}
