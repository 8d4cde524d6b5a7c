//! Tree → declared keys: every table is read against its declaration, every value by its type. What it means
//! that a value stands where it stands, and whether names exist, is decided later, in `build`.

mod arrivals;
mod branches;
mod change;
mod condition;
mod fallback;
mod limits;
mod messaging;
mod name;
mod order;
mod parameter;
mod policy;
mod queue;
mod scalar;
mod session;
mod steps;
mod table;
mod words;

use crate::base::units::ParseError;
use crate::scenario::declare::Kind;
use crate::scenario::files::{Files, Shelf};
use crate::scenario::say::{Code, Diagnostic, Findings, Place, Sources, catalogue};
use crate::scenario::tree::{Node, Value};

pub(crate) use arrivals::{ArrivalsForm, ProcessForm, ProfileForm, RATE_MAX};
pub(crate) use branches::{ArmForm, Arms, BranchForm, Branches, NeedForm};
pub(crate) use change::{Scales, SettingForm, Settings};
pub(crate) use condition::{
    Condition, METRICS, Measured, Unit, meaning, measured, measured_at, metric_name, metric_units,
};
pub(crate) use fallback::FallbackForm;
pub(crate) use messaging::{DeliveryWord, ReadCommitted, WorkerKind};
pub(crate) use name::{
    BrokerName, CacheName, CallerName, ClientName, ConsumerName, DestinationName, EndpointName, Entries, Item, List,
    Named, Noun, Overlays, PoolName, QueueName, Ref, ServiceName, TopicName, TransportName, WorkloadName, ZoneName,
    check_name, is_name,
};
pub(crate) use order::OrderForm;
pub(crate) use parameter::{Quantity, RangeForm, Scalar};
pub(crate) use policy::{
    BackoffForm, BreakerPreset, BulkheadPreset, HealthPreset, HedgeAfter, HedgePreset, JitterForm, LimitPreset,
    OutlierPreset, PresetValue, PushbackForm, RateLimitPreset, RetryOn, RetryPreset, SlowStartPreset, SpanOrShare,
    StruckReplicas, ThrottlePreset, WindowForm, preset_value,
};
pub(crate) use queue::{DisciplineForm, QueueTimeoutForm};
pub(crate) use scalar::{Count, LimitFrom, NotZero, Or, PositiveNumber, Seed, True, Unlimited};
pub(crate) use session::{SessionForm, SessionStepForm};
pub(crate) use steps::{StepForm, StepKind, Steps, VERBS};
pub(crate) use table::{Reader, read_table, say_unknown_key};
pub(crate) use words::{Auto, CacheScope, Expiry, MeshPreset, PoolPreset, TlsVersion, Word, Words, word_for};

/// What decoding needs at hand.
pub(crate) struct Cx<'a> {
    /// The texts.
    pub(crate) sources: &'a mut Sources,
    /// What is wrong.
    pub(crate) findings: &'a mut Findings,
    /// Reads files that the scenario names.
    pub(crate) files: &'a dyn Files,
    /// Those that were read.
    pub(crate) shelf: &'a mut Shelf,
    /// Whether parts of the file could not be read: what is missing may stand there.
    pub(crate) has_gaps: bool,
    /// The key that is being read.
    key: &'static str,
    /// The names of the tables around it: `orders`, `create` in `service.orders.endpoint.create`.
    path: Vec<String>,
}

/// A type that a key can have.
pub(crate) trait Decode: Sized {
    /// What it takes.
    fn kind() -> Kind;

    /// The value, or `None` after saying why not.
    fn decode(node: &Node, cx: &mut Cx<'_>) -> Option<Self>;
}

/// A declared key as it was found.
#[derive(Debug)]
pub(crate) enum Field<T> {
    /// Written.
    Given {
        /// What.
        value: T,
        /// Where the value stands.
        place: Place,
        /// Where the key stands.
        key: Place,
    },
    /// Not written; the declared default.
    Default(T),
    /// Not written, and there is no default.
    Absent,
    /// Written wrongly or missing; somebody has said so.
    Bad,
}

impl<T> Field<T> {
    /// What was written, or the default.
    pub(crate) fn value(&self) -> Option<&T> {
        match self {
            Field::Given { value, .. } | Field::Default(value) => Some(value),
            Field::Absent | Field::Bad => None,
        }
    }

