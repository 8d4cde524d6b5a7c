//! Outputs: every file is written under a temporary name beside its place and then renamed, so that
//! nobody ever sees half a file.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::process;

use super::failure::Failure;

/// A directory that is known to take files.
pub(super) struct Directory {
    path: PathBuf,
}

impl Directory {
    /// Creates `path` where it is missing and tries to write there: better before a long run than after it.
    pub(super) fn open(path: &Path) -> Result<Directory, Failure> {
        fs::create_dir_all(path).map_err(|error| Failure::write(path, error))?;
        let probe = temporary(&path.join("probe"));
        fs::write(&probe, b"").and_then(|()| fs::remove_file(&probe)).map_err(|error| Failure::write(path, error))?;
        Ok(Directory { path: path.to_owned() })
    }

    /// Where it is.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Writes the file `name`, replacing an earlier one.
    pub(super) fn write(&self, name: &str, bytes: &[u8]) -> Result<(), Failure> {
        write(&self.path.join(name), bytes)
    }

    /// Removes the file `name` if it is there.
    pub(super) fn remove(&self, name: &str) -> Result<(), Failure> {
        let path = self.path.join(name);
        match fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(Failure::write(&path, error)),
            _ => Ok(()),
        }
    }
}

/// Writes `path`, replacing an earlier file.
pub(super) fn write(path: &Path, bytes: &[u8]) -> Result<(), Failure> {
    let written = match fs::metadata(path) {
        Ok(there) if there.is_dir() => Err(io::ErrorKind::IsADirectory.into()),
        // Devices and pipes take bytes; a file put in their place would end them.
        Ok(there) if !there.is_file() => fs::write(path, bytes),
        _ => replace(path, bytes),
    };
    written.map_err(|error| Failure::write(path, error))
}

/// Writes `path` unless something is there already.
pub(super) fn create(path: &Path, bytes: &[u8]) -> Result<(), Failure> {
    match File::create_new(path) {
        // The name is taken: from now on only this file can be replaced. Nobody misses it while it is empty.
        Ok(_) => write(path, bytes).inspect_err(|_| {
            let _ = fs::remove_file(path);
        }),
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(Failure::write(path, error)),
        Err(_) if path.is_dir() => Err(Failure::write(path, io::ErrorKind::IsADirectory.into())),
        Err(_) => Err(Failure::Exists { path: path.to_owned() }),
    }
}

fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let temporary = temporary(path);
    let written = fs::write(&temporary, bytes).and_then(|()| fs::rename(&temporary, path));
    written.inspect_err(|_| {
        // The temporary file may not exist; the first error is the one to tell.
        let _ = fs::remove_file(&temporary);
    })
}

fn temporary(path: &Path) -> PathBuf {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    path.with_file_name(format!(".{name}.{}.tmp", process::id()))
}
