//! The registry: whatever has a name has defaults, rules and a source, and can be stepped.

use brownout::policy::balance::{PassiveHealthSettings, SlowStartSettings};
use brownout::policy::breaker::BreakerSettings;
use brownout::policy::bulkhead::BulkheadSettings;
use brownout::policy::hedge::HedgeSettings;
use brownout::policy::limit::LimitSettings;
use brownout::policy::outlier::OutlierSettings;
use brownout::policy::rate::RateLimitSettings;
use brownout::policy::registry::{self, Kind};
use brownout::policy::retry::RetrySettings;
use brownout::policy::settings::Value;
use brownout::policy::throttle::ThrottleSettings;
use brownout::policy::trace::Datum;
use brownout::scenario::{LoadOptions, NoFiles, load};

use crate::language::expanded::holds;

#[test]
fn every_preset_says_what_it_is_and_steps_through_its_own_example() {
    for preset in registry::all() {
        let name = preset.name;
        assert!(preset.about.ends_with('.') && !preset.rules.is_empty() && !preset.source.is_empty(), "{name}");
        let parameters = (preset.parameters)();
        assert!(parameters.iter().all(|it| it.about.ends_with('.')), "{name}");
        let mut traced = (preset.trace)(&[]).unwrap();
        let end = preset.trace_input.find("\n]").unwrap() + 2;
        let steps: serde_json::Value = serde_json::from_str(&preset.trace_input[..end]).unwrap();
        for step in steps.as_array().unwrap() {
            traced.step(&Datum::from(step)).unwrap_or_else(|fault| panic!("{name}, {step}: {fault}"));
        }
        assert!((preset.trace)(&[("no_such_thing", "1")]).is_err(), "{name}");
    }
}

#[test]
fn names_are_sorted_and_mean_one_preset_of_their_kind() {
    for kind in Kind::ALL {
        let names: Vec<&str> = kind.presets().iter().map(|preset| preset.name).collect();
        assert!(names.windows(2).all(|pair| pair[0] < pair[1]), "{names:?}");
        for preset in kind.presets() {
            assert_eq!(preset.kind, kind);
            let found = match kind {
                Kind::Breaker => BreakerSettings::preset(preset.name).is_some(),
                Kind::Retry => RetrySettings::preset(preset.name).is_some(),
                Kind::Hedge => HedgeSettings::preset(preset.name).is_some(),
                Kind::Throttle => ThrottleSettings::preset(preset.name).is_some(),
                Kind::Outlier => OutlierSettings::preset(preset.name).is_some(),
                Kind::RateLimit => RateLimitSettings::preset(preset.name).is_some(),
                Kind::Bulkhead => BulkheadSettings::preset(preset.name).is_some(),
                Kind::Limit => LimitSettings::preset(preset.name).is_some(),
                Kind::Balance => is_balancer(preset.name),
                Kind::Health => PassiveHealthSettings::preset(preset.name).is_some(),
                Kind::SlowStart => SlowStartSettings::preset(preset.name).is_some(),
            };
            assert!(found, "a scenario can name {}", preset.name);
        }
    }
}

/// The settings of a preset are no use to somebody whose file is refused, and neither is what `check --expanded` prints.
#[test]
fn every_preset_can_be_written_into_a_scenario() {
    for preset in registry::all().filter(|preset| preset.kind != Kind::Balance) {
        let table = preset.kind.path().replace("NAME", "api");
        let rest = if preset.kind == Kind::SlowStart { ", window = \"10s\"" } else { "" };
        let file = format!(
            r#"
            [workload.users]
            entry = "api.get"
            arrivals = "even(1/s)"
            client = "api"
            [client.api]
            timeout = "1s"
            [service.api.endpoint.get]
            steps = [{{ work = "1ms" }}]
            [{table}]
            preset = "{}"{}
            "#,
            preset.name,
            rest.replace(", ", "\n"),
        );
        holds(preset.name, &file, &LoadOptions::default(), &NoFiles);
    }
}

/// Whether a client can balance so.
fn is_balancer(name: &str) -> bool {
    let text = format!(
        r#"
        duration = "1s"
        [workload.users]
        entry = "api.get"
        arrivals = "even(1/s)"
        client = "web"
        key = "uniform(10)"
        [client.web]
        balance = "{name}"
        [service.api.endpoint.get]
        steps = [{{ work = "1ms" }}]
        "#
    );
    load("case.toml", text.as_bytes(), &LoadOptions::default()).model.is_some()
}

/// What is printed as a default can be set again, and is the same then.
#[test]
fn defaults_read_back() {
    for preset in registry::all() {
        for parameter in (preset.parameters)() {
            let text = parameter.default.to_string();
            let made = (preset.trace)(&[(parameter.name, &text)]);
            assert!(made.is_ok(), "{} {} = {text}: {:?}", preset.name, parameter.name, made.err());
        }
    }
}

/// Under its own name a plain number counts in the library's unit; under ours a value has its unit with it.
#[test]
fn a_library_counts_in_its_own_units() {
    let preset = Kind::Breaker.preset("resilience4j").unwrap();
    let step: serde_json::Value = serde_json::json!({ "calls": { "success": 7, "error": 3 } });
    let state = |set: &[(&str, &str)]| {
        let mut traced = (preset.trace)(set).unwrap();
        let row = traced.step(&Datum::from(&step)).unwrap();
        row.into_iter().find(|(name, _)| *name == "state").unwrap().1
    };
    let ours = [("minimum_calls", "10"), ("failure_rate", "30%")];
    let theirs = [("minimumNumberOfCalls", "10"), ("failureRateThreshold", "30")];
    assert_eq!((state(&ours), state(&theirs)), ("OPEN".into(), "OPEN".into()));
    assert_eq!(state(&[("minimum_calls", "10")]), "CLOSED".into());
    assert!((preset.trace)(&[("failure_rate", "30")]).is_err());
    let settings = BreakerSettings::preset("polly").unwrap();
    assert_eq!(settings.get("failure_rate"), Some(Value::Share("10%".parse().unwrap())));
}
