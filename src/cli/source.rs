//! Inputs: a file, `-` for standard input, or the name of a built-in scenario. No more is read of them than
//! somebody will look at: a pipe may have no end.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use crate::base::suggest::did_you_mean;
use crate::experiment::{proof_file, proof_files};
use crate::scenario::{Files, LESSONS, SCENARIO_BYTES_MAX, lesson};

use super::beside::{BuiltIn, Disk};
use super::failure::Failure;

/// The name that stands for standard input.
const STANDARD_INPUT: &str = "-";

/// A file as it was read.
#[derive(Debug)]
pub(super) struct Source {
    /// What diagnostics call it.
    pub(super) name: String,
    /// Its bytes, which may be anything.
    pub(super) bytes: Vec<u8>,
    is_built_in: bool,
}

impl Source {
    /// The files beside it.
    pub(super) fn files(&self) -> &'static (dyn Files + Sync) {
        if self.is_built_in { &BuiltIn } else { &Disk }
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

/// Reads a scenario. Where there is no file of that name, it may be the name of a built-in one.
///
/// Of a file that is too large comes as much as the loader needs to see that.
pub(super) fn scenario(path: &Path) -> Result<Source, Failure> {
    if let Some((name, text)) = built_in(path) {
        return Ok(Source { name: name.to_owned(), bytes: text.as_bytes().to_vec(), is_built_in: true });
    }
    read_some(path, SCENARIO_BYTES_MAX + 1).map_err(|failure| match failure {
        Failure::Read { path, source } if source.kind() == io::ErrorKind::NotFound => no_scenario(&path),
        other => other,
    })
}

/// Reads a file that has at most `mebibytes_max` MiB.
pub(super) fn foreign(path: &Path, mebibytes_max: usize) -> Result<Source, Failure> {
    let bytes_max = mebibytes_max << 20;
    let source = read_some(path, bytes_max + 1)?;
    if source.bytes.len() > bytes_max {
        return Err(Failure::TooLarge { path: path.to_owned(), mebibytes_max });
    }
    Ok(source)
}

/// The built-in scenario that `path` names, unless a file of that name is there.
fn built_in(path: &Path) -> Option<(&str, &'static str)> {
    let name = bare_name(path)?;
    let text = text_of(name)?;
    let is_file = path.exists() && !path.is_dir();
    (!is_file).then_some((name, text))
}

/// The built-in scenario called `name`: a lesson, or one of the proof.
pub(super) fn text_of(name: &str) -> Option<&'static str> {
    lesson(name).map(|lesson| lesson.text).or_else(|| proof_file(name))
}

/// `path` if it may be the name of a built-in scenario: without folder and extension.
fn bare_name(path: &Path) -> Option<&str> {
    let is_bare = path.file_name() == Some(path.as_os_str()) && path.extension().is_none();
    path.to_str().filter(|_| is_bare)
}

fn no_scenario(path: &Path) -> Failure {
    let stem = stem(path);
    let near = did_you_mean(&stem, LESSONS.iter().map(|lesson| lesson.name).chain(proof_files()));
    Failure::NoScenario { path: path.to_owned(), is_name: bare_name(path).is_some(), near }
}

/// Reads at most `bytes_max` bytes of `path`, or of standard input for `-`.
fn read_some(path: &Path, bytes_max: usize) -> Result<Source, Failure> {
    let Some(name) = path.to_str() else {
        return Err(Failure::read(path, Failure::not_utf8()));
    };
    let mut bytes = Vec::new();
    let read = if is_standard_input(path) {
        io::stdin().lock().take(bytes_max as u64).read_to_end(&mut bytes)
    } else {
        File::open(path).and_then(|file| file.take(bytes_max as u64).read_to_end(&mut bytes))
    };
    read.map_err(|error| Failure::read(path, error))?;
    let name = if is_standard_input(path) { "<stdin>" } else { name };
    Ok(Source { name: name.to_owned(), bytes, is_built_in: false })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_has_neither_folder_nor_extension() {
        assert_eq!(bare_name(Path::new("retry-storm")), Some("retry-storm"));
        for path in ["retry-storm.toml", "./retry-storm", "retry-storm/", "a/retry-storm", "..", "/", ""] {
            assert_eq!(bare_name(Path::new(path)), None, "{path}");
        }
    }
}
