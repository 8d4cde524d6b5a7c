//! The scenario as a tree of values that know where they were written, so that overlays can mix nodes
//! of several texts and a fault still points to its own. No key has a meaning here yet.

mod brackets;
mod overlay;
mod parameter;
mod parse;

use crate::scenario::say::Place;

pub(crate) use overlay::{Assignment, lay_over};
pub(crate) use parameter::{PARAMETERS, Uses, insert_parameters, parameters_in};
pub(crate) use parse::{Parsed, parse_file, parse_value};

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
