//! The fuzz targets of `tests/fuzz`, for a moment: inputs that they stumbled over or were built to stumble over, and
//! a few hundred scenarios by chance.

use std::fs;
use std::path::Path;

use brownout::base::random::Key;

#[path = "../fuzz/harness.rs"]
mod harness;
#[path = "../fuzz/writer.rs"]
mod writer;

#[test]
fn kept_inputs_are_no_stumbling_blocks() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/fuzzed");
    let mut found: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    found.sort();
    assert!(!found.is_empty());
    for path in found {
        harness::try_bytes(&fs::read(path).unwrap());
    }
}

#[test]
fn scenarios_by_chance_load_or_say_why_and_run() {
    let mut loaded = 0;
    for number in 0..200 {
        let mut draws = Key::root(1, "scenarios by chance").child(number).draws();
        let bytes: Vec<u8> = (0..1_000).flat_map(|_| draws.next_u64().to_le_bytes()).collect();
        let text = writer::scenario(&bytes);
        harness::try_bytes(text.as_bytes());
        loaded += u32::from(harness::loads(text.as_bytes()));
    }
    // Else the writer has forgotten how to write scenarios.
    assert!(loaded > 20, "only {loaded} of them load");
}
