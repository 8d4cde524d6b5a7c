//! Vectors of connections, pools and servers: how many go, how many wait, how many are turned away.

use brownout::base::time::{Span, Time};
use brownout::mechanism::connection::{ConnectionId, ConnectionSettings, Connections, Wanted};
use brownout::model::Reconnect;
use brownout::policy::Outcome;
use brownout::policy::hikari::HikariConfig;
use brownout::scenario::{LoadOptions, load};
use serde_json::Value;

use super::vectors::{Waiting, count, list, number, pairs};
use crate::reference::Run;

const T0: Time = Time::ZERO;

/// Requests want connections to `host`, which open at once. Those that have one.
fn ask(connections: &mut Connections<u32>, host: u32, requests: u32) -> (Vec<ConnectionId>, u32) {
    let (mut has, mut rejected) = (Vec::new(), 0);
    for ticket in 0..requests {
        match connections.want(T0, host, ticket) {
            Wanted::Has(lent) => has.push(lent.id),
            Wanted::Rejected => rejected += 1,
            Wanted::Waits => {
                if connections.wants_more(host)
                    && let Some(id) = connections.open(T0, host, host)
                {
                    connections.opened(T0, id);
                    has.extend(connections.next(T0, host, |_| true).map(|(_, id)| id));
                }
            }
        }
    }
    (has, rejected)
}

pub(super) fn streams(vector: &Value) -> Result<(), Waiting> {
    let params = &vector["params"];
    let mut connections = Connections::new(ConnectionSettings {
        streams: count(&params["SETTINGS_MAX_CONCURRENT_STREAMS"]),
        per_host: count(&params["connections"]),
        ..ConnectionSettings::UNLIMITED
    });
    let (has, _) = ask(&mut connections, 0, count(&vector["input"]["simultaneous_rpcs"]));
    let expected = &vector["expected"];
    assert_eq!(has.len() as u32, count(&expected["in_flight"]));
    assert_eq!(connections.waiting(0), count(&expected["queued_in_client"]));
    Ok(())
}

pub(super) fn routes(vector: &Value) -> Result<(), Waiting> {
    let params = &vector["params"];
    for (input, expected) in pairs(&vector["input"], &vector["expected"]) {
        let mut connections = Connections::new(ConnectionSettings {
            per_host: count(&params["maxConnPerRoute"]),
            total: count(&params["maxConnTotal"]),
            ..ConnectionSettings::UNLIMITED
        });
        let (mut leased, mut waiting) = (0, 0);
        for route in 0..count(&input["routes"]) {
            leased += ask(&mut connections, route, count(&input["requests_per_route"])).0.len() as u32;
            waiting += connections.waiting(route);
        }
        assert_eq!((leased, waiting), (count(&expected["leased"]), count(&expected["waiting"])));
    }
    Ok(())
}

pub(super) fn idle(vector: &Value) -> Result<(), Waiting> {
    let (params, expected) = (&vector["params"], &vector["expected"]);
    assert_eq!(count(&params["MaxConnsPerHost"]), 0, "without a limit");
    let idle = count(&params["MaxIdleConnsPerHost"]);
    let mut connections = Connections::new(ConnectionSettings { idle, ..ConnectionSettings::UNLIMITED });
    let (has, _) = ask(&mut connections, 0, count(&vector["input"]["simultaneous_requests_http1"]));
    assert_eq!(connections.count(), count(&expected["connections_opened"]));
    has.iter().for_each(|id| assert!(connections.release(T0, *id, true).is_some()));
    assert_eq!(connections.count(), count(&expected["kept_idle_after"]));
    assert_eq!(has.len() as u32 - connections.count(), count(&expected["closed_after"]));
    Ok(())
}

pub(super) fn pending(vector: &Value) -> Result<(), Waiting> {
    let (params, input, expected) = (&vector["params"], &vector["input"], &vector["expected"]);
    let mut connections = Connections::new(ConnectionSettings {
        per_host: count(&params["max_connections"]),
        queue: count(&params["max_pending_requests"]),
        ..ConnectionSettings::UNLIMITED
    });
    let (warm, _) = ask(&mut connections, 0, count(&input["established_idle_connections"]));
    warm.iter().for_each(|id| assert!(connections.release(T0, *id, true).is_some()));
    let (has, rejected) = ask(&mut connections, 0, count(&input["simultaneous_requests"]));
    assert_eq!(has.len() as u32, count(&expected["on_connection"]));
    assert_eq!(connections.waiting(0), count(&expected["pending"]));
    assert_eq!(rejected, count(&expected["rejected_503"]));
    Ok(())
}

