//! Data in files: recorded traffic and measured times.

use brownout::base::time::{Span, Time};
use brownout::model::{Arrivals, Model, Process, Step};
use brownout::scenario::LoadOptions;

use super::{loaded, said};

const REST: &str = "[service.api.endpoint.page]\nsteps = [{ work = \"1ms\" }]\n";

/// A scenario of sixty seconds whose users arrive so.
fn scenario(arrivals: &str) -> String {
    format!("[workload.users]\nentry = \"api.page\"\narrivals = {arrivals}\n{REST}")
}

#[track_caller]
fn model(arrivals: &str, csv: &str) -> Model {
    super::model(&scenario(arrivals), &LoadOptions::default(), &[("load.csv", csv)])
}

/// The points of a rate, in seconds and requests per second.
fn points(model: &Model) -> Vec<(f64, f64)> {
    let Arrivals::Rated { process: Process::Poisson(profile), batch: 1 } =
        &model.workloads.iter().as_slice()[0].arrivals
    else {
        panic!("not a rate")
    };
    profile.points.iter().map(|point| (point.at.as_secs_f64(), point.rate.as_per_sec())).collect()
}

fn codes(arrivals: &str, csv: &str) -> Vec<&'static str> {
    loaded(&scenario(arrivals), &LoadOptions::default(), &[("load.csv", csv)]).diagnostics.codes()
}

