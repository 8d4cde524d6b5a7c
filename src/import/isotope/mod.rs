//! Istio isotope service graphs (YAML, istio/tools, folder `isotope`) become scenarios.
//!
//! Read are the graph, its scripts (sleeps, calls with a probability, concurrent groups), error
//! rates, replicas and defaults. Not in the graph, and therefore chosen here: the CPU work of a
//! request, the cores of a replica, and the load, which takes the busiest service to 50%.

mod graph;
mod load;
mod values;
mod write;
mod yaml;

use crate::base::distribution::Distribution;
use crate::base::units::Rate;

use super::Faults;

/// What the graph does not say.
#[derive(Clone, Debug)]
pub struct Options {
    /// CPU work of every service for every request it gets.
    pub work: Distribution,
    /// Requests of all users together; `None` loads the busiest service to 50%.
    pub rate: Option<Rate>,
}

/// Turns the graph in `bytes` into the text of a scenario. `name` is what errors and the title call it.
///
/// # Errors
///
/// Everything that is wrong with the graph, at once.
pub fn import(name: &str, bytes: &[u8], options: &Options) -> Result<String, Faults> {
    let text = match std::str::from_utf8(bytes) {
        Ok(text) => text,
        Err(error) => {
            let valid = &bytes[..error.valid_up_to()];
            let text = String::from_utf8_lossy(bytes);
            let mut faults = Faults::new(name, &text);
            faults.add(
                valid.len()..valid.len() + '\u{FFFD}'.len_utf8(),
                "the file is not UTF-8 text from here on",
                None,
            );
            return Err(faults);
        }
    };
    let mut faults = Faults::new(name, text);
    let graph = yaml::document(text, &mut faults).and_then(|root| graph::read(&root, &mut faults));
    if let Some(graph) = graph.filter(|_| faults.is_empty())
        && let Some(load) = load::of(&graph, options, &mut faults)
    {
        return Ok(write::scenario(name, &graph, &load, options));
    }
    Err(faults)
}
