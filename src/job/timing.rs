//! The datasets of `/timing`.

use crate::comm::{self, Communicator};
use crate::engine::sweep::SweepReport;
use crate::error::Result;
use crate::estimator::{Array, Values};
use crate::kernel::read_bandwidth;
use crate::results::Named;
use crate::telemetry::{Phase, Telemetry};

/// Every rank's seconds and bytes, and how unevenly the work was spread.
///
/// # Collective
/// Allgathers of about 120 bytes a rank. Reads 64 MiB a few times where passes over memory took a while.
///
/// # Errors
/// An internal error.
pub(super) fn gather(
    comm: &dyn Communicator,
    telemetry: &Telemetry,
    report: Option<&SweepReport>,
    total: f64,
) -> Result<Vec<Named>> {
    let mine: (Vec<f64>, Vec<u64>, f64) = (
        Phase::ALL.iter().map(|&phase| telemetry.seconds(phase)).collect(),
        Phase::ALL.iter().map(|&phase| telemetry.bytes(phase)).collect(),
        total,
    );
    let all = comm::allgather(comm, &mine)?;
    let numbers = |values: Vec<f64>| Array::vector(Values::F64(values));
    let mut arrays = Vec::new();
    for (i, phase) in Phase::ALL.iter().enumerate() {
        arrays
            .push((phase.name().to_owned(), numbers(all.iter().map(|(seconds, _, _)| seconds[i]).collect())));
    }
    for (i, phase) in Phase::ALL.iter().enumerate() {
        let bytes = all.iter().map(|(_, bytes, _)| bytes[i] as i64).collect();
        arrays.push((format!("{}_bytes", phase.name()), Array::vector(Values::I64(bytes))));
    }
    arrays.extend(speeds(comm, telemetry)?);
    arrays.push(("total".into(), numbers(all.iter().map(|(_, _, total)| *total).collect())));
    let busy: Vec<f64> = match report {
        Some(report) => report.ranks.iter().map(|rank| rank.busy_s).collect(),
        None => all.iter().map(|(seconds, _, _)| seconds[Phase::Compute as usize]).collect(),
    };
    arrays.push(("imbalance".into(), Array::scalar(imbalance(&busy))));
    arrays.push(("busy".into(), numbers(busy)));
    if let Some(report) = report {
        arrays.extend(chains(report));
        // Counts of the work that fits shared, for example `shared_fits`: how much was asked for and how much was done.
        arrays.extend(report.shared.iter().map(|work| {
            let counts = [work.asked, work.done].map(|count| count as i64).to_vec();
            (format!("shared_{}", work.what.replace(' ', "_")), Array::vector(Values::I64(counts)))
        }));
    }
    Ok(arrays)
}

/// Seconds of passes over memory below which their speed says nothing.
const LEAST_SECONDS: f64 = 0.5;

/// Each rank's floating-point operations and bytes of memory read by passes, and, where those took a while, the bytes a second
/// that memory gives when all ranks read at once.
fn speeds(comm: &dyn Communicator, telemetry: &Telemetry) -> Result<Vec<Named>> {
    let mine = (telemetry.flops(), telemetry.memory_bytes(), telemetry.seconds(Phase::Compute));
    let all: Vec<(u64, u64, f64)> = comm::allgather(comm, &mine)?;
    let integers = |values: Vec<i64>| Array::vector(Values::I64(values));
    let mut arrays = vec![
        ("compute_flops".to_owned(), integers(all.iter().map(|(flops, _, _)| *flops as i64).collect())),
        ("memory_bytes".to_owned(), integers(all.iter().map(|(_, bytes, _)| *bytes as i64).collect())),
    ];
    let reads = |(_, bytes, seconds): &(u64, u64, f64)| *bytes > 0 && *seconds >= LEAST_SECONDS;
    if all.iter().any(reads) {
        // The allgather above lets all ranks begin at about the same time.
        let speeds = comm::allgather(comm, &read_bandwidth())?;
        arrays.push(("memory_bandwidth".to_owned(), Array::vector(Values::F64(speeds))));
    }
    Ok(arrays)
}

/// The longest over the mean; 1 where nobody did anything.
fn imbalance(busy: &[f64]) -> f64 {
    let mean = busy.iter().sum::<f64>() / busy.len().max(1) as f64;
    if mean > 0.0 { busy.iter().copied().fold(0.0, f64::max) / mean } else { 1.0 }
}

/// Predicted and real seconds of each chain of a search, and its rank.
fn chains(report: &SweepReport) -> Vec<Named> {
    let integers = |values: Vec<i64>| Array::vector(Values::I64(values));
    let numbers = |values: Vec<f64>| Array::vector(Values::F64(values));
    let chains = &report.chains;
    vec![
        ("lower_bound".into(), Array::scalar(report.lower_bound_s())),
        ("n_resumed_fits".into(), Array::integer(report.n_resumed as i64)),
        ("chain".into(), integers(chains.iter().map(|chain| chain.chain as i64).collect())),
        ("chain_rank".into(), integers(chains.iter().map(|chain| chain.rank as i64).collect())),
        ("chain_fits".into(), integers(chains.iter().map(|chain| chain.n_fits as i64).collect())),
        ("chain_parts".into(), integers(chains.iter().map(|chain| chain.most_parts as i64).collect())),
        ("chain_predicted".into(), numbers(chains.iter().map(|chain| chain.predicted_s).collect())),
        ("chain_seconds".into(), numbers(chains.iter().map(|chain| chain.elapsed_s).collect())),
    ]
}
