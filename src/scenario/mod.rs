//! Floor 3, blind to mechanisms: TOML text becomes a [`Model`], or all its diagnostics at once.
//!
//! 1. `tree`: the text as a tree of values that know their places. `extend` lays it over the scenario that it extends,
//!    variants and `--set` change it, parameters are inserted.
//! 2. `language` declares every table and key once; `decode` reads the tree against it, with the `data` in other files.
//! 3. `build` resolves names and makes the model; `check` looks for what is wrong or suspicious as a whole.
//!    `change` reads the tree once more with what changes while the system runs.
//! 4. `say`: what was found, with codes and places, in rustc's look.
//!
//! The same declarations make the `schema` for editors, the `reference` and the pages of `explain`; `expand` prints a
//! scenario as it will run. `files` asks the caller for what a scenario names: nothing is read here. `lessons` are the
//! scenarios that the program brings along.
//!
//! No step fails: each says what is wrong and goes on with the rest, so that a file shows all its faults in
//! one go. What was not readable is marked, so that nobody complains about the consequences.

mod brokers;
mod build;
mod change;
mod check;
mod data;
mod declare;
mod decode;
mod expand;
mod explain;
mod extend;
mod files;
mod language;
mod lessons;
mod load;
mod locate;
mod reference;
mod say;
mod schema;
mod tree;

pub use brokers::{BrokerPage, BrokerParameter, broker_pages};
pub use build::{Parameter, ParameterRange};
pub use check::{Paper, on_paper};
pub(crate) use decode::{Unit as BoundUnit, metric_units};
pub use explain::{Unknown, explain};
pub use files::{DATA_BYTES_MAX, Files, NamedFile, NoFiles, SCENARIO_BYTES_MAX};
pub use lessons::{LESSONS, Lesson, TEMPLATES, file, lesson};
pub use load::{LoadOptions, Loaded, Sweep, expanded, load, load_with_files, variants};
pub use locate::Locator;
pub use reference::reference;
pub use say::catalogue::{Code, Severity, all as codes};
pub use say::{Diagnostics, Notice, Site};
pub use schema::schema;

#[cfg(doc)]
use crate::model::Model;
