//! Memory that the MPI processes of a node have in common.
//!
//! Freeing such memory is a collective of the node, so it never happens where a handle is dropped, which one rank may
//! do alone when it errs: it happens when more memory is asked for and when MPI is finalised, of what no rank of
//! the node uses any longer. A job that is aborted leaves it to the MPI library, which has it unlinked from the start.

use std::ffi::c_void;
use std::sync::Arc;

use mpi::collective::SystemOperation;
use mpi::ffi;
use mpi::topology::SimpleCommunicator;
use mpi::traits::{AsRaw, Communicator as _, CommunicatorCollectives, Root};

/// The ranks of this node and the memory that they share.
pub(super) struct Windows {
    node: SimpleCommunicator,
    pub(super) rank: usize,
    pub(super) size: usize,
    open: Vec<Window>,
}

/// Shared numbers of one allocation.
pub(super) struct Window {
    handle: ffi::MPI_Win,
    numbers: Arc<Shared>,
}

/// The numbers as this process sees them. They stay where they are while a clone of the `Arc` lives.
pub(super) struct Shared {
    start: *mut f64,
    len: usize,
}

// SAFETY: the memory is mapped for all threads of the process, and is only read once it is handed out.
unsafe impl Send for Shared {}
// SAFETY: as above.
unsafe impl Sync for Shared {}

impl AsRef<[f64]> for Shared {
    fn as_ref(&self) -> &[f64] {
        // SAFETY: `start` is the aligned start of `len` numbers that all ranks of the node have filled before the
        // barrier after which this is handed out; nobody writes to them any more, and the window is freed only
        // when no clone of the `Arc` is left.
        unsafe { std::slice::from_raw_parts(self.start, self.len) }
    }
}

impl Shared {
    /// Has the system hand out the pages of some numbers at once: one by one, as they are touched, takes half as long again.
    /// A system that cannot hands them out later.
    #[cfg(target_os = "linux")]
    pub(super) fn prepare(&self, range: std::ops::Range<usize>) {
        const PAGE: usize = 4096;
        let of = |at: usize| self.start.addr() + at * size_of::<f64>();
        let (start, end) = (of(range.start) / PAGE * PAGE, of(range.end));
        // SAFETY: a number of the mapping lies in each of these pages, and the advice changes no byte of them.
        let _ = unsafe {
            libc::madvise(self.start.with_addr(start).cast(), end - start, libc::MADV_POPULATE_WRITE)
        };
    }

    #[cfg(not(target_os = "linux"))]
    pub(super) fn prepare(&self, _range: std::ops::Range<usize>) {}

    /// Some of the numbers, to be filled.
    ///
    /// # Safety
    /// No other rank or thread may use these numbers until the ranks of the node have met in a barrier.
    #[expect(clippy::mut_from_ref, reason = "ranks fill parts of what all of them refer to")]
    pub(super) unsafe fn part_mut(&self, range: std::ops::Range<usize>) -> &mut [f64] {
        assert!(range.start <= range.end && range.end <= self.len);
        // SAFETY: the range is inside of the allocation, and the caller has it alone.
        unsafe { std::slice::from_raw_parts_mut(self.start.add(range.start), range.len()) }
    }
}

impl Windows {
    /// The ranks of this node.
    ///
    /// # Collective
    /// Of the world: it is split once.
    pub(super) fn new(world: &SimpleCommunicator) -> Self {
        let node = world.split_shared(world.rank());
        let (rank, size) = (node.rank() as usize, node.size() as usize);
        Self { node, rank, size, open: Vec::new() }
    }

    /// Room for `len` numbers on this node; none where its shared memory does not suffice.
    ///
    /// # Collective
    /// Of the node.
    pub(super) fn allocate(&mut self, len: usize) -> Option<Arc<Shared>> {
        self.free();
        let bytes = len.checked_mul(size_of::<f64>()).filter(|&bytes| isize::try_from(bytes).is_ok());
        let mut fits = u8::from(bytes.is_some_and(|bytes| bytes > 0 && has_room(bytes)));
        self.node.process_at_rank(0).broadcast_into(&mut fits);
        let bytes = bytes.filter(|_| fits == 1)?;
        let made = self.make(if self.rank == 0 { bytes } else { 0 }, len);
        let mut all = 0u8;
        self.node.all_reduce_into(&u8::from(made.is_some()), &mut all, SystemOperation::min());
        // Where only some ranks succeeded, what they have cannot be freed by them alone and is left to MPI.
        let window = made.filter(|_| all == 1)?;
        let numbers = window.numbers.clone();
        self.open.push(window);
        Some(numbers)
    }

