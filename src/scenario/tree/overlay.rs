//! Overlays: variants and `--set` change a tree before anything in it is read.

use std::collections::BTreeMap;
use std::ops::Range;

use toml::de::{DeTable, DeValue};

use super::{Entry, Node, PARAMETERS, Table, Value, parse_value};
use crate::base::suggest::did_you_mean;
use crate::scenario::say::{Diagnostic, Findings, Place, SourceId, Sources, catalogue};

/// A table that holds one of these says everything anew: mixed with what it replaces it would mean
/// something that nobody wrote.
const REPLACING_KEYS: [&str; 3] = ["preset", "poisson", "even"];

/// Lays `overlay` over `base`: tables merge, everything else replaces.
pub(crate) fn lay_over(base: &mut Table, overlay: &Table) {
    // Two scenarios of ten thousand services each must not be compared name by name.
    let at: BTreeMap<String, usize> =
        base.entries.iter().enumerate().map(|(at, entry)| (entry.key.clone(), at)).collect();
    for entry in &overlay.entries {
        let Some(known) = at.get(&entry.key).map(|at| &mut base.entries[*at]) else {
            base.entries.push(entry.clone());
            continue;
        };
        match (&mut known.node.value, &entry.node.value) {
            (Value::Table(inner), Value::Table(over)) if !REPLACING_KEYS.iter().any(|key| over.get(key).is_some()) => {
                lay_over(inner, over);
            }
            _ => *known = entry.clone(),
        }
    }
}

/// One `--set PATH=VALUE`, or what a change sets.
pub(crate) struct Assignment {
    path: Vec<(String, Place)>,
    node: Node,
}

impl Assignment {
    /// `node` at the key to which `path` leads.
    pub(crate) fn new(path: Vec<(String, Place)>, node: Node) -> Assignment {
        Assignment { path, node }
    }

    /// Reads the argument in source `id`. The value is TOML, or a string where that fails.
    pub(crate) fn parse(sources: &Sources, id: SourceId, findings: &mut Findings) -> Option<Assignment> {
        let text = sources.text(id);
        let Some(equals) = text.find('=') else {
            findings
                .add(Diagnostic::new(&catalogue::BAD_SET, id.place(0..text.len()), "an assignment needs a `=`"))
                .help("write PATH=VALUE, for example `--set service.orders.threads=32`");
            return None;
        };
        let Some(path) = path(id, text, equals) else {
            findings
                .add(Diagnostic::new(&catalogue::BAD_SET, id.place(0..equals), "this is not the path of a key"))
                .help("write names with dots between them, for example `--set service.orders.threads=32`");
            return None;
        };
        let start = equals + 1 + (text[equals + 1..].len() - text[equals + 1..].trim_start().len());
        let range = start..start.max(text.trim_end().len());
        let node = parse_value(sources, id, range.clone())
            .unwrap_or_else(|| Node { value: Value::Text(text[range.clone()].to_owned()), place: id.place(range) });
        Some(Assignment { path, node })
    }

