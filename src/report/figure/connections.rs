//! How many connections are opened: a storm of them is work for whoever is connected to.

use super::palette::SERIES;
use super::panel::{Body, Line, Lines, Panel};
use super::points::Points;
use super::scale::{Scale, Unit};
use crate::measure::ConnectionResult;
use crate::report::facts::Facts;
use crate::report::{number, transport};

/// Connections that are opened, by who opens them to whom; nothing where none are needed.
pub(super) fn opened(facts: &Facts, points: &Points) -> Option<Panel> {
    let mut all: Vec<_> = transport::connections(facts, facts.results.transport.as_ref()?).collect();
    if all.is_empty() {
        return None;
    }
    let count = all.len();
    all.sort_by_key(|(_, _, it)| std::cmp::Reverse(it.series.opened.iter().sum::<u64>()));
    all.truncate(SERIES.len());
    let labels = labels(all.iter().map(|(_, name, _)| name.as_str()).collect());
    let line = |((name, (_, _, it)), stroke): ((String, &(usize, String, &ConnectionResult)), &_)| Line {
        name,
        values: points.rates(&it.series.opened),
        stroke: *stroke,
    };
    let lines: Vec<Line> = labels.into_iter().zip(&all).zip(&SERIES).map(line).collect();
    let peaks: Vec<f64> = lines.iter().map(|line| Lines::extent(std::slice::from_ref(line)).1).collect();
    let scale = Scale::levels(&peaks);
    let how = if scale.is_logarithmic() { ", logarithmic" } else { "" };
    let most = match count > lines.len() {
        true => format!("; the {} of {} with the most", lines.len(), number::count(count as u64)),
        false => String::new(),
    };
    let note = format!("opened per second{how}{most}");
    let body = Lines { scale, unit: Unit::Plain, lines, marks: vec![], fill: None, silence: "" };
    Some(Panel { name: "connections", title: "Connections", note, key: vec![], body: Body::Lines(body) })
}

/// Names such as `gateway -> orders (internal)`, without what all of them share: there is little room.
fn labels(names: Vec<&str>) -> Vec<String> {
    let parts = |name: &str| {
        let (caller, rest) = name.split_once(" -> ").unwrap_or(("", name));
        let (callee, client) = rest.split_once(" (").unwrap_or((rest, ""));
        (caller.to_owned(), callee.to_owned(), client.trim_end_matches(')').to_owned())
    };
    let parts: Vec<(String, String, String)> = names.into_iter().map(parts).collect();
    let one_caller = parts.windows(2).all(|pair| pair[0].0 == pair[1].0);
    let one_client = parts.windows(2).all(|pair| pair[0].2 == pair[1].2);
    let label = |(caller, callee, client): (String, String, String)| {
        let from = if one_caller { "to".to_owned() } else { format!("{caller} →") };
        let through = if one_client { String::new() } else { format!(" ({client})") };
        format!("{from} {callee}{through}")
    };
    parts.into_iter().map(label).collect()
}

#[cfg(test)]
mod tests {
    use super::labels;

    #[test]
    fn what_all_have_in_common_is_not_said() {
        assert_eq!(labels(vec!["a -> b (x)", "a -> c (x)"]), ["to b", "to c"]);
        assert_eq!(labels(vec!["a -> b (x)", "d -> c (x)"]), ["a → b", "d → c"]);
        assert_eq!(labels(vec!["a -> b (x)", "a -> b (y)"]), ["to b (x)", "to b (y)"]);
        assert_eq!(labels(vec!["a -> b (x)"]), ["to b"]);
    }
}
