//! Advice: where a scenario hurts, what may be done there, and what it really does. Each cure of the catalogue is tried
//! alone, run by run with the same random numbers as the scenario as it stands; then the best of them in pairs; the winner
//! once more, with seeds that had no part in choosing it.
//!
//! `scene` is where it hurts, `cures` the catalogue, `cure` one of them as an overlay of the file, `plan` how often each is
//! tried, `trial` runs them, `rank` says what they did, `why` why nothing helps. That a cure which everybody believes in does nothing here is a finding, too.

mod cure;
mod cures;
mod other_ways;
mod plan;
mod rank;
mod scene;
mod trial;
mod why;

use crate::insight::{self, Insight};
use crate::measure::simulate;
use crate::model::{Model, TraceSettings};
use crate::scenario::{Files, LoadOptions, Locator, load_with_files, variants};

use super::Stage;
use super::replicate::Watch;

pub use cure::Cure;
pub use rank::{Effect, Figure, Figures};

use plan::Plan;
use rank::Ruler;
use scene::Scene;
use trial::{Arm, Trial};
use why::why_nothing;

/// The best so many are tried in pairs.
const PAIRED: usize = 3;
/// How much better a pair has to be than its better half, in goodput, to be worth a second change.
const WORTH: f64 = 0.01;

/// A scenario, and how often its cures are tried.
#[derive(Clone, Copy)]
pub struct Patient<'p> {
    /// What diagnostics call it; its path, if it extends another file.
    pub name: &'p str,
    /// Its text.
    pub bytes: &'p [u8],
    /// What is changed in it before anything else.
    pub options: &'p LoadOptions,
    /// The files that it names.
    pub files: &'p (dyn Files + Sync),
    /// The most runs of a cure.
    pub replications: u32,
}

/// What came out.
#[derive(Clone, Debug)]
pub struct Advice {
    /// The scenario as it stands.
    pub model: Model,
    /// What happened in its first run.
    pub insight: Insight,
    /// The services and clients where cures were looked for.
    pub places: Vec<String>,
    /// How its runs fared.
    pub base: Figures,
    /// Whether anything hurts: a run that does not end well.
    pub hurts: bool,
    /// What was tried, the best first.
    pub tried: Vec<Tried>,
    /// What could not be tried, and why.
    pub refused: Vec<(Cure, String)>,
    /// The place of the best one in `tried`, if any helps.
    pub winner: Option<usize>,
    /// The winner once more, with other seeds: as it stands, and cured.
    pub confirmed: Option<(Figures, Figures)>,
    /// What the overlay is called in the file.
    pub variant: String,
    /// With what the file has to be run, once the overlay of the winner stands in it: that variant, and what was set besides
    /// and does not take it back again.
    pub run_with: LoadOptions,
    /// Why nothing helps, where nothing does.
    pub why_nothing: Vec<String>,
    /// Runs in all, without their twins.
    pub runs: u32,
}

/// A cure, and what it did.
#[derive(Clone, PartialEq, Debug)]
pub struct Tried {
    /// What was changed.
    pub cure: Cure,
    /// Whether it is two of them at once.
    pub is_pair: bool,
    /// How its runs fared.
    pub figures: Figures,
    /// What that means.
    pub effect: Effect,
}

/// Why there is no advice.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum NoAdvice {
    /// The scenario has errors, which its loader says.
    BadScenario,
    /// It was interrupted.
    Interrupted,
}