    /// Sets the key in `root`. `names` tells what the keys of the table at a path are names of, if they are
    /// names: these must exist, everything else may be new. `top` lists the keys of a whole scenario; a single
    /// name that is none of them is that of a parameter.
    pub(crate) fn apply(
        mut self,
        root: &mut Table,
        names: &dyn Fn(&[&str]) -> Option<&'static str>,
        top: &[&'static str],
        findings: &mut Findings,
    ) {
        if let Some(said) = self.comes_too_late().or_else(|| self.of_parameter(root, top)) {
            findings.add(said);
            return;
        }
        let keys: Vec<&str> = self.path.iter().map(|(key, _)| key.as_str()).collect();
        let mut table = root;
        for (depth, (key, place)) in self.path.iter().enumerate() {
            if let Some(what) = names(&keys[..depth])
                && table.get(key).is_none()
            {
                let diagnostic =
                    findings.add(Diagnostic::new(&catalogue::UNKNOWN_NAME, *place, format!("unknown {what} `{key}`")));
                let known: Vec<&str> = table.keys().take(8).collect();
                diagnostic.help(match did_you_mean(key, table.keys()) {
                    Some(near) => format!("did you mean `{near}`?"),
                    None if known.is_empty() => format!("the file has no {what}s"),
                    None => format!("the file has the {what}s {}", known.join(", ")),
                });
                return;
            }
            let is_last = depth + 1 == self.path.len();
            let at = match table.entries.iter().position(|entry| entry.key == *key) {
                Some(at) => at,
                None => {
                    let node = Node { value: Value::Table(Table::default()), place: *place };
                    table.entries.push(Entry { key: key.clone(), key_place: *place, node });
                    table.entries.len() - 1
                }
            };
            let entry = &mut table.entries[at];
            if is_last {
                entry.node = self.node;
                entry.key_place = *place;
                return;
            }
            if matches!(&entry.node.value, Value::Text(text) if text == "none") {
                entry.node = Node { value: Value::Table(Table::default()), place: *place };
            }
            let kind = entry.node.type_name();
            match &mut entry.node.value {
                Value::Table(inner) => table = inner,
                _ => {
                    findings
                        .add(Diagnostic::new(&catalogue::BAD_SET, *place, format!("`{key}` has no keys")))
                        .label(format!("this is {kind} in the file"));
                    return;
                }
            }
        }
    }
}

impl Assignment {
    /// Says that the key has done its work before arguments are looked at.
    fn comes_too_late(&self) -> Option<Diagnostic> {
        let (key, place) = self.path.first()?;
        if let ([(first, _), (name, place)], false) = (self.path.as_slice(), self.node.table().is_some())
            && first == PARAMETERS
            && self.node.text() != Some("none")
        {
            let mut said = Diagnostic::new(&catalogue::BAD_SET, *place, format!("`{name}` is a parameter, not a key"));
            said.help(format!("a parameter is set by its name: `--set {name}=..`"));
            return Some(said);
        }
        let help = match key.as_str() {
            "extends" => "write `extends` into the file",
            "variant" => "set the key itself: arguments are laid over all variants",
            _ => return None,
        };
        let mut said = Diagnostic::new(&catalogue::BAD_SET, *place, format!("`{key}` cannot be set here"));
        said.help(help);
        Some(said)
    }

    /// Makes the path of a parameter's value out of its name; says when there is no such parameter.
    fn of_parameter(&mut self, root: &Table, top: &[&'static str]) -> Option<Diagnostic> {
        let [(name, place)] = self.path.as_slice() else { return None };
        if top.contains(&name.as_str()) {
            return None;
        }
        let known = root.get(PARAMETERS).and_then(|entry| entry.node.table());
        let known: Vec<&str> = known.map(|table| table.keys().collect()).unwrap_or_default();
        let place = *place;
        if known.contains(&name.as_str()) {
            self.path = [PARAMETERS, name, "value"].map(|segment| (segment.to_owned(), place)).to_vec();
            return None;
        }
        let mut said = Diagnostic::new(
            &catalogue::UNKNOWN_PARAMETER,
            place,
            format!("`{name}` is neither a parameter nor a key of the whole scenario"),
        );
        said.maybe_help(
            did_you_mean(name, known.iter().chain(top).copied()).map(|near| format!("did you mean `{near}`?")),
        );
        said.help(if known.is_empty() {
            "the file has no parameters; a key is set by its path, such as `service.orders.threads`".to_owned()
        } else {
            format!("the parameters of the file are {}", known.join(", "))
        });
        Some(said)
    }
}

/// The segments of the dotted key before byte `end`.
fn path(id: SourceId, text: &str, end: usize) -> Option<Vec<(String, Place)>> {
    let assignment = format!("{} = 0", &text[..end]);
    // More than one line would be more than one key.
    if text[..end].contains(['\n', '\r', '#', '[', '{']) || super::parse::first_long_key(&assignment).is_some() {
        return None;
    }
    let mut table = DeTable::parse(&assignment).ok()?.into_inner();
    let mut path = Vec::new();
    loop {
        let (key, value) = table.into_iter().next()?;
        let span: Range<usize> = key.span();
        path.push((key.into_inner().into_owned(), id.place(span)));
        match value.into_inner() {
            DeValue::Table(inner) => table = inner,
            _ => return Some(path),
        }
    }
}
