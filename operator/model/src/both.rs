//! Two hosts, always two: a pair of values that is indexed by side.

use std::ops::{Index, IndexMut};

use serde::{Deserialize, Serialize};

/// One of the two nodes, in the order of their names: the order in the spec means nothing, and can change.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Side {
    /// The node whose name comes first.
    First,
    /// The node whose name comes second.
    Second,
}

impl Side {
    /// Both sides, in order.
    pub const BOTH: [Self; 2] = [Self::First, Self::Second];

    /// The other one.
    pub fn peer(self) -> Self {
        match self {
            Self::First => Self::Second,
            Self::Second => Self::First,
        }
    }
}

/// One value for each side.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Both<T> {
    /// The first node's.
    pub first: T,
    /// The second node's.
    pub second: T,
}

impl<T> Both<T> {
    /// One value for each side.
    pub fn new(first: T, second: T) -> Self {
        Self { first, second }
    }

    /// Makes each side's value from the side.
    pub fn from_fn(mut make: impl FnMut(Side) -> T) -> Self {
        Self {
            first: make(Side::First),
            second: make(Side::Second),
        }
    }

    /// Both values with their sides, in order.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = (Side, &T)> {
        [(Side::First, &self.first), (Side::Second, &self.second)].into_iter()
    }

    /// The two values of one side each, from references.
    pub fn as_ref(&self) -> Both<&T> {
        Both {
            first: &self.first,
            second: &self.second,
        }
    }

    /// Each side's value turned into another.
    pub fn map<U>(self, mut turn: impl FnMut(T) -> U) -> Both<U> {
        Both {
            first: turn(self.first),
            second: turn(self.second),
        }
    }

    /// Whether both values satisfy the test.
    pub fn all(&self, mut test: impl FnMut(&T) -> bool) -> bool {
        test(&self.first) && test(&self.second)
    }

    /// Whether one of the values satisfies the test.
    pub fn any(&self, mut test: impl FnMut(&T) -> bool) -> bool {
        test(&self.first) || test(&self.second)
    }

    /// The first side whose value satisfies the test.
    pub fn find(&self, mut test: impl FnMut(&T) -> bool) -> Option<Side> {
        self.iter().find(|(_, value)| test(value)).map(|(side, _)| side)
    }
}

impl<T> Both<Option<T>> {
    /// Both values, when both are there.
    pub fn complete(self) -> Option<Both<T>> {
        Some(Both {
            first: self.first?,
            second: self.second?,
        })
    }
}

impl<T> Index<Side> for Both<T> {
    type Output = T;

    fn index(&self, side: Side) -> &T {
        match side {
            Side::First => &self.first,
            Side::Second => &self.second,
        }
    }
}

impl<T> IndexMut<Side> for Both<T> {
    fn index_mut(&mut self, side: Side) -> &mut T {
        match side {
            Side::First => &mut self.first,
            Side::Second => &mut self.second,
        }
    }
}
