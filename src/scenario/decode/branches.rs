//! Lists inside steps: the branches of `parallel`, the arms of `choose`, and how many branches are needed.

use super::steps::{StepForm, StepKind, Steps, VERBS};
use super::{Count, Cx, Decode, Field};
use crate::base::suggest::did_you_mean;
use crate::base::units::Share;
use crate::scenario::declare::Kind;
use crate::scenario::language::{ArmKeys, BranchKeys};
use crate::scenario::say::{Place, catalogue};
use crate::scenario::tree::{Node, Value};

/// A branch of a parallel step.
#[derive(Debug)]
pub(crate) struct BranchForm {
    /// What it does.
    pub(crate) steps: Steps,
    /// Where it says that it is optional, if it does.
    pub(crate) optional: Option<Place>,
}

/// An arm of a choice.
#[derive(Debug)]
pub(crate) struct ArmForm {
    /// How likely; `None` when not readable.
    pub(crate) share: Option<Share>,
    /// What it does.
    pub(crate) steps: Steps,
}

/// How many branches must succeed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum NeedForm {
    /// All.
    All,
    /// One.
    Any,
    /// This many.
    AtLeast(u32),
}

/// The branches of a parallel step.
#[derive(Debug)]
pub(crate) struct Branches(pub(super) Vec<BranchForm>);

impl Decode for Branches {
    fn kind() -> Kind {
        Kind::List(Box::new(Kind::Either(vec![Kind::Steps, BranchKeys::kind()])))
    }

    fn decode(node: &Node, cx: &mut Cx<'_>) -> Option<Branches> {
        let Value::List(items) = &node.value else {
            if let Some(diagnostic) = cx.wrong_type(node, &Self::kind()) {
                diagnostic.help("write for example `parallel = [{ call = \"a.x\" }, { call = \"b.y\" }]`");
            }
            return None;
        };
        if items.is_empty() {
            cx.say(&catalogue::NO_ITEMS, node.place, "there is nothing to do at the same time")
                .help("write for example `parallel = [{ call = \"a.x\" }, { call = \"b.y\" }]`");
            return None;
        }
        Some(Branches(items.iter().filter_map(|item| branch(item, cx)).collect()))
    }
}

fn branch(node: &Node, cx: &mut Cx<'_>) -> Option<BranchForm> {
    let is_list_with_options = node.table().is_some_and(|table| {
        table.get("steps").is_some() && !VERBS.iter().any(|(verb, _, _)| table.get(verb).is_some())
    });
    let mut form = if is_list_with_options {
        let keys = BranchKeys::decode(node, cx)?;
        let optional = keys.optional.or_default().then(|| keys.optional.key_place());
        let Field::Given { value: steps, .. } = keys.steps else { return None };
        BranchForm { steps, optional }
    } else if matches!(node.value, Value::Table(_) | Value::List(_) | Value::Broken) {
        BranchForm { steps: Steps::decode(node, cx)?, optional: None }
    } else {
        cx.say(&catalogue::WRONG_TYPE, node.place, format!("expected a branch, found {}", node.type_name()))
            .help("a branch is a step or a list of steps: write for example `{ call = \"orders.create\" }`");
        return None;
    };
    // An optional call that is a whole branch is an optional branch: one meaning, one form.
    if let [StepForm { kind: StepKind::Call { optional, optional_place, .. }, .. }] = form.steps.0.as_mut_slice()
        && *optional
    {
        *optional = false;
        form.optional = Some(*optional_place);
    }
    if form.steps.0.is_empty() {
        cx.say(&catalogue::NO_ITEMS, node.place, "a branch needs at least one step").help("remove it, or write a step");
    }
    Some(form)
}

/// The arms of a choice.
#[derive(Debug)]
pub(crate) struct Arms(pub(super) Vec<ArmForm>);

impl Decode for Arms {
    fn kind() -> Kind {
        Kind::List(Box::new(ArmKeys::kind()))
    }

    fn decode(node: &Node, cx: &mut Cx<'_>) -> Option<Arms> {
        let example =
            "write for example `choose = [{ share = \"90%\", steps = [..] }, { share = \"10%\", steps = [..] }]`";
        let Value::List(items) = &node.value else {
            if let Some(diagnostic) = cx.wrong_type(node, &Self::kind()) {
                diagnostic.help(example);
            }
            return None;
        };
        if items.is_empty() {
            cx.say(&catalogue::NO_ITEMS, node.place, "there is nothing to choose from").help(example);
            return None;
        }
        let arm = |keys: Option<ArmKeys>| match keys {
            Some(ArmKeys { share, steps: Field::Given { value: steps, .. }, .. }) => {
                ArmForm { share: share.value().copied(), steps }
            }
            _ => ArmForm { share: None, steps: Steps::default() },
        };
        let mut arms = Vec::with_capacity(items.len());
        for item in items {
            if !matches!(item.value, Value::Table(_) | Value::Broken) {
                let title = format!("expected an arm of `choose`, found {}", item.type_name());
                cx.say(&catalogue::WRONG_TYPE, item.place, title)
                    .help("an arm is a table: write for example `{ share = \"90%\", steps = [{ work = \"5ms\" }] }`");
                arms.push(arm(None));
            } else {
                arms.push(arm(ArmKeys::decode(item, cx)));
            }
        }
        Some(Arms(arms))
    }
}

impl Decode for NeedForm {
    fn kind() -> Kind {
        Kind::Or("all", Box::new(Kind::Or("any", Box::new(Count::<1>::kind()))))
    }

    fn decode(node: &Node, cx: &mut Cx<'_>) -> Option<NeedForm> {
        match &node.value {
            Value::Text(text) if text == "all" => Some(NeedForm::All),
            Value::Text(text) if text == "any" => Some(NeedForm::Any),
            Value::Integer(_) => Count::<1>::decode(node, cx).map(|count| NeedForm::AtLeast(count.0)),
            Value::Text(text) => {
                let near = match text.parse::<u32>() {
                    Ok(number) => Some(format!("write it without quotes: `need = {number}`")),
                    Err(_) => did_you_mean(text, ["all", "any"]).map(|near| format!("did you mean \"{near}\"?")),
                };
                cx.say(&catalogue::UNKNOWN_WORD, node.place, format!("\"{text}\" is not a number of branches"))
                    .maybe_help(near)
                    .help("write \"all\", \"any\" or a number");
                None
            }
            _ => {
                if let Some(diagnostic) = cx.wrong_type(node, &Self::kind()) {
                    diagnostic.help("write \"all\", \"any\" or a number");
                }
                None
            }
        }
    }
}
