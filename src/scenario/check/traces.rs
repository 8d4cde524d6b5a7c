//! Recorded traffic that is longer or shorter than the run, or has holes.

use crate::base::time::Time;
use crate::model::Model;
use crate::scenario::build::Atlas;
use crate::scenario::decode::Cx;
use crate::scenario::say::catalogue;

/// A difference of less than a hundredth of the run is none.
const TOLERANCE: u64 = 100;

pub(super) fn find(model: &Model, atlas: &Atlas, cx: &mut Cx<'_>) {
    let end = model.end();
    let tolerance = model.duration.as_nanos() / TOLERANCE;
    for fit in &atlas.traces {
        let (trace_end, end_nanos) = (fit.end.as_nanos(), end.as_nanos());
        if trace_end > end_nanos.saturating_add(tolerance) {
            let part = end_nanos as f64 / trace_end as f64 * 100.0;
            cx.say(
                &catalogue::TRACE_FIT,
                fit.place,
                format!("the run ends at {end}, the trace at {}: {} of it is played", rounded(fit.end), percent(part)),
            )
            .help("play it faster with `speed=..`, or lengthen `duration`");
        } else if trace_end.saturating_add(tolerance) < end_nanos {
            cx.say(
                &catalogue::TRACE_FIT,
                fit.place,
                format!("the trace ends at {}, the run at {end}: nothing arrives in between", rounded(fit.end)),
            )
            .help("shorten `duration`, or play it slower with `speed=..`");
        }
        if let Some(column) = &fit.counts {
            cx.say(
                &catalogue::TRACE_FIT,
                fit.place,
                format!("each row is one request, and the numbers in `{column}` are not looked at"),
            )
            .help("if they count requests, say of which time: `per=1m`");
        }
        if fit.gaps > 0 && !fit.is_decided {
            let gaps = if fit.gaps == 1 { "a gap".to_owned() } else { format!("{} gaps", fit.gaps) };
            cx.say(
                &catalogue::TRACE_FIT,
                fit.place,
                format!("the trace has {gaps}, the longest of {}: nothing arrives there", fit.longest),
            )
            .help("write `gaps=zero` if no row means no request, or `gaps=hold` to keep the rate before a gap");
        }
    }
}

fn percent(part: f64) -> String {
    match part {
        part if part < 0.1 => "less than 0.1%".to_owned(),
        part if part < 10.0 => format!("{part:.1}%"),
        part => format!("{part:.0}%"),
    }
}

/// Whole milliseconds are exact enough for a message.
fn rounded(time: Time) -> String {
    time.since(Time::ZERO).approx()
}
