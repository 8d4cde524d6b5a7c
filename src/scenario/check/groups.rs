//! Groups of one topic whose names are nearly the same: a slip makes a second group, which gets every message once more.

use crate::model::{ConsumerId, Id};
use crate::scenario::build::{Atlas, GroupSite};
use crate::scenario::decode::Cx;
use crate::scenario::say::catalogue;

/// Groups of one topic that are compared with each other.
const COMPARED_MAX: usize = 200;
/// Letters of a word from which on one letter is a slip.
const ONE_SLIP: usize = 5;
/// And from which on two are.
const TWO_SLIPS: usize = 10;

pub(super) fn find(atlas: &Atlas, cx: &mut Cx<'_>) {
    for (at, group) in atlas.groups.iter().enumerate() {
        let of_topic = atlas.groups[..at].iter().filter(|other| other.topic == group.topic).take(COMPARED_MAX);
        for other in of_topic.filter(|other| is_slip(&group.name, &other.name)) {
            // Whoever slips stands alone, and has written a name.
            let alone = |group: &GroupSite| group.members.len() == 1 && place(atlas, group.members[0]).is_somewhere();
            let (slip, meant) = match (alone(group), alone(other)) {
                (true, _) => (group, other),
                (false, true) => (other, group),
                (false, false) => continue,
            };
            let first = meant.members[0];
            let there = if place(atlas, first).is_somewhere() { place(atlas, first) } else { name(atlas, first) };
            cx.say(
                &catalogue::NEAR_GROUPS,
                place(atlas, slip.members[0]),
                format!("the group `{}` is called nearly like `{}`", slip.name, meant.name),
            )
            .also(there, "the other group of the same topic")
            .note("each group gets every message")
            .help(format!("did you mean `{}`?", meant.name));
        }
    }
}

fn place(atlas: &Atlas, consumer: ConsumerId) -> crate::scenario::say::Place {
    atlas.consumers[consumer.index()].group
}

fn name(atlas: &Atlas, consumer: ConsumerId) -> crate::scenario::say::Place {
    atlas.consumers[consumer.index()].name
}

/// Whether one name may be the other one with a slip: in one of its words, which is long enough, and not in a number or a
/// letter that tells things of one kind apart (`eu-1` and `eu-2`, `shard-a` and `shard-b`).
fn is_slip(one: &str, other: &str) -> bool {
    let words = |name: &str| -> Vec<String> {
        name.to_lowercase().split(|letter: char| !letter.is_alphanumeric()).map(str::to_owned).collect()
    };
    let (mut ones, mut others) = (words(one), words(other));
    if ones.len() != others.len() {
        (ones, others) = (vec![ones.concat()], vec![others.concat()]);
    }
    let mut different = ones.iter().zip(&others).filter(|(one, other)| one != other);
    match (different.next(), different.next()) {
        // Only capital letters, or what stands between the words.
        (None, _) => true,
        (Some((one, other)), None) => is_slip_of_word(one, other),
        _ => false,
    }
}

fn is_slip_of_word(one: &str, other: &str) -> bool {
    let numbers = |word: &str| word.chars().filter(char::is_ascii_digit).collect::<String>();
    let slips = match one.chars().count().max(other.chars().count()) {
        TWO_SLIPS.. => 2,
        ONE_SLIP.. => 1,
        _ => 0,
    };
    numbers(one) == numbers(other) && strsim::damerau_levenshtein(one, other) <= slips
}

#[cfg(test)]
mod tests {
    use super::is_slip;

    #[test]
    fn a_slip_is_a_letter_of_a_long_word() {
        for (one, other) in [
            ("billing", "biling"),
            ("billing", "Billing"),
            ("billing-eu", "biling-eu"),
            ("order_mails", "order-mails"),
            ("shipping", "shpiping"),
            ("notifications", "notifcatons"),
            ("order-mails", "ordermails"),
        ] {
            assert!(is_slip(one, other) && is_slip(other, one), "{one} {other}");
        }
        for (one, other) in [
            ("billing", "shipping"),
            ("billing1", "billing2"),
            ("billing", "billing2"),
            ("eu-1", "eu-2"),
            ("shard-a", "shard-b"),
            ("us-east", "us-west"),
            ("mail", "main"),
            ("patient", "hasty"),
            ("orders-eu", "orders-us"),
        ] {
            assert!(!is_slip(one, other) && !is_slip(other, one), "{one} {other}");
        }
    }
}
