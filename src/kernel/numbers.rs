//! The numbers of a block: in memory of their own, or in a part of memory that many blocks share.

use std::fmt;
use std::ops::{Deref, DerefMut};
use std::sync::Arc;

use bytemuck::Zeroable;

use super::memory::{large_pages_at_hand, zeroed_in_any_pages};

/// Parts begin a cache line.
const LINE_BYTES: usize = 64;

/// Memory that is asked for at a time.
const STRETCH_BYTES: usize = 64 << 20;

/// Numbers `(n,)` that may be read and written as a slice.
pub struct Numbers<T>(Place<T>);

enum Place<T> {
    Own(Vec<T>),
    Part(Part<T>),
}

impl<T: Copy> Numbers<T> {
    /// Gives them the length `n`, whatever they hold then.
    pub(crate) fn make_room(&mut self, n: usize, zero: T) {
        match &mut self.0 {
            Place::Part(part) if n <= part.room => part.len = n,
            Place::Own(own) => make_room(own, n, zero),
            place => *place = Place::Own(vec![zero; n]),
        }
    }
}

/// Gives `values` the length `n`, whatever they hold then. New memory comes as zeros from the system, where growing the old
/// would write them once more.
pub(crate) fn make_room<T: Copy>(values: &mut Vec<T>, n: usize, zero: T) {
    if values.capacity() < n {
        *values = vec![zero; n];
    } else {
        values.resize(n, zero);
    }
}

impl<T> Default for Numbers<T> {
    fn default() -> Self {
        Self::from(Vec::new())
    }
}

impl<T> From<Vec<T>> for Numbers<T> {
    fn from(own: Vec<T>) -> Self {
        Self(Place::Own(own))
    }
}

impl<T> FromIterator<T> for Numbers<T> {
    fn from_iter<I: IntoIterator<Item = T>>(numbers: I) -> Self {
        Self::from(Vec::from_iter(numbers))
    }
}

impl<T> Deref for Numbers<T> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        match &self.0 {
            Place::Own(own) => own,
            // SAFETY: the part is initialized memory that lives as long as it, and nobody else has it.
            Place::Part(part) => unsafe { std::slice::from_raw_parts(part.start, part.len) },
        }
    }
}

impl<T> DerefMut for Numbers<T> {
    fn deref_mut(&mut self) -> &mut [T] {
        match &mut self.0 {
            Place::Own(own) => own,
            // SAFETY: as in `deref`.
            Place::Part(part) => unsafe { std::slice::from_raw_parts_mut(part.start, part.len) },
        }
    }
}

impl<T: Clone> Clone for Numbers<T> {
    fn clone(&self) -> Self {
        Self::from(self.to_vec())
    }
}

impl<T: PartialEq> PartialEq for Numbers<T> {
    fn eq(&self, other: &Self) -> bool {
        **self == **other
    }
}

impl<T: fmt::Debug> fmt::Debug for Numbers<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}

/// Memory for the numbers of many blocks in one piece. It may lie in large pages, which blocks by themselves are too small for:
/// where they are at hand they come in a third of the time, and passes do not wait for addresses to be translated.
pub(crate) struct Pool<T> {
    memory: Option<Arc<Memory<T>>>,
    taken: usize,
    /// Up to where its pages have been asked for.
    asked: usize,
}

impl<T: Zeroable> Pool<T> {
    /// Numbers in a cache line.
    const LINE: usize = LINE_BYTES / size_of::<T>();
    /// Numbers of which the first page tells how soon the others come.
    const STRETCH: usize = STRETCH_BYTES / size_of::<T>();

    /// Room for blocks of so many numbers each. Without memory for all of them every block gets its own.
    pub(crate) fn new(sizes: impl Iterator<Item = usize>) -> Self {
        let padded = |size: usize| size.checked_next_multiple_of(Self::LINE);
        // A line more than all of them take: the memory need not begin one.
        let len = sizes.map(padded).try_fold(Self::LINE, |sum, size| sum.checked_add(size?));
        let memory = len.and_then(zeroed_in_any_pages).map(|memory| Arc::new(Memory::of(memory)));
        let taken =
            memory.as_ref().map_or(0, |memory: &Arc<Memory<T>>| memory.start.align_offset(LINE_BYTES));
        Self { memory, taken, asked: 0 }
    }

