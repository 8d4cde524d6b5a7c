//! Holding replications against those of an earlier version, which left its `summary.json` in the repository: a figure has
//! changed when it moved by more than both intervals together allow.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::experiment::Replications;
use crate::insight::Better;
use crate::insight::statistics::ShareEstimate;
use crate::model::Verdict;

use super::gate::Case;
use super::text_of;

/// As much of an earlier `summary.json` as it takes.
#[derive(Clone, PartialEq, Debug, Deserialize)]
pub struct Baseline {
    replications: u32,
    endings: Vec<Ending>,
    figures: Vec<Figure>,
}

#[derive(Clone, PartialEq, Debug, Deserialize)]
struct Ending {
    verdict: String,
    count: u32,
}

#[derive(Clone, PartialEq, Debug, Deserialize)]
struct Figure {
    name: String,
    mean: Option<f64>,
    half_width: Option<f64>,
}

/// What became of a figure.
#[derive(Clone, PartialEq, Debug)]
pub struct Change {
    /// What changed, from what to what.
    pub text: String,
    /// Whether that is for the worse.
    pub is_worse: bool,
}

impl Baseline {
    /// From the text of a `summary.json`.
    ///
    /// # Errors
    ///
    /// What is wrong with it.
    pub fn from_json(text: &str) -> Result<Baseline, String> {
        serde_json::from_str(text).map_err(|error| error.to_string())
    }

    /// Everything that has changed by more than chance: endings first, then figures. Two intervals of 95% are far enough
    /// apart when the difference of the means is larger than the root of the sum of their squared half widths, which is
    /// the half width of the difference of two independent means. Where the runs of either ended differently, figures have
    /// no interval and are not compared.
    pub fn changes(&self, now: &Replications) -> Vec<Change> {
        let mut changes: Vec<Change> = self.ending_change(now).into_iter().collect();
        let then: BTreeMap<&str, &Figure> = self.figures.iter().map(|it| (it.name.as_str(), it)).collect();
        for (place, measure) in now.measures.iter().enumerate() {
            let Some(old) = then.get(measure.name.as_str()) else { continue };
            let new = now.averaged(place).all;
            let (Some(new), Some(old_mean), Some(old_width)) = (new, old.mean, old.half_width) else { continue };
            let Some(width) = new.half_width else { continue };
            let moved = new.mean - old_mean;
            // A constant is exact: what is below a billionth of it comes from the arithmetic.
            if moved.abs() <= (width * width + old_width * old_width).sqrt().max(1e-9 * old_mean.abs()) {
                continue;
            }
            let is_worse = match measure.better {
                Better::More => moved < 0.0,
                Better::Less => moved > 0.0,
                Better::Neither => false,
            };
            let text = text_of(measure);
            let said = |mean, width| format!("{} ±{}", text(Some(mean)), text(Some(width)));
            let text = format!("{}: {} instead of {}", measure.name, said(new.mean, width), said(old_mean, old_width));
            changes.push(Change { text, is_worse });
        }
        changes
    }

    /// Good endings are those of which users no longer notice anything at the end.
    fn ending_change(&self, now: &Replications) -> Option<Change> {
        let is_good = |name: &str| {
            Verdict::ALL.into_iter().any(|verdict| verdict <= Verdict::Recovered && verdict.name() == name)
        };
        let good: u32 = self.endings.iter().filter(|ending| is_good(&ending.verdict)).map(|ending| ending.count).sum();
        let judged = self.endings.iter().any(|it| Verdict::ALL.into_iter().any(|verdict| verdict.name() == it.verdict));
        let (then, now) = (ShareEstimate::of(good, self.replications), now.at_most(Verdict::Recovered));
        let apart = now.high < then.low || now.low > then.high;
        let text = format!("runs that end well: {} of {} instead of {} of {}", now.count, now.of, then.count, then.of);
        (judged && apart).then_some(Change { text, is_worse: now.high < then.low })
    }
}

/// The changes as checks of a continuous build: one for each, or one that says that there is none.
pub fn cases(changes: &[Change]) -> Vec<Case> {
    let case = |change: &Change| Case {
        name: format!("baseline: {}", change.text.split(':').next().unwrap_or_default()),
        found: change.text.clone(),
        pass: !change.is_worse,
    };
    match changes {
        [] => vec![Case {
            name: "baseline".to_owned(),
            found: "nothing has changed by more than chance".to_owned(),
            pass: true,
        }],
        changes => changes.iter().map(case).collect(),
    }
}
