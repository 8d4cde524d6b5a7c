//! TOML text → tree, with all syntax errors at once. Size and depth are bounded before anything recurses.

use std::ops::Range;

use toml::Spanned;
use toml::de::{DeTable, DeValue};
use toml_parser::lexer::TokenKind;

use super::{Entry, Node, Table, Value};
use crate::scenario::say::{Diagnostic, Findings, Place, SourceId, Sources, catalogue};

/// Segments of the longest key path that the language has any use for, twice over.
const KEY_SEGMENTS_MAX: usize = 16;
/// Levels of tables and arrays inside each other; steps inside steps are what needs them.
const DEPTH_MAX: usize = 64;

/// What [`parse_file`] found.
pub(crate) struct Parsed {
    /// What could be read; values at syntax errors are [`Value::Broken`].
    pub(crate) root: Table,
    /// Whether something could not be read, so that keys may be missing for that reason alone.
    pub(crate) has_gaps: bool,
}

/// Reads the whole of a source as a TOML document.
pub(crate) fn parse_file(sources: &Sources, id: SourceId, findings: &mut Findings) -> Parsed {
    let text = sources.text(id);
    if let Some(range) = first_long_key(text) {
        findings
            .add(Diagnostic::new(&catalogue::TOO_LARGE, id.place(range), "this key has too many segments"))
            .help(format!("write at most {KEY_SEGMENTS_MAX} segments between the dots"));
        return Parsed { root: Table::default(), has_gaps: true };
    }
    let (root, mut errors) = DeTable::parse_recoverable(text);
    errors.sort_by_key(|error| error.span().map_or(0, |span| span.start));
    let mut bad = Vec::new();
    // Behind an open bracket everything looks wrong, up to the next table; so do the keys of a table opened twice.
    let mut quiet_until = 0;
    for error in &errors {
        let range = error.span().unwrap_or(0..0);
        bad.push(id.place(range.clone()));
        if range.start >= quiet_until && !findings.is_full() {
            say(sources, id, error, id.place(range.clone()), findings);
            // The rest of a line with a fault is rarely another one.
            quiet_until = text[range.start.min(text.len())..].find('\n').map_or(text.len(), |at| range.start + at + 1);
            if hides_what_follows(text, error.message(), &range) {
                quiet_until = next_header(text, range.end);
            }
        }
    }
    bad.sort_unstable();
    let mut converter = Converter { id, offset: 0, bad, too_deep: None };
    let root = converter.table(root.into_inner(), 0);
    if let Some(place) = converter.too_deep {
        findings.add(Diagnostic::new(&catalogue::TOO_LARGE, place, "nested too deeply"));
    }
    Parsed { root, has_gaps: !errors.is_empty() || converter.too_deep.is_some() }
}

/// Reads bytes `range` of a source as one TOML value, if they are one.
pub(crate) fn parse_value(sources: &Sources, id: SourceId, range: Range<usize>) -> Option<Node> {
    let text = &sources.text(id)[range.clone()];
    if first_long_key(text).is_some() {
        return None;
    }
    let value = DeValue::parse(text).ok()?;
    let mut converter = Converter { id, offset: range.start, bad: Vec::new(), too_deep: None };
    Some(converter.node(value, 0))
}

/// The first key path that is too long: nested tables are dropped recursively, which must not exhaust the stack.
pub(super) fn first_long_key(text: &str) -> Option<Range<usize>> {
    let mut dots = 0;
    let mut start = 0;
    for token in toml_parser::Source::new(text).lex() {
        let span = token.span();
        match token.kind() {
            TokenKind::Dot => {
                dots += 1;
                if dots >= KEY_SEGMENTS_MAX {
                    return Some(start..span.end());
                }
            }
            TokenKind::Atom | TokenKind::Whitespace | TokenKind::LiteralString | TokenKind::BasicString => {}
            _ => {
                dots = 0;
                start = span.end();
            }
        }
    }
    None
}