    fn make(&self, bytes: usize, len: usize) -> Option<Window> {
        let mut start: *mut c_void = std::ptr::null_mut();
        // SAFETY: a constant of the MPI library, set once it is initialised.
        let mut handle = unsafe { ffi::RSMPI_WIN_NULL };
        let comm = self.node.as_raw();
        // SAFETY: all ranks of `node` call this together; memory that is not to be had must be no fatal error, so the
        // error handler of this communicator is another one during the call. The outputs are plain handles.
        let made = unsafe {
            ffi::MPI_Comm_set_errhandler(comm, ffi::RSMPI_ERRORS_RETURN);
            let start: *mut *mut c_void = &mut start;
            let made = ffi::MPI_Win_allocate_shared(
                bytes as ffi::MPI_Aint,
                1,
                ffi::RSMPI_INFO_NULL,
                comm,
                start.cast(),
                &mut handle,
            );
            ffi::MPI_Comm_set_errhandler(comm, ffi::RSMPI_ERRORS_ARE_FATAL);
            made
        };
        if made != ffi::MPI_SUCCESS as i32 {
            return None;
        }
        let (mut size, mut unit) = (0, 0);
        // SAFETY: the window was made above, and rank 0 of the node holds all of its memory.
        let found = unsafe {
            let start: *mut *mut c_void = &mut start;
            ffi::MPI_Win_shared_query(handle, 0, &mut size, &mut unit, start.cast())
        };
        let start = start.cast::<f64>();
        let whole = usize::try_from(size).is_ok_and(|size| size >= len * size_of::<f64>());
        let usable = found == ffi::MPI_SUCCESS as i32 && whole && !start.is_null() && start.is_aligned();
        usable.then(|| Window { handle, numbers: Arc::new(Shared { start, len }) })
    }

    /// Waits until every rank of the node has written what it had to.
    ///
    /// # Collective
    /// Of the node.
    pub(super) fn meet(&self) {
        // What was written before a barrier is seen after it: MPI libraries exchange messages by the same memory,
        // and the fence keeps this process's own stores and loads on their sides of it.
        std::sync::atomic::fence(std::sync::atomic::Ordering::SeqCst);
        self.node.barrier();
        std::sync::atomic::fence(std::sync::atomic::Ordering::SeqCst);
    }

    /// Frees what no rank of the node uses any longer.
    ///
    /// # Collective
    /// Of the node, which has opened the same windows in the same order.
    pub(super) fn free(&mut self) {
        if self.open.is_empty() {
            return;
        }
        let unused: Vec<u8> =
            self.open.iter().map(|window| u8::from(Arc::strong_count(&window.numbers) == 1)).collect();
        let mut by_none = vec![0u8; unused.len()];
        self.node.all_reduce_into(&unused[..], &mut by_none[..], SystemOperation::min());
        let open = std::mem::take(&mut self.open);
        for (mut window, by_none) in open.into_iter().zip(by_none) {
            if by_none == 1 {
                // SAFETY: the window was made by MPI_Win_allocate_shared, all ranks of the node free it together, and
                // the only `Arc` to its memory is this one.
                unsafe { ffi::MPI_Win_free(&mut window.handle) };
            } else {
                self.open.push(window);
            }
        }
    }
}

/// Whether shared memory has room for twice as many bytes: a page without room ends the program when it is touched.
fn has_room(bytes: usize) -> bool {
    // SAFETY: an all-zero value of a plain structure of numbers.
    let mut room: libc::statvfs = unsafe { std::mem::zeroed() };
    // SAFETY: the path ends with a zero byte and the structure is writable.
    let found = unsafe { libc::statvfs(c"/dev/shm".as_ptr(), &mut room) };
    found == 0 && (room.f_bavail as u64).saturating_mul(room.f_frsize as u64) / 2 >= bytes as u64
}
