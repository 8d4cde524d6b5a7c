//! The roots of the cascades that others have published: all of `tests/data/cascades.csv`, by the scenarios that prove them.
//! What nobody marked as a trigger has a root where it overloads something, and none where all goes as it must.

use std::collections::BTreeSet;

use brownout::experiment::proof_file;
use brownout::insight::{EventKind, PlaceKind, RootKind};
use brownout::scenario::LoadOptions;
use rayon::prelude::*;

use crate::reference::Told;

/// A case or several, and how its runs differ from the file.
struct Cascade {
    cases: &'static [&'static str],
    file: &'static str,
    variant: &'static str,
    set: &'static [&'static str],
    root: (RootKind, &'static str),
}

const fn cascade(
    cases: &'static [&'static str],
    file: &'static str,
    variant: &'static str,
    set: &'static [&'static str],
    root: (RootKind, &'static str),
) -> Cascade {
    Cascade { cases, file, variant, set, root }
}

const SERVER: (RootKind, &str) = (RootKind::Service, "server");
const THINGS: (RootKind, &str) = (RootKind::Cache, "things");
const USERS: (RootKind, &str) = (RootKind::Workload, "users");
const NONE: (RootKind, &str) = (RootKind::None, "");
const EVEN: &str = "work=3333333ns";

const CASCADES: [Cascade; 30] = [
    cascade(&["C1-280"], "outage", "", &["duration=200s"], SERVER),
    cascade(&["C1-140"], "outage", "", &["arrivals=poisson(140/s)", "duration=400s"], SERVER),
    cascade(&["C1-100-recovery"], "outage", "", &["arrivals=even(100/s)", EVEN, "duration=200s"], SERVER),
    cascade(&["C1-130-recovery"], "outage", "", &["arrivals=even(130/s)", EVEN, "duration=200s"], SERVER),
    cascade(
        &["C1-200-critical-outage"],
        "outage",
        "",
        &["arrivals=even(200/s)", EVEN, "duration=240s", "outage=1250ms"],
        SERVER,
    ),
    cascade(&["C2-none"], "outage", "no-retries", &["duration=240s"], SERVER),
    cascade(&["C2-lifo"], "outage", "lifo", &["duration=240s"], SERVER),
    cascade(&["C2-queue-100"], "outage", "short-queue", &["duration=240s"], SERVER),
    cascade(&["C2-queue-1000"], "outage", "long-queue", &["duration=240s"], SERVER),
    cascade(&["C2-cancel"], "outage", "cancel", &["duration=240s"], SERVER),
    cascade(&["C2-jitter"], "outage", "jitter", &["duration=240s"], SERVER),
    cascade(&["C2-budget"], "outage", "budget", &["duration=240s"], SERVER),
    cascade(&["C2-budget-260"], "outage", "budget", &["arrivals=poisson(260/s)", "duration=420s"], SERVER),
    // One request in a thousand is turned away, which is Erlang's loss and no overload.
    cascade(&["C3-slow-dependency"], "slow-dependency", "", &["duration=500s"], NONE),
    // Threads that wait for two seconds are too few.
    cascade(
        &["C3-slow-dependency"],
        "slow-dependency",
        "",
        &["answer=2s", "duration=122s"],
        (RootKind::Setting, "service.a.threads"),
    ),
    // The same spike tips it or does not, as the seed has it.
    cascade(&["C4-spike"], "contention", "", &["seed=1"], USERS),
    cascade(&["C4-spike"], "contention", "", &["seed=2"], USERS),
    cascade(&["C4-spike"], "contention", "", &["seed=3"], USERS),
    cascade(&["C4-spike"], "contention", "", &["backoff=exponential(20s)", "jitter=full"], USERS),
    cascade(&["C5-cache-1000"], "look-aside", "", &["rate=1000/s"], THINGS),
    cascade(&["C5-cache-350"], "look-aside", "", &["rate=350/s"], THINGS),
    cascade(&["C5-cache-late-fill"], "look-aside", "late-fill", &["rate=1000/s"], THINGS),
    // What always fails and is never too much is as its scenario has it.
    cascade(&["C6-layers"], "layers", "", &["entry=three.get", "attempts=4"], NONE),
    cascade(
        &["C6-layers-90"],
        "layers",
        "",
        &["entry=three.get", "attempts=4", "fails=90%", "works=10%", "duration=60s"],
        NONE,
    ),
    cascade(&["C7-sre-throttle"], "client-throttling", "", &["multiplier=2.0"], USERS),
    cascade(&["C8-pause"], "pause", "", &[], SERVER),
    cascade(&["C8-pause"], "pause", "", &["pause=400ms"], SERVER),
    cascade(&["C9-herd"], "herd", "", &["patience=505ms"], USERS),
    cascade(&["C10-probe"], "probe", "", &[], USERS),
    cascade(&["C11-occ-none"], "optimistic", "", &[], NONE),
];

