//! Keys that take one of a few words.

use super::{Cx, Decode};
use crate::base::suggest::did_you_mean;
use crate::model::{
    Balancing, CacheFill, CacheStart, Cancel, Deadlines, Handlers, OnFailure, Overflow, Scope, TransportPreset,
};
use crate::policy::balance::Balance;
use crate::policy::retry::Jitter;
use crate::scenario::declare::Kind;
use crate::scenario::say::catalogue;
use crate::scenario::tree::Node;

/// What a word can mean.
pub(crate) trait Words: Copy + 'static {
    /// For messages, with an article.
    const WHAT: &'static str;
    /// Every word.
    const WORDS: &'static [(&'static str, Self)];
    /// Words of the language that cannot be simulated yet.
    const LATER: &'static [&'static str];
}

/// The word for a meaning.
pub(crate) fn word_for<T: Words + PartialEq>(meaning: T) -> &'static str {
    T::WORDS.iter().find(|(_, it)| *it == meaning).map_or("", |(word, _)| word)
}

/// The meaning of a word.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Word<T>(pub(crate) T);

impl<T: Words> Decode for Word<T> {
    fn kind() -> Kind {
        Kind::Words { what: T::WHAT, words: T::WORDS.iter().map(|(word, _)| *word).collect() }
    }

    fn decode(node: &Node, cx: &mut Cx<'_>) -> Option<Self> {
        word(node, cx, &Self::kind()).map(Word)
    }
}

/// The meaning of a word, or `"auto"`: something else decides.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Auto<T>(pub(crate) Option<T>);

impl<T> Default for Auto<T> {
    fn default() -> Self {
        Auto(None)
    }
}

impl<T: Words> Decode for Auto<T> {
    fn kind() -> Kind {
        let words = std::iter::once("auto").chain(T::WORDS.iter().map(|(word, _)| *word));
        Kind::Words { what: T::WHAT, words: words.collect() }
    }

    fn decode(node: &Node, cx: &mut Cx<'_>) -> Option<Self> {
        if node.text() == Some("auto") {
            return Some(Auto(None));
        }
        word(node, cx, &Self::kind()).map(|word| Auto(Some(word)))
    }
}

/// What the word at `node` means, one of those that `kind` lists.
fn word<T: Words>(node: &Node, cx: &mut Cx<'_>, kind: &Kind) -> Option<T> {
    let Kind::Words { words: all, .. } = kind else { return None };
    let words = || all.iter().copied();
    let list = || words().map(|word| format!("\"{word}\"")).collect::<Vec<_>>().join(", ");
    let Some(text) = node.text() else {
        if let Some(diagnostic) = cx.wrong_type(node, kind) {
            diagnostic.help(format!("write one of {}", list()));
        }
        return None;
    };
    if let Some((_, meaning)) = T::WORDS.iter().find(|(word, _)| *word == text) {
        return Some(*meaning);
    }
    if T::LATER.contains(&text) {
        cx.say(&catalogue::NOT_YET, node.place, format!("\"{text}\" is not there yet"))
            .help(format!("write one of {}", list()));
        return None;
    }
    let near = did_you_mean(text, words());
    cx.say(&catalogue::UNKNOWN_WORD, node.place, format!("\"{text}\" is not {}", T::WHAT))
        .maybe_help(near.map(|near| format!("did you mean \"{near}\"?")))
        .help(format!("write one of {}", list()));
    None
}

impl Words for Overflow {
    const WHAT: &'static str = "a way to turn requests away";
    const WORDS: &'static [(&'static str, Self)] =
        &[("reject-newest", Overflow::RejectNewest), ("reject-oldest", Overflow::RejectOldest)];
    const LATER: &'static [&'static str] = &[];
}

impl Words for Scope {
    const WHAT: &'static str = "a number of instances";
    const WORDS: &'static [(&'static str, Self)] =
        &[("replica", Scope::Replica), ("shared", Scope::Shared), ("key", Scope::Key)];
    const LATER: &'static [&'static str] = &[];
}

/// How many instances of a cache there are.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum CacheScope {
    /// One for each replica.
    Replica,
    /// One.
    Shared,
}

impl Words for CacheScope {
    const WHAT: &'static str = "a number of instances";
    const WORDS: &'static [(&'static str, Self)] = &[("replica", CacheScope::Replica), ("shared", CacheScope::Shared)];
    const LATER: &'static [&'static str] = &["zone"];
}

/// From when the time counts for which a cache keeps a key.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Expiry {
    /// From the fill.
    Fixed,
    /// From the last use.
    Sliding,
}

impl Words for Expiry {
    const WHAT: &'static str = "a kind of expiry";
    const WORDS: &'static [(&'static str, Self)] = &[("fixed", Expiry::Fixed), ("sliding", Expiry::Sliding)];
    const LATER: &'static [&'static str] = &[];
}

