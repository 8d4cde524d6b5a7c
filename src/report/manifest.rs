//! `manifest.json`: what it takes to repeat a run. The only file that may differ between two equal runs,
//! because it holds the command.

use serde::Serialize;

use super::{Input, json};
use crate::model::Model;

/// A file that the scenario names.
#[derive(Serialize)]
pub struct File<'a> {
    /// As the loader asked for it.
    pub path: &'a str,
    /// Of its bytes, in hexadecimal digits.
    pub sha256: String,
    /// What is in it, unless it is large.
    pub text: Option<&'a str>,
}

#[derive(Serialize)]
struct Manifest<'a> {
    title: &'a str,
    seed: u64,
    scenario_hash: &'a str,
    brownout_version: &'a str,
    command: &'a str,
    scenario: &'a str,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    files: &'a [File<'a>],
}

/// The manifest of a run by `command` of `scenario_text`, which names `files`.
pub fn manifest(input: &Input, scenario_text: &str, files: &[File<'_>], command: &str) -> String {
    of_scenario(input.model, (input.hash, input.version), scenario_text, files, command)
}

/// The manifest of several runs of a scenario that became `model`; `hash` is that of everything that decides them,
/// `version` that of brownout.
pub fn of_scenario(
    model: &Model,
    (hash, version): (&str, &str),
    scenario_text: &str,
    files: &[File<'_>],
    command: &str,
) -> String {
    json::document(&Manifest {
        title: &model.title,
        seed: model.seed,
        scenario_hash: hash,
        brownout_version: version,
        command,
        scenario: scenario_text,
        files,
    })
}
