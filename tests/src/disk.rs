//! A disk that loses power: follows a trace, and at any step lays out a folder as a power cut could have left it.
//!
//! Kept: what was written to a file before a sync of it began that has ended; the names changed in a folder before a
//! sync of that folder began that has ended; both everywhere, before a `syncfs` began that has ended. Of everything else any part may be missing: a write may be kept, lost or
//! torn at sectors; of the changes of one name the last ones may be lost.

use std::{
    collections::{BTreeMap, BTreeSet},
    ffi::OsStr,
    fs,
    os::unix::ffi::OsStrExt,
    path::{Path, PathBuf},
};

use crate::{
    random::Random,
    trace::{Kind, Step, WHOLE_DISK},
};

/// What a disk writes whole or not at all.
const SECTOR: usize = 512;

/// The disk.
#[derive(Clone, Debug, Default)]
pub struct Disk {
    files: Vec<File>,
    /// The file that an inode stands for now.
    inodes: BTreeMap<u64, usize>,
    /// The folder that an inode stands for.
    folders: BTreeMap<u64, PathBuf>,
    /// The names as the running process sees them.
    seen: Names,
    /// The names as they are on the disk for certain.
    certain: Names,
    /// Changes of names that may be lost.
    open_names: Vec<(u64, NameChange)>,
    /// Where each running sync began: the step, and the inode.
    syncs: BTreeMap<u64, (u64, u64)>,
    steps: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Node {
    Folder,
    File(usize),
}

type Names = BTreeMap<PathBuf, Node>;

#[derive(Clone, Debug)]
enum NameChange {
    Made(PathBuf, Node),
    Renamed(PathBuf, PathBuf, Node),
    Removed(PathBuf),
}

impl NameChange {
    /// The name whose changes happen in order.
    fn name(&self) -> &Path {
        match self {
            NameChange::Made(name, _) | NameChange::Renamed(_, name, _) | NameChange::Removed(name) => name,
        }
    }

    fn apply(&self, names: &mut Names) {
        match self {
            NameChange::Made(name, node) => drop(names.insert(name.clone(), *node)),
            NameChange::Renamed(from, to, node) => {
                // Another file may have the old name by now, where the change before was lost.
                if names.get(from) == Some(node) {
                    names.remove(from);
                }
                names.insert(to.clone(), *node);
            }
            NameChange::Removed(name) => {
                if names.remove(name) == Some(Node::Folder) {
                    // It was empty, whatever of that had reached the disk.
                    names.retain(|other, _| !other.starts_with(name));
                }
            }
        }
    }
}

/// A file's bytes: for certain, and what may be lost.
#[derive(Clone, Debug, Default)]
struct File {
    certain: Vec<u8>,
    open: Vec<(u64, Data)>,
}

#[derive(Clone, Debug)]
enum Data {
    Written { offset: usize, bytes: Vec<u8> },
    Cut { length: usize },
}

impl Data {
    fn apply(&self, file: &mut Vec<u8>) {
        match self {
            Data::Written { offset, bytes } => {
                let end = offset + bytes.len();
                if file.len() < end {
                    file.resize(end, 0);
                }
                file[*offset..end].copy_from_slice(bytes);
            }
            Data::Cut { length } => file.resize(*length, 0),
        }
    }

    /// Applies some of the sectors only. The length may have grown although the bytes are not there.
    fn tear(&self, file: &mut Vec<u8>, random: &mut Random) {
        let Data::Written { offset, bytes } = self else {
            return self.apply(file);
        };
        let mut at = 0;
        while at < bytes.len() {
            let length = (SECTOR - (offset + at) % SECTOR).min(bytes.len() - at);
            if random.percent(50) {
                let part = bytes[at..at + length].to_vec();
                Data::Written {
                    offset: offset + at,
                    bytes: part,
                }
                .apply(file);
            }
            at += length;
        }
        if random.percent(50) && file.len() < offset + bytes.len() {
            file.resize(offset + bytes.len(), 0);
        }
    }
}

/// How much of what may be lost is lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Loss {
    /// Nothing: the process was killed, and the machine goes on.
    Nothing,
    /// All of it.
    All,
    /// Each write and each name by chance: kept in so many of 100 cases.
    Some {
        /// Per cent.
        kept: u64,
    },
}

impl Disk {
    /// A folder that is there for certain, before the first step.
    pub fn know_folder(&mut self, folder: &Path) {
        self.certain.insert(folder.to_owned(), Node::Folder);
        self.seen.insert(folder.to_owned(), Node::Folder);
    }

