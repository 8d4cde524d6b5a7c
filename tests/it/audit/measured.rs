//! Audits that run a scenario: what goes down with a service, which calls are slow or fail, and the formats of builds.

use std::fs;
use std::ops::ControlFlow;
use std::process::Command;

use assert_cmd::cargo::cargo_bin;
use brownout::experiment::{MeasuredAudit, Patient, Stage, measured_audit};
use brownout::scenario::{LoadOptions, NoFiles};
use tempfile::TempDir;

/// A shop that cannot do without its store, and can without advertisements. A third of the pages has no need of the store.
/// The store is slow, and fails a tenth of the time.
const SHOP: &str = r#"
duration = "60s"

[workload.users]
entry    = { "shop.page" = "70%", "shop.help" = "30%" }
arrivals = "poisson(100/s)"
deadline = "1s"
client   = "app"

[client.app]
timeout = "1s"

[client.internal]
timeout = "500ms"

[service.shop]
replicas = 3
threads  = 16
queue    = 20

[service.shop.endpoint.page]
steps = [
  { call = "store.read", client = "internal", optional = false },
  { call = "ads.pick", client = "internal", optional = true },
]

[service.shop.endpoint.help]
steps = [ { work = "1ms" } ]

[service.store]
replicas = 2
threads  = 16
queue    = 20

[service.store.endpoint.read]
steps = [ { sleep = "80ms" } ]

[service.ads]
threads = 8
queue   = 20

[service.ads.endpoint.pick]
steps = [ { work = "1ms" } ]

[fault.flaky]
at         = "0s"
service    = "store"
error_rate = "10%"
"#;

fn measured(text: &str, jobs: usize) -> MeasuredAudit {
    let options = LoadOptions::default();
    let patient =
        Patient { name: "shop.toml", bytes: text.as_bytes(), options: &options, files: &NoFiles, replications: 3 };
    let pool = rayon::ThreadPoolBuilder::new().num_threads(jobs).build().unwrap();
    pool.install(|| measured_audit(patient, &|_: Stage| ControlFlow::Continue(()))).unwrap()
}

#[test]
fn the_blast_radius_is_what_users_lose_with_a_service() {
    let measured = measured(SHOP, 2);
    let share = |name: &str| measured.blast.iter().find(|it| it.service == name).unwrap().share;
    assert_eq!(share("shop"), 1.0, "everybody enters there");
    assert_eq!(share("ads"), 0.0, "pages do without");
    // 70% of some 6000 requests: three standard deviations of a binomial share are 1.8 points.
    assert!((share("store") - 0.7).abs() < 0.018, "{}", share("store"));
    let order: Vec<&str> = measured.blast.iter().map(|it| it.service.as_str()).collect();
    assert_eq!(order, ["shop", "store", "ads"]);
    let found: Vec<&str> =
        measured.findings.iter().filter(|it| it.kind == "blast-radius").map(|it| it.path.as_str()).collect();
    assert_eq!(found, ["service.shop", "service.store"]);
}

#[test]
fn calls_that_are_slow_or_fail_are_found_with_what_a_queue_in_their_place_does() {
    let measured = measured(SHOP, 2);
    let of = |kind: &str| {
        let all: Vec<_> = measured.findings.iter().filter(|it| it.kind == kind).collect();
        assert_eq!(all.len(), 1, "{kind}: {all:#?}");
        all[0]
    };
    let fails = of("fails-often");
    // A tenth of some 4200 calls: three standard deviations are 1.4 points.
    assert!((fails.number.unwrap() - 10.0).abs() < 1.4, "{:?}", fails.number);
    assert!(fails.what.contains("`shop -> store.read`") && fails.what.contains("`error`"), "{}", fails.what);
    assert_eq!(fails.site.as_ref().map(|site| site.line), Some(13), "the client that calls: {:?}", fails.site);
    // Nobody waits there, and what fails at once is no answer: it is the 80 ms that the store sleeps.
    let slow = of("slow-when-run");
    assert!((slow.number.unwrap() - 80.0).abs() < 0.1, "{:?}", slow.number);
    for finding in [fails, slow] {
        assert!(finding.help.contains("into a queue"), "{}", finding.help);
        assert!(finding.help.contains("goodput(users) +"), "users no longer see its failures: {}", finding.help);
        assert!(finding.help.contains("nobody may need the answer"), "{}", finding.help);
    }
    let calm = self::measured(&SHOP.replace("\"10%\"", "\"0.1%\"").replace("80ms", "8ms"), 2);
    assert!(calm.findings.iter().all(|it| it.kind == "blast-radius"), "{:#?}", calm.findings);
}

