//! Parameters: `"$load"` becomes the value of `[param.load]`, as a whole value or as a part of a text, before
//! anything is read. `$$` is a dollar sign. Variants and `--set` have changed the values by then.

use std::collections::BTreeMap;
use std::ops::Range;

use super::{Node, Table, Value};
use crate::base::suggest::did_you_mean;
use crate::scenario::say::{Diagnostic, Findings, Insertion, Place, Sources, catalogue};

/// The table of parameters in a file.
pub(crate) const PARAMETERS: &str = "param";
/// Tables whose values are not part of the scenario that runs.
const OUTSIDE: [&str; 2] = [PARAMETERS, "variant"];

/// How often each parameter is used, by its name.
pub(crate) type Uses = BTreeMap<String, usize>;

/// The scalar values of a file's parameters; `None` where a value is none, which is said where it is read.
type Values = BTreeMap<String, Option<Node>>;

/// Puts the values of all parameters into the texts of `root`.
pub(crate) fn insert_parameters(root: &mut Table, sources: &mut Sources, findings: &mut Findings) -> Uses {
    let values = values(root, sources, findings);
    let mut work = Work { uses: values.keys().map(|name| (name.clone(), 0)).collect(), values, sources, findings };
    for entry in root.entries.iter_mut().filter(|entry| !OUTSIDE.contains(&entry.key.as_str())) {
        work.visit(&mut entry.node);
    }
    work.uses
}

/// The names of parameters that `text` asks for.
pub(crate) fn parameters_in(text: &str) -> impl Iterator<Item = &str> {
    references(text).filter_map(move |range| text.get(range.start + 1..range.end)).filter(|name| *name != "$")
}

fn values(root: &Table, sources: &Sources, findings: &mut Findings) -> Values {
    let table = root.get(PARAMETERS).and_then(|entry| entry.node.table());
    let mut values = Values::new();
    for entry in table.iter().flat_map(|table| &table.entries) {
        if entry.node.text() == Some("none") {
            continue;
        }
        let node = entry.node.table().and_then(|keys| keys.get("value")).map(|entry| &entry.node);
        let mut value = node.filter(|node| node.value.written_plainly().is_some());
        if let Some((node, text)) = value.and_then(|node| Some((node, node.text()?)))
            && let Some(range) = references(text).find(|range| range.len() > 1 && &text[range.clone()] != "$$")
        {
            let place = sources.place_in_text(node.place, text, range);
            findings
                .add(Diagnostic::new(&catalogue::PARAMETER, place, "a parameter is not made of other parameters"))
                .help("write the value itself, or use both parameters where this one is used");
            value = None;
        }
        values.insert(entry.key.clone(), value.cloned());
    }
    values
}

/// The ranges of `$name` and `$$` in `text`.
fn references(text: &str) -> impl Iterator<Item = Range<usize>> {
    let mut from = 0;
    std::iter::from_fn(move || {
        loop {
            let at = from + text.get(from..)?.find('$')?;
            let rest = &text[at + 1..];
            let end = if rest.starts_with('$') {
                at + 2
            } else {
                let is_part = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
                let name = &rest[..rest.find(|c| !is_part(c)).unwrap_or(rest.len())];
                // What ends with a hyphen is a name before a minus or another name.
                at + 1
                    + if name.starts_with(|c: char| c.is_ascii_alphabetic()) {
                        name.trim_end_matches('-').len()
                    } else {
                        0
                    }
            };
            from = end.max(at + 1);
            if end > at + 1 {
                return Some(at..end);
            }
        }
    })
}

struct Work<'w> {
    values: Values,
    uses: Uses,
    sources: &'w mut Sources,
    findings: &'w mut Findings,
}

