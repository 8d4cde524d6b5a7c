//! `openmetrics.txt`: what was measured in the text format of Prometheus and OpenMetrics 1.0, so that `promtool tsdb
//! create-blocks-from openmetrics` and whatever reads that format can show a run beside the real system.
//!
//! Every sample has a time, that of the simulation: a run starts on the first of January 2000 in universal time, as its
//! traces do. Counters over time are counts by the time of the event since the start of the run, warm-up included; gauges are
//! means over the second, or whatever the points of the series are, that ends then; histograms and what is said of the whole
//! run stand at its end and count what the tables count, by cohort, after the warm-up. Families and metrics come in the order
//! of the model; beyond so many services only the busiest are in it, as in `timeseries.csv`.

mod messages;
mod text;

use crate::model::{Caller, Verdict};

use super::facts::Facts;
use super::{Input, csv, resilience, transport, verdicts};
use text::{Labels, Quantiles, Text, family, family_in, labels, seconds};

/// The metrics of a run; of all services and edges where there are few or `all_series`, else of the busiest.
pub fn metrics(input: &Input, all_series: bool) -> String {
    let facts = Facts::new(input);
    let mut text = Text::new(input.results);
    of_the_run(input, &mut text);
    workloads(&facts, &mut text);
    let kept = csv::kept_services(&facts, all_series);
    services(&facts, &kept, &mut text);
    edges(&facts, &csv::kept_edges(&facts, &kept), &mut text);
    resources(&facts, &mut text);
    messages::connections(&facts, &mut text);
    messages::messaging(&facts, &mut text);
    text.end()
}

fn of_the_run(input: &Input, text: &mut Text) {
    let Input { model, results, .. } = input;
    let seed = model.seed.to_string();
    let about =
        [("title", model.title.as_str()), ("scenario", input.hash), ("seed", &seed), ("version", input.version)];
    text.info(
        family("run", "What was run: the hash of the scenario, the seed and the version repeat it."),
        labels(&about),
    );
    text.total(family("events", "Events of the simulation."), [(Labels::new(), results.events as f64)]);
    if let Some(it) = input.insight.map(|insight| &insight.judgement) {
        let states = Verdict::ALL.map(|verdict| (verdict.name(), verdict == it.verdict));
        text.state(family("verdict", "How the run ended."), &states);
        let recovered = it.time_to_recover.map(|span| (Labels::new(), span.as_secs_f64()));
        let help = "How long after the last trigger was over users noticed it no longer.";
        text.level(family_in("time_to_recover_seconds", "seconds", help), recovered);
    }
    let verdicts = verdicts(input);
    let of = |it: &super::Verdict| labels(&[("expectation", &it.expectation.name), ("that", &it.expectation.text)]);
    let passed = verdicts.iter().filter_map(|it| Some((of(it), f64::from(it.pass?))));
    text.level(family("expectation_holds", "Whether an expectation of the scenario holds: 1 or 0."), passed);
    let measured = verdicts.iter().filter_map(|it| Some((of(it), it.value?)));
    text.level(family("expectation_measured", "What was measured for it, in the unit of its bound."), measured);
}

fn workloads(facts: &Facts, text: &mut Text) {
    let series = &facts.results.series.workloads;
    let of =
        |id: usize| labels(&[("workload", &facts.model.workloads.iter().nth(id).expect("series are parallel").name)]);
    let all = || series.iter().enumerate().map(|(id, it)| (of(id), it));
    text.counter(
        family("workload_requests", "Requests that users started."),
        all().map(|(l, it)| (l, &it.offered[..])),
    );
    let help = "Requests that were answered well, in time or late.";
    text.counter(family("workload_answers", help), all().map(|(l, it)| (l, &it.answered[..])));
    let help = "Requests that were answered well and within the deadline.";
    text.counter(family("workload_good_answers", help), all().map(|(l, it)| (l, &it.good[..])));
    let help = "Requests that ended without a good answer.";
    text.counter(family("workload_failures", help), all().map(|(l, it)| (l, &it.failed[..])));
    let help = "Attempts that the users' client sent.";
    text.counter(family("workload_attempts", help), all().map(|(l, it)| (l, &it.attempts[..])));
    let sessions = all().flat_map(|(l, it)| {
        let it = &it.sessions;
        [("started", &it.started), ("finished", &it.finished), ("lost", &it.lost)]
            .map(|(how, column)| (format!("{l},{}", labels(&[("event", how)])), &column[..]))
    });
    text.counter(family("workload_sessions", "Sessions of users, by what became of them."), sessions);
    let latencies = all().map(|(l, it)| {
        let quantiles = [("0.5", &it.p50[..]), ("0.95", &it.p95[..]), ("0.99", &it.p99[..])];
        (l, Quantiles { quantiles, counts: &it.answered, sums_nanos: &it.latency_nanos })
    });
    let help = "From the intended start to the good answer: quantiles of each point of the series.";
    text.summary(family_in("workload_latency_seconds", "seconds", help), latencies);
    let totals = facts.results.workloads.iter().enumerate();
    let help = "From the intended start to the good answer, of requests that arrived after the warm-up. A length up to 0.8% \
                above a bound counts as at most that.";
    let family = family_in("workload_request_duration_seconds", "seconds", help);
    text.histogram(family, totals.map(|(id, it)| (of(id), &it.latency)));
}

