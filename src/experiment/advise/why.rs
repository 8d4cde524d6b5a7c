//! Why no cure helps, as far as that can be known: what lasts, what is too much on paper, what fails by itself, and whose
//! patience is shorter than any answer.

use super::scene::Scene;
use super::{Effect, Tried};
use crate::base::time::Span;
use crate::insight::Insight;
use crate::insight::statistics::ShareEstimate;
use crate::model::{Id, PoolId, ServiceId};

/// Busier than this on paper there is no room.
const NO_ROOM: f64 = 0.9;
/// What fails by itself less often than this is not worth a word.
const FAILS: f64 = 0.01;

/// What is known about why no cure helps.
pub(super) fn why_nothing(scene: &Scene<'_>, insight: &Insight, tried: &[Tried]) -> Vec<String> {
    let mut why = Vec::new();
    let judgement = &insight.judgement;
    if judgement.trigger_from.is_some() && judgement.trigger_until.is_none() {
        why.push("what goes wrong lasts to the end of the run: no cure can be told from a delay".to_owned());
    }
    entries(scene, &mut why);
    no_room(scene, &mut why);
    let nearest = tried.iter().find(|it| !it.is_pair && it.effect == Effect::Nothing);
    if let Some(best) = nearest.filter(|it| it.figures.ended_well.count > 0) {
        let ShareEstimate { count, of, .. } = best.figures.ended_well;
        why.push(format!("the best of them, {}: {count} of {of} runs end well, which may be chance", best.cure.what));
    }
    if tried.is_empty() {
        why.push("the catalogue has nothing for the place where it hurts".to_owned());
    }
    why
}

/// What users ask for that fails by itself, or takes longer than they wait.
fn entries(scene: &Scene<'_>, why: &mut Vec<String>) {
    let model = scene.model;
    for workload in model.workloads.iter() {
        let client = scene.client(workload.client);
        for (_, to) in workload.session.entries() {
            let name = model.endpoint_name(to);
            let fails = scene.paper.failing[to.index()];
            if fails >= FAILS {
                let percent = libm::round(fails * 100.0);
                why.push(format!(
                    "`{name}` fails by itself in {percent}% of its requests, by a `fail` in its steps or in those of what it \
                     cannot do without: no cure changes what handlers do"
                ));
            }
            let patience = [workload.deadline, client.timeout, client.overall_timeout].into_iter().flatten().min();
            let answer = scene.paper.answer[to.index()];
            if let Some(patience) = patience.filter(|patience| answer > patience.as_secs_f64()) {
                why.push(format!(
                    "`{}` wait for {}, and `{name}` takes {} on average even when nobody else is there: no cure makes its \
                     steps shorter",
                    workload.name,
                    patience.approx(),
                    Span::from_secs_f64(answer).approx()
                ));
            }
        }
    }
    let mut known = Vec::new();
    why.retain(|it| {
        let is_new = !known.contains(it);
        known.push(it.clone());
        is_new
    });
}

/// What is busy all the time on paper: the busiest service, and pools.
fn no_room(scene: &Scene<'_>, why: &mut Vec<String>) {
    let model = scene.model;
    let busy = |id: ServiceId| Some((scene.busy(id) / model.services[id].threads_in_all()? as f64, id));
    let busiest = (0..model.services.len()).map(ServiceId::new).filter_map(busy);
    let services = busiest.max_by(|a, b| a.0.total_cmp(&b.0)).map(|(share, id)| (share, &model.services[id].name));
    let of_pool = |(id, permits): (usize, &f64)| {
        let pool = &model.pools[PoolId::new(id)];
        (permits / f64::from(pool.size), &pool.name)
    };
    let pools = scene.paper.permits.iter().enumerate().map(of_pool);
    for (share, name) in services.into_iter().chain(pools).filter(|(share, _)| *share > NO_ROOM) {
        let percent = libm::round(share * 100.0);
        why.push(format!(
            "`{name}` is {percent}% busy on paper even when nothing goes wrong: there is no room to recover in"
        ));
    }
}
