//! Consumers against queueing theory: which queue each way to consume is, and how long a backlog takes.

use brownout::measure::GroupResult;

use crate::reference::Run;

/// Messages by chance to the workers of a service; the first hundred seconds do not count.
fn run(rate: &str, work: &str, secs: u32, keeping: &str, consumer: &str) -> Run {
    Run::of(&format!(
        r#"
        duration = "{secs}s"
        warmup = "100s"
        interval = "10s"
        [workload.users]
        entry = "shop.order"
        arrivals = "poisson({rate})"
        key = "uniform(1000000)"
        [service.shop.endpoint.order]
        steps = [{{ publish = "things" }}]
        {keeping}
        [service.farm.endpoint.handle]
        steps = [{{ work = "{work}" }}]
        [consumer.farm]
        handler = "farm.handle"
        {consumer}
        "#
    ))
}

const QUEUE: &str = "[queue.things]";
const KAFKA: &str = r#"
    [broker.log]
    preset = "kafka"
    latency = "0s"
    store = "0s"
    bandwidth = "unlimited"
    [topic.things]
    broker = "log"
    partitions = 4
    producer = { linger = "0s" }
"#;

fn only(run: &Run) -> &GroupResult {
    let group = &run.results.messaging.as_ref().unwrap().groups[0];
    assert_eq!(group.missing(), 0);
    group
}

fn mean_secs(run: &Run) -> f64 {
    only(run).latency.mean().unwrap().as_secs_f64()
}

fn assert_near(found: f64, exact: f64, share: f64) {
    assert!((found / exact - 1.0).abs() < share, "{found} instead of {exact}");
}

/// The chance that all of `servers` are busy under an offered load of `erlangs` (Erlang C).
fn erlang_c(servers: u32, erlangs: f64) -> f64 {
    let blocked = (1..=servers).fold(1.0, |blocked, n| erlangs * blocked / (f64::from(n) + erlangs * blocked));
    blocked / (1.0 - erlangs / f64::from(servers) * (1.0 - blocked))
}

/// M/M/4 at a load of 0.8: the workers of a queue take the next message from one line. The mean number in an M/M/1 over a
/// time T has the variance 2ρ(1+ρ)/(μ(1−ρ)⁴T) (Whitt, Planning Queueing Simulations, 1989); while all four are busy, this is
/// one with four times the μ: over 100 000 s a standard error of 0.067, which is 1.2% of 5.6, and 5% are four of them.
#[test]
fn workers_of_one_queue_are_the_servers_of_one_line() {
    let run = run("3.2/s", "exp(1s)", 100_000, QUEUE, "queue = \"things\"\nconcurrency = 4");
    let exact = 1.0 + erlang_c(4, 3.2) / (4.0 - 3.2);
    assert_near(mean_secs(&run), exact, 0.05);
    assert_near(only(&run).lag_nanos as f64 / 1e9 / run.secs(), 3.2 * exact, 0.05);
}

/// Four partitions with a member each are four M/M/1, and not M/M/4: a member who is idle does not help the others.
/// By the same formula four lines over 200 000 s have a standard error of 0.047 each in 4, 1.2%.
#[test]
fn members_of_a_group_are_servers_with_a_line_each() {
    let run = run(
        "3.2/s",
        "exp(1s)",
        200_000,
        KAFKA,
        "topic = \"things\"\nconcurrency = 4\nmax_poll_interval = \"1000000s\"",
    );
    assert_near(mean_secs(&run), 1.0 / (1.0 - 0.8), 0.05);
}

/// A worker who takes up to `b` messages at once and works on them as long as on one: M/M^[1,b]/1, in which who comes
/// meanwhile waits for the next batch. With the root r in (0, 1) of μ r^(b+1) − (λ+μ) r + λ = 0, P(n wait) = P₀ r^n while he
/// works, P(idle) = P₀ μ/λ (Medhi, Stochastic Models in Queueing Theory, 4.3; Neuts 1967). 60 000 batches of exponential
/// work alone have a standard error of 0.4% in their mean; 3% are seven of these.
#[test]
fn a_worker_who_takes_batches_is_a_bulk_server() {
    let (rate, service, batch) = (7.0_f64, 1.0_f64, 10);
    let root = (0..200).fold(0.5_f64, |r, _| (rate + service * libm::pow(r, f64::from(batch + 1))) / (rate + service));
    let busy = 1.0 / (service / rate + 1.0 / (1.0 - root));
    let waiting = busy * root / ((1.0 - root) * (1.0 - root));
    let exact = waiting / rate + 1.0 / service;
    let run = run("7/s", "exp(1s)", 60_000, QUEUE, "queue = \"things\"\nbatch = 10");
    assert_near(mean_secs(&run), exact, 0.03);
}

/// A worker who looks again after two seconds when he has found nothing is a server with vacations: his messages take
/// the M/M/1's time and half a vacation (Levy and Yechiali 1975; Fuhrmann and Cooper 1985). By Whitt's
/// formula the standard error is 0.6% over 300 000 s.
#[test]
fn a_worker_who_polls_is_a_server_with_vacations() {
    let run = run("0.5/s", "exp(1s)", 300_000, QUEUE, "queue = \"things\"\npoll = \"2s\"");
    assert_near(mean_secs(&run), 1.0 / (1.0 - 0.5) + 2.0 / 2.0, 0.03);
}

/// A backlog of 100 s of 500 messages a second, under workers who handle 1000, drains in 100 s. The messages that come in
/// 200 s are 316 more or fewer, which is 0.63 s: 3% are nearly five of these standard deviations.
#[test]
fn a_backlog_drains_in_its_length_by_what_is_left_of_the_capacity() {
    let queue = ("[queue.things]", "queue = \"things\"\nconcurrency = 10");
    let kafka = (
        "[topic.things]\nbroker = \"kafka\"\npartitions = 10\npartitioner = \"round-robin\"",
        "topic = \"things\"\nconcurrency = 10",
    );
    for (keeping, consumer) in [queue, kafka] {
        let run = Run::of(&format!(
            r#"
            duration = "400s"
            interval = "100ms"
            [workload.users]
            entry = "shop.order"
            arrivals = "poisson(500/s)"
            [service.shop.endpoint.order]
            steps = [{{ publish = "things" }}]
            {keeping}
            [service.farm.endpoint.handle]
            steps = [{{ work = "10ms" }}]
            [consumer.farm]
            handler = "farm.handle"
            {consumer}
            [fault.stop]
            at = "50s"
            for = "100s"
            service = "farm"
            pause = true
            "#
        ));
        let lag = &only(&run).series.lag;
        let (backlog, capacity, rate) = (lag[1_499], 1_000.0, 500.0);
        let drained = lag[1_500..].iter().position(|lag| *lag < 50.0).unwrap() as f64 / 10.0;
        assert_near(drained, backlog / (capacity - rate), 0.03);
    }
}
