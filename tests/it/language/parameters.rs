//! Parameters: `"$name"` is the value of `[param.name]`, wherever a value can stand.

use brownout::base::time::Span;
use brownout::model::{Arrivals, Limit, Pace};
use brownout::scenario::ParameterRange;

use super::{loaded, model, options, said};

const SCENARIO: &str = r#"
title = "At $load for $$5"

[param.load]
value = "1500/s"
range = "100/s .. 3000/s"
doc = "What users ask for."

[param.users]
value = 5

[param.patience]
value = '300ms'

[param.how]
value = "lifo"
range = ["fifo", "lifo"]

[param.is-optional]
value = true

[workload.open]
entry = "api.page"
arrivals = "poisson($load)"

[workload.closed]
entry = "api.page"
arrivals = "users($users, think=exp($patience))"

[client.rest]
timeout = "$patience"
retry = { attempts = "$users" }

[service.api]
threads = "$users"
queue = 100
discipline = "$how"
[service.api.endpoint.page]
steps = [{ work = "mix(90% 1ms, 10% $patience)" }, { call = "db.read", client = "rest", optional = "$is-optional" }]

[service.db.endpoint.read]
steps = [{ work = "1ms" }]

[variant.busy.param.load]
value = "2000/s"
"#;

#[test]
fn a_value_stands_wherever_a_value_can_stand() {
    let model = model(SCENARIO, &options(&[], &[]), &[]);
    assert_eq!(model.title, "At 1500/s for $5");
    let [open, closed] = model.workloads.iter().as_slice() else { panic!("there are two") };
    assert_eq!(
        open.arrivals,
        super::model(&SCENARIO.replace("$load)", "1500/s)"), &options(&[], &[]), &[]).workloads.iter().as_slice()[0]
            .arrivals
    );
    let Arrivals::Users { count, pace: Pace::Think(think) } = &closed.arrivals else { panic!("they are users") };
    assert_eq!((*count, think.to_string().as_str()), (5, "exp(300ms)"));
    let api = &model.services.iter().as_slice()[0];
    assert_eq!((api.threads, api.discipline), (Limit::AtMost(5), brownout::model::Discipline::Lifo));
    let rest = &model.clients.iter().as_slice()[1];
    assert_eq!((rest.timeout, rest.retry.as_ref().unwrap().attempts), (Some(Span::from_millis(300)), 5));
    let steps = format!("{:?}", model.endpoints.iter().as_slice()[0].steps);
    assert!(steps.contains("mix(90% 1ms, 10% 300ms)") && steps.contains("optional: true"), "{steps}");
}

#[test]
fn arguments_and_variants_turn_them() {
    let threads = |sets: &[&str]| model(SCENARIO, &options(&[], sets), &[]).services.iter().as_slice()[0].threads;
    assert_eq!(threads(&["users=7"]), Limit::AtMost(7));
    assert_eq!(threads(&["param.users.value=8"]), Limit::AtMost(8));
    let title = |variants: &[&str], sets: &[&str]| model(SCENARIO, &options(variants, sets), &[]).title;
    assert_eq!(title(&["busy"], &[]), "At 2000/s for $5");
    assert_eq!(title(&["busy"], &["load=7/s"]), "At 7/s for $5", "an argument wins over a variant");
}

#[test]
fn what_is_known_of_them_is_told() {
    let loaded = loaded(SCENARIO, &options(&[], &["load=90/s"]), &[]);
    let load = &loaded.parameters[0];
    assert_eq!((load.name.as_str(), load.value.as_str(), load.uses), ("load", "\"90/s\"", 2));
    assert_eq!(load.range, Some(ParameterRange::Between("100/s".to_owned(), "3000/s".to_owned())));
    assert_eq!(load.doc.as_deref(), Some("What users ask for."));
    assert_eq!(loaded.parameters[1].value, "5");
    let how = loaded.parameters[3].range.clone();
    assert_eq!(how, Some(ParameterRange::OneOf(vec!["\"fifo\"".to_owned(), "\"lifo\"".to_owned()])));
    assert_eq!(loaded.diagnostics.codes(), ["W013"], "{}", loaded.diagnostics.render(false));
}

#[test]
fn a_fault_points_to_the_value_and_to_its_use() {
    let text = SCENARIO.replace("'300ms'", "'300'");
    insta::assert_snapshot!(
        "wrong-value-of-a-parameter",
        said(&text, &options(&[], &["users=0", "lod=3", "extends=x.toml", "variant.busy.seed=3"]), &[])
    );
}

#[test]
fn a_fault_inside_a_text_made_of_parameters_points_to_what_was_written() {
    let text = SCENARIO
        .replace("think=exp($patience)", "thnk=exp($patience)")
        .replace("10% $patience", "20% $patience")
        .replace("\"$how\"", "\"${how}\"");
    insta::assert_snapshot!("wrong-text-around-parameters", said(&text, &options(&[], &[]), &[]));
}

#[test]
fn parameters_that_do_not_fit_are_refused() {
    let text = r#"
[param.duration]
value = "5s"
[param.5]
value = 1
[param.list]
value = [1, 2]
[param.nothing]
[param.backwards]
value = 3
range = "5 .. 2"
[param.kinds]
value = 3
range = "1 .. 2s"
[param.word]
value = "lifo"
range = "1 .. 2"
[param.open]
value = 3
range = "3"
[param.empty]
value = 3
range = []
[param.double]
value = "$word"
[workload.users]
entry = "api.page"
arrivals = "poisson($list)"
client = "$word$undefined"
[service.api.endpoint.page]
steps = [{ work = "$nothing" }]
"#;
    insta::assert_snapshot!("parameters-that-do-not-fit", said(text, &options(&[], &[]), &[]));
}

#[test]
fn one_parameter_that_is_wrong_in_many_places_is_one_error() {
    let services: String = (0..20)
        .map(|n| {
            format!("[service.s{n}]\nthreads = \"$threads\"\nqueue = 1\nendpoint.x.steps = [{{ work = \"1ms\" }}]\n")
        })
        .collect();
    let text =
        format!("[param.threads]\nvalue = 0\n[workload.u]\nentry = \"s0.x\"\narrivals = \"even(1/s)\"\n{services}");
    let loaded = loaded(&text, &options(&[], &[]), &[]);
    assert_eq!((loaded.diagnostics.errors(), loaded.diagnostics.codes()), (1, vec!["E021"]));
}
