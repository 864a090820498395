//! Ranks as MPI processes.
//!
//! MPI counts in `i32` and wants matching counts on both sides, so a message is a head (its length as `u64` and
//! its first bytes) followed by pieces that both sides cut alike. The error handler stays `MPI_ERRORS_ARE_FATAL`:
//! a failed call ends the whole job. Calls are serialised by a lock; only [`abort_world`] goes round it.

mod windows;

use std::collections::VecDeque;
use std::mem::ManuallyDrop;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use mpi::datatype::PartitionMut;
use mpi::environment::{Threading, Universe};
use mpi::ffi;
use mpi::point_to_point::MatchedReceiveVec;
use mpi::topology::SimpleCommunicator;
use mpi::traits::{
    AsRaw, Communicator as _, CommunicatorCollectives, Destination, Equivalence, Root, Source,
};

use super::framing::{head, length};
use super::fuse::Fuse;
use super::launch::say;
use super::node::{Fill, NodeRows, part};
use super::stall::Clock;
use super::{Communicator, launcher};
use crate::error::{Error, ExitCode, Result};
use windows::Windows;

/// Bytes of a message that travel with its length; most partials of a reduction fit.
const HEAD: usize = 4088;
/// The same in an allgather, where every rank receives every head.
const HEAD_OF_MANY: usize = 56;
/// The longest piece by default: far below `i32::MAX`, long enough to cost nothing.
pub(super) const PIECE: usize = 1 << 28;

/// How long a rank that has failed waits for the others to come to a meeting.
const PATIENCE: Duration = Duration::from_secs(2);

/// What a message is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(i32)]
pub(super) enum Tag {
    /// Messages of [`Communicator::send`].
    Data = 1,
    /// Notes of [`Communicator::post`].
    Note = 2,
    /// How a rank's work has ended, to rank 0.
    Ending = 3,
    /// What follows from it, from rank 0.
    Verdict = 4,
}

/// All ranks of an MPI job.
pub(super) struct MpiComm {
    /// Dropped by [`finalize`](Self::finalize) alone: `MPI_Finalize` waits for the other ranks, so calling it
    /// while unwinding hangs the job.
    universe: ManuallyDrop<Universe>,
    world: SimpleCommunicator,
    rank: usize,
    size: usize,
    ranks_on_node: usize,
    piece: usize,
    /// Closed by [`finalize`](Self::finalize) alone, as the universe.
    windows: ManuallyDrop<Mutex<Windows>>,
    /// Holding it is the right to call MPI.
    desk: Mutex<Desk>,
    clock: Arc<Clock>,
    moved: AtomicU64,
    notes_posted: AtomicU64,
    notes_taken: AtomicU64,
}

/// Messages that have been handed over and not yet delivered.
#[derive(Default)]
struct Desk {
    outgoing: VecDeque<Outgoing>,
    data_to_self: VecDeque<Vec<u8>>,
    notes_to_self: VecDeque<Vec<u8>>,
}

/// A non-blocking send and the bytes that MPI still reads.
struct Outgoing {
    request: ffi::MPI_Request,
    _bytes: Box<[u8]>,
}

// SAFETY: the communicator handle and the requests are plain handles, valid in every thread of the process. MPI
// was initialised with MPI_THREAD_SERIALIZED, and every method that calls MPI holds the desk's lock while it does.
unsafe impl Send for MpiComm {}
// SAFETY: as above.
unsafe impl Sync for MpiComm {}

/// Ends every rank with `code`, from any thread and at any time. Outside of MPI it ends this process.
pub(super) fn abort_world(code: i32) -> ! {
    if mpi::environment::is_initialized() && !mpi::environment::is_finalized() {
        SimpleCommunicator::world().abort(code)
    }
    signal_hook::low_level::exit(code)
}

/// The MPI library's own name and version, on one line. May be asked before MPI is initialised.
pub(super) fn library() -> String {
    let text = mpi::environment::library_version().unwrap_or_else(|_| "unknown".into());
    text.trim_end_matches('\0').lines().next().unwrap_or_default().trim().to_owned()
}

