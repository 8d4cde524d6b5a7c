//! What holds of brokers, producers and streams unless it is written, and what is written of what they keep.

use brownout::model::Keeping;

use super::messaging::{SECOND, mails, topic};

/// Kafka's library gives way where nobody has said otherwise (KIP-679), and a cluster has no more copies than nodes.
#[test]
fn what_is_not_written_gives_way_to_what_is() {
    let log = |producer: &str, nodes: u32| {
        let run = mails(
            "even(1/s)",
            "",
            SECOND,
            &format!(
                "[broker.log]\npreset = \"kafka\"\nnodes = {nodes}\n[topic.mails]\nbroker = \"log\"\nproducer = {{ {producer} }}\n\
                 [consumer.mailer]\ntopic = \"mails\"\nhandler = \"mailer.send\""
            ),
        );
        match &run.model.topics.iter().next().unwrap().keeping {
            Keeping::Log(log) => log.as_ref().clone(),
            Keeping::Queue(_) => panic!("Kafka keeps logs"),
        }
    };
    let is_idempotent = |producer: &str| log(producer, 3).producer.is_idempotent;
    assert!(is_idempotent("") && is_idempotent("acks = \"all\", in_flight = 5"));
    assert!(
        !is_idempotent("acks = \"leader\"") && !is_idempotent("acks = \"none\"") && !is_idempotent("in_flight = 6")
    );
    let secs = |producer: &str| log(producer, 3).producer.delivery_timeout.as_secs_f64();
    assert_eq!((secs(""), secs("request_timeout = \"5m\"")), (120.0, 300.005));
    assert_eq!((log("", 3).replication, log("", 1).replication, log("", 9).replication), (3, 1, 3));
}

/// Forty messages, twenty of which there is room for: a stream that keeps them by limits still has those at the end, one
/// that keeps them for who is interested none of them.
#[test]
fn a_stream_keeps_what_was_handled_as_long_as_there_is_room() {
    let kept = |retention: &str| {
        let run = mails(
            "burst(40, at=1s)",
            "",
            r#"{ work = "1ms" }"#,
            &format!(
                "[topic.mails]\nbroker = \"jetstream\"\nlength = 20\noverflow = \"drop-oldest\"\n{retention}\n\
                 [consumer.mailer]\ntopic = \"mails\"\nhandler = \"mailer.send\"\nconcurrency = 40"
            ),
        );
        topic(&run, "mails").disk_end
    };
    assert_eq!(kept(""), 0, "all are handled");
    assert_eq!(kept("retention = \"10s\""), 0, "and too old");
    assert_eq!(kept("retention = \"unlimited\""), 20 * (1024 + 70), "and kept, with 70 bytes of the broker's own each");
}
