//! Lists inside steps: the branches of `parallel`, the arms of `choose`, and how many branches are needed.

use super::steps::{StepForm, StepKind, Steps, VERBS};
use super::{Count, Cx, Decode, Field};
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
    } else {
        BranchForm { steps: Steps::decode(node, cx)?, optional: None }
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
        Some(Arms(items.iter().map(|item| arm(ArmKeys::decode(item, cx))).collect()))
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
                cx.say(&catalogue::UNKNOWN_WORD, node.place, format!("\"{text}\" is not a number of branches"))
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
