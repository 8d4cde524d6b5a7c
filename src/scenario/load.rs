//! From bytes to a model: the order of the steps, and what is done with what they say.

use std::collections::BTreeSet;

use super::build::{Draft, build};
use super::check::{find_errors, find_warnings};
use super::declare::{Keys, Kind, Section};
use super::decode::{Cx, Decode};
use super::language::ScenarioKeys;
use super::say::{Diagnostic, Diagnostics, Findings, Place, SourceId, Sources, catalogue};
use super::tree::{Assignment, Node, Table, Value, lay_over, parse_file};
use crate::base::suggest::did_you_mean;
use crate::model::Model;

/// Larger files are refused unread; whoever reads one for [`load`] can stop one byte later.
pub const BYTES_MAX: usize = 8 << 20;

/// What the command line changes in a scenario.
#[derive(Clone, Debug, Default)]
pub struct LoadOptions {
    /// Variants to lay over the file, in this order.
    pub variants: Vec<String>,
    /// `PATH=VALUE`, after the variants.
    pub sets: Vec<String>,
    /// Replaces the seed of the file.
    pub seed: Option<u64>,
}

/// A scenario as far as it could be read.
#[derive(Debug)]
pub struct Loaded {
    /// What can run; `None` exactly when there is an error.
    pub model: Option<Model>,
    /// Errors and warnings.
    pub diagnostics: Diagnostics,
}

/// Reads the scenario in `bytes`, which diagnostics call `name`.
///
/// Variants that are not asked for are checked too: a file is right only when all of its variants are.
pub fn load(name: &str, bytes: &[u8], options: &LoadOptions) -> Loaded {
    let mut sources = Sources::default();
    let mut findings = Findings::default();
    let Some(file) = add_file(&mut sources, name, bytes, &mut findings) else {
        return Loaded { model: None, diagnostics: findings.finish(sources) };
    };
    let arguments: Vec<SourceId> = options.sets.iter().map(|set| sources.add("--set", set.as_str())).collect();
    let asked: Vec<SourceId> =
        options.variants.iter().map(|variant| sources.add("--variant", variant.as_str())).collect();

    let parsed = parse_file(&sources, file, &mut findings);
    let root = &parsed.root;
    if root.entries.is_empty() && !parsed.has_gaps {
        say_empty(file.place(0..0), &mut findings);
        return Loaded { model: None, diagnostics: findings.finish(sources) };
    }
    let mut changed = root.clone();
    for id in asked {
        lay_variant(root, &mut changed, &sources, id, &mut findings);
    }
    for id in arguments {
        if let Some(assignment) = Assignment::parse(&sources, id, &mut findings) {
            assignment.apply(&mut changed, &names_at, &mut findings);
        }
    }
    let reading = Reading { file, name, has_gaps: parsed.has_gaps, sources: &sources };
    let mut draft = reading.read(changed, &mut findings);
    reading.check_other_variants(root, options, &mut findings);
    if let Some(draft) = draft.as_mut().filter(|_| findings.errors() == 0) {
        let mut cx = Cx::new(&sources, &mut findings, false);
        find_warnings(&draft.model, &draft.atlas, &texts_of_variants(root), &mut cx);
        if let Some(seed) = options.seed {
            draft.model.seed = seed;
        }
    }
    let model = draft.map(|draft| draft.model).filter(|_| findings.errors() == 0);
    Loaded { model, diagnostics: findings.finish(sources) }
}

/// Adds the file if it is text of a reasonable size.
fn add_file(sources: &mut Sources, name: &str, bytes: &[u8], findings: &mut Findings) -> Option<SourceId> {
    if bytes.len() > BYTES_MAX {
        let id = sources.add(name, "");
        let title = format!("the file has more than {} MiB", BYTES_MAX >> 20);
        findings
            .add(Diagnostic::new(&catalogue::TOO_LARGE, id.place(0..0), title))
            .help(format!("a scenario has at most {} MiB; is this the right file?", BYTES_MAX >> 20));
        return None;
    }
    match std::str::from_utf8(bytes) {
        Ok(text) => Some(sources.add(name, text)),
        Err(fault) => {
            let at = fault.valid_up_to();
            let id = sources.add(name, String::from_utf8_lossy(bytes));
            let replaced = '\u{FFFD}'.len_utf8();
            findings
                .add(Diagnostic::new(&catalogue::NOT_UTF8, id.place(at..at + replaced), "the file is not UTF-8 text"))
                .label(format!("byte {at} of the file is 0x{:02x}", bytes[at]))
                .help("save the file as UTF-8");
            None
        }
    }
}

