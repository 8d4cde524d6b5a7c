//! The catalogue of cures. What belongs together is a file and a line of the registry: given where it hurts it offers what
//! may be done there. Whether it helps is found out by trying.

mod cache;
mod calls;
mod capacity;
mod connections;
mod messages;
mod queue;
mod retries;
mod steps;

use super::cure::Cure;
use super::scene::Scene;

const CATALOGUE: &[fn(&Scene<'_>, &mut Vec<Cure>)] = &[
    queue::offer,
    retries::offer,
    calls::offer,
    steps::offer,
    cache::offer,
    connections::offer,
    messages::offer,
    capacity::offer,
];

/// Everything that may be done in `scene`, each once.
pub(super) fn catalogue(scene: &Scene<'_>) -> Vec<Cure> {
    let mut offered = Vec::new();
    for offer in CATALOGUE {
        offer(scene, &mut offered);
    }
    let mut all: Vec<Cure> = Vec::new();
    for cure in offered {
        if all.iter().all(|known| known.lines != cure.lines) {
            all.push(cure);
        }
    }
    all
}

/// A length of time as files write it, with two digits.
fn span(secs: f64) -> String {
    let millis = secs * 1e3;
    let digits = libm::floor(libm::log10(millis.max(0.01))) - 1.0;
    let unit = libm::pow(10.0, digits);
    let millis = libm::round(millis / unit) * unit;
    match millis {
        _ if millis >= 1000.0 && libm::fmod(millis, 1000.0) == 0.0 => format!("\"{}s\"", millis / 1e3),
        _ if millis >= 1.0 => format!("\"{}ms\"", libm::round(millis)),
        _ => format!("\"{}us\"", libm::round(millis * 1e3).max(1.0)),
    }
}

/// A key as TOML writes it.
fn key(name: &str) -> String {
    let is_bare = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    if !name.is_empty() && name.chars().all(is_bare) { name.to_owned() } else { format!("{name:?}") }
}

#[cfg(test)]
mod tests {
    #[test]
    fn lengths_of_time_have_two_digits() {
        let texts = [0.1234, 2.0, 1.26, 0.0004, 0.00999, 30.0].map(super::span);
        assert_eq!(texts, ["\"120ms\"", "\"2s\"", "\"1300ms\"", "\"400us\"", "\"10ms\"", "\"30s\""]);
    }
}
