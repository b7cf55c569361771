//! Preloaded into a process (`LD_PRELOAD`), records every change it makes below a folder, and every sync, in a trace.
//! SIGKILL cannot show a missing sync, since the kernel keeps what was written; a replay of this trace can.
//!
//! `SHILU_RECORD_ROOT` names the folder, `SHILU_RECORD_TRACE` the trace, which lies elsewhere. `SHILU_RECORD_LOSE`
//! names one kind of sync that does nothing and is not recorded, a disk that lies: `fdatasync`, `syncfs`, or
//! `checkpoint`, the `fsync` of the published checkpoint's file. `sync_file_range` is not recorded, for it makes nothing
//! durable.

#![allow(unsafe_code, reason = "it takes the place of functions of the C library")]
#![allow(missing_docs, reason = "the functions are those of the C library")]
#![allow(
    clippy::missing_safety_doc,
    clippy::as_conversions,
    clippy::indexing_slicing,
    reason = "the contracts and the types are those of the C library"
)]

#[path = "../src/trace.rs"]
#[allow(dead_code, reason = "the other half is the reader's")]
mod trace;

use std::{
    collections::BTreeSet,
    ffi::{CStr, CString, OsString},
    os::unix::ffi::OsStringExt,
    sync::{
        Mutex, MutexGuard, OnceLock, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use libc::{c_char, c_int, c_long, c_void, iovec, mode_t, off_t, size_t, ssize_t};
use trace::{Kind, Step, WHOLE_DISK};

struct Recorder {
    root: Vec<u8>,
    trace: c_int,
    lose: Vec<u8>,
    /// Files and folders below the root. Held while a change is made and recorded, so that the trace has their order.
    watched: Mutex<BTreeSet<u64>>,
    syncs: AtomicU64,
}

fn recorder() -> Option<&'static Recorder> {
    static RECORDER: OnceLock<Option<Recorder>> = OnceLock::new();
    RECORDER
        .get_or_init(|| {
            let bytes = |name| std::env::var_os(name).map(OsString::into_vec);
            let root = bytes("SHILU_RECORD_ROOT")?;
            let trace = CString::new(bytes("SHILU_RECORD_TRACE")?).ok()?;
            let flags = libc::O_WRONLY | libc::O_CREAT | libc::O_APPEND | libc::O_CLOEXEC;
            // SAFETY: the path is a C string.
            let trace =
                unsafe { libc::syscall(libc::SYS_openat, libc::AT_FDCWD, trace.as_ptr(), flags, 0o644) }
                    as c_int;
            assert!(trace >= 0, "the trace cannot be opened");
            Some(Recorder {
                root,
                trace,
                lose: bytes("SHILU_RECORD_LOSE").unwrap_or_default(),
                watched: Mutex::default(),
                // Different in every process that adds to a trace.
                syncs: AtomicU64::new(u64::from(std::process::id()) << 32),
            })
        })
        .as_ref()
}

impl Recorder {
    fn lock(&self) -> MutexGuard<'_, BTreeSet<u64>> {
        self.watched.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn covers(&self, path: &CStr) -> bool {
        path.to_bytes().starts_with(&self.root)
    }

    fn loses(&self, fd: c_int, call: c_long) -> bool {
        match &self.lose[..] {
            b"fdatasync" => call == libc::SYS_fdatasync,
            b"syncfs" => call == libc::SYS_syncfs,
            b"checkpoint" => call == libc::SYS_fsync && path_of(fd).ends_with(b"/public/checkpoint.tmp"),
            _ => false,
        }
    }

    fn record(&self, kind: Kind, inode: u64, offset: u64, data: &[u8]) {
        let bytes = Step {
            kind,
            inode,
            offset,
            data,
        }
        .encode();
        let mut rest = &bytes[..];
        while !rest.is_empty() {
            // SAFETY: the buffer is `rest`.
            let written = unsafe { libc::syscall(libc::SYS_write, self.trace, rest.as_ptr(), rest.len()) };
            assert!(written > 0, "the trace cannot be written");
            rest = &rest[written as usize..];
        }
    }
}

/// What tells files apart.
fn inode(fd: c_int) -> Option<u64> {
    // SAFETY: zeros are a valid `stat`, and it is ours.
    let (status, result) = unsafe {
        let mut status: libc::stat = std::mem::zeroed();
        let result = libc::fstat(fd, &raw mut status);
        (status, result)
    };
    (result == 0).then(|| status.st_ino ^ status.st_dev.rotate_left(40))
}

/// The path of an open file or folder; empty if it has none.
fn path_of(fd: c_int) -> Vec<u8> {
    let mut path = vec![0; 4_096];
    let link = format!("/proc/self/fd/{fd}\0");
    // SAFETY: the link is a C string, and the buffer is `path`.
    let length = unsafe { libc::readlink(link.as_ptr().cast(), path.as_mut_ptr().cast(), path.len()) };
    path.truncate(usize::try_from(length).unwrap_or(0));
    path
}

/// The whole path of a name below an open folder.
fn path_at(folder: c_int, name: &CStr) -> CString {
    if folder == libc::AT_FDCWD || name.to_bytes().starts_with(b"/") {
        return name.to_owned();
    }
    let mut path = path_of(folder);
    path.push(b'/');
    path.extend_from_slice(name.to_bytes());
    CString::new(path).unwrap_or_default()
}

fn exists(path: &CStr) -> bool {
    // SAFETY: the path is a C string.
    unsafe { libc::syscall(libc::SYS_faccessat, libc::AT_FDCWD, path.as_ptr(), libc::F_OK) == 0 }
}

unsafe fn open_any(folder: c_int, path: *const c_char, flags: c_int, mode: mode_t) -> c_int {
    // SAFETY: the caller's arguments are those of `openat`.
    let open =
        || unsafe { libc::syscall(libc::SYS_openat, folder, path, flags, c_long::from(mode)) as c_int };
    // SAFETY: a path is a C string.
    let name = &path_at(folder, unsafe { CStr::from_ptr(path) });
    let Some(recorder) = recorder().filter(|recorder| recorder.covers(name)) else {
        return open();
    };
    let mut watched = recorder.lock();
    let new = flags & libc::O_CREAT != 0 && !exists(name);
    let fd = open();
    if let Some(inode) = (fd >= 0).then(|| inode(fd)).flatten() {
        let kind = if new { Kind::Created } else { Kind::Opened };
        recorder.record(kind, inode, 0, name.to_bytes());
        if !new && flags & libc::O_TRUNC != 0 {
            recorder.record(Kind::Cut, inode, 0, &[]);
        }
        watched.insert(inode);
    }
    fd
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn open(path: *const c_char, flags: c_int, mode: mode_t) -> c_int {
    // SAFETY: as for `open`.
    unsafe { open_any(libc::AT_FDCWD, path, flags, mode) }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn open64(path: *const c_char, flags: c_int, mode: mode_t) -> c_int {
    // SAFETY: as for `open`.
    unsafe { open_any(libc::AT_FDCWD, path, flags, mode) }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn openat(folder: c_int, path: *const c_char, flags: c_int, mode: mode_t) -> c_int {
    // SAFETY: as for `openat`.
    unsafe { open_any(folder, path, flags, mode) }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn openat64(folder: c_int, path: *const c_char, flags: c_int, mode: mode_t) -> c_int {
    // SAFETY: as for `openat`.
    unsafe { open_any(folder, path, flags, mode) }
}

/// Makes a change of an open file and records it, both under the lock.
fn change(fd: c_int, make: impl FnOnce() -> c_long, record: impl FnOnce(&Recorder, u64, c_long)) -> c_long {
    let watched = recorder().and_then(|recorder| {
        let inode = inode(fd)?;
        let watched = recorder.lock();
        watched.contains(&inode).then_some((recorder, inode, watched))
    });
    match watched {
        None => make(),
        Some((recorder, inode, _watched)) => {
            let result = make();
            if result >= 0 {
                record(recorder, inode, result);
            }
            result
        }
    }
}

/// Where a plain write of so many bytes went.
fn written_at(fd: c_int, bytes: c_long) -> u64 {
    // SAFETY: asks only.
    let end = unsafe { libc::lseek(fd, 0, libc::SEEK_CUR) };
    (end - bytes) as u64
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn write(fd: c_int, data: *const c_void, count: size_t) -> ssize_t {
    // SAFETY: as for `write`.
    let make = || unsafe { libc::syscall(libc::SYS_write, fd, data, count) };
    let result = change(fd, make, |recorder, inode, written| {
        // SAFETY: so many bytes were just read from there.
        let data = unsafe { std::slice::from_raw_parts(data.cast(), written as usize) };
        recorder.record(Kind::Written, inode, written_at(fd, written), data);
    });
    result as ssize_t
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn writev(fd: c_int, parts: *const iovec, count: c_int) -> ssize_t {
    // SAFETY: as for `writev`.
    let make = || unsafe { libc::syscall(libc::SYS_writev, fd, parts, c_long::from(count)) };
    let result = change(fd, make, |recorder, inode, written| {
        // SAFETY: the parts were just read from there.
        let data: Vec<u8> = unsafe { std::slice::from_raw_parts(parts, count as usize) }
            .iter()
            .filter(|part| part.iov_len > 0)
            .flat_map(|part| unsafe { std::slice::from_raw_parts(part.iov_base.cast::<u8>(), part.iov_len) })
            .copied()
            .take(written as usize)
            .collect();
        recorder.record(Kind::Written, inode, written_at(fd, written), &data);
    });
    result as ssize_t
}

unsafe fn pwrite_any(fd: c_int, data: *const c_void, count: size_t, offset: off_t) -> ssize_t {
    // SAFETY: as for `pwrite`.
    let make = || unsafe { libc::syscall(libc::SYS_pwrite64, fd, data, count, offset) };
    let result = change(fd, make, |recorder, inode, written| {
        // SAFETY: so many bytes were just read from there.
        let data = unsafe { std::slice::from_raw_parts(data.cast(), written as usize) };
        recorder.record(Kind::Written, inode, offset as u64, data);
    });
    result as ssize_t
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn pwrite(fd: c_int, data: *const c_void, count: size_t, offset: off_t) -> ssize_t {
    // SAFETY: as for `pwrite`.
    unsafe { pwrite_any(fd, data, count, offset) }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn pwrite64(fd: c_int, data: *const c_void, count: size_t, offset: off_t) -> ssize_t {
    // SAFETY: as for `pwrite`.
    unsafe { pwrite_any(fd, data, count, offset) }
}

fn ftruncate_any(fd: c_int, length: off_t) -> c_int {
    // SAFETY: numbers only.
    let make = || unsafe { libc::syscall(libc::SYS_ftruncate, fd, length) };
    change(fd, make, |recorder, inode, _| {
        recorder.record(Kind::Cut, inode, length as u64, &[])
    }) as c_int
}

#[unsafe(no_mangle)]
pub extern "C" fn ftruncate(fd: c_int, length: off_t) -> c_int {
    ftruncate_any(fd, length)
}

#[unsafe(no_mangle)]
pub extern "C" fn ftruncate64(fd: c_int, length: off_t) -> c_int {
    ftruncate_any(fd, length)
}

/// Other threads write while a sync runs, so the lock is not held.
fn sync(fd: c_int, call: c_long) -> c_int {
    let watched = recorder().and_then(|recorder| {
        let inode = inode(fd)?;
        recorder.lock().contains(&inode).then_some((recorder, inode))
    });
    // SAFETY: numbers only.
    let make = || unsafe { libc::syscall(call, fd) as c_int };
    let Some((recorder, inode)) = watched else {
        return make();
    };
    if recorder.loses(fd, call) {
        return 0;
    }
    let inode = if call == libc::SYS_syncfs {
        WHOLE_DISK
    } else {
        inode
    };
    let number = recorder.syncs.fetch_add(1, Ordering::SeqCst);
    {
        let _order = recorder.lock();
        recorder.record(Kind::SyncBegan, inode, number, &[]);
    }
    let result = make();
    if result == 0 {
        let _order = recorder.lock();
        recorder.record(Kind::SyncEnded, inode, number, &[]);
    }
    result
}

#[unsafe(no_mangle)]
pub extern "C" fn fsync(fd: c_int) -> c_int {
    sync(fd, libc::SYS_fsync)
}

#[unsafe(no_mangle)]
pub extern "C" fn fdatasync(fd: c_int) -> c_int {
    sync(fd, libc::SYS_fdatasync)
}

#[unsafe(no_mangle)]
pub extern "C" fn syncfs(fd: c_int) -> c_int {
    sync(fd, libc::SYS_syncfs)
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn mkdir(path: *const c_char, mode: mode_t) -> c_int {
    // SAFETY: as for `mkdir`.
    let make =
        || unsafe { libc::syscall(libc::SYS_mkdirat, libc::AT_FDCWD, path, c_long::from(mode)) as c_int };
    // SAFETY: a path is a C string.
    named(unsafe { CStr::from_ptr(path) }, None, Kind::FolderMade, make)
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn rename(from: *const c_char, to: *const c_char) -> c_int {
    // SAFETY: as for `rename`.
    let make = || unsafe {
        let here = c_long::from(libc::AT_FDCWD);
        libc::syscall(libc::SYS_renameat2, here, from, here, to, 0) as c_int
    };
    // SAFETY: paths are C strings.
    let (from, to) = unsafe { (CStr::from_ptr(from), CStr::from_ptr(to)) };
    named(from, Some(to), Kind::Renamed, make)
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn unlink(path: *const c_char) -> c_int {
    // SAFETY: as for `unlink`.
    unsafe { unlinkat(libc::AT_FDCWD, path, 0) }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn rmdir(path: *const c_char) -> c_int {
    // SAFETY: as for `rmdir`.
    unsafe { unlinkat(libc::AT_FDCWD, path, libc::AT_REMOVEDIR) }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn unlinkat(folder: c_int, path: *const c_char, flags: c_int) -> c_int {
    // SAFETY: as for `unlinkat`.
    let make = || unsafe { libc::syscall(libc::SYS_unlinkat, folder, path, flags) as c_int };
    // SAFETY: a path is a C string.
    let name = path_at(folder, unsafe { CStr::from_ptr(path) });
    named(&name, None, Kind::Removed, make)
}

/// Changes a name and records it, both under the lock.
fn named(path: &CStr, to: Option<&CStr>, kind: Kind, make: impl FnOnce() -> c_int) -> c_int {
    let Some(recorder) = recorder().filter(|recorder| recorder.covers(path)) else {
        return make();
    };
    let _order = recorder.lock();
    let result = make();
    if result == 0 {
        let mut data = path.to_bytes().to_vec();
        if let Some(to) = to {
            data.push(0);
            data.extend_from_slice(to.to_bytes());
        }
        recorder.record(kind, 0, 0, &data);
    }
    result
}
