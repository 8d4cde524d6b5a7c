//! The tables of transports: where the time of a request goes, what messages cost, and on which connections they travel.
//! Models without transports have none.

use super::grid::Grid;
use super::{HEAD, Look};
use crate::report::facts::Facts;
use crate::report::{number, transport};

/// All of it.
pub(super) fn tables(facts: &Facts, look: Look) -> Option<String> {
    let results = facts.results.transport.as_ref()?;
    let time = transport::time_per_request(facts, results);
    let parts = [
        ("network", time.network_s),
        ("waiting for connections", time.connections_s),
        ("writing and reading messages", time.encoding_cpu_s),
        ("handshakes", time.handshakes_cpu_s),
        ("waiting for threads", time.waiting_for_threads_s),
        ("work", time.work_cpu_s),
    ];
    let parts = parts.iter().filter(|(_, secs)| secs.is_some_and(|secs| secs > 0.0));
    let parts: Vec<String> = parts.map(|(name, secs)| format!("{name} {}", number::secs(*secs))).collect();
    let sum = format!("A request, with all that it causes: {}.", parts.join(", "));

    let (ids, rows): (Vec<usize>, Vec<_>) =
        transport::edges(facts, results).map(|(id, name, it)| (id, (name, it))).unzip();
    let names = ids.iter().map(|id| facts.edge_names[*id].replace("->", "→")).collect();
    let mut grid = Grid::new("messages of", names);
    grid.column("transport", 0, rows.iter().map(|(name, _)| (*name).to_owned()).collect());
    grid.column("messages", 3, rows.iter().map(|(_, it)| number::count(it.messages)).collect());
    let bytes = |it| number::plain(transport::bytes_per_message(it));
    grid.column("bytes\neach", 1, rows.iter().map(|(_, it)| bytes(it)).collect());
    let network = |it| number::secs(transport::network_mean(it));
    grid.column("under\nway", 1, rows.iter().map(|(_, it)| network(it)).collect());
    grid.column("wait for a\nconnection", 0, rows.iter().map(|(_, it)| number::span(it.waits.mean())).collect());
    grid.column("p99", 2, rows.iter().map(|(_, it)| number::span(it.waits.quantile(0.99))).collect());
    let mut text = look.paint(HEAD, "Messages") + "\n" + &grid.render(look) + &look.wrap("", &sum);

    let streams = transport::edges(facts, results).filter_map(|(id, _, it)| Some((id, it.stream.as_deref()?)));
    let (ids, rows): (Vec<usize>, Vec<_>) = streams.unzip();
    if !rows.is_empty() {
        let names = ids.iter().map(|id| facts.edge_names[*id].replace("->", "→")).collect();
        let mut grid = Grid::new("streams of", names);
        grid.column("messages\nread", 0, rows.iter().map(|it| number::count(it.read)).collect());
        grid.column("first\nafter", 0, rows.iter().map(|it| number::span(it.first.mean())).collect());
        grid.column("p99", 2, rows.iter().map(|it| number::span(it.first.quantile(0.99))).collect());
        let unread = |nanos| number::plain(facts.mean_level(nanos));
        grid.column("bytes unread\nmean", 0, rows.iter().map(|it| unread(it.unread_nanos)).collect());
        grid.column("peak", 1, rows.iter().map(|it| number::count(it.unread_peak)).collect());
        let blocked = |nanos| number::plain(facts.mean_level(nanos));
        grid.column("handlers\nblocked", 0, rows.iter().map(|it| blocked(it.blocked_nanos)).collect());
        text += &("\n".to_owned() + &grid.render(look));
    }

    let busy: Vec<usize> = (0..results.services.len()).filter(|id| results.services[*id].encoding_nanos > 0).collect();
    if !busy.is_empty() {
        let mut grid = Grid::new("CPU time of", busy.iter().map(|id| facts.service(*id).name.clone()).collect());
        let of = |text: &dyn Fn(usize) -> String| busy.iter().map(|id| text(*id)).collect::<Vec<_>>();
        let cores = |nanos| number::plain(facts.mean_level(nanos));
        grid.column("cores\nbusy", 0, of(&|id| cores(facts.results.services[id].work_nanos)));
        let share = |id: usize| number::share(transport::encoding_share(facts, id, &results.services[id]));
        grid.column("in\nmessages", 0, of(&share));
        if busy.iter().any(|id| results.services[*id].handshakes > 0) {
            grid.column("handshakes", 1, of(&|id| number::count(results.services[id].handshakes)));
            grid.column("their cores", 2, of(&|id| cores(results.services[id].handshake_nanos)));
        }
        text += &("\n".to_owned() + &grid.render(look));
    }

    let (names, rows): (Vec<String>, Vec<_>) =
        transport::connections(facts, results).map(|(name, it)| (name.replace("->", "→"), it)).unzip();
    if !rows.is_empty() {
        let mut grid = Grid::new("connections", names);
        grid.column("open\nmean", 0, rows.iter().map(|it| number::plain(facts.mean_level(it.open_nanos))).collect());
        grid.column("peak", 1, rows.iter().map(|it| number::count(it.peak.into())).collect());
        grid.column("opened", 0, rows.iter().map(|it| number::count(it.opened)).collect());
        text += &("\n".to_owned() + &grid.render(look));
    }
    Some(text)
}
