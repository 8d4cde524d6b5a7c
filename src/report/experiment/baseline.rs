//! Holding replications against those of an earlier version, which left its `summary.json` in the repository.
//!
//! Nothing is said to have changed that may be chance: in all, endings and figures together, that happens in at most 5% of
//! all experiments without any difference. Half of that is for how runs end (Fisher's exact test), half for the figures
//! (Student's t over runs that ended alike; where runs ended in several ways also whether the values of all runs lie apart,
//! which takes no mean over both), each corrected for how many there are (Holm). What could not be held against the
//! baseline is said, and what is gone fails.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;

use crate::base::student::student_95;
use crate::experiment::{Estimate, Replications};
use crate::insight::statistics::{Sample, apart, fisher, holm, unpaired};
use crate::insight::{Better, Measure};
use crate::model::Verdict;

use super::gate::Case;
use super::{ending_name, text_of};

/// How likely it is that something is said to have changed where nothing has; a half for endings, a half for figures.
const ERROR: f64 = 0.05;
/// What differs by less than this part comes from the arithmetic.
const NOTHING: f64 = 1e-9;

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
    #[serde(flatten)]
    all: Mean,
    /// Of the values of all runs; earlier versions did not keep it.
    lowest: Option<f64>,
    highest: Option<f64>,
    #[serde(default)]
    by_ending: BTreeMap<String, Mean>,
}

#[derive(Clone, PartialEq, Debug, Deserialize)]
struct Mean {
    samples: Option<u32>,
    mean: Option<f64>,
    half_width: Option<f64>,
}

/// What became of a figure, or of how runs end.
#[derive(Clone, PartialEq, Debug)]
pub struct Change {
    /// What changed: `goodput(shoppers) if recovered`.
    pub name: String,
    /// What changed, from what to what.
    pub text: String,
    /// Whether that is for the worse.
    pub is_worse: bool,
}

/// What came out.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Held {
    /// Everything that has changed by more than chance: endings first, then figures.
    pub changes: Vec<Change>,
    /// Figures of the baseline that there are no more.
    pub gone: Vec<String>,
    /// Figures of which the baseline has nothing.
    pub new: Vec<String>,
    /// What both have and could not be held against each other: no two runs of each ended alike, or there is no sample.
    pub unheld: Vec<String>,
    /// So many figures were held against the baseline.
    pub held: usize,
}

/// A question asked of a figure.
struct Test {
    change: Change,
    p: f64,
}

impl Baseline {
    /// From the text of a `summary.json`.
    ///
    /// # Errors
    ///
    /// What is wrong with it.
    pub fn from_json(text: &str) -> Result<Baseline, String> {
        let it: Baseline = serde_json::from_str(text).map_err(|error| error.to_string())?;
        let ended: u64 = it.endings.iter().map(|ending| u64::from(ending.count)).sum();
        match ended == u64::from(it.replications) {
            true => Ok(it),
            false => Err(format!("of {} runs {ended} ended", it.replications)),
        }
    }

    /// Holds the runs against it.
    pub fn hold(&self, now: &Replications) -> Held {
        let mut held = Held::default();
        match (self.is_judged(), now.runs.iter().all(|run| run.verdict.is_some())) {
            (true, true) => held.changes = self.ending_changes(now),
            (false, false) => {}
            _ => held.unheld.push("how runs end".to_owned()),
        }
        let then: BTreeMap<&str, &Figure> = self.figures.iter().map(|it| (it.name.as_str(), it)).collect();
        let names: BTreeSet<&str> = now.measures.iter().map(|measure| measure.name.as_str()).collect();
        let is_gone = |figure: &&Figure| figure.all.mean.is_some() && !names.contains(figure.name.as_str());
        held.gone = self.figures.iter().filter(is_gone).map(|figure| figure.name.clone()).collect();
        let is_exact = self.is_exact(now);
        let mut tests = Vec::new();
        for (place, measure) in now.measures.iter().enumerate() {
            let name = || measure.name.clone();
            let has_sample = now.values(place).any(|value| value.is_some());
            match then.get(measure.name.as_str()).filter(|old| old.all.mean.is_some()) {
                None if has_sample => held.new.push(name()),
                None => {}
                Some(old) => match self.tests(old, now, place, is_exact) {
                    asked if asked.is_empty() => held.unheld.push(name()),
                    asked => {
                        held.held += 1;
                        tests.extend(asked);
                    }
                },
            }
        }
        for change in surely(tests) {
            // A figure that has changed within an ending need not be told over all runs as well.
            if !held.changes.iter().any(|it| it.name.split(" if ").next() == Some(&change.name)) {
                held.changes.push(change);
            }
        }
        held
    }

