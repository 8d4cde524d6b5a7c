//! What is recorded: the right spans below the right parents, at the right times.

use brownout::base::time::{Span, Time};
use brownout::kernel::{Departure, Spent};
use brownout::measure::{Moment, SpanKind, SpanOutcome, Trace, TraceSpan};
use brownout::policy::Outcome;

use super::{run, traces};

/// A shop that is asked for one thing a second, with a database that answers after 100 ms.
const SHOP: &str = r#"
title = "a shop"
duration = "10s"
[workload.shoppers]
entry = "shop.buy"
arrivals = "even(1/s)"
client = "browser"
[client.browser]
latency = "1ms"
[client.sql]
latency = "2ms"
timeout = "50ms"
retry = { attempts = 2, backoff = "10ms" }
[service.shop]
threads = 4
[service.shop.endpoint.buy]
steps = [ { work = "3ms" }, { call = "db.read", client = "sql", optional = true }, { sleep = "5ms" } ]
[service.db]
threads = 1
[service.db.endpoint.read]
steps = [ { work = "100ms" } ]
"#;

fn ms(ms: u64) -> Span {
    Span::from_millis(ms)
}

/// A span as `kind [from..to] outcome`, in milliseconds since the trace started.
fn line(trace: &Trace, span: &TraceSpan) -> String {
    let since = |time: Time| time.since(trace.start()).as_nanos() as f64 / 1e6;
    let parent = span.parent.map_or(String::new(), |it| format!(" of {it}"));
    format!("{:?}{parent} [{}..{}] {}", span.kind, since(span.start), since(span.end), span.outcome.name())
}

fn lines(trace: &Trace) -> Vec<String> {
    trace.spans.iter().map(|span| line(trace, span)).collect()
}

#[test]
fn attempts_queues_and_late_work_are_where_they_belong() {
    let (_, results) = run(SHOP);
    let trace = &traces(&results).traces[0];
    // The database has one thread: the second attempt waits for the first one's work, which nobody wants any more.
    assert_eq!(
        lines(trace),
        [
            "Request [0..120] ok",
            "Attempt { edge: 0 } of 0 [0..120] ok",
            "Handler of 1 [0..119] ok",
            "Attempt { edge: 1 } of 2 [4..54] timeout",
            "Handler of 3 [4..106] ok",
            "Attempt { edge: 1 } of 2 [64..114] timeout",
            "Handler of 5 [64..206] ok",
        ]
    );
    let [_, _, shop, first, read, second, again] = &trace.spans[..] else { panic!("seven spans") };
    assert_eq!([first.attempt, second.attempt], [1, 2]);
    assert_eq!(read.abandoned.unwrap().since(trace.start()), ms(54));
    assert!(read.events.iter().any(|it| it.what == Moment::Abandoned));
    assert_eq!(again.wait, ms(40), "it arrives after 66 ms, and has its thread after 106");
    let spent = |span: &TraceSpan, on: Spent| -> Span {
        let phases = span.phases.iter().filter(|phase| phase.on == on);
        phases.fold(Span::ZERO, |sum, phase| sum + phase.end.since(phase.start))
    };
    assert_eq!(spent(again, Spent::Threads), ms(40));
    assert_eq!(spent(again, Spent::Network), ms(2));
    assert_eq!(spent(read, Spent::Work), ms(100));
    assert_eq!(
        [spent(shop, Spent::Work), spent(shop, Spent::Sleep), spent(shop, Spent::Backoff)],
        [ms(3), ms(5), ms(10)]
    );
    assert_eq!(trace.end().since(trace.start()), ms(206), "the trace lasts as long as work is done for it");
    assert_eq!(trace.latency(), ms(120));
}

#[test]
fn what_is_turned_away_is_seen() {
    let text = SHOP
        .replace("threads = 1\n", "threads = 1\nqueue = 0\n")
        .replace("backoff = \"10ms\" }", "backoff = \"10ms\" }\nbreaker = { preset = \"none\" }")
        .replace("breaker = { preset = \"none\" }", "");
    let (_, results) = run(&text);
    let trace = &traces(&results).traces[0];
    let last = trace.spans.last().unwrap();
    assert_eq!(last.outcome, SpanOutcome::Left(Departure::Rejected));
    let attempt = &trace.spans[last.parent.unwrap() as usize];
    assert_eq!(attempt.outcome, SpanOutcome::Ended(Outcome::Rejected));
    assert_eq!(attempt.length(), ms(4));
}

