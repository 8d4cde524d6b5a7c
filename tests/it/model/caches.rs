//! What is remembered, and what happens when it is not.

use brownout::measure::CacheResult;
use brownout::policy::Outcome;

use super::{cache, longest, workload};
use crate::reference::Run;

/// Requests for things that are fetched in 100 ms when the cache does not have them.
fn shop(workload: &str, cache: &str, more: &str) -> Run {
    Run::of(&format!(
        r#"
        duration = "20s"

        [workload.users]
        entry = "shop.page"
        {workload}

        [service.shop.endpoint.page]
        steps = [{{ cache = "things", miss = [{{ call = "store.get", client = "sql" }}] }}]

        [service.store.endpoint.get]
        steps = [{{ sleep = "100ms" }}]

        [client.sql]

        [cache.things]
        {cache}
        {more}
        "#
    ))
}

const ONE_THING: &str = "key = \"uniform(1)\"\narrivals = \"even(100/s)\"";

fn things(run: &Run) -> &CacheResult {
    cache(run, "things")
}

#[test]
fn what_has_been_fetched_is_there() {
    let run = shop(ONE_THING, "", "");
    // Ten come before the first one has it, and the one who comes with its answer.
    assert_eq!((things(&run).misses, things(&run).hits), (10, 1990));
    assert_eq!(run.service("store").arrivals, 10);
}

#[test]
fn a_share_of_hits_can_be_given_instead_of_keys() {
    let run = shop("arrivals = \"even(1000/s)\"", "hit_ratio = \"90%\"", "");
    let ratio = things(&run).hit_ratio().unwrap();
    // A standard error of √(0.9 × 0.1 ÷ 20000) = 0.2%.
    assert!((ratio - 0.9).abs() < 0.0066, "{ratio}");
    assert_eq!(run.service("store").arrivals, things(&run).misses);
}

#[test]
fn those_who_miss_what_is_being_fetched_can_wait_for_it() {
    let run = shop(ONE_THING, "coalesce = true", "");
    let things = things(&run);
    assert_eq!((things.misses, things.coalesced, things.hits), (1, 9, 1990));
    assert_eq!((run.service("store").arrivals, longest(workload(&run, "users"))), (1, 100.0));
}

#[test]
fn those_who_wait_go_on_with_their_own_steps() {
    let run = Run::of(
        r#"
        duration = "10s"
        [workload.one]
        entry = "first.get"
        arrivals = "burst(1)"
        key = "uniform(1)"
        [workload.other]
        entry = "second.get"
        arrivals = "burst(1, at=10ms)"
        key = "uniform(1)"
        [cache.things]
        scope = "shared"
        coalesce = true
        [service.first.endpoint.get]
        steps = [{ cache = "things", miss = [{ work = "100ms" }] }, { work = "1ms" }]
        [service.second.endpoint.get]
        steps = [{ cache = "things", miss = [{ work = "100ms" }] }, { work = "20ms" }]
        "#,
    );
    assert_eq!((longest(workload(&run, "one")), longest(workload(&run, "other"))), (101.0, 110.0));
}

#[test]
fn those_who_wait_share_the_failure_too() {
    let fault = "[fault.down]\nat = \"0s\"\nfor = \"50ms\"\nservice = \"store\"\nadd_latency = \"50ms\"
        [fault.err]\nat = \"100us\"\nfor = \"1s\"\nfrom = \"shop\"\nto = \"store\"\nerror_rate = \"100%\"";
    let run = shop("key = \"uniform(1)\"\narrivals = \"even(100/s)\"", "coalesce = true\nttl = \"1s\"", fault);
    assert!(things(&run).hits > 1800);
    let failing = shop(
        "key = \"uniform(1)\"\narrivals = \"burst(10)\"\nclient = \"c\"",
        "coalesce = true",
        "
        [client.c]
        timeout = \"5s\"
        [fault.dies]
        at = \"50ms\"
        service = \"store\"
        crash = true",
    );
    let users = workload(&failing, "users");
    assert_eq!(users.outcomes[Outcome::Error as usize], 10);
}

#[test]
fn a_key_that_is_too_old_is_fetched_again_by_all_who_come_meanwhile() {
    let run = shop(ONE_THING, "ttl = \"1s\"", "");
    // Filled at 100 ms; each filling by one who missed starts the second anew.
    let things = things(&run);
    assert_eq!((things.misses as f64 / (things.expired + 1) as f64, things.misses > 100), (10.0, true));
}

#[test]
fn stale_answers_are_given_while_one_fetches_in_the_background() {
    let run = shop(ONE_THING, "ttl = \"1s\"\nstale = \"10s\"\ncoalesce = true", "");
    let things = things(&run);
    assert_eq!(things.misses, 1, "only the first had to fetch it himself");
    assert!((17..=18).contains(&things.stale), "{} times it was fetched behind the scenes", things.stale);
    assert_eq!(run.service("store").arrivals, things.stale + 1);
    assert_eq!(longest(workload(&run, "users")), 100.0);
}

#[test]
fn early_expiration_lets_one_fetch_it_before_all_must() {
    let run = shop(ONE_THING, "ttl = \"2s\"\nearly = 1.0", "");
    let things = things(&run);
    assert!(things.early >= 8, "{}", things.early);
    assert!(things.misses <= 20, "{}: hardly anybody finds it expired", things.misses);
}

#[test]
fn an_answer_for_nobody_fills_the_cache_only_when_it_is_told_so() {
    let users = "key = \"uniform(1)\"\narrivals = \"even(10/s)\"\nclient = \"hasty\"";
    let hasty = "[client.hasty]\ntimeout = \"50ms\"";
    let in_time = shop(users, "", hasty);
    assert_eq!((workload(&in_time, "users").good, things(&in_time).filled), (0, 0));
    assert_eq!(things(&in_time).too_late, things(&in_time).misses - 1, "one is still under way");
    let late = shop(users, "fill = \"late\"", hasty);
    assert_eq!((workload(&late, "users").good, things(&late).misses), (199, 1), "he who asked did not get it");
}

#[test]
fn a_flush_and_a_cold_process_must_fetch_everything_again() {
    let users = "key = \"uniform(50)\"\narrivals = \"even(100/s)\"";
    let flush = "[fault.flush]\nat = \"10s\"\ncache = \"things\"\nflush = true";
    let quiet = things(&shop(users, "start = \"warm\"", "")).misses;
    let flushed = things(&shop(users, "start = \"warm\"", flush)).misses;
    assert_eq!(quiet, 0);
    assert!((50..120).contains(&flushed), "{flushed}");
    let dies = "[fault.dies]\nat = \"10s\"\nfor = \"1s\"\nservice = \"shop\"\ncrash = true";
    let own = things(&shop(users, "start = \"warm\"", dies)).misses;
    assert!((50..120).contains(&own), "{own}");
    let shared = things(&shop(users, "start = \"warm\"\nscope = \"shared\"", dies)).misses;
    assert_eq!(shared, 0, "what is kept elsewhere survives");
}

#[test]
fn a_small_cache_forgets_what_was_used_longest_ago() {
    let users = "key = \"zipf(1.0, 1000)\"\narrivals = \"even(1000/s)\"";
    let misses = |capacity: u32| things(&shop(users, &format!("capacity = {capacity}\nstart = \"warm\""), "")).misses;
    let counts = [10, 100, 500, 1000].map(misses);
    assert!(counts.is_sorted_by(|a, b| a > b), "{counts:?}");
    assert_eq!(counts[3], 0, "all fit");
}
