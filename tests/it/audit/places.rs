//! Findings stand where what they are about was written, with the number that they stand on; pools of permits are looked at
//! like threads.

use super::{DEFECTS, changes, found, suspicious};
use brownout::insight::audit::Finding;
use brownout::scenario::lesson;

fn lines(text: &str) -> Vec<&str> {
    text.lines().collect()
}

/// The line that a finding points at.
fn line_of<'t>(text: &'t str, finding: &Finding) -> &'t str {
    let site = finding.site.as_ref().unwrap_or_else(|| panic!("nowhere: {finding:?}"));
    lines(text)[site.line - 1]
}

/// Messages are tried three times by who reads them, and requests by who asks.
const MAILS: &str = r#"
[workload.users]
entry    = "api.buy"
arrivals = "poisson(100/s)"
client   = "web"

[client.web]
timeout = "3s"
retry   = { attempts = 4 }

[service.api]
replicas = 2
threads  = 8
queue    = 20

[service.api.endpoint.buy]
steps = [ { publish = "mail" }, { call = "mailer.send" } ]

[service.mailer]
replicas = 2

[service.mailer.endpoint.send]
steps = [ { sleep = "5ms" } ]

[queue.mail]
broker = "rabbitmq"

[consumer.mailer]
queue       = "mail"
handler     = "mailer.send"
concurrency = 4
retry       = { attempts = 3 }
"#;

#[test]
fn retries_of_a_consumer_stand_at_the_consumer_and_calls_without_a_client_where_they_are_made() {
    let findings = found("mails", MAILS, "");
    let of = |path: &str, kind: &str| {
        let it = findings.iter().find(|it| it.path == path && it.kind == kind);
        it.unwrap_or_else(|| panic!("no {kind} at {path}: {findings:#?}"))
    };
    for kind in ["retry-without-budget", "retry-without-jitter"] {
        assert_eq!(line_of(MAILS, of("consumer.mailer.retry", kind)), "retry       = { attempts = 3 }");
        assert_eq!(line_of(MAILS, of("client.web.retry", kind)), "retry   = { attempts = 4 }");
    }
    let endless = of("service.api.endpoint.buy.steps", "no-timeout");
    assert!(line_of(MAILS, endless).starts_with("steps = [ { publish"), "{endless:?}");
    // Without any client in the file there is nothing near that could be meant instead.
    let alone = MAILS
        .replace("client   = \"web\"\n", "")
        .replace("[client.web]\ntimeout = \"3s\"\nretry   = { attempts = 4 }\n", "");
    for finding in found("mails", &alone, "") {
        assert!(finding.site.is_some() && !finding.path.contains("client."), "{finding:?}");
    }
}

/// What stands on no number: which is worse, a little or much, nobody can say.
const WITHOUT_NUMBER: [&str; 3] = ["cut-without-timeout", "circular-gain", "held-within-itself"];

#[test]
fn every_finding_has_a_place_and_the_number_that_it_stands_on_or_none() {
    let lessons = DEFECTS.iter().map(|(name, variant, ..)| (*name, lesson(name).unwrap().text.to_owned(), *variant));
    let mut all: Vec<(String, Vec<Finding>)> =
        lessons.map(|(name, text, variant)| (name.to_owned(), found(name, &text, variant))).collect();
    all.extend(changes().into_iter().map(|(name, text)| (name.to_owned(), found(name, &text, ""))));
    all.extend(suspicious().into_iter().map(|(name, text)| (name.clone(), found(&name, &text, ""))));
    for (name, findings) in all {
        for finding in findings {
            assert!(finding.site.is_some(), "{name}: {finding:?}");
            match finding.number {
                Some(number) => assert!(number.is_finite() && !finding.of.is_empty(), "{name}: {finding:?}"),
                None => assert!(WITHOUT_NUMBER.contains(&finding.kind) && finding.of.is_empty(), "{name}: {finding:?}"),
            }
        }
    }
}

/// Fifty requests a second hold a connection for 200 ms each: ten at a time.
fn pool(scope: &str, size: u32) -> String {
    format!(
        r#"
[workload.users]
entry    = "api.get"
arrivals = "poisson(50/s)"

[service.api]
replicas = 2
threads  = 64
queue    = 20

[service.api.endpoint.get]
steps = [ {{ hold = "conn", steps = [ {{ sleep = "200ms" }} ] }} ]

[pool.conn]
scope = "{scope}"
size  = {size}
"#
    )
}

#[test]
fn pools_of_permits_below_littles_law_are_found() {
    // Ten of two, of eight and of ten: what is busy all the time has no end of a queue.
    for (scope, size, percent) in [("replica", 1, 500.0), ("replica", 4, 125.0), ("shared", 10, 100.0)] {
        let text = pool(scope, size);
        let findings = found("pool", &text, "");
        let it = findings.iter().find(|it| it.kind == "pool-below-littles-law");
        let it = it.unwrap_or_else(|| panic!("{scope} {size}: {findings:#?}"));
        assert!((it.number.unwrap() - percent).abs() < 1e-6, "{it:?}");
        assert_eq!(line_of(&text, it), format!("size  = {size}"));
        assert!(it.why.contains("50 permits/s, each for 200 ms on average, keep 10 of them out"), "{}", it.why);
    }
    for (scope, size) in [("replica", 6), ("shared", 11), ("key", 1)] {
        let text = pool(scope, size).replace("\"poisson(50/s)\"", "\"poisson(50/s)\"\nkey = \"uniform(1000)\"");
        let findings = found("pool", &text, "");
        assert!(findings.iter().all(|it| it.kind != "pool-below-littles-law"), "{scope} {size}: {findings:#?}");
    }
}
