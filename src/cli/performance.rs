//! Where a run's time went and how near to the machine's limits it came, as the log's last lines.

use super::table::columns;
use crate::estimator::Array;
use crate::results::Named;
use crate::telemetry::Phase;

/// Share of the memory's bandwidth from which more ranks on the machine no longer help.
const NEAR_THE_LIMIT: f64 = 0.8;

/// A table of seconds, shares and speeds a phase from the datasets of `/timing`, and what to make of them.
///
/// Seconds are those of the mean rank and of the slowest; speeds are those of all ranks together.
pub(super) fn table(timing: &[Named]) -> String {
    let per_rank = |name: &str| -> Vec<f64> {
        let found = timing.iter().find(|(n, _)| n == name);
        found.and_then(|(_, array): &(String, Array)| array.to_f64()).unwrap_or_default()
    };
    let total = mean(&per_rank("total"));
    let mut rows = vec![["phase", "mean s", "most s", "share", "GB/s", "GFLOP/s"].map(String::from).to_vec()];
    let mut known = 0.0;
    for phase in Phase::ALL {
        let seconds = per_rank(phase.name());
        // Reading ahead goes on beside the other phases.
        known += if phase == Phase::Load && mean(&per_rank("wait")) > 0.0 { 0.0 } else { mean(&seconds) };
        let bytes = per_rank(&format!("{}_bytes", phase.name()));
        let flops = if phase == Phase::Compute { per_rank("compute_flops") } else { Vec::new() };
        rows.push(vec![
            phase.name().to_owned(),
            format!("{:.2}", mean(&seconds)),
            format!("{:.2}", most(&seconds)),
            format!("{:.0} %", percent(mean(&seconds), total)),
            speed(&bytes, &seconds),
            speed(&flops, &seconds),
        ]);
    }
    let rest = (total - known).max(0.0);
    rows.push(vec![
        "other".into(),
        format!("{rest:.2}"),
        String::new(),
        format!("{:.0} %", percent(rest, total)),
    ]);
    rows.push(vec!["total".into(), format!("{total:.2}"), format!("{:.2}", most(&per_rank("total")))]);
    columns(&rows, "")
        + &memory(&per_rank("memory_bytes"), &per_rank("compute"), &per_rank("memory_bandwidth"))
}

/// How near to the memory's limit the passes came, where that was measured.
fn memory(bytes: &[f64], seconds: &[f64], bandwidth: &[f64]) -> String {
    let limit: f64 = bandwidth.iter().sum();
    let reached: f64 =
        bytes.iter().zip(seconds).filter(|(_, seconds)| **seconds > 0.0).map(|(b, s)| b / s).sum();
    if limit == 0.0 || reached == 0.0 {
        return String::new();
    }
    let advice = if reached > NEAR_THE_LIMIT * limit {
        "the limit: more ranks on these machines will not help"
    } else {
        "bound by arithmetic: more ranks help"
    };
    format!(
        "memory   {:.1} GB/s of the {:.1} GB/s that {} of these ranks can read: {:.0} %, {advice}\n",
        reached * 1e-9,
        limit * 1e-9,
        bandwidth.len(),
        percent(reached, limit)
    )
}

/// Billions a second by all ranks together; nothing where nothing was counted.
fn speed(amounts: &[f64], seconds: &[f64]) -> String {
    let total: f64 = amounts.iter().sum();
    let each = amounts.iter().zip(seconds).filter(|(_, s)| **s > 0.0).map(|(amount, s)| amount / s);
    if total == 0.0 { String::new() } else { format!("{:.2}", each.sum::<f64>() * 1e-9) }
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len().max(1) as f64
}

fn most(values: &[f64]) -> f64 {
    values.iter().copied().fold(0.0, f64::max)
}

fn percent(part: f64, whole: f64) -> f64 {
    if whole > 0.0 { 100.0 * part / whole } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::estimator::Values;

    fn named(name: &str, values: &[f64]) -> Named {
        (name.to_owned(), Array::vector(Values::F64(values.to_vec())))
    }

    #[test]
    fn speeds_are_those_of_all_ranks_and_seconds_those_of_one() {
        let timing = [
            named("load", &[1.0, 1.0]),
            named("compute", &[2.0, 4.0]),
            named("compute_bytes", &[8e9, 8e9]),
            named("compute_flops", &[2e9, 4e9]),
            named("memory_bytes", &[8e9, 8e9]),
            named("memory_bandwidth", &[3e9, 3e9]),
            named("total", &[5.0, 5.0]),
        ];
        let text = table(&timing);
        let row = |name: &str| -> Vec<String> {
            let line = text.lines().find(|line| line.starts_with(name)).unwrap();
            line.split_whitespace().map(str::to_owned).collect()
        };
        assert_eq!(row("compute"), ["compute", "3.00", "4.00", "60", "%", "6.00", "2.00"]);
        assert_eq!(row("load"), ["load", "1.00", "1.00", "20", "%"]);
        assert_eq!(row("other"), ["other", "1.00", "20", "%"]);
        assert!(text.ends_with("6.0 GB/s of the 6.0 GB/s that 2 of these ranks can read: 100 %, the limit: more ranks on these machines will not help\n"), "{text}");
    }

    #[test]
    fn nothing_is_said_of_a_limit_that_was_not_measured() {
        let text = table(&[named("total", &[0.1])]);
        assert!(!text.contains("memory"), "{text}");
    }
}
