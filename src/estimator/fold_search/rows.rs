//! The training rows of a fold, and what the fits on them share.

use std::any::{Any, TypeId};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use crate::comm::Single;
use crate::data::{Feed, Residency, Table, TableSource};
use crate::engine::pass::PassEngine;
use crate::error::{Error, Result};
use crate::telemetry::Telemetry;

type Kept = Arc<dyn Any + Send + Sync>;

/// Rows to fit on, with a place for what the fits on them have in common.
pub struct FoldRows {
    table: Arc<Table>,
    kept: Mutex<Vec<(TypeId, Kept)>>,
    n_asked: AtomicU64,
    n_made: AtomicU64,
}

impl FoldRows {
    /// All rows of `table`.
    pub fn new(table: Arc<Table>) -> Self {
        Self { table, kept: Mutex::default(), n_asked: AtomicU64::new(0), n_made: AtomicU64::new(0) }
    }

    /// The rows.
    pub fn table(&self) -> &Arc<Table> {
        &self.table
    }

    /// The `S` of these rows: made when it is first asked for.
    ///
    /// # Errors
    /// What `make` returns; it is asked again the next time.
    pub fn shared<S: Any + Send + Sync>(&self, make: impl FnOnce() -> Result<S>) -> Result<Arc<S>> {
        self.n_asked.fetch_add(1, Ordering::Relaxed);
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let id = TypeId::of::<S>();
        let found = kept.iter().find(|(known, _)| *known == id).map(|(_, value)| value.clone());
        let value = match found {
            Some(value) => value,
            None => {
                let value: Kept = Arc::new(make()?);
                self.n_made.fetch_add(1, Ordering::Relaxed);
                kept.push((id, value.clone()));
                value
            }
        };
        value.downcast::<S>().map_err(|_| Error::internal("a shared value of another type"))
    }

    /// How often shared values were asked for, and how many were made.
    pub(super) fn counts(&self) -> (u64, u64) {
        (self.n_asked.load(Ordering::Relaxed), self.n_made.load(Ordering::Relaxed))
    }

    /// What `work` does with a pass engine over these rows, on this rank alone.
    ///
    /// # Errors
    /// What `work` returns.
    pub fn with_engine<R>(&self, work: impl FnOnce(&mut PassEngine<'_, f64>) -> Result<R>) -> Result<R> {
        let (comm, telemetry) = (Single::new(), Telemetry::new());
        let source = Arc::new(TableSource::new(self.table.clone()));
        let feed = Feed::new(source, Residency::Memory, 0, 1);
        work(&mut PassEngine::new(&comm, feed, &telemetry))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::Array2;

    #[test]
    fn a_shared_value_is_made_once_for_each_type() {
        let table = Table {
            x: Array2::zeros((2, 1)),
            y: vec![0.0, 1.0],
            weights: Vec::new(),
            class_names: None,
            origin: "a test".into(),
        };
        let rows = FoldRows::new(Arc::new(table));
        assert!(rows.shared::<u32>(|| Err(Error::internal("not yet"))).is_err());
        assert_eq!(*rows.shared(|| Ok(7u32)).unwrap(), 7);
        assert_eq!(*rows.shared(|| Ok(8u32)).unwrap(), 7);
        assert_eq!(*rows.shared(|| Ok(9u64)).unwrap(), 9);
        assert_eq!(rows.counts(), (4, 2));
    }
}
