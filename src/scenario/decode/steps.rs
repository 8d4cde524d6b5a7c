//! Steps: a table is known by its verb, and a list may stand wherever a step may.

use super::branches::{ArmForm, Arms, BranchForm, Branches, NeedForm};
use super::fallback::FallbackForm;
use super::name::{CacheName, ClientName, EndpointName, PoolName};
use super::{Count, Cx, Decode, Field, say_unknown_key};
use crate::base::distribution::Distribution;
use crate::base::keys::KeyDistribution;
use crate::base::time::Span;
use crate::scenario::declare::{Keys, Kind, Section};
use crate::scenario::language::{
    CachedKeys, CallKeys, ChooseKeys, FailKeys, ForwardKeys, HoldKeys, ParallelKeys, PublishKeys, RepeatKeys,
    ReplyKeys, SleepKeys, WorkKeys,
};
use crate::scenario::say::{Place, catalogue};
use crate::scenario::tree::{Entry, Node, Value};

/// A list of steps; lists in lists are flattened.
#[derive(Debug, Default)]
pub(crate) struct Steps(pub(crate) Vec<StepForm>);

/// One step.
#[derive(Debug)]
pub(crate) struct StepForm {
    /// Where its verb stands.
    pub(crate) place: Place,
    /// What it does.
    pub(crate) kind: StepKind,
}

/// What a step does.
#[derive(Debug)]
pub(crate) enum StepKind {
    /// Uses the CPU.
    Work { work: Distribution, contention: Span },
    /// Waits.
    Sleep(Distribution),
    /// Calls and waits.
    Call {
        endpoint: EndpointName,
        client: Field<ClientName>,
        optional: bool,
        optional_place: Place,
        priority: Option<u8>,
        priority_place: Place,
        read: Option<Distribution>,
        read_place: Place,
        fallback: Option<FallbackForm>,
        fallback_place: Place,
    },
    /// Hands over.
    Forward { endpoint: EndpointName, client: Field<ClientName> },
    /// At the same time.
    Parallel { branches: Vec<BranchForm>, need: NeedForm, need_place: Place },
    /// By chance.
    Choose(Vec<ArmForm>),
    /// Again.
    Repeat { times: u32, steps: Steps },
    /// Takes a permit, and gives it back.
    Hold { pool: PoolName, steps: Steps },
    /// Looks up, and fetches.
    Cached { cache: CacheName, key: Option<KeyDistribution>, key_place: Place, miss: Steps },
    /// Publishes.
    Publish(Box<PublishKeys>),
    /// Answers.
    Reply,
    /// Gives up.
    Fail,
    /// Not readable; somebody has said so.
    Bad,
}

