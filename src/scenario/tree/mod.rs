//! The scenario as a tree of values that know where they were written, so that overlays can mix nodes
//! of several texts and a fault still points to its own. No key has a meaning here yet.

mod overlay;
mod parse;

use std::ops::Range;

use crate::scenario::say::{Place, Sources};

pub(crate) use overlay::{Assignment, lay_over};
pub(crate) use parse::{parse_file, parse_value};

/// A value and where it stands.
#[derive(Clone, Debug)]
pub(crate) struct Node {
    pub(crate) value: Value,
    pub(crate) place: Place,
}

/// What TOML knows. Integers beyond 128 bits are clipped; no key takes numbers of that size.
#[derive(Clone, Debug)]
pub(crate) enum Value {
    Text(String),
    Integer(i128),
    Float(f64),
    Flag(bool),
    Datetime,
    List(Vec<Node>),
    Table(Table),
    /// Not readable; somebody has said so already.
    Broken,
}

/// Keys and values in the order of the file; no key twice.
#[derive(Clone, Debug, Default)]
pub(crate) struct Table {
    pub(crate) entries: Vec<Entry>,
}

/// One key with its value.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    pub(crate) key: String,
    pub(crate) key_place: Place,
    pub(crate) node: Node,
}

impl Table {
    /// The entry of `key`.
    pub(crate) fn get(&self, key: &str) -> Option<&Entry> {
        self.entries.iter().find(|entry| entry.key == key)
    }

    /// The entry of `key`.
    pub(crate) fn get_mut(&mut self, key: &str) -> Option<&mut Entry> {
        self.entries.iter_mut().find(|entry| entry.key == key)
    }

    /// Its keys.
    pub(crate) fn keys(&self) -> impl Iterator<Item = &str> {
        self.entries.iter().map(|entry| entry.key.as_str())
    }
}

impl Node {
    /// With an article, for messages.
    pub(crate) fn type_name(&self) -> &'static str {
        match self.value {
            Value::Text(_) => "a string",
            Value::Integer(_) => "an integer",
            Value::Float(_) => "a float",
            Value::Flag(_) => "a boolean",
            Value::Datetime => "a date",
            Value::List(_) => "an array",
            Value::Table(_) => "a table",
            Value::Broken => "an unreadable value",
        }
    }

    /// The table in it.
    pub(crate) fn table(&self) -> Option<&Table> {
        match &self.value {
            Value::Table(table) => Some(table),
            _ => None,
        }
    }

    /// The text in it.
    pub(crate) fn text(&self) -> Option<&str> {
        match &self.value {
            Value::Text(text) => Some(text),
            _ => None,
        }
    }
}

/// The place of bytes `range` of the text value at `place`: quotes and escapes are counted in.
pub(crate) fn place_in_text(sources: &Sources, place: Place, text: &str, range: Range<usize>) -> Place {
    let raw = sources.get(place);
    if raw == text {
        // An argument of the command line needs no quotes.
        return place.part(range);
    }
    match raw.as_bytes() {
        [b'\'', b'\'', b'\'', ..] | [b'"', b'"', b'"', ..] => place,
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