    /// Takes the next step.
    pub fn step(&mut self, step: &Step<'_>) {
        self.steps += 1;
        let path = |bytes: &[u8]| PathBuf::from(OsStr::from_bytes(bytes));
        match step.kind {
            Kind::Opened => match self.seen.get(&path(step.data)) {
                // The number of what is gone may stand for something else now.
                Some(Node::File(file)) => {
                    self.folders.remove(&step.inode);
                    self.inodes.insert(step.inode, *file);
                }
                _ => {
                    self.inodes.remove(&step.inode);
                    self.folders.insert(step.inode, path(step.data));
                }
            },
            Kind::Created => {
                let node = Node::File(self.files.len());
                self.folders.remove(&step.inode);
                self.inodes.insert(step.inode, self.files.len());
                self.files.push(File::default());
                self.change(NameChange::Made(path(step.data), node));
            }
            Kind::FolderMade => self.change(NameChange::Made(path(step.data), Node::Folder)),
            Kind::Written => self.data(
                step.inode,
                Data::Written {
                    offset: step.offset as usize,
                    bytes: step.data.to_vec(),
                },
            ),
            Kind::Cut => self.data(
                step.inode,
                Data::Cut {
                    length: step.offset as usize,
                },
            ),
            Kind::Renamed => {
                let zero = step.data.iter().position(|byte| *byte == 0).unwrap();
                let (from, to) = (path(&step.data[..zero]), path(&step.data[zero + 1..]));
                let node = *self
                    .seen
                    .get(&from)
                    .unwrap_or_else(|| panic!("the trace never made {from:?}"));
                self.change(NameChange::Renamed(from, to, node));
            }
            Kind::Removed => self.change(NameChange::Removed(path(step.data))),
            Kind::SyncBegan => drop(self.syncs.insert(step.offset, (self.steps, step.inode))),
            Kind::SyncEnded => {
                let (began, inode) = self
                    .syncs
                    .remove(&step.offset)
                    .expect("a sync begins before it ends");
                self.synced(inode, began);
            }
        }
    }

    fn data(&mut self, inode: u64, data: Data) {
        let file = *self
            .inodes
            .get(&inode)
            .expect("a file is opened before it is written");
        self.files[file].open.push((self.steps, data));
    }

    fn change(&mut self, change: NameChange) {
        change.apply(&mut self.seen);
        self.open_names.push((self.steps, change));
    }

    /// What a file holds, as the running process sees it.
    pub fn bytes(&self, name: &Path) -> Option<Vec<u8>> {
        match self.seen.get(name)? {
            Node::Folder => None,
            Node::File(file) => Some(self.files[*file].after(Loss::Nothing, &mut Random::new(0))),
        }
    }

    fn synced(&mut self, inode: u64, began: u64) {
        if inode == WHOLE_DISK {
            self.files.iter_mut().for_each(|file| file.synced(began));
            let certain = &mut self.certain;
            self.open_names.retain(|(step, change)| {
                if *step < began {
                    change.apply(certain);
                }
                *step >= began
            });
            return;
        }
        if let Some(file) = self.inodes.get(&inode) {
            self.files[*file].synced(began);
        }
        if let Some(folder) = self.folders.get(&inode) {
            let certain = &mut self.certain;
            self.open_names.retain(|(step, change)| {
                let kept = *step < began && change.name().parent() == Some(folder);
                if kept {
                    change.apply(certain);
                }
                !kept
            });
        }
    }

    /// Lays out below `to` what a power cut now leaves of `root`.
    pub fn cut(&self, root: &Path, to: &Path, loss: Loss, random: &mut Random) {
        let names = self.names_after(loss, random);
        for (name, node) in &names {
            let Ok(inside) = name.strip_prefix(root) else {
                continue;
            };
            let target = to.join(inside);
            // A file whose folder was lost is lost.
            if !target.parent().is_some_and(Path::is_dir) && !inside.as_os_str().is_empty() {
                continue;
            }
            match node {
                Node::Folder => fs::create_dir_all(&target).unwrap(),
                Node::File(file) => fs::write(&target, self.files[*file].after(loss, random)).unwrap(),
            }
        }
    }

    fn names_after(&self, loss: Loss, random: &mut Random) -> Names {
        let mut names = self.certain.clone();
        let mut lost = BTreeSet::new();
        for (_, change) in &self.open_names {
            let kept = match loss {
                Loss::Nothing => true,
                Loss::All => false,
                Loss::Some { kept } => random.percent(kept),
            };
            // Of one name's changes, only the last ones are lost.
            if kept && !lost.contains(change.name()) {
                change.apply(&mut names);
            } else {
                lost.insert(change.name());
            }
        }
        names
    }
}

impl File {
    /// What was written before this step is on the disk for certain.
    fn synced(&mut self, began: u64) {
        let certain = &mut self.certain;
        self.open.retain(|(step, data)| {
            if *step < began {
                data.apply(certain);
            }
            *step >= began
        });
    }

    fn after(&self, loss: Loss, random: &mut Random) -> Vec<u8> {
        let mut bytes = self.certain.clone();
        for (_, data) in &self.open {
            match loss {
                Loss::Nothing => data.apply(&mut bytes),
                Loss::All => {}
                Loss::Some { kept } if random.percent(kept) => data.apply(&mut bytes),
                Loss::Some { .. } if random.percent(50) => data.tear(&mut bytes, random),
                Loss::Some { .. } => {}
            }
        }
        bytes
    }
}
