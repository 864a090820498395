//! The communicator of a program that runs alone.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};

use super::Communicator;
use crate::error::ExitCode;

/// A communicator of one rank.
#[derive(Default)]
pub struct Single {
    to_self: Mutex<VecDeque<Vec<u8>>>,
    notes: Mutex<VecDeque<Vec<u8>>>,
}

impl Single {
    /// The only rank.
    pub fn new() -> Self {
        Self::default()
    }
}

fn push(queue: &Mutex<VecDeque<Vec<u8>>>, bytes: &[u8]) {
    queue.lock().unwrap_or_else(PoisonError::into_inner).push_back(bytes.to_vec());
}

fn pop(queue: &Mutex<VecDeque<Vec<u8>>>) -> Option<Vec<u8>> {
    queue.lock().unwrap_or_else(PoisonError::into_inner).pop_front()
}

impl Communicator for Single {
    fn rank(&self) -> usize {
        0
    }
    fn size(&self) -> usize {
        1
    }
    fn ranks_on_node(&self) -> usize {
        1
    }
    fn send(&self, _to: usize, bytes: &[u8]) {
        push(&self.to_self, bytes);
    }
    fn recv(&self, _from: usize) -> Vec<u8> {
        pop(&self.to_self).expect("a rank alone receives only what it has sent")
    }
    fn barrier(&self) {}
    fn broadcast(&self, _root: usize, _bytes: &mut Vec<u8>) {}
    fn allgather(&self, bytes: &[u8]) -> Vec<Vec<u8>> {
        vec![bytes.to_vec()]
    }
    fn post(&self, note: &[u8]) {
        push(&self.notes, note);
    }
    fn poll(&self) -> Option<(usize, Vec<u8>)> {
        pop(&self.notes).map(|note| (0, note))
    }
    fn abort(&self, code: ExitCode) -> ! {
        std::process::exit(code.code())
    }
}
