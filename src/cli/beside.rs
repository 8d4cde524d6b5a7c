//! The files that a scenario names: from the disk, or from the program for a scenario that is built in.

use std::fs::File;
use std::io::{self, Read};

use crate::scenario::{self, Files};

use super::failure::plain;

/// Files by their paths, relative to the working directory.
#[derive(Clone, Copy, Debug)]
pub(super) struct Disk;

/// What is built in beside the built-in scenarios.
#[derive(Clone, Copy, Debug)]
pub(super) struct BuiltIn;

impl Files for Disk {
    fn read(&self, path: &str, bytes_max: usize) -> Result<Vec<u8>, String> {
        read(path, bytes_max).map_err(|error| plain(&error))
    }
}

impl Files for BuiltIn {
    fn read(&self, path: &str, _: usize) -> Result<Vec<u8>, String> {
        scenario::file(path).map(<[u8]>::to_vec).ok_or_else(|| "it is not built in".to_owned())
    }
}

/// At most one byte more than `bytes_max`: enough to tell that there are more.
fn read(path: &str, bytes_max: usize) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    File::open(path)?.take(bytes_max as u64 + 1).read_to_end(&mut bytes)?;
    Ok(bytes)
}
