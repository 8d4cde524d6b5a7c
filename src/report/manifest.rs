//! `manifest.json`: what it takes to repeat a run. The only file that may differ between two equal runs,
//! because it holds the command.

use serde::Serialize;

use super::{Input, json};

#[derive(Serialize)]
struct Manifest<'a> {
    title: &'a str,
    seed: u64,
    scenario_hash: &'a str,
    brownout_version: &'a str,
    command: &'a str,
    scenario: &'a str,
}

/// The manifest of a run of `scenario_text` by `command`.
pub fn manifest(input: &Input, scenario_text: &str, command: &str) -> String {
    json::document(&Manifest {
        title: &input.model.title,
        seed: input.model.seed,
        scenario_hash: input.hash,
        brownout_version: input.version,
        command,
        scenario: scenario_text,
    })
}
