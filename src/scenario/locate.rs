//! Where a key of a scenario stands: variants, arguments and the scenarios that it extends have been laid over it.

use super::extend::parse_chain;
use super::files::{Files, SCENARIO_BYTES_MAX, Shelf, add_text};
use super::load::{LoadOptions, lay_variant, names_at, top_keys};
use super::say::{Findings, Place, Site, Sources, site};
use super::tree::{Assignment, Table};

/// The keys of a scenario and their places.
pub struct Locator {
    root: Table,
    sources: Sources,
}

impl Locator {
    /// Of the scenario that [`super::load_with_files`] reads. What is wrong with it is said there.
    pub fn new(name: &str, bytes: &[u8], options: &LoadOptions, files: &dyn Files) -> Locator {
        let (mut sources, mut findings, mut shelf) = (Sources::default(), Findings::default(), Shelf::default());
        let Some(file) = add_text(&mut sources, name, bytes, SCENARIO_BYTES_MAX, &mut findings) else {
            return Locator { root: Table::default(), sources };
        };
        let sets: Vec<_> = options.assignments().map(|(argument, set)| sources.add(argument, set)).collect();
        let variants: Vec<_> = options.variants.iter().map(|it| sources.add("--variant", it.as_str())).collect();
        let over: Vec<_> = options.over.iter().map(|it| sources.add("--variant", it.as_str())).collect();
        let base = parse_chain(file, name, files, &mut shelf, &mut sources, &mut findings).root;
        let mut root = base.clone();
        for id in variants {
            lay_variant(&base, &mut root, &sources, id, &mut findings);
        }
        for id in sets {
            if let Some(assignment) = Assignment::parse(&sources, id, &mut findings) {
                assignment.apply(&mut root, &names_at, &top_keys(), &mut findings);
            }
        }
        for id in over {
            lay_variant(&base, &mut root, &sources, id, &mut findings);
        }
        Locator { root, sources }
    }

    /// Where the key at `path` stands, or the nearest table around it that is written somewhere. `None` where not even
    /// the first part of the path is, or what the path names: what is said of `client.app` is not said of another client.
    pub fn site(&self, path: &str) -> Option<Site> {
        let mut table = &self.root;
        let mut found = None;
        let keys: Vec<&str> = path.split('.').collect();
        for (depth, key) in keys.iter().enumerate() {
            let Some(entry) = table.get(key) else {
                if depth > 0 && names_at(&keys[..depth]).is_some() {
                    return None;
                }
                break;
            };
            found = Some(entry.key_place).filter(|place| place.is_somewhere()).or(found);
            let Some(inner) = entry.node.table() else { break };
            table = inner;
        }
        site(&self.sources, found?)
    }

    /// The value of the key at `path` as it was written.
    pub fn text(&self, path: &str) -> Option<&str> {
        self.place(path).map(|place| self.sources.get(place))
    }

    fn place(&self, path: &str) -> Option<Place> {
        let (mut table, mut keys) = (&self.root, path.split('.').peekable());
        loop {
            let entry = table.get(keys.next()?)?;
            if keys.peek().is_none() {
                return Some(entry.node.place);
            }
            table = entry.node.table()?;
        }
    }
}
