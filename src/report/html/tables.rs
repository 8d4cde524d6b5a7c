//! The tables of services and of edges, which sort by every column.

use maud::{Markup, html};

use crate::base::time::Span;
use crate::policy::Outcome;
use crate::report::facts::{self, Facts};
use crate::report::number;

/// A cell: what is read and what is sorted by.
struct Cell {
    text: String,
    value: Option<f64>,
}

type Row = (Vec<String>, Vec<Cell>);

fn cell(value: Option<f64>, text: fn(Option<f64>) -> String) -> Cell {
    Cell { text: text(value), value: value.filter(|value| value.is_finite()) }
}

fn span(value: Option<Span>) -> Cell {
    cell(value.map(Span::as_secs_f64), number::secs)
}

/// A row for each service.
pub(super) fn services(facts: &Facts) -> Markup {
    let row = |id: usize| {
        let it = &facts.results.services[id];
        let service = facts.service(id);
        let came = it.arrivals as f64;
        let turned_away = (it.rejected + it.shed + it.refused + it.dropped) as f64;
        let cells = vec![
            cell(Some(f64::from(service.replicas)), number::plain),
            cell(facts.per_sec(it.arrivals), number::rate),
            cell(facts.amplification(id), number::factor),
            cell(facts.thread_utilisation(id), number::share),
            cell(facts.core_utilisation(id), number::share),
            cell(facts.mean_level(it.queue_nanos), number::plain),
            span(it.wait.quantile(0.99)),
            span(it.sojourn.quantile(0.5)),
            span(it.sojourn.quantile(0.99)),
            cell(facts::ratio(turned_away, came), number::share),
            cell(facts::ratio(it.failed as f64, came), number::share),
            cell(facts::waste(it), number::share),
        ];
        (vec![service.name.clone()], cells)
    };
    let rows: Vec<Row> = (0..facts.results.services.len()).map(row).collect();
    let heads = [
        ("Service", ""),
        ("Replicas", "at the start"),
        ("Arrive", "attempts each second"),
        ("Usual", "arrivals as a multiple of those of the run without what goes wrong"),
        ("Threads", "busy share"),
        ("Cores", "busy share"),
        ("Queue", "mean number that wait"),
        ("Wait p99", "99th percentile of the time in the queue"),
        ("Time p50", "median time from arrival to the end of the handler"),
        ("Time p99", "99th percentile of the same"),
        ("Turned away", "rejected, shed, refused and dropped, of those that came"),
        ("Errors", "answered with an error, of those that came"),
        ("In vain", "share of busy thread time for callers who had given up"),
    ];
    table("services", "Services", &heads, 1, &rows)
}

/// A row for each edge.
pub(super) fn edges(facts: &Facts) -> Markup {
    let row = |(id, edge): (usize, &crate::model::Edge)| {
        let it = &facts.results.edges[id];
        let ended: u64 = it.outcomes.iter().sum();
        let share = |outcome: Outcome| facts::ratio(it.outcomes[outcome as usize] as f64, ended as f64);
        let other = ended
            - [Outcome::Ok, Outcome::Timeout, Outcome::ShortCircuited]
                .map(|it_| it.outcomes[it_ as usize])
                .iter()
                .sum::<u64>();
        let cells = vec![
            cell(facts.per_sec(it.calls), number::rate),
            cell(facts.per_sec(it.attempts), number::rate),
            cell(facts::retry_factor(it), number::factor),
            cell(share(Outcome::Ok), number::share),
            cell(share(Outcome::Timeout), number::share),
            cell(share(Outcome::ShortCircuited), number::share),
            cell(facts::ratio(other as f64, ended as f64), number::share),
            span(it.latency.quantile(0.5)),
            span(it.latency.quantile(0.99)),
        ];
        let names = vec![
            facts.caller_name(edge).to_owned(),
            facts.model.endpoint_name(edge.to),
            facts.model.clients[edge.client].name.clone(),
        ];
        (names, cells)
    };
    let rows: Vec<Row> = facts.edges.iter().enumerate().map(row).collect();
    let heads = [
        ("From", ""),
        ("To", ""),
        ("Client", ""),
        ("Calls", "each second"),
        ("Attempts", "each second"),
        ("Per call", "attempts for each call"),
        ("Good", "share of attempts that were answered well"),
        ("Timeouts", "share of attempts"),
        ("Breaker", "share of attempts that an open circuit breaker stopped"),
        ("Other", "share of attempts that failed otherwise"),
        ("p50", "median time to a good answer"),
        ("p99", "99th percentile of the same"),
    ];
    table("edges", "Calls", &heads, 3, &rows)
}

/// A table whose first `names` columns are text. Its heads are buttons: they sort.
fn table(id: &str, title: &str, heads: &[(&str, &str)], names: usize, rows: &[Row]) -> Markup {
    html! {
        section id=(id) aria-labelledby={ (id) "-title" } {
            h2 id={ (id) "-title" } { (title) }
            p { "After the warm-up. A head sorts by its column; once more turns the order round." }
            div .scroll tabindex="0" role="region" aria-labelledby={ (id) "-title" } {
                table .sorts {
                    thead { tr {
                        @for (n, (head, what)) in heads.iter().enumerate() {
                            th scope="col" .number[n >= names] aria-sort="none" {
                                button type="button" title=[(!what.is_empty()).then_some(what)] { (head) span .arrow aria-hidden="true" {} }
                            }
                        }
                    } }
                    tbody {
                        @for (texts, cells) in rows {
                            tr {
                                @for (n, text) in texts.iter().enumerate() {
                                    @if n == 0 { th scope="row" { (text) } } @else { td { (text) } }
                                }
                                @for cell in cells {
                                    td .number data-v=[cell.value.map(short)] { (cell.text) }
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}

/// As many digits as sorting needs.
fn short(value: f64) -> String {
    format!("{value:.6e}")
}
