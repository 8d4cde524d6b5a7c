//! What is held across steps and calls.

use brownout::policy::Outcome;

use super::{longest, pool, workload};
use crate::reference::Run;

/// Requests at an application that holds a connection while it asks the database, which takes 100 ms.
fn application(arrivals: &str, keys: &str, more: &str) -> Run {
    Run::of(&format!(
        r#"
        duration = "20s"

        [workload.users]
        entry = "app.page"
        arrivals = "{arrivals}"
        {more}

        [service.app]
        replicas = 2
        [service.app.endpoint.page]
        steps = [{{ work = "10ms" }}, {{ hold = "db", steps = [{{ call = "store.read", client = "sql" }}] }}]

        [service.store.endpoint.read]
        steps = [{{ sleep = "100ms" }}]

        [client.sql]

        [pool.db]
        {keys}
        "#
    ))
}

#[test]
fn a_pool_bounds_what_is_done_at_once_in_each_replica_or_in_all() {
    let last = |keys: &str| longest(workload(&application("burst(20)", keys, ""), "users"));
    assert_eq!(last("size = 5"), 210.0, "two replicas with five connections each");
    assert_eq!(last("size = 5\nscope = \"shared\""), 410.0);
    assert_eq!(last("scope = \"shared\""), 2010.0, "a lock");
}

#[test]
fn its_use_and_its_queue_are_measured() {
    let run = application("burst(20)", "size = 5\nscope = \"shared\"", "");
    let db = pool(&run, "db");
    assert_eq!((db.acquired, db.peak_waiting, db.timed_out), (20, 15, 0));
    assert_eq!(db.used_nanos, 20 * 100_000_000);
    assert_eq!(db.waiting_nanos, 5 * (100 + 200 + 300) * 1_000_000);
    assert_eq!(db.wait.mean().unwrap().as_secs_f64(), 0.15);
}

#[test]
fn who_waits_too_long_for_a_connection_fails() {
    let run = application("burst(20)", "size = 5\nscope = \"shared\"\nacquire_timeout = \"150ms\"", "");
    let (users, db) = (workload(&run, "users"), pool(&run, "db"));
    assert_eq!((users.good, users.outcomes[Outcome::Error as usize], db.timed_out), (10, 10, 10));
    let run = application("burst(20)", "size = 5\nscope = \"shared\"\nqueue = 3", "");
    assert_eq!((workload(&run, "users").good, pool(&run, "db").rejected), (8, 12));
}

#[test]
fn a_lock_for_each_key_lets_others_pass() {
    let keyed = |key: &str| {
        let run = application("burst(20)", "scope = \"key\"", &format!("key = \"{key}\""));
        longest(workload(&run, "users"))
    };
    assert_eq!(keyed("uniform(1)"), 2010.0);
    assert_eq!(keyed("uniform(1000000)"), 110.0);
}

#[test]
fn what_is_held_is_given_back_when_the_call_fails_or_the_process_dies() {
    let run = Run::of(
        r#"
        duration = "20s"

        [workload.users]
        entry = "app.page"
        arrivals = "even(10/s)"

        [service.app]
        [service.app.endpoint.page]
        steps = [{ hold = "lock", steps = [{ call = "store.read", client = "sql" }] }]

        [service.store.endpoint.read]
        steps = [{ sleep = "10ms" }, { fail = true }]

        [client.sql]
        timeout = "50ms"

        [pool.lock]
        scope = "shared"

        [fault.dies]
        at = "5s"
        for = "1s"
        service = "app"
        crash = true

        [fault.silence]
        at = "10s"
        for = "1s"
        from = "app"
        to = "store"
        cut = true
        "#,
    );
    let lock = pool(&run, "lock");
    assert_eq!(lock.peak_waiting, 0, "nobody ever keeps it for longer than he should");
    assert_eq!((lock.acquired, workload(&run, "users").good), (190, 0));
}

#[test]
fn a_blocking_handler_keeps_its_thread_while_it_waits_for_a_connection() {
    let busy = |service: &str| {
        let run = Run::of(&format!(
            r#"
            duration = "20s"
            [workload.users]
            entry = "app.page"
            arrivals = "burst(20)"
            [service.app]
            {service}
            [service.app.endpoint.page]
            steps = [{{ work = "10ms" }}, {{ hold = "db", steps = [{{ sleep = "100ms" }}] }}]
            [pool.db]
            scope = "shared"
            "#
        ));
        run.service("app").busy_nanos
    };
    assert_eq!(busy(""), 10_000_000 * 20 + (1..=20).map(|n| n * 100_000_000).sum::<u128>());
    let event_loop = busy("threads = 1\nhandlers = \"async\"");
    assert_eq!(event_loop, 10_000_000 * 20, "an event loop is busy only while it works");
}

#[test]
fn with_optimistic_concurrency_the_slower_one_has_worked_in_vain() {
    let run = Run::of(
        r#"
        duration = "20s"

        [workload.users]
        entry = "row.update"
        arrivals = "burst(3)"
        client = "users"

        [client.users]
        retry = { attempts = 10 }

        [service.row.endpoint.update]
        steps = [{ hold = "version", steps = [{ sleep = "100ms" }] }]

        [pool.version]
        scope = "shared"
        optimistic = true
        "#,
    );
    // One succeeds in each round: three, then two, then one try.
    assert_eq!((workload(&run, "users").good, run.service("row").arrivals), (3, 6));
    assert_eq!(pool(&run, "version").conflicts, 3);
    assert_eq!(longest(workload(&run, "users")), 300.0);
}
