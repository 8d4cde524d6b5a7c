//! What is wrong with a foreign file: all of it at once, each fault with its place and a hint.

use std::collections::BTreeSet;
use std::ops::Range;

use annotate_snippets::{AnnotationKind, Group, Level, Renderer, Snippet, normalize_untrusted_str};

/// Beyond this many, further faults are only counted: nobody reads so far.
const KEPT_MAX: usize = 100;

/// One thing that is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// Bytes of the file that are at fault.
    pub range: Range<usize>,
    /// What is wrong, as a sentence without a full stop.
    pub message: String,
    /// What to write instead.
    pub hint: Option<String>,
}

/// Everything that is wrong with a file; never empty when it is returned as an error.
#[derive(Clone, Debug)]
pub struct Faults {
    name: String,
    text: String,
    list: Vec<Fault>,
    /// Place and message of everything that was added.
    seen: BTreeSet<(usize, usize, String)>,
}

impl Faults {
    /// No faults yet, of the file `name` that holds `text`.
    pub(super) fn new(name: &str, text: &str) -> Faults {
        Faults { name: name.to_owned(), text: text.to_owned(), list: Vec::new(), seen: BTreeSet::new() }
    }

    /// Adds a fault at `range`. The same fault twice (a default that several services take) is one.
    pub(super) fn add(&mut self, range: Range<usize>, message: impl Into<String>, hint: Option<String>) {
        let end = range.end.min(self.text.len());
        let start = range.start.min(end);
        let fault = Fault { range: start..end, message: message.into(), hint };
        if self.seen.insert((start, end, fault.message.clone())) && self.list.len() < KEPT_MAX {
            self.list.push(fault);
        }
    }

    /// Whether nothing is wrong.
    pub(super) fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// The faults in the order of their places, as many as were kept.
    pub fn iter(&self) -> impl Iterator<Item = &Fault> {
        let mut list: Vec<&Fault> = self.list.iter().collect();
        list.sort_by_key(|fault| fault.range.start);
        list.into_iter()
    }

    /// As the terminal shows them: message, `file:line:column`, the line with a caret, the hint.
    pub fn render(&self, color: bool) -> String {
        let renderer = if color { Renderer::styled() } else { Renderer::plain() };
        let mut out = String::new();
        for fault in self.iter() {
            let place = AnnotationKind::Primary.span(fault.range.clone());
            let snippet = Snippet::source(self.text.as_str()).path(self.name.as_str()).annotation(place);
            let group = Level::ERROR.primary_title(normalize_untrusted_str(&fault.message)).element(snippet);
            let hint = fault.hint.as_deref().map(|hint| Level::HELP.message(normalize_untrusted_str(hint)));
            out += &renderer.render(&[group.elements(hint)]);
            out += "\n\n";
        }
        let count = match self.seen.len() {
            1 => "1 error".to_owned(),
            count if count > KEPT_MAX => format!("{count} errors; the first {KEPT_MAX} found are shown"),
            count => format!("{count} errors"),
        };
        let title = Level::ERROR.primary_title(format!("the graph has {count}"));
        out += &renderer.render(&[Group::with_title(title)]);
        out + "\n"
    }
}
