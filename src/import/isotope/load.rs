//! How often each service is asked for one request of a user, and the rate that takes the busiest
//! one to 50%.
//!
//! In a graph without cycles, with independent failures: a service's script is reached when the
//! error rate spares it, a step when every call before it went well, and a call is made with its
//! probability. Commands of a concurrent group are all started, whatever becomes of the others.

use std::ops::Range;

use crate::base::units::Rate;

use super::super::Faults;
use super::Options;
use super::graph::{Command, Graph, Service, Step};

/// CPU cores of a replica.
pub(super) const CORES: u32 = 1;
/// How busy the busiest service is made, between 0 and 1.
pub(super) const TARGET: f64 = 0.5;

/// What users ask of a graph.
#[derive(Clone, Debug)]
pub(super) struct Load {
    /// Places of the services that users ask, in the order of the file; at least one.
    pub(super) entries: Vec<usize>,
    /// Expected visits to each service for one request of a user, spread evenly over the entries.
    pub(super) visits: Vec<f64>,
    /// The place of the service that is asked most in relation to what it can do.
    pub(super) busiest: usize,
    /// Requests of all users together.
    pub(super) rate: Rate,
}

/// Works out the load, or says why there is none: no entrypoint, a cycle, no work.
pub(super) fn of(graph: &Graph, options: &Options, faults: &mut Faults) -> Option<Load> {
    let order = callers_first(graph, faults)?;
    let entries: Vec<usize> = (0..graph.services.len()).filter(|place| graph.services[*place].entry).collect();
    if entries.is_empty() {
        let hint = match uncalled(graph).as_slice() {
            [] => "add `isEntrypoint: true` to the service that users ask".to_owned(),
            names => format!("add `isEntrypoint: true`; nobody calls {}", names.join(", ")),
        };
        faults.add(graph.range.clone(), "no service is an entrypoint, so nobody asks anything", Some(hint));
        return None;
    }
    let visits = visits(graph, &order, &entries);
    let demand = |place: &usize| visits[*place] / f64::from(graph.services[*place].replicas);
    let busiest = (0..visits.len()).reduce(|best, other| if demand(&other) > demand(&best) { other } else { best })?;
    let rate = match options.rate {
        Some(rate) => rate,
        None => {
            let seconds = options.work.mean_nanos() / 1e9;
            let rate = Rate::per_sec(readable(TARGET * f64::from(CORES) / (demand(&busiest) * seconds)));
            let Some(rate) = rate.filter(|rate| rate.as_per_sec() > 0.0) else {
                let hint = "give a rate yourself: `--rate 100/s`".to_owned();
                let message = format!("with work of {} there is no rate that makes a service half busy", options.work);
                faults.add(graph.range.clone(), message, Some(hint));
                return None;
            };
            rate
        }
    };
    Some(Load { entries, visits, busiest, rate })
}

/// Rounded down to four significant digits, so that the file can be read.
fn readable(rate: f64) -> f64 {
    if !rate.is_finite() || rate <= 0.0 {
        return rate;
    }
    let mut unit = 1.0;
    while rate / unit >= 10_000.0 {
        unit *= 10.0;
    }
    let mut parts = 1.0;
    while rate * parts < 1_000.0 && parts < 1e12 {
        parts *= 10.0;
    }
    let digits = rate * parts / unit;
    // A rate that is whole but for the last bits of the arithmetic is not to lose one.
    let whole = (digits + 1e-6).floor();
    whole * unit / parts
}

/// Names of services that nobody calls, as many as a hint can hold.
fn uncalled(graph: &Graph) -> Vec<String> {
    let mut called = vec![false; graph.services.len()];
    for command in graph.services.iter().flat_map(Service::commands) {
        if let Command::Call { callee, .. } = command {
            called[*callee] = true;
        }
    }
    let names = graph.services.iter().zip(called).filter(|(_, called)| !called).map(|(s, _)| format!("`{}`", s.name));
    names.take(5).collect()
}

