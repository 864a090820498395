//! HDF5 files for programs under test.

use std::path::Path;

/// Puts a copy in the place of an HDF5 file that has just been closed: programs that other tests start meanwhile inherit
/// its lock, and a copy has none.
pub(crate) fn unlock(path: &Path) {
    let bytes = std::fs::read(path).unwrap();
    std::fs::remove_file(path).unwrap();
    std::fs::write(path, bytes).unwrap();
}
