//! A scenario as it will run: variants, arguments and parameters have done their work, every default is written
//! down, and a comment says where each value comes from. What it prints is a scenario that gives the same model.

use std::collections::BTreeMap;
use std::fmt::Write;

use super::build::means_nothing;
use super::declare::{Key, Keys, Kind, Presence, Section};
use super::decode::{PresetValue, VERBS, preset_value};
use super::files::{of_place, resolved};
use super::language::{ClientKeys, ExpectKeys, ScenarioKeys};
use super::say::{Place, Sources};
use super::tree::{Node, Table, Value};
use crate::base::time::Time;
use crate::model::{Client, Model};
use crate::policy::order::Layer;

/// Keys whose work is done before anything runs.
const DONE: [&str; 3] = ["param", "variant", "extends"];
/// Comments stand in one column, unless a line is longer.
const COMMENT_COLUMN: usize = 44;

/// Prints `root`, which became `model`. `of_variant` tells which values a variant has laid over the file.
pub(crate) fn expand(root: &Table, model: &Model, sources: &Sources, of_variant: &BTreeMap<Place, String>) -> String {
    let mut expander = Expander { model, sources, of_variant, text: String::new() };
    expander.text.push_str("# As it runs. Behind each value stands where it comes from; paths are relative to the\n# directory in which this was printed.\n");
    expander.table(ScenarioKeys::section(), root, &[]);
    expander.text
}

struct Expander<'e> {
    model: &'e Model,
    sources: &'e Sources,
    of_variant: &'e BTreeMap<Place, String>,
    text: String,
}

/// A table that stands below the one that is printed.
type Below<'t> = (&'static Section, &'t Table, Vec<String>);

