//! The scenario as text: first what was assumed and how the load was worked out, then the tables in
//! the order of the graph.

use std::collections::BTreeSet;
use std::fmt::Write;

use crate::base::time::Span;
use crate::base::units::Share;

use super::Options;
use super::graph::{Command, Graph, Service, Step};
use super::load::{CORES, Load, TARGET};

/// The one endpoint of every service.
const ENDPOINT: &str = "get";
/// The client of every call.
const CLIENT: &str = "mesh";
/// Lengths of a run and widths of the points of its series, in milliseconds, longest first.
const DURATIONS: [(u64, u64); 9] = [
    (60_000, 1_000),
    (30_000, 500),
    (10_000, 200),
    (5_000, 100),
    (2_000, 50),
    (1_000, 20),
    (500, 10),
    (200, 5),
    (100, 2),
];
/// A run is as long as it can be with at most as many visits to services.
const VISITS_MAX: f64 = 3e6;

/// The text of the scenario. `file` is the path of the graph, of which only the last part is used.
pub(super) fn scenario(file: &str, graph: &Graph, load: &Load, options: &Options) -> String {
    let names = names(graph);
    let file = file.rsplit(['/', '\\']).next().unwrap_or(file);
    let mut out = String::new();
    lesson(&mut out, file, graph, &names, load, options);
    settings(&mut out, file, load);
    workloads(&mut out, &names, load);
    for (service, name) in graph.services.iter().zip(&names) {
        write_service(&mut out, service, name, &names, options);
    }
    out
}

/// Lines are only ever added to a string, which cannot fail.
macro_rules! line {
    ($out:expr) => { $out.push('\n') };
    ($out:expr, $($part:tt)*) => {{ let _ = writeln!($out, $($part)*); }};
}

fn lesson(out: &mut String, file: &str, graph: &Graph, names: &[String], load: &Load, options: &Options) {
    line!(out, "# The Istio isotope service graph `{}`, imported.", one_line(file));
    line!(out, "#");
    line!(out, "# The graph does not say, so this file assumes:");
    line!(out, "#   work      {} of CPU for every request at every service (--work)", options.work);
    line!(out, "#   cores     {CORES} for each replica, shared by the requests it works on");
    line!(out, "#   threads   unlimited: an isotope service is a Go server, with a goroutine for each request");
    line!(out, "#   network   no time at all, no timeouts, no retries: see [client.{CLIENT}]");
    line!(out, "#");
    rate_comment(out, graph, names, load, options);
    let unvisited = load.visits.iter().filter(|visits| **visits == 0.0).count();
    if unvisited > 0 {
        line!(out, "#");
        line!(out, "# Nobody asks {unvisited} of the {} services.", names.len());
    }
    if !graph.unused.is_empty() {
        line!(out, "#");
        line!(out, "# In the graph, but not used by the simulator yet:");
        for (key, places) in &graph.unused {
            line!(out, "#   {key}, {}", times(places.len()));
        }
    }
    let renamed: Vec<_> = graph.services.iter().zip(names).filter(|(service, name)| service.name != **name).collect();
    if !renamed.is_empty() {
        line!(out, "#");
        line!(out, "# Names that the scenario language does not allow:");
        for (service, name) in renamed {
            line!(out, "#   `{}` is called {name} here", one_line(&service.name));
        }
    }
    line!(out, "#");
    line!(
        out,
        "# Watch which service is the first whose cores are full. Change the rate, the cores of that service, or"
    );
    line!(out, "# give [client.{CLIENT}] a timeout and retries.");
    line!(out);
}

fn rate_comment(out: &mut String, graph: &Graph, names: &[String], load: &Load, options: &Options) {
    let (busiest, visits) = (&graph.services[load.busiest], load.visits[load.busiest]);
    let busy_ms = visits * options.work.mean_nanos() / 1e6;
    let cores = u64::from(busiest.replicas) * u64::from(CORES);
    let percent = TARGET * 100.0;
    let visits = if visits == 1.0 { "1 visit".to_owned() } else { format!("{} visits", short(visits)) };
    let has = if busiest.replicas == 1 { "1 replica has" } else { &format!("{cores} replicas have") };
    let cores_in_words = if cores == 1 { "1 core".to_owned() } else { format!("{cores} cores") };
    line!(out, "# The busiest service is {}. For one request of a user it gets", names[load.busiest]);
    line!(out, "#   {visits} x {} of work = {}ms of CPU.", options.work, short(busy_ms));
    if options.rate.is_some() {
        let share = load.rate.as_per_sec() * busy_ms / 10.0 / cores as f64;
        line!(out, "# Its {has} {cores_in_words}, which the given {} make {}% busy.", load.rate, short(share));
    } else {
        line!(out, "# Its {has} {cores_in_words}, {percent}% busy at");
        line!(out, "#   {percent}% x {cores} / {}ms = {} (to four digits).", short(busy_ms), load.rate);
    }
    if load.entries.len() > 1 {
        line!(out, "# The {} entrypoints get equal parts of this.", load.entries.len());
    }
}

