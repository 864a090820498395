//! Communication between ranks: one trait, three communicators.
//!
//! One rank is not a second code path: it is a communicator of size 1 ([`Single`]). Ranks as threads of one
//! process ([`run_threads`]) let tests run the real algorithms at any rank count; ranks as MPI processes are
//! the production case, which [`launch`] starts and ends. Errors are agreed upon with [`agree`], sums are formed
//! with [`OrderedReduction`].

mod agree;
#[cfg(feature = "mpi")]
mod closing;
#[cfg(feature = "mpi")]
mod framing;
mod fuse;
pub mod launch;
mod launcher;
#[cfg(feature = "mpi")]
mod mpi;
mod node;
mod ordered;
mod single;
#[cfg(feature = "mpi")]
mod stall;
mod threads;

pub use agree::agree;
pub use fuse::Fuse;
pub use node::{Fill, NodeRows};
pub use ordered::{OrderedReduction, Partial};
pub use single::Single;
pub use threads::{ThreadComm, run_threads};

use crate::error::{Error, ExitCode, Result};

/// N ranks that do the same things in the same order.
///
/// Every method but [`post`](Self::post), [`poll`](Self::poll) and the plain queries is a collective or one half
/// of a matched pair. Messages are bytes of any length; implementations split what their transport cannot carry
/// at once. Messages between one pair of ranks arrive in the order in which they were sent.
pub trait Communicator: Send + Sync {
    /// This rank, from 0.
    fn rank(&self) -> usize;

    /// The number of ranks.
    fn size(&self) -> usize;

    /// How many of the ranks share this rank's memory and cores.
    fn ranks_on_node(&self) -> usize;

    /// Sends `bytes` to rank `to`, which must call [`recv`](Self::recv). May return before they arrive.
    fn send(&self, to: usize, bytes: &[u8]);

    /// Waits for the next message that rank `from` sent here.
    fn recv(&self, from: usize) -> Vec<u8>;

    /// Waits until every rank has called it.
    ///
    /// # Collective
    /// No payload.
    fn barrier(&self);

    /// Replaces `bytes` on every rank by rank `root`'s.
    ///
    /// # Collective
    /// The length, then the bytes, from `root` to all.
    fn broadcast(&self, root: usize, bytes: &mut Vec<u8>);

    /// Every rank's bytes, in rank order, on every rank.
    ///
    /// # Collective
    /// The sum of all lengths arrives at each rank.
    fn allgather(&self, bytes: &[u8]) -> Vec<Vec<u8>>;

    /// Leaves a short note (below 1 KiB) for rank 0 without waiting. Rank 0 may post to itself.
    fn post(&self, note: &[u8]);

    /// On rank 0 the next note that has arrived, with its sender; `None` when there is none yet.
    fn poll(&self) -> Option<(usize, Vec<u8>)>;

    /// Rows of `width` numbers that each node keeps once: `fill` is asked for some rows on every rank of a node, and
    /// for each row on one of them; its numbers must not depend on the rank. None on all ranks of a node whose memory
    /// does not suffice.
    ///
    /// # Collective
    /// Of all ranks; no payload.
    fn fill_on_node(&self, n_rows: usize, width: usize, fill: &mut Fill<'_>) -> Option<NodeRows> {
        node::alone(n_rows, width, fill)
    }

    /// Bytes that this rank has given to other ranks or got from them so far: what goes to many ranks once, notes not.
    /// 0 for a rank alone.
    fn moved_bytes(&self) -> u64 {
        0
    }

    /// Ends the whole program at once, on every rank, with this exit code. Never returns.
    fn abort(&self, code: ExitCode) -> !;

    /// Ends the whole program with this message and exit code in a few seconds, unless the fuse is dropped before.
    ///
    /// For a rank that has failed and waits for others that may work on for long. Where ranks are no processes nothing
    /// is ended: the wait lasts until they come.
    fn light_fuse(&self, code: ExitCode, message: &str) -> Fuse {
        let _ = (code, message);
        Fuse::none()
    }

    /// Whether this rank is rank 0, the one that speaks and writes.
    fn is_root(&self) -> bool {
        self.rank() == 0
    }
}

/// The MPI library that the program was built with.
pub fn mpi_version() -> String {
    #[cfg(feature = "mpi")]
    return mpi::library();
    #[cfg(not(feature = "mpi"))]
    "none (built without MPI)".into()
}

/// Encodes a message. Floating-point numbers keep their bits.
pub(crate) fn encode<T: serde::Serialize + ?Sized>(value: &T) -> Result<Vec<u8>> {
    postcard::to_stdvec(value).map_err(|e| Error::internal(format!("a message could not be encoded: {e}")))
}

/// Decodes a message that [`encode`] made.
pub(crate) fn decode<T: serde::de::DeserializeOwned>(bytes: &[u8]) -> Result<T> {
    postcard::from_bytes(bytes).map_err(|e| Error::internal(format!("a message could not be decoded: {e}")))
}

/// Every rank's value, in rank order, on every rank.
///
/// # Collective
/// One allgather of the encoded values.
///
/// # Errors
/// An internal error when a value cannot be encoded or decoded.
pub fn allgather<T>(comm: &dyn Communicator, value: &T) -> Result<Vec<T>>
where
    T: serde::Serialize + serde::de::DeserializeOwned,
{
    comm.allgather(&encode(value)?).iter().map(|bytes| decode(bytes)).collect()
}

/// Every rank's bytes, in rank order, on rank 0; nothing elsewhere.
///
/// # Collective
/// The bytes of each rank once, to rank 0.
pub fn to_root(comm: &dyn Communicator, mine: Vec<u8>) -> Vec<Vec<u8>> {
    if !comm.is_root() {
        comm.send(0, &mine);
        return Vec::new();
    }
    let mut all = vec![mine];
    all.extend((1..comm.size()).map(|rank| comm.recv(rank)));
    all
}

/// Rank `root`'s value on every rank.
///
/// # Collective
/// One broadcast of the encoded value.
///
/// # Errors
/// An internal error when the value cannot be encoded or decoded.
pub fn broadcast<T>(comm: &dyn Communicator, root: usize, value: Option<T>) -> Result<T>
where
    T: serde::Serialize + serde::de::DeserializeOwned,
{
    let mut bytes = match &value {
        Some(value) if comm.rank() == root => encode(value)?,
        _ => Vec::new(),
    };
    comm.broadcast(root, &mut bytes);
    decode(&bytes)
}
