//! What only shows when the whole is looked at: endless recursion (an error), and what is legal but suspicious.

mod circle;
mod fails;
mod gain;
mod graph;
mod groups;
mod idle;
mod keys;
mod limits;
mod load;
mod members;
mod nested;
mod outliers;
mod paper;
mod parameter;
mod pools;
mod priorities;
mod queues;
mod recursion;
mod retries;
mod standby;
mod streams;
mod timeouts;
mod traces;
mod traffic;
mod unused;

pub use paper::{Paper, on_paper};

use std::collections::BTreeSet;

use super::build::Atlas;
use super::decode::Cx;
use super::tree::{Node, Table, Value, parameters_in};
use crate::model::Model;

/// Looks for errors. The model may have holes; what they hide is not complained about.
pub(crate) fn find_errors(model: &Model, atlas: &Atlas, cx: &mut Cx<'_>) {
    recursion::find(model, atlas, cx);
    standby::find_errors(model, atlas, cx);
    keys::find_errors(model, atlas, cx);
    streams::find_errors(model, atlas, cx);
}

/// What variants say that may not be laid over now: what they name is used, only not here.
#[derive(Default)]
pub(crate) struct Elsewhere<'t> {
    texts: BTreeSet<&'t str>,
    parameters: BTreeSet<&'t str>,
}

impl<'t> Elsewhere<'t> {
    /// All texts in the variants of a file, deep down.
    pub(crate) fn in_variants(root: &'t Table) -> Elsewhere<'t> {
        let mut found = Elsewhere::default();
        let mut to_visit: Vec<&Node> = root.get("variant").map(|entry| &entry.node).into_iter().collect();
        while let Some(node) = to_visit.pop() {
            match &node.value {
                Value::Text(text) => {
                    found.texts.insert(text.as_str());
                    found.parameters.extend(parameters_in(text));
                }
                Value::List(items) => to_visit.extend(items),
                Value::Table(table) => {
                    // Keys are names of what is defined, except where endpoints have shares.
                    let shares = ["entry", "ask"].map(|key| table.get(key).and_then(|entry| entry.node.table()));
                    found.texts.extend(shares.iter().flatten().flat_map(|shares| shares.keys()));
                    to_visit.extend(table.entries.iter().map(|entry| &entry.node));
                }
                _ => {}
            }
        }
        found
    }

    fn names(&self, text: &str) -> bool {
        self.texts.contains(text)
    }
}

/// Looks for what nobody uses.
pub(crate) fn find_unused(model: &Model, atlas: &Atlas, elsewhere: &Elsewhere<'_>, cx: &mut Cx<'_>) {
    unused::find(model, atlas, elsewhere, cx);
}

/// Looks for what is suspicious in a model without errors.
pub(crate) fn find_warnings(model: &Model, atlas: &Atlas, elsewhere: &Elsewhere<'_>, cx: &mut Cx<'_>) {
    unused::find(model, atlas, elsewhere, cx);
    parameter::find(atlas, elsewhere, cx);
    timeouts::find(model, atlas, cx);
    retries::find(model, atlas, cx);
    outliers::find(model, atlas, cx);
    keys::find_warnings(model, atlas, cx);
    priorities::find(model, atlas, elsewhere, cx);
    nested::find(model, atlas, cx);
    gain::find(model, atlas, cx);
    circle::find(model, atlas, cx);
    queues::find(model, atlas, cx);
    traces::find(model, atlas, cx);
    load::find(model, atlas, cx);
    members::find(model, atlas, cx);
    idle::find(model, atlas, elsewhere, cx);
    groups::find(atlas, cx);
}
