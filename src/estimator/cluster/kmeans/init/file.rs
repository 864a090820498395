//! Centres from a CSV file.

use std::path::Path;

use crate::comm::{self, Communicator, agree};
use crate::data::centers;
use crate::error::{Error, Place, Result};
use crate::kernel::Real;

/// The numbers of a file of one centre a line, `(n_centers, n_features)`, read on rank 0 as a generator's `centers` are.
///
/// # Collective
/// One agreement, one broadcast of the numbers.
///
/// # Errors
/// What the reader returns; [`Error::Data`] for lines of other than `n_features` numbers, or a number that is too large
/// for the rows' precision `T`.
pub(super) fn read<T: Real>(comm: &dyn Communicator, path: &Path, n_features: usize) -> Result<Vec<f64>> {
    let numbers = if comm.is_root() { checked::<T>(path, n_features) } else { Ok(Vec::new()) };
    comm::broadcast(comm, 0, Some(agree(comm, numbers)?))
}

fn checked<T: Real>(path: &Path, n_features: usize) -> Result<Vec<f64>> {
    let file = centers::read(path)?;
    if file.n_features != n_features {
        let expected = format!("centers of {n_features} features, as the data have");
        let found = file.n_features.to_string();
        return Err(Error::data(path.display(), Place::default(), expected, found));
    }
    file.check_range::<T>(path)?;
    Ok(file.values)
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;
    use crate::comm::Single;

    fn read_bytes(bytes: &[u8]) -> Result<Vec<f64>> {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(bytes).unwrap();
        read::<f32>(&Single::new(), file.path(), 2)
    }

    #[test]
    fn rows_are_read_in_order() {
        assert_eq!(read_bytes(b"1, 2.5\n\n-3e2,4\r\n").unwrap(), [1.0, 2.5, -300.0, 4.0]);
        // As a generator's.
        assert_eq!(read_bytes(b"\xef\xbb\xbf# by hand\na,b\n1,2.5\n").unwrap(), [1.0, 2.5]);
    }

    #[test]
    fn faults_are_located() {
        let message = |bytes: &[u8]| {
            let error = read_bytes(bytes).unwrap_err();
            assert_eq!(error.exit_code().code(), 65, "{error}");
            error.to_string()
        };
        assert!(message(b"1,2\n3,x\n").contains("line 2, column 1"));
        assert!(message(b"1,2\n3,nan\n").contains("line 2, column 1"));
        assert!(message(b"1,2\n3\n").contains("line 2"));
        assert!(
            message(b"1,2\n1e39,3\n").contains("line 2, column 0: expected a finite number, found 1e39, too")
        );
        assert!(message(b"1\n2\n3\n4\n").contains("centers of 2 features, as the data have, found 1"));
        assert!(message(b"\x89HDF\r\n\x1a\n").contains("expected text in UTF-8, found other bytes"));
        let missing = read::<f64>(&Single::new(), Path::new("/nonexistent.csv"), 2).unwrap_err();
        assert_eq!(missing.exit_code().code(), 66);
    }
}
