//! `openmetrics.txt`, read by a reader that takes nothing that OpenMetrics 1.0 does not allow: its grammar, the suffixes and
//! values of each type, families and metrics in one piece, times that rise.

use std::collections::{BTreeMap, BTreeSet};

use brownout::base::time::Span;
use brownout::report::{Input, openmetrics};
use brownout::scenario::{LoadOptions, lesson};
use rayon::prelude::*;

use super::{input, synthetic};
use crate::reference::{Run, Told};

/// A family, as it was read.
#[derive(Debug, Default)]
struct Family {
    kind: String,
    unit: String,
    help: String,
    samples: Vec<Sample>,
}

#[derive(Debug)]
struct Sample {
    /// What follows the name of the family.
    suffix: String,
    labels: BTreeMap<String, String>,
    value: f64,
    time: f64,
}

impl Sample {
    /// The metric that it belongs to: its labels without those of its type.
    fn metric(&self, kind: &str, family: &str) -> BTreeMap<String, String> {
        let own = match kind {
            "histogram" => "le",
            "summary" => "quantile",
            "stateset" => family,
            _ => "",
        };
        self.labels.iter().filter(|(name, _)| *name != own).map(|(name, value)| (name.clone(), value.clone())).collect()
    }
}

fn is_name(text: &str, extra: &str) -> bool {
    let first = |c: char| c.is_ascii_alphabetic() || extra.contains(c);
    text.starts_with(first) && text.chars().all(|c| first(c) || c.is_ascii_digit())
}

/// Text with its escapes taken away; nothing else may be escaped.
fn unescaped(text: &str) -> Result<String, String> {
    let mut out = String::new();
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        match c {
            '\\' => out.push(match chars.next() {
                Some('n') => '\n',
                Some(c @ ('\\' | '"')) => c,
                other => return Err(format!("no such escape: \\{other:?}")),
            }),
            '"' => return Err("a quotation mark without an escape".to_owned()),
            c => out.push(c),
        }
    }
    Ok(out)
}

/// `realnumber` of the grammar: digits, a point, an exponent; or a number that is none.
fn number(text: &str) -> Result<f64, String> {
    let is_real = text.starts_with(|c: char| c.is_ascii_digit() || "+-.".contains(c))
        && text.chars().all(|c| c.is_ascii_digit() || "+-.eE".contains(c));
    match text {
        "+Inf" => Ok(f64::INFINITY),
        "-Inf" => Ok(f64::NEG_INFINITY),
        "NaN" => Ok(f64::NAN),
        _ if is_real => text.parse().map_err(|error| format!("{text}: {error}")),
        _ => Err(format!("no number: {text}")),
    }
}

/// Names and values between braces.
fn labels(mut text: &str) -> Result<BTreeMap<String, String>, String> {
    let mut labels = BTreeMap::new();
    loop {
        let (name, rest) = text.split_once("=\"").ok_or(format!("no label: {text}"))?;
        // The closing quotation mark is the first one behind an even number of backslashes.
        let closes = |at: &usize| rest[..*at].bytes().rev().take_while(|byte| *byte == b'\\').count().is_multiple_of(2);
        let end = rest.match_indices('"').map(|(at, _)| at).find(closes).ok_or("a label without an end")?;
        if !is_name(name, "_") || labels.insert(name.to_owned(), unescaped(&rest[..end])?).is_some() {
            return Err(format!("a label that is none, or comes twice: {name}"));
        }
        match &rest[end + 1..] {
            "" => return Ok(labels),
            more => text = more.strip_prefix(',').ok_or("labels without a comma")?,
        }
    }
}

