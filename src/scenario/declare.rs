//! How keys are declared: once, with type, default and doc. The same declaration decodes the key, knows its
//! neighbours for "did you mean", and describes it for the schema and the reference.

use super::decode::Reader;

/// One kind of table of the language.
#[derive(Debug)]
pub(crate) struct Section {
    /// Where it stands: `service.NAME`.
    pub(crate) path: &'static str,
    /// What it is, with an article, for messages: "a service".
    pub(crate) noun: &'static str,
    /// What it is for.
    pub(crate) about: &'static [&'static str],
    /// What it can hold.
    pub(crate) keys: &'static [Key],
    /// Keys that are part of the language but cannot be simulated yet.
    pub(crate) later: &'static [&'static str],
}

/// One key.
pub(crate) struct Key {
    /// As in the file.
    pub(crate) name: &'static str,
    /// What it takes.
    pub(crate) kind: fn() -> Kind,
    /// What holds when it is left out.
    pub(crate) presence: Presence,
    /// The version that knew it first.
    pub(crate) since: &'static str,
    /// What it means, line by line.
    pub(crate) doc: &'static [&'static str],
}

impl std::fmt::Debug for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Key").field("name", &self.name).finish_non_exhaustive()
    }
}

/// What holds when a key is left out.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Presence {
    /// It must be there.
    Required,
    /// Its doc says.
    Optional,
    /// This value, as one would write it; text without quotes.
    Default(&'static str),
}

