//! Scenarios whose cause is known because it was put there: every kind of trigger in every shape of call graph, beside a
//! decoy that does something elsewhere and harms nobody.

use std::fmt::Write;

use brownout::base::time::Time;
use brownout::insight::{PlaceKind, RootKind};
use brownout::scenario::LoadOptions;
use rayon::prelude::*;

use crate::reference::Told;

/// A call graph: who calls whom, one after the other or all at once, and a way from the users to its end.
struct Shape {
    name: &'static str,
    /// Each service with its callees; the first is what users call.
    services: &'static [(&'static str, &'static [&'static str])],
    /// From the users to what is struck.
    way: &'static [&'static str],
    parallel: bool,
}

const SHAPES: [Shape; 4] = [
    Shape {
        name: "chain",
        services: &[("a", &["b"]), ("b", &["c"]), ("c", &["d"]), ("d", &[])],
        way: &["a", "b", "c", "d"],
        parallel: false,
    },
    Shape {
        name: "fan-out",
        services: &[("a", &["b", "c", "d"]), ("b", &[]), ("c", &[]), ("d", &[])],
        way: &["a", "d"],
        parallel: true,
    },
    Shape {
        name: "diamond",
        services: &[("a", &["b", "c"]), ("b", &["d"]), ("c", &["d"]), ("d", &[])],
        way: &["a", "c", "d"],
        parallel: true,
    },
    Shape {
        name: "shared",
        services: &[("a", &["s"]), ("b", &["s"]), ("s", &["d"]), ("d", &[])],
        way: &["a", "s", "d"],
        parallel: false,
    },
];

