//! Dense ids: a `u32` that knows what it counts, and a vector that only takes its own.

use std::marker::PhantomData;
use std::ops::{Index, IndexMut};

/// An id that counts from zero.
pub trait Id: Copy {
    /// The id of the `index`-th thing.
    fn new(index: usize) -> Self;
    /// Its place in an [`Ids`].
    fn index(self) -> usize;
}

macro_rules! id {
    ($(#[$doc:meta] $name:ident),*) => {$(
        #[$doc]
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
        pub struct $name(pub u32);
        impl Id for $name {
            fn new(index: usize) -> Self {
                $name(u32::try_from(index).expect("a model has fewer than 2^32 things of a kind"))
            }
            #[inline]
            fn index(self) -> usize {
                self.0 as usize
            }
        }
    )*};
}

id!(
    /// A workload of the model.
    WorkloadId,
    /// A service of the model.
    ServiceId,
    /// An endpoint of the model, across services.
    EndpointId,
    /// A client of the model.
    ClientId,
    /// A pool of the model.
    PoolId,
    /// A cache of the model.
    CacheId,
    /// A broker of the model.
    BrokerId,
    /// A topic or a queue of the model.
    TopicId,
    /// A consumer of the model.
    ConsumerId,
    /// A zone of the model.
    ZoneId,
    /// An edge: the calls of one caller to one endpoint through one client.
    EdgeId
);

/// A vector that is indexed by one kind of id.
#[derive(Clone, Debug, PartialEq)]
pub struct Ids<I, T> {
    items: Vec<T>,
    id: PhantomData<fn(I) -> I>,
}

impl<I: Id, T> Ids<I, T> {
    /// Adds `item` and returns its id.
    pub fn push(&mut self, item: T) -> I {
        self.items.push(item);
        I::new(self.items.len() - 1)
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.items.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.items.is_empty()
    }

    /// In the order of their ids.
    pub fn iter(&self) -> std::slice::Iter<'_, T> {
        self.items.iter()
    }

    /// With their ids, in order.
    pub fn enumerate(&self) -> impl Iterator<Item = (I, &T)> {
        self.items.iter().enumerate().map(|(index, item)| (I::new(index), item))
    }

    /// The ids, in order.
    pub fn ids(&self) -> impl Iterator<Item = I> + use<I, T> {
        (0..self.items.len()).map(I::new)
    }
}

impl<I: Id, T> Default for Ids<I, T> {
    fn default() -> Self {
        Ids { items: Vec::new(), id: PhantomData }
    }
}

impl<I: Id, T> FromIterator<T> for Ids<I, T> {
    fn from_iter<A: IntoIterator<Item = T>>(items: A) -> Self {
        Ids { items: items.into_iter().collect(), id: PhantomData }
    }
}

impl<I: Id, T> Index<I> for Ids<I, T> {
    type Output = T;
    #[inline]
    fn index(&self, id: I) -> &T {
        &self.items[id.index()]
    }
}

impl<I: Id, T> IndexMut<I> for Ids<I, T> {
    #[inline]
    fn index_mut(&mut self, id: I) -> &mut T {
        &mut self.items[id.index()]
    }
}
