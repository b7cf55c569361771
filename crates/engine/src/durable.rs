//! Small files that outlive a power cut: whole or not there, never half.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Write},
    os::unix::fs::OpenOptionsExt,
    path::Path,
};

/// Puts what `write` writes in a file's place: temporary file, fsync, rename, fsync of the folder. On an error the
/// file has its old bytes or the new ones. One writer at a time per file.
///
/// # Errors
/// What the file system says.
pub fn replace(path: &Path, write: impl FnOnce(&mut File) -> io::Result<()>) -> io::Result<()> {
    replace_as(path, 0o666, write)
}

/// As [`replace`], with bytes that are there.
///
/// # Errors
/// What the file system says.
pub fn write(path: &Path, bytes: &[u8]) -> io::Result<()> {
    replace(path, |file| file.write_all(bytes))
}

/// As [`replace`], with these rights (less the process's mask) from the first byte on.
///
/// # Errors
/// What the file system says.
pub fn replace_as(path: &Path, mode: u32, write: impl FnOnce(&mut File) -> io::Result<()>) -> io::Result<()> {
    let temporary = path.with_added_extension("tmp");
    // It may be left from a crash, with any rights.
    let _ = fs::remove_file(&temporary);
    let mut options = OpenOptions::new();
    let mut file = options.write(true).create_new(true).mode(mode).open(&temporary)?;
    write(&mut file)?;
    file.sync_all()?;
    fs::rename(&temporary, path)?;
    sync_parent(path)
}

/// Makes the entries of a file's folder durable.
///
/// # Errors
/// What the file system says.
pub fn sync_parent(path: &Path) -> io::Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    File::open(folder.unwrap_or(Path::new(".")))?.sync_all()
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn what_a_crash_left_does_not_stay() {
        let dir = tempfile::TempDir::new().unwrap();
        let path = dir.path().join("state");
        fs::write(dir.path().join("state.tmp"), "half of something longer").unwrap();
        write(&path, b"one").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"one");
        write(&path, b"two").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"two");
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_secret_never_has_the_rights_of_what_a_crash_left() {
        let dir = tempfile::TempDir::new().unwrap();
        let path = dir.path().join("key");
        fs::write(dir.path().join("key.tmp"), "").unwrap();
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_ne!(mode(&dir.path().join("key.tmp")), 0o600);
        replace_as(&path, 0o600, |file| file.write_all(b"secret")).unwrap();
        assert_eq!(mode(&path), 0o600);
    }
}
