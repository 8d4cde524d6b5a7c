//! Calls of services that are slow or fail often when the scenario runs: candidates for gRPC or a queue, each with what that
//! very change does to users.

use crate::experiment::advise::{Effect, Figure, NoAdvice, Patient, Tried};
use crate::experiment::replicate::Watch;
use crate::insight;
use crate::insight::audit::{Finding, Grade, call_path};
use crate::measure::simulate;
use crate::model::{Caller, Edge, EdgeId, Id, Model, TraceSettings};
use crate::policy::Outcome;
use crate::scenario::Locator;

/// A call that takes longer on average is slow, in seconds.
const SLOW_SECS: f64 = 0.05;
/// A call of which more attempts than these fail fails often.
const FAILS: f64 = 0.01;
/// Fewer attempts say nothing about how often they fail.
const ATTEMPTS_MIN: u64 = 100;
/// The effect is measured of so many calls, those that hold up most.
const CALLS_MAX: usize = 5;

/// A call as it was measured.
struct Call {
    edge: Edge,
    /// Mean time until an answer, in seconds.
    mean: f64,
    /// 99th percentile of the same.
    p99: f64,
    /// Attempts, and those that failed.
    ended: u64,
    failed: u64,
    /// Attempts that failed most often for this reason.
    reason: &'static str,
}

impl Call {
    fn is_slow(&self) -> bool {
        self.mean > SLOW_SECS
    }

    fn failures(&self) -> f64 {
        self.failed as f64 / self.ended.max(1) as f64
    }

    fn fails(&self) -> bool {
        self.ended >= ATTEMPTS_MIN && self.failures() > FAILS
    }
}

/// Findings about calls, and how many runs they took.
pub(super) fn find(
    patient: Patient<'_>,
    model: &Model,
    locator: &Locator,
    watch: Watch<'_>,
) -> Result<(Vec<Finding>, u32), NoAdvice> {
    let once = Model { traces: TraceSettings::NONE, ..model.clone() };
    let mut go_on = |_| watch(crate::experiment::Stage { done: 0, of: 1 });
    let results = simulate(&once, &mut go_on);
    let twin = insight::twin(&once).map(|twin| simulate(&twin, &mut go_on));
    let insight = insight::explain(&once, &results, twin.as_ref()).ok_or(NoAdvice::Interrupted)?;
    let edges = model.edges();
    let mut calls: Vec<Call> = Vec::new();
    for (n, it) in results.edges.iter().enumerate() {
        let edge = edges[EdgeId::new(n)];
        if !matches!(edge.from, Caller::Service(_)) {
            continue;
        }
        let ended: u64 = it.outcomes.iter().sum();
        let failed = ended - it.outcomes[Outcome::Ok as usize];
        let often = Outcome::ALL.into_iter().filter(|it| *it != Outcome::Ok);
        let reason = often.max_by_key(|reason| it.outcomes[*reason as usize]).map_or("", Outcome::name);
        let secs = |span: Option<crate::base::time::Span>| span.map_or(0.0, |span| span.as_secs_f64());
        let (mean, p99) = (secs(it.latency.mean()), secs(it.latency.quantile(0.99)));
        calls.push(Call { edge, mean, p99, ended, failed, reason });
    }
    calls.retain(|call| call.is_slow() || call.fails());
    let weight = |call: &Call| call.ended as f64 * call.mean;
    calls.sort_by(|a, b| weight(b).total_cmp(&weight(a)));
    calls.truncate(CALLS_MAX);
    let of: Vec<Edge> = calls.iter().map(|call| call.edge).collect();
    let (tried, runs) = patient.other_ways(model, locator, &insight, &of, watch)?;
    let mut found = Vec::new();
    for (call, tried) in calls.iter().zip(&tried) {
        let path = || call_path(model, &call.edge, "transport", &|path| locator.site(path));
        found.extend(call.is_slow().then(|| slow(model, call, tried, path())));
        found.extend(call.fails().then(|| failing(model, call, tried, path())));
    }
    Ok((found, runs + 1))
}

fn slow(model: &Model, call: &Call, tried: &[Tried], path: String) -> Finding {
    let name = model.edge_name(&call.edge);
    let what = format!("`{name}` holds up its caller for {:.0} ms on average", call.mean * 1e3);
    Finding::new("slow-when-run", Grade::Warning, path, what)
        .number(call.mean * 1e3, "ms an answer takes on average, measured")
        .why(format!("the caller holds a thread for as long; 1% of them take {:.0} ms or more", call.p99 * 1e3))
        .help(ways(tried))
}

fn failing(model: &Model, call: &Call, tried: &[Tried], path: String) -> Finding {
    let name = model.edge_name(&call.edge);
    let percent = call.failures() * 100.0;
    let what = format!("`{name}` fails in {percent:.1}% of its attempts, most of all by `{}`", call.reason);
    Finding::new("fails-often", Grade::Warning, path, what)
        .number(percent, "% of its attempts fail, measured")
        .why("whoever waits for an answer shares every failure of the one who gives it")
        .help(ways(tried))
}

/// What another way to call does, in a sentence each.
fn ways(tried: &[Tried]) -> String {
    let one = |it: &Tried| {
        let gains = [it.figures.goodput.as_ref().map(points), it.figures.latency.as_ref().map(millis)];
        let gains: Vec<String> = gains.into_iter().flatten().collect();
        let judged = match it.effect {
            Effect::Nothing => " (no clear difference)",
            Effect::Worse => " (worse)",
            Effect::Helps | Effect::Cures => "",
        };
        let proviso = if it.cure.proviso.is_empty() { String::new() } else { format!("; {}", it.cure.proviso) };
        format!("{}: {}{judged}{proviso}", it.cure.what, gains.join(", "))
    };
    match tried {
        [] => "there is no other way to call here that could be tried".to_owned(),
        some => some.iter().map(one).collect::<Vec<String>>().join("\n"),
    }
}

fn points(it: &Figure) -> String {
    format!("{} {}", it.name, with_width(it, 100.0, "points"))
}

fn millis(it: &Figure) -> String {
    format!("{} {}", it.name, with_width(it, 1e3, "ms"))
}

fn with_width(it: &Figure, scale: f64, unit: &str) -> String {
    let difference = it.difference * scale;
    let width = it.half_width.map_or(String::new(), |width| format!(" ± {:.1}", width * scale));
    format!("{difference:+.1}{width} {unit}")
}
