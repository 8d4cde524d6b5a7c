//! Names: where they are given, and where something refers to them.

use std::marker::PhantomData;

use super::{Cx, Decode};
use crate::base::units::Share;
use crate::scenario::declare::{Keys, Kind};
use crate::scenario::say::{Place, catalogue};
use crate::scenario::tree::{Node, Value};

/// What a name is a name of.
pub(crate) trait Noun {
    /// For messages, without an article.
    const NOUN: &'static str;
}

macro_rules! nouns {
    ($($Noun:ident $noun:literal $Ref:ident;)*) => {$(
        #[doc = concat!("Marks names of a ", $noun, ".")]
        #[derive(Clone, Debug)]
        pub(crate) enum $Noun {}

        impl Noun for $Noun {
            const NOUN: &'static str = $noun;
        }

        #[doc = concat!("The name of a ", $noun, ", as something refers to it.")]
        pub(crate) type $Ref = Ref<$Noun>;
    )*};
}

nouns! {
    ServiceNoun "service" ServiceName;
    EndpointNoun "endpoint" EndpointName;
    WorkloadNoun "workload" WorkloadName;
    ClientNoun "client" ClientName;
    TransportNoun "transport" TransportName;
    PoolNoun "pool" PoolName;
    CacheNoun "cache" CacheName;
    BrokerNoun "broker" BrokerName;
    TopicNoun "topic" TopicName;
    QueueNoun "queue" QueueName;
    ConsumerNoun "consumer" ConsumerName;
    DestinationNoun "topic or queue" DestinationName;
    ZoneNoun "zone" ZoneName;
    CallerNoun "service or workload" CallerName;
    MeasuredNoun "workload or service" MeasuredName;
}

/// A name that something refers to; whether it exists is not known yet.
#[derive(Debug)]
pub(crate) struct Ref<K> {
    /// As written.
    pub(crate) text: String,
    /// Where it stands, without quotes where that is possible.
    pub(crate) place: Place,
    noun: PhantomData<K>,
}

impl<K> Clone for Ref<K> {
    fn clone(&self) -> Self {
        Ref::new(self.text.clone(), self.place)
    }
}

impl<K> Ref<K> {
    /// `text` at `place`.
    pub(crate) fn new(text: impl Into<String>, place: Place) -> Ref<K> {
        Ref { text: text.into(), place, noun: PhantomData }
    }
}

impl<K: Noun> Decode for Ref<K> {
    fn kind() -> Kind {
        Kind::Name(K::NOUN)
    }

    fn decode(node: &Node, cx: &mut Cx<'_>) -> Option<Self> {
        let Some(text) = node.text() else {
            cx.wrong_type_with_example(node, &Self::kind());
            return None;
        };
        Some(Ref::new(text, cx.place_in(node, 0..text.len())))
    }
}

/// Several things of a kind; at least one.
#[derive(Debug)]
pub(crate) struct List<T> {
    /// In the order of the file.
    pub(crate) items: Vec<T>,
}

impl<T: Decode> Decode for List<T> {
    fn kind() -> Kind {
        Kind::List(Box::new(T::kind()))
    }

    fn decode(node: &Node, cx: &mut Cx<'_>) -> Option<Self> {
        let Value::List(nodes) = &node.value else {
            cx.wrong_type_with_example(node, &Self::kind());
            return None;
        };
        if nodes.is_empty() {
            let (key, example) = (cx.key(), Self::kind().example());
            cx.say(&catalogue::NO_ITEMS, node.place, format!("`{key}` names nothing"))
                .help(format!("write for example `{key} = {example}`, or leave it out"));
            return None;
        }
        // They have no key of their own.
        let key = std::mem::take(&mut cx.key);
        let items: Vec<T> = nodes.iter().filter_map(|node| T::decode(node, cx)).collect();
        cx.key = key;
        (items.len() == nodes.len()).then_some(List { items })
    }
}

/// A table from names to tables.
#[derive(Debug)]
pub(crate) struct Named<T> {
    /// In the order of the file.
    pub(crate) items: Vec<Item<T>>,
}

/// One named table.
#[derive(Debug)]
pub(crate) struct Item<T> {
    /// As in the file.
    pub(crate) name: String,
    /// Where the name stands.
    pub(crate) place: Place,
    /// `None` when it could not be read at all.
    pub(crate) value: Option<T>,
}

impl<T> Default for Named<T> {
    fn default() -> Self {
        Named { items: Vec::new() }
    }
}

impl<T: Keys + Decode> Decode for Named<T> {
    fn kind() -> Kind {
        Kind::Named(T::section)
    }

    fn decode(node: &Node, cx: &mut Cx<'_>) -> Option<Self> {
        let Some(table) = node.table() else {
            cx.wrong_type_with_example(node, &Self::kind());
            return None;
        };
        let mut items = Vec::with_capacity(table.entries.len());
        for entry in &table.entries {
            // An overlay takes a thing away by its name.
            if entry.node.text() == Some("none") {
                continue;
            }
            check_name(&entry.key, entry.key_place, cx);
            cx.path.push(entry.key.clone());
            let value = match &entry.node.value {
                Value::Table(_) => T::decode(&entry.node, cx),
                Value::Broken => None,
                _ => {
                    not_a_table::<T>(entry.node.type_name(), &entry.key, entry.key_place, cx);
                    None
                }
            };
            cx.path.pop();
            items.push(Item { name: entry.key.clone(), place: entry.key_place, value });
        }
        Some(Named { items })
    }
}

