//! What calls, crashes and pauses mean at their edges: each test is a small scenario in which it would show.

use brownout::policy::Outcome;

use crate::reference::Run;

fn outcomes(run: &Run, outcome: Outcome) -> u64 {
    run.users().outcomes[outcome as usize]
}

#[test]
fn a_retry_that_a_pause_keeps_until_after_the_deadline_is_not_sent() {
    let run = Run::of(
        r#"
        duration = "20s"

        [workload.users]
        entry = "a.page"
        arrivals = "burst(1)"
        client = "users"

        [client.users]
        timeout = "1s"
        deadlines = "propagate"

        [client.inner]
        deadlines = "propagate"
        retry = { attempts = 3, backoff = "100ms" }

        [service.a.endpoint.page]
        steps = [{ call = "b.get", client = "inner" }]
        [service.b.endpoint.get]
        steps = [{ fail = true }]

        [fault.stop]
        at = "50ms"
        for = "5s"
        service = "a"
        pause = true
        "#,
    );
    assert_eq!(run.service("b").arrivals, 1);
    assert_eq!(run.service("a").failed, 1);
}

#[test]
fn a_handler_that_forwards_within_its_service_makes_room_first() {
    let run = Run::of(
        r#"
        duration = "10s"

        [workload.users]
        entry = "a.first"
        arrivals = "even(10/s)"

        [service.a]
        threads = 1
        queue = 0
        [service.a.endpoint.first]
        steps = [{ work = "1ms" }, { forward = "a.second" }]
        [service.a.endpoint.second]
        steps = [{ work = "1ms" }]
        "#,
    );
    assert_eq!(outcomes(&run, Outcome::Ok), 100);
    assert_eq!(run.service("a").waited, 0);
}

#[test]
fn a_process_that_dies_answers_nothing_but_a_broken_connection() {
    let run = Run::of(
        r#"
        duration = "10s"

        [workload.users]
        entry = { "a.page" = "50%", "a.helper" = "50%" }
        arrivals = "poisson(100/s)"

        [service.a.endpoint.page]
        steps = [{ call = "a.helper" }]
        [service.a.endpoint.helper]
        steps = [{ sleep = "exp(100ms)" }]

        [fault.crash]
        at = "5s"
        for = "1s"
        service = "a"
        crash = true
        "#,
    );
    assert!(outcomes(&run, Outcome::Refused) > 90);
    assert_eq!(outcomes(&run, Outcome::Error), 0, "nobody is left who could answer");
    assert_eq!(run.service("a").failed, 0);
}

#[test]
fn a_second_crash_starts_the_startup_anew() {
    let run = Run::of(
        r#"
        duration = "60s"
        interval = "1s"

        [workload.users]
        entry = "a.page"
        arrivals = "even(10/s)"

        [service.a]
        startup = "20s"
        [service.a.endpoint.page]
        steps = [{ work = "1ms" }]

        [fault.first]
        at = "10s"
        for = "5s"
        service = "a"
        crash = true

        [fault.second]
        at = "20s"
        for = "10s"
        service = "a"
        crash = true
        "#,
    );
    assert_eq!(run.good(10..50), 0, "the second crash ends at 30 s");
    assert_eq!(run.good(50..60), 100);
}

#[test]
fn who_restarts_what_is_just_coming_up_does_not_make_it_two() {
    let run = Run::of(
        r#"
        duration = "60s"
        interval = "1s"

        [workload.users]
        entry = "a.page"
        arrivals = "even(10/s)"

        [service.a]
        replicas = 2
        startup = "5s"
        [service.a.endpoint.page]
        steps = [{ work = "1ms" }]

        [fault.first]
        at = "10s"
        for = "5s"
        service = "a"
        replicas = 1
        crash = true

        [change.again]
        at = "15s"
        restart = "a"
        replicas = 1
        "#,
    );
    let up = &run.results.series.services[0].up;
    assert_eq!((up[15], up[25]), (1, 2));
}

#[test]
fn every_crash_is_detected_for_itself() {
    let run = Run::of(
        r#"
        duration = "60s"

        [workload.users]
        entry = "a.page"
        arrivals = "even(10/s)"

        [service.a]
        replicas = 2
        [service.a.endpoint.page]
        steps = [{ work = "1ms" }]

        [fault.first]
        at = "10s"
        for = "2s"
        service = "a"
        replicas = 1
        crash = true
        detect = "5s"

        [fault.second]
        at = "14s"
        for = "20s"
        service = "a"
        replicas = 1
        crash = true
        detect = "5s"
        "#,
    );
    // Every second request during 2 s, and during 5 s.
    assert_eq!(outcomes(&run, Outcome::Refused), 10 + 25);
}