/// Spares Open MPI the search for networks where there is only one node.
fn choose_messaging_layer() {
    if launcher::is_one_node_of_open_mpi(|name| std::env::var(name).ok()) {
        // SAFETY: before MPI is initialised this process has one thread, so nobody reads the environment meanwhile.
        unsafe { std::env::set_var(launcher::MESSAGING_LAYER, "ob1") };
    }
}

impl MpiComm {
    /// Initialises MPI; messages are cut into pieces of at most `piece` bytes.
    ///
    /// # Collective
    /// Every program of the launch; splits the world by node once.
    ///
    /// # Errors
    /// When MPI was initialised before, or without support for a program of several threads.
    pub(super) fn initialize(piece: usize) -> Result<Self> {
        choose_messaging_layer();
        let (universe, provided) = mpi::initialize_with_threading(Threading::Serialized)
            .ok_or_else(|| Error::internal("MPI is initialised twice"))?;
        let universe = ManuallyDrop::new(universe);
        if provided < Threading::Serialized {
            let message = format!("this MPI library offers thread level {provided:?}; Serialized is needed");
            return Err(Error::Usage { message });
        }
        let world = universe.world();
        let windows = Windows::new(&world);
        Ok(Self {
            rank: world.rank() as usize,
            size: world.size() as usize,
            ranks_on_node: windows.size,
            windows: ManuallyDrop::new(Mutex::new(windows)),
            piece: piece.clamp(1, i32::MAX as usize),
            desk: Mutex::default(),
            clock: Arc::default(),
            moved: AtomicU64::new(0),
            notes_posted: AtomicU64::new(0),
            notes_taken: AtomicU64::new(0),
            world,
            universe,
        })
    }

    /// How long this rank has been waiting for others.
    pub(super) fn clock(&self) -> &Arc<Clock> {
        &self.clock
    }

    /// Notes that this rank has sent to rank 0.
    pub(super) fn notes_posted(&self) -> u64 {
        self.notes_posted.load(Ordering::Relaxed)
    }

    /// Notes of other ranks that rank 0 has taken.
    pub(super) fn notes_taken(&self) -> u64 {
        self.notes_taken.load(Ordering::Relaxed)
    }

    /// Waits for what is on its way and finalises MPI. Every rank must have come to its end.
    ///
    /// # Collective
    /// `MPI_Finalize`.
    pub(super) fn finalize(mut self) {
        for mut outgoing in self.lock().outgoing.drain(..) {
            // SAFETY: the request was made by MPI_Isend and is completed here, once; its bytes are still alive.
            unsafe { ffi::MPI_Wait(&mut outgoing.request, ffi::RSMPI_STATUS_IGNORE) };
        }
        self.windows.get_mut().unwrap_or_else(PoisonError::into_inner).free();
        // SAFETY: `self` is consumed, so the node's communicator is dropped once, and before MPI is finalised.
        unsafe { ManuallyDrop::drop(&mut self.windows) };
        // SAFETY: `self` is consumed, so the universe is dropped once and not used again.
        unsafe { ManuallyDrop::drop(&mut self.universe) };
    }

    /// Sends a short message without waiting for its arrival.
    pub(super) fn post_to(&self, to: usize, tag: Tag, note: &[u8]) {
        let mut desk = self.lock();
        desk.clear_delivered();
        let bytes: Box<[u8]> = note.into();
        let count = i32::try_from(bytes.len()).expect("a note is short");
        // SAFETY: a constant of the MPI library, set once it is initialised.
        let mut request = unsafe { ffi::RSMPI_REQUEST_NULL };
        // SAFETY: `bytes` lives on the heap and stays in `outgoing`, untouched, until the request has completed;
        // rank and tag are in range; the lock is held.
        unsafe {
            ffi::MPI_Isend(
                bytes.as_ptr().cast(),
                count,
                u8::equivalent_datatype().as_raw(),
                to as i32,
                tag as i32,
                self.world.as_raw(),
                &mut request,
            );
        }
        desk.outgoing.push_back(Outgoing { request, _bytes: bytes });
    }