fn say(sources: &Sources, id: SourceId, error: &toml::de::Error, place: Place, findings: &mut Findings) {
    let message = error.message();
    if message.starts_with("duplicate key") {
        let key = sources.get(place);
        let diagnostic =
            findings.add(Diagnostic::new(&catalogue::DEFINED_TWICE, place, format!("`{key}` is defined twice")));
        if let Some(first) = first_definition(sources.text(id), place.range()) {
            diagnostic.also(id.place(first), "first defined here");
        }
        let is_header = line_of(sources.text(id), place.range().start).trim_start().starts_with('[');
        diagnostic.help(if is_header { "write all its keys below one of them" } else { "keep one of them" });
        return;
    }
    if message.starts_with("cannot recurse further") {
        findings.add(Diagnostic::new(&catalogue::TOO_LARGE, place, "nested too deeply"));
        return;
    }
    let (title, expected) = match message.split_once(", expected ") {
        Some((title, expected)) => (title, Some(expected)),
        None => (message, None),
    };
    let title = match title {
        "invalid basic string" | "invalid literal string" => "the string is never closed, or holds a bad character",
        "string values must be quoted" => "text must stand in quotes",
        other => other,
    };
    let diagnostic = findings.add(Diagnostic::new(&catalogue::SYNTAX, place, title));
    if let Some(expected) = expected.filter(|expected| *expected != "literal string") {
        diagnostic.label(format!("expected {expected}"));
    }
    diagnostic.maybe_help(syntax_help(sources.text(id), place.range()));
}

fn hides_what_follows(text: &str, message: &str, range: &Range<usize>) -> bool {
    let opened_twice = message.starts_with("duplicate key") && line_of(text, range.start).trim_start().starts_with('[');
    opened_twice || ["array", "inline table", "comma"].iter().any(|word| message.contains(word))
}

/// Where the next line starts that opens a table.
fn next_header(text: &str, from: usize) -> usize {
    text[from..].find("\n[").map_or(text.len(), |at| from + at + 1)
}

/// The line that byte `at` lies in.
fn line_of(text: &str, at: usize) -> &str {
    let start = text[..at].rfind('\n').map_or(0, |newline| newline + 1);
    text[start..].lines().next().unwrap_or("")
}

/// What to write instead, for the mistakes that people make in scenarios.
fn syntax_help(text: &str, range: Range<usize>) -> Option<String> {
    if text.trim_start().starts_with('{') {
        return Some("this looks like JSON; a scenario is TOML: `brownout new` writes one to start from".to_owned());
    }
    let line = line_of(text, range.start);
    let Some((key, value)) = line.split_once('=') else { return yaml_help(line) };
    if key.trim_end().ends_with(':') {
        return Some("a key and its value are separated by `=`".to_owned());
    }
    let (key, value) = (key.trim(), value.split('#').next().unwrap_or("").trim());
    if let Some((before, _)) = value.split_once("//") {
        return Some(format!("a comment begins with `#`: {key} = {} # ..", before.trim()));
    }
    if value.contains(['“', '”', '‘', '’', '„']) {
        return Some("write straight quotes: `\"`".to_owned());
    }
    if let Some(value) = value.strip_suffix([',', ';']).filter(|value| !value.contains(['[', '{'])) {
        return Some(format!("nothing stands behind a value: {key} = {}", value.trim_end()));
    }
    match value.to_ascii_lowercase().as_str() {
        "true" | "yes" | "on" => return Some(format!("write {key} = true")),
        "false" | "no" | "off" => return Some(format!("write {key} = false")),
        "null" | "nil" | "none" => return Some(format!("leave {key} out, or write {key} = \"none\" to take it away")),
        _ => {}
    }
    let plain = !value.is_empty() && !value.starts_with(['"', '\'', '[', '{']) && !value.contains('"');
    (plain && !key.is_empty()).then(|| format!("values with a unit are text, too: {key} = \"{value}\""))
}

/// What `key: value` is in TOML.
fn yaml_help(line: &str) -> Option<String> {
    let (key, value) = line.trim().trim_start_matches("- ").split_once(':')?;
    let is_word = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    if key.is_empty() || !key.chars().all(is_word) {
        return None;
    }
    let value = value.split(" #").next().unwrap_or("").trim();
    Some(match value {
        "" => format!("this looks like YAML; a scenario is TOML, where a table opens with [{key}]"),
        number if number.parse::<f64>().is_ok() || matches!(number, "true" | "false") => {
            format!("write {key} = {number}")
        }
        quoted if quoted.starts_with(['"', '\'', '[', '{']) => format!("write {key} = {quoted}"),
        text => format!("write {key} = \"{text}\""),
    })
}

