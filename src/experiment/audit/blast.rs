//! The blast radius of a service: the share of all users' good answers that go with it when every process of it is gone.
//! Measured by a run without it, against a run of the same seed in which nothing goes wrong at all.

use std::sync::atomic::{AtomicU32, Ordering};

use rayon::prelude::*;

use crate::base::time::{Span, Time};
use crate::experiment::Stage;
use crate::experiment::replicate::Watch;
use crate::insight::audit::{Finding, Grade};
use crate::measure::{Results, simulate};
use crate::model::{Effect, Fault, FaultTarget, Id, Model, ServiceId, Subset, TraceSettings};

/// What takes less than this with it is not worth a finding.
const NOTED: f64 = 0.2;
/// From here on one process is too few.
const HALF: f64 = 0.5;

/// What goes down with a service.
#[derive(Clone, PartialEq, Debug)]
pub struct Blast {
    /// Its name.
    pub service: String,
    /// How many processes it has.
    pub replicas: u32,
    /// Share of the good answers of all workloads that are missing while it is gone: 0 is none.
    pub share: f64,
    /// The workload that loses most, and what share of its good answers; `None` where none loses any.
    pub worst: Option<(String, f64)>,
}

/// The blast radius of every service, the largest first. `None` when `watch` has ended it.
pub fn blast(model: &Model, watch: Watch<'_>) -> Option<Vec<Blast>> {
    let calm = Model { traces: TraceSettings::NONE, expectations: Vec::new(), ..model.without_triggers() };
    let (done, of) = (AtomicU32::new(0), model.services.len() as u32 + 1);
    let one = |gone: Option<usize>| {
        let mut progress = |_: Time| watch(Stage { done: done.load(Ordering::Relaxed), of });
        let results = match gone {
            None => simulate(&calm, &mut progress),
            Some(service) => simulate(&without(&calm, ServiceId::new(service)), &mut progress),
        };
        let stage = Stage { done: done.fetch_add(1, Ordering::Relaxed) + 1, of };
        (watch(stage).is_continue() && !results.interrupted).then(|| good(&results))
    };
    let runs = std::iter::once(None).chain((0..model.services.len()).map(Some)).collect::<Vec<Option<usize>>>();
    let good: Option<Vec<Vec<u64>>> = runs.into_par_iter().with_max_len(1).map(one).collect();
    let good = good?;
    let (base, gone) = good.split_first()?;
    let mut all: Vec<Blast> = gone.iter().enumerate().map(|(id, left)| of_service(model, id, base, left)).collect();
    all.sort_by(|a, b| b.share.total_cmp(&a.share).then(a.service.cmp(&b.service)));
    Some(all)
}

/// The same scenario, in which the service is gone from the end of the warm-up on and everybody knows.
fn without(model: &Model, service: ServiceId) -> Model {
    let mut gone = model.clone();
    gone.faults.push(Fault {
        name: "outage".to_owned(),
        at: Time::ZERO + model.warmup,
        lasts: None,
        target: FaultTarget::Service(service, Subset::All),
        effect: Effect::Crash { detect: Span::ZERO },
    });
    gone
}

/// Good answers of each workload.
fn good(results: &Results) -> Vec<u64> {
    results.workloads.iter().map(|it| it.good).collect()
}

fn of_service(model: &Model, id: usize, base: &[u64], left: &[u64]) -> Blast {
    let service = &model.services[ServiceId::new(id)];
    let lost = |base: u64, left: u64| if base == 0 { 0.0 } else { base.saturating_sub(left) as f64 / base as f64 };
    let names = model.workloads.iter().map(|it| it.name.clone());
    let each = names.zip(base.iter().zip(left)).map(|(name, (base, left))| (name, lost(*base, *left)));
    let worst = each.max_by(|a, b| a.1.total_cmp(&b.1)).filter(|(_, share)| *share > 0.0);
    let share = lost(base.iter().sum(), left.iter().sum());
    Blast { service: service.name.clone(), replicas: service.replicas, share, worst }
}

/// Services that take much with them.
pub(super) fn findings(all: &[Blast]) -> Vec<Finding> {
    let finding = |it: &Blast| {
        let percent = it.share * 100.0;
        let grade = if it.replicas == 1 && it.share >= HALF { Grade::Warning } else { Grade::Note };
        let what = format!("without `{}`, {percent:.0}% of what users get is gone", it.service);
        let help = match it.replicas {
            1 => "run more than one replica, or let callers do without it: `optional`, a `fallback`, a queue",
            _ => "let callers do without it: `optional`, a `fallback`, a queue",
        };
        Finding::new("blast-radius", grade, format!("service.{}", it.service), what)
            .number(percent, "% of all good answers are missing while it is gone, measured")
            .why("whoever needs its answer fails with it")
            .help(help)
    };
    all.iter().filter(|it| it.share >= NOTED).map(finding).collect()
}
