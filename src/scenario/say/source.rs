//! Texts that a scenario comes from (its file, the files that it names, arguments of the command line), and
//! places in them. A text into which parameters were put is a text of its own: its places are traced back to
//! where somebody wrote them before anybody sees them.

use std::collections::BTreeMap;
use std::ops::Range;

/// A range of bytes in one of the [`Sources`].
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) struct Place {
    source: u32,
    start: u32,
    end: u32,
}

impl Place {
    /// The place of what nobody wrote: defaults.
    pub(crate) const NOWHERE: Place = Place { source: u32::MAX, start: 0, end: 0 };

    /// Whether somebody wrote it.
    pub(crate) fn is_somewhere(self) -> bool {
        self.source != u32::MAX
    }

    /// The bytes of its source.
    pub(crate) fn range(self) -> Range<usize> {
        self.start as usize..self.end as usize
    }

    /// Where it begins, for sorting within its source.
    pub(crate) fn start(self) -> u32 {
        self.start
    }

    /// Bytes `range` of it.
    pub(crate) fn part(self, range: Range<usize>) -> Place {
        let clip = |offset: usize| self.start.saturating_add(offset as u32).min(self.end);
        Place { source: self.source, start: clip(range.start), end: clip(range.end) }
    }

    /// Whether they have a byte in common, or one touches the other.
    pub(crate) fn touches(self, other: Place) -> bool {
        self.source == other.source && self.start <= other.end && other.start <= self.end
    }
}

/// One text.
#[derive(Debug)]
pub(crate) struct Source {
    /// What diagnostics call it.
    pub(crate) name: String,
    /// All of it.
    pub(crate) text: String,
    /// Byte at which each line starts.
    lines: Vec<u32>,
    /// What it was made of, if nobody wrote it as it is.
    expansion: Option<Expansion>,
}

/// Where something was written.
pub(crate) struct Written<'s> {
    /// Where; of the value of a parameter, where that value stands.
    pub(crate) place: Place,
    /// Where the parameter is used whose value it is.
    pub(crate) used: Option<Place>,
    /// The whole text with all values, when the place covers more than one of its pieces.
    pub(crate) became: Option<&'s str>,
}

impl Written<'_> {
    /// Where it takes effect.
    pub(crate) fn here(&self) -> Place {
        self.used.unwrap_or(self.place)
    }
}

/// A text value into which parameters were put.
#[derive(Debug)]
struct Expansion {
    /// The value as written.
    written: Place,
    /// Its text, without quotes.
    text: String,
    /// What its parameters became, in order.
    insertions: Vec<Insertion>,
}

/// A parameter in a text value.
#[derive(Clone, Debug)]
pub(crate) struct Insertion {
    /// Where it stands in the text as written, the `$` included.
    pub(crate) written: Range<usize>,
    /// Where its value stands in the text with all values.
    pub(crate) range: Range<usize>,
    /// Where its value was written.
    pub(crate) value: Place,
    /// The text of that value, where it is text.
    pub(crate) text: Option<String>,
}

/// Which text.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct SourceId(u32);

impl SourceId {
    /// Bytes `range` of this text.
    pub(crate) fn place(self, range: Range<usize>) -> Place {
        // Sources are far below 4 GiB: the loader refuses larger ones.
        Place { source: self.0, start: range.start as u32, end: range.end as u32 }
    }
}

/// All texts of one scenario.
#[derive(Debug, Default)]
pub(crate) struct Sources {
    texts: Vec<Source>,
    /// Expansions, by the place of the text as written and what it became: the same one is never added twice.
    expanded: BTreeMap<(Place, String), SourceId>,
}

impl Sources {
    /// Adds a text.
    pub(crate) fn add(&mut self, name: impl Into<String>, text: impl Into<String>) -> SourceId {
        let text = text.into();
        let newlines = text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n').map(|(at, _)| at as u32 + 1);
        let lines = std::iter::once(0).chain(newlines).collect();
        self.texts.push(Source { name: name.into(), text, lines, expansion: None });
        SourceId(self.texts.len() as u32 - 1)
    }

    /// Adds what the text value at `written` became when its parameters got their values.
    pub(crate) fn expand(&mut self, written: Place, text: &str, became: &str, insertions: Vec<Insertion>) -> Place {
        let key = (written, became.to_owned());
        let id = match self.expanded.get(&key) {
            Some(id) => *id,
            None => {
                let id = self.add("", became);
                self.texts[id.0 as usize].expansion = Some(Expansion { written, text: text.to_owned(), insertions });
                self.expanded.insert(key, id);
                id
            }
        };
        id.place(0..became.len())
    }

    /// The whole text.
    pub(crate) fn text(&self, id: SourceId) -> &str {
        &self.texts[id.0 as usize].text
    }

    /// The text that `place` lies in, if it lies anywhere.
    pub(crate) fn source(&self, place: Place) -> Option<&Source> {
        self.texts.get(place.source as usize)
    }

    /// What stands at `place`.
    pub(crate) fn get(&self, place: Place) -> &str {
        self.source(place).and_then(|source| source.text.get(place.range())).unwrap_or("")
    }

