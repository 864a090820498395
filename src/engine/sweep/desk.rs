//! Rank 0's desk: finished fits arrive here from all ranks, for progress and for the journal.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::task::{FitId, Record, Watch};
use crate::comm::{self, Communicator};
use crate::engine::keeper::{Keeper, keep};
use crate::error::{Error, Result};

/// What a rank tells rank 0 without waiting.
#[derive(Serialize, Deserialize)]
pub(super) enum Note {
    /// A fit is finished.
    Fit(Record),
    /// The rank has nothing left to do, and whether that is because it was asked to stop or because it failed.
    Through { stopped: bool, failed: bool },
}

/// The bound that the communicator sets to a note.
const NOTE_BYTES: usize = 1023;

/// Leaves `note` for rank 0.
pub(super) fn post(comm: &dyn Communicator, note: &Note) -> Result<()> {
    let bytes = comm::encode(note)?;
    if bytes.len() > NOTE_BYTES {
        return Err(Error::internal(format!("an outcome of {} bytes does not fit in a note", bytes.len())));
    }
    comm.post(&bytes);
    Ok(())
}

/// Everything rank 0 knows of the sweep so far.
pub(super) struct Desk<'a> {
    /// What the journal has: fits of an earlier run that are done again stay until they are.
    records: BTreeMap<FitId, Record>,
    /// Fits that are done, and will not be done again.
    seen: BTreeSet<FitId>,
    total: usize,
    keeper: Option<&'a dyn Keeper>,
    watch: &'a mut dyn Watch,
    n_through: usize,
    stopped: bool,
    failed: bool,
}

impl<'a> Desk<'a> {
    /// A desk that knows the fits of an earlier run, of which this one does those that are `planned` again.
    pub(super) fn new(
        known: &[Record],
        planned: &BTreeSet<FitId>,
        total: usize,
        keeper: Option<&'a dyn Keeper>,
        watch: &'a mut dyn Watch,
    ) -> Self {
        let records: BTreeMap<FitId, Record> =
            known.iter().map(|record| (record.outcome.id, record.clone())).collect();
        let seen: BTreeSet<FitId> = records.keys().filter(|id| !planned.contains(id)).copied().collect();
        watch.on_start(seen.len(), total);
        Self { records, seen, total, keeper, watch, n_through: 0, stopped: false, failed: false }
    }

    /// Takes a finished fit, from this rank or another.
    pub(super) fn take(&mut self, record: Record) {
        if self.seen.insert(record.outcome.id) {
            self.watch.on_fit(&record.outcome, self.seen.len(), self.total);
            self.records.insert(record.outcome.id, record);
        }
    }

    /// Takes every note that has arrived, and keeps the journal if it is time to.
    pub(super) fn clear(&mut self, comm: &dyn Communicator) -> Result<()> {
        let mut urgent = false;
        while let Some((_, note)) = comm.poll() {
            match comm::decode(&note)? {
                Note::Fit(record) => self.take(record),
                Note::Through { stopped, failed } => {
                    self.n_through += 1;
                    self.stopped |= stopped;
                    // The job may end before all are through.
                    urgent |= failed && !self.failed && !self.records.is_empty();
                    self.failed |= failed;
                }
            }
        }
        self.keep(urgent)
    }

    /// Whether a rank has failed.
    pub(super) fn has_failed(&self) -> bool {
        self.failed
    }

    /// Waits until every rank is through, so that no note is left behind; keeps the journal when one of them
    /// was asked to stop, or failed and there is work to keep.
    ///
    /// A rank's last note follows all its others, because messages between two ranks keep their order.
    pub(super) fn close(&mut self, comm: &dyn Communicator) -> Result<()> {
        let mut journal = Ok(());
        let mut pause = Duration::from_micros(20);
        loop {
            // A journal that cannot be written must not leave notes behind.
            journal = journal.and(self.clear(comm));
            if self.n_through == comm.size() {
                break;
            }
            std::thread::sleep(pause);
            pause = (pause * 2).min(Duration::from_millis(5));
        }
        journal?;
        self.keep(self.stopped || (self.failed && !self.records.is_empty()))
    }

    fn keep(&self, urgent: bool) -> Result<()> {
        self.keeper.map_or(Ok(()), |keeper| {
            keep(keeper, urgent, || comm::encode(&self.records.values().collect::<Vec<_>>()))
        })
    }
}
