//! What a run cost. Only scenarios with prices have it.

use super::grid::Grid;
use super::{HEAD, Look};
use crate::report::facts::Facts;
use crate::report::{cost, number};

/// Money for a million requests, and replicas that would do.
pub(super) fn table(facts: &Facts, look: Look) -> Option<String> {
    let prices = facts.model.prices.as_ref()?;
    let all = cost::per_million(facts, prices);
    let sure = all.half_widths.unwrap_or_default();
    let money = |amount: Option<f64>, half_width: Option<f64>| match amount {
        Some(amount) => {
            // The amount itself is not told more exactly.
            let width = half_width.filter(|width| *width >= 0.005).map(|width| format!(" ±{width:.2}"));
            format!("{amount:.2}{} {}", width.unwrap_or_default(), prices.currency)
        }
        None => "–".to_owned(),
    };
    let services = cost::services(facts, prices);
    let mut grid = Grid::new("cost of", services.iter().map(|it| it.name.to_owned()).collect());
    let hours = |it: &cost::ServiceCost| {
        let half_width = it.half_widths.and_then(|it| it.core_hours_per_million_requests);
        number::with_width(it.core_hours_per_million_requests, half_width, number::plain)
    };
    grid.column("core hours\n/million", 0, services.iter().map(hours).collect());
    grid.column("replicas", 0, services.iter().map(|it| number::plain(Some(it.replicas))).collect());
    let needed = |it: &cost::ServiceCost| it.replicas_needed.map_or_else(|| "–".to_owned(), number::count);
    let head = format!("enough\nat {}", number::share(Some(prices.utilisation.as_f64())));
    grid.column(&head, 0, services.iter().map(needed).collect());
    let parts = [
        ("cores", all.cores, sure.cores),
        ("replicas", all.replicas, sure.replicas),
        ("network", all.network, sure.network),
    ];
    let parts: Vec<String> = parts
        .iter()
        .filter(|(_, amount, _)| amount.is_some_and(|amount| amount > 0.0))
        .map(|(name, amount, half_width)| format!("{name} {}", money(*amount, *half_width)))
        .collect();
    let of = if parts.is_empty() { String::new() } else { format!(": {}", parts.join(", ")) };
    let sum = format!("A million requests cost {}{of}.", money(all.total, sure.total));
    Some(look.paint(HEAD, "Cost") + "\n" + &grid.render(look) + &look.wrap("", &sum))
}