/// Finds out what helps `patient`. As many runs go at once as the pool of threads that this is called in has threads; what
/// comes out does not depend on their number.
///
/// # Errors
/// See [`NoAdvice`].
pub fn advise(patient: Patient<'_>, watch: Watch<'_>) -> Result<Advice, NoAdvice> {
    let Patient { name, bytes, options, files, replications } = patient;
    let model = patient.model().ok_or(NoAdvice::BadScenario)?;
    let variant = free_name(&variants(name, bytes, files));
    let insight = first_story(&model, watch)?;
    let mut trial = Trial::new(watch);
    let plan = Plan::new(replications);
    let mut base = Arm::new(model.clone());
    trial.extend(std::slice::from_mut(&mut base), 0..plan.some).ok_or(NoAdvice::Interrupted)?;
    let ruler = Ruler::new(&model, &insight, &base.runs);
    let failed = ruler.failed(&base.runs);
    let locator = Locator::new(name, bytes, options, files);
    let scene = Scene::new(&model, &locator, &insight, &failed);
    let mut refused = Vec::new();
    let mut arms: Vec<(Cure, Arm)> = Vec::new();
    let add = |cure: Cure, arms: &mut Vec<(Cure, Arm)>, refused: &mut Vec<(Cure, String)>| match patient
        .cured(&cure, &variant)
    {
        Err(why) => refused.push((cure, why)),
        Ok(cured) if cured == model => refused.push((cure, "it changes nothing".to_owned())),
        Ok(cured) if arms.iter().any(|(_, arm)| arm.model == cured) => {
            refused.push((cure, "another one is the same here".to_owned()));
        }
        Ok(cured) => arms.push((cure, Arm::new(cured))),
    };
    cures::catalogue(&scene).into_iter().for_each(|cure| add(cure, &mut arms, &mut refused));
    plan.screen(&mut trial, &ruler, &base, &mut arms).ok_or(NoAdvice::Interrupted)?;
    plan.settle(&mut trial, &ruler, &mut base, &mut arms).ok_or(NoAdvice::Interrupted)?;
    let singles = arms.len();
    for (a, b) in best_pairs(&ruler, &base, &arms) {
        if let Some(pair) = arms[a].0.with(&arms[b].0).filter(|_| arms[a].0.kind != arms[b].0.kind) {
            add(pair, &mut arms, &mut refused);
        }
    }
    let others = arms.len();
    plan.pairs(&mut trial, &ruler, &base, &mut arms, singles).ok_or(NoAdvice::Interrupted)?;
    let base_figures = ruler.figures(&base, &base, others);
    let mut tried: Vec<Tried> = arms
        .iter()
        .enumerate()
        .map(|(n, (cure, arm))| {
            let figures = ruler.figures(&base, arm, others);
            let effect = ruler.effect(&base_figures, &figures);
            Tried { cure: cure.clone(), is_pair: n >= singles, figures, effect }
        })
        .collect();
    tried.sort_by(|a, b| ruler.order(a, b));
    let winner = ruler.winner(&tried);
    let (mut confirmed, mut run_with) = (None, options.clone());
    if let Some(place) = winner {
        run_with = patient.run_with(&tried[place].cure, &variant);
        let cured = patient.cured(&tried[place].cure, &variant).map_err(|_| NoAdvice::BadScenario)?;
        let mut both = [Arm::new(model.clone()), Arm::new(cured)];
        plan.confirm(&mut trial, &ruler, &mut both).ok_or(NoAdvice::Interrupted)?;
        let [again, cured] = &both;
        confirmed = Some((ruler.figures(again, again, 1), ruler.figures(again, cured, 1)));
    }
    let hurts = base_figures.ended_well.count < base_figures.ended_well.of;
    let why_nothing = if winner.is_none() { why_nothing(&scene, &insight, &tried) } else { Vec::new() };
    let places = scene.services.iter().map(|id| model.services[*id].name.clone());
    let places = places.chain(scene.clients.iter().map(|id| model.clients[*id].name.clone())).collect();
    let runs = trial.done();
    Ok(Advice {
        places,
        base: base_figures,
        hurts,
        tried,
        refused,
        winner,
        confirmed,
        variant,
        run_with,
        why_nothing,
        runs,
        insight,
        model: model.clone(),
    })
}

