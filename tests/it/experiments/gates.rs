//! What fails a continuous build: `compare --no-worse` and `run --baseline`, where runs end in several ways.

use super::command_line::Place;

/// A shop whose database is slow for a while: nearly all of its runs come back, and hardly one does when it takes longer.
const SHOP: &str = r#"
title = "Small shop"
duration = "20s"
warmup = "2s"

[param.load]
value = "100/s"

[workload.users]
entry = "api.buy"
arrivals = "poisson($load)"
deadline = "500ms"
client = "web"

[service.api]
replicas = 1
threads = 8

[service.api.endpoint.buy]
steps = [ { work = "exp(2ms)" }, { call = "db.read", client = "internal" } ]

[service.db]
threads = 4

[service.db.endpoint.read]
steps = [ { sleep = "exp(20ms)" } ]

[client.web]
transport = "rest"
timeout = "500ms"
retry = { attempts = 3 }

[client.internal]
transport = "rest"
timeout = "1s"
retry = { attempts = 3 }

[fault.slow]
at = "6s"
for = "800ms"
service = "db"
add_latency = "100ms"

[variant.worse.fault.slow]
for = "1.2s"

[variant.far-worse.fault.slow]
for = "3s"
"#;

fn place() -> Place {
    let place = Place::new();
    place.write("slow.toml", SHOP);
    place
}

#[test]
fn runs_that_collapse_fail_whatever_figure_is_named() {
    let place = place();
    let compare = "compare --reps 20 --no-figures --no-report";
    let (_, err) =
        place.run(&format!("{compare} --variant worse --no-worse goodput slow.toml --report junit=gate.xml"), 99);
    assert!(err.contains("`runs that end well` failed: ") && err.contains("McNemar"), "{err}");
    let gate = place.read("gate.xml");
    assert!(gate.contains("name=\"runs that end well\"") && gate.contains("failures=\"1\""), "{gate}");
    // Every case has a name of its own, which says what ended how.
    assert!(gate.contains("name=\"goodput(users) if "), "{gate}");
    let mut names: Vec<&str> = gate.lines().filter(|line| line.contains("<testcase")).collect();
    let all = names.len();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), all, "{gate}");

    // A figure that is known is no error of whoever names it, though no two runs ended alike.
    place.write("slow.toml", &SHOP.replace("800ms", "600ms"));
    let far = "--variant far-worse --no-worse mean(users) --format github slow.toml";
    let (out, _) = place.run(&format!("{compare} {far}"), 99);
    assert!(
        out.starts_with("::error file=slow.toml,title=far-worse against as it stands%3A runs that end well::0 of 20"),
        "{out}"
    );
    assert!(out.contains("mean(users)::not compared with as it stands: no two runs that ended alike"), "{out}");

    // Nor is anything worse without a difference.
    place.run(&format!("{compare} --no-worse goodput slow.toml slow.toml"), 0);
}

#[test]
fn what_only_one_scenario_has_is_said() {
    let place = place();
    let other = SHOP.replace("workload.users", "workload.guests").replace("800ms", "100ms");
    place.write("other.toml", &other);
    place.write("calm.toml", &SHOP.replace("800ms", "100ms"));
    let compare = "compare --reps 4 --no-figures --no-report";
    let (out, _) = place.run(&format!("{compare} calm.toml other.toml"), 0);
    let words = out.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(words.contains("Figures that only one of the two has are not compared:"), "{out}");
    assert!(
        words.contains("only in calm (offered(users), goodput(users),") && words.contains("only in other ("),
        "{out}"
    );
    // Named in full it is to be there; among others it is told.
    let (_, err) = place.run(&format!("{compare} --no-worse goodput(users) calm.toml other.toml"), 99);
    assert!(err.contains("`goodput(users)` failed: not compared with calm: other has no such figure"), "{err}");
    place.run(&format!("{compare} --no-worse goodput calm.toml other.toml --report github=told.txt"), 0);
    assert!(place.read("told.txt").contains("goodput(guests)::not compared with calm: calm has no such figure"));
}