#[test]
fn a_process_that_was_restarted_has_a_fresh_breaker() {
    let run = Run::of(
        r#"
        duration = "20s"
        interval = "1s"

        [workload.users]
        entry = "a.page"
        arrivals = "even(100/s)"

        [client.inner]
        breaker = { window = 10, minimum_calls = 10, open_for = "1h" }

        [service.a.endpoint.page]
        steps = [{ call = "b.get", client = "inner" }]
        [service.b.endpoint.get]
        steps = [{ work = "1ms" }]

        [fault.errors]
        at = "1s"
        for = "2s"
        service = "b"
        error_rate = "100%"

        [fault.crash]
        at = "10s"
        for = "1s"
        service = "a"
        crash = true
        "#,
    );
    assert_eq!(run.good(3..10), 0, "the breaker is open");
    assert_eq!(run.good(11..20), 900, "the new process knows nothing of the errors");
    let open = &run.results.series.edges[1].open;
    assert_eq!((open[9], open[12]), (1.0, 0.0));
}

#[test]
fn an_early_answer_on_its_way_is_not_overtaken_by_what_happens_afterwards() {
    let run = Run::of(
        r#"
        duration = "1s"

        [workload.users]
        entry = "a.page"
        arrivals = "burst(1)"
        client = "far"

        [client.far]
        latency = "10ms"

        [service.a.endpoint.page]
        steps = [{ reply = true }, { forward = "b.rest" }]
        [service.b.endpoint.rest]
        steps = [{ work = "1ms" }]

        [fault.errors]
        at = "0s"
        from = "a"
        to = "b"
        error_rate = "100%"
        "#,
    );
    assert_eq!(outcomes(&run, Outcome::Ok), 1);
}

#[test]
fn a_long_row_of_calls_that_fail_at_once_fits_the_stack() {
    let run = Run::of(
        r#"
        duration = "1s"

        [workload.users]
        entry = "a.page"
        arrivals = "burst(1)"

        [client.guarded]
        breaker = { window = 10, minimum_calls = 10 }

        [service.a.endpoint.page]
        steps = [{ repeat = 300_000, steps = [{ call = "b.fails", client = "guarded", optional = true }] }]
        [service.b.endpoint.fails]
        steps = [{ fail = true }]
        "#,
    );
    assert_eq!(outcomes(&run, Outcome::Ok), 1);
    assert_eq!(run.results.edges[1].outcomes[Outcome::ShortCircuited as usize], 300_000 - 10);
}

#[test]
fn a_user_who_does_not_think_and_is_refused_at_once_does_not_stop_the_clock() {
    let run = Run::of(
        r#"
        duration = "1s"

        [workload.users]
        entry = "a.page"
        arrivals = "users(2, think=0s)"

        [service.a.endpoint.page]
        steps = [{ fail = true }]
        "#,
    );
    // One request at the start and then one every 100 µs, twice.
    assert_eq!(run.users().offered, 20_000);
    assert_eq!(outcomes(&run, Outcome::Error), 20_000);
}

#[test]
fn who_stops_between_steps_stops_in_all_branches() {
    let run = Run::of(
        r#"
        duration = "1s"

        [workload.users]
        entry = "a.page"
        arrivals = "burst(1)"
        client = "hasty"

        [client.hasty]
        timeout = "10ms"
        cancel = "between-steps"

        [service.a.endpoint.page]
        steps = [
          { parallel = [[{ work = "20ms" }, { work = "20ms" }, { call = "b.get" }], [{ work = "30ms" }, { work = "1ms" }]] },
          { work = "5ms" },
        ]
        [service.b.endpoint.get]
        steps = [{ work = "1ms" }]
        "#,
    );
    assert_eq!(run.service("b").arrivals, 0);
    assert_eq!(run.service("a").work_nanos, 20_000_000 + 30_000_000);
    assert_eq!(run.service("a").dropped, 1, "it has not failed, it was told to stop");
}

#[test]
fn who_was_told_to_stop_while_he_waited_for_a_failure_has_not_failed() {
    let run = Run::of(
        r#"
        duration = "1s"

        [workload.users]
        entry = "a.page"
        arrivals = "burst(1)"
        client = "hasty"

        [client.hasty]
        timeout = "10ms"
        cancel = "between-steps"

        [service.a.endpoint.page]
        steps = [{ call = "b.get" }]
        [service.b.endpoint.get]
        steps = [{ work = "20ms" }, { fail = true }]
        "#,
    );
    assert_eq!((run.service("a").dropped, run.service("a").failed), (1, 0));
    assert_eq!((run.service("b").dropped, run.service("b").failed), (0, 1));
}

#[test]
fn a_frozen_process_does_not_hear_that_it_should_stop() {
    let run = Run::of(
        r#"
        duration = "2s"

        [workload.users]
        entry = "a.page"
        arrivals = "burst(2)"
        client = "hasty"

        [client.hasty]
        timeout = "200ms"
        cancel = "at-once"

        [service.a]
        threads = 1
        [service.a.endpoint.page]
        steps = [{ sleep = "1s" }]

        [fault.stop]
        at = "100ms"
        for = "500ms"
        service = "a"
        pause = true
        "#,
    );
    assert_eq!(run.service("a").busy_nanos, 600_000_000, "until the pause ends");
    assert_eq!(run.service("a").queue_nanos, 200_000_000, "the queue is not the process's");
    assert_eq!(run.service("a").dropped, 2);
}
