//! The language as a JSON Schema (draft 7), for editors and checkers of TOML files. It is looser than the loader:
//! names, sums and what fits together only the loader knows; what it accepts, the schema accepts.

use serde_json::{Map, Value, json};

use super::declare::{Form, Keys, Kind, Presence, Section};
use super::decode::VERBS;
use super::language::{ScenarioKeys, sections};
use super::reference::joined;

/// A text that is the value of a parameter.
const PARAMETER: &str = "^\\$[A-Za-z][A-Za-z0-9_-]*$";
const NAME: &str = "^[A-Za-z0-9_-]+$";

/// How much of a table must be there.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Extent {
    /// All that is required.
    Whole,
    /// Anything: it is laid over another one.
    Overlay,
}

/// The JSON Schema of a scenario file.
pub fn schema() -> String {
    let mut definitions = Map::new();
    for section in sections() {
        for extent in [Extent::Whole, Extent::Overlay] {
            if section.path.is_empty() || (extent == Extent::Overlay && !can_be_laid_over(section)) {
                continue;
            }
            definitions.insert(definition(section, extent), table(section, extent));
        }
    }
    definitions.insert("steps".to_owned(), steps());
    definitions.insert("step".to_owned(), step());
    definitions.insert("overlay".to_owned(), overlay());
    let root = ScenarioKeys::section();
    let whole = json!({ "properties": properties(root, Extent::Whole), "required": ["workload", "service"] });
    let schema = json!({
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": "brownout scenario",
        "description": joined(root.about),
        "type": "object",
        "additionalProperties": false,
        "properties": properties(root, Extent::Overlay),
        // A scenario that extends another one needs only what it changes.
        "if": { "required": ["extends"] },
        "else": whole,
        "definitions": definitions,
    });
    let mut text = serde_json::to_string_pretty(&schema).expect("a tree of values is JSON");
    text.push('\n');
    text
}

/// Tables inside lists are whole wherever they stand: lists replace each other.
fn can_be_laid_over(section: &Section) -> bool {
    !section.path.starts_with("step")
}

fn definition(section: &Section, extent: Extent) -> String {
    let noun = section.noun.split_once(' ').map_or(section.noun, |(_, noun)| noun);
    let name = noun.replace('`', "").replace(' ', "-");
    match extent {
        Extent::Overlay => format!("{name}-overlay"),
        Extent::Whole => name,
    }
}

fn reference(section: &Section, extent: Extent) -> Value {
    let extent = if can_be_laid_over(section) { extent } else { Extent::Whole };
    json!({ "$ref": format!("#/definitions/{}", definition(section, extent)) })
}

fn table(section: &Section, extent: Extent) -> Value {
    let mut table = json!({
        "description": joined(section.about),
        "type": "object",
        "additionalProperties": false,
        "properties": properties(section, extent),
    });
    let required: Vec<&str> =
        section.keys.iter().filter(|key| key.presence == Presence::Required).map(|key| key.name).collect();
    if extent == Extent::Whole && !required.is_empty() {
        table["required"] = json!(required);
    }
    // Not an `anyOf`: of a table that fits none of several schemas, checkers say no more than that.
    if can_be_laid_over(section) {
        table["type"] = json!(["object", "string"]);
        table["pattern"] = json!("^none$");
    }
    table
}

fn properties(section: &Section, extent: Extent) -> Value {
    let property = |key: &super::declare::Key| {
        let kind = (key.kind)();
        let mut value = of_kind(&kind, extent);
        // An overlay takes away what has no default of its own.
        if key.presence == Presence::Optional && !matches!(kind, Kind::Text | Kind::Named(_) | Kind::Overlays) {
            value = any_of(vec![value, json!({ "const": "none" })]);
        }
        let mut described = Map::new();
        described.insert("description".to_owned(), json!(joined(key.doc)));
        if let Presence::Default(default) = key.presence {
            described.insert("default".to_owned(), written(default));
        }
        match value {
            // Words beside a reference are ignored by draft 7.
            Value::Object(object) if object.contains_key("$ref") => {
                described.insert("allOf".to_owned(), json!([object]));
            }
            Value::Object(object) => described.extend(object),
            other => {
                described.insert("allOf".to_owned(), json!([other]));
            }
        }
        (key.name.to_owned(), Value::Object(described))
    };
    Value::Object(section.keys.iter().map(property).collect())
}

