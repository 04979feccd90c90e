//! The tree by itself, against what POSIX says and against its own invariants.

use super::*;
use proptest::prelude::*;

const ROOT: NodeId = NodeId::ROOT;
const CREATE: OpenOptions =
    OpenOptions { follow: Follow::Yes, create: true, exclusive: false, truncate: false, folder: false, write: true };
const READ: OpenOptions = OpenOptions { create: false, write: false, ..CREATE };

fn tree() -> Tree {
    Tree::new(Quota { bytes: 16 * PAGE as u64, names: 8 })
}

impl Tree {
    /// Makes a file with content, and closes it.
    fn put(&mut self, path: &str, content: &str) -> Result<(), TreeError> {
        let node = self.open(ROOT, path, OpenOptions { truncate: true, ..CREATE })?;
        let result = self.write(node, 0, content.as_bytes());
        self.close(node);
        result
    }

    fn get(&self, path: &str) -> Result<String, TreeError> {
        let node = self.find(ROOT, path, Follow::Yes)?;
        Ok(String::from_utf8(self.read(node, 0, usize::MAX)?).unwrap())
    }

    fn names(&self, path: &str) -> Vec<String> {
        let node = self.find(ROOT, path, Follow::Yes).unwrap();
        self.list(node).unwrap().into_iter().map(|(name, _)| name).collect()
    }

    /// Counts everything anew.
    fn check(&self) {
        let (mut pages, mut names) = (0, 0);
        let mut links: HashMap<NodeId, u32> = [(ROOT, 1)].into();
        for node in self.nodes.values() {
            match &node.body {
                Body::File(content) => pages += content.count(),
                Body::Folder { entries, .. } => {
                    names += entries.len();
                    entries.values().for_each(|child| *links.entry(*child).or_default() += 1);
                }
                Body::Link(_) => {}
            }
        }
        assert_eq!((self.pages, self.names), (pages, names));
        assert!(pages * PAGE as u64 <= self.quota.bytes && names <= self.quota.names);
        for (id, node) in &self.nodes {
            assert_eq!(node.links, links.remove(id).unwrap_or_default(), "{id:?}");
            assert!(!node.is_unused(), "{id:?} is kept for nobody");
        }
        assert!(links.is_empty(), "names of what does not exist: {links:?}");
    }
}

#[test]
fn files_keep_what_was_written_and_holes_are_zeros() {
    let mut tree = tree();
    let file = tree.open(ROOT, "f", CREATE).unwrap();
    tree.write(file, 3 * PAGE as u64 - 1, b"xy").unwrap();
    assert_eq!(tree.stat(file).unwrap().size, 3 * PAGE as u64 + 1);
    assert_eq!(tree.read(file, 3 * PAGE as u64 - 3, 100).unwrap(), [0, 0, b'x', b'y']);
    assert_eq!(tree.pages, 2);
    tree.resize(file, 3 * PAGE as u64).unwrap();
    tree.resize(file, 4 * PAGE as u64).unwrap();
    assert_eq!(tree.read(file, 3 * PAGE as u64 - 2, 4).unwrap(), [0, b'x', 0, 0]);
    tree.append(file, b"end").unwrap();
    assert_eq!(tree.read(file, 4 * PAGE as u64, usize::MAX).unwrap(), b"end");
    assert_eq!(tree.read(file, u64::MAX, usize::MAX).unwrap(), b"");
    assert_eq!(tree.write(file, u64::MAX, b"x"), Err(TreeError::FileTooLarge));
    assert_eq!(tree.write(file, LARGEST_FILE, b"x"), Err(TreeError::FileTooLarge));
    assert_eq!(tree.resize(file, u64::MAX), Err(TreeError::FileTooLarge));
    tree.check();
}

#[test]
fn the_quota_counts_pages_and_names() {
    let mut tree = tree();
    assert_eq!(tree.put("big", &"x".repeat(17 * PAGE)), Err(TreeError::NoSpace));
    tree.put("big", &"x".repeat(16 * PAGE)).unwrap();
    assert_eq!(tree.put("more", "x"), Err(TreeError::NoSpace));
    tree.put("big", "x").unwrap();
    tree.put("more", "x").unwrap();
    for number in 0..6 {
        tree.symlink("big", ROOT, &number.to_string()).unwrap();
    }
    assert_eq!(tree.create_folder(ROOT, "folder"), Err(TreeError::NoSpace));
    assert_eq!(tree.link(ROOT, "big", Follow::No, ROOT, "twice"), Err(TreeError::NoSpace));
    tree.rename(ROOT, "big", ROOT, "renamed").unwrap();
    tree.unlink(ROOT, "0").unwrap();
    tree.create_folder(ROOT, "folder").unwrap();
    tree.check();
}