impl Work<'_> {
    fn visit(&mut self, node: &mut Node) {
        match &mut node.value {
            Value::List(items) => items.iter_mut().for_each(|item| self.visit(item)),
            Value::Table(table) => table.entries.iter_mut().for_each(|entry| self.visit(&mut entry.node)),
            Value::Text(text) if text.contains('$') => {
                let text = std::mem::take(text);
                *node = self.expanded(text, node.place);
            }
            _ => {}
        }
    }

    /// The value that `text` at `place` becomes.
    fn expanded(&mut self, text: String, place: Place) -> Node {
        if let Some(at) = text.find("${") {
            let place = self.sources.place_in_text(place, &text, at..at + 2);
            self.findings
                .add(Diagnostic::new(&catalogue::UNKNOWN_PARAMETER, place, "a parameter is written without braces"))
                .help("write `$name`; what follows it, such as a unit, belongs to the parameter's value");
            return Node { value: Value::Broken, place };
        }
        let mut became = String::with_capacity(text.len());
        let mut insertions = Vec::new();
        let mut whole = None;
        let mut is_broken = false;
        let mut from = 0;
        for written in references(&text) {
            became.push_str(&text[from..written.start]);
            from = written.end;
            let start = became.len();
            let own_place = self.sources.place_in_text(place, &text, written.clone());
            let (value, value_text) = match &text[written.start + 1..written.end] {
                "$" => {
                    became.push('$');
                    (own_place, None)
                }
                name => {
                    let Some(node) = self.value(name, own_place) else {
                        is_broken = true;
                        continue;
                    };
                    let plain = node.value.written_plainly().expect("values of parameters are scalars");
                    became.push_str(&plain);
                    let found = (node.place, node.text().map(str::to_owned));
                    if written == (0..text.len()) {
                        whole = Some(node.value);
                    }
                    found
                }
            };
            insertions.push(Insertion { written, range: start..became.len(), value, text: value_text });
        }
        if is_broken {
            return Node { value: Value::Broken, place };
        }
        became.push_str(&text[from..]);
        if insertions.is_empty() {
            return Node { value: Value::Text(became), place };
        }
        let place = self.sources.expand(place, &text, &became, insertions);
        Node { value: whole.unwrap_or(Value::Text(became)), place }
    }

    /// The value of the parameter `name`, which is used at `place`.
    fn value(&mut self, name: &str, place: Place) -> Option<Node> {
        if let Some(value) = self.values.get(name) {
            *self.uses.entry(name.to_owned()).or_default() += 1;
            return value.clone();
        }
        let near = did_you_mean(name, self.values.keys().map(String::as_str));
        let title = format!("unknown parameter `${name}`");
        let diagnostic = self.findings.add(Diagnostic::new(&catalogue::UNKNOWN_PARAMETER, place, title));
        match near {
            Some(near) => diagnostic.help(format!("did you mean `${near}`?")),
            None => diagnostic.help(format!("define it: [param.{name}] and below it `value = ..`")),
        };
        diagnostic.help("a dollar sign that starts no parameter is written `$$`");
        None
    }
}

impl Value {
    /// A scalar as it stands inside a text.
    pub(crate) fn written_plainly(&self) -> Option<String> {
        Some(match self {
            Value::Text(text) => text.clone(),
            Value::Integer(integer) => integer.to_string(),
            Value::Float(float) => float.to_string(),
            Value::Flag(flag) => flag.to_string(),
            Value::Datetime | Value::List(_) | Value::Table(_) | Value::Broken => return None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references_are_found_and_dollars_are_not() {
        let found = |text: &str| references(text).map(|range| text[range].to_owned()).collect::<Vec<_>>();
        assert_eq!(found("$load"), ["$load"]);
        assert_eq!(found("users($a-b, think=$c_1)"), ["$a-b", "$c_1"]);
        assert_eq!(found("$a-$b"), ["$a", "$b"]);
        assert_eq!(found("$$ $5 $ $$x 1$"), ["$$", "$$"]);
        assert_eq!(parameters_in("$$ $x").collect::<Vec<_>>(), ["x"]);
    }
}
