//! Common random numbers: request k draws the same arrival time and the same work at the same step of the same
//! service, whatever else changes in the file.

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use brownout::base::time::{Span, Time};
use brownout::kernel::wheel::Wheel;
use brownout::kernel::{Engine, Observer};
use brownout::model::Model;
use brownout::scenario::{LoadOptions, load};

/// Requests come every 100 ms and take less: whatever happens in a tenth of a second belongs to one request.
const BASE: &str = r#"
duration = "60s"

[workload.users]
entry = { "front.page" = "50%", "front.list" = "50%" }
arrivals = "even(10/s)"
client = "browser"

[client.browser]
latency = "uniform(1ms, 3ms)"

[service.front.endpoint.page]
steps = [
  { work = "uniform(1ms, 9ms)" },
  { parallel = [ { call = "back.read", client = "inner" }, { call = "back.write", client = "inner" } ] },
  { choose = [ { share = "50%", steps = [ { work = "uniform(1ms, 2ms)" } ] }, { share = "50%", steps = [] } ] },
]
[service.front.endpoint.list]
steps = [ { repeat = 3, steps = [ { call = "back.read", client = "inner", optional = true } ] }, { work = "1ms" } ]

[service.back.endpoint.read]
steps = [ { work = "uniform(1ms, 5ms)" } ]
[service.back.endpoint.write]
steps = [ { work = "uniform(1ms, 5ms)" } ]

[client.inner]
latency = "100us"
"#;

/// When requests came, and how long the work was that each did at each service.
#[derive(Default)]
struct Diary {
    offered: Vec<Time>,
    work: BTreeMap<(u32, u64), Vec<Span>>,
}

impl Observer for Diary {
    fn offered(&mut self, workload: u32, now: Time, _arrived: Time) {
        if workload == 0 {
            self.offered.push(now);
        }
    }

    fn works(&mut self, service: u32, now: Time, until: Time) {
        let request = now.as_nanos() / Span::from_millis(100).as_nanos();
        self.work.entry((service, request)).or_default().push(until.since(now));
    }
}

impl Diary {
    /// The work at a service by request; within one, branches may come in any order.
    fn work_at(&self, service: u32) -> BTreeMap<u64, Vec<Span>> {
        let mut work: BTreeMap<u64, Vec<Span>> = BTreeMap::new();
        for ((at, request), lengths) in &self.work {
            if *at == service {
                work.insert(*request, lengths.clone());
            }
        }
        work.values_mut().for_each(|lengths| lengths.sort());
        work
    }

    /// All work at a service, one after the other.
    fn row_at(&self, service: u32) -> Vec<Span> {
        self.work.iter().filter(|((at, _), _)| *at == service).flat_map(|(_, lengths)| lengths.clone()).collect()
    }
}

fn model(text: &str) -> Model {
    let loaded = load("numbers.toml", text.as_bytes(), &LoadOptions::default());
    loaded.model.unwrap_or_else(|| panic!("{}", loaded.diagnostics.render(false)))
}

fn watch(text: &str) -> (Model, Diary) {
    let model = model(text);
    let mut engine = Engine::<Wheel, Diary>::new(&model, Diary::default());
    engine.run(&mut |_| ControlFlow::Continue(()));
    let diary = engine.into_observer();
    (model, diary)
}

fn service(model: &Model, name: &str) -> u32 {
    model.services.iter().position(|service| service.name == name).unwrap() as u32
}

/// Everything about `users`, `front` and `back` is as in the base.
fn assert_undisturbed(text: &str) {
    let ((base_model, base), (model, diary)) = (watch(BASE), watch(text));
    assert_eq!(base.offered, diary.offered);
    assert!(base.offered.len() > 500);
    for name in ["front", "back"] {
        let (expected, found) = (base.work_at(service(&base_model, name)), diary.work_at(service(&model, name)));
        assert!(expected.len() > 500, "every request works at {name}: {}", expected.len());
        assert_eq!(expected, found, "work at {name}");
    }
}

