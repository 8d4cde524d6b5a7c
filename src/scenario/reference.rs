//! The language as a page of reference, from the same declarations that decode it.

use std::fmt::Write;

use super::brokers::broker_pages;
use super::declare::{Kind, Presence, Section};
use super::decode::{METRICS, meaning, word_for};
use super::language::sections;
use super::say::catalogue;
use crate::base::distribution;
use crate::model::{Figure, Limit, Metric, Transport, TransportPreset, transport_figures};
use crate::policy::Outcome;
use crate::policy::registry::Kind as PolicyKind;
use crate::policy::settings::Parameter;

/// The page `SCENARIOS.md`: how a scenario is written, every table and key, every code.
pub fn reference() -> String {
    let mut text = include_str!("reference-opening.md").to_owned();
    for section in sections() {
        add_section(section, &mut text);
    }
    add_forms(&mut text);
    add_failures(&mut text);
    add_transports(&mut text);
    add_brokers(&mut text);
    add_presets(&mut text);
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

/// What an attempt can fail with.
fn add_failures(text: &mut String) {
    text.push_str(
        "\n### Failures of calls\n\nWhat `on` of a retry policy names, and what it is in HTTP and gRPC.\n\n| failure | HTTP | \
         gRPC |\n|---|---|---|\n",
    );
    for (outcome, http, grpc) in Outcome::FAILURES {
        let _ = writeln!(text, "| `{}` | {http} | {grpc} |", outcome.name().replace('_', "-"));
    }
}

/// What the presets of transports are, and where their figures come from.
fn add_transports(text: &mut String) {
    text.push_str("\n### Presets of transports\n\n| |");
    let presets = TransportPreset::ALL.map(Transport::of_preset);
    for transport in &presets {
        let _ = write!(text, " `\"{}\"` |", transport.name);
    }
    text.push_str(&("\n|---|".to_owned() + &"---|".repeat(presets.len()) + "\n"));
    let limit = |limit: Limit| match limit {
        Limit::Unlimited => "unlimited".to_owned(),
        Limit::AtMost(n) => n.to_string(),
    };
    type Row<'a> = (&'a str, &'a dyn Fn(&Transport) -> String);
    let rows: [Row; 11] = [
        ("`encoding.size`", &|it| it.encoding.size.to_string()),
        ("`encoding.encode`", &|it| it.encoding.encode.to_string()),
        ("`encoding.decode`", &|it| it.encoding.decode.to_string()),
        ("`headers`", &|it| it.headers.to_string()),
        ("`headers_warm`", &|it| it.headers_warm.to_string()),
        ("`connections.streams`", &|it| limit(it.connections.streams)),
        ("`connections.per_host`", &|it| limit(it.connections.per_host)),
        ("`connections.idle_timeout`", &|it| {
            it.connections.idle_timeout.map_or_else(|| "none".to_owned(), |span| span.to_string())
        }),
        ("`connections.reconnect`", &|it| {
            if it.connections.reconnect.is_some() { "backoff" } else { "none" }.to_owned()
        }),
        ("a client's `cancel`", &|it| word_for(it.cancel).to_owned()),
        ("a client's `deadlines`", &|it| word_for(it.deadlines).to_owned()),
    ];
    for (name, value) in rows {
        let _ = write!(text, "| {name} |");
        for transport in &presets {
            let _ = write!(text, " {} |", value(transport));
        }
        text.push('\n');
    }
    text.push_str(
        "\nWhere the figures come from, and how far to trust them: *measured* on one kind of machine, *read* in the source \
         that is named, *standard*, or *from memory*. All of them can be set.\n\n| figure | default | elsewhere | source | \
         trust |\n|---|---|---|---|---|\n",
    );
    for Figure { what, default, range, source, trust } in transport_figures() {
        let _ = writeln!(text, "| {what} | {default} | {range} | {source} | {} |", trust.name());
    }
}

/// What the presets of brokers are, and where their figures come from.
fn add_brokers(text: &mut String) {
    text.push_str(
        "\n### Presets of brokers\n\nBrokers under their real names: `broker = \"kafka\"` beside a topic, or \
         `broker.NAME.preset = \"kafka\"`. `brownout policy NAME` prints the same. How far to trust a figure: *read* in the \
         source that is named, *standard*, or *from memory*.\n",
    );
    for page in broker_pages() {
        text.push('\n');
        text.push_str(&page.markdown());
    }
}

/// Policies under their real names.
fn add_presets(text: &mut String) {
    text.push_str(
        "\n### Presets\n\nPolicies under the names of the libraries that they are of: `breaker = { preset = \"hystrix\" }`. A \
         policy takes the keys that its table lists, and no others. A balancer has no table: `balance = \"p2c\"`. `brownout policy NAME` prints the same, and \
         `brownout policy NAME --trace steps.json` steps it through a sequence of outcomes.\n",
    );
    for kind in PolicyKind::ALL {
        for preset in kind.presets() {
            let _ = write!(text, "\n#### {} of `[{}]`\n\n{}\n\n", preset.name, kind.path(), preset.about);
            let parameters = (preset.parameters)();
            if !parameters.is_empty() {
                text.push_str("| key | in the library | default | meaning |\n|---|---|---|---|\n");
            }
            for Parameter { name, theirs, default, about } in parameters {
                let theirs = if theirs.is_empty() { String::new() } else { format!("`{theirs}`") };
                let _ = writeln!(text, "| `{name}` | {theirs} | `{default}` | {} |", about.replace('|', "\\|"));
            }
            text.push('\n');
            for rule in preset.rules {
                let _ = writeln!(text, "- {rule}");
            }
            let _ = writeln!(text, "\nSource: {}.", preset.source);
        }
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