/// A trigger, given the last two services of the way, and what the root is then.
struct Trigger {
    name: &'static str,
    text: fn(caller: &str, callee: &str) -> String,
    root: fn(caller: &str, callee: &str) -> (RootKind, String),
    /// Whether what it does spreads from the end of the way to the users, from the caller there on, or not at all in order.
    order: Order,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Order {
    Callee,
    Caller,
    Users,
}

fn service(_: &str, callee: &str) -> (RootKind, String) {
    (RootKind::Service, callee.to_owned())
}

fn edge(caller: &str, callee: &str) -> (RootKind, String) {
    (RootKind::Edge, format!("{caller} -> {callee}"))
}

const FLUSH: &str = "flush";

/// Every kind of fault but one, on everything that it can strike but brokers; those and poisoned messages are in `messages`.
const TRIGGERS: [Trigger; 11] = [
    Trigger {
        name: "latency",
        text: |_, d| format!("[fault.f]\nat = \"20s\"\nfor = \"5s\"\nservice = \"{d}\"\nadd_latency = \"700ms\""),
        root: service,
        order: Order::Callee,
    },
    Trigger {
        name: "slow",
        text: |_, d| format!("[fault.f]\nat = \"20s\"\nfor = \"5s\"\nservice = \"{d}\"\nslow = 40.0"),
        root: service,
        order: Order::Callee,
    },
    Trigger {
        name: "errors",
        text: |_, d| format!("[fault.f]\nat = \"20s\"\nfor = \"5s\"\nservice = \"{d}\"\nerror_rate = \"80%\""),
        root: service,
        order: Order::Callee,
    },
    Trigger {
        name: "pause",
        text: |_, d| format!("[fault.f]\nat = \"20s\"\nfor = \"5s\"\nservice = \"{d}\"\npause = true"),
        root: service,
        order: Order::Callee,
    },
    Trigger {
        name: "crash",
        text: |_, d| format!("[fault.f]\nat = \"20s\"\nfor = \"5s\"\nservice = \"{d}\"\ncrash = true\ndetect = \"1s\""),
        root: service,
        order: Order::Callee,
    },
    Trigger {
        name: "cut",
        text: |c, d| format!("[fault.f]\nat = \"20s\"\nfor = \"5s\"\nfrom = \"{c}\"\nto = \"{d}\"\ncut = true"),
        root: edge,
        order: Order::Caller,
    },
    Trigger {
        name: "edge-latency",
        text: |c, d| {
            format!("[fault.f]\nat = \"20s\"\nfor = \"5s\"\nfrom = \"{c}\"\nto = \"{d}\"\nadd_latency = \"400ms\"")
        },
        root: edge,
        order: Order::Caller,
    },
    Trigger {
        name: "edge-errors",
        text: |c, d| {
            format!("[fault.f]\nat = \"20s\"\nfor = \"5s\"\nfrom = \"{c}\"\nto = \"{d}\"\nerror_rate = \"80%\"")
        },
        root: edge,
        order: Order::Caller,
    },
    Trigger {
        name: "traffic",
        text: |_, _| "[fault.f]\nat = \"20s\"\nfor = \"5s\"\nworkload = \"users\"\ntraffic = 25.0".to_owned(),
        root: |_, _| (RootKind::Workload, "users".to_owned()),
        order: Order::Users,
    },
    Trigger {
        name: "threads",
        text: |_, d| {
            format!(
                "[change.f]\nat = \"20s\"\ntrigger = true\nset = {{ \"service.{d}.threads\" = 1 }}\n\
                 [change.back]\nat = \"25s\"\nset = {{ \"service.{d}.threads\" = 20 }}"
            )
        },
        root: |_, d| (RootKind::Setting, format!("service.{d}.threads")),
        order: Order::Callee,
    },
    // The last service keeps things in a cache, and what is not there takes it 40 times as long.
    Trigger {
        name: FLUSH,
        text: |_, _| {
            "[cache.things]\nscope = \"shared\"\nstart = \"warm\"\n\
             [fault.f]\nat = \"20s\"\ncache = \"things\"\nflush = true"
                .to_owned()
        },
        root: |_, _| (RootKind::Cache, "things".to_owned()),
        order: Order::Callee,
    },
];

fn scenario(shape: &Shape, trigger: &Trigger) -> String {
    let [.., caller, callee] = shape.way else { unreachable!("a way has two ends") };
    let has_cache = trigger.name == FLUSH;
    let key = if has_cache { "key = \"uniform(3000)\"\n" } else { "" };
    let mut text = "duration = \"45s\"\nwarmup = \"5s\"\n\
         [client.rest]\nlatency = \"exp(500us)\"\ntimeout = \"500ms\"\nretry = { attempts = 2, backoff = \"50ms\" }\n\
         [workload.users]\nentry = \"a.get\"\narrivals = \"poisson(150/s)\"\ndeadline = \"900ms\"\nclient = \"rest\"\nKEY\
         [workload.robots]\nentry = \"spare.get\"\narrivals = \"poisson(50/s)\"\nclient = \"rest\"\n\
         [service.spare]\nthreads = 50\n[service.spare.endpoint.get]\nsteps = [ { work = \"exp(5ms)\" } ]\n\
         [fault.decoy]\nat = \"18s\"\nfor = \"15s\"\nservice = \"spare\"\nadd_latency = \"60ms\"\n"
        .replace("KEY", key);
    if shape.name == "shared" {
        text += "[workload.others]\nentry = \"b.get\"\narrivals = \"poisson(50/s)\"\ndeadline = \"900ms\"\nclient = \"rest\"\n";
        text += key;
    }
    for (name, callees) in shape.services {
        let calls: Vec<String> =
            callees.iter().map(|callee| format!("{{ call = \"{callee}.get\", client = \"rest\" }}")).collect();
        let calls = match (calls.len(), shape.parallel) {
            (0, _) => String::new(),
            (1, _) | (_, false) => format!(", {}", calls.join(", ")),
            (_, true) => format!(", {{ parallel = [ {} ] }}", calls.join(", ")),
        };
        let work = if callees.is_empty() { "exp(10ms)" } else { "exp(2ms)" };
        let lookup = match has_cache && name == callee {
            true => "{ cache = \"things\", miss = [ { work = \"exp(400ms)\" } ] }, ",
            false => "",
        };
        let threads = if callees.is_empty() { 20 } else { 60 };
        write!(
            text,
            "[service.{name}]\nthreads = {threads}\nqueue = 200\n[service.{name}.endpoint.get]\nsteps = [ {lookup}{{ work = \"{work}\" }}{calls} ]\n"
        )
        .unwrap();
    }
    text + &(trigger.text)(caller, callee)
}

/// When a service began to be in trouble.
fn onset(told: &Told, service: &str) -> Option<Time> {
    let events = told.insight.events.iter();
    let here = events.filter(|it| it.place.kind == PlaceKind::Service && it.place.name == service);
    let load = brownout::insight::EventKind::MoreArrives;
    let trigger = [brownout::insight::EventKind::TriggerBegins, brownout::insight::EventKind::TriggerEnds, load];
    here.filter(|it| !trigger.contains(&it.kind)).map(|it| it.at).min()
}

/// The root is right in every one; of all pairs of services that follow from one another the onsets are in the right
/// order in at least 95%, those within one bin (of at most 100 ms) being tied.
#[test]
fn the_root_is_what_was_put_there_and_onsets_are_in_order() {
    let cases: Vec<(&Shape, &Trigger)> =
        SHAPES.iter().flat_map(|shape| TRIGGERS.iter().map(move |trigger| (shape, trigger))).collect();
    assert!(cases.len() >= 25);
    let results: Vec<(Vec<String>, usize, Vec<String>)> = cases
        .par_iter()
        .map(|(shape, trigger)| {
            let told = Told::of("known", &scenario(shape, trigger), &LoadOptions::default());
            assert!(told.results.causes.as_ref().unwrap().bin.as_nanos() <= 100_000_000);
            let name = format!("{} in {}", trigger.name, shape.name);
            let [.., caller, callee] = shape.way else { unreachable!("a way has two ends") };
            let (kind, target) = (trigger.root)(caller, callee);
            let root = &told.insight.root;
            let is_right = root.kind == kind && root.target == target;
            let wrong = (!is_right).then(|| format!("{name}: root {root:?}\n{}", told.text(true)));
            let mut order: Vec<&str> = shape.way.iter().rev().copied().collect();
            match trigger.order {
                Order::Callee => {}
                Order::Caller => order.retain(|it| it != callee),
                Order::Users => order = vec![],
            }
            let pairs: Vec<(&str, &str)> = order.windows(2).map(|pair| (pair[0], pair[1])).collect();
            let is_in_order = |(first, second): &(&str, &str)| match (onset(&told, first), onset(&told, second)) {
                (Some(first), Some(second)) => first <= second,
                _ => false,
            };
            let of = |it: &str| onset(&told, it).map(Time::as_secs_f64);
            let disorder = pairs.iter().filter(|pair| !is_in_order(pair));
            let disorder = disorder.map(|(a, b)| format!("{name}: {a} {:?}, then {b} {:?}", of(a), of(b))).collect();
            (wrong.into_iter().collect(), pairs.len(), disorder)
        })
        .collect();
    let wrong: Vec<String> = results.iter().flat_map(|it| it.0.clone()).collect();
    assert!(wrong.is_empty(), "{} roots of {} are wrong\n{}", wrong.len(), cases.len(), wrong.join("\n"));
    let pairs: usize = results.iter().map(|it| it.1).sum();
    let disorder: Vec<String> = results.iter().flat_map(|it| it.2.clone()).collect();
    assert!(pairs >= 60, "{pairs} pairs say something");
    assert!(disorder.len() * 20 <= pairs, "{} of {pairs} pairs:\n{}", disorder.len(), disorder.join("\n"));
}
