//! What a run says of its own means: how far they may be off, and whether it was still filling up.

mod complete;

use brownout::measure::{Latency, NoConfidence, confidence, transient};

use brownout::report::{Input, terminal};

use crate::reference::Run;

/// One server for ten requests a second.
fn server(rate: &str, warmup: &str, duration: &str, seed: u64, more: &str) -> Run {
    Run::of(&format!(
        r#"
        seed = {seed}
        duration = "{duration}"
        warmup = "{warmup}"

        [workload.users]
        entry = "server.page"
        arrivals = "poisson({rate}/s)"

        [service.server]
        threads = 1
        queue = "unlimited"
        [service.server.endpoint.page]
        steps = [{{ work = "exp(100ms)" }}]
        {more}
        "#
    ))
}

/// Of 200 intervals of 95%, 190 cover what is exact, give or take three standard deviations of the binomial
/// distribution, √(200 × 0.95 × 0.05) = 3.1: from 181 to 199. Batches that are too short would cover it less often.
#[test]
fn nineteen_of_twenty_intervals_cover_the_exact_mean() {
    // Per test: what is exact, and how often it was covered.
    let mut covered = [("latency", 0.2, 0), ("in system", 1.0, 0), ("utilisation", 0.5, 0), ("wait", 0.1, 0)];
    for seed in 0..200 {
        let run = server("5", "20s", "2020s", seed, "");
        let half_widths = confidence(&run.model, &run.results).unwrap();
        let (of_users, of_server) = (half_widths.workloads[0], half_widths.services[0]);
        let (users, server) = (&run.results.workloads[0], &run.results.services[0]);
        let level = |nanos: u128| nanos as f64 / 2000e9;
        let found = [
            (users.latency.mean().unwrap().as_secs_f64(), of_users.latency_mean_s),
            (level(server.in_system_nanos), of_server.in_system_mean),
            (level(server.busy_nanos), of_server.busy_threads_mean),
            (server.wait.mean().unwrap().as_secs_f64(), of_server.wait_mean_s),
        ];
        for ((_, exact, times), (mean, half_width)) in covered.iter_mut().zip(found) {
            *times += u32::from((mean - *exact).abs() <= half_width.unwrap());
        }
    }
    assert!(covered.iter().all(|(_, _, times)| (181..=199).contains(times)), "{covered:?}");
}

/// Three queues one after the other: half of all requests find nothing in a cache and ask one server, all hold one of two
/// permits, and all need one of two connections. Arrivals are Poisson and times exponential, so that each behaves as if it
/// stood alone (Jackson, "Networks of Waiting Lines", 1957).
fn network(seed: u64) -> Run {
    Run::of(&format!(
        r#"
        seed = {seed}
        duration = "1020s"
        warmup = "20s"

        [workload.users]
        entry = "app.page"
        arrivals = "poisson(10/s)"

        [service.app.endpoint.page]
        steps = [
          {{ cache = "things", miss = [{{ call = "store.get", client = "sql" }}] }},
          {{ hold = "db", steps = [{{ sleep = "exp(100ms)" }}] }},
          {{ call = "disk.read", client = "wire" }},
        ]

        [service.store]
        threads = 1
        queue = "unlimited"
        [service.store.endpoint.get]
        steps = [{{ sleep = "exp(100ms)" }}]

        [service.disk.endpoint.read]
        steps = [{{ sleep = "exp(100ms)" }}]

        [cache.things]
        hit_ratio = "50%"

        [pool.db]
        size = 2
        scope = "shared"

        [client.sql]

        [client.wire]
        transport = "cable"

        [transport.cable]
        preset = "rest"
        encoding = {{ encode = "0ns/B", decode = "0ns/B" }}
        connections = {{ per_host = 2, idle_timeout = "none" }}
        "#
    ))
}

/// As above: from 181 to 199 of 200. One server at 5 a second: 1 ÷ (10 − 5) s there, 0.2 s × 5 of it busy. Two at 10 a
/// second: by Erlang's C one in three waits, for 1 ÷ (20 − 10) s.
#[test]
fn intervals_of_pools_caches_edges_and_connections_cover_what_is_exact() {
    let waits = 1.0 / 30.0;
    let mut covered = [
        ("latency of an edge", 0.2, 0),
        ("sojourn", 0.2, 0),
        ("utilisation", 0.5, 0),
        ("hit ratio", 0.5, 0),
        ("lookups", 10.0, 0),
        ("permits in use", 1.0, 0),
        ("waiting for a permit", 10.0 * waits, 0),
        ("wait for a permit", waits, 0),
        ("wait for a connection", waits, 0),
        ("waits of a request for connections", waits, 0),
    ];
    for seed in 0..200 {
        let run = network(seed);
        let half_widths = confidence(&run.model, &run.results).unwrap();
        let results = &run.results;
        let (sql, of_sql) = (&results.edges[1], half_widths.edges[1]);
        let messages = results.transport.as_ref().unwrap();
        let of_messages = half_widths.transport.as_ref().unwrap();
        let (store, of_store) = (&results.services[1], half_widths.services[1]);
        let (db, of_db) = (&results.pools[0], half_widths.pools[0]);
        let (things, of_things) = (&results.caches[0], half_widths.caches[0]);
        let level = |nanos: u128| nanos as f64 / 1000e9;
        let mean = |it: &Latency| it.mean().unwrap().as_secs_f64();
        let found = [
            (mean(&sql.latency), of_sql.latency_mean_s),
            (mean(&store.sojourn), of_store.sojourn_mean_s),
            (level(store.busy_nanos), of_store.thread_utilisation_share),
            (things.hit_ratio().unwrap(), of_things.hit_ratio_share),
            (things.lookups as f64 / 1000.0, of_things.lookups_per_s),
            (level(db.used_nanos), of_db.in_use_mean),
            (level(db.waiting_nanos), of_db.waiting_mean),
            (mean(&db.wait), of_db.wait_mean_s),
            (mean(&messages.edges[2].waits), of_messages.edges[2].connection_wait_mean_s),
            (
                messages.edges[2].waits.sum_nanos() as f64 / 1e9 / results.workloads[0].offered as f64,
                of_messages.per_request.connections_s,
            ),
        ];
        for ((_, exact, times), (mean, half_width)) in covered.iter_mut().zip(found) {
            *times += u32::from((mean - *exact).abs() <= half_width.unwrap());
        }
    }
    assert!(covered.iter().all(|(_, _, times)| (181..=199).contains(times)), "{covered:?}");
}

