//! What makes a scenario unfit to run.

use super::codes;

codes! {
    Error

    "E001" SYNTAX "not TOML"
        "The file is not valid TOML. Text values stand in quotes, keys and values are separated by `=`, \
         and an inline table or array is closed on every path."
        bad "[service.orders]
threads 64"
        good "[service.orders]
threads = 64"

    "E002" NOT_UTF8 "not UTF-8"
        "A scenario is a text file in UTF-8. Save it in that encoding; the place of the first byte that \
         does not fit is shown."
        bad ""
        good ""

    "E003" TOO_LARGE "too large or nested too deeply"
        "A scenario file holds at most 8 MiB, and tables and arrays nest at most a few dozen levels deep."
        bad ""
        good ""

    "E004" EMPTY "nothing to run"
        "A scenario needs at least one workload: without it, nothing ever arrives."
        bad r#"title = "Nothing yet""#
        good r#"[workload.users]
entry    = "api.page"
arrivals = "poisson(100/s)"

[service.api.endpoint.page]
steps = [{ work = "exp(5ms)" }]"#

    "E005" DEFINED_TWICE "defined twice"
        "A key can be set only once in a table, and a table can be opened only once."
        bad "[service.orders]
threads = 64
threads = 32"
        good "[service.orders]
threads = 32"

    "E006" NO_FILE "a file that cannot be read"
        "The scenario names another file, to extend it or for its data, and that file cannot be read. Paths are \
         relative to the file that they stand in."
        bad r#"extends = "bsae.toml""#
        good r#"extends = "base.toml""#

    "E007" CIRCULAR_EXTENDS "scenarios that extend each other in a circle"
        "A scenario is laid over the one that it extends; at the end of the chain there must be one that \
         extends none."
        bad r#"# This file is called example.toml.
extends = "example.toml""#
        good r#"extends = "base.toml""#

    "E008" BAD_DATA "data that cannot be used"
        "A file of data has rows that are not what they should be: the place of the first ones is shown."
        bad r#"# One row of broken.csv is `fast`.
[service.orders.endpoint.create]
steps = [{ work = "empirical('broken.csv', unit=1ms)" }]"#
        good r#"# Every row of latencies.csv is a number.
[service.orders.endpoint.create]
steps = [{ work = "empirical('latencies.csv', unit=1ms)" }]"#

    "E010" UNKNOWN_KEY "unknown key"
        "The key does not exist at this place. Nothing is ever ignored, so that a misspelt key cannot \
         silently fall back to a default."
        bad "[service.orders]
thread = 64"
        good "[service.orders]
threads = 64"

    "E011" NOT_YET "not there yet"
        "The key or value is part of the language, but this version cannot simulate it yet. It is refused \
         rather than ignored."
        bad "[service.orders]
autoscale = { max = 10 }"
        good "[service.orders]
replicas = 10"

    "E012" MISSING_KEY "missing key"
        "The table needs this key."
        bad r#"[workload.mobile]
entry = "gateway.page""#
        good r#"[workload.mobile]
entry    = "gateway.page"
arrivals = "poisson(20/s)""#

    "E013" WRONG_TYPE "wrong type"
        "The value has another type than the key takes."
        bad r#"[service.orders]
threads = "64""#
        good "[service.orders]
threads = 64"

    "E014" BAD_NAME "not a name"
        "Names consist of ASCII letters, digits, `-` and `_`, so that they can stand in `service.endpoint`, \
         in conditions and in data files."
        bad r#"[service."orders v2".endpoint.create]
steps = [{ work = "5ms" }]"#
        good r#"[service.orders-v2.endpoint.create]
steps = [{ work = "5ms" }]"#

    "E015" EXCLUDE "keys that exclude each other"
        "Only one of these keys can stand here: a step or a change does one thing, a fault has one target and one effect, a \
         client repeats what fails or hedges, retries have a budget or a throttle, and an answer is a stream or a single body."
        bad r#"[fault.backup]
at          = "10s"
service     = "orders"
add_latency = "200ms"
slow        = 2.0"#
        good r#"[fault.backup]
at      = "10s"
service = "orders"
slow    = 2.0

[fault.network]
at          = "10s"
service     = "orders"
add_latency = "200ms""#

    "E016" PARTNER "a key without its partner"
        "The key means something only beside another one."
        bad r#"[fault.partition]
at   = "10s"
from = "gateway"
cut  = true"#
        good r#"[fault.partition]
at   = "10s"
from = "gateway"
to   = "orders"
cut  = true"#

    "E020" BAD_VALUE "not a value of this kind"
        "The text cannot be read as what it should be. Values with a unit stand in quotes: \"200ms\", \
         \"1500/s\", \"99%\", \"lognormal(p50=5ms, p99=40ms)\"."
        bad r#"[client.rest]
timeout = "300""#
        good r#"[client.rest]
timeout = "300ms""#

    "E021" OUT_OF_RANGE "out of range"
        "The value is too small, too large, or not a finite number."
        bad "[service.orders]
replicas = 0"
        good "[service.orders]
replicas = 1"

    "E022" UNKNOWN_WORD "unknown word"
        "The key takes one of a few words."
        bad r#"[service.orders]
discipline = "filo""#
        good r#"[service.orders]
discipline = "lifo""#

    "E030" UNKNOWN_NAME "unknown name"
        "The service, endpoint, client or workload is not defined in this scenario."
        bad r#"[workload.users]
entry = "gatway.page""#
        good r#"[workload.users]
entry = "gateway.page""#

    "E031" UNKNOWN_VARIANT "unknown variant"
        "The file has no variant of this name."
        bad "$ brownout run scenario.toml --variant many-thread"
        good "$ brownout run scenario.toml --variant many-threads"

    "E032" BAD_SET "an assignment that cannot be made"
        "`--set` takes PATH=VALUE, where PATH is the path of a key as it stands in the file: \
         service.orders.threads=32. What a change sets while the system runs is named by its path, too, and only some keys \
         can change then."
        bad "$ brownout run scenario.toml --set service.orders.threads"
        good "$ brownout run scenario.toml --set service.orders.threads=32"

    "E033" BAD_OVERLAY "an overlay that does not fit"
        "A variant holds the same tables as the file itself, except variants."
        bad r#"[variant.fast.variant.faster.client.rest]
timeout = "100ms""#
        good r#"[variant.fast.client.rest]
timeout = "200ms"

[variant.faster.client.rest]
timeout = "100ms""#

    "E034" AMBIGUOUS "ambiguous name"
        "Both a workload and a service have this name; write `workload.NAME` or `service.NAME`."
        bad r#"[workload.gateway]
entry    = "gateway.page"
arrivals = "poisson(1/s)"

[expect.fast]
that = "p99(gateway) < 200ms""#
        good r#"[workload.gateway]
entry    = "gateway.page"
arrivals = "poisson(1/s)"

[expect.fast]
that = "p99(service.gateway) < 200ms""#

    "E035" UNKNOWN_PARAMETER "unknown parameter"
        "`$name` stands for the value of [param.name], which does not exist. A dollar sign that starts no \
         parameter is written `$$`."
        bad r#"[param.load]
value = "100/s"

[workload.users]
arrivals = "poisson($laod)""#
        good r#"[param.load]
value = "100/s"

[workload.users]
arrivals = "poisson($load)""#

    "E036" PARAMETER "a parameter that does not fit"
        "A parameter has a value of its own, made of no other parameters, and a range of the same kind."
        bad r#"[param.load]
value = "100/s"
range = "10 .. 300""#
        good r#"[param.load]
value = "100/s"
range = "10/s .. 300/s""#

    "E040" SHARES "shares that do not sum to one"
        "The shares of alternatives must sum to 100%."
        bad r#"[service.orders.endpoint.create]
steps = [
  { choose = [
      { share = "80%", steps = [{ work = "1ms" }] },
      { share = "10%", steps = [{ work = "50ms" }] } ] },
]"#
        good r#"[service.orders.endpoint.create]
steps = [
  { choose = [
      { share = "90%", steps = [{ work = "1ms" }] },
      { share = "10%", steps = [{ work = "50ms" }] } ] },
]"#

    "E041" NEED "a need that cannot be met"
        "`need` is at least 1 and at most the number of branches; `optional` goes only with `need = \"all\"`."
        bad r#"[service.orders.endpoint.create]
steps = [{ parallel = [{ work = "1ms" }, { work = "2ms" }], need = 3 }]"#
        good r#"[service.orders.endpoint.create]
steps = [{ parallel = [{ work = "1ms" }, { work = "2ms" }], need = 1 }]"#

    "E042" BACKWARDS "a profile that runs backwards"
        "The points of a profile start at \"0s\" and never go back in time; two points at the same time are \
         a step."
        bad r#"[workload.users]
arrivals = { poisson = [["0s", "100/s"], ["60s", "500/s"], ["30s", "100/s"]] }"#
        good r#"[workload.users]
arrivals = { poisson = [["0s", "100/s"], ["30s", "100/s"], ["60s", "500/s"]] }"#

    "E043" RECURSION "endless recursion"
        "Whatever is drawn, the call comes back to the same endpoint: no request would ever be answered. \
         Recursion is fine below a `choose` with a way out."
        bad r#"[service.orders.endpoint.create]
steps = [{ work = "5ms" }, { call = "gateway.page", client = "rest" }]"#
        good r#"[service.orders.endpoint.create]
steps = [
  { work = "5ms" },
  { choose = [
      { share = "10%", steps = [{ call = "gateway.page", client = "rest" }] },
      { share = "90%", steps = [] } ] },
]"#

    "E044" TOO_OFTEN "too many repetitions"
        "Repetitions inside repetitions multiply; their product must stay below 2^31."
        bad r#"[service.orders.endpoint.create]
steps = [{ repeat = 100000, steps = [{ repeat = 100000, steps = [{ work = "1ms" }] }] }]"#
        good r#"[service.orders.endpoint.create]
steps = [{ repeat = 10, steps = [{ repeat = 10, steps = [{ work = "1ms" }] }] }]"#

    "E045" EFFECT "an effect that does not fit its target"
        "A service can have `add_latency`, `slow`, `error_rate`, `pause` and `crash`; calls between two have \
         `add_latency`, `error_rate` and `cut`; a workload has `traffic`."
        bad r#"[fault.surge]
at      = "10s"
service = "orders"
traffic = 2.0"#
        good r#"[fault.surge]
at       = "10s"
workload = "users"
traffic  = 2.0"#

    "E046" WARMUP "a warm-up that is longer than the run"
        "The warm-up is left out of all totals, so it must end before the run does."
        bad r#"duration = "60s"
warmup   = "60s""#
        good r#"duration = "60s"
warmup   = "10s""#

    "E047" NO_ITEMS "an empty list"
        "The list needs at least one element."
        bad "[service.orders.endpoint.create]
steps = []"
        good r#"[service.orders.endpoint.create]
steps = [{ work = "0s" }]"#

    "E048" STEP_PLACE "a step that cannot stand here"
        "A branch of `parallel` runs beside others, and what is fetched for a cache comes back to it: neither can answer \
         for the handler or hand it over."
        bad r#"[service.gateway.endpoint.page]
steps = [{ parallel = [{ work = "1ms" }, { forward = "orders.create" }] }]"#
        good r#"[service.gateway.endpoint.page]
steps = [{ parallel = [{ work = "1ms" }, { work = "2ms" }] }, { forward = "orders.create" }]"#

    "E049" CONDITION "a condition that cannot be measured"
        "The metric does not exist, does not fit its target, or is compared with another kind of value."
        bad r#"[expect.healthy]
that = "goodput(orders) >= 99%""#
        good r#"[expect.healthy]
that = "goodput(users) >= 99%""#

    "E050" STREAM "an answer that cannot stream"
        "An endpoint with `stream` answers with many messages: only calls by a client with a transport of gRPC can read it, \
         one attempt at a time; nobody can hand over to it, and its answer is given when its steps are over."
        bad r#"[service.orders.endpoint.create]
stream = { messages = 100, size = "1KiB" }
steps  = [{ work = "5ms" }]"#
        good r#"[service.orders.endpoint.create]
stream = { messages = 100, size = "1KiB" }
steps  = [{ work = "5ms" }]

[client.rest]
transport = "grpc""#
}