/// The families of a text, by name.
fn read(text: &str) -> Result<BTreeMap<String, Family>, String> {
    let body = text.strip_suffix("# EOF\n").ok_or("it has no end")?;
    let mut families: BTreeMap<String, Family> = BTreeMap::new();
    let mut current = String::new();
    for line in body.split_terminator('\n') {
        let at = |what: &str| format!("{what}: {line}");
        if let Some(said) = line.strip_prefix("# ") {
            let (word, rest) = said.split_once(' ').ok_or(at("no metadata"))?;
            let (name, value) = rest.split_once(' ').ok_or(at("no metadata"))?;
            if current != name {
                let known = families.insert(name.to_owned(), Family::default());
                if known.is_some() || !is_name(name, "_:") {
                    return Err(at("a family in two pieces, or without a name"));
                }
                name.clone_into(&mut current);
            }
            let family = families.get_mut(name).expect("it was just put there");
            let field = match word {
                "TYPE" => &mut family.kind,
                "UNIT" => &mut family.unit,
                "HELP" => &mut family.help,
                _ => return Err(at("a comment")),
            };
            if !field.is_empty() || !family.samples.is_empty() {
                return Err(at("metadata that come twice, or behind samples"));
            }
            *field = unescaped(value)?;
            continue;
        }
        let family = families.get_mut(&current).ok_or(at("a sample without a family"))?;
        let rest = line.strip_prefix(current.as_str()).ok_or(at("a sample of another family"))?;
        let (suffix, labels, numbers) = match rest.split_once('{') {
            Some((suffix, rest)) => {
                let (inner, numbers) = rest.rsplit_once("} ").ok_or(at("no braces"))?;
                (suffix, labels(inner)?, numbers)
            }
            None => {
                let (suffix, numbers) = rest.split_once(' ').ok_or(at("no value"))?;
                (suffix, BTreeMap::new(), numbers)
            }
        };
        let (value, time) = numbers.split_once(' ').ok_or(at("no time"))?;
        let (value, time) = (number(value)?, number(time)?);
        family.samples.push(Sample { suffix: suffix.to_owned(), labels, value, time });
    }
    Ok(families)
}

/// The text as families, if it is what the format allows.
fn check(text: &str) -> Result<BTreeMap<String, Family>, String> {
    let families = read(text)?;
    let mut names = BTreeSet::new();
    for (name, family) in &families {
        let suffixes: &[&str] = match family.kind.as_str() {
            "counter" => &["_total"],
            "gauge" | "stateset" => &[""],
            "info" => &["_info"],
            "summary" => &["", "_count", "_sum"],
            "histogram" => &["_bucket", "_count", "_sum"],
            kind => return Err(format!("{name}: no such type: {kind}")),
        };
        // What a family's samples may be called, nothing else may be.
        for taken in ["", "_total", "_created", "_info", "_bucket", "_count", "_sum"] {
            if (taken.is_empty() || suffixes.contains(&taken)) && !names.insert(format!("{name}{taken}")) {
                return Err(format!("{name}{taken} belongs to two families"));
            }
        }
        let has_unit = !family.unit.is_empty();
        if has_unit
            && (!name.ends_with(&format!("_{}", family.unit)) || ["info", "stateset"].contains(&family.kind.as_str()))
        {
            return Err(format!("{name}: the unit {} does not fit", family.unit));
        }
        if family.help.is_empty() || family.samples.is_empty() {
            return Err(format!("{name}: no help, or no samples"));
        }
        if let Some(sample) = family.samples.iter().find(|it| !suffixes.contains(&it.suffix.as_str())) {
            return Err(format!("{name}: a {} has no {}", family.kind, sample.suffix));
        }
        metrics(name, family)?;
    }
    Ok(families)
}

/// Metrics in one piece, their points in the order of time, and what the type asks of each point.
fn metrics(name: &str, family: &Family) -> Result<(), String> {
    let mut seen = BTreeSet::new();
    let of = |sample: &Sample| sample.metric(&family.kind, name);
    for metric in family.samples.chunk_by(|a, b| of(a) == of(b)) {
        let fault = |what: &str| Err(format!("{name} {:?}: {what}", metric[0]));
        if !seen.insert(of(&metric[0])) {
            return fault("a metric in two pieces");
        }
        let points: Vec<&[Sample]> = metric.chunk_by(|a, b| a.time == b.time).collect();
        if !points.is_sorted_by(|a, b| a[0].time < b[0].time) || metric.iter().any(|it| !it.time.is_finite()) {
            return fault("times do not rise");
        }
        for sample in metric {
            let is_count = sample.suffix == "_count" || sample.suffix == "_bucket";
            let is_positive = sample.value >= 0.0 && sample.value.is_finite();
            let is_right = match family.kind.as_str() {
                "gauge" => true,
                "info" => sample.value == 1.0,
                "stateset" => [0.0, 1.0].contains(&sample.value) && sample.labels.contains_key(name),
                _ => is_positive && (!is_count || sample.value.fract() == 0.0),
            };
            if !is_right {
                return fault("a value that its type does not have");
            }
        }
        for suffix in ["_total", "_count", "_sum"] {
            let over_time: Vec<f64> = metric.iter().filter(|it| it.suffix == suffix).map(|it| it.value).collect();
            if !over_time.is_sorted() {
                return fault("what only rises falls");
            }
        }
        for point in points {
            let all: BTreeSet<String> = point.iter().map(|it| format!("{}{:?}", it.suffix, it.labels)).collect();
            if all.len() < point.len() {
                return fault("a sample comes twice");
            }
            match family.kind.as_str() {
                "histogram" => histogram(point).or_else(|what| fault(&what))?,
                "stateset" | "summary" => {}
                _ if point.len() > 1 => return fault("more than one sample in a point"),
                _ => {}
            }
        }
    }
    Ok(())
}

