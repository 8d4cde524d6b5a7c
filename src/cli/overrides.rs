//! What the command line changes in a scenario: the same for every subcommand that loads one.

use clap::Args;

use crate::scenario::LoadOptions;

/// Changes to a scenario.
#[derive(Clone, Debug, Args)]
pub(super) struct Overrides {
    /// Lay a variant of the file over it; several are laid in the order given
    #[arg(long = "variant", value_name = "NAME")]
    variants: Vec<String>,
    /// Set a key, by its path in the file: --set service.orders.threads=32
    #[arg(long = "set", value_name = "PATH=VALUE")]
    sets: Vec<String>,
    /// Replace the seed
    #[arg(long, value_name = "NUMBER")]
    seed: Option<u64>,
}

impl Overrides {
    /// As if they had been typed.
    pub(super) fn new(variants: Vec<String>, sets: Vec<String>, seed: Option<u64>) -> Overrides {
        Overrides { variants, sets, seed }
    }

    /// As the loader takes them.
    pub(super) fn options(&self) -> LoadOptions {
        LoadOptions {
            variants: self.variants.clone(),
            sets: self.sets.clone(),
            seed: self.seed,
            ..LoadOptions::default()
        }
    }

    /// `stem`, and the variants after it.
    pub(super) fn name(&self, stem: &str) -> String {
        let mut name = stem.to_owned();
        for variant in &self.variants {
            name.push('-');
            name.push_str(variant);
        }
        name
    }

    /// What pictures and tables add to the title of the scenario: ` (variant breaker, load=200/s)`.
    pub(super) fn title(&self) -> String {
        let variants = self.variants.iter().map(|variant| format!("variant {variant}"));
        let changes: Vec<String> = variants.chain(self.sets.iter().cloned()).collect();
        if changes.is_empty() { String::new() } else { format!(" ({})", changes.join(", ")) }
    }

    /// What besides the file decides the results, seed left out: part of what the scenario hash covers.
    pub(super) fn fingerprint(&self) -> String {
        let variants = self.variants.iter().map(|variant| format!("\n--variant {variant}"));
        let sets = self.sets.iter().map(|set| format!("\n--set {set}"));
        variants.chain(sets).collect()
    }

    /// As they are typed, with a space after each.
    pub(super) fn arguments(&self) -> String {
        let variants = self.variants.iter().map(|variant| format!("--variant {} ", quoted(variant)));
        let sets = self.sets.iter().map(|set| format!("--set {} ", quoted(set)));
        let seed = self.seed.map(|seed| format!("--seed {seed} "));
        variants.chain(sets).chain(seed).collect()
    }
}

/// An argument of a command line, in quotes where a shell would take it for something else.
pub(super) fn quoted(argument: &str) -> String {
    let is_plain = |c: char| c.is_alphanumeric() || "-_=./:,%+@".contains(c);
    if argument.chars().all(is_plain) { argument.to_owned() } else { format!("'{}'", argument.replace('\'', "'\\''")) }
}
