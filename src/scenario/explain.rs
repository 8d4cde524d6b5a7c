//! `explain`: a page for every code, table and key, from the declarations that decode them.

use std::fmt::Write;

use super::declare::{Key, Kind, Presence, Section};
use super::decode::{METRICS, meaning};
use super::language::sections;
use super::reference::{joined, takes, title};
use super::say::catalogue::{self, Code, Severity};
use crate::base::distribution;
use crate::base::suggest::did_you_mean;

/// Nothing is known under a name.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Unknown {
    /// What somebody may have meant.
    pub near: Option<String>,
}

/// What is known about `name`: a code (`E010`), a table (`service`, `client.NAME.retry`), a step (`call`) or a key
/// (`service.threads`, or its path in somebody's file, `service.orders.threads`; a bare `threads` when that is enough).
pub fn explain(name: &str) -> Result<String, Unknown> {
    if let Some(code) = catalogue::all().find(|code| code.id.eq_ignore_ascii_case(name)) {
        return Ok(of_code(code));
    }
    let path: Vec<&str> = name.trim_matches(['[', ']']).split('.').collect();
    let found: Vec<String> = entries().filter(|entry| entry.answers(&path)).map(|entry| entry.page()).collect();
    if found.is_empty()
        && let Some(page) = of_word(name)
    {
        return Ok(page);
    }
    if found.is_empty() {
        return Err(Unknown { near: near(name) });
    }
    Ok(found.join("\n"))
}

/// A table, or a key in one.
struct Entry {
    section: &'static Section,
    key: Option<&'static Key>,
}

fn entries() -> impl Iterator<Item = Entry> {
    sections().into_iter().flat_map(|section| {
        let keys = section.keys.iter().map(move |key| Entry { section, key: Some(key) });
        std::iter::once(Entry { section, key: None }).chain(keys)
    })
}

/// What a step is called by: its verb.
fn verb(section: &Section) -> Option<&'static str> {
    let first = section.keys.first().filter(|_| section.path == "step")?;
    Some(first.name)
}

impl Entry {
    /// The words that lead to it, NAME where any name stands.
    fn path(&self) -> Vec<&'static str> {
        let section = self.section;
        let mut path: Vec<&str> = match verb(section) {
            Some(verb) => vec!["steps", verb],
            None => section.path.split('.').filter(|segment| !segment.is_empty()).collect(),
        };
        path.extend(self.key.map(|key| key.name));
        path
    }

    /// Whether `asked` means this one: the whole path, the path without names, or its last words.
    fn answers(&self, asked: &[&str]) -> bool {
        let path = self.path();
        let whole = path.len() == asked.len()
            && path.iter().zip(asked).all(|(known, word)| known == word || *known == "NAME" && !word.is_empty());
        // `service.thraeds` is not a service of that name.
        let is_misspelt = || {
            asked.last().is_some_and(|word| did_you_mean(word, self.section.keys.iter().map(|key| key.name)).is_some())
        };
        let whole = whole
            && !(self.key.is_none() && path.last() == Some(&"NAME") && asked.last() != Some(&"NAME") && is_misspelt());
        let plain: Vec<&str> = path.iter().copied().filter(|segment| *segment != "NAME").collect();
        let is_table = self.key.is_none();
        // A key that repeats the verb of its step is explained with the step.
        let is_verb = self.key.is_some_and(|key| verb(self.section) == Some(key.name));
        // A table that a key opens is explained as a table.
        let opens = self.key.is_some_and(|key| matches!((key.kind)(), Kind::Named(_)));
        if is_verb || opens {
            return false;
        }
        whole
            || plain == asked
            || (!plain.is_empty()
                && plain.ends_with(asked)
                && (is_table || asked.len() == 1 || plain.len() > asked.len()))
    }

    fn page(&self) -> String {
        match self.key {
            None => of_section(self.section),
            Some(key) => of_key(self.section, key),
        }
    }
}

fn near(name: &str) -> Option<String> {
    let last = name.rsplit('.').next().unwrap_or(name);
    let codes = catalogue::all().map(|code| code.id);
    let keys = sections().into_iter().flat_map(|section| {
        section.keys.iter().map(|key| key.name).chain(section.path.split('.').filter(|word| *word != "NAME"))
    });
    let metrics = METRICS.iter().map(|(name, _, _)| *name);
    did_you_mean(last, codes.chain(keys).chain(metrics).filter(|word| !word.is_empty())).map(str::to_owned)
}