    fn is_judged(&self) -> bool {
        self.endings.iter().all(|it| verdict_of(&it.verdict).is_some())
    }

    /// Good endings are those of which users no longer notice anything at the end; of the others each is asked whether more
    /// runs are at least as good.
    fn ending_changes(&self, now: &Replications) -> Vec<Change> {
        const WORST: [Verdict; 4] = [Verdict::Recovered, Verdict::Unharmed, Verdict::Recovering, Verdict::Degraded];
        let mut counts: Vec<((u32, u32), (u32, u32))> = Vec::new();
        let mut tests = Vec::new();
        for worst in WORST {
            let is_so = |it: &&Ending| verdict_of(&it.verdict).is_some_and(|verdict| verdict <= worst);
            let then = (self.endings.iter().filter(is_so).map(|it| it.count).sum(), self.replications);
            let share = now.at_most(worst);
            let now = (share.count, share.of);
            if counts.contains(&(then, now)) {
                continue;
            }
            counts.push((then, now));
            let name = match worst {
                Verdict::Recovered => "runs that end well".to_owned(),
                worst => format!("runs that end {} or better", worst.name()),
            };
            let text = format!("{name}: {} of {} instead of {} of {}", now.0, now.1, then.0, then.1);
            let is_worse = u64::from(now.0) * u64::from(then.1) < u64::from(then.0) * u64::from(now.1);
            tests.push(Test { change: Change { name, text, is_worse }, p: fisher(then, now) });
        }
        surely(tests)
    }

    /// What is asked of the figure at `place`.
    fn tests(&self, old: &Figure, now: &Replications, place: usize, is_exact: bool) -> Vec<Test> {
        let measure = &now.measures[place];
        let text = |value: f64| text_of(measure)(Some(value)).replace('\u{a0}', " ");
        let change = |name: String, said: String, moved: f64| Change {
            text: format!("{name}: {said}"),
            name,
            is_worse: is_worse(measure, moved),
        };
        let mut tests = Vec::new();
        let endings = now.endings();
        let is_mixed = self.is_mixed(now);
        for ending in &endings {
            let ending = ending.verdict;
            let values: Vec<f64> = now
                .runs
                .iter()
                .zip(now.values(place))
                .filter(|(run, _)| run.verdict == ending)
                .filter_map(|(_, value)| value)
                .collect();
            let Some((then, width)) = self.sample(old, ending_name(ending)) else { continue };
            let Some((new, new_width)) = sample(&values) else { continue };
            let Some(p) = unpaired(then, new) else { continue };
            let name = match is_mixed {
                true => format!("{} if {}", measure.name, ending_name(ending)),
                false => measure.name.clone(),
            };
            let said = |mean: f64, width: f64| format!("{} ±{}", text(mean), text(width));
            let said = format!("{} instead of {}", said(new.mean, new_width), said(then.mean, width));
            // Where no seed changes anything, what differs is no chance.
            let p = if is_exact && p < 1.0 { 0.0 } else { p };
            tests.push(Test { change: change(name, said, new.mean - then.mean), p });
        }
        let values: Vec<f64> = now.values(place).flatten().collect();
        let samples = old.all.samples.unwrap_or(0) as usize;
        if let (true, Some(low), Some(high)) = (is_mixed && !values.is_empty(), old.lowest, old.highest) {
            let lowest = values.iter().copied().fold(f64::INFINITY, f64::min);
            let highest = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
            let surest = apart(samples, values.len());
            // So few runs cannot be sure of anything.
            if surest <= ERROR / 2.0 / now.measures.len() as f64 {
                let gap = NOTHING * low.abs().max(high.abs());
                let is_apart = lowest > high + gap || highest < low - gap;
                let said = format!(
                    "{} to {} over all runs instead of {} to {}",
                    text(lowest),
                    text(highest),
                    text(low),
                    text(high)
                );
                let p = if is_apart { surest } else { 1.0 };
                tests.push(Test { change: change(measure.name.clone(), said, lowest - low), p });
            }
        }
        tests
    }

    /// Whether not all runs, then and now, ended alike.
    fn is_mixed(&self, now: &Replications) -> bool {
        let then = self.endings.iter().filter(|it| it.count > 0).map(|it| it.verdict.as_str());
        then.chain(now.runs.iter().map(|run| ending_name(run.verdict))).collect::<BTreeSet<&str>>().len() > 1
    }