#[test]
fn an_open_breaker_leaves_an_attempt_of_no_length() {
    let text = SHOP.replace(
        "retry = { attempts = 2, backoff = \"10ms\" }",
        "breaker = { window = 2, minimum_calls = 2, failure_rate = \"50%\", open_for = \"60s\" }",
    );
    let (_, results) = run(&text);
    let outcomes: Vec<&str> = traces(&results).traces.iter().map(|it| it.spans[3].outcome.name()).collect();
    assert_eq!(&outcomes[..4], ["timeout", "timeout", "breaker open", "breaker open"]);
    let stopped = &traces(&results).traces[2].spans[3];
    assert_eq!((stopped.length(), traces(&results).traces[2].spans.len()), (Span::ZERO, 4));
}

#[test]
fn hedges_are_siblings() {
    let text = SHOP.replace(
        "timeout = \"50ms\"\nretry = { attempts = 2, backoff = \"10ms\" }",
        "hedge = { after = \"20ms\", attempts = 2 }",
    );
    let text = text.replace("threads = 1\n", "threads = 2\n");
    let (_, results) = run(&text);
    assert_eq!(
        lines(&traces(&results).traces[0])[3..],
        [
            "Attempt { edge: 1 } of 2 [4..108] ok",
            "Handler of 3 [4..106] ok",
            "Attempt { edge: 1 } of 2 [24..108] cancelled",
            "Handler of 5 [24..126] ok",
        ]
    );
}

#[test]
fn a_message_takes_its_trace_along() {
    let text = r#"
title = "mail"
duration = "10s"
[workload.shoppers]
entry = "shop.buy"
arrivals = "even(1/s)"
[topic.orders]
broker = "jetstream"
[consumer.mailer]
topic = "orders"
handler = "mail.send"
[service.shop.endpoint.buy]
steps = [ { publish = "orders" } ]
[service.mail.endpoint.send]
steps = [ { work = "100ms" } ]
"#;
    let (_, results) = run(text);
    let trace = &traces(&results).traces[0];
    let kinds: Vec<SpanKind> = trace.spans.iter().map(|it| it.kind).collect();
    assert_eq!(
        kinds,
        [
            SpanKind::Request,
            SpanKind::Attempt { edge: 0 },
            SpanKind::Handler,
            SpanKind::Publish { topic: 0 },
            SpanKind::Delivery { consumer: 0 },
            SpanKind::Attempt { edge: 1 },
            SpanKind::Handler,
        ]
    );
    let [.., publish, delivery, _, handler] = &trace.spans[..] else { panic!("seven spans") };
    assert_eq!(delivery.parent, Some(publish.id));
    assert_eq!(delivery.wait, delivery.start.since(publish.start));
    assert!(handler.end > trace.start() + trace.latency(), "the user does not wait for his mail");
}

#[test]
fn branches_run_beside_each_other() {
    let text = SHOP.replace(
        "{ call = \"db.read\", client = \"sql\", optional = true }",
        "{ parallel = [ [ { sleep = \"7ms\" } ], [ { sleep = \"9ms\" } ] ] }",
    );
    let (_, results) = run(&text.replace("optional = true", ""));
    assert_eq!(
        lines(&traces(&results).traces[0])[3..],
        ["Branch of 2 [4..11] ok", "Branch of 2 [4..13] ok"].map(str::to_owned)
    );
}

#[test]
fn traces_follow_the_rules_of_traces() {
    for text in [SHOP.to_owned(), SHOP.replace("even(1/s)", "poisson(300/s)").replace("optional = true", "")] {
        let (model, results) = run(&text);
        let all = traces(&results);
        assert!(!all.traces.is_empty());
        for trace in &all.traces {
            assert_eq!((trace.root().id, trace.root().parent, trace.root().kind), (0, None, SpanKind::Request));
            for (place, span) in trace.spans.iter().enumerate() {
                assert_eq!(span.id as usize, place);
                assert!(span.start <= span.end && span.end <= results.ended);
                if let Some(parent) = span.parent {
                    assert!(parent < span.id, "parents come first");
                    let parent = &trace.spans[parent as usize];
                    assert!(parent.start <= span.start, "nothing begins before what has caused it");
                    // What ends later than its parent has been left by it.
                    let late = parent.end < span.end && parent.outcome != SpanOutcome::UnderWay;
                    let is_left = span.abandoned.is_some() || !parent.outcome.is_ok();
                    assert!(!late || is_left, "{}", line(trace, span));
                }
                for phase in &span.phases {
                    assert!(span.start <= phase.start && phase.start < phase.end && phase.end <= span.end);
                }
                for pair in span.phases.windows(2) {
                    assert!(pair[0].end <= pair[1].start, "one thing at a time");
                }
            }
        }
        let of_model = &results.workloads[0];
        assert_eq!(all.chosen.len(), model.workloads.len());
        assert!(all.chosen[0].recorded <= of_model.offered);
    }
}