fn histogram(point: &[Sample]) -> Result<(), String> {
    let buckets: Vec<(f64, f64)> = point
        .iter()
        .filter(|it| it.suffix == "_bucket")
        .map(|it| Ok((number(it.labels.get("le").ok_or("a bucket without a bound")?)?, it.value)))
        .collect::<Result<_, String>>()?;
    let of = |suffix: &str| point.iter().find(|it| it.suffix == suffix).map(|it| it.value);
    if !buckets.is_sorted_by(|a, b| a.0 < b.0 && a.1 <= b.1) {
        return Err("buckets do not rise".to_owned());
    }
    match (buckets.last(), of("_count"), of("_sum")) {
        (Some((bound, last)), Some(count), Some(_)) if *bound == f64::INFINITY && *last == count => Ok(()),
        _ => Err("a histogram without its last bucket, count or sum".to_owned()),
    }
}

fn checked(name: &str, input: &Input) -> BTreeMap<String, Family> {
    for all_series in [false, true] {
        let text = openmetrics::metrics(input, all_series);
        if let Err(fault) = check(&text) {
            panic!("{name}: {fault}");
        }
    }
    check(&openmetrics::metrics(input, false)).unwrap()
}

/// Faults, breakers, connections, streams, pools, caches, queues, topics, fallbacks, sessions.
#[test]
fn lessons_say_their_metrics_as_the_format_wants_them() {
    const NAMES: [&str; 9] = [
        "forty-node-meltdown",
        "breaker-lockstep",
        "rest-vs-grpc",
        "slow-reader",
        "cache-stampede",
        "death-spiral",
        "consumer-lag-death",
        "redelivery-storm",
        "outlier-small-cluster",
    ];
    let kinds: Vec<BTreeSet<String>> = NAMES
        .par_iter()
        .map(|name| {
            let told = Told::of(name, lesson(name).unwrap().text, &LoadOptions::default());
            let (twin, insight) = (told.twin.as_ref(), Some(&told.insight));
            let input = Input { twin, insight, ..input(&told.model, &told.results) };
            let families = checked(name, &input);
            let last = |family: &str| families[family].samples.last().unwrap().value;
            let offered: u64 = told.results.series.workloads.last().unwrap().offered.iter().sum();
            assert_eq!(last("brownout_workload_requests"), offered as f64, "{name}");
            let states = &families["brownout_verdict"].samples;
            let is: Vec<&str> =
                states.iter().filter(|it| it.value == 1.0).map(|it| it.labels["brownout_verdict"].as_str()).collect();
            assert_eq!(is, [told.verdict().name()], "{name}");
            families.into_keys().collect()
        })
        .collect();
    let all: BTreeSet<&String> = kinds.iter().flatten().collect();
    for family in [
        "connections_open",
        "edge_breakers_ratio",
        "cache_hits",
        "group_lag",
        "topic_disk_bytes",
        "edge_ejected_replicas",
    ] {
        assert!(all.contains(&format!("brownout_{family}")), "{family} is in none of {all:?}");
    }
}

#[test]
fn nothing_at_all_has_metrics_too() {
    let model = synthetic::model(true);
    checked("synthetic", &input(&model, &synthetic::results(&model)));
    for points in [0, 1, 180] {
        checked("nothing", &input(&model, &synthetic::nothing(&model, points)));
    }
}

