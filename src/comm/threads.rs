//! Ranks as threads of one process: the real algorithms at any rank count, inside `cargo test`.

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use super::Communicator;
use super::node::{Fill, NodeRows, memory, part};
use crate::error::ExitCode;

/// Mailboxes of all ranks, and whether one of them has died.
#[derive(Default)]
struct Mail {
    /// Messages by `from · size + to`.
    messages: Vec<VecDeque<Vec<u8>>>,
    notes: VecDeque<(usize, Vec<u8>)>,
    /// What rank 0 hands to all.
    shared: Option<NodeRows>,
    failed: Option<usize>,
}

#[derive(Default)]
struct Office {
    mail: Mutex<Mail>,
    arrived: Condvar,
}

impl Office {
    fn lock(&self) -> MutexGuard<'_, Mail> {
        self.mail.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn fail(&self, rank: usize) {
        self.lock().failed.get_or_insert(rank);
        self.arrived.notify_all();
    }
}

/// One rank of [`run_threads`].
pub struct ThreadComm<'a> {
    rank: usize,
    size: usize,
    office: &'a Office,
    moved: AtomicU64,
}

/// Runs `body` on `size` ranks, each a thread, and returns their results in rank order.
///
/// # Panics
/// When a rank panics: the others, which may wait for it, are woken and end too, and the first panic goes on in
/// the caller.
pub fn run_threads<R: Send>(size: usize, body: impl Fn(&dyn Communicator) -> R + Sync) -> Vec<R> {
    let office = Office::default();
    office.lock().messages.resize_with(size * size, VecDeque::new);
    let outcomes: Vec<_> = std::thread::scope(|scope| {
        let ranks: Vec<_> = (0..size)
            .map(|rank| {
                let (office, body) = (&office, &body);
                scope.spawn(move || {
                    let comm = ThreadComm { rank, size, office, moved: AtomicU64::new(0) };
                    let outcome = catch_unwind(AssertUnwindSafe(|| body(&comm)));
                    if outcome.is_err() {
                        office.fail(rank);
                    }
                    outcome
                })
            })
            .collect();
        ranks.into_iter().map(|rank| rank.join().expect("panics are caught inside the thread")).collect()
    });
    let failed = office.lock().failed;
    let mut results = Vec::with_capacity(size);
    let mut panics = Vec::new();
    for (rank, outcome) in outcomes.into_iter().enumerate() {
        match outcome {
            Ok(result) => results.push(result),
            Err(panic) => panics.push((Some(rank) != failed, panic)),
        }
    }
    // The rank that failed first has the cause; the others only tell that it is gone.
    panics.sort_by_key(|(secondary, _)| *secondary);
    if let Some((_, panic)) = panics.into_iter().next() {
        resume_unwind(panic);
    }
    results
}

impl ThreadComm<'_> {
    fn put(&self, to: usize, bytes: &[u8]) {
        self.office.lock().messages[self.rank * self.size + to].push_back(bytes.to_vec());
        self.office.arrived.notify_all();
    }

    fn count(&self, bytes: usize) {
        self.moved.fetch_add(bytes as u64, Ordering::Relaxed);
    }
}