fn services(facts: &Facts, kept: &[bool], text: &mut Text) {
    let of = |id: usize| labels(&[("service", &facts.service(id).name)]);
    let kept = |(id, _): &(usize, _)| kept[*id];
    let series = facts.results.series.services.iter().enumerate();
    let all = || series.clone().filter(|(id, _)| kept(&(*id, ()))).map(|(id, it)| (of(id), it));
    text.counter(family("service_arrivals", "Attempts that arrived."), all().map(|(l, it)| (l, &it.arrivals[..])));
    let left = all().flat_map(|(l, it)| {
        [("completed", &it.completed), ("failed", &it.failed), ("rejected", &it.rejected), ("shed", &it.shed)]
            .map(|(how, column)| (format!("{l},{}", labels(&[("how", how)])), &column[..]))
    });
    let help = "Attempts that left: answered well (completed) or with an error (failed), turned away at once (rejected) or \
                after a wait (shed).";
    text.counter(family("service_departures", help), left);
    text.gauge(
        family("service_queue", "Mean number of requests that wait for a thread."),
        all().map(|(l, it)| (l, &it.queue[..])),
    );
    text.gauge(family("service_busy_threads", "Mean number of busy threads."), all().map(|(l, it)| (l, &it.busy[..])));
    let help = "Mean number of threads that are busy for callers who had given up.";
    text.gauge(family("service_wasted_threads", help), all().map(|(l, it)| (l, &it.wasted[..])));
    let help = "Mean number of requests in the service.";
    text.gauge(family("service_in_system", help), all().map(|(l, it)| (l, &it.in_system[..])));
    let up = all().map(|(l, it)| (l, &it.up[..], |up: &u32| f64::from(*up)));
    text.gauge_of(family("service_replicas_up", "Replicas that are up."), up);
    let help = "Mean number of requests that its limits let in at a time.";
    text.gauge(family("service_limit", help), all().map(|(l, it)| (l, &it.limit[..])));
    let totals =
        || facts.results.services.iter().enumerate().filter(|(id, _)| kept(&(*id, ()))).map(|(id, it)| (of(id), it));
    let help = "Thread time after the warm-up.";
    let family = family_in("service_busy_thread_seconds", "seconds", help);
    text.total(family, totals().map(|(l, it)| (l, seconds(it.busy_nanos))));
    let help = "Thread time after the warm-up for callers who had given up.";
    let family = family_in("service_wasted_thread_seconds", "seconds", help);
    text.total(family, totals().map(|(l, it)| (l, seconds(it.wasted_nanos))));
    let help = "Time in the queue of those that arrived after the warm-up and got a thread.";
    let family = family_in("service_wait_seconds", "seconds", help);
    text.histogram(family, totals().map(|(l, it)| (l, &it.wait)));
    let help = "From arrival to the end of the handler, of those that arrived after the warm-up and got a thread.";
    let family = family_in("service_sojourn_seconds", "seconds", help);
    text.histogram(family, totals().map(|(l, it)| (l, &it.sojourn)));
}