fn say_empty(place: Place, findings: &mut Findings) {
    findings.add(Diagnostic::new(&catalogue::EMPTY, place, "the scenario is empty")).help(
        "a small one to start from:\n\
         [workload.users]\n\
         entry = \"api.page\"\n\
         arrivals = \"poisson(100/s)\"\n\
         \n\
         [service.api]\n\
         threads = 4\n\
         \n\
         [service.api.endpoint.page]\n\
         steps = [{ work = \"exp(20ms)\" }]",
    );
}

/// Lays the variant over `changed` that the argument in source `id` names.
fn lay_variant(root: &Table, changed: &mut Table, sources: &Sources, id: SourceId, findings: &mut Findings) {
    let name = sources.text(id);
    let variants = root.get("variant").and_then(|entry| entry.node.table());
    match variants.and_then(|variants| variants.get(name)) {
        Some(entry) => {
            if let Some(overlay) = entry.node.table() {
                lay_over(changed, &without_variants(overlay));
            }
        }
        None => {
            let known: Vec<&str> = variants.map(|variants| variants.keys().collect()).unwrap_or_default();
            let near = did_you_mean(name, known.iter().copied());
            let place = id.place(0..name.len());
            let diagnostic =
                findings.add(Diagnostic::new(&catalogue::UNKNOWN_VARIANT, place, format!("unknown variant `{name}`")));
            diagnostic.maybe_help(near.map(|near| format!("did you mean `{near}`?")));
            diagnostic.help(if known.is_empty() {
                "the file has no variants".to_owned()
            } else {
                format!("the variants of the file are {}", known.join(", "))
            });
        }
    }
}

/// A variant cannot change variants; that it tries is said where the file is decoded.
fn without_variants(overlay: &Table) -> Table {
    let entries = overlay.entries.iter().filter(|entry| entry.key != "variant").cloned().collect();
    Table { entries }
}

/// What reading a tree needs to know about where it comes from.
struct Reading<'s> {
    file: SourceId,
    name: &'s str,
    has_gaps: bool,
    sources: &'s Sources,
}

impl Reading<'_> {
    /// Decodes, builds and looks for errors.
    fn read(&self, table: Table, findings: &mut Findings) -> Option<Draft> {
        let root = Node { value: Value::Table(table), place: self.file.place(0..0) };
        let mut cx = Cx::new(self.sources, findings, self.has_gaps);
        let keys = ScenarioKeys::decode(&root, &mut cx)?;
        let draft = build(&keys, self.name, &mut cx);
        find_errors(&draft.model, &draft.atlas, &mut cx);
        Some(draft)
    }

    /// Says what is wrong with each variant alone that is not laid over already.
    fn check_other_variants(&self, root: &Table, options: &LoadOptions, findings: &mut Findings) {
        let Some(variants) = root.get("variant").and_then(|entry| entry.node.table()) else { return };
        let is_asked = |variant: &str| options.variants.iter().any(|asked| asked == variant);
        for entry in variants.entries.iter().filter(|entry| !is_asked(&entry.key)) {
            let Some(overlay) = entry.node.table() else { continue };
            let mut changed = root.clone();
            lay_over(&mut changed, &without_variants(overlay));
            let mut own = Findings::default();
            let _ = self.read(changed, &mut own);
            for diagnostic in own.into_kept() {
                findings.add(diagnostic).note(format!("in the variant `{}`", entry.key));
            }
        }
    }
}

/// What the keys of the table at `path` are names of, if they are.
fn names_at(path: &[&str]) -> Option<&'static str> {
    let mut section: &'static Section = ScenarioKeys::section();
    let mut keys = path.iter();
    loop {
        let key = keys.next()?;
        match (section.keys.iter().find(|known| known.name == *key)?.kind)() {
            Kind::Overlays if keys.len() == 0 => return Some("variant"),
            Kind::Named(inner) => {
                section = inner();
                if keys.next().is_none() {
                    return Some(section.noun.split_once(' ').map_or(section.noun, |(_, noun)| noun));
                }
            }
            Kind::Table(inner) => section = inner(),
            _ => return None,
        }
    }
}

/// All texts in variants, deep down.
fn texts_of_variants(root: &Table) -> BTreeSet<&str> {
    let mut texts = BTreeSet::new();
    let mut to_visit: Vec<&Node> = root.get("variant").map(|entry| &entry.node).into_iter().collect();
    while let Some(node) = to_visit.pop() {
        match &node.value {
            Value::Text(text) => {
                texts.insert(text.as_str());
            }
            Value::List(items) => to_visit.extend(items),
            Value::Table(table) => {
                texts.extend(table.keys());
                to_visit.extend(table.entries.iter().map(|entry| &entry.node));
            }
            _ => {}
        }
    }
    texts
}
