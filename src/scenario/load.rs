//! From bytes to a model: the order of the steps, and what is done with what they say.

use std::collections::{BTreeMap, BTreeSet};

use super::build::{Draft, Parameter, build, parameters};
use super::change::find_settings;
use super::check::{Elsewhere, find_errors, find_unused, find_warnings};
use super::declare::{Keys, Kind, Section};
use super::decode::{Cx, Decode};
use super::expand::expand;
use super::extend::parse_chain;
use super::files::{Files, NamedFile, NoFiles, SCENARIO_BYTES_MAX, Shelf, add_text};
use super::language::ScenarioKeys;
use super::say::{Diagnostic, Diagnostics, Findings, Place, SourceId, Sources, catalogue};
use super::tree::{Assignment, Node, Parsed, Table, Value, insert_parameters, lay_over};
use crate::base::suggest::did_you_mean;
use crate::base::vary::Vary;
use crate::model::Model;

/// What the command line changes in a scenario.
#[derive(Clone, Debug, Default)]
pub struct LoadOptions {
    /// Variants to lay over the file, in this order.
    pub variants: Vec<String>,
    /// `PATH=VALUE`, after the variants.
    pub sets: Vec<String>,
    /// `PATH=VALUE` of what an experiment varies, after those: the argument that says so, such as `--vary`, and what it
    /// sets this time. What is wrong with it is said of that argument.
    pub varied: Vec<(&'static str, String)>,
    /// Variants to lay over all of that, in this order.
    pub over: Vec<String>,
    /// Replaces the seed of the file.
    pub seed: Option<u64>,
}

impl LoadOptions {
    /// Everything that is set, in order: the argument that does it, and `PATH=VALUE`.
    pub(super) fn assignments(&self) -> impl Iterator<Item = (&'static str, &str)> {
        let sets = self.sets.iter().map(|set| ("--set", set.as_str()));
        sets.chain(self.varied.iter().map(|(argument, set)| (*argument, set.as_str())))
    }
}

/// A scenario as far as it could be read.
#[derive(Debug)]
pub struct Loaded {
    /// What can run; `None` exactly when there is an error.
    pub model: Option<Model>,
    /// Errors and warnings.
    pub diagnostics: Diagnostics,
    /// The knobs of the file, with the values that they have in this model.
    pub parameters: Vec<Parameter>,
    /// What a sweep of it varies, if the file says so.
    pub sweep: Option<Sweep>,
    /// The files that it names, as they were read: with the scenario itself they decide the model.
    pub files: Vec<NamedFile>,
}

/// What `brownout sweep` runs.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Sweep {
    /// What varies; the first varies slowest.
    pub vary: Vec<Vary>,
    /// How often each combination runs.
    pub replications: u32,
}

/// Reads the scenario in `bytes`, which diagnostics call `name` and which stands alone: it names no other file.
///
/// Variants that are not asked for are checked too: a file is right only when all of its variants are.
pub fn load(name: &str, bytes: &[u8], options: &LoadOptions) -> Loaded {
    load_with_files(name, bytes, options, &NoFiles)
}

/// Reads the scenario in `bytes`, whose path is `name`, with the files that it names.
pub fn load_with_files(name: &str, bytes: &[u8], options: &LoadOptions, files: &dyn Files) -> Loaded {
    let mut loading = Loading::new(name, files);
    let read = loading.read(bytes, options);
    let model = read.draft.map(|draft| draft.model).filter(|_| loading.findings.errors() == 0);
    Loaded {
        model,
        diagnostics: loading.findings.finish(loading.sources),
        parameters: read.parameters,
        sweep: read.sweep,
        files: loading.shelf.into_read(),
    }
}

/// The names of the variants of a scenario, in the order of the file; as many as can be read.
pub fn variants(name: &str, bytes: &[u8], files: &dyn Files) -> Vec<String> {
    let mut loading = Loading::new(name, files);
    let Loading { sources, findings, shelf, .. } = &mut loading;
    let Some(file) = add_text(sources, name, bytes, SCENARIO_BYTES_MAX, findings) else { return Vec::new() };
    let Parsed { root, .. } = parse_chain(file, name, files, shelf, sources, findings);
    let variants = root.get("variant").and_then(|entry| entry.node.table());
    variants.map(|table| table.keys().map(str::to_owned).collect()).unwrap_or_default()
}

