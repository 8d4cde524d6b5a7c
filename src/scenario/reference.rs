//! The language as a page of reference, from the same declarations that decode it.

use std::fmt::Write;

use super::declare::{Kind, Presence, Section};
use super::decode::{METRICS, meaning};
use super::language::sections;
use super::say::catalogue;
use crate::base::distribution;
use crate::model::Metric;

/// The page `SCENARIOS.md`: how a scenario is written, every table and key, every code.
pub fn reference() -> String {
    let mut text = include_str!("reference-opening.md").to_owned();
    for section in sections() {
        add_section(section, &mut text);
    }
    add_forms(&mut text);
    add_codes(&mut text);
    text
}

fn add_section(section: &Section, text: &mut String) {
    let _ = write!(text, "\n### {}\n\n{}\n\n", title(section), joined(section.about));
    let _ = writeln!(text, "| key | takes | without it | since | meaning |\n|---|---|---|---|---|");
    for key in section.keys {
        let kind = (key.kind)();
        let without = match key.presence {
            Presence::Required => "must be there".to_owned(),
            Presence::Optional => String::new(),
            Presence::Default(value) => format!("`{value}`"),
        };
        let meaning = joined(key.doc);
        let _ = writeln!(text, "| `{}` | {} | {without} | {} | {meaning} |", key.name, takes(&kind), key.since);
    }
}

/// How a table opens in the file, or what a step is called.
pub(super) fn title(section: &Section) -> String {
    match section.path {
        "" => "The whole file".to_owned(),
        "step" => {
            let noun = section.noun.trim_start_matches("a ").trim_start_matches("an ");
            format!("Step: {}", noun.trim_end_matches(" step"))
        }
        path if path.starts_with("step") => capitalized(section.noun),
        path => format!("`[{path}]`"),
    }
}

/// What a key takes, with the units and words that it knows.
pub(super) fn takes(kind: &Kind) -> String {
    match kind {
        Kind::Words { words, .. } => words.iter().map(|word| format!("`\"{word}\"`")).collect::<Vec<_>>().join(", "),
        Kind::Form(_) => format!("{}, e.g. `{}`", kind.describe(), kind.example()).replace('|', "\\|"),
        Kind::Integer { min, max } => match (*min, *max) {
            (min, max) if max >= u64::from(u32::MAX) => format!("a whole number from {min} on"),
            (min, max) => format!("a whole number from {min} to {max}"),
        },
        Kind::Or(word, inner) => format!("{} or `\"{word}\"`", takes(inner)),
        Kind::Either(kinds) => kinds.iter().map(takes).collect::<Vec<_>>().join("; or "),
        Kind::Table(section) | Kind::Named(section) => match section().path {
            path if path.starts_with("step") => capitalized(section().noun),
            path => format!("`[{path}]`"),
        },
        _ => kind.describe(),
    }
}

fn add_forms(text: &mut String) {
    text.push_str("\n## Values with an inside\n\n### Distributions\n\nA length of time such as `5ms` is always the same. Besides:\n\n");
    for (name, example) in distribution::NAMES {
        let _ = writeln!(text, "- `{name}`: `{example}`");
    }
    text.push_str(
        "\n`empirical('latencies.csv', unit=1ms)` draws from measured values: one row each, as lengths of time (`12.5ms`) \
         or as plain numbers, whose unit is then given. `column=\"p\"` names the column with them, `weight=\"count\"` one \
         with how often each was seen.\n\n### Conditions\n\n`METRIC(TARGET) COMPARISON BOUND`, with `<`, `<=`, `>=` or \
         `>`, such as `goodput(shoppers) >= 99%`. Percentiles are metrics too: `p50`, `p99`, `p99.9`, `wait_p99`.\n\n| metric | \
         measured at | bound | what it says |\n|---|---|---|---|\n",
    );
    for (name, metric, bounds) in METRICS.iter() {
        let about = meaning(*metric);
        let at = super::decode::measured_at(*metric);
        let bounds: Vec<&str> = bounds.iter().map(|unit| unit.example()).collect();
        let _ = writeln!(text, "| `{name}` | {at} | {} | {about} |", bounds.join(" or "));
    }
    for (name, at, metric) in [
        ("p99", "workloads and services", Metric::Quantile(0.99)),
        ("wait_p99", "services and pools", Metric::WaitQuantile(0.99)),
    ] {
        let about = meaning(metric);
        let _ = writeln!(text, "| `{name}`, ... | {at} | a length of time such as `200ms` | {about} |");
    }
}

fn add_codes(text: &mut String) {
    text.push_str("\n## Errors and warnings\n\n`brownout explain CODE` shows each with an example.\n\n| code | what |\n|---|---|\n");
    for code in catalogue::all() {
        let _ = writeln!(text, "| {} | {} |", code.id, code.title);
    }
}

pub(super) fn joined(lines: &[&str]) -> String {
    lines.iter().map(|line| line.trim()).collect::<Vec<_>>().join(" ")
}

fn capitalized(noun: &str) -> String {
    let mut chars = noun.chars();
    chars.next().map_or_else(String::new, |first| first.to_uppercase().chain(chars).collect())
}
