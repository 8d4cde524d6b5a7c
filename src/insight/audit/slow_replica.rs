//! Calls that are sent to a slow replica like to any other, and waited for long.

use super::{Finding, Grade, Look, secs};
use crate::model::Id;
use crate::policy::balance::Balance;

/// A timeout so many times as long as the answer takes is no protection.
const TIMES: f64 = 100.0;

pub(super) fn find(look: &Look<'_>, found: &mut Vec<Finding>) {
    for edge in look.edges.iter().filter(|edge| look.rate(edge.to) > 0.0) {
        let (client, (_, service)) = (look.client(edge), look.callee(edge));
        let answer = look.paper.answer[edge.to.index()];
        let Some(timeout) = client.timeout.map(|it| it.as_secs_f64()) else { continue };
        let is_blind = matches!(client.balance, Balance::RoundRobin | Balance::Random);
        let is_guarded =
            client.hedge.is_some() || client.outlier.is_some() || client.health.is_some() || client.breaker.is_some();
        if service.replicas < 2 || answer <= 0.0 || timeout < TIMES * answer || !is_blind || is_guarded {
            continue;
        }
        let share = 100.0 / f64::from(service.replicas);
        let what = format!("`{}` waits {} for what takes {}", look.model.edge_name(edge), secs(timeout), secs(answer));
        found.push(
            Finding::new("slow-replica", Grade::Note, look.client_path(edge.client, "timeout"), what)
                .number(share, "% of the calls go to a slow replica all the same")
                .why("the balancer does not see that one is slow, and the timeout is too long to say so")
                .help("a hedge after the 95th percentile, `balance = \"least-request\"`, or outlier detection"),
        );
    }
}
