//! Every code once: its number, what it is called, and what it means. Numbers are never used again.

/// Whether a scenario can still run.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Severity {
    /// It cannot.
    Error,
    /// It can, but it is probably not what its author means.
    Warning,
}

/// A kind of diagnostic.
#[derive(Debug, PartialEq, Eq)]
pub struct Code {
    /// `E010`, `W001`, ...
    pub id: &'static str,
    /// Whether it stops the run.
    pub severity: Severity,
    /// What it is called.
    pub title: &'static str,
    /// Why it is refused or suspicious, and what to do.
    pub explanation: &'static str,
}

macro_rules! codes {
    ($($severity:ident { $($id:literal $name:ident $title:literal $explanation:literal)* })*) => {
        $($(
            #[doc = $title]
            pub(crate) static $name: Code = Code {
                id: $id,
                severity: Severity::$severity,
                title: $title,
                explanation: $explanation,
            };
        )*)*
        /// All of them, errors first, by number.
        pub static ALL: &[&Code] = &[$($(&$name),*),*];
    };
}

codes! {
    Error {
        "E001" SYNTAX "not TOML"
            "The file is not valid TOML. Text values stand in quotes, keys and values are separated by `=`, \
             and an inline table or array is closed on every path."
        "E002" NOT_UTF8 "not UTF-8"
            "A scenario is a text file in UTF-8. Save it in that encoding; the place of the first byte that \
             does not fit is shown."
        "E003" TOO_LARGE "too large or nested too deeply"
            "A scenario file holds at most 8 MiB, and tables and arrays nest at most a few dozen levels deep."
        "E004" EMPTY "nothing to run"
            "A scenario needs at least one workload: without it, nothing ever arrives."
        "E005" DEFINED_TWICE "defined twice"
            "A key can be set only once in a table, and a table can be opened only once."
        "E010" UNKNOWN_KEY "unknown key"
            "The key does not exist at this place. Nothing is ever ignored, so that a misspelt key cannot \
             silently fall back to a default."
        "E011" NOT_YET "not there yet"
            "The key or value is part of the language, but this version cannot simulate it yet. It is refused \
             rather than ignored."
        "E012" MISSING_KEY "missing key"
            "The table needs this key."
        "E013" WRONG_TYPE "wrong type"
            "The value has another type than the key takes."
        "E014" BAD_NAME "not a name"
            "Names consist of ASCII letters, digits, `-` and `_`, so that they can stand in `service.endpoint`, \
             in conditions and in data files."
        "E015" EXCLUDE "keys that exclude each other"
            "Only one of these keys can stand here: a step does one thing, a fault has one target and one effect."
        "E016" PARTNER "a key without its partner"
            "The key means something only beside another one."
        "E020" BAD_VALUE "not a value of this kind"
            "The text cannot be read as what it should be. Values with a unit stand in quotes: \"200ms\", \
             \"1500/s\", \"99%\", \"lognormal(p50=5ms, p99=40ms)\"."
        "E021" OUT_OF_RANGE "out of range"
            "The value is too small, too large, or not a finite number."
        "E022" UNKNOWN_WORD "unknown word"
            "The key takes one of a few words."
        "E030" UNKNOWN_NAME "unknown name"
            "The service, endpoint, client or workload is not defined in this scenario."
        "E031" UNKNOWN_VARIANT "unknown variant"
            "The file has no variant of this name."
        "E032" BAD_SET "an assignment that cannot be made"
            "`--set` takes PATH=VALUE, where PATH is the path of a key as it stands in the file: \
             service.orders.threads=32."
        "E033" BAD_OVERLAY "an overlay that does not fit"
            "A variant holds the same tables as the file itself, except variants."
        "E034" AMBIGUOUS "ambiguous name"
            "Both a workload and a service have this name; write `workload.NAME` or `service.NAME`."
        "E040" SHARES "shares that do not sum to one"
            "The shares of alternatives must sum to 100%."
        "E041" NEED "a need that cannot be met"
            "`need` is at least 1 and at most the number of branches; `optional` goes only with `need = \"all\"`."
        "E042" BACKWARDS "a profile that runs backwards"
            "The points of a profile start at \"0s\" and never go back in time; two points at the same time are \
             a step."
        "E043" RECURSION "endless recursion"
            "Whatever is drawn, the call comes back to the same endpoint: no request would ever be answered. \
             Recursion is fine below a `choose` with a way out."
        "E044" TOO_OFTEN "too many repetitions"
            "Repetitions inside repetitions multiply; their product must stay below 2^31."
        "E045" EFFECT "an effect that does not fit its target"
            "A service can have `add_latency`, `slow`, `error_rate`, `pause` and `crash`; calls between two have \
             `add_latency`, `error_rate` and `cut`; a workload has `traffic`."
        "E046" WARMUP "a warm-up that is longer than the run"
            "The warm-up is left out of all totals, so it must end before the run does."
        "E047" NO_ITEMS "an empty list"
            "The list needs at least one element."
        "E048" STEP_PLACE "a step that cannot stand here"
            "A branch of `parallel` runs beside others: it cannot answer for the handler or hand it over."
        "E049" CONDITION "a condition that cannot be measured"
            "The metric does not exist, does not fit its target, or is compared with another kind of value."
    }
    Warning {
        "W001" OVERLOAD "overloaded on paper"
            "The offered load needs more than all threads or cores, even without retries and queues: the queue \
             grows for as long as this lasts."
        "W002" INVERSION "timeout inversion"
            "The caller gives up before its callee does: the callee goes on working, and retrying, for nobody. \
             Timeouts should shrink on the way down, retries included, or deadlines should be propagated."
        "W003" CIRCLE "services that call each other in a circle"
            "Each holds threads while it waits for the other: when load rises, they can starve each other."
        "W004" OUTSIDE "outside the run"
            "It starts after the end of the run, so it never happens."
        "W005" BREAKER_IDLE "a breaker that is never judged"
            "A breaker is kept by each replica of the caller; at this load none of them sees the minimum number \
             of calls within the run."
        "W006" CUT_FOR_EVER "a cut without a timeout"
            "Requests on a cut edge are lost, and a caller without a timeout waits for ever and holds its thread."
        "W007" IGNORED_POLICY "a policy that a forward cannot follow"
            "`forward` hands the request over and does not wait: timeout, retries and breaker of its client \
             do not apply."
        "W008" UNUSED "defined and never used"
            "Nothing refers to this name."
        "W009" UNREACHABLE "steps that are never reached"
            "The step before them ends the handler."
        "W010" NO_SUCH_EDGE "a fault on calls that nobody makes"
            "The fault strikes calls between two, but the one never calls the other."
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_sorted_unique_and_explained() {
        let ids: Vec<_> = ALL.iter().map(|code| code.id).collect();
        let mut sorted = ids.clone();
        sorted.sort_unstable();
        sorted.dedup();
        assert_eq!(ids, sorted);
        for code in ALL {
            let letter = if code.severity == Severity::Error { 'E' } else { 'W' };
            assert!(code.id.starts_with(letter) && code.id.len() == 4, "{}", code.id);
            assert!(code.explanation.ends_with('.') && !code.explanation.contains("  "), "{}", code.id);
        }
    }
}
