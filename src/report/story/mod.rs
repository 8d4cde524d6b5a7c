//! `story.json` and `timeline.json`: what happened in a run, whole, and how it went over time. Both can be read again, so
//! that `brownout story` tells the story of a run that is over. `text` is how it is told in a terminal.

mod text;

use serde::{Deserialize, Serialize};

use crate::base::units::Share;
use crate::insight::{Insight, Timeline};
use crate::model::Id;

use super::Input;
use super::json::document;

pub use text::{at, service, story};
pub(super) use text::{root_says, says};

/// Counts the revisions of these documents that take something away or change a meaning.
const SCHEMA: u32 = 1;

/// `story.json`. Times and lengths of time are in seconds.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Story {
    /// Counts the revisions that take something away or change a meaning.
    pub schema: u32,
    /// Of the scenario.
    pub title: String,
    /// Hash of its text.
    pub scenario_hash: String,
    /// Of the run.
    pub seed: u64,
    /// How long the run lasted.
    pub duration_s: f64,
    /// When it counts as harmed.
    pub thresholds: Thresholds,
    /// What happened.
    pub insight: Insight,
    /// Attempts to each service, as a multiple of those of the twin run, over the time that totals cover; `None`
    /// without a twin.
    pub amplification: Vec<Amplification>,
}

/// When a run counts as harmed.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Thresholds {
    /// Share of the twin's good answers that may be missing.
    pub tolerance_share: f64,
    /// From this missing share on, at the end, it is metastable.
    pub metastable_share: f64,
    /// Standard deviations that are no chance.
    pub sigmas: f64,
    /// By how much older than in the twin the oldest message of a group may be, in seconds.
    #[serde(default)]
    pub lag_s: f64,
    /// Share of a group's messages that may be lost, expired or dead beyond those of the twin.
    #[serde(default)]
    pub lost_share: f64,
}

/// Attempts to a service, against the twin's.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Amplification {
    /// Its name.
    pub service: String,
    /// Attempts that arrived ÷ those that arrived in the twin.
    pub amplification: Option<f64>,
}

impl Story {
    /// The story of a run; `None` where there is none to tell.
    pub fn of(input: &Input) -> Option<Story> {
        let share = |share: Share| share.as_f64();
        let settings = &input.model.verdict;
        let insight = input.insight?;
        Some(Story {
            schema: SCHEMA,
            title: input.model.title.clone(),
            scenario_hash: input.hash.to_owned(),
            seed: input.model.seed,
            duration_s: input.model.duration.as_secs_f64(),
            thresholds: Thresholds {
                tolerance_share: share(settings.tolerance),
                metastable_share: share(settings.metastable),
                sigmas: settings.sigmas,
                lag_s: settings.lag.as_secs_f64(),
                lost_share: share(settings.lost),
            },
            insight: insight.clone(),
            amplification: amplification(input),
        })
    }

    /// The document.
    pub fn to_json(&self) -> String {
        document(self)
    }

    /// Reads the document again.
    ///
    /// # Errors
    /// What is wrong with it, when it is no story.
    pub fn from_json(text: &str) -> Result<Story, String> {
        serde_json::from_str(text).map_err(|error| error.to_string())
    }
}

/// The document `timeline.json`: one line, because it is long and nobody reads it.
pub fn timeline_json(timeline: &Timeline) -> String {
    let mut text = serde_json::to_string(timeline).expect("structs with text keys always serialise");
    text.push('\n');
    text
}

/// Reads `timeline.json` again.
///
/// # Errors
/// What is wrong with it, when it is no timeline.
pub fn timeline_from_json(text: &str) -> Result<Timeline, String> {
    serde_json::from_str(text).map_err(|error| error.to_string())
}

fn amplification(input: &Input) -> Vec<Amplification> {
    let Some(twin) = input.twin else { return Vec::new() };
    let services = input.model.services.enumerate();
    let of = |(id, service): (crate::model::ServiceId, &crate::model::Service)| {
        let (attempts, usual) = (input.results.services[id.index()].arrivals, twin.services[id.index()].arrivals);
        let amplification = (usual > 0).then(|| attempts as f64 / usual as f64);
        Amplification { service: service.name.clone(), amplification }
    };
    services.map(of).collect()
}