/// Two threads for six requests of 100 ms that come at 1 s: two are answered after 100 ms, two after 200, two after 300.
#[test]
fn metrics_are_what_was_measured() {
    let run = Run::of(
        "title = \"a \\\"quoted\\\" \\\\ title\\nof two lines\"\nduration = \"3500ms\"\ninterval = \"1s\"\n\
         [workload.a]\nentry = \"a.page\"\narrivals = \"burst(6, at=1500ms)\"\n\
         [service.a]\nthreads = 2\nendpoint.page.steps = [{ work = \"100ms\" }]\n",
    );
    let families = checked("bursts", &input(&run.model, &run.results));
    assert_eq!(families["brownout_run"].samples[0].labels["title"], "a \"quoted\" \\ title\nof two lines");
    let over_time = |family: &str| -> Vec<(f64, f64)> {
        families[family].samples.iter().map(|it| (it.time - 946_684_800.0, it.value)).collect()
    };
    assert_eq!(over_time("brownout_workload_requests"), [(0.0, 0.0), (1.0, 0.0), (2.0, 6.0), (3.0, 6.0), (3.5, 6.0)]);
    let queue: Vec<f64> = over_time("brownout_service_queue").into_iter().map(|(_, value)| value).collect();
    // 4 wait for 100 ms, then 2.
    assert!((queue[1] - 0.6).abs() < 1e-9 && queue[0] == 0.0 && queue[2] == 0.0, "{queue:?}");
    let lengths = &families["brownout_service_sojourn_seconds"].samples;
    let up_to = |le: &str| lengths.iter().find(|it| it.labels.get("le").is_some_and(|it| it == le)).unwrap().value;
    // A bound counts those who are as long as it is.
    assert_eq!(["0.05", "0.1", "0.25", "0.5", "+Inf"].map(up_to), [0.0, 2.0, 4.0, 6.0, 6.0]);
    let of = |suffix: &str| lengths.iter().find(|it| it.suffix == suffix).unwrap().value;
    assert_eq!(of("_count"), 6.0);
    assert!((of("_sum") - 2.0 * Span::from_millis(600).as_secs_f64()).abs() < 1e-9);
}

/// The reader finds what is wrong.
#[test]
fn what_the_format_forbids_is_found() {
    let good = "# TYPE a counter\n# HELP a A.\na_total{b=\"c\"} 1 1\na_total{b=\"c\"} 2 2\n\
                # TYPE d_seconds histogram\n# UNIT d_seconds seconds\n# HELP d_seconds D.\n\
                d_seconds_bucket{le=\"1.0\"} 1 2\nd_seconds_bucket{le=\"+Inf\"} 2 2\nd_seconds_count 2 2\nd_seconds_sum 3 2\n# EOF\n";
    check(good).unwrap();
    for (from, to) in [
        ("# EOF\n", ""),
        ("# EOF\n", "# EOF\n\n"),
        ("# HELP a A.\n", "# HELP a A.\n\n"),
        ("# HELP a A.\n", "# HELP a A.\n# a comment\n"),
        ("# HELP a A.\n", "# HELP a \\q\n"),
        ("a_total{b=\"c\"} 1 1", "a{b=\"c\"} 1 1"),
        ("a_total{b=\"c\"} 1 1", "a_total{b=\"c\"} 3 1"),
        ("a_total{b=\"c\"} 1 1", "a_total{b=\"c\"} 1 2"),
        ("a_total{b=\"c\"} 1 1", "a_total{b=\"c\",b=\"c\"} 1 1"),
        ("a_total{b=\"c\"} 1 1", "a_total{b=\"c\"\"} 1 1"),
        ("a_total{b=\"c\"} 1 1", "a_total{b=\"c\"} -1 1"),
        ("a_total{b=\"c\"} 1 1", "a_total{b=\"c\"} one 1"),
        ("a_total{b=\"c\"} 2 2\n", "a_total{b=\"d\"} 2 2\na_total{b=\"c\"} 3 3\n"),
        ("counter", "number"),
        ("seconds seconds", "seconds bytes"),
        ("d_seconds_count 2", "d_seconds_count 3"),
        ("d_seconds_bucket{le=\"+Inf\"} 2 2\n", ""),
        ("le=\"1.0\"} 1", "le=\"1.0\"} 3"),
        ("d_seconds_sum 3 2\n", "d_seconds_sum 3 2\n# TYPE a counter\n# HELP a A.\na_total 1 1\n"),
    ] {
        let bad = good.replacen(from, to, 1);
        assert_ne!(bad, good, "{from}");
        assert!(check(&bad).is_err(), "nobody minds {to:?} instead of {from:?}");
    }
}
