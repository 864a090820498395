//! The candidates of a search as a table.

use super::table::{columns, short};
use crate::estimator::{Array, Values};

/// Candidates shown at most.
const MOST: usize = 30;

/// The table of `cv_results_`, the best candidate first; `column` looks a column up by its name.
pub(super) fn table<'a>(column: &dyn Fn(&str) -> Option<&'a Array>, indent: &str) -> String {
    let numbers = |name: &str| column(name).and_then(Array::to_f64);
    let Some(Values::Text(params)) = column("params").map(|array| &array.values) else {
        return String::new();
    };
    let names = ["rank_test_score", "mean_test_score", "std_test_score", "mean_fit_time"];
    let present: Vec<(&str, Vec<f64>)> =
        names.into_iter().filter_map(|name| Some((name, numbers(name)?))).collect();
    let mut order: Vec<usize> = (0..params.len()).collect();
    if let Some((_, ranks)) = present.iter().find(|(name, _)| *name == "rank_test_score") {
        order.sort_by(|&a, &b| ranks[a].total_cmp(&ranks[b]));
    }
    let head = ["rank", "mean score", "std", "fit s"];
    let heads = present.iter().map(|(name, _)| {
        names.iter().position(|n| n == name).map_or_else(String::new, |at| head[at].to_owned())
    });
    let mut rows = vec![heads.chain(["params".to_owned()]).collect::<Vec<_>>()];
    for &candidate in order.iter().take(MOST) {
        let cells = present.iter().map(|(name, values)| match *name {
            "mean_fit_time" => format!("{:.3}", values[candidate]),
            _ => short(values[candidate]),
        });
        rows.push(cells.chain([params[candidate].clone()]).collect());
    }
    // Parameters read better from the left; pad them so that aligning to the right changes nothing.
    let width = rows.iter().filter_map(|row| row.last()).map(|cell| cell.chars().count()).max().unwrap_or(0);
    for row in &mut rows {
        if let Some(cell) = row.last_mut() {
            *cell = format!("{cell:<width$}");
        }
    }
    let mut text = columns(&rows, indent);
    if params.len() > MOST {
        text += &format!("{indent}… and {} more\n", params.len() - MOST);
    }
    text
}
