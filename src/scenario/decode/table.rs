//! Tables with declared keys: which key is which, what is missing, what was meant by what does not exist.

use super::{Cx, Decode, Field};
use crate::base::suggest::did_you_mean;
use crate::scenario::declare::{Key, Keys, Kind, Presence, Section};
use crate::scenario::language::section_of;
use crate::scenario::say::{Place, catalogue};
use crate::scenario::tree::{Entry, Node, Value};

/// What an overlay writes for a key that it takes away.
const TAKEN_AWAY: &str = "none";

/// Hands out the declared keys of one table, in the order of their declaration.
pub(crate) struct Reader<'r, 'a, 't> {
    cx: &'r mut Cx<'a>,
    place: Place,
    section: &'static Section,
    slots: Vec<Option<&'t Entry>>,
    next: usize,
    /// Keys that stand there under a name that does not exist, which has been said.
    misspelt: Vec<&'static str>,
}

impl Key {
    /// Whether an overlay has taken the key away: what has no default of its own. A text may be any text, and some keys have a
    /// meaning for the word.
    pub(crate) fn is_taken_away(&self, node: &Node) -> bool {
        let has_meaning = || matches!((self.kind)(), Kind::Text | Kind::Or(TAKEN_AWAY, _));
        self.presence == Presence::Optional && node.text() == Some(TAKEN_AWAY) && !has_meaning()
    }
}

impl Reader<'_, '_, '_> {
    /// Where the table stands.
    pub(crate) fn place(&self) -> Place {
        self.place
    }

    /// The next declared key.
    pub(crate) fn next_field<T: Decode>(&mut self) -> Field<T> {
        let (key, slot) = (&self.section.keys[self.next], self.slots[self.next]);
        self.next += 1;
        match (slot, key.presence) {
            (Some(entry), _) if key.is_taken_away(&entry.node) => Field::Absent,
            (Some(entry), _) => {
                let outer = std::mem::replace(&mut self.cx.key, key.name);
                let value = T::decode(&entry.node, self.cx);
                self.cx.key = outer;
                match value {
                    Some(value) => Field::Given { value, place: entry.node.place, key: entry.key_place },
                    None => Field::Bad,
                }
            }
            (None, _) if self.misspelt.contains(&key.name) => Field::Bad,
            (None, Presence::Default(text)) => {
                Field::Default(decode_default(text, self.cx).expect("a declared default is a value of its key"))
            }
            (None, Presence::Optional) => Field::Absent,
            (None, Presence::Required) => {
                self.missing(key);
                Field::Bad
            }
        }
    }

    fn missing(&mut self, key: &Key) {
        if self.cx.has_gaps {
            return;
        }
        let (noun, name) = (self.section.noun, key.name);
        let example = match (key.kind)() {
            Kind::Named(section) => format!("write [{}] and its keys below", self.cx.header(section().path)),
            kind => format!("add for example `{name} = {}`", kind.example()),
        };
        self.cx.say(&catalogue::MISSING_KEY, self.place, format!("{noun} needs `{name}`")).help(example);
    }
}

fn decode_default<T: Decode>(text: &str, cx: &mut Cx<'_>) -> Option<T> {
    let value = match (text.parse(), text.parse::<f64>(), text) {
        (Ok(integer), ..) => Value::Integer(integer),
        (_, Ok(float), _) => Value::Float(float),
        (.., "true") => Value::Flag(true),
        (.., "false") => Value::Flag(false),
        _ => Value::Text(text.to_owned()),
    };
    T::decode(&Node { value, place: Place::NOWHERE }, cx)
}

/// Reads a table with declared keys.
pub(crate) fn read_table<T: Keys>(node: &Node, cx: &mut Cx<'_>) -> Option<T> {
    let section = T::section();
    let Some(table) = node.table() else {
        cx.wrong_type_with_example(node, &Kind::Table(T::section));
        return None;
    };
    let mut slots = vec![None; section.keys.len()];
    let mut misspelt = Vec::new();
    for entry in &table.entries {
        match section.keys.iter().position(|key| key.name == entry.key) {
            Some(at) => slots[at] = Some(entry),
            None => {
                misspelt.extend(near_key(&entry.key, section.keys.iter().map(|key| key.name)));
                unknown_key(entry, section, cx);
            }
        }
    }
    Some(T::read(Reader { cx, place: node.place, section, slots, next: 0, misspelt }))
}

