//! Diagnostics as plain data, for those who do more with them than print them.

use super::diagnostic::Diagnostics;
use super::source::{Place, Sources};

/// Where something stands in a file.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Site {
    /// What diagnostics call the file.
    pub file: String,
    /// From 1.
    pub line: usize,
    /// In characters, from 1.
    pub column: usize,
}

/// A diagnostic without the text around it.
#[derive(Clone, PartialEq, Debug)]
pub struct Notice {
    /// `W001`, ...
    pub code: &'static str,
    /// In one line.
    pub title: String,
    /// Where; `None` where nobody wrote it.
    pub site: Option<Site>,
    /// Why it is so.
    pub notes: Vec<String>,
    /// What to write instead.
    pub helps: Vec<String>,
    /// The number that it stands on and what that counts, unit included, where there is one.
    pub number: Option<(f64, &'static str)>,
}

/// The file, line and column at which `place` begins.
pub(crate) fn site(sources: &Sources, place: Place) -> Option<Site> {
    let place = sources.written(place).place;
    let source = sources.source(place).filter(|_| place.is_somewhere())?;
    let at = place.start() as usize;
    let line = source.line(at);
    let before = source.text.get(source.line_range(line).start..at)?;
    Some(Site { file: source.name.clone(), line: line + 1, column: before.chars().count() + 1 })
}

impl Diagnostics {
    /// All that was found, in the order of their places.
    pub fn notices(&self) -> Vec<Notice> {
        let notice = |it: &super::diagnostic::Diagnostic| Notice {
            code: it.code.id,
            title: it.title.clone(),
            site: site(&self.sources, it.place),
            notes: it.notes.clone(),
            helps: it.helps.clone(),
            number: it.number,
        };
        self.list.iter().map(notice).collect()
    }
}