impl Words for CacheFill {
    const WHAT: &'static str = "a way to fill a cache";
    const WORDS: &'static [(&'static str, Self)] = &[("in-time", CacheFill::InTime), ("late", CacheFill::Late)];
    const LATER: &'static [&'static str] = &[];
}

impl Words for CacheStart {
    const WHAT: &'static str = "a way to start";
    const WORDS: &'static [(&'static str, Self)] = &[("cold", CacheStart::Cold), ("warm", CacheStart::Warm)];
    const LATER: &'static [&'static str] = &[];
}

impl Words for TransportPreset {
    const WHAT: &'static str = "a preset of transports";
    const WORDS: &'static [(&'static str, Self)] = &[
        ("rest", TransportPreset::Rest),
        ("rest-h2", TransportPreset::RestH2),
        ("grpc", TransportPreset::Grpc),
        ("grpc-stream", TransportPreset::GrpcStream),
        ("in-process", TransportPreset::InProcess),
    ];
    const LATER: &'static [&'static str] = &["kafka", "rabbitmq", "jetstream", "sqs"];
}

impl Words for Balancing {
    const WHAT: &'static str = "a level of balancing";
    const WORDS: &'static [(&'static str, Self)] =
        &[("request", Balancing::Request), ("connection", Balancing::Connection)];
    const LATER: &'static [&'static str] = &[];
}

/// A version of TLS.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum TlsVersion {
    /// No encryption.
    None,
    /// Two round trips more.
    V12,
    /// One round trip more.
    V13,
}

impl Words for TlsVersion {
    const WHAT: &'static str = "a version of TLS";
    const WORDS: &'static [(&'static str, Self)] =
        &[("none", TlsVersion::None), ("1.2", TlsVersion::V12), ("1.3", TlsVersion::V13)];
    const LATER: &'static [&'static str] = &[];
}

/// A mesh whose figures are known.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum MeshPreset {
    /// Istio with a sidecar beside every process.
    Istio,
}

impl Words for MeshPreset {
    const WHAT: &'static str = "a preset of meshes";
    const WORDS: &'static [(&'static str, Self)] = &[("istio", MeshPreset::Istio)];
    const LATER: &'static [&'static str] = &["linkerd"];
}

/// A pool whose figures and rules are known.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum PoolPreset {
    /// HikariCP.
    Hikari,
}

impl Words for PoolPreset {
    const WHAT: &'static str = "a preset of pools";
    const WORDS: &'static [(&'static str, Self)] = &[("hikari", PoolPreset::Hikari)];
    const LATER: &'static [&'static str] = &[];
}

impl Words for Handlers {
    const WHAT: &'static str = "a kind of handler";
    const WORDS: &'static [(&'static str, Self)] = &[("blocking", Handlers::Blocking), ("async", Handlers::Async)];
    const LATER: &'static [&'static str] = &[];
}

impl Words for OnFailure {
    const WHAT: &'static str = "what a user does after a failure";
    const WORDS: &'static [(&'static str, Self)] = &[("leave", OnFailure::Leave), ("go-on", OnFailure::GoOn)];
    const LATER: &'static [&'static str] = &[];
}

impl Words for Balance {
    const WHAT: &'static str = "a balancer";
    const WORDS: &'static [(&'static str, Self)] = &[
        ("round-robin", Balance::RoundRobin),
        ("random", Balance::Random),
        ("least-request", Balance::LeastRequest),
        ("p2c", Balance::PowerOfTwo),
        ("join-shortest", Balance::JoinShortest),
        ("peak-ewma", Balance::PeakEwma),
        ("ring-hash", Balance::RingHash),
        ("maglev", Balance::Maglev),
    ];
    const LATER: &'static [&'static str] = &["weighted", "pick-first", "sticky"];
}

impl Words for Jitter {
    const WHAT: &'static str = "a kind of jitter";
    const WORDS: &'static [(&'static str, Self)] = &[
        ("none", Jitter::None),
        ("full", Jitter::Full),
        ("equal", Jitter::Equal),
        ("decorrelated", Jitter::Decorrelated),
    ];
    const LATER: &'static [&'static str] = &[];
}

impl Words for Cancel {
    const WHAT: &'static str = "a kind of cancellation";
    const WORDS: &'static [(&'static str, Self)] = &[
        ("off", Cancel::Off),
        ("waiting", Cancel::Waiting),
        ("between-steps", Cancel::BetweenSteps),
        ("at-once", Cancel::AtOnce),
    ];
    const LATER: &'static [&'static str] = &[];
}

impl Words for Deadlines {
    const WHAT: &'static str = "a treatment of deadlines";
    const WORDS: &'static [(&'static str, Self)] = &[("local", Deadlines::Local), ("propagate", Deadlines::Propagate)];
    const LATER: &'static [&'static str] = &[];
}