pub(super) fn reconnects(vector: &Value) -> Result<(), Waiting> {
    let params = &vector["params"];
    let seconds = |value: &Value| Span::from_secs_f64(number(value));
    let backoff = Reconnect {
        base: seconds(&params["BaseDelay_s"]),
        factor: number(&params["Multiplier"]),
        cap: seconds(&params["MaxDelay_s"]),
        jitter: number(&params["Jitter"]),
    };
    assert_eq!(backoff, Reconnect::GRPC, "these are the defaults");
    let retries = list(&vector["input"]["retries"]);
    for (retries, range) in retries.iter().zip(list(&vector["expected"]["delay_range_s"])) {
        for (draw, expected) in [0.0, 1.0].iter().zip(list(range)) {
            let got = backoff.delay(count(retries) + 1, *draw).as_secs_f64();
            assert!((got - number(expected)).abs() < 1e-6, "{retries}: {got} and not {expected}");
        }
    }
    Ok(())
}

/// Replicas take on exactly as many as the vector expects where every request is balanced.
pub(super) fn sticking(vector: &Value) -> Result<(), Waiting> {
    let (params, expected) = (&vector["params"], &vector["expected"]);
    let (servers, rpcs) = (count(&params["servers"]), count(&vector["input"]["rpcs"]));
    let each = count(&list(&expected["client_side_round_robin"])[0]);
    let taken_on = |balancing: &str| {
        let run = Run::of(&format!(
            r#"
            duration = "{rpcs}s"
            [workload.users]
            entry = "front.page"
            arrivals = "even(1/s)"
            [service.front]
            replicas = {}
            [service.front.endpoint.page]
            steps = [{{ call = "back.get", client = "rpc" }}]
            [client.rpc]
            transport = "tuned"
            [transport.tuned]
            preset = "grpc"
            balancing = "{balancing}"
            connections = {{ per_host = {} }}
            [service.back]
            replicas = {servers}
            limit = {{ rate = "0.000000001/s", burst = {each} }}
            [service.back.endpoint.get]
            steps = [{{ sleep = "1ms" }}]
            "#,
            count(&params["clients"]),
            count(&params["connections_per_client"]),
        ));
        run.results.services[1].completed
    };
    // The same number everywhere, or all of them at one replica, which takes on no more than its part.
    assert_eq!(taken_on("request"), u64::from(rpcs));
    assert_eq!(number(&list(&expected["l4_per_connection"])[0]), f64::from(rpcs));
    assert_eq!(taken_on("connection"), u64::from(each));
    Ok(())
}

pub(super) fn borrowing(vector: &Value) -> Result<(), Waiting> {
    let (params, input, expected) = (&vector["params"], list(&vector["input"]), list(&vector["expected"]));
    let borrowers = count(&input[0]["borrow"]) + count(&input[1]["borrow"]);
    let timed_out = |milliseconds: f64| {
        let run = Run::of(&format!(
            r#"
            duration = "{milliseconds}ms"
            [workload.users]
            entry = "app.page"
            arrivals = "burst({borrowers})"
            [service.app.endpoint.page]
            steps = [{{ hold = "db", steps = [{{ sleep = "{}ms" }}] }}]
            [pool.db]
            size = {}
            acquire_timeout = "{}ms"
            "#,
            number(&input[0]["hold_ms"]),
            count(&params["maximumPoolSize"]),
            number(&params["connectionTimeout_ms"]),
        ));
        assert_eq!(run.results.pools[0].acquired, u64::from(count(&expected[0]["granted"])));
        run.results.pools[0].timed_out
    };
    let at = number(&expected[1]["at_ms"]);
    assert_eq!((timed_out(at - 1.0), timed_out(at + 1.0)), (0, 1));
    Ok(())
}