/// A verb, what tables with it can hold, and how they are read.
type Verb = (&'static str, fn() -> &'static Section, fn(&Node, &mut Cx<'_>) -> StepKind);

/// Every verb.
pub(crate) const VERBS: [Verb; 12] = [
    ("work", WorkKeys::section, work),
    ("sleep", SleepKeys::section, sleep),
    ("call", CallKeys::section, call),
    ("forward", ForwardKeys::section, forward),
    ("parallel", ParallelKeys::section, parallel),
    ("choose", ChooseKeys::section, choose),
    ("repeat", RepeatKeys::section, repeat),
    ("hold", HoldKeys::section, hold),
    ("cache", CachedKeys::section, cached),
    ("publish", PublishKeys::section, publish),
    ("reply", ReplyKeys::section, reply),
    ("fail", FailKeys::section, fail),
];

/// Verbs of the language that cannot be simulated yet.
const VERBS_LATER: [&str; 1] = ["respond"];

impl Decode for Steps {
    fn kind() -> Kind {
        Kind::Steps
    }

    fn decode(node: &Node, cx: &mut Cx<'_>) -> Option<Steps> {
        let mut steps = Steps::default();
        match &node.value {
            Value::List(items) => items.iter().for_each(|item| add(item, &mut steps, cx)),
            Value::Table(_) => add(node, &mut steps, cx),
            Value::Broken => return None,
            _ => {
                cx.wrong_type_with_example(node, &Self::kind());
                return None;
            }
        }
        Some(steps)
    }
}

fn add(node: &Node, steps: &mut Steps, cx: &mut Cx<'_>) {
    match &node.value {
        Value::List(items) => items.iter().for_each(|item| add(item, steps, cx)),
        Value::Table(_) => steps.0.push(step(node, cx)),
        Value::Broken => steps.0.push(StepForm { place: node.place, kind: StepKind::Bad }),
        _ => {
            cx.say(&catalogue::WRONG_TYPE, node.place, format!("expected a step, found {}", node.type_name()))
                .help("a step is a table: write for example `{ work = \"5ms\" }`");
            steps.0.push(StepForm { place: node.place, kind: StepKind::Bad });
        }
    }
}

fn step(node: &Node, cx: &mut Cx<'_>) -> StepForm {
    let Some(table) = node.table() else { return StepForm { place: node.place, kind: StepKind::Bad } };
    let verb_of = |entry: &Entry| VERBS.iter().find(|(verb, _, _)| *verb == entry.key);
    let mut verbs = table.entries.iter().filter_map(|entry| verb_of(entry).map(|verb| (entry, verb)));
    let Some((entry, (verb, _, read))) = verbs.next() else {
        without_verb(node, cx);
        return StepForm { place: node.place, kind: StepKind::Bad };
    };
    if let Some((second, (other, _, _))) = verbs.next() {
        cx.say(&catalogue::EXCLUDE, second.key_place, format!("a step does one thing, not `{verb}` and `{other}`"))
            .also(entry.key_place, "the other one")
            .help("write two steps: `[{ .. }, { .. }]`");
        return StepForm { place: entry.key_place, kind: StepKind::Bad };
    }
    StepForm { place: entry.key_place, kind: read(node, cx) }
}

fn without_verb(node: &Node, cx: &mut Cx<'_>) {
    let Some(table) = node.table() else { return };
    let verbs = || VERBS.iter().map(|(verb, _, _)| *verb);
    if let Some(entry) = table.entries.iter().find(|entry| VERBS_LATER.contains(&entry.key.as_str())) {
        cx.say(&catalogue::NOT_YET, entry.key_place, format!("`{}` is not there yet", entry.key))
            .label("this version has no such step")
            .help(format!("steps are {}", verbs().collect::<Vec<_>>().join(", ")));
        return;
    }
    // The key that is no companion of any verb is probably the misspelt verb.
    let companion =
        |key: &str| VERBS.iter().any(|(_, section, _)| section().keys.iter().any(|known| known.name == key));
    match table.entries.iter().find(|entry| !companion(&entry.key)) {
        Some(entry) => say_unknown_key(entry, "a step", verbs(), cx),
        None => {
            cx.say(&catalogue::MISSING_KEY, node.place, "this step does nothing")
                .help(format!("a step has one of the keys {}", verbs().collect::<Vec<_>>().join(", ")));
        }
    }
}

fn read<T: Decode>(node: &Node, cx: &mut Cx<'_>, make: impl FnOnce(T) -> Option<StepKind>) -> StepKind {
    T::decode(node, cx).and_then(make).unwrap_or(StepKind::Bad)
}

fn work(node: &Node, cx: &mut Cx<'_>) -> StepKind {
    read(node, cx, |keys: WorkKeys| {
        Some(StepKind::Work { work: keys.work.value()?.clone(), contention: keys.contention.or_default() })
    })
}

fn sleep(node: &Node, cx: &mut Cx<'_>) -> StepKind {
    read(node, cx, |keys: SleepKeys| keys.sleep.value().cloned().map(StepKind::Sleep))
}

fn call(node: &Node, cx: &mut Cx<'_>) -> StepKind {
    read(node, cx, |keys: CallKeys| {
        let endpoint = keys.call.value()?.clone();
        let (optional, optional_place) = (keys.optional.or_default(), keys.optional.key_place());
        let (priority, priority_place) =
            (keys.priority.value().map(|Count(priority)| *priority as u8), keys.priority.key_place());
        let (read, read_place) = (keys.read.value().cloned(), keys.read.key_place());
        Some(StepKind::Call {
            endpoint,
            client: keys.client,
            optional,
            optional_place,
            priority,
            priority_place,
            read,
            read_place,
            fallback_place: keys.fallback.key_place(),
            fallback: match keys.fallback {
                Field::Given { value, .. } => Some(value),
                _ => None,
            },
        })
    })
}

fn forward(node: &Node, cx: &mut Cx<'_>) -> StepKind {
    read(node, cx, |keys: ForwardKeys| {
        let endpoint = keys.forward.value()?.clone();
        Some(StepKind::Forward { endpoint, client: keys.client })
    })
}

fn parallel(node: &Node, cx: &mut Cx<'_>) -> StepKind {
    read(node, cx, |keys: ParallelKeys| {
        let need_place = keys.need.place();
        // What is in the branches is looked at even when nobody knows how many are needed.
        let need = keys.need.value().copied().unwrap_or(NeedForm::All);
        match keys.parallel {
            Field::Given { value: Branches(branches), .. } => Some(StepKind::Parallel { branches, need, need_place }),
            _ => None,
        }
    })
}

fn choose(node: &Node, cx: &mut Cx<'_>) -> StepKind {
    read(node, cx, |keys: ChooseKeys| match keys.choose {
        Field::Given { value: Arms(arms), .. } => Some(StepKind::Choose(arms)),
        _ => None,
    })
}

fn repeat(node: &Node, cx: &mut Cx<'_>) -> StepKind {
    let Some(keys) = RepeatKeys::decode(node, cx) else { return StepKind::Bad };
    let place = keys.steps.place();
    match (keys.repeat.value(), keys.steps) {
        (Some(Count(times)), Field::Given { value: steps, .. }) => {
            if steps.0.is_empty() {
                cx.say(&catalogue::NO_ITEMS, place, "there is nothing to repeat")
                    .help("write for example `steps = [{ call = \"orders.create\" }]`");
            }
            StepKind::Repeat { times: *times, steps }
        }
        _ => StepKind::Bad,
    }
}

fn hold(node: &Node, cx: &mut Cx<'_>) -> StepKind {
    let Some(keys) = HoldKeys::decode(node, cx) else { return StepKind::Bad };
    let place = keys.steps.place();
    match (keys.hold.value().cloned(), keys.steps) {
        (Some(pool), Field::Given { value: steps, .. }) => {
            if steps.0.is_empty() {
                cx.say(&catalogue::NO_ITEMS, place, "nothing is done with what is held")
                    .help("write for example `steps = [{ call = \"orders.create\" }]`");
            }
            StepKind::Hold { pool, steps }
        }
        _ => StepKind::Bad,
    }
}

fn cached(node: &Node, cx: &mut Cx<'_>) -> StepKind {
    read(node, cx, |keys: CachedKeys| {
        let (cache, key, key_place) = (keys.cache.value()?.clone(), keys.key.given().cloned(), keys.key.key_place());
        match keys.miss {
            Field::Given { value: miss, .. } => Some(StepKind::Cached { cache, key, key_place, miss }),
            _ => None,
        }
    })
}

fn publish(node: &Node, cx: &mut Cx<'_>) -> StepKind {
    PublishKeys::decode(node, cx).map_or(StepKind::Bad, |keys| StepKind::Publish(Box::new(keys)))
}

fn reply(node: &Node, cx: &mut Cx<'_>) -> StepKind {
    read(node, cx, |keys: ReplyKeys| keys.reply.value().map(|_| StepKind::Reply))
}

fn fail(node: &Node, cx: &mut Cx<'_>) -> StepKind {
    read(node, cx, |keys: FailKeys| keys.fail.value().map(|_| StepKind::Fail))
}