/// What a key takes.
#[derive(Debug)]
pub(crate) enum Kind {
    /// Any text.
    Text,
    /// `true` or `false`.
    Flag,
    /// Only `true`; leave it out otherwise.
    True,
    /// A whole number in a range.
    Integer {
        /// The smallest.
        min: u64,
        /// The largest.
        max: u64,
    },
    /// A finite number that is not negative.
    Number,
    /// Text that reads itself.
    Form(Form),
    /// One of a few words.
    Words {
        /// With an article: "a balancer".
        what: &'static str,
        /// All of them, with those not there yet.
        words: Vec<&'static str>,
    },
    /// A text, a number, `true` or `false`.
    Scalar,
    /// What the key takes that a path names.
    Any,
    /// The name of something that the file defines: "client".
    Name(&'static str),
    /// Such a word, or something else.
    Or(&'static str, Box<Kind>),
    /// A table with declared keys.
    Table(fn() -> &'static Section),
    /// A table from names to tables with declared keys.
    Named(fn() -> &'static Section),
    /// A table from names to something.
    Map(&'static str, Box<Kind>),
    /// An array.
    List(Box<Kind>),
    /// A step, or a list of steps.
    Steps,
    /// One of several.
    Either(Vec<Kind>),
    /// Overlays: a table from names to tables like the whole file.
    Overlays,
}

impl Kind {
    /// For messages, with an article.
    pub(crate) fn describe(&self) -> String {
        match self {
            Kind::Text => "a string".to_owned(),
            Kind::Flag => "`true` or `false`".to_owned(),
            Kind::True => "`true`".to_owned(),
            Kind::Integer { .. } => "a whole number".to_owned(),
            Kind::Number => "a number".to_owned(),
            Kind::Scalar => "a text, a number, `true` or `false`".to_owned(),
            Kind::Any => "a value".to_owned(),
            Kind::Form(Form { what, .. }) | Kind::Words { what, .. } => (*what).to_owned(),
            Kind::Name(what) => format!("the name of {} {what}", article(what)),
            Kind::Or(word, other) => format!("{} or \"{word}\"", other.describe()),
            Kind::Table(section) => format!("a table ({})", section().noun),
            Kind::Named(section) => format!("tables with names (each {})", section().noun),
            Kind::Map(what, _) => format!("a table from {what}"),
            Kind::List(_) => "an array".to_owned(),
            Kind::Steps => "a step or an array of steps".to_owned(),
            Kind::Either(kinds) => kinds.iter().map(Kind::describe).collect::<Vec<_>>().join(" or "),
            Kind::Overlays => "a table from names to overlays".to_owned(),
        }
    }

    /// The units in which it counts.
    pub(crate) fn unit(&self) -> Option<&'static str> {
        match self {
            Kind::Form(form) if !form.unit.is_empty() => Some(form.unit),
            Kind::Or(_, inner) => inner.unit(),
            Kind::Either(kinds) => kinds.iter().find_map(Kind::unit),
            _ => None,
        }
    }

    /// One value, as it would stand behind `key =`.
    pub(crate) fn example(&self) -> String {
        match self {
            Kind::Text => "\"text\"".to_owned(),
            Kind::Flag | Kind::True => "true".to_owned(),
            Kind::Integer { min, max } => (*min).max(10).min(*max).to_string(),
            Kind::Number => "2.0".to_owned(),
            Kind::Scalar => "\"100/s\"".to_owned(),
            Kind::Any => "64".to_owned(),
            Kind::Form(Form { example, .. }) => quoted(example),
            Kind::Words { words, .. } => format!("\"{}\"", words.first().unwrap_or(&"")),
            Kind::Name("endpoint") => "\"orders.create\"".to_owned(),
            Kind::Name("workload") => "\"shoppers\"".to_owned(),
            Kind::Name("client") => "\"internal\"".to_owned(),
            Kind::Name("pool") => "\"db\"".to_owned(),
            Kind::Name("cache") => "\"prices\"".to_owned(),
            Kind::Name("zone") => "\"eu-a\"".to_owned(),
            Kind::Name(_) => "\"orders\"".to_owned(),
            Kind::Or(_, other) => other.example(),
            Kind::Table(section) => example_of(section()),
            Kind::Map(_, inner) if matches!(**inner, Kind::Any) => "{ \"service.orders.threads\" = 64 }".to_owned(),
            Kind::Map(_, inner) if matches!(**inner, Kind::Integer { .. }) => "{ orders = 60 }".to_owned(),
            Kind::Map(..) => "{ \"orders.create\" = \"100%\" }".to_owned(),
            Kind::List(item) if matches!(**item, Kind::Name("zone")) => "[\"eu-a\", \"eu-b\"]".to_owned(),
            Kind::List(item) => format!("[{}]", item.example()),
            Kind::Steps => "[{ work = \"5ms\" }]".to_owned(),
            Kind::Either(kinds) => kinds.first().map_or_else(String::new, Kind::example),
            Kind::Named(_) | Kind::Overlays => "{}".to_owned(),
        }
    }
}

/// A table with what it needs, or with the key that matters most.
fn example_of(section: &Section) -> String {
    let is_plain = |key: &&Key| !matches!((key.kind)(), Kind::Words { .. });
    let required = section.keys.iter().find(|key| key.presence == Presence::Required);
    let Some(key) = required.or(section.keys.iter().find(is_plain)) else { return "{}".to_owned() };
    let value = match key.presence {
        Presence::Default(default) if default.parse::<u64>().is_ok() => default.to_owned(),
        _ => (key.kind)().example(),
    };
    format!("{{ {} = {value} }}", key.name)
}

/// Text that reads itself: what editors and readers are told of it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Form {
    /// With an article: "a length of time".
    pub(crate) what: &'static str,
    /// One that can be read.
    pub(crate) example: &'static str,
    /// The units in which it counts; empty when it has none.
    pub(crate) unit: &'static str,
    /// A regular expression that all of its texts match, and most mistakes do not. `TIME` stands for a number with a
    /// unit of time, `NUMBER` for a number without one, `UNIT` for a unit of time.
    pub(crate) pattern: &'static str,
}

impl Form {
    /// The regular expression with its words spelled out.
    pub(crate) fn regular_expression(&self) -> String {
        const UNITS: &str = "(ns|us|µs|ms|s|m|min|h|d)";
        const NUMBER: &str = "[0-9]+(\\.[0-9]+)?";
        let time = format!("{NUMBER}{UNITS}");
        self.pattern.replace("TIME", &time).replace("NUMBER", NUMBER).replace("UNIT", UNITS)
    }
}

/// Text as TOML writes it: in the quotes that need no escapes.
fn quoted(text: &str) -> String {
    if text.contains('"') { format!("'{text}'") } else { format!("\"{text}\"") }
}

/// "a" or "an".
pub(crate) fn article(word: &str) -> &'static str {
    if word.starts_with(['a', 'e', 'i', 'o', 'u']) { "an" } else { "a" }
}

/// A struct whose fields are keys of a table.
pub(crate) trait Keys: Sized {
    /// The declaration.
    fn section() -> &'static Section;

    /// Reads all keys; faults are said and leave their field [`Field::Bad`].
    fn read(reader: Reader<'_, '_, '_>) -> Self;
}

/// The name of a key whose field may be a raw identifier (`r#for`).
pub(crate) const fn key_name(field: &'static str) -> &'static str {
    let (head, tail) = field.split_at(if field.len() > 2 { 2 } else { 0 });
    if let [b'r', b'#'] = head.as_bytes() { tail } else { field }
}

/// Declares a table: `name: Type = "default"`, `name: Type, required`, or `name: Type` with a doc that says what
/// its absence means. A key that came after the first version has `[since "0.2"]` before its name.
macro_rules! keys {
    (
        $(#[doc = $about:literal])+
        $Name:ident is $noun:literal at $path:literal {
            $( $(#[doc = $doc:literal])+ $([since $since:literal])? $field:ident : $Type:ty $(= $default:literal)? $(, $required:ident)? ; )*
        }
        later { $($later:literal)* }
    ) => {
        $(#[doc = $about])+
        #[derive(Debug)]
        pub(crate) struct $Name {
            /// Where the table stands.
            #[allow(dead_code, reason = "not every table needs its place")]
            pub(crate) place: $crate::scenario::say::Place,
            $( $(#[doc = $doc])+ pub(crate) $field: $crate::scenario::decode::Field<$Type>, )*
        }

        impl $crate::scenario::declare::Keys for $Name {
            fn section() -> &'static $crate::scenario::declare::Section {
                use $crate::scenario::declare::{Key, Section, key_name, presence, since};
                static SECTION: Section = Section {
                    path: $path,
                    noun: $noun,
                    about: &[$($about),+],
                    keys: &[$( Key {
                        name: key_name(stringify!($field)),
                        kind: <$Type as $crate::scenario::decode::Decode>::kind,
                        presence: presence!($($default)? $($required)?),
                        since: since!($($since)?),
                        doc: &[$($doc),+],
                    } ),*],
                    later: &[$($later),*],
                };
                &SECTION
            }

            fn read(mut reader: $crate::scenario::decode::Reader<'_, '_, '_>) -> $Name {
                // Fields are read in the order of their declaration, which is the order of the section's keys.
                $Name { place: reader.place(), $( $field: reader.next_field(), )* }
            }
        }

        impl $crate::scenario::decode::Decode for $Name {
            fn kind() -> $crate::scenario::declare::Kind {
                $crate::scenario::declare::Kind::Table(<$Name as $crate::scenario::declare::Keys>::section)
            }

            fn decode(
                node: &$crate::scenario::tree::Node,
                cx: &mut $crate::scenario::decode::Cx<'_>,
            ) -> Option<$Name> {
                $crate::scenario::decode::read_table(node, cx)
            }
        }
    };
}

macro_rules! presence {
    () => {
        $crate::scenario::declare::Presence::Optional
    };
    (required) => {
        $crate::scenario::declare::Presence::Required
    };
    ($default:literal) => {
        $crate::scenario::declare::Presence::Default($default)
    };
}

/// The version of a key that does not say it: the first one.
macro_rules! since {
    () => {
        "0.1"
    };
    ($since:literal) => {
        $since
    };
}

pub(crate) use {keys, presence, since};
