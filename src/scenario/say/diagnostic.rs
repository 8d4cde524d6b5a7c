//! What is wrong with a scenario: values with a code, a place and a way out, collected and never thrown.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};

use super::catalogue::{Code, Severity};
use super::source::{Place, Sources};

/// Beyond this many of a kind, further ones are only counted: a file of garbage must not fill the memory.
const KEPT_MAX: usize = 200;

/// Of the places at which a parameter is used, this many are shown.
const USES_MAX: usize = 3;

/// One thing that is wrong, or suspicious.
#[derive(Clone, Debug)]
pub(crate) struct Diagnostic {
    pub(super) code: &'static Code,
    pub(super) title: String,
    pub(super) place: Place,
    pub(super) label: String,
    pub(super) also: Vec<(Place, String)>,
    pub(super) notes: Vec<String>,
    pub(super) helps: Vec<String>,
    pub(super) number: Option<(f64, &'static str)>,
}

impl Diagnostic {
    /// `title` says what is wrong in one line, `place` where.
    pub(crate) fn new(code: &'static Code, place: Place, title: impl Into<String>) -> Diagnostic {
        Diagnostic {
            code,
            title: title.into(),
            place,
            label: String::new(),
            also: Vec::new(),
            notes: Vec::new(),
            helps: Vec::new(),
            number: None,
        }
    }

    /// Where it is.
    pub(crate) fn place(&self) -> Place {
        self.place
    }

    /// Whether it stops the run.
    pub(crate) fn is_error(&self) -> bool {
        self.code.severity == Severity::Error
    }

    /// Words beside the caret.
    pub(crate) fn label(&mut self, label: impl Into<String>) -> &mut Diagnostic {
        self.label = label.into();
        self
    }

    /// Another place that has to do with it.
    pub(crate) fn also(&mut self, place: Place, label: impl Into<String>) -> &mut Diagnostic {
        if place.is_somewhere() {
            self.also.push((place, label.into()));
        }
        self
    }

    /// Why it is so.
    pub(crate) fn note(&mut self, note: impl Into<String>) -> &mut Diagnostic {
        self.notes.push(note.into());
        self
    }

    /// The number that it stands on, and what that counts.
    pub(crate) fn number(&mut self, number: f64, of: &'static str) -> &mut Diagnostic {
        self.number = Some((number, of));
        self
    }

    /// What to write instead.
    pub(crate) fn help(&mut self, help: impl Into<String>) -> &mut Diagnostic {
        self.helps.push(help.into());
        self
    }

    /// Makes its places those at which somebody wrote something.
    fn trace(&mut self, sources: &Sources) {
        let written = sources.written(self.place);
        let also = self.also.iter().map(|(place, label)| (sources.written(*place).here(), label.clone()));
        let used = written.used.map(|used| (used, "used here".to_owned()));
        let became = written.became.map(|text| format!("with the values of its parameters this is `{text}`"));
        self.place = written.place;
        self.also = used.into_iter().chain(also).collect();
        self.notes.extend(became);
    }

    /// What to write instead, if anybody knows.
    pub(crate) fn maybe_help(&mut self, help: Option<impl Into<String>>) -> &mut Diagnostic {
        self.helps.extend(help.map(Into::into));
        self
    }
}

/// What has been found so far.
#[derive(Debug, Default)]
pub(crate) struct Findings {
    kept: Vec<Diagnostic>,
    errors: usize,
    warnings: usize,
    seen: BTreeSet<(Place, &'static str, String)>,
    /// Takes what is not kept, so that callers need not care.
    spare: Option<Diagnostic>,
}

impl Findings {
    /// Adds `diagnostic` and returns it for more words. The same words at the same place count once.
    pub(crate) fn add(&mut self, diagnostic: Diagnostic) -> &mut Diagnostic {
        let fresh = self.seen.len() > 4 * KEPT_MAX
            || self.seen.insert((diagnostic.place, diagnostic.code.id, diagnostic.title.clone()));
        let of_a_kind = match diagnostic.code.severity {
            Severity::Error => &mut self.errors,
            Severity::Warning => &mut self.warnings,
        };
        if !fresh {
            return self.spare.insert(diagnostic);
        }
        *of_a_kind += 1;
        if *of_a_kind > KEPT_MAX {
            return self.spare.insert(diagnostic);
        }
        self.kept.push(diagnostic);
        self.kept.last_mut().expect("it was just pushed")
    }

    /// Whether more errors would only be counted: looking for good advice is not worth while any more.
    pub(crate) fn is_full(&self) -> bool {
        self.errors > KEPT_MAX
    }

    /// How many errors, those that were not kept included.
    pub(crate) fn errors(&self) -> usize {
        self.errors
    }

    /// Those that were kept.
    pub(crate) fn into_kept(self) -> Vec<Diagnostic> {
        self.kept
    }

    /// Sorted by the place where they were written, with the texts they point into.
    pub(crate) fn finish(mut self, sources: Sources) -> Diagnostics {
        let mut list: Vec<Diagnostic> = Vec::with_capacity(self.kept.len());
        let mut known = BTreeMap::new();
        for mut diagnostic in self.kept {
            diagnostic.trace(&sources);
            match known.entry((diagnostic.place, diagnostic.code.id, diagnostic.title.clone())) {
                Entry::Vacant(entry) => {
                    entry.insert(list.len());
                    list.push(diagnostic);
                }
                // The value of one parameter, wrong wherever it is used.
                Entry::Occupied(entry) => {
                    match diagnostic.code.severity {
                        Severity::Error => self.errors -= 1,
                        Severity::Warning => self.warnings -= 1,
                    }
                    let first = &mut list[*entry.get()];
                    // One value can lack one unit here and another one there.
                    let others = diagnostic.helps.into_iter().filter(|help| !first.helps.contains(help));
                    let others: Vec<String> = others.collect();
                    first.helps.extend(others);
                    if first.also.len() < USES_MAX {
                        first.also.extend(diagnostic.also);
                    }
                }
            }
        }
        list.sort_by_key(|diagnostic| diagnostic.place);
        Diagnostics { list, errors: self.errors, warnings: self.warnings, sources }
    }
}

/// All that is wrong with a scenario, sorted by place.
#[derive(Debug, Default)]
pub struct Diagnostics {
    pub(super) list: Vec<Diagnostic>,
    errors: usize,
    warnings: usize,
    pub(super) sources: Sources,
}

impl Diagnostics {
    /// Whether the scenario cannot run.
    pub fn has_errors(&self) -> bool {
        self.errors > 0
    }

    /// How many errors.
    pub fn errors(&self) -> usize {
        self.errors
    }

    /// How many warnings.
    pub fn warnings(&self) -> usize {
        self.warnings
    }

    /// Whether there is nothing to say.
    pub fn is_empty(&self) -> bool {
        self.errors == 0 && self.warnings == 0
    }

    /// The codes of what was found, in the order of their places: `E010`, `W001`, ...
    pub fn codes(&self) -> Vec<&'static str> {
        self.list.iter().map(|diagnostic| diagnostic.code.id).collect()
    }
}