/// A declared default as a value.
fn written(default: &str) -> Value {
    match default {
        "true" => json!(true),
        "false" => json!(false),
        text => text.parse().unwrap_or_else(|_| json!(text)),
    }
}

fn of_kind(kind: &Kind, extent: Extent) -> Value {
    let parameter = || json!({ "type": "string", "pattern": PARAMETER });
    match kind {
        Kind::Text => json!({ "type": "string" }),
        Kind::Flag => any_of(vec![json!({ "type": "boolean" }), parameter()]),
        Kind::True => any_of(vec![json!({ "const": true }), parameter()]),
        Kind::Integer { min, max } => {
            any_of(vec![json!({ "type": "integer", "minimum": min, "maximum": max }), parameter()])
        }
        Kind::Number => any_of(vec![json!({ "type": "number", "minimum": 0 }), parameter()]),
        Kind::Scalar => json!({ "type": ["string", "number", "boolean"] }),
        Kind::Any => json!({}),
        Kind::Form(form) => of_form(form),
        Kind::Words { words, .. } => any_of(vec![json!({ "enum": words }), parameter()]),
        Kind::Name(what) => json!({ "type": "string", "minLength": 1, "title": what }),
        Kind::Or("none", inner) if matches!(**inner, Kind::Table(_)) => of_kind(inner, extent),
        Kind::Or(word, inner) => any_of(vec![json!({ "const": word }), of_kind(inner, extent)]),
        Kind::Table(section) => reference(section(), extent),
        Kind::Named(section) => json!({
            "type": "object",
            "propertyNames": { "pattern": NAME },
            "additionalProperties": reference(section(), extent),
        }),
        Kind::Map(_, inner) => {
            json!({ "type": "object", "minProperties": 1, "additionalProperties": of_kind(inner, extent) })
        }
        Kind::List(inner) => json!({ "type": "array", "minItems": 1, "items": of_kind(inner, Extent::Whole) }),
        Kind::Steps => json!({ "$ref": "#/definitions/steps" }),
        Kind::Either(kinds) => any_of(kinds.iter().map(|kind| of_kind(kind, extent)).collect()),
        Kind::Overlays => json!({
            "type": "object",
            "propertyNames": { "pattern": NAME },
            "additionalProperties": { "$ref": "#/definitions/overlay" },
        }),
    }
}

fn of_form(form: &Form) -> Value {
    // Parameters may stand anywhere in it.
    let pattern = format!("^ *({}) *$|\\$[A-Za-z]", form.regular_expression());
    let mut value = json!({ "type": "string", "pattern": pattern, "examples": [form.example] });
    if !form.unit.is_empty() {
        value["title"] = json!(format!("{} ({})", form.what, form.unit));
    }
    value
}

fn any_of(values: Vec<Value>) -> Value {
    let mut flat = Vec::new();
    for value in values {
        match value {
            Value::Object(mut object) if object.len() == 1 && object.contains_key("anyOf") => {
                if let Some(Value::Array(inner)) = object.remove("anyOf") {
                    flat.extend(inner);
                }
            }
            other => flat.push(other),
        }
    }
    json!({ "anyOf": flat })
}

fn steps() -> Value {
    let list = json!({ "type": "array", "items": { "$ref": "#/definitions/steps" } });
    json!({ "description": "A step, or a list of steps.", "anyOf": [{ "$ref": "#/definitions/step" }, list] })
}

fn step() -> Value {
    let verbs: Vec<Value> = VERBS.iter().map(|(_, section, _)| reference(section(), Extent::Whole)).collect();
    json!({ "anyOf": verbs })
}

fn overlay() -> Value {
    let root = ScenarioKeys::section();
    let mut properties = properties(root, Extent::Overlay);
    if let Value::Object(properties) = &mut properties {
        properties.remove("variant");
        properties.remove("extends");
    }
    json!({
        "description": "What a variant changes: tables merge, everything else replaces, \"none\" takes away.",
        "type": "object",
        "additionalProperties": false,
        "properties": properties,
    })
}
