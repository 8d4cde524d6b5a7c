//! Advice as JSON: what was tried where it hurts, and what it did.

use serde_json::{Value, json};

use crate::experiment::{Advice, Cure, Figure, Figures, Tried};
use crate::insight::statistics::ShareEstimate;
use crate::model::Verdict;

/// All that is known, for programs.
pub fn json(name: &str, advice: &Advice) -> String {
    let figure = |it: Option<&Figure>| -> Value {
        it.map_or(Value::Null, |it| {
            json!({
                "name": it.name,
                "mean": it.mean,
                "difference": it.difference,
                "half_width": it.half_width,
                "is_clear": it.is_clear,
            })
        })
    };
    let share = |it: &ShareEstimate| json!({ "count": it.count, "of": it.of, "low": it.low, "high": it.high });
    let figures = |it: &Figures| {
        json!({
            "ended_well": share(&it.ended_well),
            "gained": it.gained,
            "lost": it.lost,
            "expectations": it.expectations.iter().map(share).collect::<Vec<_>>(),
            "recovered": share(&it.recovered),
            "worst": it.worst.map(Verdict::name),
            "goodput": figure(it.goodput.as_ref()),
            "latency_s": figure(it.latency.as_ref()),
            "cost": figure(it.cost.as_ref()),
            "capacity": it.capacity,
        })
    };
    let lines = |it: &Cure| -> Vec<Value> {
        it.lines.iter().map(|(path, value)| json!({ "path": path, "value": value })).collect()
    };
    let tried = |it: &Tried| {
        json!({
            "kind": it.cure.kind,
            "place": it.cure.place,
            "what": it.cure.what,
            "only_if": it.cure.proviso,
            "is_believed_in": it.cure.belief.is_some(),
            "is_pair": it.is_pair,
            "effect": it.effect.name(),
            "figures": figures(&it.figures),
            "sets": lines(&it.cure),
        })
    };
    let refused = |(cure, why): &(Cure, String)| json!({ "kind": cure.kind, "place": cure.place, "why": why, "sets": lines(cure) });
    let all = json!({
        "scenario": name,
        "title": advice.model.title,
        "seed": advice.model.seed,
        "hurts": advice.hurts,
        "root": advice.insight.root,
        "sustained_by": advice.insight.sustained_by,
        "places": advice.places,
        "as_it_stands": figures(&advice.base),
        "winner": advice.winner,
        "tried": advice.tried.iter().map(tried).collect::<Vec<_>>(),
        "refused": advice.refused.iter().map(refused).collect::<Vec<_>>(),
        "confirmed": advice.confirmed.as_ref().map(|(before, after)| {
            json!({ "as_it_stands": figures(before), "cured": figures(after) })
        }),
        "why_nothing": advice.why_nothing,
        "variant": advice.variant,
        "overlay": advice.overlay(),
        "run_with": json!({ "variants": advice.run_with.variants, "sets": advice.run_with.sets }),
        "runs": advice.runs,
    });
    format!("{all:#}\n")
}
