//! What a broker keeps of a topic: a queue for each group of consumers, or a stream that all groups share. What they have
//! in common is said here once, in the words of the kernel.

use crate::base::time::Time;
use crate::base::units::Size;
use crate::mechanism::broker::queue::{
    Acked, Delivery, LeaseId, Member, MessageQueue, MessageStream, Published, Reason, Refusal, Removal, Report,
    StreamReport,
};

use super::Message;

/// Messages of one topic. Groups are named by their place among those of the topic.
pub(in crate::kernel) struct Shelf {
    kind: Kind,
    /// Whether something has changed since somebody asked: most of the time nothing has, and to look for what follows from
    /// it would cost more than the change.
    is_touched: bool,
    /// What happened that nobody asked for, and was not told yet.
    news: Vec<News>,
    reports: Vec<Report<Message>>,
    stream_reports: Vec<StreamReport<Message>>,
}

enum Kind {
    Queues(Vec<MessageQueue<Message>>),
    Stream(Box<MessageStream<Message>>),
}

/// What happened that nobody asked for.
#[derive(Clone, Copy, Debug)]
pub(super) enum News {
    /// A group will not have a message that it has not handled.
    Left { place: u32, message: Message, why: Why },
    /// A group has given a message back that is not there any more.
    Gone { place: u32 },
    /// A worker held a message for too long: his connection is closed, and all that he held has come back.
    Closed { worker: u32 },
}

/// Why a message leaves that was not handled.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Why {
    /// There are too many.
    TooMany,
    /// It is too old.
    Expired,
    /// It has failed for good.
    Failed,
}

impl Shelf {
    pub(super) fn of_queues(queues: Vec<MessageQueue<Message>>) -> Shelf {
        Shelf::new(Kind::Queues(queues))
    }

    pub(super) fn of_stream(stream: MessageStream<Message>) -> Shelf {
        Shelf::new(Kind::Stream(Box::new(stream)))
    }

    fn new(kind: Kind) -> Shelf {
        Shelf { kind, is_touched: true, news: Vec::new(), reports: Vec::new(), stream_reports: Vec::new() }
    }

    /// Whether anything may have changed since this was asked last: what it has to say, what it keeps, or when it wants to
    /// be looked at.
    #[inline]
    pub(super) fn was_touched(&mut self) -> bool {
        std::mem::take(&mut self.is_touched)
    }

    /// A message arrives. `accepted` hears of every group for which it is kept. A queue that is full does not keep the
    /// others from their copy, but its publisher learns it.
    pub(super) fn publish(&mut self, now: Time, message: Message, mut accepted: impl FnMut(u32)) -> Published {
        let size = Size::from_bytes(message.bytes.into());
        self.is_touched = true;
        match &mut self.kind {
            Kind::Queues(queues) => {
                let mut published = Published::Accepted;
                for (place, queue) in queues.iter_mut().enumerate() {
                    match queue.publish(now, message, size, None, &mut self.reports) {
                        Published::Accepted => accepted(place as u32),
                        other => published = other,
                    }
                    tell(&mut self.reports, place as u32, &mut self.news);
                }
                published
            }
            Kind::Stream(stream) => {
                // Dead letters come again for another reason.
                let id = (!message.is_dead).then(|| message.origin.draws().next_u64());
                let published = stream.publish(now, message, size, id, &mut self.stream_reports);
                if published == Published::Accepted {
                    (0..stream.consumers()).for_each(accepted);
                }
                self.tell_of_stream();
                published
            }
        }
    }

    /// Hands out up to `most` messages of a group to one of its workers.
    pub(super) fn take(
        &mut self,
        now: Time,
        place: u32,
        worker: u32,
        most: u32,
        deliveries: &mut Vec<Delivery<Message>>,
    ) -> u32 {
        match &mut self.kind {
            Kind::Queues(queues) => {
                let taken = queues[place as usize].take(now, Member(worker), most, deliveries, &mut self.reports);
                // Whoever leaves without having been taken is reported.
                self.is_touched |= taken > 0 || !self.reports.is_empty();
                tell(&mut self.reports, place, &mut self.news);
                taken
            }
            Kind::Stream(stream) => {
                self.is_touched = true;
                let taken = stream.take(now, place, Member(worker), most, deliveries, &mut self.stream_reports);
                self.tell_of_stream();
                taken
            }
        }
    }

    /// How many messages of a group one of its workers has.
    pub(super) fn held_by(&self, place: u32, worker: u32) -> u32 {
        match &self.kind {
            Kind::Queues(queues) => queues[place as usize].held_by(Member(worker)),
            Kind::Stream(stream) => stream.held_by(place, Member(worker)),
        }
    }

    /// A worker is done with a message.
    pub(super) fn ack(&mut self, place: u32, lease: LeaseId) -> Acked {
        self.is_touched = true;
        match &mut self.kind {
            Kind::Queues(queues) => queues[place as usize].ack(lease),
            Kind::Stream(stream) => stream.ack(place, lease),
        }
    }

