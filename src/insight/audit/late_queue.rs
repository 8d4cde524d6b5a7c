//! Queues so long that whoever comes to their end has been given up on.

use super::{Finding, Grade, Look, secs};
use crate::model::{Cancel, Client, Deadlines, Discipline, Limit};

pub(super) fn find(look: &Look<'_>, found: &mut Vec<Finding>) {
    for (id, service) in look.model.services.enumerate() {
        let Limit::AtMost(threads) = service.threads else { continue };
        let calls = look.edges.iter().filter(|edge| look.callee(edge).0 == id);
        // Who says that he has left, or until when he waits, is not served after that.
        let tells = |client: &Client| client.cancel != Cancel::Off || client.deadlines == Deadlines::Propagate;
        let silent = calls.map(|edge| look.client(edge)).filter(|client| !tells(client));
        let timeouts = silent.filter_map(|client| client.timeout.map(|timeout| timeout.as_secs_f64()));
        let patience = timeouts.fold(f64::INFINITY, f64::min);
        let hold = look.hold(id);
        if !patience.is_finite()
            || hold <= 0.0
            || service.discipline != Discipline::Fifo
            || service.queue_timeout.is_some()
        {
            continue;
        }
        let (wait, what) = match service.queue {
            Limit::AtMost(places) => {
                let wait = f64::from(places) / f64::from(threads) * hold;
                (
                    wait,
                    format!(
                        "the queue of `{}` is {} long, and callers wait {}",
                        service.name,
                        secs(wait),
                        secs(patience)
                    ),
                )
            }
            Limit::Unlimited => {
                (patience, format!("the queue of `{}` has no end, and callers wait {}", service.name, secs(patience)))
            }
        };
        let is_endless = service.queue == Limit::Unlimited;
        if wait <= patience && !is_endless {
            continue;
        }
        let places = (patience / hold * f64::from(threads)).floor().max(1.0);
        found.push(
            Finding::new("queue-beyond-patience", Grade::Warning, look.service_path(id, "queue"), what)
                .number(places, "places are worth having: behind them nobody is served in time")
                .why("once it is full the service works for callers who have left, which can last for ever")
                .help(format!("`queue = {}` or less, `discipline = \"lifo\"`, or let callers cancel", places as u64)),
        );
    }
}
