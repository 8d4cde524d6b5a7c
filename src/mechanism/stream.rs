//! Flow control of one stream of messages: a sender may be ahead of his reader by so many bytes, and no more.
//! Decisions only: what travels, and how long it takes, is the kernel's business.
//!
//! A message is charged to the window when it is sent. It arrives, is read, and then its credit comes back to the sender
//! (WINDOW_UPDATE in HTTP/2, RFC 9113, section 5.2). Messages arrive in the order in which they were sent.

use std::collections::VecDeque;

use crate::base::units::Size;

/// Names a stream; when it is over, its place is used again under another number.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct StreamId {
    /// Place in the slab of streams.
    pub place: u32,
    /// Counts how often that place was used.
    pub number: u32,
}

/// What reaches the other end of a stream.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub enum StreamFrame {
    /// The reader gets a message.
    Message,
    /// The sender learns that a message was read.
    WindowUpdate,
    /// The reader learns that no more will come.
    End,
    /// The sender learns that nobody reads any more.
    Reset,
}

/// See the module.
#[derive(Clone, Debug)]
pub struct Stream {
    window: u64,
    /// Messages that were sent and whose credit has not come back, the oldest first, in bytes.
    messages: VecDeque<u64>,
    /// Their bytes.
    charged: u64,
    /// Bytes of those that were not read yet.
    unread: u64,
    /// The first so many of them were read.
    read: usize,
    /// The first so many of them have arrived, those included.
    arrived: usize,
    /// Whether the first of the others is being read.
    is_reading: bool,
    /// The message for which the window was too full.
    waiting: Option<u64>,
}

impl Stream {
    /// Nothing was sent. The window is larger than nothing.
    pub fn new(window: Size) -> Stream {
        Stream {
            window: window.as_bytes(),
            messages: VecDeque::new(),
            charged: 0,
            unread: 0,
            read: 0,
            arrived: 0,
            is_reading: false,
            waiting: None,
        }
    }

    /// The sender has a message: `true` when it is sent. Otherwise he waits until [`Stream::credit`] says so, and offers
    /// it again. One that is larger than the window goes alone.
    pub fn offer(&mut self, bytes: u64) -> bool {
        let has_room = self.has_room(bytes);
        if has_room {
            self.messages.push_back(bytes);
            self.charged += bytes;
            self.unread += bytes;
        }
        self.waiting = (!has_room).then_some(bytes);
        has_room
    }

    fn has_room(&self, bytes: u64) -> bool {
        self.messages.is_empty() || self.charged.saturating_add(bytes) <= self.window
    }

    /// The next message has arrived.
    pub fn arrive(&mut self) {
        debug_assert!(self.arrived < self.messages.len(), "what arrives was sent");
        self.arrived += 1;
    }

    /// The reader begins to read the next message that has arrived, if there is one.
    pub fn begin(&mut self) -> bool {
        debug_assert!(!self.is_reading, "messages are read one after the other");
        self.is_reading = self.read < self.arrived;
        self.is_reading
    }

    /// Whether a message is being read.
    pub fn is_reading(&self) -> bool {
        self.is_reading
    }

    /// The reader is done with his message; returns its bytes.
    pub fn finish(&mut self) -> u64 {
        debug_assert!(self.is_reading, "what is finished was begun");
        let bytes = self.messages.get(self.read).copied().unwrap_or(0);
        self.unread -= bytes;
        self.read += 1;
        self.is_reading = false;
        bytes
    }

    /// The sender hears of the oldest message that was read. `true` when he waits and may go on.
    pub fn credit(&mut self) -> bool {
        debug_assert!(self.read > 0, "credit comes for what was read");
        self.charged -= self.messages.pop_front().unwrap_or(0);
        self.read -= 1;
        self.arrived -= 1;
        self.waiting.is_some_and(|bytes| self.has_room(bytes))
    }

    /// Bytes that were sent and not read.
    pub fn unread(&self) -> u64 {
        self.unread
    }

    /// Whether everything that was sent was read.
    pub fn is_drained(&self) -> bool {
        self.read == self.messages.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stream(window: u64) -> Stream {
        Stream::new(Size::from_bytes(window))
    }

    fn read_one(stream: &mut Stream) -> u64 {
        stream.arrive();
        assert!(stream.begin());
        stream.finish()
    }

    #[test]
    fn a_sender_is_ahead_by_the_window_and_no_more() {
        let mut it = stream(30);
        assert!(it.offer(10) && it.offer(10) && it.offer(10));
        assert!(!it.offer(10));
        assert_eq!((it.unread(), it.is_drained()), (30, false));
        assert_eq!(read_one(&mut it), 10);
        assert_eq!(it.unread(), 20);
        assert!(!it.offer(10), "he has not heard of it yet");
        assert!(it.credit(), "now he has");
        assert!(it.offer(10));
        assert!(!it.offer(1));
    }

    #[test]
    fn a_message_that_is_larger_than_the_window_goes_alone() {
        let mut it = stream(10);
        assert!(it.offer(50));
        assert!(!it.offer(1));
        read_one(&mut it);
        assert!(it.is_drained() && it.credit());
        assert!(it.offer(1));
        assert!(!it.offer(50), "something is on its way");
        read_one(&mut it);
        assert!(it.credit());
        assert!(it.offer(50));
    }

    #[test]
    fn who_waits_with_a_large_message_waits_for_as_many_credits_as_it_needs() {
        let mut it = stream(30);
        assert!(it.offer(10) && it.offer(10) && it.offer(10) && !it.offer(20));
        for _ in 0..2 {
            read_one(&mut it);
        }
        assert!(!it.credit(), "20 bytes are charged, and 20 more are too many");
        assert!(it.credit());
    }

    #[test]
    fn what_has_not_arrived_cannot_be_read() {
        let mut it = stream(100);
        assert!(!it.begin());
        assert!(it.offer(7) && !it.begin());
        it.arrive();
        assert!(it.begin() && it.is_reading() && !it.is_drained());
        assert_eq!(it.finish(), 7);
        assert!(it.is_drained() && !it.begin());
        assert!(!it.credit(), "nobody waits");
    }
}