/// The scenario as it will run, as a scenario: with all defaults, and where each value comes from. `None` when it has
/// errors; the diagnostics say which.
pub fn expanded(name: &str, bytes: &[u8], options: &LoadOptions, files: &dyn Files) -> (Option<String>, Diagnostics) {
    let mut loading = Loading::new(name, files);
    let read = loading.read(bytes, options);
    let draft = read.draft.filter(|_| loading.findings.errors() == 0);
    let text = draft.map(|draft| expand(&read.table, &draft.model, &loading.sources, &loading.of_variant));
    (text, loading.findings.finish(loading.sources))
}

/// A scenario on its way.
struct Loading<'l> {
    name: &'l str,
    sources: Sources,
    findings: Findings,
    files: &'l dyn Files,
    shelf: Shelf,
    /// Whether parts of the file could not be read.
    has_gaps: bool,
    /// The values that a variant laid over the file, and its name.
    of_variant: BTreeMap<Place, String>,
}

/// What became of it.
#[derive(Default)]
struct Read {
    /// The tree as it was decoded: variants, arguments and parameters have done their work.
    table: Table,
    draft: Option<Draft>,
    parameters: Vec<Parameter>,
    sweep: Option<Sweep>,
}

impl<'l> Loading<'l> {
    fn new(name: &'l str, files: &'l dyn Files) -> Loading<'l> {
        Loading {
            name,
            sources: Sources::default(),
            findings: Findings::default(),
            files,
            shelf: Shelf::default(),
            has_gaps: false,
            of_variant: BTreeMap::new(),
        }
    }

    fn read(&mut self, bytes: &[u8], options: &LoadOptions) -> Read {
        let Loading { sources, findings, shelf, .. } = self;
        let Some(file) = add_text(sources, self.name, bytes, SCENARIO_BYTES_MAX, findings) else {
            return Read::default();
        };
        let arguments: Vec<SourceId> =
            options.assignments().map(|(argument, set)| sources.add(argument, set)).collect();
        let mut variants = |names: &[String]| -> Vec<SourceId> {
            names.iter().map(|variant| sources.add("--variant", variant.as_str())).collect()
        };
        let (asked, over) = (variants(&options.variants), variants(&options.over));
        let Parsed { root, has_gaps } = parse_chain(file, self.name, self.files, shelf, sources, findings);
        self.has_gaps = has_gaps;
        if root.entries.is_empty() && !has_gaps {
            say_empty(file.place(0..0), findings);
            return Read::default();
        }
        let mut changed = root.clone();
        for id in asked {
            if let Some(overlay) = lay_variant(&root, &mut changed, sources, id, findings) {
                note_places(overlay, sources.text(id), &mut self.of_variant);
            }
        }
        for id in arguments {
            if let Some(assignment) = Assignment::parse(sources, id, findings) {
                assignment.apply(&mut changed, &names_at, &top_keys(), findings);
            }
        }
        for id in over {
            if let Some(overlay) = lay_variant(&root, &mut changed, sources, id, findings) {
                note_places(overlay, sources.text(id), &mut self.of_variant);
            }
        }
        let mut read = self.understand(changed, file);
        self.check_other_variants(&root, options, file);
        if let Some(draft) = read.draft.as_mut().filter(|_| self.findings.errors() == 0) {
            let mut cx = Cx::new(self.files, &mut self.shelf, &mut self.sources, &mut self.findings, false);
            find_warnings(&draft.model, &draft.atlas, &Elsewhere::in_variants(&root), &mut cx);
            if let Some(seed) = options.seed {
                draft.model.seed = seed;
            }
        }
        read
    }

    /// Inserts parameters, decodes, builds and looks for errors.
    fn understand(&mut self, mut table: Table, file: SourceId) -> Read {
        let name = self.name;
        let uses = insert_parameters(&mut table, &mut self.sources, &mut self.findings);
        let root = Node { value: Value::Table(table), place: file.place(0..0) };
        let mut cx = Cx::new(self.files, &mut self.shelf, &mut self.sources, &mut self.findings, self.has_gaps);
        let Some(keys) = ScenarioKeys::decode(&root, &mut cx) else { return Read::default() };
        let mut draft = build(&keys, self.name, &mut cx);
        find_errors(&draft.model, &draft.atlas, &mut cx);
        let again = |table: Table, cx: &mut Cx<'_>| {
            let keys = ScenarioKeys::decode(&Node { value: Value::Table(table), place: file.place(0..0) }, cx)?;
            let draft = build(&keys, name, cx);
            find_errors(&draft.model, &draft.atlas, cx);
            Some(draft.model)
        };
        find_settings(&root, &keys, &mut draft.model, (&names_at, &top_keys()), &again, &mut cx);
        let parameters = parameters(&keys, &uses, &mut draft.atlas, &mut cx);
        let sweep = keys.sweep.value().and_then(|keys| {
            let replications = keys.replications.value().map_or(1, |count| count.0);
            Some(Sweep { vary: keys.vary.value()?.items.clone(), replications })
        });
        let Value::Table(table) = root.value else { return Read::default() };
        Read { table, draft: Some(draft), parameters, sweep }
    }

    /// Says what is wrong with each variant alone that is not laid over already.
    fn check_other_variants(&mut self, root: &Table, options: &LoadOptions, file: SourceId) {
        let Some(variants) = root.get("variant").and_then(|entry| entry.node.table()) else { return };
        let is_asked = |variant: &str| options.variants.iter().chain(&options.over).any(|asked| asked == variant);
        for entry in variants.entries.iter().filter(|entry| !is_asked(&entry.key)) {
            let Some(overlay) = entry.node.table() else { continue };
            let mut changed = root.clone();
            lay_over(&mut changed, &without_variants(overlay));
            let outer = std::mem::take(&mut self.findings);
            let draft = self.understand(changed, file).draft;
            if let Some(draft) = draft.filter(|_| self.findings.errors() == 0) {
                let mut cx = Cx::new(self.files, &mut self.shelf, &mut self.sources, &mut self.findings, false);
                find_unused(&draft.model, &draft.atlas, &Elsewhere::in_variants(root), &mut cx);
            }
            let own = std::mem::replace(&mut self.findings, outer);
            // What a variant no longer uses it may well leave where it is; what it brings along it should use.
            let names = names_in(overlay);
            let is_own = |diagnostic: &&Diagnostic| diagnostic.is_error() || names.contains(&diagnostic.place());
            for diagnostic in own.into_kept().iter().filter(is_own) {
                self.findings.add(diagnostic.clone()).note(format!("in the variant `{}`", entry.key));
            }
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

/// Lays the variant over `changed` that the argument in source `id` names, and returns it.
pub(super) fn lay_variant<'r>(
    root: &'r Table,
    changed: &mut Table,
    sources: &Sources,
    id: SourceId,
    findings: &mut Findings,
) -> Option<&'r Table> {
    let name = sources.text(id);
    let variants = root.get("variant").and_then(|entry| entry.node.table());
    match variants.and_then(|variants| variants.get(name)) {
        Some(entry) => {
            let overlay = entry.node.table()?;
            lay_over(changed, &without_variants(overlay));
            Some(overlay)
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
            None
        }
    }
}

