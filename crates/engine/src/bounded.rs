//! Files that somebody else may have made: read up to a limit, so that none fills the memory.

use std::{
    fs::File,
    io::{self, Read},
    path::Path,
};

/// The bytes of a file, at most one more than `bytes_max`: whoever reads them then refuses them for their length.
///
/// # Errors
/// What the file system says.
pub fn read(path: &Path, bytes_max: usize) -> io::Result<Vec<u8>> {
    read_from(File::open(path)?, bytes_max)
}

/// As [`read`], of anything that is open.
///
/// # Errors
/// What the reader says.
pub fn read_from(from: impl Read, bytes_max: usize) -> io::Result<Vec<u8>> {
    let room = u64::try_from(bytes_max).unwrap_or(u64::MAX).saturating_add(1);
    let mut bytes = Vec::new();
    from.take(room).read_to_end(&mut bytes)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_more_is_read_than_tells_that_it_is_too_much() {
        assert_eq!(read(Path::new("/dev/zero"), 4_096).unwrap().len(), 4_097);
        assert_eq!(read_from(&b"abc"[..], 3).unwrap(), b"abc");
    }
}
