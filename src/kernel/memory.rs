//! Large memory.

use std::alloc::{Layout, alloc_zeroed};
use std::time::{Duration, Instant};

use bytemuck::Zeroable;

/// Zeroed memory for `len` numbers, or none when the system has not as much.
///
/// Pages are taken from the system when they are first written, in large pages where it has them: numbers are spread
/// over so many small ones that handing them out takes as long as filling them.
pub fn zeroed<T: Zeroable>(len: usize) -> Option<Vec<T>> {
    let mut memory = zeroed_in_any_pages(len)?;
    advise_large_pages(&mut memory);
    Some(memory)
}

/// The same, of which nothing is asked about pages yet: see [`large_pages_at_hand`].
pub(super) fn zeroed_in_any_pages<T: Zeroable>(len: usize) -> Option<Vec<T>> {
    let layout = Layout::array::<T>(len).ok()?;
    if layout.size() == 0 {
        return Some(Vec::new());
    }
    // SAFETY: the layout is not empty.
    let start = unsafe { alloc_zeroed(layout) }.cast::<T>();
    if start.is_null() {
        return None;
    }
    // SAFETY: the global allocator made `start` with the layout of `len` numbers, and zero bytes are a `T` each.
    Some(unsafe { Vec::from_raw_parts(start, len, len) })
}

/// Asks for large pages for zeros that were never written, if the first comes at once, and returns whether it did.
///
/// A virtual machine whose host lends memory as it is touched has to wait for each of the 512 small pages of a large one
/// that was free for some seconds: 4 ms instead of 0.2 ms, 2 s a GB. It finds small pages in a fifth of that time.
pub(super) fn large_pages_at_hand<T: Zeroable>(zeros: &mut [T]) -> bool {
    const AT_HAND: Duration = Duration::from_millis(1);
    let at = zeros.as_ptr().addr();
    let place = (at.next_multiple_of(LARGE_PAGE) - at) / size_of::<T>();
    let numbers = LARGE_PAGE / size_of::<T>();
    let Some(page) = zeros.get_mut(place..place + numbers) else { return false };
    advise_large_pages(page);
    let since = Instant::now();
    // SAFETY: a number of `page`, which is zero already: the compiler must not know that it is not written for nothing.
    unsafe { (&raw mut page[0]).write_volatile(T::zeroed()) };
    let quickly = since.elapsed() <= AT_HAND;
    if quickly {
        advise_large_pages(zeros);
    }
    quickly
}

/// Bytes of a large page.
const LARGE_PAGE: usize = 2 << 20;

/// Asks for large pages; a system that has none says no, and nothing else changes.
#[cfg(target_os = "linux")]
fn advise_large_pages<T>(memory: &mut [T]) {
    const PAGE: usize = 4096;
    let range = memory.as_mut_ptr_range();
    let (start, end) = (range.start.addr().next_multiple_of(PAGE), range.end.addr() / PAGE * PAGE);
    if start < end {
        let first = range.start.with_addr(start).cast();
        // SAFETY: the whole pages from `start` to `end` belong to `memory`, and the advice leaves their bytes alone.
        let _ = unsafe { libc::madvise(first, end - start, libc::MADV_HUGEPAGE) };
    }
}

#[cfg(not(target_os = "linux"))]
fn advise_large_pages<T>(_memory: &mut [T]) {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_is_zero_or_absent() {
        assert_eq!(zeroed::<f32>(0), Some(Vec::new()));
        assert!(
            zeroed::<f32>(3_000_001).is_some_and(|v| v.len() == 3_000_001 && v.iter().all(|&v| v == 0.0))
        );
        assert_eq!(zeroed::<i16>(usize::MAX / 4), None);
    }

    #[test]
    fn zeros_stay_zeros_in_whatever_pages() {
        let mut memory = zeroed_in_any_pages::<f64>(1 << 20).expect("8 MB");
        assert!(!large_pages_at_hand(&mut memory[..1000]), "too few for a page");
        // Whether they come at once is the system's affair.
        large_pages_at_hand(&mut memory);
        assert!(memory.iter().all(|&v| v == 0.0));
    }
}
