//! Inputs: a file, or `-` for standard input.

use std::fs;
use std::io::{self, Read};
use std::path::Path;

use crate::scenario::Files;

use super::disk::Disk;
use super::failure::Failure;

/// The name that stands for standard input.
const STANDARD_INPUT: &str = "-";

/// A file as it was read.
pub(super) struct Source {
    /// What diagnostics call it.
    pub(super) name: String,
    /// Its bytes, which may be anything.
    pub(super) bytes: Vec<u8>,
}

impl Source {
    /// The files beside it.
    pub(super) fn files(&self) -> &'static dyn Files {
        &Disk
    }
}

/// Whether `path` stands for standard input.
pub(super) fn is_standard_input(path: &Path) -> bool {
    path == Path::new(STANDARD_INPUT)
}

/// What the output directory of `path` is called after.
pub(super) fn stem(path: &Path) -> String {
    if is_standard_input(path) {
        return "stdin".to_owned();
    }
    path.file_stem().map_or_else(|| "scenario".to_owned(), |stem| stem.to_string_lossy().into_owned())
}

/// Reads `path`, or standard input for `-`.
pub(super) fn read(path: &Path) -> Result<Source, Failure> {
    let (name, bytes) = if is_standard_input(path) {
        let mut bytes = Vec::new();
        io::stdin().lock().read_to_end(&mut bytes).map_err(|error| Failure::read(path, error))?;
        ("<stdin>".to_owned(), bytes)
    } else {
        let bytes = fs::read(path).map_err(|error| Failure::read(path, error))?;
        (path.display().to_string(), bytes)
    };
    Ok(Source { name, bytes })
}
