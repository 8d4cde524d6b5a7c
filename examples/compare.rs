//! Two architectures, compared run by run with the same random numbers.

use std::ops::ControlFlow;

use brownout::experiment::{Arm, Plan, Wanted, compare};
use brownout::scenario::{LoadOptions, load};

const SHOP: &str = r#"
duration = "20s"
[workload.users]
entry = "api.page"
arrivals = "poisson(50/s)"
[service.api]
threads = 1
queue = 100
[service.api.endpoint.page]
steps = [ { work = "exp(15ms)" } ]
[variant.two-threads.service.api]
threads = 2
"#;

pub(crate) fn differences() -> String {
    let arm = |name: &str, variants: &[&str]| {
        let options =
            LoadOptions { variants: variants.iter().map(|it| it.to_string()).collect(), ..Default::default() };
        let loaded = load("shop.toml", SHOP.as_bytes(), &options);
        Arm { name: name.to_owned(), model: loaded.model.expect("the scenario is right") }
    };
    let arms = [arm("one thread", &[]), arm("two threads", &["two-threads"])];
    let plan = Plan { replications: 10, precision: None, wanted: Wanted::FIGURES };
    let comparison = compare(&arms, 1, plan, &|_| ControlFlow::Continue(())).expect("nobody interrupts it");
    let said = comparison.against[0].differences.iter().filter(|it| it.measure.name == "mean(users)").map(|it| {
        let (mean, width) = (it.paired.difference.mean * 1e3, it.half_width.unwrap_or(f64::NAN) * 1e3);
        format!("{}: {mean:.1} ms ±{width:.1} ms: {}\n", it.measure.name, it.call.name())
    });
    said.collect()
}

fn main() {
    print!("{}", differences());
}
