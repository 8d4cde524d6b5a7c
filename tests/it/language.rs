//! The language beyond one plain file: parameters, other files, what is said about it all.

mod data;
pub(crate) mod expanded;
mod explain;
mod extends;
mod parameters;
mod schema;

use std::collections::BTreeMap;

use brownout::model::Model;
use brownout::scenario::{Files, LoadOptions, Loaded, load_with_files};

/// Files in memory.
#[derive(Default)]
pub(crate) struct Memory(BTreeMap<String, Vec<u8>>);

impl Memory {
    pub(crate) fn of(files: &[(&str, &str)]) -> Memory {
        Memory(files.iter().map(|(path, text)| ((*path).to_owned(), text.as_bytes().to_vec())).collect())
    }
}

impl Files for Memory {
    fn read(&self, path: &str, bytes_max: usize) -> Result<Vec<u8>, String> {
        let bytes = self.0.get(path).ok_or("there is no such file")?;
        Ok(bytes[..bytes.len().min(bytes_max + 1)].to_vec())
    }
}

/// Options with variants and `--set` arguments.
pub(crate) fn options(variants: &[&str], sets: &[&str]) -> LoadOptions {
    let owned = |list: &[&str]| list.iter().map(|text| (*text).to_owned()).collect();
    LoadOptions { variants: owned(variants), sets: owned(sets), ..LoadOptions::default() }
}

/// Loads a text that may name `files`.
pub(crate) fn loaded(text: &str, options: &LoadOptions, files: &[(&str, &str)]) -> Loaded {
    load_with_files("scenario.toml", text.as_bytes(), options, &Memory::of(files))
}

/// The model of a text without errors.
#[track_caller]
pub(crate) fn model(text: &str, options: &LoadOptions, files: &[(&str, &str)]) -> Model {
    let loaded = loaded(text, options, files);
    assert!(!loaded.diagnostics.has_errors(), "{}", loaded.diagnostics.render(false));
    loaded.model.unwrap()
}

/// What is said about a text, without colour.
pub(crate) fn said(text: &str, options: &LoadOptions, files: &[(&str, &str)]) -> String {
    loaded(text, options, files).diagnostics.render(false)
}
