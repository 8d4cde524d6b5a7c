//! Overload without a trigger, where nothing has threads or cores that could be taken; and what is no overload.

use brownout::insight::RootKind;
use brownout::model::Verdict;
use brownout::scenario::LoadOptions;
use rayon::prelude::*;

use crate::reference::Told;

/// A server that becomes slower the more it does at once, with a spike that nobody marked as a trigger (the case C4-spike).
fn spike(seed: u64, users: &str) -> String {
    format!(
        r#"
        seed = {seed}
        duration = "80s"
        [workload.users]
        entry = "server.page"
        arrivals = {{ poisson = [ ["0s", "40/s"], ["20s", "40/s"], ["20s", "80/s"], ["25s", "80/s"], ["25s", "40/s"] ] }}
        client = "clients"
        [client.clients]
        latency = "exp(100ms)"
        {users}
        [service.server.endpoint.page]
        steps = [ {{ work = "1s", contention = "10ms" }} ]
        "#
    )
}

/// Users at 50/s of a web page, with `steps`, and what else there is.
fn page(seed: u64, steps: &str, more: &str) -> String {
    format!(
        r#"
        seed = {seed}
        duration = "60s"
        [workload.users]
        entry = "web.page"
        arrivals = "poisson(50/s)"
        client = "clients"
        [client.clients]
        timeout = "1s"
        [service.web.endpoint.page]
        steps = [ {steps} ]
        {more}
        "#
    )
}

fn told(text: &str) -> Told {
    Told::of("overload", text, &LoadOptions::default())
}

#[test]
fn a_collapse_that_takes_no_threads_is_overload_and_what_survives_is_stable() {
    let runs: Vec<Told> = (1..=16_u64)
        .into_par_iter()
        .map(|seed| told(&spike(seed, "timeout = \"3s\"\nretry = { attempts = 3, backoff = \"0s\" }")))
        .collect();
    let (mut collapsed, mut survived) = (0, 0);
    for it in &runs {
        let judgement = &it.insight.judgement;
        // A collapsed run answers nobody, a run that survives nearly everybody: in between is no run.
        if judgement.goodput_at_end < 0.5 {
            collapsed += 1;
            assert_eq!(it.verdict(), Verdict::Overloaded, "{}", it.text(true));
            let from = judgement.harmed_from.unwrap().as_secs_f64();
            assert!((20.0..40.0).contains(&from), "harmed from {from} s on");
            assert_eq!((it.insight.root.kind, it.insight.root.target.as_str()), (RootKind::Service, "server"));
        } else {
            survived += 1;
            assert!(judgement.goodput_at_end > 0.8, "{}", it.text(true));
            assert_eq!(it.verdict(), Verdict::Stable, "{}", it.text(true));
            assert!(it.insight.events.is_empty());
        }
    }
    // Published: 27.5 of 40 collapse. None or all of 16 would be chance with a probability below 0.3%.
    assert!(collapsed > 0 && survived > 0, "{collapsed} collapsed, {survived} survived");
}

#[test]
fn a_backlog_without_threads_and_timeouts_is_overload() {
    // With n requests at once each takes 1 s and n times 10 ms: n / (1 + n / 100) of them are done in a second, never 100.
    for (rate, expected) in [("40/s", Verdict::Stable), ("150/s", Verdict::Overloaded)] {
        let text = spike(1, "").replace("\"80/s\"", "\"40/s\"").replace("40/s", rate);
        let it = told(&text);
        assert_eq!(it.verdict(), expected, "{rate}\n{}", it.text(true));
    }
}

#[test]
fn what_fails_by_itself_is_no_overload() {
    let some = |share: u32, step: &str| {
        let (one, other) = (format!("share = \"{share}%\""), format!("share = \"{}%\"", 100 - share));
        let arms = format!("{{ {one}, steps = [ {{ {step} }} ] }}, {{ {other}, steps = [] }}");
        format!("{{ choose = [ {arms} ] }}, {{ work = \"exp(5ms)\" }}")
    };
    let fails = |share: u32| some(share, "fail = true");
    let behind =
        "[client.inner]\ntimeout = \"500ms\"\nretry = { attempts = 2 }\n[service.api.endpoint.get]\nsteps = [ ";
    let texts: Vec<String> = (1..=4_u64)
        .flat_map(|seed| {
            let inner = format!("{behind}{} ]", fails(60));
            [
                page(seed, &fails(5), ""),
                page(seed, &fails(40), ""),
                page(seed, "{ call = \"api.get\", client = \"inner\" }", &inner),
                // One of ten takes longer than its users wait, whatever the load.
                page(seed, &some(10, "work = \"2s\""), ""),
            ]
        })
        .collect();
    let alarmed: Vec<String> = texts
        .par_iter()
        .filter_map(|text| {
            let it = told(text);
            (it.verdict() != Verdict::Stable).then(|| format!("{text}\n{}", it.text(true)))
        })
        .collect();
    assert!(alarmed.is_empty(), "{}", alarmed.join("\n"));
}

#[test]
fn nobody_answered_in_time_is_overload_from_the_start() {
    for seed in 1..=3 {
        // All users leave before they are answered; behind a caller it is an error to them, and still want of time.
        let slow = "{ work = \"2s\" }";
        let more = format!("[client.inner]\ntimeout = \"500ms\"\n[service.api.endpoint.get]\nsteps = [ {slow} ]");
        let behind = page(seed, "{ call = \"api.get\", client = \"inner\" }", &more);
        for (text, client) in [(page(seed, slow, ""), "clients"), (behind, "inner")] {
            let it = told(&text);
            let root = &it.insight.root;
            assert_eq!((root.kind, root.target.as_str()), (RootKind::Setting, &*format!("client.{client}.timeout")));
            assert_eq!(it.verdict(), Verdict::Overloaded, "{text}\n{}", it.text(true));
            assert!(it.insight.judgement.harmed_from.unwrap().as_secs_f64() < 5.0);
        }
    }
}

#[test]
fn no_worse_than_a_twin_that_is_down_is_no_praise() {
    let fault = "[fault.slow]\nat = \"5s\"\nfor = \"2s\"\nservice = \"web\"\nadd_latency = \"1s\"";
    for (work, expected) in [("2s", Verdict::Overloaded), ("1ms", Verdict::Recovered)] {
        let it = told(&page(1, &format!("{{ work = \"{work}\" }}"), fault));
        assert_eq!(it.verdict(), expected, "{work}\n{}", it.text(true));
        let says_so = it.text(true).contains("with what goes wrong and without");
        assert_eq!(says_so, expected == Verdict::Overloaded, "{}", it.text(true));
    }
}