    /// Zeros, as many as the next block has.
    pub(crate) fn take(&mut self, n: usize) -> Numbers<T> {
        let (start, end) = (self.taken, self.taken.saturating_add(n.next_multiple_of(Self::LINE)));
        let Some(memory) = self.memory.as_ref().filter(|memory| end <= memory.len) else {
            return Numbers::default();
        };
        while self.asked < end {
            let next = (self.asked + Self::STRETCH).min(memory.len);
            // SAFETY: within the memory, and no part of it has been taken yet.
            let stretch =
                unsafe { std::slice::from_raw_parts_mut(memory.start.add(self.asked), next - self.asked) };
            large_pages_at_hand(stretch);
            self.asked = next;
        }
        self.taken = end;
        // SAFETY: `start` is within the memory.
        let start = unsafe { memory.start.add(start) };
        Numbers(Place::Part(Part { start, len: n, room: n, _memory: Arc::clone(memory) }))
    }
}

/// Part of a memory that nobody else has.
struct Part<T> {
    start: *mut T,
    len: usize,
    room: usize,
    /// What keeps it.
    _memory: Arc<Memory<T>>,
}

// SAFETY: a part is the only way to its numbers, as a vector is.
unsafe impl<T: Send> Send for Part<T> {}
// SAFETY: as above.
unsafe impl<T: Sync> Sync for Part<T> {}

/// Memory that is given back once all of its parts are gone.
struct Memory<T> {
    start: *mut T,
    len: usize,
    capacity: usize,
}

// SAFETY: it only keeps the memory; numbers are reached by its parts.
unsafe impl<T: Send> Send for Memory<T> {}
// SAFETY: as above.
unsafe impl<T: Send> Sync for Memory<T> {}

impl<T> Memory<T> {
    fn of(numbers: Vec<T>) -> Self {
        let mut numbers = std::mem::ManuallyDrop::new(numbers);
        Self { start: numbers.as_mut_ptr(), len: numbers.len(), capacity: numbers.capacity() }
    }
}

impl<T> Drop for Memory<T> {
    fn drop(&mut self) {
        // SAFETY: these are the parts of the vector that this was made of.
        drop(unsafe { Vec::from_raw_parts(self.start, self.len, self.capacity) });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_of_a_pool_are_apart_and_outlive_it() {
        let sizes = [5, 16, 0, 7];
        let mut pool = Pool::<f64>::new(sizes.into_iter());
        let mut parts: Vec<Numbers<f64>> = sizes.map(|n| pool.take(n)).into();
        assert!(parts.iter().all(|part| matches!(part.0, Place::Part(_))));
        assert!(parts.iter().zip(sizes).all(|(part, n)| **part == vec![0.0; n]));
        assert!(parts.iter().all(|part| part.as_ptr().addr().is_multiple_of(LINE_BYTES)));
        for (value, part) in parts.iter_mut().enumerate() {
            part.fill(value as f64 + 1.0);
        }
        assert!(matches!(pool.take(1).0, Place::Own(_)), "all is taken");
        drop(pool);
        let copy = parts[1].clone();
        assert!(matches!(copy.0, Place::Own(_)) && copy == parts[1]);
        for (value, (part, n)) in parts.into_iter().zip(sizes).enumerate() {
            assert_eq!(*part, vec![value as f64 + 1.0; n]);
        }
    }

    #[test]
    fn numbers_get_room_where_they_are_or_elsewhere() {
        let mut pool = Pool::<f32>::new([10].into_iter());
        let mut numbers = pool.take(10);
        for (n, stays) in [(10, true), (3, true), (10, true), (11, false), (4, false)] {
            numbers.make_room(n, 0.0);
            assert_eq!((numbers.len(), matches!(numbers.0, Place::Part(_))), (n, stays));
        }
        let mut empty = Pool::<f32>::new([usize::MAX, 2].into_iter());
        assert!(matches!(empty.take(2).0, Place::Own(_)), "there is no such memory");
    }
}
