//! Bad files.

use brownout::scenario::{LoadOptions, load};

#[test]
fn the_worked_example_loads() {
    let bytes = std::fs::read("tests/data/good/worked-example.toml").unwrap();
    let loaded = load("worked-example.toml", &bytes, &LoadOptions::default());
    assert_eq!(loaded.diagnostics.errors(), 0, "{}", loaded.diagnostics.render(false));
    assert!(loaded.model.is_some());
}
