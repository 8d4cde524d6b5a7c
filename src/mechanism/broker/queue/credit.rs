//! Credit of a publisher: how many messages it may be ahead of whoever handles them. RabbitMQ's flow control inside a
//! node (`credit_flow.erl`): whoever has used up his credit reads nothing more from his socket until some comes back,
//! and it comes back in portions.

/// RabbitMQ's `credit_flow_default_credit`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct CreditSettings {
    /// Messages that the sender may be ahead.
    pub initial: u32,
    /// So many messages are handled before their credit comes back. At least one, at most `initial`.
    pub more_after: u32,
}

/// Between one sender and one receiver.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Credit {
    settings: CreditSettings,
    left: u32,
    handled: u32,
}

impl Credit {
    /// Nothing was sent.
    pub fn new(settings: CreditSettings) -> Credit {
        debug_assert!((1..=settings.initial).contains(&settings.more_after), "else nothing would come back");
        Credit { settings, left: settings.initial, handled: 0 }
    }

    /// Whether the sender has to wait.
    pub fn is_blocked(&self) -> bool {
        self.left == 0
    }

    /// A message is sent. Returns whether the sender is blocked now. One that is blocked sends nothing.
    pub fn send(&mut self) -> bool {
        debug_assert!(self.left > 0, "a sender without credit waits");
        self.left = self.left.saturating_sub(1);
        self.is_blocked()
    }

    /// The receiver has handled a message. Returns the credit that goes back to the sender with it, if it is time.
    pub fn handled(&mut self) -> Option<u32> {
        self.handled += 1;
        (self.handled == self.settings.more_after).then(|| std::mem::take(&mut self.handled))
    }

    /// Credit has reached the sender. Returns whether it was blocked, and now goes on.
    pub fn granted(&mut self, credit: u32) -> bool {
        let was_blocked = self.is_blocked();
        self.left += credit;
        was_blocked && credit > 0
    }
}

#[cfg(test)]
mod tests {
    use super::super::rabbitmq;
    use super::*;

    #[test]
    fn a_sender_is_four_hundred_ahead_and_goes_on_after_two_hundred() {
        let mut it = Credit::new(rabbitmq::CREDIT);
        assert_eq!((1..=400).filter(|_| it.send()).count(), 1, "the last one blocks");
        let grants: Vec<u32> = (1..=400).filter_map(|n| it.handled().map(|_| n)).collect();
        assert_eq!(grants, [200, 400]);
        assert!(it.is_blocked(), "it has not arrived");
        assert!(it.granted(200));
        assert!(!it.granted(200), "it was not blocked any more");
        assert_eq!((1..=400).filter(|_| it.send()).count(), 1);
    }
}