    /// Where somebody wrote what stands at `place`.
    pub(crate) fn written(&self, place: Place) -> Written<'_> {
        let Some((source, expansion)) =
            self.source(place).and_then(|source| Some((source, source.expansion.as_ref()?)))
        else {
            return Written { place, used: None, became: None };
        };
        let range = place.range();
        let in_text = |range| self.place_in_text(expansion.written, &expansion.text, range);
        for insertion in &expansion.insertions {
            let within = insertion.range.start <= range.start && range.end <= insertion.range.end;
            if within {
                let start = insertion.range.start;
                let value = match &insertion.text {
                    Some(text) => self.place_in_text(insertion.value, text, range.start - start..range.end - start),
                    None => insertion.value,
                };
                return Written { place: value, used: Some(in_text(insertion.written.clone())), became: None };
            }
        }
        let start = expansion.traced(range.start, |insertion| insertion.written.start);
        let end = expansion.traced(range.end, |insertion| insertion.written.end);
        let covers = |insertion: &Insertion| insertion.range.start < range.end && range.start < insertion.range.end;
        let became = expansion.insertions.iter().any(covers).then_some(source.text.as_str());
        Written { place: in_text(start..end.max(start)), used: None, became }
    }

    /// Where a whole value was written, and its text there when it was made of parameters.
    pub(crate) fn as_written(&self, place: Place) -> (Place, Option<&str>) {
        match self.source(place).and_then(|source| source.expansion.as_ref()) {
            Some(expansion) => (expansion.written, Some(&expansion.text)),
            None => (place, None),
        }
    }

    /// Whether `place` lies in an argument of the command line.
    pub(crate) fn is_argument(&self, place: Place) -> bool {
        self.source(place).is_some_and(|source| source.name.starts_with("--"))
    }

    /// The place of bytes `range` of the text value at `place`: quotes and escapes are counted in.
    pub(crate) fn place_in_text(&self, place: Place, text: &str, range: Range<usize>) -> Place {
        let raw = self.get(place);
        if raw == text {
            // An argument of the command line needs no quotes.
            return place.part(range);
        }
        match raw.as_bytes() {
            [b'\'', b'\'', b'\'', inner @ ..] | [b'"', b'"', b'"', inner @ ..] => {
                // The line break behind the opening quotes is not a part of the text.
                let start = match inner {
                    [b'\r', b'\n', ..] => 5,
                    [b'\n', ..] => 4,
                    _ => 3,
                };
                match raw.get(start..raw.len().saturating_sub(3)) {
                    Some(inner) if inner == text => place.part(range.start + start..range.end + start),
                    _ => place,
                }
            }
            [b'\'', ..] => place.part(range.start + 1..range.end + 1),
            [b'"', inner @ ..] => {
                let mut raw_at = 0;
                let mut value_at = 0;
                let mut starts = None;
                while value_at < range.end && raw_at < inner.len() {
                    if value_at >= range.start && starts.is_none() {
                        starts = Some(raw_at);
                    }
                    let (raw_length, value_length) = piece_length(&raw[1 + raw_at..]);
                    raw_at += raw_length;
                    value_at += value_length;
                }
                place.part(1 + starts.unwrap_or(raw_at)..1 + raw_at)
            }
            _ => place,
        }
    }
}

/// The length of the first character of a basic string's inside, as written and as a value.
fn piece_length(raw: &str) -> (usize, usize) {
    let mut chars = raw.chars();
    match (chars.next(), chars.next()) {
        (Some('\\'), Some(kind @ ('u' | 'U' | 'x'))) => {
            let digits = match kind {
                'u' => 4,
                'U' => 8,
                _ => 2,
            };
            let code = raw.get(2..2 + digits).and_then(|digits| u32::from_str_radix(digits, 16).ok());
            (2 + digits, code.and_then(char::from_u32).map_or(1, char::len_utf8))
        }
        (Some('\\'), Some(_)) => (2, 1),
        (Some(c), _) => (c.len_utf8(), c.len_utf8()),
        (None, _) => (1, 1),
    }
}

impl Expansion {
    /// The byte of the text as written from which byte `at` comes; `edge` is taken of an insertion that `at` lies in.
    fn traced(&self, at: usize, edge: impl Fn(&Insertion) -> usize) -> usize {
        let mut shift = 0isize;
        for insertion in &self.insertions {
            if at < insertion.range.start {
                break;
            }
            if at < insertion.range.end {
                return edge(insertion);
            }
            shift = insertion.written.end as isize - insertion.range.end as isize;
        }
        at.saturating_add_signed(shift)
    }
}

impl Source {
    /// The line of byte `at`, from 0.
    pub(crate) fn line(&self, at: usize) -> usize {
        self.lines.partition_point(|start| *start as usize <= at).saturating_sub(1)
    }

    /// The bytes of line `line` with its line break; empty behind the last one.
    pub(crate) fn line_range(&self, line: usize) -> Range<usize> {
        let start = |line: usize| self.lines.get(line).map_or(self.text.len(), |start| *start as usize);
        start(line)..start(line + 1)
    }
}
