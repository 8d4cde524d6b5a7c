//! "Did you mean": the known word that is nearest to a misspelt one.

/// Nobody misspells a longer word, and comparing takes the product of two lengths.
const LENGTH_MAX: usize = 200;

/// The candidate nearest to `word`, when it is near enough that somebody may have meant it.
///
/// Near is a Damerau–Levenshtein distance of at most a third of the longer word's length (at least 1),
/// ignoring case, `-` and `_`. Of several equally near ones the first wins.
pub fn did_you_mean<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let word = normal(word);
    if word.len() > LENGTH_MAX {
        return None;
    }
    let near = |candidate: &'a str| {
        if candidate.len() > LENGTH_MAX {
            return None;
        }
        let other = normal(candidate);
        let distance = strsim::damerau_levenshtein(&word, &other);
        let longer = word.chars().count().max(other.chars().count());
        (distance <= (longer / 3).max(1)).then_some((distance, candidate))
    };
    candidates.into_iter().filter_map(near).min_by_key(|(distance, _)| *distance).map(|(_, candidate)| candidate)
}

fn normal(word: &str) -> String {
    word.to_lowercase().replace('_', "-")
}