#[test]
fn the_chosen_ones_are_what_they_are_called() {
    let (_, results) = run(&format!(
        "{}\n[traces]\nsample = 1000\n",
        SHOP.replace("optional = true", "").replace("even(1/s)", "poisson(12/s)").replace("100ms", "exp(30ms)")
    ));
    let all = traces(&results);
    let chosen = all.chosen[0];
    let of = |place: Option<u32>| &all.traces[place.unwrap() as usize];
    let latency = &results.workloads[0].latency;
    // So few requests are all recorded.
    assert_eq!(chosen.recorded, results.workloads[0].offered);
    assert_eq!(Some(of(chosen.fastest).latency()), latency.min());
    let longest = all.traces.iter().map(Trace::latency).max().unwrap();
    assert_eq!(of(chosen.slowest).latency(), longest);
    assert!(of(chosen.first_failed).outcome().is_some_and(|it| !it.is_ok()));
    let failed = all.traces.iter().filter(|it| it.outcome().is_some_and(|it| !it.is_ok()));
    assert_eq!(failed.map(|it| it.start()).min(), Some(of(chosen.first_failed).start()));
}

#[test]
fn memory_is_bounded_and_the_scenario_says_by_what() {
    let text = SHOP.replace("optional = true", "").replace("even(1/s)", "poisson(500/s)");
    let few = format!("{text}\n[traces]\nsample = 5\nslowest = 3\nfailed = 2\n");
    let (_, results) = run(&few);
    let all = &traces(&results).traces;
    assert!(all.len() <= 5 + 3 + 2 + 1, "{}", all.len());
    assert_eq!(all.iter().filter(|it| it.kept.slow).count(), 3);
    assert_eq!(all.iter().filter(|it| it.kept.failed).count(), 2);
    let sampled = all.iter().filter(|it| it.kept.sampled).count();
    assert!((3..=5).contains(&sampled), "halving keeps more than half of the places in use: {sampled}");
    let (_, results) = run(&format!("{text}\n[traces]\nsample = 0\nslowest = 0\nfailed = 0\n"));
    assert!(results.traces.is_none());
}

#[test]
fn the_same_run_has_the_same_traces() {
    let text = SHOP.replace("even(1/s)", "poisson(300/s)");
    assert_eq!(run(&text).1.traces, run(&text).1.traces);
}

/// A shop with one thread that is too slow for gusts, and whose cart fails now and then: what is slow or fails is anywhere
/// among thousands of requests.
const BUSY: &str = r#"
duration = "120s"
warmup = "10s"
traces = { sample = 20, slowest = 5, failed = 7 }
[workload.shoppers]
entry = "shop.buy"
arrivals = "poisson(60/s)"
client = "browser"
[workload.crowd]
entry = "shop.buy"
arrivals = "burst(50, at=20s, every=15s)"
[client.browser]
latency = "1ms"
timeout = "2s"
[service.shop]
threads = 1
queue = 400
[service.shop.endpoint.buy]
steps = [ { work = "exp(10ms)" }, { choose = [ { share = "99.9%", steps = [ { sleep = "1us" } ] }, { share = "0.1%", steps = [ { fail = true } ] } ] } ]
"#;

/// Every request, as an observer of its own sees it: when it was meant to start, how long it took, and whether it failed.
#[derive(Default)]
struct Everybody {
    all: Vec<Vec<(Time, Span, Option<bool>)>>,
    end: Time,
}

impl brownout::kernel::Observer for Everybody {
    fn finished(&mut self, workload: u32, now: Time, arrived: Time, outcome: Outcome) {
        self.all.resize(self.all.len().max(workload as usize + 1), Vec::new());
        self.all[workload as usize].push((arrived, now.since(arrived), Some(outcome.is_ok())));
    }