impl Patient<'_> {
    /// As it stands; `None` where it has errors.
    pub(super) fn model(&self) -> Option<Model> {
        load_with_files(self.name, self.bytes, self.options, self.files).model
    }

    /// The text of the scenario with the overlay of `cure` below it, called `variant`.
    pub fn with_overlay(&self, cure: &Cure, variant: &str) -> Vec<u8> {
        let mut text = self.bytes.to_vec();
        if text.last().is_some_and(|last| *last != b'\n') {
            text.push(b'\n');
        }
        text.extend_from_slice(b"\n");
        text.extend_from_slice(cure.overlay(variant).as_bytes());
        text
    }

    /// With what the file and that variant in it run as they were tried. What is set on the command line is laid over
    /// variants: of what the cure changes nothing may be set there, or the cure has to be set behind it.
    fn run_with(&self, cure: &Cure, variant: &str) -> LoadOptions {
        let text = self.with_overlay(cure, variant);
        let path = |set: &String| set.split('=').next().unwrap_or_default().trim().to_owned();
        let is_cured = |set: &String| cure.lines.iter().any(|(line, _)| cure::is_in(&path(set), line));
        let kept: Vec<String> = self.options.sets.iter().filter(|set| !is_cured(set)).cloned().collect();
        let lines = cure.lines.iter().map(|(path, value)| format!("{path}={value}"));
        let behind: Vec<String> = self.options.sets.iter().cloned().chain(lines).collect();
        let mut variants = self.options.variants.clone();
        variants.push(variant.to_owned());
        let with = |sets| LoadOptions { variants: variants.clone(), sets, ..self.options.clone() };
        let (kept, behind) = (with(kept), with(behind));
        let ran = load_with_files(self.name, &text, &kept, self.files).model;
        if ran.is_some() && ran == self.cured(cure, variant).ok() { kept } else { behind }
    }

    /// What runs when that variant is laid over the file and all that is set; or why it does not.
    fn cured(&self, cure: &Cure, variant: &str) -> Result<Model, String> {
        let mut options = self.options.clone();
        options.over.push(variant.to_owned());
        let loaded = load_with_files(self.name, &self.with_overlay(cure, variant), &options, self.files);
        let notices = loaded.diagnostics.notices();
        loaded.model.ok_or_else(|| {
            let error = notices.into_iter().find(|notice| notice.code.starts_with('E'));
            error.map(|error| error.title).unwrap_or_default()
        })
    }
}

impl Advice {
    /// The cures that everybody believes in, and that do nothing here, or harm.
    pub fn believed_in_vain(&self) -> impl Iterator<Item = &Tried> {
        self.tried.iter().filter(|it| it.cure.belief.is_some() && it.effect <= Effect::Nothing)
    }

    /// The overlay of the winner.
    pub fn overlay(&self) -> Option<String> {
        self.winner.map(|place| self.tried[place].cure.overlay(&self.variant))
    }
}

/// `advised`, unless the file has a variant of that name.
fn free_name(taken: &[String]) -> String {
    const NAME: &str = "advised";
    let numbered = (2u32..).map(|n| format!("{NAME}-{n}"));
    let mut names = std::iter::once(NAME.to_owned()).chain(numbered);
    names.find(|name| !taken.contains(name)).expect("a file has fewer variants than there are numbers")
}

/// What happens in the scenario as it stands.
fn first_story(model: &Model, watch: Watch<'_>) -> Result<Insight, NoAdvice> {
    let model = Model { traces: TraceSettings::NONE, ..model.clone() };
    let mut go_on = |_| watch(Stage { done: 0, of: 1 });
    let results = simulate(&model, &mut go_on);
    let twin = insight::twin(&model).map(|twin| simulate(&twin, &mut go_on));
    insight::explain(&model, &results, twin.as_ref()).ok_or(NoAdvice::Interrupted)
}

/// Places of the best cures alone, two by two.
fn best_pairs(ruler: &Ruler<'_>, base: &Arm, arms: &[(Cure, Arm)]) -> Vec<(usize, usize)> {
    let base_figures = ruler.figures(base, base, arms.len());
    let mut helping: Vec<(usize, Tried)> = Vec::new();
    for (n, (cure, arm)) in arms.iter().enumerate() {
        let figures = ruler.figures(base, arm, arms.len());
        let effect = ruler.effect(&base_figures, &figures);
        if effect > Effect::Nothing && cure.proviso.is_empty() {
            helping.push((n, Tried { cure: cure.clone(), is_pair: false, figures, effect }));
        }
    }
    helping.sort_by(|a, b| ruler.order(&a.1, &b.1));
    let best: Vec<usize> = helping.iter().take(PAIRED).map(|(n, _)| *n).collect();
    best.iter().enumerate().flat_map(|(n, a)| best[n + 1..].iter().map(move |b| (*a, *b))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_overlay_takes_a_name_that_is_free() {
        assert_eq!(free_name(&[]), "advised");
        assert_eq!(free_name(&["advised".to_owned(), "advised-2".to_owned()]), "advised-3");
    }
}
