//! Runs in which there is next to nothing to report, or far too much: no panic, no nonsense.

use brownout::base::time::{Span, Time};
use brownout::base::units::Share;
use brownout::measure::Results;
use brownout::model::*;
use brownout::report::{self, figure};

use super::{figures, input, synthetic};

/// Every format of a run, looked over.
pub(super) fn report(model: &Model, results: &Results) {
    let input = input(model, results);
    for text in super::texts(&input) {
        assert!(!text.is_empty());
        assert!(!text.contains("NaN") && !text.contains("inf,") && !text.contains("infs"), "{text}");
    }
    let wide = report::terminal::summary(&input, false, 100);
    assert!(wide.lines().all(|line| line.chars().count() <= 100), "{wide}");
    let json: serde_json::Value = serde_json::from_str(&report::json::summary(&input)).unwrap();
    assert_eq!(json["services"].as_array().unwrap().len(), model.services.len());
    figures::check(&figure::all(&input));
}

#[test]
fn nothing_happened() {
    let model = synthetic::model(false);
    report(&model, &synthetic::nothing(&model, 180));
}

#[test]
fn there_is_no_series() {
    let model = synthetic::model(false);
    report(&model, &synthetic::nothing(&model, 0));
}

#[test]
fn there_is_one_point() {
    let mut model = synthetic::model(false);
    (model.duration, model.warmup) = (Span::from_secs(1), Span::ZERO);
    let mut results = synthetic::nothing(&model, 1);
    results.series.workloads[0].p99[0] = Some(Span::from_millis(3));
    results.series.services[0].busy[0] = 100.0;
    report(&model, &results);
}

#[test]
fn a_second_has_a_hundred_points() {
    let mut model = synthetic::model(false);
    (model.duration, model.warmup) = (Span::from_secs(1), Span::from_millis(100));
    model.interval = Span::from_millis(10);
    report(&model, &synthetic::nothing(&model, 100));
}

#[test]
fn an_hour_has_more_points_than_a_picture() {
    let mut model = synthetic::model(false);
    model.duration = Span::from_secs(3600);
    let mut results = synthetic::nothing(&model, 3600);
    results.series.workloads[0].offered.iter_mut().enumerate().for_each(|(point, count)| *count = point as u64);
    let figures = figure::all(&input(&model, &results));
    figures::check(&figures);
    let load = figures.iter().find(|figure| figure.name == "load").unwrap();
    // 3600 points are drawn as 450 of 8 s.
    assert!(load.svg.contains("one point is 8\u{a0}s"), "{}", &load.svg[..2000]);
    report(&model, &results);
}

#[test]
fn all_requests_fail() {
    let model = synthetic::model(true);
    let mut results = synthetic::results(&model);
    let silent = &mut results.series.workloads[0];
    for quantile in [&mut silent.p50, &mut silent.p95, &mut silent.p99] {
        quantile.iter_mut().for_each(|value| *value = None);
    }
    results.workloads[0].latency = Default::default();
    let figures = figure::all(&input(&model, &results));
    let latency = figures.iter().find(|figure| figure.name == "latency").unwrap();
    assert!(latency.svg.contains("no good answers"));
    report(&model, &results);
}

#[test]
fn levels_are_not_numbers() {
    let model = synthetic::model(true);
    let mut results = synthetic::results(&model);
    for service in &mut results.series.services {
        service.busy[70] = f64::NAN;
        service.queue[70] = f64::INFINITY;
        service.queue[71] = f64::NAN;
    }
    results.series.edges[1].open.iter_mut().for_each(|open| *open = f64::NAN);
    results.measured[0] = Some(f64::NAN);
    report(&model, &results);
}

#[test]
fn there_are_a_thousand_services() {
    let (model, results) = synthetic::mesh(1000);
    report(&model, &results);
    let figures = figure::all(&input(&model, &results));
    assert!(figures[0].svg.contains("busiest 8 of 1\u{a0}000 services"));
    assert!(figures[0].svg.contains("none of 1\u{a0}000 edges had any"));
    let failures = |edges: std::ops::Range<usize>| {
        let mut results = results.clone();
        results.series.edges[edges].iter_mut().for_each(|edge| edge.failed[3] = 7);
        let figures = figure::all(&input(&model, &results));
        figures::check(&figures);
        figures[0].svg.clone()
    };
    assert!(failures(300..303).contains("3 of 1\u{a0}000 edges, the others had none"));
    assert!(failures(300..320).contains("worst 8 of 1\u{a0}000 edges"));
}

#[test]
fn there_is_nobody() {
    let mut model = synthetic::model(false);
    (model.services, model.endpoints, model.workloads) = (Ids::default(), Ids::default(), Ids::default());
    model.faults.clear();
    model.expectations.clear();
    report(&model, &synthetic::nothing(&model, 180));
}

