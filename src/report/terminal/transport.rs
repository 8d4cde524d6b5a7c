//! The tables of transports: where the time of a request goes, what messages cost, and on which connections they travel.
//! Models without transports have none.

use super::grid::Grid;
use super::{HEAD, Look};
use crate::base::time::Span;
use crate::measure::{
    ConnectionResult, EdgeMessages, MessageConfidence, StreamConfidence, StreamMessages, TransportResults,
};
use crate::report::facts::{self, Facts};
use crate::report::transport::PathRow;
use crate::report::{number, transport};

/// All of it.
pub(super) fn tables(facts: &Facts, look: Look) -> Option<String> {
    let results = facts.results.transport.as_ref()?;
    let widths = transport::half_widths(facts);
    let time = transport::time_per_request(facts, results);
    let sure = time.half_widths.unwrap_or_default();
    let parts = [
        ("network", time.network_s, sure.network_s),
        ("waiting for connections", time.connections_s, sure.connections_s),
        ("writing and reading messages", time.encoding_cpu_s, sure.encoding_cpu_s),
        ("handshakes", time.handshakes_cpu_s, sure.handshakes_cpu_s),
        ("waiting for threads", time.waiting_for_threads_s, sure.waiting_for_threads_s),
        ("work", time.work_cpu_s, sure.work_cpu_s),
    ];
    let parts = parts.iter().filter(|(_, secs, _)| secs.is_some_and(|secs| secs > 0.0));
    let say = |(name, secs, half_width): &(&str, Option<f64>, Option<f64>)| {
        format!("{name} {}", number::in_words(*secs, *half_width, number::secs))
    };
    let parts: Vec<String> = parts.map(say).collect();
    let all = format!("With all that it causes, also what goes on at once: {}.", parts.join(", "));
    let mut sum: String = transport::paths(facts, results).map(|path| look.wrap("", &path_in_words(&path))).collect();
    sum += &look.wrap("", &all);

    let (ids, rows): (Vec<usize>, Vec<_>) =
        transport::edges(facts, results).map(|(id, name, it)| (id, (name, it))).unzip();
    let names = ids.iter().map(|id| facts.edge_names[*id].replace("->", "→")).collect();
    let mut grid = Grid::new("messages of", names);
    grid.column("transport", 0, rows.iter().map(|(name, _)| (*name).to_owned()).collect());
    let cells = |text: &dyn Fn(&EdgeMessages, MessageConfidence) -> String| {
        let width = |id: usize| widths.map(|all| all.edges[id]).unwrap_or_default();
        ids.iter().zip(&rows).map(|(id, (_, it))| text(it, width(*id))).collect::<Vec<_>>()
    };
    grid.column("messages", 3, cells(&|it, _| number::count(it.messages)));
    let bytes = |it: &EdgeMessages, width: MessageConfidence| {
        number::with_width(transport::bytes_per_message(it), width.bytes_per_message, number::plain)
    };
    grid.column("bytes\neach", 1, cells(&bytes));
    let network = |it: &EdgeMessages, width: MessageConfidence| {
        number::with_width(transport::network_mean(it), width.network_mean_s, number::secs)
    };
    if rows.iter().any(|(_, it)| it.bytes_across > 0) {
        let across = |it: &EdgeMessages, width: MessageConfidence| {
            number::with_width(transport::across_zones_share(it), width.across_zones_share, number::share)
        };
        grid.column("across\nzones", 1, cells(&across));
    }
    grid.column("under\nway", 1, cells(&network));
    let wait = |it: &EdgeMessages, width: MessageConfidence| {
        number::with_width(it.waits.mean().map(Span::as_secs_f64), width.connection_wait_mean_s, number::secs)
    };
    grid.column("wait for a\nconnection", 0, cells(&wait));
    grid.column("p99", 2, cells(&|it, _| number::span(it.waits.quantile(0.99))));
    let mut text = look.paint(HEAD, "Messages") + "\n" + &grid.render(look) + &sum;

    if let Some(table) = streams(facts, results, look) {
        text += &("\n".to_owned() + &table);
    }

    let busy: Vec<usize> = (0..results.services.len()).filter(|id| results.services[*id].encoding_nanos > 0).collect();
    if !busy.is_empty() {
        let mut grid = Grid::new("CPU time of", busy.iter().map(|id| facts.service(*id).name.clone()).collect());
        let of = |text: &dyn Fn(usize) -> String| busy.iter().map(|id| text(*id)).collect::<Vec<_>>();
        let width = |id: usize| widths.map(|all| all.services[id]).unwrap_or_default();
        let cores = |nanos, half_width| number::with_width(facts.mean_level(nanos), half_width, number::plain);
        let all_cores = |id: usize| {
            let half_width = facts.half_widths(|all| all.services[id].busy_cores_mean).flatten();
            cores(facts.results.services[id].work_nanos, half_width)
        };
        grid.column("cores\nbusy", 0, of(&all_cores));
        let share = |id: usize| {
            let share = transport::encoding_share(facts, id, &results.services[id]);
            number::with_width(share, width(id).encoding_share_of_cpu, number::share)
        };
        grid.column("in\nmessages", 0, of(&share));
        if busy.iter().any(|id| results.services[*id].handshakes > 0) {
            let handshakes = |id: usize| cores(results.services[id].handshake_nanos, width(id).handshake_cores_mean);
            grid.column("handshakes", 1, of(&|id| number::count(results.services[id].handshakes)));
            grid.column("their cores", 2, of(&handshakes));
        }
        text += &("\n".to_owned() + &grid.render(look));
    }

    let rows: Vec<_> = transport::connections(facts, results).collect();
    if !rows.is_empty() {
        let mut grid = Grid::new("connections", rows.iter().map(|(_, name, _)| name.replace("->", "→")).collect());
        let open = |(id, _, it): &(usize, String, &ConnectionResult)| {
            let half_width = widths.and_then(|all| all.connections[*id].open_mean);
            number::with_width(facts.mean_level(it.open_nanos), half_width, number::plain)
        };
        grid.column("open\nmean", 0, rows.iter().map(open).collect());
        grid.column("peak", 1, rows.iter().map(|(_, _, it)| number::count(it.peak.into())).collect());
        grid.column("opened", 0, rows.iter().map(|(_, _, it)| number::count(it.opened)).collect());
        text += &("\n".to_owned() + &grid.render(look));
    }
    for (id, it) in
        results.services.iter().enumerate().filter(|(_, it)| it.connections_waited + it.connections_ignored > 0)
    {
        let name = &facts.service(id).name;
        let (waited, ignored) = (number::count(it.connections_waited), number::count(it.connections_ignored));
        let line = format!(
            "{name} takes on no more connections at times: {waited} waited, {ignored} were ignored and tried again."
        );
        text += &look.wrap("", &line);
    }
    for (id, it) in results.spread.iter().enumerate() {
        let Some(it) = it else { continue };
        let all = it.arrivals.iter().sum::<u64>() as f64;
        let share = |count: Option<&u64>| number::share(count.and_then(|count| facts::ratio(*count as f64, all)));
        let line = format!(
            "Of all requests to {}, the busiest of its {} replicas got {}, the idlest {}: their clients stay connected to one.",
            facts.service(id).name,
            it.arrivals.len(),
            share(it.arrivals.iter().max()),
            share(it.arrivals.iter().min())
        );
        text += &look.wrap("", &line);
    }
    Some(text)
}

