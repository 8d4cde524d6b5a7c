//! Calls that hold up their caller for long, even when nobody waits: candidates for a faster transport or a queue.

use super::{Finding, Grade, Look, is_sync, secs};
use crate::model::Id;

/// Who is held up for longer could do something else.
const SLOW_SECS: f64 = 0.05;

pub(super) fn find(look: &Look<'_>, found: &mut Vec<Finding>) {
    for edge in look.edges.iter().filter(|edge| is_sync(edge)) {
        let answer = look.paper.answer[edge.to.index()];
        if answer <= SLOW_SECS || look.rate(edge.to) <= 0.0 {
            continue;
        }
        let what = format!("`{}` takes {} even when nobody waits", look.model.edge_name(edge), secs(answer));
        found.push(
            Finding::new("slow-call", Grade::Warning, look.endpoint_path(edge.to, "steps"), what)
                .number(answer * 1e3, "ms, on paper")
                .why("the caller holds a thread for as long, and whatever slows the callee slows the caller")
                .help("publish it to a queue if nobody needs the answer, or try `transport = \"grpc\"`"),
        );
    }
}