#[test]
fn opening_follows_posix() {
    let mut tree = tree();
    tree.put("file", "x").unwrap();
    tree.create_folder(ROOT, "folder").unwrap();
    let open = |path: &str, options| tree.walk(ROOT, path, Follow::Yes).and_then(|_| tree_open(&tree, path, options));
    fn tree_open(tree: &Tree, path: &str, options: OpenOptions) -> Result<(), TreeError> {
        tree.check_opening(tree.find(ROOT, path, options.follow)?, options)
    }
    assert_eq!(open("missing", READ), Err(TreeError::NoEntry));
    assert_eq!(open("folder", READ), Ok(()));
    assert_eq!(open("folder", CREATE), Err(TreeError::IsFolder));
    assert_eq!(open("file", OpenOptions { folder: true, ..READ }), Err(TreeError::NotFolder));
    assert_eq!(open("file/", READ), Err(TreeError::NotFolder));
    assert_eq!(open("file/x", READ), Err(TreeError::NotFolder));
    assert_eq!(tree.open(ROOT, "file", OpenOptions { exclusive: true, ..CREATE }), Err(TreeError::Exists));
    assert_eq!(tree.open(ROOT, "missing/", CREATE), Err(TreeError::NoEntry));
    assert_eq!(tree.open(ROOT, "", CREATE), Err(TreeError::NoEntry));
}

#[test]
fn paths_stay_inside() {
    let mut tree = tree();
    tree.create_folder(ROOT, "a").unwrap();
    tree.create_folder(ROOT, "a/b/").unwrap();
    tree.put("a/b/../f", "x").unwrap();
    assert_eq!(tree.get("./a//f"), Ok("x".into()));
    for outside in ["..", "a/../..", "/tmp/a", "/"] {
        assert_eq!(tree.find(ROOT, outside, Follow::Yes), Err(TreeError::NotPermitted), "{outside}");
    }
    let a = tree.find(ROOT, "a", Follow::No).unwrap();
    assert_eq!(tree.find(a, "../a", Follow::No), Err(TreeError::NotPermitted));
    assert_eq!(tree.symlink("/etc/passwd", ROOT, "l"), Err(TreeError::NotPermitted));
    tree.symlink("../../outside", ROOT, "a/l").unwrap();
    assert_eq!(tree.get("a/l"), Err(TreeError::NotPermitted));
    assert_eq!(tree.put(&"x".repeat(256), ""), Err(TreeError::NameTooLong));
    assert_eq!(tree.put(&"x/".repeat(4000), ""), Err(TreeError::NameTooLong));
    assert_eq!(tree.put("a\0b", ""), Err(TreeError::Invalid));
}

#[test]
fn links_lead_to_what_they_name() {
    let mut tree = tree();
    tree.create_folder(ROOT, "d").unwrap();
    tree.put("d/f", "content").unwrap();
    tree.symlink("d", ROOT, "to-d").unwrap();
    tree.symlink("../d/f", ROOT, "d/to-f").unwrap();
    assert_eq!(tree.get("to-d/to-f"), Ok("content".into()));
    assert_eq!(tree.read_link(ROOT, "to-d"), Ok("d".into()));
    assert_eq!(tree.read_link(ROOT, "d"), Err(TreeError::Invalid));
    assert_eq!(tree.open(ROOT, "to-d", OpenOptions { follow: Follow::No, ..READ }), Err(TreeError::Loop));
    tree.symlink("later", ROOT, "dangling").unwrap();
    assert_eq!(tree.get("dangling"), Err(TreeError::NoEntry));
    tree.put("dangling", "made").unwrap();
    assert_eq!(tree.get("later"), Ok("made".into()));
    tree.symlink("loop", ROOT, "loop").unwrap();
    assert_eq!(tree.get("loop"), Err(TreeError::Loop));
    assert_eq!(tree.get("loop/x"), Err(TreeError::Loop));
    tree.unlink(ROOT, "to-d").unwrap();
    assert_eq!(tree.names("d"), ["f", "to-f"]);
    tree.check();
}