/// Where the key or table at `range` was defined first, as far as the lines before it tell.
fn first_definition(text: &str, range: Range<usize>) -> Option<Range<usize>> {
    let line_start = text[..range.start].rfind('\n').map_or(0, |at| at + 1);
    let line_end = text[range.start..].find('\n').map_or(text.len(), |at| range.start + at + 1);
    let within_line = range.start - line_start..range.end.min(line_end) - line_start;
    let line = &text[line_start..line_end];
    let head = line.split(['=', '#']).next().unwrap_or(line).trim();
    let mut at = 0;
    let mut found = None;
    for other in text[..line_start].split_inclusive('\n') {
        let is_header = other.trim_start().starts_with('[');
        if is_header && !line.trim_start().starts_with('[') {
            // A key belongs to the table above it.
            found = None;
        }
        let other_head = other.split(['=', '#']).next().unwrap_or(other);
        if other_head.trim() == head && found.is_none() {
            let lead = other_head.len() - other_head.trim_start().len();
            let own_lead = line.len() - line.trim_start().len();
            let start = at + lead + within_line.start.saturating_sub(own_lead);
            found = Some(start..start + within_line.len());
        }
        at += other.len();
    }
    found.filter(|found| text.get(found.clone()) == text.get(range.clone()))
}

/// Turns the parser's tree into ours.
struct Converter {
    id: SourceId,
    /// Where the parsed text starts in its source.
    offset: usize,
    /// Places of syntax errors, sorted.
    bad: Vec<Place>,
    /// The first value that lies too deep.
    too_deep: Option<Place>,
}

impl Converter {
    fn place(&self, span: Range<usize>) -> Place {
        self.id.place(span.start + self.offset..span.end + self.offset)
    }

    fn node(&mut self, spanned: Spanned<DeValue<'_>>, depth: usize) -> Node {
        let span = spanned.span();
        let place = self.place(span.clone());
        let value = spanned.into_inner();
        if depth > DEPTH_MAX {
            self.too_deep.get_or_insert(place);
            return Node { value: Value::Broken, place };
        }
        // The parser puts a zero at 0..0 where it found no value at all.
        let is_made_up = span == (0..0) && !self.bad.is_empty();
        let value = match value {
            DeValue::Table(table) => Value::Table(self.table(table, depth)),
            _ if is_made_up || self.is_bad(place) => Value::Broken,
            DeValue::String(text) => Value::Text(text.into_owned()),
            DeValue::Integer(integer) => Value::Integer(clipped(integer.as_str(), integer.radix())),
            DeValue::Float(float) => Value::Float(float.as_str().parse().unwrap_or(f64::NAN)),
            DeValue::Boolean(flag) => Value::Flag(flag),
            DeValue::Datetime(_) => Value::Datetime,
            DeValue::Array(array) => Value::List(array.into_iter().map(|item| self.node(item, depth + 1)).collect()),
        };
        Node { value, place }
    }

    fn table(&mut self, table: DeTable<'_>, depth: usize) -> Table {
        let mut entries = Vec::with_capacity(table.len());
        for (key, value) in table {
            let key_place = self.place(key.span());
            entries.push(Entry { key: key.into_inner().into_owned(), key_place, node: self.node(value, depth + 1) });
        }
        entries.sort_by_cached_key(first_mention);
        Table { entries }
    }

    fn is_bad(&self, place: Place) -> bool {
        let from = self.bad.partition_point(|bad| bad.start() < place.start());
        self.bad[from.saturating_sub(1)..].iter().take(2).any(|bad| bad.touches(place))
    }
}

/// Where a key stands first in the file: `[service.a.endpoint.b]` may come before `[service.a]`.
fn first_mention(entry: &Entry) -> u32 {
    let own = entry.key_place.start();
    let inner = entry.node.table().and_then(|table| table.entries.first());
    inner.map_or(own, |first| own.min(first.key_place.start()))
}

/// The number, or the nearest one of 128 bits.
fn clipped(digits: &str, radix: u32) -> i128 {
    let bound = if digits.starts_with('-') { i128::MIN } else { i128::MAX };
    i128::from_str_radix(digits, radix).unwrap_or(bound)
}
