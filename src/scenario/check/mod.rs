//! What only shows when the whole is looked at: endless recursion (an error), and what is legal but suspicious.

mod circle;
mod graph;
mod load;
mod recursion;
mod timeouts;
mod traffic;
mod unused;

use std::collections::BTreeSet;

use super::build::Atlas;
use super::decode::Cx;
use crate::model::Model;

/// Looks for errors. The model may have holes; what they hide is not complained about.
pub(crate) fn find_errors(model: &Model, atlas: &Atlas, cx: &mut Cx<'_>) {
    recursion::find(model, atlas, cx);
}

/// Looks for what is suspicious in a model without errors.
///
/// `elsewhere` holds the texts of variants that are not laid over: what they name is used, only not now.
pub(crate) fn find_warnings(model: &Model, atlas: &Atlas, elsewhere: &BTreeSet<&str>, cx: &mut Cx<'_>) {
    unused::find(model, atlas, elsewhere, cx);
    timeouts::find(model, atlas, cx);
    circle::find(model, atlas, cx);
    load::find(model, atlas, cx);
}
