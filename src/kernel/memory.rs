//! Large memory.

use std::alloc::{Layout, alloc_zeroed};

use bytemuck::Zeroable;

/// Zeroed memory for `len` numbers, or none when the system has not as much.
///
/// Pages are taken from the system when they are first written, in large pages where it has them: numbers are spread
/// over so many small ones that handing them out takes as long as filling them.
pub fn zeroed<T: Zeroable>(len: usize) -> Option<Vec<T>> {
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
    let memory = unsafe { Vec::from_raw_parts(start, len, len) };
    advise_large_pages(&memory);
    Some(memory)
}

/// Asks for large pages; a system that has none says no, and nothing else changes.
#[cfg(target_os = "linux")]
fn advise_large_pages<T>(memory: &[T]) {
    const PAGE: usize = 4096;
    let range = memory.as_ptr_range();
    let (start, end) = (range.start.addr().next_multiple_of(PAGE), range.end.addr() / PAGE * PAGE);
    if start < end {
        let first = memory.as_ptr().cast_mut().with_addr(start).cast();
        // SAFETY: the whole pages from `start` to `end` belong to `memory`, and the advice leaves their bytes alone.
        let _ = unsafe { libc::madvise(first, end - start, libc::MADV_HUGEPAGE) };
    }
}

#[cfg(not(target_os = "linux"))]
fn advise_large_pages<T>(_memory: &[T]) {}

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
}