fn settings(out: &mut String, file: &str, load: &Load) {
    let visits_per_sec = load.rate.as_per_sec() * load.visits.iter().sum::<f64>();
    let fits = |(millis, _): &&(u64, u64)| visits_per_sec * (*millis as f64 / 1e3) <= VISITS_MAX;
    let (millis, interval) = *DURATIONS.iter().find(fits).unwrap_or(&DURATIONS[DURATIONS.len() - 1]);
    line!(out, "title    = {}", text(&format!("Isotope service graph {file}")));
    if millis == DURATIONS[0].0 {
        line!(out, "duration = \"{}\"", Span::from_millis(millis));
    } else {
        let visits = short(visits_per_sec);
        line!(
            out,
            "duration = \"{}\"   # short, because {visits} visits a second take a while",
            Span::from_millis(millis)
        );
    }
    line!(out, "warmup   = \"{}\"", Span::from_millis(millis / 10));
    line!(out, "interval = \"{}\"", Span::from_millis(interval));
    line!(out);
}

fn workloads(out: &mut String, names: &[String], load: &Load) {
    let rate = load.rate.as_per_sec() / load.entries.len() as f64;
    for entry in &load.entries {
        let workload = if load.entries.len() == 1 { "users".to_owned() } else { format!("users-of-{}", names[*entry]) };
        line!(out, "[workload.{workload}]");
        line!(out, "entry    = {}", text(&format!("{}.{ENDPOINT}", names[*entry])));
        line!(out, "arrivals = \"poisson({rate}/s)\"");
        line!(out, "client   = \"{CLIENT}\"");
        line!(out);
    }
    line!(out, "[client.{CLIENT}]   # how every call is made: the place for latency, timeout, retry, breaker");
}

fn write_service(out: &mut String, service: &Service, name: &str, names: &[String], options: &Options) {
    line!(out);
    line!(out, "[service.{name}]");
    line!(out, "replicas = {}", service.replicas);
    line!(out, "cores    = {CORES}");
    line!(out);
    line!(out, "[service.{name}.endpoint.{ENDPOINT}]");
    line!(out, "steps = [");
    line!(out, "  {{ work = {} }},", text(&options.work.to_string()));
    if service.error_rate.as_f64() > 0.0 {
        line!(out, "  {},", by_chance(service.error_rate, "{ fail = true }"));
    }
    for step in &service.script {
        match step {
            Step::One(command) => line!(out, "  {},", write_command(command, names)),
            Step::Concurrent(commands) => match commands.as_slice() {
                [] => {}
                [one] => line!(out, "  {},", write_command(one, names)),
                several => {
                    line!(out, "  {{ parallel = [");
                    several.iter().for_each(|command| line!(out, "    {},", write_command(command, names)));
                    line!(out, "  ] }},");
                }
            },
        }
    }
    line!(out, "]");
}

fn write_command(command: &Command, names: &[String]) -> String {
    match command {
        Command::Sleep(span) => format!("{{ sleep = {} }}", text(&span.to_string())),
        Command::Call { callee, probability, .. } => {
            let callee = text(&format!("{}.{ENDPOINT}", names[*callee]));
            by_chance(*probability, &format!("{{ call = {callee}, client = \"{CLIENT}\" }}"))
        }
    }
}

/// `step`, taken with this chance.
fn by_chance(chance: Share, step: &str) -> String {
    if chance == Share::ONE {
        return step.to_owned();
    }
    let rest = complement(chance);
    format!("{{ choose = [ {{ share = \"{chance}\", steps = [ {step} ] }}, {{ share = \"{rest}\", steps = [] }} ] }}")
}

/// What is missing to 100%, worked out in the decimal digits of the text, so that both sum to 100% for a reader too.
fn complement(share: Share) -> String {
    let percent = share.to_string();
    let number = percent.trim_end_matches('%');
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    let digits: u128 = format!("{whole}{fraction}").parse().unwrap_or(0);
    let scale = 10_u128.pow(u32::try_from(fraction.len()).unwrap_or(0).min(36));
    let rest = (100 * scale).saturating_sub(digits);
    let places = fraction.len();
    if places == 0 {
        return format!("{rest}%");
    }
    format!("{}.{:0places$}%", rest / scale, rest % scale)
}

/// Names that the scenario language allows, all different: letters, digits, `-` and `_`.
fn names(graph: &Graph) -> Vec<String> {
    let allowed = |c: char| if c.is_ascii_alphanumeric() || c == '-' || c == '_' { c } else { '-' };
    let plain = |service: &Service| service.name.chars().map(allowed).collect::<String>();
    // Names that need no change are kept, whoever comes first.
    let mut taken: BTreeSet<String> =
        graph.services.iter().filter(|service| plain(service) == service.name).map(|s| s.name.clone()).collect();
    let name = |service: &Service| {
        let plain = plain(service);
        if plain == service.name {
            return plain;
        }
        let numbered = (2_u32..).map(|number| format!("{plain}-{number}"));
        let free = std::iter::once(plain.clone()).chain(numbered).find(|name| !taken.contains(name));
        let free = free.expect("there are more numbers than services");
        taken.insert(free.clone());
        free
    };
    graph.services.iter().map(name).collect()
}

/// A TOML string.
fn text(content: &str) -> String {
    toml::Value::from(content).to_string()
}

/// As a comment can hold it.
fn one_line(content: &str) -> String {
    content.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

fn times(count: usize) -> String {
    if count == 1 { "once".to_owned() } else { format!("{count} times") }
}

/// Up to three decimals.
fn short(number: f64) -> String {
    let text = format!("{number:.3}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn complements_are_exact() {
        for (share, rest) in [("0.01%", "99.99%"), ("50%", "50%"), ("33.3%", "66.7%"), ("0.1%", "99.9%"), ("7%", "93%")]
        {
            assert_eq!(complement(share.parse().unwrap()), rest);
        }
    }
}
