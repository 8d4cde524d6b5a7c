//! YAML with places: a tree whose every node and key knows its bytes in the file, and the questions
//! that reading a graph asks of it. A wrong answer is a fault at its place, never a panic.

use std::ops::Range;

use saphyr::{LoadableYamlNode, MarkedYaml, Scalar, YamlData};

use super::super::Faults;
use crate::base::suggest::did_you_mean;

/// A node and its place.
#[derive(Clone, Debug)]
pub(super) struct Node {
    /// Bytes of the file.
    pub(super) range: Range<usize>,
    /// What stands there.
    pub(super) value: Value,
}

/// What a node is.
#[derive(Clone, Debug)]
pub(super) enum Value {
    /// Nothing.
    Null,
    /// `true` or `false`.
    Boolean(bool),
    /// A whole number.
    Integer(i64),
    /// A number with a point.
    Float(f64),
    /// Text.
    Text(String),
    /// A list.
    List(Vec<Node>),
    /// Keys and values, in the order of the file.
    Map(Vec<(Key, Node)>),
    /// Something that no graph holds: an unresolved alias, a custom tag.
    Strange,
}

/// A key and its place.
#[derive(Clone, Debug)]
pub(super) struct Key {
    /// Bytes of the file.
    pub(super) range: Range<usize>,
    /// The key.
    pub(super) name: String,
}

/// The only document of `text`.
pub(super) fn document(text: &str, faults: &mut Faults) -> Option<Node> {
    let offsets: Vec<usize> = text.char_indices().map(|(at, _)| at).chain([text.len()]).collect();
    let documents = match MarkedYaml::load_from_str(text) {
        Ok(documents) => documents,
        Err(error) => {
            let at = offset(&offsets, error.marker().index());
            faults.add(at..next(text, at), format!("this is not YAML: {}", error.info()), None);
            return None;
        }
    };
    match documents.as_slice() {
        [one] => Some(convert(one, &offsets, text)),
        [] => {
            faults.add(0..0, "the file is empty", Some("a graph has at least `services:` with one service".to_owned()));
            None
        }
        [_, second, ..] => {
            let at = offset(&offsets, second.span.start.index());
            let hint = "import each document from a file of its own".to_owned();
            faults.add(at..next(text, at), "the file holds more than one document", Some(hint));
            None
        }
    }
}

fn offset(offsets: &[usize], index: usize) -> usize {
    offsets.get(index).or(offsets.last()).copied().unwrap_or(0)
}

/// The end of the character at `at`.
fn next(text: &str, at: usize) -> usize {
    at + text[at..].chars().next().map_or(0, char::len_utf8)
}

fn convert(node: &MarkedYaml<'_>, offsets: &[usize], text: &str) -> Node {
    let value = match &node.data {
        YamlData::Value(Scalar::Null) => Value::Null,
        YamlData::Value(Scalar::Boolean(boolean)) => Value::Boolean(*boolean),
        YamlData::Value(Scalar::Integer(integer)) => Value::Integer(*integer),
        YamlData::Value(Scalar::FloatingPoint(float)) => Value::Float(float.into_inner()),
        YamlData::Value(Scalar::String(text)) => Value::Text(text.to_string()),
        YamlData::Sequence(nodes) => Value::List(nodes.iter().map(|node| convert(node, offsets, text)).collect()),
        YamlData::Mapping(entries) => {
            let entry = |(key, value): (&MarkedYaml<'_>, &MarkedYaml<'_>)| {
                let range = range(key, offsets, text);
                let name = text[range.clone()].trim_matches(['"', '\'']).to_owned();
                (Key { range, name }, convert(value, offsets, text))
            };
            Value::Map(entries.iter().map(entry).collect())
        }
        YamlData::Representation(..) | YamlData::Tagged(..) | YamlData::Alias(_) | YamlData::BadValue => Value::Strange,
    };
    Node { range: range(node, offsets, text), value }
}

/// The bytes of a node: of a list or a map, its first line only, for a caret that can be looked at.
fn range(node: &MarkedYaml<'_>, offsets: &[usize], text: &str) -> Range<usize> {
    let start = offset(offsets, node.span.start.index());
    let end = offset(offsets, node.span.end.index()).max(start);
    let line = text[start..end].split(['\n', '\r']).next().unwrap_or("");
    start..start + line.trim_end().len().max(if start < text.len() { next(text, start) - start } else { 0 })
}

impl Node {
    /// Whether nothing stands here; a key without a value counts as absent.
    pub(super) fn is_null(&self) -> bool {
        matches!(self.value, Value::Null)
    }

    /// What stands here, in words.
    pub(super) fn kind(&self) -> String {
        match &self.value {
            Value::Null => "nothing".to_owned(),
            Value::Boolean(boolean) => format!("`{boolean}`"),
            Value::Integer(integer) => format!("the number `{integer}`"),
            Value::Float(float) => format!("the number `{float}`"),
            Value::Text(text) => format!("the text `{text}`"),
            Value::List(_) => "a list".to_owned(),
            Value::Map(_) => "a map".to_owned(),
            Value::Strange => "a tag or an alias".to_owned(),
        }
    }

    /// A fault here: something else was expected.
    pub(super) fn expected(&self, what: &str, hint: &str, faults: &mut Faults) {
        faults.add(self.range.clone(), format!("expected {what}, found {}", self.kind()), Some(hint.to_owned()));
    }

    /// The text here, or a fault.
    pub(super) fn text(&self, what: &str, faults: &mut Faults) -> Option<&str> {
        match &self.value {
            Value::Text(text) => Some(text),
            Value::Integer(_) | Value::Float(_) | Value::Boolean(_) => {
                self.expected(what, "put it in quotes to make it text", faults);
                None
            }
            _ => {
                self.expected(what, "write one word", faults);
                None
            }
        }
    }

    /// The list here, or a fault.
    pub(super) fn list(&self, what: &str, hint: &str, faults: &mut Faults) -> Option<&[Node]> {
        match &self.value {
            Value::List(nodes) => Some(nodes),
            _ => {
                self.expected(what, hint, faults);
                None
            }
        }
    }

    /// The map here, or a fault. Keys outside `known` are faults too.
    pub(super) fn map(&self, what: &str, known: &[&str], faults: &mut Faults) -> Option<&[(Key, Node)]> {
        let Value::Map(entries) = &self.value else {
            self.expected(what, &format!("its keys are {}", quoted(known)), faults);
            return None;
        };
        for (key, _) in entries.iter().filter(|(key, _)| !known.contains(&key.name.as_str())) {
            let hint = match did_you_mean(&key.name, known.iter().copied()) {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!("known are {}", quoted(known)),
            };
            faults.add(key.range.clone(), format!("unknown key `{}` in {what}", key.name), Some(hint));
        }
        Some(entries)
    }
}

fn quoted(words: &[&str]) -> String {
    words.iter().map(|word| format!("`{word}`")).collect::<Vec<_>>().join(", ")
}

/// The value of `name`; a key without a value counts as absent.
pub(super) fn get<'a>(entries: &'a [(Key, Node)], name: &str) -> Option<&'a Node> {
    entries.iter().find(|(key, _)| key.name == name).map(|(_, value)| value).filter(|value| !value.is_null())
}
