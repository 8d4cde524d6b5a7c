//! Parameters: whether names, values and ranges fit; what users are told of them.

use std::cmp::Ordering;

use super::{Atlas, ParameterPlaces};
use crate::scenario::declare::Keys;
use crate::scenario::decode::{Cx, Item, Quantity, RangeForm, Scalar, is_name};
use crate::scenario::language::{ParameterKeys, ScenarioKeys};
use crate::scenario::say::catalogue;
use crate::scenario::tree::Uses;

/// A knob of a scenario.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Parameter {
    /// As in the file: `"$NAME"` stands for its value.
    pub name: String,
    /// Its value in this model, as TOML writes it.
    pub value: String,
    /// Which values make sense, if the file says so.
    pub range: Option<ParameterRange>,
    /// What turning it means, if the file says so.
    pub doc: Option<String>,
    /// In how many places its value stands.
    pub uses: usize,
}

/// Which values of a parameter make sense.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum ParameterRange {
    /// From one to the other, as the file writes them.
    Between(String, String),
    /// One of these, as TOML writes them.
    OneOf(Vec<String>),
}

impl std::fmt::Display for ParameterRange {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            ParameterRange::Between(low, high) => write!(f, "{low} .. {high}"),
            ParameterRange::OneOf(values) => f.write_str(&values.join(", ")),
        }
    }
}

/// The parameters of the file, which are used as often as `uses` says.
pub(crate) fn parameters(keys: &ScenarioKeys, uses: &Uses, atlas: &mut Atlas, cx: &mut Cx<'_>) -> Vec<Parameter> {
    let Some(named) = keys.param.value() else { return Vec::new() };
    named.items.iter().filter_map(|item| parameter(item, uses, atlas, cx)).collect()
}

fn parameter(item: &Item<ParameterKeys>, uses: &Uses, atlas: &mut Atlas, cx: &mut Cx<'_>) -> Option<Parameter> {
    check_name(item, cx);
    let keys = item.value.as_ref()?;
    let value = keys.value.value()?;
    let range = keys.range.value();
    let uses = uses.get(&item.name).copied().unwrap_or(0);
    if let Some(range) = range {
        check_kind(keys, value, range, cx);
    }
    let outside = range.filter(|range| is_outside(value, range)).map(|_| keys.value.place());
    atlas.parameters.push(ParameterPlaces {
        name: item.name.clone(),
        place: item.place,
        uses,
        outside: outside.map(|place| (place, keys.range.place())),
    });
    Some(Parameter {
        name: item.name.clone(),
        value: value.toml.clone(),
        range: range.map(|range| match range {
            RangeForm::Between { low, high } => ParameterRange::Between(low.0.clone(), high.0.clone()),
            RangeForm::OneOf(values) => ParameterRange::OneOf(values.iter().map(|value| value.toml.clone()).collect()),
        }),
        doc: keys.doc.given().cloned(),
        uses,
    })
}

/// `--set NAME=VALUE` must mean one thing, and `$NAME` must end somewhere.
fn check_name(item: &Item<ParameterKeys>, cx: &mut Cx<'_>) {
    let name = item.name.as_str();
    if ScenarioKeys::section().keys.iter().any(|key| key.name == name) {
        cx.say(&catalogue::BAD_NAME, item.place, format!("a parameter cannot be called `{name}`"))
            .label("the scenario has a key of this name")
            .help("`--set` takes both by their names: give the parameter another one");
    } else if is_name(name) && (!name.starts_with(|c: char| c.is_ascii_alphabetic()) || name.ends_with('-')) {
        cx.say(&catalogue::BAD_NAME, item.place, format!("a parameter cannot be called `{name}`"))
            .help("its name begins with a letter and does not end with `-`: `$5` is five dollars");
    }
}

fn check_kind(keys: &ParameterKeys, value: &Scalar, range: &RangeForm, cx: &mut Cx<'_>) {
    let RangeForm::Between { low, .. } = range else { return };
    if value.quantity.compare(&low.1).is_some() {
        return;
    }
    let title = match value.quantity {
        Quantity::Other => format!("`{}` lies in no range", value.plain),
        _ => format!("the value is {}, its range is that of {}", value.quantity.noun(), low.1.noun()),
    };
    cx.say(&catalogue::PARAMETER, keys.value.place(), title).also(keys.range.place(), "its range").help(
        match value.quantity {
            Quantity::Other => {
                format!("write {}, or list the values that make sense: `range = [\"a\", \"b\"]`", low.1.noun())
            }
            _ => format!("write {} such as `{}`", low.1.noun(), low.0),
        },
    );
}

fn is_outside(value: &Scalar, range: &RangeForm) -> bool {
    match range {
        RangeForm::Between { low, high } => {
            value.quantity.compare(&low.1) == Some(Ordering::Less)
                || value.quantity.compare(&high.1) == Some(Ordering::Greater)
        }
        RangeForm::OneOf(values) => values.iter().all(|known| known.toml != value.toml),
    }
}