#[test]
fn ten_variants_are_compared_and_of_more_some_are_chosen() {
    let place = place();
    let variants = |count: u32| -> String {
        (1..=count).map(|n| format!("[variant.v{n}.service.db]\nthreads = {}\n", 4 + n)).collect()
    };
    let short = SHOP.split("[variant").next().unwrap().replace("20s", "4s").replace("800ms", "100ms");
    place.write("ten.toml", &(short.clone() + &variants(10)));
    place.run("compare --reps 2 --no-report ten.toml --out ten", 0);
    let picture = place.read("ten/overlay.svg");
    // In several lines, and whole.
    assert!(
        picture.contains("as it stands against v1, v2, v3,") && picture.contains("v9 and v10"),
        "{}",
        &picture[..2000]
    );
    place.write("eleven.toml", &(short + &variants(11)));
    let (_, err) = place.run("compare --reps 2 eleven.toml", 2);
    assert!(err.contains("11 variants of `eleven.toml` are too many") && err.contains("`--variant NAME`"), "{err}");
}

#[test]
fn a_baseline_is_held_within_endings_and_what_is_gone_is_no_silence() {
    let place = place();
    place.run("run --reps 20 --no-figures slow.toml --out golden", 0);
    let against = "run --reps 20 --no-figures --baseline golden/summary.json";
    // Its runs end in several ways, and nothing has changed.
    let (_, err) = place.run(&format!("{against} slow.toml"), 0);
    assert!(err.contains("figures, nothing has changed by more than chance"), "{err}");
    // Five times the cost, however many runs end otherwise.
    let (_, err) = place.run(&format!("{against} --set service.api.replicas=5 slow.toml"), 99);
    assert!(err.contains("worse than the baseline: replica_hours_per_million"), "{err}");
    assert!(!err.contains("nothing has changed"), "{err}");
    // Half as much work again for the api: that shows within an ending.
    let steps = "[{work=\"exp(3ms)\"},{call=\"db.read\",client=\"internal\"}]";
    let (_, err) = place.run(&format!("{against} --set service.api.endpoint.buy.steps={steps} slow.toml"), 99);
    assert!(err.contains("worse than the baseline: core_hours_per_million if recovered: "), "{err}");
    // Fewer runs end well; each is told once.
    let (_, err) = place.run(&format!("{against} --variant worse slow.toml --quiet --report junit=gate.xml"), 99);
    assert_eq!(err.matches("runs that end well: ").count(), 1, "{err}");
    assert!(place.read("gate.xml").contains("name=\"baseline: runs that end well\""));
    // A workload by another name: all of its figures are gone.
    place.write("renamed.toml", &SHOP.replace("workload.users", "workload.guests"));
    let (out, _) = place.run(&format!("{against} --format github renamed.toml"), 99);
    assert!(out.contains("figures of the baseline that are gone: offered(users), goodput(users),"), "{out}");
    assert!(
        out.contains("offered(guests)") && out.contains("(not in it)") && !out.contains("nothing has changed"),
        "{out}"
    );
    // What is no summary is refused.
    let golden = place.read("golden/summary.json").replacen("\"replications\": 20", "\"replications\": 19", 1);
    place.write("odd.json", &golden);
    let (_, err) = place.run("run --reps 2 --baseline odd.json slow.toml", 2);
    assert!(err.contains("of 19 runs 20 ended"), "{err}");
}

#[test]
fn a_baseline_raises_no_false_alarms() {
    // At most 5% of 40 experiments without any difference, so two of them on average, and six with a probability of 1.4%
    // where it is as often as that. Without any correction six of forty were worse.
    let place = place();
    let calm = SHOP.split("[fault").next().unwrap().replace("20s", "8s");
    place.write("calm.toml", &calm);
    let changed = |seed: u32| {
        let run = "run --reps 20 --no-figures --quiet calm.toml";
        place.run(&format!("{run} --seed {} --out golden", seed + 1000), 0);
        let baseline = "--baseline golden/summary.json --report github=now.txt";
        place.alone(&format!("{run} --seed {seed} --out now {baseline}"));
        !place.read("now.txt").contains("nothing has changed by more than chance")
    };
    let alarms = (100..140).filter(|seed| changed(*seed)).count();
    assert!(alarms < 6, "{alarms} of 40");
}
