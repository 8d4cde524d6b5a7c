//! What stands in for the answer of a call: a word, a cache that keeps good answers, or steps.

use super::name::CacheName;
use super::steps::Steps;
use super::{Cx, Decode};
use crate::base::suggest::did_you_mean;
use crate::scenario::declare::Kind;
use crate::scenario::language::LastGoodKeys;
use crate::scenario::say::catalogue;
use crate::scenario::tree::Node;

/// What stands in for an answer.
#[derive(Debug)]
pub(crate) enum FallbackForm {
    /// Always the same.
    Constant,
    /// The last good one, from a cache.
    LastGood(CacheName),
    /// What these steps find.
    Steps(Steps),
}

const CONSTANT: &str = "constant";

impl Decode for FallbackForm {
    fn kind() -> Kind {
        Kind::Either(vec![Kind::Words { what: "a fallback", words: vec![CONSTANT] }, LastGoodKeys::kind(), Kind::Steps])
    }

    fn decode(node: &Node, cx: &mut Cx<'_>) -> Option<FallbackForm> {
        const HELP: &str = "write \"constant\" for an answer that is always the same, `{ last_good = \"CACHE\" }` for the last \
                            good one, or a step such as `{ call = \"backup.quote\" }`";
        if let Some(text) = node.text() {
            if text == CONSTANT {
                return Some(FallbackForm::Constant);
            }
            cx.say(&catalogue::UNKNOWN_WORD, node.place, format!("unknown fallback \"{text}\""))
                .maybe_help(did_you_mean(text, [CONSTANT]).map(|near| format!("did you mean \"{near}\"?")))
                .help(HELP);
            return None;
        }
        if node.table().is_some_and(|table| table.get("last_good").is_some()) {
            return LastGoodKeys::decode(node, cx)?.last_good.value().cloned().map(FallbackForm::LastGood);
        }
        let steps = Steps::decode(node, cx)?;
        if steps.0.is_empty() {
            cx.say(&catalogue::NO_ITEMS, node.place, "nothing stands in for the answer").help(HELP);
            return None;
        }
        Some(FallbackForm::Steps(steps))
    }
}
