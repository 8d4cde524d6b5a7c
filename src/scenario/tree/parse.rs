//! TOML text → tree, with all syntax errors at once. Size and depth are bounded before anything recurses.

use std::ops::Range;

use toml::Spanned;
use toml::de::{DeTable, DeValue};
use toml_parser::lexer::TokenKind;

use super::brackets::unclosed;
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
    let (mut root, mut errors) = DeTable::parse_recoverable(text);
    let mut is_whole = errors.is_empty();
    let repaired;
    if !is_whole && !errors.iter().any(is_too_deep) {
        let (without, said) = without_unreadable(id, text, findings);
        repaired = without;
        (root, errors) = DeTable::parse_recoverable(&repaired);
        errors.extend(said);
    }
    is_whole &= errors.is_empty();
    errors.sort_by_key(|error| error.span().map_or(0, |span| span.start));
    let mut bad = Vec::new();
    let mut torn = Vec::new();
    // The rest of a line with a fault is rarely another one; the keys of a table opened twice never are.
    let mut quiet_until = 0;
    let mut quotes_until = 0;
    for error in &errors {
        let range = error.span().unwrap_or(0..0);
        bad.push(id.place(range.clone()));
        torn.extend(is_about_structure(error).then_some(range.start));
        let is_quote = error.message().starts_with(UNQUOTED) && !range.is_empty();
        if range.start < quiet_until || (range.start < quotes_until && !is_quote) || findings.is_full() {
            continue;
        }
        say(sources, id, error, id.place(range.clone()), findings);
        let line_end = text[range.start.min(text.len())..].find('\n').map_or(text.len() + 1, |at| range.start + at + 1);
        if text.trim_start().starts_with('{') {
            // All of it is JSON.
            quiet_until = text.len() + 1;
        } else if is_table_twice(text, error.message(), &range) {
            quiet_until = next_header(text, range.end);
        } else if is_quote {
            quotes_until = line_end;
        } else {
            quiet_until = line_end;
        }
    }
    bad.sort_unstable();
    let mut converter = Converter { id, text, offset: 0, bad, torn, too_deep: None };
    let root = converter.table(root.into_inner(), 0);
    if let Some(place) = converter.too_deep {
        findings.add(Diagnostic::new(&catalogue::TOO_LARGE, place, "nested too deeply"));
    }
    Parsed { root, has_gaps: !is_whole || converter.too_deep.is_some() }
}

/// What the parser says of text without quotes.
const UNQUOTED: &str = "string values must be quoted";

fn is_too_deep(error: &toml::de::Error) -> bool {
    error.message().starts_with("cannot recurse further")
}

/// Whether a fault spoils the table or list around it, not only one of its values.
fn is_about_structure(error: &toml::de::Error) -> bool {
    let words = ["comma", "assignment", "missing key", "inline table", "unquoted key"];
    words.iter().any(|word| error.message().contains(word))
}

/// `text` with blanks in the place of all behind which the parser reads nothing more: brackets that are never closed,
/// which are said, and keys without a value, of which the parser's words are returned.
fn without_unreadable(id: SourceId, text: &str, findings: &mut Findings) -> (String, Vec<toml::de::Error>) {
    let mut repaired = text.to_owned();
    for one in unclosed(text) {
        let (open, close) = if text[one.at..].starts_with('[') { ("[", "]") } else { ("{", "}") };
        let place = id.place(one.at..one.at + 1);
        let diagnostic =
            findings.add(Diagnostic::new(&catalogue::SYNTAX, place, format!("the `{open}` is never closed")));
        if !one.until.is_empty() {
            diagnostic.also(id.place(one.until), "this is not a part of it");
        }
        diagnostic.help(format!("write `{close}` behind the last of what belongs to it"));
        blank(&mut repaired, one.lost);
    }
    let (_, errors) = DeTable::parse_recoverable(&repaired);
    let lines = |error: &toml::de::Error| error.span().map(|span| line_range(text, span.start));
    let valueless: Vec<_> =
        errors.into_iter().filter(|error| error.message().starts_with("key with no value")).collect();
    for line in valueless.iter().filter_map(lines) {
        blank(&mut repaired, line);
    }
    (repaired, valueless)
}

