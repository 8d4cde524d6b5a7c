//! Server streaming: what a window does to a handler, and a slow reader to everybody.

use brownout::base::time::Span;
use brownout::measure::{EdgeMessages, StreamMessages};
use brownout::policy::Outcome;

use super::{longest, workload};
use crate::reference::Run;

/// Users who ask `front` at once, which reads a stream of `back` for each: messages of 1000 bytes with their prefix that
/// cost nothing to write, 1 ms away, in a window of four. The connection takes 2 ms to open.
fn read(arrivals: &str, call: &str, stream: &str, rest: &str) -> Run {
    read_over("window = \"4kB\"", arrivals, call, stream, rest)
}

fn read_over(transport: &str, arrivals: &str, call: &str, stream: &str, rest: &str) -> Run {
    Run::of(&format!(
        r#"
        duration = "10s"

        [workload.users]
        entry = "front.page"
        arrivals = "{arrivals}"

        [transport.tuned]
        preset = "grpc"
        encoding = {{ size = 1, encode = "0ns/B", decode = "0ns/B" }}
        {transport}

        [service.front.endpoint.page]
        steps = [{{ call = "back.feed", client = "rpc" {call} }}]

        [service.back.endpoint.feed]
        steps = [{{ work = "0s" }}]
        stream = {{ size = "995B", {stream} }}

        [client.rpc]
        transport = "tuned"
        latency = "1ms"
        {rest}
        "#
    ))
}

const SLOW: &str = ", read = \"10ms\"";
const TWENTY: &str = "messages = 20, work = \"1ms\"";

fn edge(run: &Run) -> &EdgeMessages {
    &run.results.transport.as_ref().unwrap().edges[1]
}

fn stream(run: &Run) -> &StreamMessages {
    edge(run).stream.as_ref().unwrap()
}

/// In milliseconds: the longest latency of a user, how long threads of `back` were held, and how long for want of room.
fn times(run: &Run) -> (f64, f64, f64) {
    let held = run.results.services[1].busy_nanos as f64 / 1e6;
    (longest(workload(run, "users")), held, stream(run).blocked_nanos as f64 / 1e6)
}

#[test]
fn a_stream_takes_as_long_as_the_slower_end() {
    // Connected after 2 ms, asked after 3 ms; then 20 messages of 10 ms each, 1 ms for the way, 3 ms to read the last.
    let run = read("burst(1)", ", read = \"3ms\"", "messages = 20, work = \"10ms\"", "");
    assert_eq!(times(&run), (207.0, 200.0, 0.0));
    assert_eq!(run.results.services[0].work_nanos, 60_000_000, "what is read is work of the reader");
    // The first message comes after 5 ms; from then on, the reader always has one, for 10 ms each. The handler sends the
    // first four at once, and each later one when the fourth before it has been read, 1 ms after that: the last one after
    // 5 + 16 × 10 + 1 ms, having begun at 3 ms.
    let run = read("burst(1)", SLOW, TWENTY, "");
    assert_eq!(times(&run), (205.0, 163.0, 143.0));
    let it = stream(&run);
    assert_eq!((it.read, it.unread_peak, it.first.max()), (20, 4_000, Some(Span::from_millis(5))));
    // A window for all of them frees the handler, and the reader not at all.
    let run = read_over("window = \"20kB\"", "burst(1)", SLOW, TWENTY, "");
    assert_eq!(times(&run), (205.0, 20.0, 0.0));
    let run = read("burst(1)", SLOW, "messages = 20, work = \"1ms\", sleep = \"14ms\"", "");
    assert_eq!(times(&run), (314.0, 300.0, 0.0), "what it waits for is slower still");
}

#[test]
fn an_async_handler_waits_without_its_thread() {
    let run = read("burst(1)", SLOW, TWENTY, "[service.back]\nhandlers = \"async\"");
    assert_eq!(times(&run), (205.0, 20.0, 143.0));
}