/// A key where a name should be: `[service] replicas = 3`.
fn not_a_table<T: Keys>(found: &str, key: &str, place: Place, cx: &mut Cx<'_>) {
    let section = T::section();
    let header = cx.header(section.path);
    let diagnostic =
        cx.say(&catalogue::WRONG_TYPE, place, format!("`{key}` should be the name of {}, a table", section.noun));
    diagnostic.label(format!("this is {found}"));
    if section.keys.iter().any(|known| known.name == key) {
        let outer = header.rsplit_once('.').map_or(header.as_str(), |(outer, _)| outer);
        diagnostic.help(format!("`{key}` is a key of {}: write it below [{outer}.NAME]", section.noun));
    } else {
        diagnostic.help(format!("write [{header}] and its keys below"));
    }
}

fn fits(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '-' || c == '_'
}

/// Whether something can be called `text`.
pub(crate) fn is_name(text: &str) -> bool {
    !text.is_empty() && text.chars().all(fits)
}

/// Says so when nothing can be called `name`.
pub(crate) fn check_name(name: &str, place: Place, cx: &mut Cx<'_>) {
    if is_name(name) {
        return;
    }
    let bad = name.chars().find(|c| !fits(*c));
    let title = if name.is_empty() { "the name is empty".to_owned() } else { format!("`{name}` is not a name") };
    let diagnostic = cx.say(&catalogue::BAD_NAME, place, title);
    if let Some(c) = bad {
        // Many letters of other alphabets look like those from a to z.
        let code =
            if c.is_ascii() || !c.is_alphabetic() { String::new() } else { format!(" (U+{:04X})", u32::from(c)) };
        diagnostic.label(format!("`{}`{code} cannot stand in a name", c.escape_debug()));
    }
    let pieces: Vec<&str> = name.split(|c: char| !fits(c)).filter(|piece| !piece.is_empty()).collect();
    let proposal = pieces.join("-");
    diagnostic.help(if proposal.is_empty() {
        "names consist of letters from a to z, digits, `-` and `_`".to_owned()
    } else {
        format!("names consist of letters from a to z, digits, `-` and `_`, such as `{proposal}`")
    });
}

/// Which endpoints a workload asks for.
#[derive(Debug)]
pub(crate) struct Entries {
    /// With their shares.
    pub(crate) shares: Vec<(Share, EndpointName)>,
    /// Whether one could not be read.
    pub(crate) is_partial: bool,
}

impl Decode for Entries {
    fn kind() -> Kind {
        Kind::Either(vec![EndpointName::kind(), Kind::Map("endpoints to shares", Box::new(Share::kind()))])
    }

    fn decode(node: &Node, cx: &mut Cx<'_>) -> Option<Entries> {
        let Some(table) = node.table() else {
            if node.text().is_none() {
                cx.wrong_type_with_example(node, &Self::kind());
                return None;
            }
            let all = EndpointName::decode(node, cx)?;
            return Some(Entries { shares: vec![(Share::ONE, all)], is_partial: false });
        };
        if table.entries.is_empty() {
            cx.say(&catalogue::NO_ITEMS, node.place, "the workload asks for nothing")
                .help("write for example `entry = \"orders.create\"`");
            return None;
        }
        let mut entries = Entries { shares: Vec::new(), is_partial: false };
        for entry in &table.entries {
            if let Some(inner) = entry.node.table() {
                let endpoint = inner.keys().next().unwrap_or("endpoint");
                cx.say(&catalogue::WRONG_TYPE, entry.key_place, "an endpoint with a dot stands in quotes here")
                    .label("TOML reads the dot as a table in a table")
                    .help(format!("write `\"{}.{endpoint}\" = \"50%\"`", entry.key));
                entries.is_partial = true;
                continue;
            }
            let place = cx.sources.place_in_text(entry.key_place, &entry.key, 0..entry.key.len());
            match Share::decode(&entry.node, cx) {
                Some(share) => entries.shares.push((share, Ref::new(entry.key.clone(), place))),
                None => entries.is_partial = true,
            }
        }
        Some(entries)
    }
}

/// The variants of a file. Only their names are read here: what is in them is read where it is laid over.
#[derive(Debug)]
pub(crate) struct Overlays;

impl Decode for Overlays {
    fn kind() -> Kind {
        Kind::Overlays
    }

    fn decode(node: &Node, cx: &mut Cx<'_>) -> Option<Overlays> {
        let Some(table) = node.table() else {
            cx.wrong_type_with_example(node, &Self::kind());
            return None;
        };
        for entry in &table.entries {
            check_name(&entry.key, entry.key_place, cx);
            match entry.node.table() {
                None => {
                    let found = entry.node.type_name();
                    cx.say(
                        &catalogue::WRONG_TYPE,
                        entry.key_place,
                        format!("the variant `{}` is a table, not {found}", entry.key),
                    )
                    .help(format!("write [variant.{}] and below it what it changes", entry.key));
                }
                Some(inner) => {
                    if let Some(nested) = inner.get("variant") {
                        cx.say(&catalogue::BAD_OVERLAY, nested.key_place, "a variant cannot hold variants")
                            .help("several variants can be laid over each other: --variant a --variant b");
                    }
                    if let Some(extends) = inner.get("extends") {
                        cx.say(&catalogue::BAD_OVERLAY, extends.key_place, "a variant cannot extend a scenario")
                            .help("write `extends` at the top of the file, or lay two variants over each other");
                    }
                }
            }
        }
        Some(Overlays)
    }
}