/// Replaces all but the line breaks in `range` of `text` by as many spaces.
fn blank(text: &mut String, range: Range<usize>) {
    let blanks: String = text[range.clone()].bytes().map(|byte| if byte == b'\n' { '\n' } else { ' ' }).collect();
    text.replace_range(range, &blanks);
}

/// Reads bytes `range` of a source as one TOML value, if they are one.
pub(crate) fn parse_value(sources: &Sources, id: SourceId, range: Range<usize>) -> Option<Node> {
    let text = &sources.text(id)[range.clone()];
    if first_long_key(text).is_some() {
        return None;
    }
    let value = DeValue::parse(text).ok()?;
    let mut converter =
        Converter { id, text: "", offset: range.start, bad: Vec::new(), torn: Vec::new(), too_deep: None };
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
    if let Some(kind) = message.strip_prefix("cannot extend value of type ") {
        let (key, kind) = (sources.get(place), kind.split(" with a").next().unwrap_or(kind));
        let article = if kind.starts_with(['a', 'i']) { "an" } else { "a" };
        findings
            .add(Diagnostic::new(&catalogue::DEFINED_TWICE, place, format!("`{key}` is {article} {kind} already")))
            .label("it cannot be given further keys")
            .help(match kind {
                "inline table" => "write all of them inside its braces, or all of them as a table of its own",
                _ => "keep the value, or the keys",
            });
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
    let (text, range) = (sources.text(id), place.range());
    let is_word = sources.get(place).starts_with(|c: char| c.is_ascii_alphabetic());
    let is_known = matches!(sources.get(place).to_ascii_lowercase().as_str(), "true" | "false" | "nan" | "inf");
    let is_open_block = title.starts_with("invalid multi-line") && range.start >= text.trim_end().len();
    let title = match title {
        _ if is_open_block => "the string is never closed",
        "invalid boolean" | "invalid float" if is_word && !is_known => "text must stand in quotes",
        UNQUOTED if text[range.end..].trim_start().starts_with('=') => "a comma is missing",
        "invalid basic string" | "invalid literal string" => "the string is never closed, or holds a bad character",
        "missing escaped value" => "a backslash begins an escape, and this is none",
        "unexpected key or value" => "nothing more can stand on this line",
        UNQUOTED if range.is_empty() => "the value is missing",
        UNQUOTED => "text must stand in quotes",
        other => other,
    };
    let diagnostic = findings.add(Diagnostic::new(&catalogue::SYNTAX, place, title));
    match expected {
        Some("literal string" | "nothing" | "`false`" | "`nan`") | None => {}
        Some(expected) if expected.starts_with("non-double-quote") => {
            let is_line_end = text[range.start..].starts_with(['\r', '\n']) || range.start == text.len();
            diagnostic.label(if is_line_end { "expected `\"`" } else { "a text cannot hold this character" });
        }
        Some("newline, `#`") => drop(diagnostic.label("expected the end of the line")),
        Some(expected) => drop(diagnostic.label(format!("expected {expected}"))),
    }
    let quotes = ["\"\"\"", "'''"].iter().filter_map(|quotes| text.rfind(quotes)).max();
    if let Some(start) = quotes.filter(|_| is_open_block) {
        diagnostic.also(id.place(start..start + 3), "it begins here");
    }
    diagnostic.maybe_help(syntax_help(text, range, message));
}

fn is_table_twice(text: &str, message: &str, range: &Range<usize>) -> bool {
    message.starts_with("duplicate key") && line_of(text, range.start).trim_start().starts_with('[')
}

/// Where the next line starts that opens a table.
fn next_header(text: &str, from: usize) -> usize {
    text[from..].find("\n[").map_or(text.len(), |at| from + at + 1)
}

/// The line that byte `at` lies in.
fn line_of(text: &str, at: usize) -> &str {
    &text[line_range(text, at)]
}

/// The bytes of the line that byte `at` lies in, without its line break.
fn line_range(text: &str, at: usize) -> Range<usize> {
    let start = text[..at].rfind('\n').map_or(0, |newline| newline + 1);
    start..start + text[start..].lines().next().unwrap_or("").len()
}

/// What to write instead, for the mistakes that people make in scenarios.
fn syntax_help(text: &str, range: Range<usize>, message: &str) -> Option<String> {
    if text.trim_start().starts_with('{') {
        return Some("this looks like JSON; a scenario is TOML: `brownout new` writes one to start from".to_owned());
    }
    let line = line_of(text, range.start);
    if line.trim_start().starts_with("//") || line.trim_start().starts_with(';') {
        return Some("a comment begins with `#`".to_owned());
    }
    if text[range.start..].trim_start().starts_with(':') {
        return Some("a key and its value are separated by `=`".to_owned());
    }
    if message.starts_with("carriage return") {
        return Some("save the file with the line breaks of Unix or of Windows".to_owned());
    }
    let stranger =
        text[range.start..].chars().next().filter(|c| !c.is_ascii() && message.starts_with("invalid unquoted"));
    if let Some(c) = stranger {
        return Some(format!("this is U+{:04X}, which only looks right: write it anew", u32::from(c)));
    }
    if message.starts_with(UNQUOTED) && text[range.end..].trim_start().starts_with('=') {
        return Some("write a comma between two values".to_owned());
    }
    if text[..range.start].ends_with('\\') {
        return Some("write `\\\\` for a backslash, or put the text into single quotes".to_owned());
    }
    let Some((key, value)) = line.split_once('=') else {
        let header = line.trim().strip_suffix(']').filter(|path| !path.contains('['));
        return header.map(|path| format!("a table opens with [{path}]")).or_else(|| yaml_help(line));
    };
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
    if let Some(value) = value.strip_prefix('=') {
        return Some(format!("write one `=`: {key} = {}", value.trim_start()));
    }
    let is_key = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    let unquoted = &text[range];
    if message.starts_with(UNQUOTED) && value.starts_with(['[', '{']) && !unquoted.is_empty() {
        return Some(format!("write \"{unquoted}\""));
    }
    let is_text = value.contains(char::is_alphabetic) || value.ends_with('%');
    let plain = is_text && !value.starts_with(['"', '\'', '[', '{']) && !value.contains('"');
    (plain && !key.is_empty() && key.chars().all(is_key)).then(|| {
        let why =
            if value.starts_with(|c: char| c.is_ascii_digit()) { "values with a unit are text, too:" } else { "write" };
        format!("{why} {key} = \"{value}\"")
    })
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
struct Converter<'t> {
    id: SourceId,
    /// All of the file.
    text: &'t str,
    /// Where the parsed text starts in its source.
    offset: usize,
    /// Places of syntax errors, sorted.
    bad: Vec<Place>,
    /// Where tables inside a line are spoilt by one, sorted.
    torn: Vec<usize>,
    /// The first value that lies too deep.
    too_deep: Option<Place>,
}

impl Converter<'_> {
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
            DeValue::Table(_) if self.is_torn(&span) => Value::Broken,
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
            let next = self.torn.partition_point(|at| *at < key.span().start);
            if self.torn.get(next).is_some_and(|at| *at < key.span().end) {
                // It is not the key that was meant, and that has been said.
                continue;
            }
            entries.push(Entry { key: key.into_inner().into_owned(), key_place, node: self.node(value, depth + 1) });
        }
        entries.sort_by_cached_key(first_mention);
        Table { entries }
    }

    /// Whether the table at `span` is written in braces, with a fault between them.
    fn is_torn(&self, span: &Range<usize>) -> bool {
        let next = self.torn.partition_point(|at| *at <= span.start);
        self.text.get(span.start..).is_some_and(|text| text.starts_with('{'))
            && self.torn.get(next).is_some_and(|at| *at < span.end)
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