impl Communicator for ThreadComm<'_> {
    fn rank(&self) -> usize {
        self.rank
    }
    fn size(&self) -> usize {
        self.size
    }
    fn ranks_on_node(&self) -> usize {
        self.size
    }
    fn send(&self, to: usize, bytes: &[u8]) {
        self.count(if to == self.rank { 0 } else { bytes.len() });
        self.put(to, bytes);
    }
    fn recv(&self, from: usize) -> Vec<u8> {
        let mut mail = self.office.lock();
        loop {
            if let Some(message) = mail.messages[from * self.size + self.rank].pop_front() {
                self.count(if from == self.rank { 0 } else { message.len() });
                return message;
            }
            if let Some(failed) = mail.failed {
                drop(mail);
                panic!("rank {} waits for rank {from}, but rank {failed} has died", self.rank);
            }
            mail = self.office.arrived.wait(mail).unwrap_or_else(PoisonError::into_inner);
        }
    }
    fn barrier(&self) {
        self.allgather(&[]);
    }
    fn broadcast(&self, root: usize, bytes: &mut Vec<u8>) {
        if self.rank == root {
            self.count(if self.size > 1 { bytes.len() } else { 0 });
            (0..self.size).filter(|&to| to != root).for_each(|to| self.put(to, bytes));
        } else {
            *bytes = self.recv(root);
        }
    }
    fn allgather(&self, bytes: &[u8]) -> Vec<Vec<u8>> {
        self.count(if self.size > 1 { bytes.len() } else { 0 });
        (0..self.size).for_each(|to| self.put(to, bytes));
        (0..self.size).map(|from| self.recv(from)).collect()
    }
    fn post(&self, note: &[u8]) {
        self.office.lock().notes.push_back((self.rank, note.to_vec()));
    }
    fn poll(&self) -> Option<(usize, Vec<u8>)> {
        if self.rank != 0 {
            return None;
        }
        let mut mail = self.office.lock();
        let note = mail.notes.pop_front();
        // Whoever waits by polling must learn that nothing more will come.
        if let (None, Some(failed)) = (&note, mail.failed) {
            drop(mail);
            panic!("rank 0 waits for notes, but rank {failed} has died");
        }
        note
    }
    fn fill_on_node(&self, n_rows: usize, width: usize, fill: &mut Fill<'_>) -> Option<NodeRows> {
        let rows = part(n_rows, self.rank, self.size);
        let mut mine = memory(rows.len() * width).expect("tests share little");
        fill(rows, &mut mine);
        if self.is_root() {
            let mut all = mine;
            for from in 1..self.size {
                all.extend(self.recv(from).chunks_exact(8).map(bytemuck::pod_read_unaligned::<f64>));
            }
            self.office.lock().shared = Some(NodeRows::new(Arc::new(all), self.size));
        } else {
            self.send(0, bytemuck::cast_slice(&mine));
        }
        self.barrier();
        let shared = self.office.lock().shared.clone();
        self.barrier();
        shared
    }
    fn moved_bytes(&self) -> u64 {
        self.moved.load(Ordering::Relaxed)
    }
    fn abort(&self, code: ExitCode) -> ! {
        panic!("rank {} aborts with exit code {}", self.rank, code.code())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn collectives_reach_every_rank() {
        for size in [1, 2, 3, 7, 16] {
            let results = run_threads(size, |comm| {
                let mut bytes = vec![comm.rank() as u8; comm.rank()];
                comm.barrier();
                let all = comm.allgather(&bytes);
                comm.broadcast(size - 1, &mut bytes);
                (all, bytes)
            });
            for (all, bytes) in results {
                assert!(all.iter().enumerate().all(|(rank, b)| *b == vec![rank as u8; rank]));
                assert_eq!(bytes, vec![(size - 1) as u8; size - 1]);
            }
        }
    }

    #[test]
    fn what_goes_to_others_is_counted_once() {
        for size in [1, 2, 5] {
            let moved = run_threads(size, |comm| {
                comm.send(comm.rank(), &[0; 100]);
                comm.recv(comm.rank());
                comm.allgather(&[0; 10]);
                comm.broadcast(0, &mut vec![0; 1000]);
                if comm.rank() == 1 {
                    comm.send(0, &[0; 7]);
                }
                if comm.is_root() && size > 1 {
                    comm.recv(1);
                }
                comm.moved_bytes()
            });
            let of_all = if size > 1 { 10 * size as u64 + 1000 } else { 0 };
            for (rank, moved) in moved.into_iter().enumerate() {
                assert_eq!(moved, of_all + if size > 1 && rank < 2 { 7 } else { 0 }, "rank {rank} of {size}");
            }
        }
    }

    #[test]
    fn a_node_keeps_its_rows_once() {
        for size in [1, 2, 3, 5] {
            let results = run_threads(size, |comm| {
                let mut n_filled = 0;
                let rows = comm.fill_on_node(4, 3, &mut |rows, out| {
                    n_filled += rows.len();
                    out.chunks_exact_mut(3).zip(rows).for_each(|(out, row)| out.fill(row as f64));
                });
                (rows.expect("memory"), n_filled)
            });
            let first = results[0].0.numbers();
            assert_eq!(first, [0.0, 0.0, 0.0, 1.0, 1.0, 1.0, 2.0, 2.0, 2.0, 3.0, 3.0, 3.0]);
            assert!(results.iter().all(|(rows, _)| std::ptr::eq(rows.numbers(), first)));
            assert_eq!(results.iter().map(|(_, n)| n).sum::<usize>(), 4);
        }
    }

    #[test]
    fn notes_reach_rank_0() {
        let notes = run_threads(3, |comm| {
            comm.post(&[comm.rank() as u8]);
            comm.barrier();
            let mut notes: Vec<_> = std::iter::from_fn(|| comm.poll()).collect();
            notes.sort();
            notes
        });
        assert_eq!(notes[0], [(0, vec![0]), (1, vec![1]), (2, vec![2])]);
        assert!(notes[1].is_empty());
    }

    #[test]
    #[should_panic(expected = "the cause")]
    fn a_panic_on_one_rank_ends_them_all() {
        run_threads(3, |comm| {
            if comm.rank() == 1 {
                panic!("the cause");
            }
            comm.barrier();
        });
    }
}