fn unknown_key(entry: &Entry, section: &Section, cx: &mut Cx<'_>) {
    let (key, noun) = (entry.key.as_str(), section.noun);
    if section.later.contains(&key) {
        let what = if section.path.is_empty() { format!("`{key}`") } else { format!("the `{key}` of {noun}") };
        cx.say(&catalogue::NOT_YET, entry.key_place, format!("{what} is not there yet"))
            .help("remove it: it is refused rather than ignored");
        return;
    }
    say_unknown_key(entry, noun, section.keys.iter().map(|key| key.name), cx);
}

/// Says that a table has no such key, what was meant, and what there is.
pub(crate) fn say_unknown_key<'k>(
    entry: &Entry,
    noun: &str,
    keys: impl Iterator<Item = &'k str> + Clone,
    cx: &mut Cx<'_>,
) {
    let key = entry.key.as_str();
    let meant = if cx.findings.is_full() { None } else { meant_key(key, keys.clone()) };
    let diagnostic = cx.say(&catalogue::UNKNOWN_KEY, entry.key_place, format!("unknown key `{key}`"));
    diagnostic.label(format!("{noun} has no such key"));
    diagnostic.maybe_help(meant);
    diagnostic.help(format!("the keys of {noun} are {}", keys.collect::<Vec<_>>().join(", ")));
}

/// Words of other tools, and what they are called here.
const ELSEWHERE: [(&str, &str); 28] = [
    ("base", "extends"),
    ("begin", "at"),
    ("concurrency", "threads"),
    ("condition", "that"),
    ("cpu", "cores"),
    ("cpus", "cores"),
    ("default", "value"),
    ("delay", "add_latency"),
    ("duration", "for"),
    ("end", "until"),
    ("failure_threshold", "failure_rate"),
    ("from", "after"),
    ("import", "extends"),
    ("include", "extends"),
    ("instances", "replicas"),
    ("lasts", "for"),
    ("max_attempts", "attempts"),
    ("max_retries", "attempts"),
    ("rate", "arrivals"),
    ("rps", "arrivals"),
    ("rtt", "latency"),
    ("retries", "retry"),
    ("retry", "attempts"),
    ("start", "at"),
    ("until", "for"),
    ("wait", "open_for"),
    ("workers", "threads"),
    ("zones", "between"),
];

/// The key that somebody meant who wrote `key`, if it is one of `keys`.
fn near_key<'k>(key: &str, keys: impl Iterator<Item = &'k str> + Clone) -> Option<&'k str> {
    // `latency` for `add_latency`.
    let longer = || keys.clone().find(|known| known.split('_').any(|word| word == key));
    let other = || {
        let mut names = ELSEWHERE.iter().filter(|(word, _)| *word == key).map(|(_, name)| *name);
        names.find_map(|name| keys.clone().find(|known| *known == name))
    };
    // `queue_size` for `queue`, `parameter` for `param`.
    let shorter = || {
        let known = keys.clone().filter(|known| known.len() > 3 && key.starts_with(known));
        known.filter(|_| section_of(key).is_none()).max_by_key(|known| known.len())
    };
    longer().or_else(other).or_else(|| did_you_mean(key, keys.clone())).or_else(shorter)
}

/// What somebody meant who wrote `key` where it does not belong.
fn meant_key<'k>(key: &str, keys: impl Iterator<Item = &'k str> + Clone) -> Option<String> {
    let elsewhere = || {
        section_of(key).map(|section| match section.path {
            "" => format!("`{key}` belongs to the top of the file, above all tables"),
            "step" => format!("`{key}` belongs to {}", section.noun),
            path => format!("`{key}` belongs to {}: [{path}]", section.noun),
        })
    };
    // A word that this table has itself comes before the same one of another table; a slip of the pen comes last.
    let near = near_key(key, keys.clone());
    let is_plural = |near: &str| near.strip_suffix('s') == Some(key) || key.strip_suffix('s') == Some(near);
    let is_slip =
        near.is_some_and(|near| !is_plural(near)) && near == did_you_mean(key, keys) && section_of(key).is_some();
    let near = near.map(|near| format!("did you mean `{near}`?"));
    if is_slip { elsewhere().or(near) } else { near.or_else(elsewhere) }
}
