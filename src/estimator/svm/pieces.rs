//! Sums over support vectors for many rows, some rows at a time.

use crate::error::Result;
use crate::telemetry::check_interrupt;

/// Rows between two looks whether the sums are still wanted: those that the loops take together anyway.
const ROWS: usize = 64;

/// Has `sums` fill `out`, `n_sums` numbers a row, for all rows of `x`, `n_features` numbers each: some rows at a time, which
/// changes no sum.
///
/// # Errors
/// That of an [interruption](check_interrupt).
pub(super) fn in_pieces(
    x: &[f64],
    n_features: usize,
    out: &mut [f64],
    n_sums: usize,
    mut sums: impl FnMut(&[f64], &mut [f64]),
) -> Result<()> {
    let pieces = x.chunks(ROWS * n_features.max(1)).zip(out.chunks_mut(ROWS * n_sums.max(1)));
    for (x, out) in pieces {
        check_interrupt()?;
        sums(x, out);
    }
    Ok(())
}