/// The places of the services, every caller before whom it calls; a fault for a cycle.
fn callers_first(graph: &Graph, faults: &mut Faults) -> Option<Vec<usize>> {
    #[derive(Clone, Copy, PartialEq)]
    enum State {
        New,
        Open,
        Done,
    }
    let calls: Vec<Vec<(usize, Range<usize>)>> = graph.services.iter().map(calls_of).collect();
    let mut state = vec![State::New; calls.len()];
    let mut done = Vec::new();
    for root in 0..calls.len() {
        if state[root] != State::New {
            continue;
        }
        // A path of services and, for each, how many of its calls have been followed.
        let mut path = vec![(root, 0)];
        state[root] = State::Open;
        while let Some((place, followed)) = path.last_mut() {
            let Some((callee, range)) = calls[*place].get(*followed) else {
                state[*place] = State::Done;
                done.push(*place);
                path.pop();
                continue;
            };
            *followed += 1;
            match state[*callee] {
                State::Done => {}
                State::New => {
                    state[*callee] = State::Open;
                    path.push((*callee, 0));
                }
                State::Open => {
                    let from = path.iter().position(|(place, _)| place == callee).unwrap_or(0);
                    let names = path[from..].iter().map(|(place, _)| *place).chain([*callee]);
                    let names: Vec<&str> = names.map(|place| graph.services[place].name.as_str()).collect();
                    let hint = "a request would call in a circle; leave this call out".to_owned();
                    faults.add(range.clone(), format!("the calls form a cycle: {}", names.join(" -> ")), Some(hint));
                    return None;
                }
            }
        }
    }
    done.reverse();
    Some(done)
}

fn calls_of(service: &Service) -> Vec<(usize, Range<usize>)> {
    let call = |command: &Command| match command {
        Command::Call { callee, range, .. } => Some((*callee, range.clone())),
        Command::Sleep(_) => None,
    };
    service.commands().filter_map(call).collect()
}

fn visits(graph: &Graph, callers_first: &[usize], entries: &[usize]) -> Vec<f64> {
    let mut well = vec![1.0; graph.services.len()];
    for place in callers_first.iter().rev() {
        let mut chance = 1.0 - graph.services[*place].error_rate.as_f64();
        for command in graph.services[*place].commands() {
            chance *= 1.0 - failure(command, &well);
        }
        well[*place] = chance;
    }
    let mut visits = vec![0.0; graph.services.len()];
    for entry in entries {
        visits[*entry] += 1.0 / entries.len() as f64;
    }
    for place in callers_first {
        let service = &graph.services[*place];
        let mut reached = visits[*place] * (1.0 - service.error_rate.as_f64());
        for step in &service.script {
            let commands = match step {
                Step::One(command) => std::slice::from_ref(command),
                Step::Concurrent(commands) => commands.as_slice(),
            };
            let mut after = reached;
            for command in commands {
                if let Command::Call { callee, probability, .. } = command {
                    visits[*callee] += reached * probability.as_f64();
                }
                after *= 1.0 - failure(command, &well);
            }
            reached = after;
        }
    }
    visits
}

/// The chance that a command fails.
fn failure(command: &Command, well: &[f64]) -> f64 {
    match command {
        Command::Sleep(_) => 0.0,
        Command::Call { callee, probability, .. } => probability.as_f64() * (1.0 - well[*callee]),
    }
}

#[cfg(test)]
mod tests {
    use super::readable;

    #[test]
    fn rates_keep_four_digits() {
        for (rate, kept) in [
            (166.666_666, 166.6),
            (500_000.0, 500_000.0),
            (123_456.0, 123_400.0),
            (0.123_456, 0.1234),
            (49_999.999_999_999, 50_000.0),
        ] {
            assert!((readable(rate) - kept).abs() < kept * 1e-12, "{rate} became {}", readable(rate));
        }
    }
}
