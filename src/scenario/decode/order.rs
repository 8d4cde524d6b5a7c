//! The order of a client's policies: a list of their names.

use super::{Cx, Decode};
use crate::base::suggest::did_you_mean;
use crate::policy::order::Layer;
use crate::scenario::declare::Kind;
use crate::scenario::say::{Place, catalogue};
use crate::scenario::tree::{Node, Value};

/// What other libraries call a policy, and what stands at a fixed place: what to write instead.
const OTHERS: &[(&str, &str)] = &[
    ("circuit_breaker", "a circuit breaker is called \"breaker\" here"),
    ("time_limiter", "a time limiter is called \"timeout\" here"),
    ("rate_limiter", "a rate limiter is called \"rate_limit\" here"),
    ("overall_timeout", "`overall_timeout` always stands outermost: leave it out"),
    ("fallback", "the fallback of a call always stands outside of its client: leave it out"),
    ("balance", "the balancer always comes last: leave it out"),
    ("outlier", "outlier detection always comes last, with the balancer: leave it out"),
    ("health", "passive health checks always come last, with the balancer: leave them out"),
];

const EXAMPLE: &str = "write for example `order = [\"breaker\", \"retry\", \"timeout\"]`, outermost first";

/// Policies, outermost first; none stands twice.
#[derive(Clone, Debug)]
pub(crate) struct OrderForm(pub(crate) Vec<(Layer, Place)>);

impl OrderForm {
    fn item() -> Kind {
        Kind::Words { what: "a policy of a client", words: Layer::NAMES.iter().map(|(name, _)| *name).collect() }
    }
}

impl Decode for OrderForm {
    fn kind() -> Kind {
        Kind::List(Box::new(OrderForm::item()))
    }

    fn decode(node: &Node, cx: &mut Cx<'_>) -> Option<OrderForm> {
        let Value::List(items) = &node.value else {
            if let Some(diagnostic) = cx.wrong_type(node, &Self::kind()) {
                diagnostic.help(EXAMPLE);
            }
            return None;
        };
        let mut order: Vec<(Layer, Place, &str)> = Vec::new();
        let mut is_good = true;
        for item in items {
            let Some((layer, name)) = layer(item, cx) else {
                is_good = false;
                continue;
            };
            if let Some((_, first, before)) = order.iter().find(|(known, _, _)| *known == layer) {
                let title = match *before == name {
                    true => format!("`{name}` stands twice in this order"),
                    false => format!("`{before}` and `{name}` have the same place: a client has one of them"),
                };
                cx.say(&catalogue::DEFINED_TWICE, item.place, title)
                    .also(*first, "here already")
                    .help("remove one of them");
                is_good = false;
                continue;
            }
            order.push((layer, item.place, name));
        }
        is_good.then(|| OrderForm(order.into_iter().map(|(layer, place, _)| (layer, place)).collect()))
    }
}

fn layer(item: &Node, cx: &mut Cx<'_>) -> Option<(Layer, &'static str)> {
    let names = || Layer::NAMES.iter().map(|(name, _)| *name);
    let Some(text) = item.text() else {
        if let Some(diagnostic) = cx.wrong_type(item, &OrderForm::item()) {
            diagnostic.help(EXAMPLE);
        }
        return None;
    };
    if let Some((name, layer)) = Layer::NAMES.iter().find(|(name, _)| *name == text) {
        return Some((*layer, name));
    }
    let other = OTHERS.iter().find(|(name, _)| *name == text).map(|(_, say)| (*say).to_owned());
    let near = || did_you_mean(text, names()).map(|near| format!("did you mean \"{near}\"?"));
    let list = names().map(|name| format!("\"{name}\"")).collect::<Vec<_>>().join(", ");
    cx.say(&catalogue::UNKNOWN_WORD, item.place, format!("\"{text}\" is not a policy of a client"))
        .maybe_help(other.or_else(near))
        .help(format!("write some of {list}, outermost first"));
    None
}
