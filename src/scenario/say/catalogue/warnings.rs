//! What is legal, but probably not what its author means.

use super::codes;

codes! {
    Warning

    "W001" OVERLOAD "overloaded on paper"
        "The offered load needs more than all threads or cores of a service, or more than all permits of a pool, even \
         without retries and queues (Little's law): the queue grows for as long as this lasts."
        bad r#"[workload.users]
arrivals = "poisson(20000/s)""#
        good r#"[workload.users]
arrivals = "poisson(5000/s)""#

    "W002" INVERSION "timeout inversion"
        "The caller gives up before its callee does: the callee goes on working, and retrying, for nobody. \
         Timeouts should shrink on the way down, retries included, or deadlines should be propagated."
        bad r#"[workload.users]
client = "browser"

[client.browser]
timeout = "500ms"

[client.rest]
timeout = "1s""#
        good r#"[workload.users]
client = "browser"

[client.browser]
timeout = "2s"

[client.rest]
timeout = "1s""#

    "W003" CIRCLE "services that call each other in a circle"
        "Each holds threads while it waits for the other: when load rises, they can starve each other."
        bad r#"[service.gateway.endpoint.price]
steps = [{ work = "1ms" }]

[service.orders.endpoint.create]
steps = [{ work = "5ms" }, { call = "gateway.price", client = "rest" }]"#
        good r#"[service.prices.endpoint.price]
steps = [{ work = "1ms" }]

[service.orders.endpoint.create]
steps = [{ work = "5ms" }, { call = "prices.price", client = "rest" }]"#

    "W004" OUTSIDE "outside the run"
        "It starts after the end of the run, so it never happens."
        bad r#"duration = "60s"

[fault.backup]
at      = "90s"
service = "orders"
slow    = 2.0"#
        good r#"duration = "60s"

[fault.backup]
at      = "30s"
service = "orders"
slow    = 2.0"#

    "W005" BREAKER_IDLE "a breaker that is never judged"
        "A breaker is kept by each replica of the caller; at this load none of them sees the minimum number \
         of calls within the run."
        bad r#"[workload.users]
arrivals = "poisson(1/s)"

[client.rest]
breaker = { preset = "resilience4j" }"#
        good r#"[workload.users]
arrivals = "poisson(1/s)"

[client.rest]
breaker = { preset = "resilience4j", minimum_calls = 20 }"#

    "W006" CUT_FOR_EVER "a cut without a timeout"
        "Requests on a cut edge are lost, and a caller without a timeout waits for ever and holds its thread."
        bad r#"[service.gateway.endpoint.page]
steps = [{ work = "1ms" }, { call = "orders.create" }]

[fault.partition]
at   = "10s"
for  = "5s"
from = "gateway"
to   = "orders"
cut  = true"#
        good r#"[service.gateway.endpoint.page]
steps = [{ work = "1ms" }, { call = "orders.create", client = "rest" }]

[client.rest]
timeout = "1s"

[fault.partition]
at   = "10s"
for  = "5s"
from = "gateway"
to   = "orders"
cut  = true"#

    "W007" IGNORED_POLICY "a policy that a forward cannot follow"
        "`forward` hands the request over and does not wait: timeout, retries and breaker of its client \
         do not apply."
        bad r#"[service.gateway.endpoint.page]
steps = [{ work = "1ms" }, { forward = "orders.create", client = "rest" }]

[client.rest]
timeout = "1s""#
        good r#"[service.gateway.endpoint.page]
steps = [{ work = "1ms" }, { forward = "orders.create", client = "network" }]

[client.network]
latency = "1ms""#

    "W008" UNUSED "defined and never used"
        "Nothing refers to this name."
        bad r#"[client.spare]
timeout = "1s""#
        good r#"[client.spare]
timeout = "1s"

[workload.users]
client = "spare""#

    "W009" UNREACHABLE "steps that are never reached"
        "The step before them ends the handler."
        bad r#"[service.orders.endpoint.create]
steps = [{ fail = true }, { work = "5ms" }]"#
        good r#"[service.orders.endpoint.create]
steps = [{ work = "5ms" }, { fail = true }]"#

    "W010" NO_SUCH_EDGE "a fault on calls that nobody makes"
        "The fault strikes calls between two, but the one never calls the other."
        bad r#"[fault.partition]
at   = "10s"
from = "orders"
to   = "gateway"
cut  = true"#
        good r#"[fault.partition]
at   = "10s"
from = "gateway"
to   = "orders"
cut  = true"#

    "W011" RETRY_PRODUCT "retries that multiply"
        "Layers that retry multiply: three attempts in each of three layers are up to 27 calls below them, \
         just when the lowest layer is in trouble."
        bad r#"# Users call the gateway through it, and the gateway orders: 4 x 4 calls.
[client.rest]
timeout = "1s"
retry   = { attempts = 4 }"#
        good r#"[client.rest]
timeout = "1s"
retry   = { attempts = 4, budget = { ratio = "10%" } }"#

    "W012" UNBOUNDED_QUEUE "an unbounded queue under open load"
        "Users who come whether or not they are served fill an unbounded queue without end once the service \
         is overloaded: everybody waits, and nobody is turned away."
        bad r#"[service.stock]
threads = 4

[service.stock.endpoint.take]
steps = [{ work = "5ms" }]

[service.orders.endpoint.create]
steps = [{ call = "stock.take", client = "rest" }]"#
        good r#"[service.stock]
threads = 4
queue   = 100

[service.stock.endpoint.take]
steps = [{ work = "5ms" }]

[service.orders.endpoint.create]
steps = [{ call = "stock.take", client = "rest" }]"#

    "W013" OUT_OF_KNOB "a parameter outside its range"
        "The value of a parameter lies outside the range that the file gives for it."
        bad r#"[param.load]
value = "5000/s"
range = "10/s .. 3000/s"

[workload.users]
arrivals = "poisson($load)""#
        good r#"[param.load]
value = "2000/s"
range = "10/s .. 3000/s"

[workload.users]
arrivals = "poisson($load)""#

    "W014" TRACE_FIT "a trace that does not fit the run"
        "The trace is longer or shorter than the run, or has gaps: part of it is never played, or nothing \
         arrives for part of the run."
        bad r#"# requests.csv has five rows, each for five minutes.
duration = "60s"

[workload.users]
arrivals = "trace('requests.csv', per=5m)""#
        good r#"# Twenty-five minutes in one.
duration = "60s"

[workload.users]
arrivals = "trace('requests.csv', per=5m, speed=25)""#

    "W015" GAIN "calls or messages that come back multiplied"
        "A request calls back to its own endpoint more than once on average: the number of requests grows from round \
         to round, and nothing but timeouts and full queues ends it. The same holds for a message whose handler, itself or by \
         what it calls, publishes one or more for each that it gets: nobody waits for its end, so that what is once in the \
         circle stays in it, and more keeps coming."
        bad r#"# Twenty times a chance of one in ten: two calls come back.
[service.orders.endpoint.create]
steps = [{ repeat = 20, steps = [{ choose = [
  { share = "10%", steps = [{ call = "gateway.page", client = "rest" }] },
  { share = "90%", steps = [] } ] }] }]"#
        good r#"# Five times a chance of one in ten: half a call comes back.
[service.orders.endpoint.create]
steps = [{ repeat = 5, steps = [{ choose = [
  { share = "10%", steps = [{ call = "gateway.page", client = "rest" }] },
  { share = "90%", steps = [] } ] }] }]"#

    "W016" NESTED "held within itself"
        "Who holds a pool's permit wants another one of the same pool, or who fetches for a cache that lets only one \
         fetch a key looks that key up again. He waits for himself, or for others who wait for him."
        bad r#"[pool.db]
scope = "shared"

[service.orders.endpoint.create]
steps = [{ hold = "db", steps = [{ call = "stock.take", client = "rest" }] }]

[service.stock.endpoint.take]
steps = [{ hold = "db", steps = [{ work = "1ms" }] }]"#
        good r#"[pool.db]
scope = "shared"

[service.orders.endpoint.create]
steps = [{ hold = "db", steps = [{ work = "1ms" }] }, { call = "stock.take", client = "rest" }]

[service.stock.endpoint.take]
steps = [{ hold = "db", steps = [{ work = "1ms" }] }]"#

    "W017" IDLE_MEMBERS "more workers than partitions"
        "A partition of Kafka is read by one member of a group; further members wait until one of the others is gone."
        bad r#"[topic.orders]
broker     = "kafka"
partitions = 4

[consumer.billing]
topic       = "orders"
handler     = "orders.create"
concurrency = 8"#
        good r#"[topic.orders]
broker     = "kafka"
partitions = 8

[consumer.billing]
topic       = "orders"
handler     = "orders.create"
concurrency = 8"#

    "W018" IDLE_KEY "a key of which nothing comes"
        "Another key takes away what this one is about: what is acknowledged before it is handled is never delivered again, \
         who publishes with `acks = \"none\"` gets no acknowledgement, and dead letters go back only from where they come to."
        bad r#"[queue.mails]

[consumer.mailer]
queue      = "mails"
handler    = "orders.create"
delivery   = "at-most-once"
deliveries = 3"#
        good r#"[queue.mails]

[consumer.mailer]
queue      = "mails"
handler    = "orders.create"
delivery   = "at-least-once"
deliveries = 3"#

    "W019" NEAR_GROUPS "groups that are called nearly the same"
        "Each group of a topic gets every message, and a group is there as soon as a consumer names it: a slip in `group` \
         makes another one, which handles everything once more."
        bad r#"[topic.orders]

[consumer.billing]
topic   = "orders"
handler = "orders.create"
group   = "billing"

[consumer.billing-too]
topic   = "orders"
handler = "orders.create"
group   = "biling""#
        good r#"[topic.orders]

[consumer.billing]
topic   = "orders"
handler = "orders.create"
group   = "billing"

[consumer.billing-too]
topic   = "orders"
handler = "orders.create"
group   = "billing""#

    "W020" HEDGE_IDLE "a hedge that waits for longer than its call"
        "The timeout of a client that hedges holds for the whole call. A hedge that would come later is never sent, \
         unless an attempt fails before."
        bad r#"[client.rest]
timeout = "1s"
hedge   = { after = "2s" }"#
        good r#"[client.rest]
timeout = "1s"
hedge   = { after = "200ms" }"#

    "W022" DRY_BUDGET "a retry budget that nothing fills"
        "A budget into which calls put nothing has only what it starts with: once that is spent, there is no retry for the \
         rest of the run."
        bad r#"[client.rest]
retry = { budget = { ratio = "0%", burst = 10 } }"#
        good r#"[client.rest]
retry = { budget = { ratio = "10%", burst = 10 } }"#

    "W023" OUTLIER_IDLE "outlier detection that never ejects"
        "Envoy ejects a host only while at most `max_ejection` of all are out, the new one included: with its default of 10% \
         never one of fewer than ten. Success rates are compared from `success_rate_hosts` on. Bad replicas are counted, and \
         go on to get their part of the requests."
        bad r#"[client.rest]
outlier = { preset = "envoy" }"#
        good r#"[client.rest]
outlier = { preset = "envoy", always_eject_one = true }"#

    "W024" SHORT_QUEUE "a queue that is full before its places are"
        "Hystrix looks at `queue_threshold` before it lets a command into the queue of its pool: with the default of 5 the \
         sixth is turned away, whatever `queue` says."
        bad r#"[client.rest]
bulkhead = { preset = "hystrix", queue = 100 }"#
        good r#"[client.rest]
bulkhead = { preset = "hystrix", queue = 100, queue_threshold = 100 }"#

    "W025" IMPATIENT "a timeout that is shorter than the answer takes"
        "The steps of the endpoint, and of what it calls, take longer on average than the caller waits, even when nobody \
         else is there: most calls time out, and retries make them no faster."
        bad r#"[client.rest]
timeout = "500ms"

[service.orders.endpoint.create]
steps = [ { sleep = "1s" } ]"#
        good r#"[client.rest]
timeout = "2s"

[service.orders.endpoint.create]
steps = [ { sleep = "1s" } ]"#
}
