//! The memory and the disk of one broker node. When memory is used beyond its watermark, or the disk has too little
//! left, all who publish are blocked; those who consume are not, so that it can recover.

use crate::base::units::{Share, Size};

/// What a node has.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct NodeSettings {
    /// Memory of the machine; `None` is more than is ever used.
    pub memory: Option<Size>,
    /// The part of it that may be used.
    pub watermark: Share,
    /// Room on its disk; `None` is more than is ever used.
    pub disk: Option<Size>,
    /// What must be left of it.
    pub disk_reserve: Size,
}

/// Why publishers are blocked.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Alarm {
    /// Memory is used beyond the watermark.
    Memory,
    /// The disk is nearly full.
    Disk,
}

/// See the module.
#[derive(Clone, Copy, Debug)]
pub struct Node {
    memory_limit: u64,
    disk_limit: u64,
    memory: u64,
    disk: u64,
}

impl Node {
    /// Nothing is used.
    pub fn new(settings: NodeSettings) -> Node {
        let share = |memory: Size| (memory.as_bytes() as f64 * settings.watermark.as_f64()) as u64;
        Node {
            memory_limit: settings.memory.map_or(u64::MAX, share),
            disk_limit: settings
                .disk
                .map_or(u64::MAX, |disk| disk.as_bytes().saturating_sub(settings.disk_reserve.as_bytes())),
            memory: 0,
            disk: 0,
        }
    }

    /// Bytes are stored. Returns whether publishers are blocked since then, and were not before.
    pub fn stored(&mut self, memory: Size, disk: Size) -> bool {
        let before = self.alarm();
        self.memory += memory.as_bytes();
        self.disk += disk.as_bytes();
        before.is_none() && self.alarm().is_some()
    }

    /// Bytes are given back. Returns whether publishers may go on since then, and could not before.
    pub fn released(&mut self, memory: Size, disk: Size) -> bool {
        debug_assert!(memory.as_bytes() <= self.memory && disk.as_bytes() <= self.disk, "it was stored");
        let before = self.alarm();
        self.memory = self.memory.saturating_sub(memory.as_bytes());
        self.disk = self.disk.saturating_sub(disk.as_bytes());
        before.is_some() && self.alarm().is_none()
    }

    /// Why publishers are blocked, if they are.
    pub fn alarm(&self) -> Option<Alarm> {
        if self.memory > self.memory_limit {
            Some(Alarm::Memory)
        } else if self.disk > self.disk_limit {
            Some(Alarm::Disk)
        } else {
            None
        }
    }

    /// Memory in use.
    pub fn memory(&self) -> Size {
        Size::from_bytes(self.memory)
    }

    /// Disk in use.
    pub fn disk(&self) -> Size {
        Size::from_bytes(self.disk)
    }
}

#[cfg(test)]
mod tests {
    use super::super::rabbitmq;
    use super::*;

    fn mb(mb: u64) -> Size {
        Size::from_bytes(mb * 1_000_000)
    }

    #[test]
    fn publishers_are_blocked_beyond_the_watermark_and_near_the_end_of_the_disk() {
        let settings = NodeSettings { memory: Some(mb(100)), disk: Some(mb(1_050)), ..rabbitmq::node() };
        let mut node = Node::new(settings);
        assert!(!node.stored(mb(60), mb(60)), "0.6 of the memory may be used");
        assert!(node.stored(Size::from_bytes(1), Size::ZERO));
        assert_eq!(node.alarm(), Some(Alarm::Memory));
        assert!(!node.stored(mb(1), mb(1)), "they are blocked already");
        assert!(!node.released(mb(1), Size::ZERO));
        assert!(node.released(mb(10), Size::ZERO));
        assert!(!node.stored(Size::ZERO, mb(939)), "50 MB of the disk are left");
        assert!(node.stored(Size::ZERO, Size::from_bytes(1)));
        assert_eq!(node.alarm(), Some(Alarm::Disk));
        assert!(node.released(Size::ZERO, mb(1)));
    }
}