impl Expander<'_> {
    fn table(&mut self, section: &'static Section, table: &Table, path: &[String]) {
        let mut below: Vec<Below<'_>> = Vec::new();
        let mut lines = String::new();
        for key in section.keys.iter().filter(|key| !path.is_empty() || !DONE.contains(&key.name)) {
            let inner_path = || [path, &[key.name.to_owned()]].concat();
            match table.get(key.name).map(|entry| &entry.node) {
                Some(node) if key.is_taken_away(node) => {}
                Some(node) => {
                    match ((key.kind)(), &node.value) {
                        (Kind::Named(inner), Value::Table(named)) => {
                            let items = named.entries.iter().filter_map(|entry| Some((entry, entry.node.table()?)));
                            below.extend(items.map(|(entry, table)| {
                                (inner(), table, [inner_path(), vec![entry.key.clone()]].concat())
                            }));
                        }
                        (Kind::Table(inner), Value::Table(table)) => below.push((inner(), table, inner_path())),
                        (Kind::Or(_, kind), Value::Table(table)) if matches!(*kind, Kind::Table(_)) => {
                            if let Kind::Table(inner) = *kind {
                                below.push((inner(), table, inner_path()));
                            }
                        }
                        (Kind::Steps, _) => self.steps(key.name, node, &mut lines),
                        (kind, _) => {
                            let value = self.inline(&kind, node);
                            line(&format!("{} = {value}", key.name), &self.origin(node.place), &mut lines);
                        }
                    }
                }
                None => {
                    if let Some((value, origin)) = self.left_out(section, key, table, path) {
                        line(&format!("{} = {value}", key.name), &origin, &mut lines);
                    }
                }
            }
        }
        if !path.is_empty() && (!lines.is_empty() || below.is_empty()) {
            let _ = write!(self.text, "\n[{}]\n", path.join("."));
        } else if path.is_empty() {
            self.text.push('\n');
        }
        self.text.push_str(&lines);
        for (section, table, path) in below {
            self.table(section, table, &path);
        }
    }

    /// What holds for a key that nobody wrote, and why.
    fn left_out(&self, section: &Section, key: &Key, table: &Table, path: &[String]) -> Option<(String, String)> {
        if means_nothing(self.model, path, key.name) {
            return None;
        }
        if let Presence::Default(default) = key.presence {
            let preset = table.get("preset").and_then(|entry| entry.node.text());
            return match preset.map(|preset| (preset_value(section.path, preset, key.name), preset)) {
                Some((PresetValue::Value(value), preset)) => Some((value, format!("preset {preset}"))),
                Some((PresetValue::Missing, _)) => None,
                _ => Some((written(default), "default".to_owned())),
            };
        }
        let time = |time: Time| string(&time.to_string());
        let expectation = || self.model.expectations.iter().find(|known| path.last() == Some(&known.name));
        match (section.path, key.name) {
            ("", "title") => Some((string(&self.model.title), "the name of the file".to_owned())),
            (at, "order") if at == ClientKeys::section().path => {
                let client = self.model.clients.iter().find(|client| path.last() == Some(&client.name))?;
                order(client).map(|order| (order, "how its policies stand around a call, from outside in".to_owned()))
            }
            ("", "interval") => Some((string(&self.model.interval.to_string()), "from the duration".to_owned())),
            (at, "after") if at == ExpectKeys::section().path => {
                Some((time(expectation()?.from), "the end of the warm-up".to_owned()))
            }
            (at, "until") if at == ExpectKeys::section().path => {
                Some((time(expectation()?.until), "the end of the run".to_owned()))
            }
            _ => None,
        }
    }

    /// Steps, each on a line of its own.
    fn steps(&self, key: &str, node: &Node, lines: &mut String) {
        line(&format!("{key} = ["), &self.origin(node.place), lines);
        let mut flat = Vec::new();
        flatten(node, &mut flat);
        for step in flat {
            line(&format!("  {},", self.step(step)), &self.origin(step.place), lines);
        }
        lines.push_str("]\n");
    }

    fn step(&self, node: &Node) -> String {
        let Some(table) = node.table() else { return self.inline(&Kind::Scalar, node) };
        match VERBS.iter().find(|(verb, _, _)| table.get(verb).is_some()) {
            Some((_, section, _)) => self.inline_table(section(), table),
            None => self.inline(&Kind::Scalar, node),
        }
    }

    fn inline_table(&self, section: &'static Section, table: &Table) -> String {
        let pair = |key: &Key| match table.get(key.name).map(|entry| &entry.node) {
            Some(node) if key.is_taken_away(node) => None,
            Some(node) => Some(format!("{} = {}", key.name, self.inline(&(key.kind)(), node))),
            None => match key.presence {
                Presence::Default(default) => Some(format!("{} = {}", key.name, written(default))),
                Presence::Required | Presence::Optional => None,
            },
        };
        format!("{{ {} }}", section.keys.iter().filter_map(pair).collect::<Vec<_>>().join(", "))
    }

    /// A value of `kind` on one line.
    fn inline(&self, kind: &Kind, node: &Node) -> String {
        match (kind, &node.value) {
            (Kind::Steps, Value::List(_) | Value::Table(_)) => {
                let mut flat = Vec::new();
                flatten(node, &mut flat);
                format!("[{}]", flat.iter().map(|step| self.step(step)).collect::<Vec<_>>().join(", "))
            }
            (Kind::Table(section), Value::Table(table)) => self.inline_table(section(), table),
            (Kind::List(inner), Value::List(items)) => {
                format!("[{}]", items.iter().map(|item| self.inline(inner, item)).collect::<Vec<_>>().join(", "))
            }
            // A branch: a table with steps is one, anything else is a step or a list of them.
            (Kind::Either(kinds), Value::Table(table)) => {
                let is_step = VERBS.iter().any(|(verb, _, _)| table.get(verb).is_some());
                let fits = |kind: &&Kind| match kind {
                    Kind::Steps => is_step,
                    Kind::Table(_) => true,
                    _ => false,
                };
                kinds.iter().find(fits).map_or_else(|| self.plain(node), |kind| self.inline(kind, node))
            }
            (Kind::Either(kinds), Value::List(_)) if kinds.iter().any(|kind| matches!(kind, Kind::Steps)) => {
                self.inline(&Kind::Steps, node)
            }
            (Kind::Or(_, inner), Value::Table(_) | Value::List(_)) => self.inline(inner, node),
            (Kind::Text, Value::Text(text)) => string(text),
            _ => self.plain(node),
        }
    }

    /// A value as it stands in the tree.
    fn plain(&self, node: &Node) -> String {
        match &node.value {
            Value::Text(text) => string(&self.with_paths(text, node.place)),
            Value::Integer(integer) => integer.to_string(),
            Value::Float(float) => toml::Value::Float(*float).to_string(),
            Value::Flag(flag) => flag.to_string(),
            Value::List(items) => {
                format!("[{}]", items.iter().map(|item| self.plain(item)).collect::<Vec<_>>().join(", "))
            }
            Value::Table(table) => {
                let pair = |entry: &super::tree::Entry| format!("{} = {}", name(&entry.key), self.plain(&entry.node));
                format!("{{ {} }}", table.entries.iter().map(pair).collect::<Vec<_>>().join(", "))
            }
            Value::Datetime | Value::Broken => self.sources.get(node.place).to_owned(),
        }
    }

    /// `text` with the paths of data files as they lead from here, not from the file that names them.
    fn with_paths(&self, text: &str, place: Place) -> String {
        let mut changed = text.to_owned();
        for call in ["trace(", "empirical("] {
            let before = changed.clone();
            for (at, _) in before.rmatch_indices(call) {
                let rest = &before[at + call.len()..];
                let Some(quote) = rest.chars().next().filter(|c| matches!(c, '"' | '\'')) else { continue };
                let Some(end) = rest[1..].find(quote) else { continue };
                let path = &rest[1..=end];
                let start = at + call.len() + 1;
                changed.replace_range(start..start + path.len(), &resolved(of_place(place, self.sources), path));
            }
        }
        changed
    }

    /// Where a value was written: `shop.toml:12`, and what it looked like there when it was made of parameters.
    fn origin(&self, place: Place) -> String {
        let (written, text) = self.sources.as_written(place);
        let Some(source) = self.sources.source(written) else { return "default".to_owned() };
        let mut origin = match self.sources.is_argument(written) {
            true => format!("{} {}", source.name, source.text),
            false => format!("{}:{}", source.name, source.line(written.range().start) + 1),
        };
        if let Some(variant) = self.of_variant.get(&written) {
            let _ = write!(origin, ", variant {variant}");
        }
        if let Some(text) = text {
            let _ = write!(origin, ", {}", string(text));
        }
        origin.replace(['\n', '\r'], " ")
    }
}

