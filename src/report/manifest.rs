//! `manifest.json`: what it takes to repeat a run. The only file that may differ between two equal runs,
//! because it holds the command.

use serde::Serialize;

use super::{Input, json};

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
    json::document(&Manifest {
        title: &input.model.title,
        seed: input.model.seed,
        scenario_hash: input.hash,
        brownout_version: input.version,
        command,
        scenario: scenario_text,
        files,
    })
}