/// What HikariCP makes of its configuration, alone and as that of a pool in a scenario.
pub(super) fn configured_pool(vector: &Value) -> Result<(), Waiting> {
    let (input, expected) = (list(&vector["input"]), list(&vector["expected"]));
    assert_eq!(input.len(), expected.len());
    for (told, expected) in input.iter().zip(expected) {
        let whole = |name: &str| told.get(name).map(count);
        let millis = |name: &str| told.get(name).map(|it| Span::from_millis(count(it).into()));
        let config = HikariConfig {
            maximum_pool_size: whole("maximumPoolSize"),
            minimum_idle: whole("minimumIdle"),
            connection_timeout: millis("connectionTimeout_ms").map(Some),
            max_lifetime: millis("maxLifetime_ms"),
        };
        let found = config.validated();
        for (what, expected) in expected.as_object().unwrap() {
            match (what.as_str(), &found) {
                ("error", Err(error)) => {
                    assert!(*expected == true || *expected == error.to_string(), "{told}: {error}");
                }
                ("minimumIdle", Ok(pool)) => assert_eq!(pool.minimum_idle, count(expected), "{told}"),
                ("maxLifetime_ms", Ok(pool)) => {
                    assert_eq!(pool.max_lifetime, Span::from_millis(count(expected).into()), "{told}");
                }
                _ => panic!("{told}: {expected}, not {found:?}"),
            }
        }
        let size = config.maximum_pool_size.map_or(String::new(), |size| format!("size = {size}\n"));
        let patience = config.connection_timeout.flatten();
        let patience = patience.map_or(String::new(), |wait| format!("acquire_timeout = \"{wait}\"\n"));
        let text = format!(
            r#"
            duration = "1s"
            [workload.users]
            entry = "app.page"
            arrivals = "even(1/s)"
            [service.app.endpoint.page]
            steps = [{{ hold = "db", steps = [{{ sleep = "1ms" }}] }}]
            [pool.db]
            preset = "hikari"
            {size}{patience}"#
        );
        let loaded = load("hikari", text.as_bytes(), &LoadOptions::default());
        match (loaded.model, found) {
            (Some(model), Ok(pool)) => {
                let written = model.pools.iter().next().unwrap();
                assert_eq!((written.size, written.acquire_timeout), (pool.maximum_pool_size, pool.connection_timeout));
            }
            (None, Err(_)) => {}
            (model, found) => panic!("{told}: {found:?}, but a scenario loads: {}", model.is_some()),
        }
    }
    Ok(())
}

pub(super) fn executor(vector: &Value) -> Result<(), Waiting> {
    let params = &vector["params"];
    let tasks = count(&vector["input"]["long_tasks_submitted"]);
    let run = Run::of(&format!(
        r#"
        duration = "1s"
        [workload.users]
        entry = "server.work"
        arrivals = "burst({tasks})"
        [service.server]
        threads = {}
        queue = {}
        [service.server.endpoint.work]
        steps = [{{ sleep = "1h" }}]
        "#,
        count(&params["maxThreads"]),
        count(&params["maxQueueSize"]),
    ));
    let expected = |what: &str| list(&vector["expected"]).iter().filter(|it| **it == what).count() as u64;
    let server = &run.results.services[0];
    assert_eq!((server.waited, server.rejected), (expected("queued"), expected("rejected")));
    assert_eq!(server.busy_nanos, u128::from(expected("new_thread")) * 1_000_000_000);
    assert_eq!(run.results.workloads[0].outcomes[Outcome::Rejected as usize], expected("rejected"));
    Ok(())
}

/// All come at once, each on a connection of its own; half a second later none has tried again.
pub(super) fn connector(vector: &Value) -> Result<(), Waiting> {
    let (params, expected) = (&vector["params"], &vector["expected"]);
    let run = Run::of(&format!(
        r#"
        duration = "500ms"
        [workload.users]
        entry = "server.work"
        arrivals = "burst({})"
        client = "user"
        [client.user]
        transport = "rest"
        [service.server]
        threads = {}
        connections = {{ max = {}, queue = {} }}
        [service.server.endpoint.work]
        steps = [{{ sleep = "1h" }}]
        "#,
        count(&vector["input"]["open_connections_attempted"]),
        count(&params["maxThreads"]),
        count(&params["maxConnections"]),
        count(&params["acceptCount"]),
    ));
    let (server, messages) = (&run.results.services[0], &run.results.transport.as_ref().unwrap().services[0]);
    let expected = |what: &str| u64::from(count(&expected[what]));
    assert_eq!(server.busy_nanos, u128::from(expected("requests_executing")) * 500_000_000);
    assert_eq!(server.arrivals, expected("connections_processed"));
    assert_eq!(messages.connections_waited, expected("accepted_but_parked") + expected("os_backlog"));
    assert_eq!(messages.connections_ignored, expected("refused_or_timed_out"));
    Ok(())
}