/// Whoever comes stays for 10 s, so that it takes so long until as many are there as ever will be.
fn visitors(warmup: &str, seed: u64) -> Run {
    Run::of(&format!(
        r#"
        seed = {seed}
        duration = "400s"
        interval = "2s"
        warmup = "{warmup}"

        [workload.users]
        entry = "hall.visit"
        arrivals = "poisson(20/s)"

        [service.hall.endpoint.visit]
        steps = [{{ sleep = "10s" }}]
        "#
    ))
}

#[test]
fn a_run_that_was_still_filling_up_says_so_and_how_long_it_took() {
    let mut told = 0;
    for seed in 1..21 {
        let run = visitors("0s", seed);
        if let Some(found) = transient(&run.model, &run.results) {
            told += 1;
            assert!((10.0..=50.0).contains(&found.until.as_secs_f64()), "{found:?}");
            assert!(found.early < 0.8 * found.later && (found.later - 200.0).abs() < 30.0, "{found:?}");
        }
        let run = visitors("10s", seed);
        assert_eq!(transient(&run.model, &run.results), None);
    }
    // Now and then chance asks for so long a cut that what is cut off is hardly emptier than the rest.
    assert!(told >= 15, "{told} of 20 runs told");
}

/// Near saturation chance is as large as the beginning, and only some runs can tell: this seed can.
#[test]
fn a_queue_that_began_empty_says_so_where_chance_does_not_hide_it() {
    let run = server("9", "0s", "100s", 324, "");
    let found = transient(&run.model, &run.results).unwrap();
    assert!(found.early < 5.0 && found.later > 40.0, "{found:?}");
    let text = summary(&run);
    assert!(text.contains("until 25 s it held 4.64 requests, then 46.3 (MSER-5): set `warmup = \"25s\"`"), "{text}");
    let run = server("9", "100s", "1000s", 324, "");
    assert_eq!(transient(&run.model, &run.results), None);
    assert!(!summary(&run).contains("MSER"));
}

/// What the terminal shows, without its line breaks.
fn summary(run: &Run) -> String {
    let input = Input { model: &run.model, results: &run.results, hash: "", version: "", twin: None, insight: None };
    let text = terminal::summary(&input, false, 100).replace('\u{a0}', " ");
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[test]
fn means_of_a_run_that_changes_have_no_interval() {
    let fault = "[fault.slow]\nat = \"50s\"\nfor = \"10s\"\nservice = \"server\"\nslow = 2";
    let run = server("5", "0s", "100s", 1, fault);
    assert_eq!(confidence(&run.model, &run.results), Err(NoConfidence::Faults));
    let burst = "[workload.crowd]\nentry = \"server.page\"\narrivals = \"burst(10)\"";
    let run = server("5", "0s", "100s", 1, burst);
    assert_eq!(confidence(&run.model, &run.results), Err(NoConfidence::Arrivals));
    assert_eq!(transient(&run.model, &run.results), None);
    let run = server("5", "99s", "100s", 1, "");
    assert_eq!(confidence(&run.model, &run.results), Err(NoConfidence::Short));
}

#[test]
fn what_never_varies_is_known_for_sure() {
    let run = Run::of(
        r#"
        duration = "100s"

        [workload.users]
        entry = "server.page"
        arrivals = "even(5/s)"

        [service.server]
        threads = 1
        [service.server.endpoint.page]
        steps = [{ work = "100ms" }]
        "#,
    );
    let half_widths = confidence(&run.model, &run.results).unwrap();
    assert_eq!(half_widths.workloads[0].latency_mean_s, Some(0.0));
    assert_eq!(half_widths.services[0].rejected_share, Some(0.0));
    assert_eq!(half_widths.services[0].waste_share, Some(0.0));
    assert_eq!(half_widths.services[0].busy_cores_mean, Some(0.0));
    assert_eq!(transient(&run.model, &run.results), None);
}
