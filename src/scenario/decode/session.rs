//! Sessions: what a user does before he leaves, step by step.

use super::{Count, Cx, Decode, Entries, Field};
use crate::base::distribution::Distribution;
use crate::scenario::declare::Kind;
use crate::scenario::language::SessionKeys;
use crate::scenario::say::{Place, catalogue};
use crate::scenario::tree::{Node, Value};

const EXAMPLE: &str = "[{ ask = \"api.home\" }, { think = \"exp(3s)\" }, { ask = \"api.page\" }]";

/// The steps of a session.
#[derive(Debug)]
pub(crate) struct SessionForm(pub(crate) Vec<SessionStepForm>);

/// One step of a session.
#[derive(Debug)]
pub(crate) enum SessionStepForm {
    /// Asks for endpoints that stand there.
    Ask(Entries, Place),
    /// Waits.
    Think(Distribution),
    /// Again; the number of times stands there.
    Repeat { times: u32, place: Place, steps: SessionForm },
    /// Not readable; somebody has said so.
    Bad,
}

impl SessionForm {
    /// Whether it asks for nothing, for all that is known.
    pub(crate) fn is_idle(&self) -> bool {
        self.0.iter().all(|step| match step {
            SessionStepForm::Think(_) => true,
            SessionStepForm::Repeat { steps, .. } => steps.is_idle(),
            SessionStepForm::Ask(..) | SessionStepForm::Bad => false,
        })
    }
}

impl Decode for SessionForm {
    fn kind() -> Kind {
        Kind::List(Box::new(SessionKeys::kind()))
    }

    fn decode(node: &Node, cx: &mut Cx<'_>) -> Option<SessionForm> {
        let Value::List(items) = &node.value else {
            let key = cx.key();
            if let Some(diagnostic) = cx.wrong_type(node, &Self::kind()) {
                diagnostic.help(format!("write for example `{key} = {EXAMPLE}`"));
            }
            return None;
        };
        if items.is_empty() {
            let key = cx.key();
            cx.say(&catalogue::NO_ITEMS, node.place, "a user does nothing here")
                .help(format!("write for example `{key} = {EXAMPLE}`"));
            return None;
        }
        Some(SessionForm(items.iter().map(|item| step(item, cx)).collect()))
    }
}

fn step(node: &Node, cx: &mut Cx<'_>) -> SessionStepForm {
    if !matches!(node.value, Value::Table(_) | Value::Broken) {
        let title = format!("expected a step of a session, found {}", node.type_name());
        cx.say(&catalogue::WRONG_TYPE, node.place, title)
            .help("a step is a table: write for example `{ ask = \"api.home\" }` or `{ think = \"exp(3s)\" }`");
        return SessionStepForm::Bad;
    }
    let Some(keys) = SessionKeys::decode(node, cx) else { return SessionStepForm::Bad };
    let places =
        [("ask", keys.ask.key_place()), ("think", keys.think.key_place()), ("repeat", keys.repeat.key_place())];
    let mut verbs = places.into_iter().filter(|(_, place)| place.is_somewhere());
    if let (Some((first, also)), Some((second, place))) = (verbs.next(), verbs.next()) {
        cx.say(&catalogue::EXCLUDE, place, format!("a step does one thing, not `{first}` and `{second}`"))
            .also(also, "the other one")
            .help("write two steps: `[{ .. }, { .. }]`");
        return SessionStepForm::Bad;
    }
    if let (Some(key), Field::Absent) = (keys.steps.given().map(|_| keys.steps.key_place()), &keys.repeat) {
        cx.say(&catalogue::PARTNER, key, "`steps` goes with `repeat`").help("write for example `repeat = 3` beside it");
        return SessionStepForm::Bad;
    }
    let place = keys.ask.place();
    match (keys.ask, keys.think, keys.repeat, keys.steps) {
        (Field::Given { value, .. }, ..) => SessionStepForm::Ask(value, place),
        (_, Field::Given { value, .. }, ..) => SessionStepForm::Think(value),
        (_, _, Field::Given { value: Count(times), place, .. }, Field::Given { value: steps, .. }) => {
            SessionStepForm::Repeat { times, place, steps }
        }
        (_, _, Field::Given { key, .. }, Field::Absent) => {
            cx.say(&catalogue::PARTNER, key, "`repeat` needs `steps`")
                .help("write what is repeated: `{ repeat = 3, steps = [{ ask = \"api.page\" }] }`");
            SessionStepForm::Bad
        }
        (Field::Absent, Field::Absent, Field::Absent, Field::Absent) => {
            if node.table().is_some_and(|table| table.entries.is_empty()) {
                cx.say(&catalogue::MISSING_KEY, node.place, "this step does nothing")
                    .help("a step of a session has one of the keys ask, think, repeat");
            }
            SessionStepForm::Bad
        }
        _ => SessionStepForm::Bad,
    }
}