    /// The next message under `tag` that has arrived, with its sender.
    pub(super) fn poll_tag(&self, tag: Tag) -> Option<(usize, Vec<u8>)> {
        let _desk = self.lock();
        let found = self.world.any_process().immediate_matched_probe_with_tag(tag as i32)?;
        let (bytes, status) = found.matched_receive_vec::<u8>();
        Some((status.source_rank() as usize, bytes))
    }

    fn lock(&self) -> MutexGuard<'_, Desk> {
        self.desk.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How many bytes of a message go with its length.
    fn inline(&self, len: usize, room: usize) -> usize {
        len.min(room).min(self.piece)
    }
}

impl Desk {
    /// Frees the bytes of messages that have left.
    fn clear_delivered(&mut self) {
        while let Some(first) = self.outgoing.front_mut() {
            let mut done = 0;
            // SAFETY: the request was made by MPI_Isend and has not completed before; MPI sets it to null when it has.
            unsafe { ffi::MPI_Test(&mut first.request, &mut done, ffi::RSMPI_STATUS_IGNORE) };
            if done == 0 {
                return;
            }
            self.outgoing.pop_front();
        }
    }
}

impl Communicator for MpiComm {
    fn rank(&self) -> usize {
        self.rank
    }
    fn size(&self) -> usize {
        self.size
    }
    fn ranks_on_node(&self) -> usize {
        self.ranks_on_node
    }

    fn send(&self, to: usize, bytes: &[u8]) {
        let mut desk = self.lock();
        if to == self.rank {
            desk.data_to_self.push_back(bytes.to_vec());
            return;
        }
        let _waiting = self.clock.wait();
        self.count(bytes.len());
        let process = self.world.process_at_rank(to as i32);
        let inline = self.inline(bytes.len(), HEAD);
        process.send_with_tag(&head(bytes, inline, inline)[..], Tag::Data as i32);
        for piece in bytes[inline..].chunks(self.piece) {
            process.send_with_tag(piece, Tag::Data as i32);
        }
    }

    fn recv(&self, from: usize) -> Vec<u8> {
        let mut desk = self.lock();
        if from == self.rank {
            return desk.data_to_self.pop_front().expect("a rank receives from itself only what it has sent");
        }
        let _waiting = self.clock.wait();
        let process = self.world.process_at_rank(from as i32);
        let mut head = [0; 8 + HEAD];
        process.receive_into_with_tag(&mut head[..], Tag::Data as i32);
        let mut bytes = vec![0; length(&head)];
        let inline = self.inline(bytes.len(), HEAD);
        bytes[..inline].copy_from_slice(&head[8..8 + inline]);
        for piece in bytes[inline..].chunks_mut(self.piece) {
            process.receive_into_with_tag(piece, Tag::Data as i32);
        }
        self.count(bytes.len());
        bytes
    }

    fn barrier(&self) {
        let _desk = self.lock();
        let _waiting = self.clock.wait();
        self.world.barrier();
    }

    fn broadcast(&self, root: usize, bytes: &mut Vec<u8>) {
        let _desk = self.lock();
        let _waiting = self.clock.wait();
        let process = self.world.process_at_rank(root as i32);
        let room = HEAD.min(self.piece);
        let mut first = match self.rank == root {
            true => head(bytes, self.inline(bytes.len(), HEAD), room),
            false => vec![0; 8 + room],
        };
        process.broadcast_into(&mut first[..]);
        let len = length(&first);
        let inline = self.inline(len, HEAD);
        if self.rank != root {
            *bytes = vec![0; len];
            bytes[..inline].copy_from_slice(&first[8..8 + inline]);
        }
        for piece in bytes[inline..].chunks_mut(self.piece) {
            process.broadcast_into(piece);
        }
        self.count(len);
    }