/// What is struck, then what calls it, then users: the first of each. A trigger's own moments do not count.
fn onsets(told: &Told) -> Vec<Option<brownout::base::time::Time>> {
    let of = |is: &dyn Fn(&brownout::insight::Event) -> bool| {
        told.insight.events.iter().filter(|it| is(it)).map(|it| it.at).min()
    };
    let is_trigger = |kind: EventKind| matches!(kind, EventKind::TriggerBegins | EventKind::TriggerEnds);
    vec![
        of(&|it| it.kind == EventKind::TriggerBegins),
        of(&|it| it.place.kind == PlaceKind::Service && !is_trigger(it.kind)),
        of(&|it| it.kind == EventKind::CallsFail),
        of(&|it| it.kind == EventKind::UsersNotice),
    ]
}

#[test]
fn cascades_go_back_to_what_caused_them() {
    let told: Vec<(String, Vec<String>, usize, usize)> = CASCADES
        .par_iter()
        .map(|it| {
            let options = LoadOptions {
                variants: (!it.variant.is_empty()).then(|| it.variant.to_owned()).into_iter().collect(),
                sets: it.set.iter().map(|text| (*text).to_owned()).collect(),
                ..LoadOptions::default()
            };
            let told = Told::of(it.file, proof_file(it.file).unwrap(), &options);
            let name = format!("{:?} {:?}", it.cases, it.set);
            let root = &told.insight.root;
            let wrong = (root.kind != it.root.0 || root.target != it.root.1)
                .then(|| format!("{name}: {root:?}\n{}", told.text(false)));
            let there: Vec<_> = onsets(&told).into_iter().flatten().collect();
            // Where something was marked as a trigger; without one, all that is seen may have been there at the start.
            let pairs: Vec<_> = there.windows(2).filter(|_| !told.model.triggers().is_empty()).collect();
            let right = pairs.iter().filter(|pair| pair[0] <= pair[1]).count();
            (name, wrong.into_iter().collect(), pairs.len(), right)
        })
        .collect();
    let wrong: Vec<&String> = told.iter().flat_map(|it| &it.1).collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
    let (pairs, right) = told.iter().fold((0, 0), |sum, it| (sum.0 + it.2, sum.1 + it.3));
    let disorder: Vec<&String> = told.iter().filter(|it| it.2 > it.3).map(|it| &it.0).collect();
    assert!(pairs >= 50 && right * 100 >= pairs * 95, "{right} of {pairs} are in order, not {disorder:?}");
}

/// No case of the collection is left out.
#[test]
fn every_cascade_has_a_root() {
    let text = include_str!("../../data/cascades.csv");
    let ids = text.lines().filter(|line| !line.starts_with('#')).skip(1).filter_map(|line| line.split(',').next());
    let ids: BTreeSet<&str> = ids.collect();
    let told: BTreeSet<&str> = CASCADES.iter().flat_map(|it| it.cases).copied().collect();
    assert_eq!(told, ids);
}
