//! A file system that takes every request and answers none: who touches it hangs in the kernel, beyond SIGKILL.

use rustix::mount::{MountFlags, UnmountFlags, mount, unmount};
use std::ffi::CString;
use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::AsRawFd;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The request that begins every session, and the size of the head of a request (fuse(4)).
const INIT: u32 = 26;
const HEAD: usize = 40;

pub struct SilentFiles(PathBuf);

impl SilentFiles {
    /// None where it may not be mounted, which is said.
    pub fn mount(at: PathBuf) -> Option<SilentFiles> {
        std::fs::create_dir_all(&at).unwrap();
        let device = match File::options().read(true).write(true).open("/dev/fuse") {
            Ok(device) => Arc::new(device),
            Err(error) => {
                crate::sandbox::skip(format_args!("no file system in user space can be made here: {error}"));
                return None;
            }
        };
        let options = format!("fd={},rootmode=40000,user_id=0,group_id=0,allow_other", device.as_raw_fd());
        let options = CString::new(options).unwrap();
        if let Err(error) = mount("silent", &at, "fuse.silent", MountFlags::empty(), options.as_c_str()) {
            crate::sandbox::skip(format_args!("no file system in user space can be mounted here: {error}"));
            return None;
        }
        std::thread::spawn(move || take_requests(&device));
        Some(SilentFiles(at))
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }
}

/// Answers the first request and none after it, until the file system is gone.
fn take_requests(mut device: &File) {
    let mut request = vec![0u8; 1 << 20];
    while let Ok(length) = device.read(&mut request) {
        assert!(length >= HEAD);
        if u32::from_le_bytes(request[4..8].try_into().unwrap()) != INIT {
            continue;
        }
        let mut answer = Vec::new();
        answer.extend(80u32.to_le_bytes());
        answer.extend(0i32.to_le_bytes());
        answer.extend(&request[8..16]);
        // Version 7.31, read ahead, no flags, requests in the background, bytes of a write, granularity of times.
        for number in [7u32, 31, 65536, 0, 16 | (12 << 16), 65536, 1] {
            answer.extend(number.to_le_bytes());
        }
        answer.resize(80, 0);
        let _ = device.write(&answer);
    }
}

impl Drop for SilentFiles {
    fn drop(&mut self) {
        // By force it ends all requests, and whoever waits for them.
        let path: &Path = &self.0;
        let _ = unmount(path, UnmountFlags::FORCE | UnmountFlags::DETACH);
        let _ = unmount(path, UnmountFlags::DETACH);
    }
}
