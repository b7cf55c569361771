//! The trace that `disk_recorder` writes: every change of a folder, and every sync, in the order of their effects.
//! A write stands where it had returned. A sync stands twice: what was written before it began is durable once it
//! has ended.

/// What was done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A file was opened that was there; the data is its path.
    Opened,
    /// A file was made; the data is its path.
    Created,
    /// A folder was made; the data is its path.
    FolderMade,
    /// The data was written at an offset.
    Written,
    /// The file's length was set to the offset.
    Cut,
    /// The data is two paths with a zero byte between: the second now names what the first named.
    Renamed,
    /// The name in the data was removed.
    Removed,
    /// A sync began, of a file, a folder or [`WHOLE_DISK`]; the offset is its number.
    SyncBegan,
    /// The sync with this number ended well.
    SyncEnded,
}

/// In place of an inode: all files and folders (`syncfs`).
pub const WHOLE_DISK: u64 = 0;

const KINDS: [Kind; 9] = [
    Kind::Opened,
    Kind::Created,
    Kind::FolderMade,
    Kind::Written,
    Kind::Cut,
    Kind::Renamed,
    Kind::Removed,
    Kind::SyncBegan,
    Kind::SyncEnded,
];

/// One step of a trace.
#[derive(Clone, Copy, Debug)]
pub struct Step<'a> {
    /// What was done.
    pub kind: Kind,
    /// To which file or folder; 0 where paths tell.
    pub inode: u64,
    /// An offset, a length or a number.
    pub offset: u64,
    /// Bytes or paths.
    pub data: &'a [u8],
}

const HEADER_BYTES: usize = 1 + 8 + 8 + 4;

impl<'a> Step<'a> {
    /// The step as bytes.
    pub fn encode(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(HEADER_BYTES + self.data.len());
        let kind = KINDS
            .iter()
            .position(|kind| *kind == self.kind)
            .unwrap_or_default();
        bytes.push(kind as u8);
        bytes.extend_from_slice(&self.inode.to_le_bytes());
        bytes.extend_from_slice(&self.offset.to_le_bytes());
        bytes.extend_from_slice(&(self.data.len() as u32).to_le_bytes());
        bytes.extend_from_slice(self.data);
        bytes
    }

    /// The first step in some bytes, and what follows it. None at the end, or where a killed writer left half a step.
    pub fn decode(bytes: &'a [u8]) -> Option<(Step<'a>, &'a [u8])> {
        let (header, rest) = bytes.split_at_checked(HEADER_BYTES)?;
        let number = |range: std::ops::Range<usize>| {
            let mut number = [0; 8];
            number[..range.len()].copy_from_slice(&header[range]);
            u64::from_le_bytes(number)
        };
        let (data, rest) = rest.split_at_checked(number(17..21) as usize)?;
        let kind = *KINDS.get(header[0] as usize)?;
        let step = Step {
            kind,
            inode: number(1..9),
            offset: number(9..17),
            data,
        };
        Some((step, rest))
    }
}