#[test]
fn a_breaker_retries_and_a_timeout_that_do_nothing_change_nothing() {
    assert_undisturbed(&format!("{BASE}timeout = \"1s\"\nbreaker = {{}}\nretry = {{ jitter = \"none\" }}\n"));
}

#[test]
fn other_services_and_workloads_disturb_nobody() {
    let others = r#"
        [workload.others]
        entry = "aside.look"
        arrivals = "poisson(200/s)"
        [service.aside.endpoint.look]
        steps = [ { work = "exp(3ms)" }, { call = "elsewhere.get" } ]
        [service.elsewhere]
        replicas = 3
        [service.elsewhere.endpoint.get]
        steps = [ { sleep = "exp(1ms)" } ]
    "#;
    // Behind the rest of the file, and before it: then everything else has another number.
    assert_undisturbed(&format!("{BASE}{others}"));
    let services = BASE.find("[service.front").unwrap();
    let (head, tail) = BASE.split_at(services);
    let (workload, services) = others.split_at(others.find("[service.aside").unwrap());
    assert_undisturbed(&format!("{head}{services}{tail}{workload}"));
}

#[test]
fn more_replicas_other_balancers_and_another_network_do_not_change_the_work() {
    let other = BASE
        .replace(
            "[service.back.endpoint.read]",
            "[service.back]\nreplicas = 7\nthreads = 4\n[service.back.endpoint.read]",
        )
        .replace("latency = \"100us\"", "latency = \"exp(200us)\"\nbalance = \"random\"");
    assert_undisturbed(&other);
}

#[test]
fn what_fails_in_between_does_not_shift_what_comes_after() {
    let fault = "[fault.dead]\nat = \"20s\"\nfor = \"5s\"\nservice = \"back\"\ncrash = true\n";
    let ((model, base), (_, struck)) = (watch(BASE), watch(&format!("{BASE}{fault}")));
    let (before, after) = (base.work_at(service(&model, "back")), struck.work_at(service(&model, "back")));
    assert_eq!(after.len(), before.len() - 50, "five seconds are missing");
    assert!(after.iter().all(|(request, work)| before[request] == *work));
}

#[test]
fn another_rate_stretches_the_same_arrivals() {
    let at = |rate: &str| watch(&BASE.replace("even(10/s)", rate)).1.offered;
    let (slow, fast) = (at("poisson(10/s)"), at("poisson(40/s)"));
    assert!(slow.len() > 500 && fast.len() > 2_000);
    for (slow, fast) in slow.iter().zip(&fast) {
        // Both are rounded to the nanosecond.
        assert!(slow.as_nanos().abs_diff(4 * fast.as_nanos()) <= 4, "{slow:?} {fast:?}");
    }
    assert_ne!(slow, at("even(10/s)"));
}

#[test]
fn a_user_thinks_and_asks_the_same_however_long_he_waits() {
    let closed = BASE.replace("even(10/s)", "users(1, think=exp(40ms))");
    let near = watch(&closed);
    let far = watch(&closed.replace("latency = \"100us\"", "latency = \"5ms\""));
    let row = |(model, diary): &(Model, Diary), name: &str| diary.row_at(service(model, name));
    for name in ["front", "back"] {
        let (near, far) = (row(&near, name), row(&far, name));
        assert!(far.len() > 300 && near.len() > far.len());
        assert_eq!(near[..far.len() - 2], far[..far.len() - 2], "work at {name}");
    }
}

#[test]
fn every_attempt_iteration_and_branch_draws_for_itself() {
    let (model, diary) = watch(&BASE.replace("uniform(1ms, 3ms)", "1ms"));
    let all: Vec<Span> = diary.work_at(service(&model, "back")).into_values().flatten().collect();
    let mut distinct = all.clone();
    distinct.sort();
    distinct.dedup();
    // 1 500 of four million nanoseconds: that two of them coincide is likely now and then, that many do is not.
    assert!(distinct.len() + 5 > all.len(), "{} of {}", distinct.len(), all.len());
}