/// The order of a client's policies, if it makes a difference.
fn order(client: &Client) -> Option<String> {
    let has = [
        client.retry.is_some() || client.hedge.is_some(),
        client.throttle.is_some(),
        client.breaker.is_some(),
        client.rate_limit.is_some(),
        client.timeout.is_some(),
        client.bulkhead.is_some(),
        client.limit.is_some(),
    ];
    let name = |layer: &Layer| match layer {
        Layer::Retry if client.hedge.is_some() => "hedge",
        layer => layer.name(),
    };
    let names: Vec<String> = client.order.layers().iter().map(|layer| string(name(layer))).collect();
    (has.iter().filter(|it| **it).count() > 1).then(|| format!("[{}]", names.join(", ")))
}

/// The steps of a list, those of lists in it too.
fn flatten<'n>(node: &'n Node, flat: &mut Vec<&'n Node>) {
    match &node.value {
        Value::List(items) => items.iter().for_each(|item| flatten(item, flat)),
        _ => flat.push(node),
    }
}

fn line(left: &str, origin: &str, lines: &mut String) {
    let width = left.chars().count().max(COMMENT_COLUMN);
    let _ = writeln!(lines, "{left:width$}  # {origin}");
}

/// A declared default as TOML.
fn written(default: &str) -> String {
    let is_plain = default.parse::<f64>().is_ok() || matches!(default, "true" | "false");
    if is_plain { default.to_owned() } else { string(default) }
}

/// Text as TOML, on one line.
fn string(text: &str) -> String {
    let text = toml::Value::String(text.to_owned()).to_string();
    if text.contains('\n') { format!("{text:?}") } else { text }
}

fn name(key: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    if !key.is_empty() && key.chars().all(is_plain) { key.to_owned() } else { string(key) }
}