#[test]
fn counts_become_a_rate_in_steps() {
    let plain = model(r#""trace('load.csv', per=10s)""#, "30\n60\n0\n");
    let expected = [(0.0, 3.0), (10.0, 3.0), (10.0, 6.0), (20.0, 6.0), (20.0, 0.0), (30.0, 0.0), (30.0, 0.0)];
    assert_eq!(points(&plain), expected);
    let dated = "time,requests\n2026-01-31 23:59:50,30\n2026-02-01 00:00:00,60\n2026-02-01T00:00:10Z,0\n";
    assert_eq!(points(&model(r#""trace('load.csv', per=10s)""#, dated)), expected, "a month has an end");
    let columns = "host;ms;n\na;1000;30\nb;11000;60\nc;21000;0\n";
    let arrivals = r#"'trace("load.csv", per=10s, time="ms", column="n", unit=1ms)'"#;
    assert_eq!(points(&model(arrivals, columns)), expected);
}

#[test]
fn speed_plays_all_requests_in_less_time_and_scale_keeps_a_part_of_them() {
    let fast = model(r#""trace('load.csv', per=10s, speed=2, scale=0.1, at=1s)""#, "30\n60\n");
    let close = |(a, b): (&(f64, f64), &(f64, f64))| (a.0 - b.0).abs() < 1e-9 && (a.1 - b.1).abs() < 1e-9;
    let expected = [(0.0, 0.0), (1.0, 0.0), (1.0, 0.6), (6.0, 0.6), (6.0, 1.2), (11.0, 1.2), (11.0, 0.0)];
    let found = points(&fast);
    assert!(found.len() == expected.len() && found.iter().zip(&expected).all(close), "{found:?}");
}

#[test]
fn a_gap_is_silent_or_holds_the_rate() {
    let csv = "0s,30\n10s,60\n40s,90\n";
    let zero = points(&model(r#""trace('load.csv', per=10s, gaps=zero)""#, csv));
    assert!(zero.contains(&(20.0, 0.0)) && zero.contains(&(40.0, 0.0)), "{zero:?}");
    let hold = points(&model(r#""trace('load.csv', per=10s, gaps=hold)""#, csv));
    assert!(hold.contains(&(40.0, 6.0)) && !hold.contains(&(20.0, 0.0)), "{hold:?}");
    assert_eq!(codes(r#""trace('load.csv', per=10s, speed=0.83333)""#, csv), ["W014"], "nobody has decided");
    assert!(codes(r#""trace('load.csv', per=10s, speed=0.83333, gaps=zero)""#, csv).is_empty());
}

#[test]
fn times_of_arrival_are_played_as_they_are() {
    let csv = "# epoch, host\n1397088240.5,a\n1397088240.75,b\n1397088240.75,b\n1397088300.5,c\n";
    let model = model(r#""trace('load.csv', unit=1s)""#, csv);
    let Arrivals::Times(times) = &model.workloads.iter().as_slice()[0].arrivals else { panic!("not times") };
    let at = |millis| Time::ZERO + Span::from_millis(millis);
    assert_eq!(times[..], [at(0), at(250), at(250), at(60_000)]);
}

#[test]
fn a_trace_can_be_evenly_spaced() {
    let model = model(r#"{ even = "trace('load.csv', per=10s)" }"#, "30\n60\n");
    assert!(matches!(model.workloads.iter().as_slice()[0].arrivals, Arrivals::Rated { process: Process::Even(_), .. }));
}

#[test]
fn a_trace_that_does_not_fit_is_told() {
    let arrivals = r#""trace('load.csv', per=10s, speed=$speed)""#;
    let text = |speed: &str| format!("[param.speed]\nvalue = {speed}\n{}", scenario(arrivals));
    let all: Vec<String> = ["0.1", "10", "0.5"]
        .iter()
        .map(|speed| said(&text(speed), &LoadOptions::default(), &[("load.csv", "30\n60\n90\n")]))
        .collect();
    insta::assert_snapshot!("traces-that-do-not-fit", all.join("\n-----\n"));
}

#[test]
fn samples_are_a_distribution() {
    let work = |call: &str, csv: &str| {
        let text = scenario("\"even(1/s)\"").replace("\"1ms\"", call);
        let model = super::model(&text, &LoadOptions::default(), &[("lat.csv", csv)]);
        let Step::Work(work) = &model.endpoints.iter().as_slice()[0].steps[0] else { panic!("not work") };
        work.clone()
    };
    let mean = |call: &str, csv: &str| work(call, csv).mean_nanos() / 1e6;
    assert_eq!(mean(r#""empirical('lat.csv', unit=1ms)""#, "latency\n1\n2.5\n5.5\n"), 3.0);
    assert_eq!(mean(r#""empirical('lat.csv')""#, "1ms\n2500us\n0.0055s\n"), 3.0);
    let weighted = "le,n,host\n1ms,3,a\n5ms,1,b\n";
    assert_eq!(mean(r#"'empirical("lat.csv", column="le", weight="n")'"#, weighted), 2.0);
    assert_eq!(mean(r#""mix(50% empirical('lat.csv', unit=1ms), 50% 9ms)""#, "1\n1\n"), 5.0);
}

#[test]
fn bad_data_is_refused_with_all_its_faults() {
    let cases: [(&str, &str); 14] = [
        (r#""trace('load.csv', per=10s)""#, "time,n\n2026-01-01 00:00:00,30\n2026-01-01 00:00:10,many\nyesterday,-5\n"),
        (r#""trace('load.csv', per=10s)""#, "time,n\n10s,30\n0s,30\n"),
        (r#""trace('load.csv', per=10s)""#, "time,n\n0s,30\n1s,30\n"),
        (r#""trace('load.csv', per=10s)""#, "time,n\n"),
        (r#""trace('load.csv', per=10s)""#, ""),
        (r#""trace('load.csv', per=10s)""#, "a,b,c\n1,2,3\n"),
        (r#"'trace("load.csv", per=10s, column="requets")'"#, "time,requests\n0s,3\n"),
        (r#""trace('load.csv', per=10s, speed=1000000000)""#, "5000\n"),
        (r#""trace('load.csv')""#, "1\n2\n"),
        (r#""trace('lod.csv')""#, ""),
        (r#""trace('load.csv', per=10s, spede=2)""#, "1\n"),
        (r#""trace('load.csv', scale=2)""#, "1s\n"),
        (r#"{ poisson = "trace('load.csv')" }"#, "1s\n"),
        (r#""users(5, think=empirical('load.csv'))""#, "1ms\n2\n-3ms\n\"4ms\n"),
    ];
    let all: Vec<String> = cases
        .iter()
        .map(|(arrivals, csv)| said(&scenario(arrivals), &LoadOptions::default(), &[("load.csv", csv)]))
        .collect();
    insta::assert_snapshot!("bad-data", all.join("\n-----\n"));
}

#[test]
fn two_days_of_a_real_load_balancer_are_played_in_minutes() {
    let csv = include_str!("../../data/load/elb-requests.csv");
    let text = scenario(r#"{ even = "trace('load.csv', per=5m, speed=2880, gaps=zero)" }"#).replace("1ms", "1us");
    let model = super::model(&text, &LoadOptions::default(), &[("load.csv", csv)]);
    let results = brownout::measure::simulate(&model, &mut |_| std::ops::ControlFlow::Continue(()));
    let counted: f64 = csv.lines().skip(1).map(|line| line.split(',').nth(1).unwrap().parse::<f64>().unwrap()).sum();
    // Evenly spaced arrivals come at every whole of the integral of the rate; of the 577 intervals, the gap among them,
    // the run plays 576: the last one holds 0.3% of all requests.
    let offered = results.workloads[0].offered as f64;
    assert!((0.996 * counted..=counted).contains(&offered), "{offered} of {counted}");
    let said = loaded(&text.replace(", gaps=zero", ""), &LoadOptions::default(), &[("load.csv", csv)]).diagnostics;
    assert!(said.render(false).contains("a gap, the longest of 300s"), "{}", said.render(false));
}