#[test]
fn an_async_reader_reads_two_streams_on_one_thread() {
    let run = read("burst(2)", SLOW, TWENTY, "[service.front]\nthreads = 1\nhandlers = \"async\"");
    assert_eq!((times(&run).0, run.results.services[0].busy_nanos), (405.0, 400_000_000));
    // A blocking one begins the second when the first is over; its connection is there.
    let run = read("burst(2)", SLOW, TWENTY, "[service.front]\nthreads = 1");
    assert_eq!((times(&run).0, run.results.services[0].busy_nanos), (408.0, 408_000_000));
}

#[test]
fn no_more_is_unread_than_the_window_holds_or_one_message() {
    let peak = |window: &str| {
        let run = read_over(&format!("window = \"{window}\""), "burst(1)", SLOW, TWENTY, "");
        assert_eq!(stream(&run).read, 20);
        stream(&run).unread_peak
    };
    assert_eq!((peak("3999B"), peak("4kB"), peak("1B")), (3_000, 4_000, 1_000));
}

#[test]
fn a_slow_reader_holds_the_streams_of_his_connection() {
    let limits = "window = \"4kB\"\nconnections = { streams = 2 }";
    let run = read_over(limits, "burst(4)", SLOW, TWENTY, "");
    // The others ask when those are read, after 205 ms.
    assert_eq!((times(&run).0, edge(&run).waits.max()), (408.0, Some(Span::from_millis(205))));
}

#[test]
fn a_slow_reader_holds_the_threads_of_the_server() {
    let run = read("burst(2)", SLOW, TWENTY, "[service.back]\nthreads = 1");
    // The second handler begins when the first has sent its last message, after 166 ms.
    assert_eq!(times(&run).0, 368.0);
    let run = read("burst(2)", SLOW, TWENTY, "[service.back]\nthreads = 1\nhandlers = \"async\"");
    // The first one fills its window and makes room after 8 ms.
    assert_eq!(times(&run).0, 210.0);
}

#[test]
fn who_gives_up_frees_the_thread_and_the_stream_whatever_his_client_cancels() {
    for cancel in ["off", "waiting", "between-steps", "at-once"] {
        let rest = format!("timeout = \"50ms\"\ncancel = \"{cancel}\"\n[service.back]\nthreads = 1");
        let limits = "window = \"4kB\"\nconnections = { streams = 2 }";
        let run = read_over(limits, "burst(1, every=100ms)", SLOW, TWENTY, &rest);
        let back = &run.results.services[1];
        // Each asks within a millisecond, gives up after 50 ms, and is heard a millisecond later; the first had to connect.
        assert_eq!((back.arrivals, back.dropped, back.waited), (100, 100, 0), "{cancel}");
        assert_eq!(back.busy_nanos, (48 + 99 * 50) * 1_000_000, "{cancel}");
        assert_eq!(edge(&run).waits.max(), Some(Span::from_millis(2)), "{cancel}");
        // The fifth message is being read.
        assert_eq!(stream(&run).read, 400, "{cancel}");
    }
}

#[test]
fn a_handler_that_does_not_wait_hears_of_it_when_it_sends() {
    let busy = |cancel: &str| {
        let client = format!("timeout = \"150ms\"\ncancel = \"{cancel}\"");
        let run = read("burst(1)", "", "messages = 20, sleep = \"100ms\"", &client);
        assert_eq!((stream(&run).read, run.results.services[1].dropped), (1, 1));
        run.results.services[1].busy_nanos / 1_000_000
    };
    // It sends at 103 ms and at 203 ms; the reset comes at 151 ms, and only the last kind stops a sleep.
    assert_eq!((busy("off"), busy("between-steps"), busy("at-once")), (200, 200, 148));
}

