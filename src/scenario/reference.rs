//! The language as a page of reference, from the same declarations that decode it.

use std::fmt::Write;

use super::declare::{Kind, Presence, Section};
use super::language::sections;

/// Every table and every key in Markdown: what a key takes, what holds without it, what it means.
pub fn reference() -> String {
    let mut text = String::new();
    for section in sections() {
        add_section(section, &mut text).expect("a string takes all that is written");
    }
    text
}

fn add_section(section: &Section, text: &mut String) -> std::fmt::Result {
    match section.path {
        "" => writeln!(text, "## The file\n")?,
        path if path.starts_with("step") => writeln!(text, "## {}\n", capitalized(section.noun))?,
        path => writeln!(text, "## `[{path}]`\n")?,
    }
    writeln!(text, "{}\n", joined(section.about))?;
    writeln!(text, "| key | takes | without it | meaning |\n|---|---|---|---|")?;
    for key in section.keys {
        let kind = (key.kind)();
        let without = match key.presence {
            Presence::Required => "must be there".to_owned(),
            Presence::Optional => String::new(),
            Presence::Default(value) => format!("`{value}`"),
        };
        writeln!(text, "| `{}` | {} | {without} | {} |", key.name, takes(&kind), joined(key.doc))?;
    }
    writeln!(text)
}

fn takes(kind: &Kind) -> String {
    match kind {
        Kind::Words { words, .. } => words.iter().map(|word| format!("`\"{word}\"`")).collect::<Vec<_>>().join(", "),
        Kind::Form { .. } => format!("{}, e.g. `\"{}\"`", kind.describe(), kind.example().trim_matches('"')),
        _ => kind.describe(),
    }
}

fn joined(lines: &[&str]) -> String {
    lines.iter().map(|line| line.trim()).collect::<Vec<_>>().join(" ")
}

fn capitalized(noun: &str) -> String {
    let mut chars = noun.chars();
    chars.next().map_or_else(String::new, |first| first.to_uppercase().chain(chars).collect())
}