    /// What is known of the runs that ended so, and half the width of its interval.
    fn sample(&self, figure: &Figure, ending: &str) -> Option<(Sample, f64)> {
        let of = self.endings.iter().find(|it| it.verdict == ending)?.count;
        // Where all ended alike, the mean over all is that of the ending.
        let it = if of == self.replications { &figure.all } else { figure.by_ending.get(ending)? };
        let (count, mean, half_width) = (it.samples.unwrap_or(of) as usize, it.mean?, it.half_width?);
        let error = (count > 1).then(|| half_width / student_95(count - 1))?;
        Some((Sample { count, mean, error }, half_width))
    }

    /// Whether no figure differs between runs, then or now: the seed changes nothing.
    fn is_exact(&self, now: &Replications) -> bool {
        let is_constant = |mean: f64, half_width: Option<f64>| half_width.is_some_and(|it| it <= NOTHING * mean.abs());
        let then = self.figures.iter().all(|it| it.all.mean.is_none_or(|mean| is_constant(mean, it.all.half_width)));
        let averaged = |place: usize| now.averaged(place).all;
        let now = (0..now.measures.len()).all(|it| averaged(it).is_none_or(|it| is_constant(it.mean, it.half_width)));
        then && now
    }
}

fn verdict_of(name: &str) -> Option<Verdict> {
    Verdict::ALL.into_iter().find(|verdict| verdict.name() == name)
}

/// Whether more by so much is for the worse.
fn is_worse(measure: &Measure, moved: f64) -> bool {
    match measure.better {
        Better::More => moved < 0.0,
        Better::Less => moved > 0.0,
        Better::Neither => false,
    }
}

fn sample(values: &[f64]) -> Option<(Sample, f64)> {
    if values.is_empty() {
        return None;
    }
    let it = Estimate::of(values);
    Some((Sample { count: values.len(), mean: it.mean, error: it.standard_error? }, it.half_width?))
}

/// What is no chance, of all that was asked together.
fn surely(tests: Vec<Test>) -> Vec<Change> {
    let p: Vec<f64> = tests.iter().map(|test| test.p).collect();
    let is_sure = holm(&p).into_iter().map(|p| p < ERROR / 2.0);
    tests.into_iter().zip(is_sure).filter(|(_, is_sure)| *is_sure).map(|(test, _)| test.change).collect()
}

impl Held {
    /// What a person is told: a line for each change, and what could not be held.
    pub fn lines(&self) -> Vec<String> {
        let mark = |change: &Change| {
            let mark = if change.is_worse { "worse" } else { "other" };
            format!("{mark} than the baseline: {}", change.text)
        };
        let rest = [self.said_of_gone(), self.said_of_unheld(), self.said_of_nothing()];
        self.changes.iter().map(mark).chain(rest.into_iter().flatten()).collect()
    }

    /// The same as checks of a continuous build.
    pub fn cases(&self) -> Vec<Case> {
        let case = |name: &str, found: String, pass: bool| Case { name: name.to_owned(), found, pass };
        let change = |it: &Change| case(&format!("baseline: {}", it.name), it.text.clone(), !it.is_worse);
        let gone = self.said_of_gone().map(|said| case("baseline: figures that are gone", said, false));
        let unheld = self.said_of_unheld().map(|said| case("baseline: figures that were not held", said, true));
        let nothing = self.said_of_nothing().map(|said| case("baseline", said, true));
        self.changes.iter().map(change).chain([gone, unheld, nothing].into_iter().flatten()).collect()
    }

    fn said_of_gone(&self) -> Option<String> {
        let said = || format!("figures of the baseline that are gone: {}", named(&self.gone));
        (!self.gone.is_empty()).then(said)
    }

    fn said_of_unheld(&self) -> Option<String> {
        let unheld = "too few runs that ended alike, then and now, no sample, or nobody judged";
        let unheld = (!self.unheld.is_empty()).then(|| format!("{} ({unheld})", named(&self.unheld)));
        let new = (!self.new.is_empty()).then(|| format!("{} (not in it)", named(&self.new)));
        let said: Vec<String> = [unheld, new].into_iter().flatten().collect();
        (!said.is_empty()).then(|| format!("not held against the baseline: {}", said.join("; ")))
    }

    fn said_of_nothing(&self) -> Option<String> {
        let is_so = self.changes.is_empty() && self.gone.is_empty() && self.held > 0;
        let held = if self.held == 1 { "1 figure" } else { &format!("{} figures", self.held) };
        is_so.then(|| format!("held against the baseline: {held}, nothing has changed by more than chance"))
    }
}

/// How many there are, and the first of them by name.
fn named(names: &[String]) -> String {
    const NAMED: usize = 6;
    let some = names.iter().take(NAMED).map(String::as_str).collect::<Vec<_>>().join(", ");
    match names.len() {
        0..=NAMED => some,
        many => format!("{some} and {} more", many - NAMED),
    }
}