    /// A worker has failed with a message; `false` when it is not his any more.
    pub(super) fn refuse(&mut self, now: Time, place: u32, lease: LeaseId, refusal: Refusal) -> bool {
        self.is_touched = true;
        match &mut self.kind {
            Kind::Queues(queues) => {
                let is_his = queues[place as usize].refuse(now, lease, refusal, &mut self.reports);
                tell(&mut self.reports, place, &mut self.news);
                is_his
            }
            Kind::Stream(stream) => {
                let is_his = stream.refuse(now, place, lease, refusal, &mut self.stream_reports);
                self.tell_of_stream();
                is_his
            }
        }
    }

    /// A worker is gone, or has lost his connection.
    pub(super) fn worker_gone(&mut self, now: Time, place: u32, worker: u32) {
        self.is_touched = true;
        match &mut self.kind {
            Kind::Queues(queues) => {
                queues[place as usize].member_gone(now, Member(worker), &mut self.reports);
                tell(&mut self.reports, place, &mut self.news);
            }
            Kind::Stream(stream) => {
                stream.member_gone(now, place, Member(worker), &mut self.stream_reports);
                self.tell_of_stream();
            }
        }
    }

    /// When [`Shelf::tick`] wants to be called, if nothing else happens.
    pub(super) fn wake_at(&self) -> Option<Time> {
        match &self.kind {
            Kind::Queues(queues) => queues.iter().filter_map(MessageQueue::wake_at).min(),
            Kind::Stream(stream) => stream.wake_at(),
        }
    }

    /// Time has come: messages expire, come back, or have been away for long enough.
    pub(super) fn tick(&mut self, now: Time) {
        self.is_touched = true;
        match &mut self.kind {
            Kind::Queues(queues) => {
                for (place, queue) in queues.iter_mut().enumerate() {
                    queue.tick(now, &mut self.reports);
                    tell(&mut self.reports, place as u32, &mut self.news);
                }
            }
            Kind::Stream(stream) => {
                stream.tick(now, &mut self.stream_reports);
                self.tell_of_stream();
            }
        }
    }

    /// The next thing that happened and was not told yet.
    pub(super) fn next_news(&mut self) -> Option<News> {
        // Few happen at once, and their order is that of the queue.
        if self.news.is_empty() { None } else { Some(self.news.remove(0)) }
    }

    /// Takes out all that is ready, in order, in the name of `somebody` who is no worker.
    pub(super) fn empty(&mut self, now: Time, somebody: u32) -> Vec<Message> {
        let (mut messages, mut deliveries) = (Vec::new(), Vec::new());
        while self.take(now, 0, somebody, u32::MAX, &mut deliveries) > 0 {
            for delivery in deliveries.drain(..) {
                self.ack(0, delivery.lease);
                messages.push(delivery.message);
            }
        }
        messages
    }

    /// Bytes of all that is kept.
    pub(super) fn bytes(&self) -> u64 {
        match &self.kind {
            Kind::Queues(queues) => queues.iter().map(|queue| queue.bytes().as_bytes()).sum(),
            Kind::Stream(stream) => stream.bytes().as_bytes(),
        }
    }

    /// Messages of a group that are kept and not acknowledged.
    pub(super) fn pending(&self, place: u32) -> u64 {
        match &self.kind {
            Kind::Queues(queues) => {
                let queue = &queues[place as usize];
                queue.ready() as u64 + u64::from(queue.leased()) + u64::from(queue.delayed())
            }
            Kind::Stream(stream) => {
                let back = stream.returned(place) + stream.leased(place) + stream.delayed(place);
                stream.unread(place) + u64::from(back)
            }
        }
    }

    /// The message that was stored first of those with which a group is not done.
    pub(super) fn oldest(&self, place: u32) -> Option<Message> {
        match &self.kind {
            Kind::Queues(queues) => queues[place as usize].oldest(),
            Kind::Stream(stream) => stream.oldest(place),
        }
    }

    fn tell_of_stream(&mut self) {
        for report in self.stream_reports.drain(..) {
            self.news.push(match report {
                StreamReport::Missed { message, consumer, why, .. } => {
                    let why = match why {
                        Removal::Discarded => Why::TooMany,
                        Removal::Expired => Why::Expired,
                    };
                    News::Left { place: consumer, message, why }
                }
                StreamReport::Gone { consumer } => News::Gone { place: consumer },
                StreamReport::GivenUp { message, consumer, .. } => {
                    News::Left { place: consumer, message, why: Why::Failed }
                }
            });
        }
    }
}

/// What the reports of a queue mean.
fn tell(reports: &mut Vec<Report<Message>>, place: u32, news: &mut Vec<News>) {
    for report in reports.drain(..) {
        news.push(match report {
            Report::Left { message, reason, .. } => {
                let why = match reason {
                    Reason::Length => Why::TooMany,
                    Reason::Expired => Why::Expired,
                    Reason::Rejected | Reason::DeliveryLimit => Why::Failed,
                };
                News::Left { place, message, why }
            }
            Report::Closed(Member(worker)) => News::Closed { worker },
        });
    }
}
