//! The candidates of a search, or the folds of one, as a table.

use super::table::{columns, short};
use crate::report::SearchTable;

/// Candidates or folds shown at most.
const MOST: usize = 30;

/// The table of `search`, the best candidate first, below a line that says what it holds.
pub(super) fn table(search: &SearchTable<'_>, indent: &str) -> String {
    let Some(shown) = search.shown(&short, MOST) else { return String::new() };
    let mut rows = vec![shown.heads];
    rows.extend(shown.rows);
    if rows[0].last().is_some_and(|head| head == "params") {
        // Parameters read better from the left; pad them so that aligning to the right changes nothing.
        let width =
            rows.iter().filter_map(|row| row.last()).map(|cell| cell.chars().count()).max().unwrap_or(0);
        for cell in rows.iter_mut().filter_map(|row| row.last_mut()) {
            *cell = format!("{cell:<width$}");
        }
    }
    let mut text =
        if shown.caption.is_empty() { String::new() } else { format!("{indent}{}\n", shown.caption) };
    text += &columns(&rows, indent);
    if shown.n_left_out > 0 {
        text += &format!("{indent}… and {} more\n", shown.n_left_out);
    }
    text
}