#[test]
fn a_file_lives_as_long_as_a_name_or_a_handle() {
    let mut tree = tree();
    let file = tree.open(ROOT, "f", CREATE).unwrap();
    tree.write(file, 0, b"x").unwrap();
    tree.link(ROOT, "f", Follow::No, ROOT, "g").unwrap();
    assert_eq!(tree.stat(file).unwrap().links, 2);
    tree.unlink(ROOT, "f").unwrap();
    tree.unlink(ROOT, "g").unwrap();
    assert_eq!(tree.read(file, 0, 9).unwrap(), b"x");
    tree.check();
    tree.close(file);
    assert_eq!(tree.read(file, 0, 9), Err(TreeError::NoEntry));
    assert_eq!((tree.pages, tree.nodes.len()), (0, 1));
}

#[test]
fn renaming_replaces_what_it_may() {
    let mut tree = tree();
    tree.put("f", "f").unwrap();
    tree.put("g", "g").unwrap();
    for folder in ["empty", "full", "full/inner"] {
        tree.create_folder(ROOT, folder).unwrap();
    }
    let mut rename = |from: &str, to: &str| tree.rename(ROOT, from, ROOT, to);
    assert_eq!(rename("f", "empty"), Err(TreeError::IsFolder));
    assert_eq!(rename("empty", "f"), Err(TreeError::NotFolder));
    assert_eq!(rename("empty", "full"), Err(TreeError::NotEmpty));
    assert_eq!(rename("full", "full/inner/x"), Err(TreeError::Invalid));
    assert_eq!(rename("full", "full/x"), Err(TreeError::Invalid));
    assert_eq!(rename(".", "x"), Err(TreeError::Invalid));
    assert_eq!(rename("missing", "x"), Err(TreeError::NoEntry));
    assert_eq!(rename("f/", "x"), Err(TreeError::NotFolder));
    assert_eq!(rename("f", "f"), Ok(()));
    assert_eq!(rename("f", "g"), Ok(()));
    assert_eq!(rename("full/", "empty/"), Ok(()));
    assert_eq!(rename("g", "empty/inner/g"), Ok(()));
    assert_eq!(tree.get("empty/inner/g"), Ok("f".into()));
    assert_eq!(tree.names("."), ["empty"]);
    tree.check();
}

#[test]
fn removing_asks_for_the_right_kind() {
    let mut tree = tree();
    tree.create_folder(ROOT, "d").unwrap();
    tree.put("d/f", "").unwrap();
    assert_eq!(tree.remove_folder(ROOT, "d"), Err(TreeError::NotEmpty));
    assert_eq!(tree.remove_folder(ROOT, "d/f"), Err(TreeError::NotFolder));
    assert_eq!(tree.unlink(ROOT, "d"), Err(TreeError::IsFolder));
    assert_eq!(tree.remove_folder(ROOT, "."), Err(TreeError::Invalid));
    assert_eq!(tree.create_folder(ROOT, "d"), Err(TreeError::Exists));
    tree.unlink(ROOT, "d/f").unwrap();
    let open = tree.open(ROOT, "d", READ).unwrap();
    tree.remove_folder(ROOT, "d/").unwrap();
    assert_eq!(tree.create_folder(open, "x"), Err(TreeError::NoEntry));
    tree.close(open);
    assert_eq!(tree.nodes.len(), 1);
}

#[test]
fn clearing_leaves_handles_good_and_files_empty() {
    let mut tree = tree();
    let file = tree.open(ROOT, "f", CREATE).unwrap();
    tree.write(file, 0, b"secret").unwrap();
    tree.create_folder(ROOT, "d").unwrap();
    tree.put("d/g", "x").unwrap();
    tree.clear();
    assert!(tree.names(".").is_empty());
    assert_eq!(tree.read(file, 0, 9).unwrap(), b"");
    tree.write(file, 6, b"on").unwrap();
    assert_eq!(tree.read(file, 0, 9).unwrap(), b"\0\0\0\0\0\0on");
    tree.check();
    tree.clear();
    tree.close(file);
    assert_eq!((tree.pages, tree.nodes.len()), (0, 1));
}

#[test]
fn depth_costs_no_stack() {
    let mut tree = Tree::new(Quota { bytes: 1 << 20, names: 20_000 });
    let mut folder = ROOT;
    for _ in 0..20_000 {
        tree.create_folder(folder, "d").unwrap();
        folder = tree.open(folder, "d", READ).unwrap();
    }
    assert_eq!(tree.rename(ROOT, "d", folder, "x"), Err(TreeError::Invalid));
    tree.clear();
}

