//! What a run cost. Only scenarios with prices have it.

use super::grid::Grid;
use super::{HEAD, Look};
use crate::report::facts::Facts;
use crate::report::{cost, number};

/// Money for a million requests, and replicas that would do.
pub(super) fn table(facts: &Facts, look: Look) -> Option<String> {
    let prices = facts.model.prices.as_ref()?;
    let all = cost::per_million(facts, prices);
    let money = |amount: Option<f64>| match amount {
        Some(amount) => format!("{amount:.2} {}", prices.currency),
        None => "–".to_owned(),
    };
    let services = cost::services(facts, prices);
    let mut grid = Grid::new("cost of", services.iter().map(|it| it.name.to_owned()).collect());
    let hours = |it: &cost::ServiceCost| number::plain(it.core_hours_per_million_requests);
    grid.column("core hours\n/million", 0, services.iter().map(hours).collect());
    grid.column("replicas", 0, services.iter().map(|it| number::plain(Some(it.replicas))).collect());
    let needed = |it: &cost::ServiceCost| it.replicas_needed.map_or_else(|| "–".to_owned(), number::count);
    let head = format!("enough\nat {}", number::share(Some(prices.utilisation.as_f64())));
    grid.column(&head, 0, services.iter().map(needed).collect());
    let parts = [("cores", all.cores), ("replicas", all.replicas), ("network", all.network)];
    let parts: Vec<String> = parts
        .iter()
        .filter(|(_, amount)| amount.is_some_and(|amount| amount > 0.0))
        .map(|(name, amount)| format!("{name} {}", money(*amount)))
        .collect();
    let of = if parts.is_empty() { String::new() } else { format!(": {}", parts.join(", ")) };
    let sum = format!("A million requests cost {}{of}.", money(all.total));
    Some(look.paint(HEAD, "Cost") + "\n" + &grid.render(look) + &look.wrap("", &sum))
}