#[test]
fn it_was_interrupted() {
    for millis in [0, 500, 10_200, 90_300, 179_999] {
        let model = synthetic::model(true);
        let mut results = synthetic::results(&model);
        results.ended = Time::ZERO + Span::from_millis(millis);
        results.interrupted = true;
        results.series.points = (millis as usize).div_ceil(1000);
        let points = results.series.points;
        let series = &mut results.series;
        for it in &mut series.workloads {
            for counts in [&mut it.offered, &mut it.answered, &mut it.good, &mut it.failed, &mut it.attempts] {
                counts.truncate(points);
            }
            [&mut it.p50, &mut it.p95, &mut it.p99].into_iter().for_each(|quantile| quantile.truncate(points));
        }
        for it in &mut series.services {
            [&mut it.queue, &mut it.busy, &mut it.wasted].into_iter().for_each(|levels| levels.truncate(points));
        }
        for it in &mut series.edges {
            for counts in [&mut it.ok, &mut it.failed, &mut it.timeouts, &mut it.short_circuited] {
                counts.truncate(points);
            }
            [&mut it.open, &mut it.half_open].into_iter().for_each(|shares| shares.truncate(points));
        }
        report(&model, &results);
    }
}

#[test]
fn names_are_long_and_strange() {
    let mut model = synthetic::model(true);
    let mut results = synthetic::results(&model);
    model.title = "A title <with> \"marks\" & far more words than any slide has room for, ".repeat(6);
    for (id, name) in
        [(0, "a-service-whose-name-says-everything-about-what-it-does-and-for-whom"), (1, "<b>&\"c\"</b>")]
    {
        model.services[ServiceId(id)].name = name.to_owned();
    }
    model.workloads[WorkloadId(0)].name = "unbreakable".repeat(12);
    model.faults[0].name = "a-fault-with-a-story-".repeat(9);
    model.services[ServiceId(2)].threads = Limit::Unlimited;
    results.services[2].peak_queue = u32::MAX;
    results.workloads[0].offered = 123_456_789_012;
    report(&model, &results);
}

#[test]
fn faults_strike_all_at_once() {
    let mut model = synthetic::model(false);
    let entry = FaultTarget::Entry(WorkloadId(0), ServiceId(0));
    let some = FaultTarget::Service(ServiceId(0), Subset::First(3));
    let pairs = [
        (entry, Effect::Cut),
        (FaultTarget::Edge(ServiceId(0), ServiceId(1)), Effect::AddLatency("exp(20ms)".parse().unwrap())),
        (FaultTarget::Workload(WorkloadId(0)), Effect::Traffic(2.5)),
        (some, Effect::Crash { detect: Span::ZERO }),
        (some, Effect::Pause),
        (some, Effect::Slow(3.0)),
        (some, Effect::ErrorRate(Share::new(0.25).unwrap())),
    ];
    for (index, (target, effect)) in pairs.into_iter().cycle().take(20).enumerate() {
        let at = Time::ZERO + Span::from_secs(5 + 9 * index as u64);
        let lasts = (index % 3 > 0).then(|| Span::from_millis(20_000 * (index as u64 % 5)));
        model.faults.push(Fault { name: format!("fault-{index}"), at, lasts, target, effect });
    }
    let results = synthetic::results(&model);
    report(&model, &results);
    assert!(figure::all(&input(&model, &results))[0].svg.contains("more windows are not named"));
}

#[test]
fn threads_are_not_limited() {
    let (mut model, results) = synthetic::mesh(30);
    (0..30).for_each(|id| model.services[ServiceId(id)].threads = Limit::Unlimited);
    (0..30).for_each(|id| model.services[ServiceId(id)].cores = Some(2));
    report(&model, &results);
    let text = report::terminal::summary(&input(&model, &results), false, 100);
    assert!(text.contains("cores") && !text.contains("threads"), "{text}");
    let figures = figure::all(&input(&model, &results));
    // A row without a limit is as high as its peak.
    assert!(figures[0].svg.contains(">\n4.5\n<") && !figures[3].svg.contains("100%"), "{}", figures[3].svg);
}

#[test]
fn queues_differ_by_orders_of_magnitude() {
    for peak in [3e2, 1e4, 5e7] {
        let model = synthetic::model(false);
        let mut results = synthetic::results(&model);
        for (service, height) in results.series.services.iter_mut().zip([peak, 900.0, 2.0, 0.0]) {
            service.queue.iter_mut().enumerate().for_each(|(point, queue)| *queue = height * point as f64 / 180.0);
        }
        report(&model, &results);
        assert!(figure::all(&input(&model, &results))[0].svg.contains("for a thread, logarithmic"));
    }
}

#[test]
fn there_are_many_workloads() {
    let mut model = synthetic::model(true);
    let mut results = synthetic::results(&model);
    for index in 0..11u64 {
        let mut workload = model.workloads[WorkloadId(0)].clone();
        workload.name = format!("readers-{index}");
        workload.deadline = Some(Span::from_millis(100 << index));
        model.workloads.push(workload);
        results.workloads.push(results.workloads[0].clone());
        results.series.workloads.push(results.series.workloads[0].clone());
        results.edges.push(results.edges[0].clone());
        results.series.edges.push(results.series.edges[0].clone());
    }
    report(&model, &results);
}
