//! Who is next in a queue, and how long one waits in it: words, some of which take arguments.

use super::{Cx, Decode};
use crate::base::call::{Bound, Call};
use crate::base::distribution::Distribution;
use crate::base::suggest::did_you_mean;
use crate::base::time::Span;
use crate::base::units::ParseError;
use crate::model::{Discipline, QueueTimeout};
use crate::policy::queue::{AdaptiveTimeout, CodelSettings};
use crate::scenario::declare::{Form, Kind};
use crate::scenario::say::catalogue;
use crate::scenario::tree::Node;

const CODEL: &str = "codel(target=5ms, interval=100ms)";
const ADAPTIVE_LIFO: &str = "adaptive-lifo(standing=100ms)";
const ADAPTIVE: &str = "adaptive(5ms, standing=100ms)";
/// A queue that has not been empty for as long stands: the figure of "Fail at scale".
const STANDING: Span = Span::from_millis(100);

const DISCIPLINES: [&str; 7] = ["fifo", "lifo", "random", "priority", "preemptive", "codel", "adaptive-lifo"];
/// Disciplines that cannot be simulated yet.
const DISCIPLINES_LATER: [&str; 2] = ["fair", "edf"];

/// Who is next in a queue.
#[derive(Clone, Copy, Debug)]
pub(crate) struct DisciplineForm(pub(crate) Discipline);

impl Decode for DisciplineForm {
    fn kind() -> Kind {
        Kind::Form(Form {
            what: "a queueing discipline",
            example: "lifo",
            unit: "",
            pattern: "fifo|lifo|random|priority|preemptive|(codel|adaptive-lifo)(\\(.*\\))?",
        })
    }

    fn decode(node: &Node, cx: &mut Cx<'_>) -> Option<DisciplineForm> {
        let Some(text) = node.text() else {
            if let Some(diagnostic) = cx.wrong_type(node, &Self::kind()) {
                diagnostic.help(list());
            }
            return None;
        };
        let word = text.split('(').next().unwrap_or(text);
        if DISCIPLINES_LATER.contains(&word) {
            cx.say(&catalogue::NOT_YET, node.place, format!("\"{word}\" is not there yet")).help(list());
            return None;
        }
        if !DISCIPLINES.contains(&word) {
            let near = did_you_mean(word, DISCIPLINES).map(|near| format!("did you mean \"{near}\"?"));
            cx.say(&catalogue::UNKNOWN_WORD, node.place, format!("\"{word}\" is not a queueing discipline"))
                .maybe_help(near)
                .help(list());
            return None;
        }
        cx.read_text(node, discipline(text, word)).map(DisciplineForm)
    }
}

fn list() -> String {
    let words = DISCIPLINES.map(|word| format!("\"{word}\""));
    format!("write one of {}", words.join(", "))
}

fn discipline(text: &str, word: &str) -> Result<Discipline, ParseError> {
    Ok(match word {
        "codel" => {
            let defaults = CodelSettings::default();
            let (target, interval) = with_arguments(text, &[], &["target", "interval"], CODEL, |bound| {
                Ok((span(bound, "target", defaults.target)?, span(bound, "interval", defaults.interval)?))
            })?
            .unwrap_or((defaults.target, defaults.interval));
            Discipline::Codel(CodelSettings { target, interval })
        }
        "adaptive-lifo" => {
            let standing =
                with_arguments(text, &[], &["standing"], ADAPTIVE_LIFO, |bound| span(bound, "standing", STANDING))?;
            Discipline::AdaptiveLifo { standing: standing.unwrap_or(STANDING) }
        }
        _ if text.contains('(') => {
            return Err(ParseError::new(word.len()..text.len(), format!("`{word}` takes no arguments"))
                .hint(format!("write `{word}`")));
        }
        "lifo" => Discipline::Lifo,
        "random" => Discipline::Random,
        "priority" => Discipline::Priority,
        "preemptive" => Discipline::Preemptive,
        _ => Discipline::Fifo,
    })
}

/// What `read` makes of the arguments in `text`; `None` when it has none.
fn with_arguments<T>(
    text: &str,
    positional: &[&'static str],
    named: &[&'static str],
    usage: &str,
    read: impl FnOnce(&Bound<'_, '_>) -> Result<T, ParseError>,
) -> Result<Option<T>, ParseError> {
    if !text.contains('(') {
        return Ok(None);
    }
    let call = Call::parse(text).map_err(|fault| fault.hint(format!("write for example `{usage}`")))?;
    read(&call.bind(positional, named, usage)?).map(Some)
}

/// An argument that is a length of time, and not zero.
fn span(bound: &Bound<'_, '_>, name: &str, default: Span) -> Result<Span, ParseError> {
    let Some(arg) = bound.get(name) else { return Ok(default) };
    let span = arg.parse::<Span>()?;
    if span.is_zero() {
        return Err(ParseError::new(arg.value_range.clone(), format!("`{name}` must be longer than zero")));
    }
    Ok(span)
}

/// How long one waits in a queue.
#[derive(Clone, Debug)]
pub(crate) struct QueueTimeoutForm(pub(crate) QueueTimeout);

impl Decode for QueueTimeoutForm {
    fn kind() -> Kind {
        Kind::Form(Form {
            what: "a length of time, a distribution or `adaptive(..)`",
            example: "300ms",
            unit: "ns, us, ms, s, m, h, d",
            pattern: "TIME|[a-z]+\\(.+\\)",
        })
    }

    fn decode(node: &Node, cx: &mut Cx<'_>) -> Option<QueueTimeoutForm> {
        if let Some(text) = node.text().filter(|text| text.split('(').next().is_some_and(|word| word == "adaptive")) {
            let read = with_arguments(text, &["short"], &["standing"], ADAPTIVE, |bound| {
                bound.need("short")?;
                let (short, standing) = (span(bound, "short", STANDING)?, span(bound, "standing", STANDING)?);
                Ok(QueueTimeout::Adaptive(AdaptiveTimeout { short, standing }))
            });
            let read = read.and_then(|timeout| {
                timeout.ok_or_else(|| {
                    ParseError::new(0..text.len(), "`adaptive` needs arguments").hint(format!("write `{ADAPTIVE}`"))
                })
            });
            return cx.read_text(node, read).map(QueueTimeoutForm);
        }
        let length = Distribution::decode(node, cx)?;
        if length.constant() == Some(Span::ZERO) {
            cx.say(&catalogue::OUT_OF_RANGE, node.place, "nobody could wait for no time at all")
                .help("for a pool without a queue, write `queue = 0`");
            return None;
        }
        Some(QueueTimeoutForm(QueueTimeout::After(length)))
    }
}