    /// What was written, or the default; when bad, `T`'s own default, which no run will ever see.
    pub(crate) fn or_default(&self) -> T
    where
        T: Clone + Default,
    {
        self.value().cloned().unwrap_or_default()
    }

    /// What was written.
    pub(crate) fn given(&self) -> Option<&T> {
        match self {
            Field::Given { value, .. } => Some(value),
            _ => None,
        }
    }

    /// Where the value stands.
    pub(crate) fn place(&self) -> Place {
        match self {
            Field::Given { place, .. } => *place,
            _ => Place::NOWHERE,
        }
    }

    /// Where the key stands.
    pub(crate) fn key_place(&self) -> Place {
        match self {
            Field::Given { key, .. } => *key,
            _ => Place::NOWHERE,
        }
    }

    /// Whether somebody has said that it is wrong.
    pub(crate) fn is_bad(&self) -> bool {
        matches!(self, Field::Bad)
    }
}

impl<'a> Cx<'a> {
    /// A context for one tree.
    pub(crate) fn new(
        files: &'a dyn Files,
        shelf: &'a mut Shelf,
        sources: &'a mut Sources,
        findings: &'a mut Findings,
        has_gaps: bool,
    ) -> Cx<'a> {
        Cx { files, shelf, sources, findings, has_gaps, key: "", path: Vec::new() }
    }

    /// Says something.
    pub(crate) fn say(&mut self, code: &'static Code, place: Place, title: impl Into<String>) -> &mut Diagnostic {
        self.findings.add(Diagnostic::new(code, place, title))
    }

    /// Says that the value has another type.
    pub(crate) fn wrong_type(&mut self, node: &Node, kind: &Kind) -> Option<&mut Diagnostic> {
        if matches!(node.value, Value::Broken) {
            return None;
        }
        let (key, expected) = (self.key, kind.describe());
        let title = if key.is_empty() {
            format!("expected {expected}, found {}", node.type_name())
        } else {
            format!("`{key}` takes {expected}, not {}", node.type_name())
        };
        Some(self.say(&catalogue::WRONG_TYPE, node.place, title))
    }

    /// Says that the value has another type, and shows one that fits.
    pub(crate) fn wrong_type_with_example(&mut self, node: &Node, kind: &Kind) {
        let key = self.key;
        let help = match kind {
            Kind::Named(section) => format!("write [{}] and its keys below", self.header(section().path)),
            _ => format!("write for example `{key} = {}`", kind.example()),
        };
        if let Some(diagnostic) = self.wrong_type(node, kind)
            && !key.is_empty()
        {
            diagnostic.help(help);
        }
    }

    /// What was read from the text value `node`, or `None` after saying what is wrong in it.
    pub(crate) fn read_text<T>(&mut self, node: &Node, read: Result<T, ParseError>) -> Option<T> {
        match read {
            Ok(value) => Some(value),
            Err(fault) => {
                self.bad_text(node, fault);
                None
            }
        }
    }

    /// Says what is wrong inside the text value `node`.
    pub(crate) fn bad_text(&mut self, node: &Node, fault: ParseError) {
        let text = node.text().unwrap_or("");
        let place = self.sources.place_in_text(node.place, text, fault.range);
        self.say(&catalogue::BAD_VALUE, place, fault.message).maybe_help(fault.hint);
    }

    /// `section`'s path with the names around the current table in the places of NAME.
    pub(crate) fn header(&self, path: &str) -> String {
        let mut names = self.path.iter();
        let name = |segment: &str| match segment {
            "NAME" => names.next().cloned().unwrap_or_else(|| "NAME".to_owned()),
            other => other.to_owned(),
        };
        path.split('.').map(name).collect::<Vec<_>>().join(".")
    }

    /// The place of bytes `range` of a text value.
    pub(crate) fn place_in(&self, node: &Node, range: std::ops::Range<usize>) -> Place {
        self.sources.place_in_text(node.place, node.text().unwrap_or(""), range)
    }

    /// The place of `part` in a text value.
    pub(crate) fn place_of(&self, node: &Node, part: &str) -> Place {
        match node.text().and_then(|text| text.find(part)) {
            Some(at) => self.place_in(node, at..at + part.len()),
            None => node.place,
        }
    }

    /// The key that is being read.
    pub(crate) fn key(&self) -> &'static str {
        self.key
    }
}