/// Where the time of a request goes; what is longest comes first.
fn path_in_words(path: &PathRow) -> String {
    let mut parts: Vec<(f64, Option<f64>, &str)> = transport::PART_NAMES
        .iter()
        .filter_map(|(_, key, words)| {
            Some((*path.parts_s.get(key)?, path.half_widths.get(key).copied().flatten(), *words))
        })
        .collect();
    parts.sort_by(|a, b| b.0.total_cmp(&a.0));
    let say = |(secs, half_width, words): &(f64, Option<f64>, &str)| {
        format!("{words} {}", number::in_words(Some(*secs), *half_width, number::secs))
    };
    let parts: Vec<String> = parts.iter().map(say).collect();
    let mean = number::in_words(path.mean_s, path.half_widths.get("mean_s").copied().flatten(), number::secs);
    format!("A request of {} takes {mean}, along what it waits for: {}.", path.workload, parts.join(", "))
}

/// What streamed; `None` where nothing does.
fn streams(facts: &Facts, results: &TransportResults, look: Look) -> Option<String> {
    let widths = transport::half_widths(facts);
    let streams = transport::edges(facts, results).filter_map(|(id, _, it)| Some((id, it.stream.as_deref()?)));
    let (ids, rows): (Vec<usize>, Vec<_>) = streams.unzip();
    if rows.is_empty() {
        return None;
    }
    let names = ids.iter().map(|id| facts.edge_names[*id].replace("->", "→")).collect();
    let mut grid = Grid::new("streams of", names);
    grid.column("messages\nread", 0, rows.iter().map(|it| number::count(it.read)).collect());
    let widths = |id: usize| widths.and_then(|all| all.edges[id].stream).unwrap_or_default();
    let both = |text: &dyn Fn(&StreamMessages, StreamConfidence) -> String| {
        ids.iter().zip(&rows).map(|(id, it)| text(it, widths(*id))).collect::<Vec<_>>()
    };
    let first = both(&|it, widths| {
        number::with_width(it.first.mean().map(Span::as_secs_f64), widths.first_message_mean_s, number::secs)
    });
    grid.column("first\nafter", 0, first);
    grid.column("p99", 2, rows.iter().map(|it| number::span(it.first.quantile(0.99))).collect());
    let level = |nanos, half_width| number::with_width(facts.mean_level(nanos), half_width, number::plain);
    let unread = both(&|it, widths| level(it.unread_nanos, widths.unread_bytes_mean));
    grid.column("bytes unread\nmean", 0, unread);
    grid.column("peak", 1, rows.iter().map(|it| number::count(it.unread_peak)).collect());
    let blocked = both(&|it, widths| level(it.blocked_nanos, widths.handlers_blocked_mean));
    grid.column("handlers\nblocked", 0, blocked);
    Some(grid.render(look))
}
