//! Stand-ins for the floors below while they are being built, with their signatures.

use std::ops::ControlFlow;

use crate::base::time::Time;
use crate::measure::Results;
use crate::model::Model;

pub(super) struct LoadOptions {
    pub(super) variants: Vec<String>,
    pub(super) sets: Vec<String>,
    pub(super) seed: Option<u64>,
}

pub(super) struct Loaded {
    pub(super) model: Option<Model>,
    pub(super) diagnostics: Diagnostics,
}

pub(super) struct Diagnostics;

impl Diagnostics {
    pub(super) fn errors(&self) -> usize {
        1
    }
    pub(super) fn warnings(&self) -> usize {
        0
    }
    pub(super) fn render(&self, _color: bool) -> String {
        "error: scenarios cannot be loaded yet\n".to_owned()
    }
}

pub(super) fn load(_name: &str, _bytes: &[u8], options: &LoadOptions) -> Loaded {
    let _ = (&options.variants, &options.sets, options.seed);
    Loaded { model: None, diagnostics: Diagnostics }
}

pub(super) fn simulate(model: &Model, _progress: &mut dyn FnMut(Time) -> ControlFlow<()>) -> Results {
    unreachable!("`{}` was not loaded", model.title)
}

pub(super) struct Input<'a> {
    pub(super) model: &'a Model,
    pub(super) results: &'a Results,
    pub(super) hash: &'a str,
    pub(super) version: &'a str,
}

pub(super) struct Figure {
    pub(super) name: String,
    pub(super) svg: String,
    pub(super) png: Vec<u8>,
}

pub(super) mod terminal {
    pub(in super::super) fn summary(input: &super::Input<'_>, _color: bool, _width: usize) -> String {
        format!("{} {} {} {}", input.model.title, input.results.ended, input.hash, input.version)
    }
}

pub(super) mod json {
    pub(in super::super) fn summary(_input: &super::Input<'_>) -> String {
        String::new()
    }
}

pub(super) mod csv {
    pub(in super::super) fn timeseries(_input: &super::Input<'_>, _all_series: bool) -> String {
        String::new()
    }
    pub(in super::super) fn summary(_input: &super::Input<'_>) -> String {
        String::new()
    }
}

pub(super) mod manifest {
    pub(in super::super) fn manifest(_input: &super::Input<'_>, _scenario: &str, _command: &str) -> String {
        String::new()
    }
}

pub(super) mod figure {
    pub(in super::super) fn all(_input: &super::Input<'_>) -> Vec<super::Figure> {
        Vec::new()
    }
}