#[derive(Debug, Clone)]
enum Step {
    Open(String, OpenOptions),
    Close(usize),
    Write(usize, u64, usize),
    Resize(usize, u64),
    CreateFolder(String),
    RemoveFolder(String),
    Unlink(String),
    Rename(String, String),
    Link(String, String),
    Symlink(String, String),
    Clear,
}

fn path() -> impl Strategy<Value = String> {
    let name = prop::sample::select(vec!["a", "b", "c", ".", "..", ""]);
    prop::collection::vec(name, 1..4).prop_map(|names| names.join("/"))
}

fn step() -> impl Strategy<Value = Step> {
    let options = any::<[bool; 6]>().prop_map(|[follow, create, exclusive, truncate, folder, write]| OpenOptions {
        follow: if follow { Follow::Yes } else { Follow::No },
        create,
        exclusive,
        truncate,
        folder,
        write,
    });
    prop_oneof![
        4 => (path(), options).prop_map(|(path, options)| Step::Open(path, options)),
        1 => any::<usize>().prop_map(Step::Close),
        3 => (any::<usize>(), 0..40_000_u64, 0..20_000_usize).prop_map(|(handle, offset, length)| Step::Write(handle, offset, length)),
        1 => (any::<usize>(), 0..40_000_u64).prop_map(|(handle, size)| Step::Resize(handle, size)),
        2 => path().prop_map(Step::CreateFolder),
        1 => path().prop_map(Step::RemoveFolder),
        1 => path().prop_map(Step::Unlink),
        2 => (path(), path()).prop_map(|(from, to)| Step::Rename(from, to)),
        1 => (path(), path()).prop_map(|(from, to)| Step::Link(from, to)),
        1 => (path(), path()).prop_map(|(target, at)| Step::Symlink(target, at)),
        1 => Just(Step::Clear),
    ]
}

proptest! {
    #[test]
    fn whatever_happens_the_counts_are_right(steps in prop::collection::vec(step(), 1..60)) {
        let mut tree = tree();
        let mut open = vec![ROOT];
        tree.retain(ROOT);
        for step in steps {
            let handle = |number: usize| open[number % open.len()];
            match step {
                Step::Open(path, options) => open.extend(tree.open(ROOT, &path, options)),
                Step::Close(number) if open.len() > 1 => tree.close(open.swap_remove(1 + number % (open.len() - 1))),
                Step::Close(_) => {}
                Step::Write(number, offset, length) => drop(tree.write(handle(number), offset, &vec![1; length])),
                Step::Resize(number, size) => drop(tree.resize(handle(number), size)),
                Step::CreateFolder(path) => drop(tree.create_folder(ROOT, &path)),
                Step::RemoveFolder(path) => drop(tree.remove_folder(ROOT, &path)),
                Step::Unlink(path) => drop(tree.unlink(ROOT, &path)),
                Step::Rename(from, to) => drop(tree.rename(ROOT, &from, ROOT, &to)),
                Step::Link(from, to) => drop(tree.link(ROOT, &from, Follow::No, ROOT, &to)),
                Step::Symlink(target, at) => drop(tree.symlink(&target, ROOT, &at)),
                Step::Clear => tree.clear(),
            }
            tree.check();
        }
    }

    #[test]
    fn a_file_is_like_an_array(writes in prop::collection::vec((0..20_000_u64, 0..9_000_usize, any::<u8>(), prop::option::of(0..20_000_u64)), 1..12)) {
        let mut tree = tree();
        let file = tree.open(ROOT, "f", CREATE).unwrap();
        let mut model = Vec::new();
        for (offset, length, byte, size) in writes {
            tree.write(file, offset, &vec![byte; length]).unwrap();
            let end = offset as usize + length;
            if length > 0 {
                model.resize(model.len().max(end), 0);
                model[offset as usize..end].fill(byte);
            }
            if let Some(size) = size {
                tree.resize(file, size).unwrap();
                model.resize(size as usize, 0);
            }
            prop_assert_eq!(&tree.read(file, 0, usize::MAX).unwrap(), &model);
            prop_assert_eq!(tree.read(file, offset, 5).unwrap(), model.iter().skip(offset as usize).take(5).copied().collect::<Vec<_>>());
        }
    }
}
