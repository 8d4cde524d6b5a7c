//! What changes say: keys by their paths with new values, and services with how many replicas they get.

use super::{Count, Cx, Decode, Ref, ServiceName};
use crate::scenario::declare::Kind;
use crate::scenario::say::{Place, catalogue};
use crate::scenario::tree::{Entry, Node, Table};

/// Keys that get other values while the system runs.
#[derive(Debug)]
pub(crate) struct Settings(pub(crate) Vec<SettingForm>);

/// One of them. Whether there is such a key, and whether the value is one of it, is seen when the scenario is read
/// once more with it.
#[derive(Debug)]
pub(crate) struct SettingForm {
    /// The names on the way to the key, and where they stand.
    pub(crate) path: Vec<(String, Place)>,
    /// The whole path.
    pub(crate) place: Place,
    /// The value.
    pub(crate) node: Node,
}

impl Decode for Settings {
    fn kind() -> Kind {
        Kind::Map("the paths of keys to values", Box::new(Kind::Any))
    }

    fn decode(node: &Node, cx: &mut Cx<'_>) -> Option<Settings> {
        let table = entries::<Settings>(node, cx)?;
        let mut settings = Vec::with_capacity(table.entries.len());
        for entry in &table.entries {
            let text = entry.key.as_str();
            let place = cx.sources.place_in_text(entry.key_place, text, 0..text.len());
            if !text.contains('.') && entry.node.table().is_some() {
                let path = path_of(entry);
                cx.say(&catalogue::WRONG_TYPE, entry.key_place, "the path of a key stands in quotes here")
                    .label("TOML reads the dots as tables in tables")
                    .help(format!("write `\"{path}\" = ..`"));
                continue;
            }
            let mut at = 0;
            let mut path = Vec::new();
            for name in text.split('.') {
                path.push((name.to_owned(), cx.sources.place_in_text(entry.key_place, text, at..at + name.len())));
                at += name.len() + 1;
            }
            settings.push(SettingForm { path, place, node: entry.node.clone() });
        }
        Some(Settings(settings))
    }
}

/// The path to the first value in `entry`.
fn path_of(entry: &Entry) -> String {
    let mut path = entry.key.clone();
    let mut inner = entry.node.table();
    while let Some(first) = inner.and_then(|table| table.entries.first()) {
        path = format!("{path}.{}", first.key);
        inner = first.node.table();
    }
    path
}

/// How many replicas services get.
#[derive(Debug)]
pub(crate) struct Scales(pub(crate) Vec<(ServiceName, u32)>);

impl Decode for Scales {
    fn kind() -> Kind {
        Kind::Map("services to how many replicas they get", Box::new(Count::<1, 100_000>::kind()))
    }

    fn decode(node: &Node, cx: &mut Cx<'_>) -> Option<Scales> {
        let table = entries::<Scales>(node, cx)?;
        let mut scales = Vec::with_capacity(table.entries.len());
        for entry in &table.entries {
            let place = cx.sources.place_in_text(entry.key_place, &entry.key, 0..entry.key.len());
            // One that is bad counts as one: its service is looked up with the others.
            let count = Count::<1, 100_000>::decode(&entry.node, cx).map_or(1, |count| count.0);
            scales.push((Ref::new(entry.key.clone(), place), count));
        }
        Some(Scales(scales))
    }
}

/// A table that is not empty.
fn entries<'n, T: Decode>(node: &'n Node, cx: &mut Cx<'_>) -> Option<&'n Table> {
    let Some(table) = node.table() else {
        cx.wrong_type_with_example(node, &T::kind());
        return None;
    };
    if table.entries.is_empty() {
        let key = cx.key();
        cx.say(&catalogue::NO_ITEMS, node.place, format!("`{key}` changes nothing"))
            .help(format!("write for example `{key} = {}`", T::kind().example()));
        return None;
    }
    Some(table)
}
