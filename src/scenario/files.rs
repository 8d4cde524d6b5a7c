//! The files that a scenario names: those it extends and those its data are in. Reading is the caller's affair
//! ([`Files`]); here is where a path leads to, what may be in a file, and that each is read once.

use std::collections::BTreeMap;

use super::say::{Diagnostic, Findings, Place, SourceId, Sources, catalogue};

/// A scenario file holds at most so many bytes; larger ones are refused unread.
pub const SCENARIO_BYTES_MAX: usize = 8 << 20;
/// A data file that a scenario names holds at most so many bytes.
pub const DATA_BYTES_MAX: usize = 64 << 20;

/// Reads files for the loader.
pub trait Files {
    /// The bytes of the file at `path`, at most `bytes_max` + 1 of them (one more says that there are more), or why
    /// it cannot be read: "there is no such file".
    fn read(&self, path: &str, bytes_max: usize) -> Result<Vec<u8>, String>;
}

/// For scenarios that stand alone: no file can be read.
#[derive(Clone, Copy, Debug)]
pub struct NoFiles;

impl Files for NoFiles {
    fn read(&self, _: &str, _: usize) -> Result<Vec<u8>, String> {
        Err("no files can be read here".to_owned())
    }
}

/// A file that a scenario named, as it was read.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct NamedFile {
    /// Its path, as the loader asked for it.
    pub path: String,
    /// What was in it.
    pub bytes: Vec<u8>,
}

/// Every file that was asked for, by its path.
#[derive(Default)]
pub(crate) struct Shelf {
    found: BTreeMap<String, Result<SourceId, Reason>>,
    read: Vec<NamedFile>,
}

/// Why there is no text.
#[derive(Clone)]
enum Reason {
    /// It could not be read.
    Unreadable(String),
    /// It was read and refused, which has been said.
    Said,
}

impl Shelf {
    /// All that was read, in the order in which it was asked for.
    pub(crate) fn into_read(self) -> Vec<NamedFile> {
        self.read
    }

    /// The text at `path`, which stands at `place`; what is wrong with it is said.
    pub(crate) fn text(
        &mut self,
        files: &dyn Files,
        path: &str,
        place: Place,
        bytes_max: usize,
        sources: &mut Sources,
        findings: &mut Findings,
    ) -> Option<SourceId> {
        if !self.found.contains_key(path) {
            let found = match files.read(path, bytes_max) {
                Err(reason) => Err(Reason::Unreadable(reason)),
                Ok(bytes) => {
                    let id = add_text(sources, path, &bytes, bytes_max, findings);
                    self.read.push(NamedFile { path: path.to_owned(), bytes });
                    id.ok_or(Reason::Said)
                }
            };
            self.found.insert(path.to_owned(), found);
        }
        match &self.found[path] {
            Ok(id) => Some(*id),
            Err(Reason::Said) => None,
            Err(Reason::Unreadable(reason)) => {
                let title = format!("cannot read `{path}`: {reason}");
                findings
                    .add(Diagnostic::new(&catalogue::NO_FILE, place, title))
                    .help("a path is relative to the file that it stands in");
                None
            }
        }
    }
}

/// Where the path `named` leads to, if it stands in the file called `file`.
pub(crate) fn resolved(file: &str, named: &str) -> String {
    let is_absolute = named.starts_with('/') || named.starts_with('\\') || named.get(1..3) == Some(":\\");
    let folder = file.rfind(['/', '\\']).map_or("", |at| &file[..=at]);
    let whole = if is_absolute { named.to_owned() } else { format!("{folder}{named}") };
    // `a/../b` and `b` are the same file: a circle shows only when they have the same name.
    let mut parts: Vec<&str> = Vec::new();
    for part in whole.split('/') {
        match part {
            "." => {}
            ".." if parts.last().is_some_and(|last| !last.is_empty() && *last != "..") => {
                parts.pop();
            }
            _ => parts.push(part),
        }
    }
    parts.join("/")
}

/// The path of the file in which `place` was written; empty for an argument of the command line.
pub(crate) fn of_place(place: Place, sources: &Sources) -> &str {
    let (written, _) = sources.as_written(place);
    sources.source(written).filter(|_| !sources.is_argument(written)).map_or("", |source| source.name.as_str())
}

/// Adds what is text of a reasonable size to the sources; says what is not.
pub(crate) fn add_text(
    sources: &mut Sources,
    name: &str,
    bytes: &[u8],
    bytes_max: usize,
    findings: &mut Findings,
) -> Option<SourceId> {
    if bytes.len() > bytes_max {
        let id = sources.add(name, "");
        let most = bytes_max >> 20;
        findings
            .add(Diagnostic::new(&catalogue::TOO_LARGE, id.place(0..0), format!("the file has more than {most} MiB")))
            .help(format!("`{name}` can have at most {most} MiB; is this the right file?"));
        return None;
    }
    match std::str::from_utf8(bytes) {
        // A byte order mark is no part of the text, but editors write it.
        Ok(text) => Some(sources.add(name, text.strip_prefix('\u{FEFF}').unwrap_or(text))),
        Err(fault) => {
            let at = fault.valid_up_to();
            let id = sources.add(name, String::from_utf8_lossy(bytes));
            let replaced = '\u{FFFD}'.len_utf8();
            findings
                .add(Diagnostic::new(&catalogue::NOT_UTF8, id.place(at..at + replaced), "the file is not UTF-8 text"))
                .label(format!("byte {at} of the file is 0x{:02x}", bytes[at]))
                .help("save the file as UTF-8");
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::resolved;

    #[test]
    fn paths_lead_from_the_file_that_names_them() {
        assert_eq!(resolved("folder/a.toml", "b.toml"), "folder/b.toml");
        assert_eq!(resolved("a.toml", "b.toml"), "b.toml");
        assert_eq!(resolved("<stdin>", "x/b.toml"), "x/b.toml");
        assert_eq!(resolved("x/y/a.toml", "../b.toml"), "x/b.toml");
        assert_eq!(resolved("a.toml", "../b.toml"), "../b.toml");
        assert_eq!(resolved("../x/a.toml", "../../b.toml"), "../../b.toml");
        assert_eq!(resolved("x/a.toml", "/etc/b.toml"), "/etc/b.toml");
        assert_eq!(resolved("/x/a.toml", "./b.toml"), "/x/b.toml");
    }
}
