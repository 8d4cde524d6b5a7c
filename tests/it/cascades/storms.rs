//! Amplification over layers, threads held for others, a pause that tips, and a herd.

use crate::reference::{Measured, Run};
use crate::theory::calls::{retries_over_layers, simultaneous, slow_dependency as rejected};

pub(super) fn slow_dependency() -> Measured {
    // A standard error of 0.9%: some 20 000 rejections, which come in clusters.
    vec![
        ("rejected_per_offered_after_50ms", rejected(100.0, 10, 0.020, 0.2, 0.050, 25e6, 2)),
        ("rejected_per_offered_after_2s", rejected(100.0, 10, 0.020, 0.2, 2.0, 1e5, 2)),
    ]
}

pub(super) fn layers() -> Measured {
    let attempts = |layers, attempts| {
        let run = retries_over_layers(layers, attempts, 1.0, 1000, 1);
        run.service(&format!("layer{layers}")).arrivals as f64 / run.users().offered as f64
    };
    vec![("leaf_attempts_3_layers_of_4", attempts(3, 4)), ("leaf_attempts_5_layers_of_3", attempts(5, 3))]
}

pub(super) fn layers_at_90() -> Measured {
    // A million requests, of which 1179 fail: a standard error of 2.9%.
    let run = retries_over_layers(3, 4, 0.9, 1_000_000, 2);
    let users = run.users().offered as f64;
    let leaf = run.service("layer3").arrivals as f64;
    vec![("leaf_attempts_per_offered", leaf / users), ("failed_per_offered", run.failed() as f64 / users)]
}

pub(super) fn pause() -> Measured {
    let after = |pause: &str| {
        let run = Run::of(&format!(
            r#"
            duration = "300s"
            interval = "1s"

            [workload.users]
            entry = "server.page"
            arrivals = "even(7/s)"
            client = "browser"

            [client.browser]
            timeout = "500ms"
            retry = {{ attempts = 4, backoff = "50ms" }}

            [service.server]
            threads = 1
            [service.server.endpoint.page]
            steps = [{{ work = "100ms" }}]

            [fault.stop]
            at = "60s"
            for = "{pause}"
            service = "server"
            pause = true
            "#
        ));
        (run.good(280..300) as f64 / 20.0, run.attempts(280..300) as f64 / 20.0)
    };
    let (long, short) = (after("1s"), after("400ms"));
    vec![
        ("goodput_per_s_after_1s", long.0),
        ("attempts_per_s_after_1s", long.1),
        ("goodput_per_s_after_400ms", short.0),
    ]
}

pub(super) fn herd() -> Measured {
    let run = simultaneous(1000, 10, 0.010, 3600.0);
    let impatient = simultaneous(1000, 10, 0.010, 0.505);
    vec![
        ("makespan_s", run.users().latency.max().unwrap().as_secs_f64()),
        ("mean_response_s", run.mean_latency()),
        ("answered_within_505ms", impatient.users().outcomes[0] as f64),
    ]
}
