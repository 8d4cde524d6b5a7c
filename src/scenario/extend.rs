//! `extends`: a scenario laid over another one, as a variant is laid over its file.

use super::files::{Files, SCENARIO_BYTES_MAX, Shelf, resolved};
use super::say::{Diagnostic, Findings, Place, SourceId, Sources, catalogue};
use super::tree::{Parsed, Table, Value, lay_over, parse_file};

/// The key that names the other scenario.
const KEY: &str = "extends";
/// More scenarios on top of each other are a mistake.
const CHAIN_MAX: usize = 16;

/// The tree of `file`, laid over those of the scenarios that it extends.
pub(crate) fn parse_chain(
    file: SourceId,
    name: &str,
    files: &dyn Files,
    shelf: &mut Shelf,
    sources: &mut Sources,
    findings: &mut Findings,
) -> Parsed {
    let mut top = parse_file(sources, file, findings);
    let mut below: Vec<Table> = Vec::new();
    let mut chain = vec![resolved("", name)];
    let mut current = name.to_owned();
    let mut own = take_base(&mut top.root);
    // Much may be missing that nobody can look up.
    top.has_gaps |= top.root.get(KEY).is_some();
    while let Some((named, place)) = own {
        let path = resolved(&current, &named);
        if chain.contains(&path) {
            findings
                .add(Diagnostic::new(&catalogue::CIRCULAR_EXTENDS, place, "the scenario extends itself"))
                .note(format!("{} -> {path}", chain.join(" -> ")))
                .help("remove `extends` from one of them");
            top.has_gaps = true;
            break;
        }
        if chain.len() >= CHAIN_MAX {
            let title = format!("more than {CHAIN_MAX} scenarios extend each other");
            findings.add(Diagnostic::new(&catalogue::CIRCULAR_EXTENDS, place, title));
            top.has_gaps = true;
            break;
        }
        let Some(id) = shelf.text(files, &path, place, SCENARIO_BYTES_MAX, sources, findings) else {
            top.has_gaps = true;
            break;
        };
        let mut base = parse_file(sources, id, findings);
        top.has_gaps |= base.has_gaps;
        own = take_base(&mut base.root);
        below.push(base.root);
        chain.push(path.clone());
        current = path;
    }
    // The lowest first, each next one over it.
    if let Some(mut root) = below.pop() {
        while let Some(next) = below.pop() {
            lay_over(&mut root, &next);
        }
        lay_over(&mut root, &top.root);
        top.root = root;
    }
    top
}

/// Takes the name of the scenario below out of `root`; one that is no text stays, to be refused where it is read.
fn take_base(root: &mut Table) -> Option<(String, Place)> {
    let at = root.entries.iter().position(|entry| entry.key == KEY)?;
    if !matches!(root.entries[at].node.value, Value::Text(_)) {
        return None;
    }
    let node = root.entries.remove(at).node;
    Some((node.text()?.to_owned(), node.place))
}