#[test]
fn a_stream_is_asked_for_again_only_before_its_first_message() {
    let attempts = |first: &str| {
        let client = "timeout = \"50ms\"\nretry = { attempts = 3 }";
        let run = read("burst(1)", SLOW, &format!("messages = 20, sleep = \"{first}\""), client);
        assert_eq!(workload(&run, "users").outcomes[Outcome::Error as usize], 1);
        run.results.edges[1].attempts
    };
    assert_eq!((attempts("30ms"), attempts("60ms")), (1, 3));
}

#[test]
fn a_deadline_that_was_passed_on_ends_the_handler() {
    let run = read("burst(1)", "", "messages = 100, work = \"10ms\"", "timeout = \"200ms\"");
    let back = &run.results.services[1];
    // Messages are ready at 13 ms, 23 ms, ..: at 193 ms one is sent, at 203 ms it is too late.
    assert_eq!((back.dropped, back.busy_nanos, stream(&run).read), (1, 200_000_000, 19));
}

#[test]
fn a_crash_of_either_end_ends_the_stream() {
    let crash = |service: &str| {
        let fault = format!("[fault.crash]\nat = \"50ms\"\nfor = \"1s\"\nservice = \"{service}\"\ncrash = true");
        let run = read("burst(1)", SLOW, TWENTY, &fault);
        assert_eq!(workload(&run, "users").good, 0);
        let unread = stream(&run).unread_nanos;
        (run.results.services[1].refused, run.results.services[1].dropped, unread < 4_000 * 51_000_000)
    };
    // The handler hears of the reader's death a millisecond later, and stops.
    assert_eq!((crash("back"), crash("front")), ((1, 0, true), (0, 1, true)));
}

#[test]
fn messages_wait_while_the_network_is_cut() {
    let cut = "[fault.cut]\nat = \"45ms\"\nfor = \"100ms\"\nfrom = \"front\"\nto = \"back\"\ncut = true";
    let run = read_over("window = \"1MB\"", "burst(1)", "", "messages = 10, work = \"10ms\"", cut);
    // The last message comes at 104 ms, and again 200 ms later.
    assert_eq!((times(&run).0, stream(&run).read), (304.0, 10));
    // For ever: the caller gives up, and the handler never hears of it.
    let cut = "timeout = \"1s\"\n[fault.cut]\nat = \"45ms\"\nfrom = \"front\"\nto = \"back\"\ncut = true";
    let run = read("burst(1)", "", "messages = 10, work = \"10ms\"", cut);
    assert_eq!((run.results.services[1].in_flight, stream(&run).read), (1, 4));
}

#[test]
fn the_bytes_of_a_stream_leave_one_after_the_other() {
    let run = read_over("window = \"1MB\"", "burst(1)", "", "messages = 100", "bandwidth = \"1MB/s\"");
    // Request: 600 B of headers. Answer: 60 B of headers before and behind, and 9 B of a frame around each message.
    let bytes = 600 + 60 + 100 * 1_009 + 60;
    assert_eq!((edge(&run).bytes, edge(&run).messages), (bytes, 102));
    assert_eq!(times(&run).0, 4.0 + bytes as f64 / 1e3);
}

#[test]
fn users_read_as_fast_as_messages_come() {
    let run = Run::of(
        r#"
        duration = "10s"
        [workload.users]
        entry = "back.feed"
        arrivals = "burst(1)"
        client = "rpc"
        [client.rpc]
        transport = "grpc"
        latency = "1ms"
        [service.back.endpoint.feed]
        steps = [{ work = "5ms" }]
        stream = { messages = 1000, size = "10kB", work = "1ms" }
        "#,
    );
    // gRPC writes 5 kB for each message, at 0.9 ns a byte, and reads a request of nothing.
    assert_eq!(longest(workload(&run, "users")), 4.0 + 5.0 + 1_000.0 * 1.0045);
    let it = run.results.transport.as_ref().unwrap().edges[0].stream.as_ref().unwrap();
    assert_eq!((it.read, it.unread_peak, it.blocked_nanos), (1_000, 5_005, 0));
}