    fn allgather(&self, bytes: &[u8]) -> Vec<Vec<u8>> {
        let _desk = self.lock();
        let _waiting = self.clock.wait();
        let room = HEAD_OF_MANY.min(self.piece);
        let mut heads = vec![0; (8 + room) * self.size];
        let mine = head(bytes, self.inline(bytes.len(), HEAD_OF_MANY), room);
        self.world.all_gather_into(&mine[..], &mut heads[..]);
        let lengths: Vec<usize> = heads.chunks(8 + room).map(length).collect();
        let mut all: Vec<Vec<u8>> = lengths.iter().map(|&len| Vec::with_capacity(len)).collect();
        for (out, head) in all.iter_mut().zip(heads.chunks(8 + room)) {
            out.extend_from_slice(&head[8..8 + self.inline(length(head), HEAD_OF_MANY)]);
        }
        self.gather_rest(bytes, &lengths, &mut all);
        self.count(lengths.iter().sum());
        all
    }

    fn post(&self, note: &[u8]) {
        if self.rank == 0 {
            self.lock().notes_to_self.push_back(note.to_vec());
        } else {
            self.notes_posted.fetch_add(1, Ordering::Relaxed);
            self.post_to(0, Tag::Note, note);
        }
    }

    fn poll(&self) -> Option<(usize, Vec<u8>)> {
        if self.rank != 0 {
            return None;
        }
        if let Some(note) = self.lock().notes_to_self.pop_front() {
            return Some((0, note));
        }
        let note = self.poll_tag(Tag::Note)?;
        self.notes_taken.fetch_add(1, Ordering::Relaxed);
        Some(note)
    }

    fn fill_on_node(&self, n_rows: usize, width: usize, fill: &mut Fill<'_>) -> Option<NodeRows> {
        let mut windows = self.windows.lock().unwrap_or_else(PoisonError::into_inner);
        if windows.size == 1 {
            return super::node::alone(n_rows, width, fill);
        }
        let numbers = {
            let _desk = self.lock();
            let _waiting = self.clock.wait();
            windows.allocate(n_rows.checked_mul(width)?)?
        };
        let rows = part(n_rows, windows.rank, windows.size);
        // SAFETY: the ranks of the node have different rows, and none reads a row before they have met below.
        let mine = unsafe { numbers.part_mut(rows.start * width..rows.end * width) };
        numbers.prepare(rows.start * width..rows.end * width);
        fill(rows, mine);
        let _desk = self.lock();
        let _waiting = self.clock.wait();
        windows.meet();
        Some(NodeRows::new(numbers, windows.size))
    }

    fn moved_bytes(&self) -> u64 {
        self.moved.load(Ordering::Relaxed)
    }

    fn abort(&self, code: ExitCode) -> ! {
        abort_world(code.code())
    }

    fn light_fuse(&self, code: ExitCode, message: &str) -> Fuse {
        // Ranks that fail together do not speak together: the first to speak ends the others.
        let turn = Duration::from_millis(100 * self.rank.min(10) as u64);
        let message = message.to_owned();
        Fuse::light(PATIENCE + turn, move || {
            say(&message);
            abort_world(code.code());
        })
    }
}

impl MpiComm {
    /// Counts bytes that went to others or came from them.
    fn count(&self, bytes: usize) {
        if self.size > 1 {
            self.moved.fetch_add(bytes as u64, Ordering::Relaxed);
        }
    }

    /// Appends to `all` what the heads of an allgather left over, in rounds of at most a piece for all ranks.
    fn gather_rest(&self, bytes: &[u8], lengths: &[usize], all: &mut [Vec<u8>]) {
        let share = (self.piece / self.size).max(1);
        let mut counts = vec![0; self.size];
        let mut starts = vec![0; self.size];
        loop {
            let mut total = 0;
            for (rank, out) in all.iter().enumerate() {
                let count = (lengths[rank] - out.len()).min(share);
                (counts[rank], starts[rank]) = (count as i32, total as i32);
                total += count;
            }
            if total == 0 {
                return;
            }
            let mine = all[self.rank].len();
            let piece = &bytes[mine..mine + counts[self.rank] as usize];
            let mut round = vec![0; total];
            self.world.all_gather_varcount_into(
                piece,
                &mut PartitionMut::new(&mut round[..], &counts[..], &starts[..]),
            );
            for (rank, out) in all.iter_mut().enumerate() {
                let start = starts[rank] as usize;
                out.extend_from_slice(&round[start..start + counts[rank] as usize]);
            }
        }
    }
}