fn edges(facts: &Facts, kept: &[usize], text: &mut Text) {
    let all_edges: Vec<_> = facts.edges.iter().collect();
    let of = |id: usize| {
        let edge = all_edges[id];
        let kind = match edge.from {
            Caller::Workload(_) => "workload",
            Caller::Service(_) => "service",
            Caller::Consumer(_) => "consumer",
        };
        let to = facts.model.endpoint_name(edge.to);
        let client = &facts.model.clients[edge.client].name;
        labels(&[("caller", kind), ("from", facts.caller_name(edge)), ("to", &to), ("client", client)])
    };
    let series = &facts.results.series.edges;
    let all = || kept.iter().map(|id| (of(*id), &series[*id]));
    text.counter(family("edge_calls", "Calls that were made."), all().map(|(l, it)| (l, &it.calls[..])));
    let help = "Attempts that were sent, retries and hedges included.";
    text.counter(family("edge_attempts", help), all().map(|(l, it)| (l, &it.attempts[..])));
    text.counter(family("edge_answers", "Attempts that ended well."), all().map(|(l, it)| (l, &it.ok[..])));
    let help = "Attempts that were sent and ended otherwise, timeouts included.";
    text.counter(family("edge_failures", help), all().map(|(l, it)| (l, &it.failed[..])));
    text.counter(family("edge_timeouts", "Attempts that timed out."), all().map(|(l, it)| (l, &it.timeouts[..])));
    let unsent = all().flat_map(|(l, it)| {
        [("breaker", &it.short_circuited), ("throttle", &it.throttled), ("limit", &it.limited)]
            .map(|(why, column)| (format!("{l},{}", labels(&[("by", why)])), &column[..]))
    });
    text.counter(family("edge_withheld", "Attempts that were not sent, by what held them back."), unsent);
    let help = "Mean number of attempts that wait for the client's rate limit or bulkhead.";
    text.gauge(family("edge_held", help), all().map(|(l, it)| (l, &it.held[..])));
    let breakers = all().flat_map(|(l, it)| {
        [("open", &it.open), ("half_open", &it.half_open)]
            .map(|(state, column)| (format!("{l},{}", labels(&[("state", state)])), &column[..]))
    });
    text.gauge(family_in("edge_breakers_ratio", "ratio", "Share of the callers' breakers in a state."), breakers);
    let served = kept.iter().filter_map(|id| Some((of(*id), &resilience::fallbacks(facts, *id)?.series[..])));
    text.counter(family("edge_fallbacks", "Answers that something has stood in for."), served);
    let ejections = || kept.iter().filter_map(|id| Some((of(*id), resilience::ejections(facts, *id)?)));
    let help = "How often a caller ejected a replica.";
    text.counter(family("edge_ejections", help), ejections().map(|(l, it)| (l, &it.counts[..])));
    let help = "Mean number of replicas that a caller does not see.";
    text.gauge(family("edge_ejected_replicas", help), ejections().map(|(l, it)| (l, &it.ejected[..])));
    let help = "From sending to the good answer, of attempts that were sent after the warm-up.";
    let family_of_latency = family_in("edge_latency_seconds", "seconds", help);
    text.histogram(family_of_latency, kept.iter().map(|id| (of(*id), &facts.results.edges[*id].latency)));
    let Some(results) = &facts.results.transport else { return };
    let sent = || transport::edges(facts, results).filter(|(id, ..)| kept.contains(id)).map(|(id, _, it)| (of(id), it));
    let help = "Requests, answers and messages of streams that were sent after the warm-up.";
    text.total(family("edge_messages", help), sent().map(|(l, it)| (l, it.messages as f64)));
    let help = "Their bytes, headers included.";
    text.total(family_in("edge_message_bytes", "bytes", help), sent().map(|(l, it)| (l, it.bytes as f64)));
    let help = "How long attempts waited for a connection after the warm-up.";
    let family = family_in("edge_connection_wait_seconds", "seconds", help);
    text.histogram(family, sent().map(|(l, it)| (l, &it.waits)));
}

/// Pools and caches.
fn resources(facts: &Facts, text: &mut Text) {
    let names: Vec<Labels> = facts.model.pools.iter().map(|it| labels(&[("pool", &it.name)])).collect();
    let pools = || names.iter().cloned().zip(&facts.results.series.pools);
    text.gauge(family("pool_used", "Mean number of permits in use."), pools().map(|(l, it)| (l, &it.used[..])));
    let help = "Mean number of those who wait for a permit.";
    text.gauge(family("pool_waiting", help), pools().map(|(l, it)| (l, &it.waiting[..])));
    let help = "Those who got no permit, or did their steps in vain.";
    text.counter(family("pool_failures", help), pools().map(|(l, it)| (l, &it.failed[..])));
    let waits = names.iter().cloned().zip(facts.results.pools.iter().map(|it| &it.wait));
    let help = "How long those waited after the warm-up who got a permit.";
    text.histogram(family_in("pool_wait_seconds", "seconds", help), waits);
    let names: Vec<Labels> = facts.model.caches.iter().map(|it| labels(&[("cache", &it.name)])).collect();
    let caches = || names.iter().cloned().zip(&facts.results.series.caches);
    text.counter(family("cache_lookups", "Lookups."), caches().map(|(l, it)| (l, &it.lookups[..])));
    let help = "Lookups that neither fetched nor waited.";
    text.counter(family("cache_hits", help), caches().map(|(l, it)| (l, &it.hits[..])));
}