/// A metric of conditions, or a distribution.
fn of_word(name: &str) -> Option<String> {
    let name = name.split('(').next().unwrap_or(name);
    if let Some((_, metric, units)) = METRICS.iter().find(|(known, _, _)| *known == name) {
        let bounds: Vec<&str> = units.iter().map(|unit| unit.example()).collect();
        let about = folded(meaning(*metric), 80);
        return Some(format!("`{name}`, a metric of conditions\n\n{about}\n\nbound:    {}\n", bounds.join(" or ")));
    }
    let (_, example) = distribution::NAMES.iter().find(|(known, _)| *known == name)?;
    Some(
        format!("`{name}`, a distribution of lengths of time\n\nexample:  work = \"{example}\"\n")
            .replace("\"empirical(\"latencies.csv\", unit=1ms)\"", "\"empirical('latencies.csv', unit=1ms)\""),
    )
}

fn of_code(code: &Code) -> String {
    let kind = match code.severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
    };
    let mut text = format!("{kind} {}: {}\n\n{}\n", code.id, code.title, folded(code.explanation, 80));
    for (when, example) in [("This shows it:", code.bad), ("This does not:", code.good)] {
        if !example.is_empty() {
            let lines: Vec<String> = example.lines().map(|line| format!("    {line}").trim_end().to_owned()).collect();
            let _ = write!(text, "\n{when}\n\n{}\n", lines.join("\n"));
        }
    }
    text
}

fn of_section(section: &Section) -> String {
    let mut text = format!("{}\n\n{}\n\n", title(section), folded(&joined(section.about), 80));
    let width = section.keys.iter().map(|key| key.name.len()).max().unwrap_or(0);
    for key in section.keys {
        let _ = writeln!(text, "  {:width$}  {}", key.name, first_sentence(&joined(key.doc)));
    }
    if let Some(path) = example_path(section) {
        let _ = writeln!(text, "\nOf one key: brownout explain {path}");
    }
    text
}

/// Up to the first full stop that is not a part of `..`.
fn first_sentence(text: &str) -> &str {
    let is_end = |at: &usize| !text[..*at].ends_with('.');
    text.match_indices(". ").map(|(at, _)| at).find(is_end).map_or(text, |at| &text[..=at])
}

/// What leads to one of its keys; a step with nothing beside its verb has none.
fn example_path(section: &Section) -> Option<String> {
    let own: Vec<&str> = match verb(section) {
        Some(verb) => vec![verb],
        None => section.path.split('.').filter(|word| *word != "NAME" && !word.is_empty()).collect(),
    };
    let key = section.keys.iter().find(|key| verb(section) != Some(key.name))?;
    Some([own, vec![key.name]].concat().join("."))
}

fn of_key(section: &Section, key: &Key) -> String {
    let kind = (key.kind)();
    let mut text = format!("`{}` of {}", key.name, section.noun);
    if !section.path.is_empty() && !section.path.starts_with("step") {
        let _ = write!(text, ", below [{}]", section.path);
    }
    let _ = write!(text, "\n\n{}\n\n", folded(&joined(key.doc), 80));
    let _ = writeln!(text, "takes:    {}", takes(&kind).replace("\\|", "|"));
    if let Some(unit) = kind.unit() {
        let _ = writeln!(text, "unit:     {unit}");
    }
    let default = match key.presence {
        Presence::Required => "none, it must be there",
        Presence::Optional => "none, it can be left out",
        Presence::Default(value) => value,
    };
    let _ = writeln!(text, "default:  {default}");
    if !matches!(kind, Kind::Named(_) | Kind::Table(_) | Kind::Overlays) {
        let _ = writeln!(text, "example:  {} = {}", key.name, kind.example());
    }
    let _ = writeln!(text, "since:    {}", key.since);
    text
}

/// `text` in lines of at most `width` characters.
fn folded(text: &str, width: usize) -> String {
    let mut lines = vec![String::new()];
    for word in text.split_whitespace() {
        let line = lines.last_mut().expect("there is a line");
        if !line.is_empty() && line.chars().count() + 1 + word.chars().count() > width {
            lines.push(word.to_owned());
        } else {
            line.push_str(if line.is_empty() { "" } else { " " });
            line.push_str(word);
        }
    }
    lines.join("\n")
}
