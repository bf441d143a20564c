//! ELF files: the machine that they are for, the libraries that they need, and whether they want an executable stack.

use object::elf;
use object::read::elf::{Dyn, FileHeader, ProgramHeader};
use object::{Endianness, ReadCache, ReadRef};
use std::fs::File;
use std::io;
use std::path::Path;

/// What the loader reads of a program or library.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Elf {
    /// `x86_64`, `aarch64`, …
    pub machine: String,
    pub needed: Vec<String>,
    /// `RPATH` and `RUNPATH`, as they stand: with `$ORIGIN`, parted by colons.
    pub rpath: Option<String>,
    pub runpath: Option<String>,
    pub wants_executable_stack: bool,
}

/// Reads the headers of an ELF file, not the whole file.
///
/// # Errors
/// It cannot be opened, is no ELF file, or is cut in its headers (`InvalidData`).
pub fn read(path: &Path) -> io::Result<Elf> {
    let file = File::open(path)?;
    let cache = ReadCache::new(file);
    let magic = cache.read_bytes_at(0, 5).map_err(|()| bad("is shorter than an ELF header"))?;
    match magic {
        [0x7f, b'E', b'L', b'F', 2] => parse::<elf::FileHeader64<Endianness>, _>(&cache),
        [0x7f, b'E', b'L', b'F', 1] => parse::<elf::FileHeader32<Endianness>, _>(&cache),
        _ => Err(bad("is not an ELF file")),
    }
}

fn bad(why: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, why)
}

fn parse<'data, H: FileHeader<Endian = Endianness>, R: ReadRef<'data>>(data: R) -> io::Result<Elf> {
    let read = || -> object::Result<Elf> {
        let header = H::parse(data)?;
        let endian = header.endian()?;
        let mut found = Elf { machine: machine(header.e_machine(endian)), ..Elf::default() };
        let segments = header.program_headers(endian, data)?;
        let mut dynamic = None;
        for segment in segments {
            if segment.p_type(endian) == elf::PT_GNU_STACK {
                found.wants_executable_stack = segment.p_flags(endian).0 & elf::PF_X.0 != 0;
            }
            if let Some(entries) = segment.dynamic(endian, data)? {
                dynamic = Some(entries);
            }
        }
        let Some(entries) = dynamic else { return Ok(found) };
        let value = |tag: elf::DynamicTag| {
            entries.iter().find(|entry| entry.tag(endian) == tag).map(|entry| entry.d_val(endian).into())
        };
        let (Some(address), Some(size)): (Option<u64>, Option<u64>) = (value(elf::DT_STRTAB), value(elf::DT_STRSZ))
        else {
            return Ok(found);
        };
        let mut strings: &[u8] = &[];
        for segment in segments {
            if let Ok(Some(bytes)) = segment.data_range(endian, data, address, size) {
                strings = bytes;
            }
        }
        let text = |offset: u64| {
            let rest = strings.get(usize::try_from(offset).ok()?..)?; // an offset beyond memory is one beyond the table
            let end = rest.iter().position(|byte| *byte == 0)?;
            Some(String::from_utf8_lossy(rest.get(..end)?).into_owned())
        };
        for entry in entries {
            let offset: u64 = entry.d_val(endian).into();
            match entry.tag(endian) {
                elf::DT_NEEDED => found.needed.extend(text(offset)),
                elf::DT_RPATH => found.rpath = text(offset),
                elf::DT_RUNPATH => found.runpath = text(offset),
                elf::DT_NULL => break,
                _ => {}
            }
        }
        Ok(found)
    };
    read().map_err(|error| bad(&error.to_string()))
}

fn machine(number: elf::Machine) -> String {
    match number {
        elf::EM_X86_64 => "x86_64".to_owned(),
        elf::EM_386 => "i386".to_owned(),
        elf::EM_AARCH64 => "aarch64".to_owned(),
        elf::EM_ARM => "arm".to_owned(),
        elf::EM_RISCV => "riscv".to_owned(),
        elf::EM_PPC64 => "ppc64".to_owned(),
        elf::EM_S390 => "s390x".to_owned(),
        other => format!("machine {}", other.0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn our_own_program_names_the_libraries_that_it_needs() {
        let ours = read(&std::env::current_exe().unwrap()).unwrap();
        assert_eq!(ours.machine, std::env::consts::ARCH);
        assert!(ours.needed.iter().any(|name| name.starts_with("libc.so")), "{ours:?}");
        assert!(!ours.wants_executable_stack);
    }

    #[test]
    fn a_cut_or_foreign_file_is_an_error() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("x");
        for bytes in [b"".as_slice(), b"\x7fELF", b"#!/bin/sh\n", b"\x7fELF\x02\x01\x01\0\0\0\0\0"] {
            std::fs::write(&file, bytes).unwrap();
            assert!(read(&file).is_err());
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn a_flipped_byte_is_read_without_a_panic(at in 0usize..4096, byte in any::<u8>()) {
            let mut bytes = std::fs::read("/proc/self/exe").unwrap();
            bytes.truncate(1 << 20);
            if let Some(place) = bytes.get_mut(at) {
                *place = byte;
            }
            let dir = tempfile::tempdir().unwrap();
            let file = dir.path().join("x");
            std::fs::write(&file, bytes).unwrap();
            drop(read(&file));
        }
    }
}