    fn request_remains(&mut self, workload: u32, arrived: Time) {
        self.all[workload as usize].push((arrived, self.end.since(arrived), None));
    }
}

/// The slowest, the fastest and the first that failed are those of all requests after the warm-up, and nothing else
/// changes in what is recorded.
#[test]
fn the_extremes_are_those_of_all_requests() {
    let (model, mut results) = run(BUSY);
    let before = traces(&results).clone();
    assert!(before.missing.iter().any(|starts| !starts.is_empty()), "the sample happens to hold them all");
    brownout::measure::record_missing(&model, &mut results, &mut |_| std::ops::ControlFlow::Continue(()));
    let after = traces(&results);
    assert!(after.missing.iter().all(Vec::is_empty), "{:?}", after.missing);
    let everybody = Everybody { end: model.end(), ..Everybody::default() };
    let mut engine = brownout::kernel::Engine::<brownout::kernel::wheel::Wheel, Everybody>::new(&model, everybody);
    engine.run(&mut |_| std::ops::ControlFlow::Continue(()));
    let everybody = engine.into_observer().all;
    let warm = Time::ZERO + model.warmup;
    for (workload, all) in everybody.into_iter().enumerate() {
        let mut all: Vec<_> = all.into_iter().filter(|it| it.0 >= warm).collect();
        assert!(all.len() > 250, "more than are all recorded");
        let here = || after.traces.iter().filter(|it| it.workload as usize == workload);
        let lengths = |traces: &mut dyn Iterator<Item = &Trace>| -> Vec<Span> {
            let mut lengths: Vec<Span> = traces.map(Trace::latency).collect();
            lengths.sort_by_key(|it| std::cmp::Reverse(*it));
            lengths
        };
        all.sort_by_key(|it| (std::cmp::Reverse(it.1), it.0));
        let slowest: Vec<Span> = all.iter().take(5).map(|it| it.1).collect();
        assert_eq!(lengths(&mut here().filter(|it| it.kept.slow)), slowest, "workload {workload}");
        let chosen = &after.chosen[workload];
        let trace = |place: Option<u32>| &after.traces[place.unwrap() as usize];
        assert_eq!(trace(chosen.slowest).latency(), slowest[0]);
        let fastest = all.iter().filter(|it| it.2 == Some(true)).map(|it| it.1).min().unwrap();
        assert_eq!(trace(chosen.fastest).latency(), fastest);
        all.sort_by_key(|it| it.0);
        let failed: Vec<Time> = all.iter().filter(|it| it.2 == Some(false)).take(7).map(|it| it.0).collect();
        let mut kept: Vec<Time> = here().filter(|it| it.kept.failed).map(Trace::start).collect();
        kept.sort();
        assert_eq!(kept, failed, "workload {workload}");
        // The sample is what it was.
        let sample = |traces: &brownout::measure::Traces| -> Vec<Trace> {
            let mut sample: Vec<Trace> = traces
                .traces
                .iter()
                .filter(|it| it.kept.sampled && it.workload as usize == workload)
                .cloned()
                .collect();
            sample.iter_mut().for_each(|it| it.kept = Default::default());
            sample
        };
        assert_eq!(sample(after), sample(&before));
    }
}

#[test]
fn none_records_nothing() {
    let text = SHOP.replace("title = \"a shop\"", "traces = \"none\"");
    let (_, results) = run(&text);
    assert!(results.traces.is_none());
}

/// Branches stand in the order of the file.
#[test]
fn branches_stand_in_the_order_of_the_file() {
    let text = SHOP.replace(
        "steps = [ { work = \"3ms\" }, { call = \"db.read\", client = \"sql\", optional = true }, { sleep = \"5ms\" } ]",
        "steps = [ { parallel = [ { sleep = \"1ms\" }, { sleep = \"2ms\" }, { sleep = \"3ms\" } ] } ]",
    );
    let (_, results) = run(&text);
    let branches: Vec<Span> = traces(&results).traces[0]
        .spans
        .iter()
        .filter(|it| it.kind == SpanKind::Branch)
        .map(TraceSpan::length)
        .collect();
    assert_eq!(branches, [ms(1), ms(2), ms(3)]);
}