/// Over REST, with two connections of each replica of the shop to each of the store: 70 pages a second hold 5.6 of the
/// store's connections on average, of 12 in all, and the third to come to the same pair waits for another's 80 ms.
#[test]
fn a_slow_call_over_rest_is_measured_over_grpc_too() {
    let transport = "[client.internal]\ntransport = \"internal\"\n";
    let rest = SHOP.replace("[client.internal]\n", transport).replace("\"10%\"", "\"0.1%\"")
        + "\n[transport.internal]\npreset = \"rest\"\nconnections = { per_host = 2 }\n";
    let measured = measured(&rest, 2);
    let slow = measured.findings.iter().find(|it| it.kind == "slow-when-run").unwrap();
    let grpc = slow.help.lines().find(|line| line.contains("gRPC")).unwrap_or_else(|| panic!("{}", slow.help));
    assert!(grpc.contains("goodput(users) ") && grpc.contains("p99(users) -"), "nobody waits for a connection: {grpc}");
    assert!(grpc.contains(" ± "), "pairs have an interval: {grpc}");
    // What is gRPC already has one other way only.
    let measured =
        self::measured(&rest.replace("\"rest\"", "\"grpc\"").replace("connections = { per_host = 2 }", ""), 2);
    let slow = measured.findings.iter().find(|it| it.kind == "slow-when-run").unwrap();
    assert!(!slow.help.contains("gRPC") && slow.help.contains("into a queue"), "{}", slow.help);
}

#[test]
fn a_measured_audit_does_not_depend_on_the_number_of_threads() {
    assert_eq!(measured(SHOP, 1), measured(SHOP, 3));
}

#[test]
fn builds_get_findings_as_annotations_and_as_checks() {
    let folder = TempDir::new().unwrap();
    fs::write(folder.path().join("shop.toml"), SHOP).unwrap();
    let run = |arguments: &[&str]| {
        let output = Command::new(cargo_bin("brownout")).args(arguments).current_dir(&folder).output().unwrap();
        (output.status.code(), String::from_utf8(output.stdout).unwrap())
    };
    let (code, lines) = run(&["audit", "--format", "github", "--report", "junit=audit.xml", "shop.toml"]);
    assert_eq!(code, Some(0), "{lines}");
    assert!(lines.contains("::warning file=shop.toml,line="), "{lines}");
    assert!(lines.lines().all(|line| line.starts_with("::")), "{lines}");
    let xml = fs::read_to_string(folder.path().join("audit.xml")).unwrap();
    assert!(xml.contains("failures=\"0\"") && xml.contains("name=\"slow-call\""), "{xml}");
    let strict = ["audit", "--fail-on", "warning", "--report", "junit=audit.xml", "shop.toml"];
    assert_eq!(run(&strict).0, Some(99));
    let xml = fs::read_to_string(folder.path().join("audit.xml")).unwrap();
    assert!(xml.contains("<failure message=\"shop.toml:"), "{xml}");
    let (code, text) = run(&["audit", "--measure", "--reps", "2", "shop.toml"]);
    assert_eq!(code, Some(0));
    assert!(text.contains("Blast radius") && text.contains("fails-often"), "{text}");
    let (_, json) = run(&["audit", "--measure", "--reps", "2", "--format", "json", "shop.toml"]);
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(json["blast_radius"][0]["service"], "shop");
    assert_eq!(run(&["audit", "--reps", "2", "shop.toml"]).0, Some(2), "there is nothing to repeat without --measure");
}
