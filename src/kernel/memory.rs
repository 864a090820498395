//! Large memory.

use std::alloc::{Layout, alloc_zeroed};

use bytemuck::Zeroable;

/// Zeroed memory for `len` numbers, or none when the system has not as much.
///
/// Pages are taken from the system when they are first written, but for one of each 64 MB, in large pages where it has them
/// at hand: numbers are spread over so many small ones that handing them out takes as long as filling them.
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
    let mut memory = unsafe { Vec::from_raw_parts(start, len, len) };
    advise_large_pages(&mut memory);
    Some(memory)
}

/// Asks for large pages where they are at hand; a system that has none says no, and nothing else changes.
///
/// A virtual machine whose host lends memory as it is touched has to wait for each of the 512 small pages of a large one
/// that was free for some seconds: 4 ms instead of 0.2 ms, 2 s a GB. It finds small pages in a fifth of that time, among
/// those given back in pieces. So the first large page of each stretch is touched by the clock, and where it comes slowly the
/// others of the stretch are small ones. Nothing but time depends on it.
#[cfg(target_os = "linux")]
fn advise_large_pages<T>(memory: &mut [T]) {
    const LARGE: usize = 2 << 20;
    const STRETCH: usize = 32 * LARGE;
    const AT_HAND: std::time::Duration = std::time::Duration::from_millis(1);
    let range = memory.as_mut_ptr_range();
    let (start, end) = (range.start.addr().next_multiple_of(LARGE), range.end.addr() / LARGE * LARGE);
    for first in (start..end).step_by(STRETCH) {
        let page = range.start.with_addr(first).cast::<u8>();
        let len = STRETCH.min(end - first);
        // SAFETY: whole pages that belong to `memory`; the advice leaves their bytes alone.
        let _ = unsafe { libc::madvise(page.cast(), LARGE, libc::MADV_HUGEPAGE) };
        let since = std::time::Instant::now();
        // SAFETY: the first byte of such a page, which is zero, as all of them are.
        unsafe { page.write_volatile(0) };
        if since.elapsed() <= AT_HAND {
            // SAFETY: as above.
            let _ = unsafe { libc::madvise(page.cast(), len, libc::MADV_HUGEPAGE) };
        }
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
}