/// The places of all keys in `overlay`.
fn names_in(overlay: &Table) -> BTreeSet<Place> {
    let mut names = BTreeSet::new();
    let mut to_visit = vec![overlay];
    while let Some(table) = to_visit.pop() {
        names.extend(table.entries.iter().map(|entry| entry.key_place));
        to_visit.extend(table.entries.iter().filter_map(|entry| entry.node.table()));
    }
    names
}

/// Notes the places of all values in `overlay`, which is the variant `name`.
fn note_places(overlay: &Table, name: &str, places: &mut BTreeMap<Place, String>) {
    let mut to_visit: Vec<&Node> = overlay.entries.iter().map(|entry| &entry.node).collect();
    while let Some(node) = to_visit.pop() {
        places.insert(node.place, name.to_owned());
        match &node.value {
            Value::Table(table) => to_visit.extend(table.entries.iter().map(|entry| &entry.node)),
            Value::List(items) => to_visit.extend(items),
            _ => {}
        }
    }
}

/// A variant cannot change variants or what the file extends; that it tries is said where the file is decoded.
fn without_variants(overlay: &Table) -> Table {
    let is_refused = |key: &str| matches!(key, "variant" | "extends");
    let entries = overlay.entries.iter().filter(|entry| !is_refused(&entry.key)).cloned().collect();
    Table { entries }
}

/// The keys of a whole scenario.
pub(super) fn top_keys() -> Vec<&'static str> {
    ScenarioKeys::section().keys.iter().map(|key| key.name).collect()
}

/// What the keys of the table at `path` are names of, if they are.
pub(super) fn names_at(path: &[&str]) -> Option<&'static str> {
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
