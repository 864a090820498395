//! Where results come from: program, machine, launch and time.

use std::time::{SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};

use super::named::Named;
use super::schema;
use crate::comm::{self, Communicator};
use crate::error::Result;
use crate::estimator::{Array, Values};
use crate::kernel::Isa;

/// Commit the program was built from, or `unknown`.
pub const COMMIT: &str = env!("RANKFIT_COMMIT");
/// Compiler it was built with.
pub const COMPILER: &str = env!("RANKFIT_COMPILER");

/// What one rank tells of the machine it runs on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Machine {
    /// The node's name.
    pub host: String,
    /// The processor's name.
    pub cpu: String,
    /// The widest instruction set that the kernels can use there.
    pub isa: String,
    /// Cores that this process may run on.
    pub cores: usize,
    /// Memory of the node that is free for this job, if known.
    pub available_bytes: Option<u64>,
    /// Ranks on the same node.
    pub ranks_on_node: usize,
}

impl Machine {
    /// This rank's machine.
    pub fn here(comm: &dyn Communicator) -> Self {
        Self {
            host: first_line("/proc/sys/kernel/hostname").unwrap_or_else(|| "unknown".into()),
            cpu: cpu_model().unwrap_or_else(|| "unknown".into()),
            isa: Isa::best().name().into(),
            cores: std::thread::available_parallelism().map_or(1, usize::from),
            available_bytes: available_bytes(),
            ranks_on_node: comm.ranks_on_node(),
        }
    }

    /// Every rank's machine, in rank order.
    ///
    /// # Collective
    /// One allgather of about 100 bytes a rank.
    ///
    /// # Errors
    /// An internal error.
    pub fn all(comm: &dyn Communicator) -> Result<Vec<Self>> {
        comm::allgather(comm, &Self::here(comm))
    }
}

/// Version of the HDF5 library in use.
pub fn hdf5_version() -> String {
    let (major, minor, patch) = hdf5::library_version();
    format!("{major}.{minor}.{patch}")
}

/// Memory that is free on this node, within the limits of its control group and its Slurm job, if known.
pub fn available_bytes() -> Option<u64> {
    let system = meminfo("MemAvailable:")?;
    let group = match (number("/sys/fs/cgroup/memory.max"), number("/sys/fs/cgroup/memory.current")) {
        (Some(most), Some(used)) => most.saturating_sub(used),
        _ => u64::MAX,
    };
    let slurm = std::env::var("SLURM_MEM_PER_NODE").ok().and_then(|text| text.parse::<u64>().ok());
    let slurm = slurm.filter(|&mebibytes| mebibytes > 0).map_or(u64::MAX, |mebibytes| mebibytes << 20);
    Some(system.min(group).min(slurm))
}

/// Now, as ISO 8601 in UTC to the second.
pub fn now() -> String {
    let seconds = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |d| d.as_secs());
    iso_8601(seconds)
}

/// Seconds since 1970 as a date (Hinnant 2013, "chrono-compatible low-level date algorithms", `civil_from_days`).
fn iso_8601(seconds: u64) -> String {
    let (days, time) = (seconds / 86_400 + 719_468, seconds % 86_400);
    let (era, day_of_era) = (days / 146_097, days % 146_097);
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted + 2) / 5 + 1;
    let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
    let year = era * 400 + year_of_era + u64::from(month <= 2);
    let (hour, minute, second) = (time / 3600, time / 60 % 60, time % 60);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z")
}

/// The command line, quoted so that a shell reads it back.
pub fn command_line() -> String {
    let quote = |argument: String| {
        let plain = |c: char| c.is_alphanumeric() || "_-./=:,+@%".contains(c);
        if !argument.is_empty() && argument.chars().all(plain) {
            argument
        } else {
            format!("'{}'", argument.replace('\'', "'\\''"))
        }
    };
    let arguments: Vec<String> =
        std::env::args_os().map(|a| quote(a.to_string_lossy().into_owned())).collect();
    arguments.join(" ")
}

/// What this run adds to what every run says.
#[derive(Clone, Debug)]
pub struct Run<'a> {
    /// The resolved job as TOML.
    pub job: &'a str,
    /// Its seed.
    pub seed: u64,
    /// When it began, by [`now`].
    pub start: &'a str,
    /// What the data are.
    pub data: &'a str,
    /// The job's fingerprint.
    pub fingerprint: &'a str,
    /// The MPI library, or what stands in for it.
    pub mpi_version: &'a str,
}

/// The datasets of `/provenance`.
pub fn provenance(run: &Run<'_>, machines: &[Machine]) -> Vec<Named> {
    let text = |value: &str| Array::new([], Values::Text(vec![value.to_owned()]));
    let distinct = |of: fn(&Machine) -> &str| {
        let mut names: Vec<&str> = machines.iter().map(of).collect();
        names.sort_unstable();
        names.dedup();
        names.join("; ")
    };
    let hosts = machines.iter().map(|machine| machine.host.clone()).collect();
    let slurm = ["SLURM_JOB_ID", "SLURM_JOBID"].iter().find_map(|name| std::env::var(name).ok());
    vec![
        ("job".into(), text(run.job)),
        ("command_line".into(), text(&command_line())),
        ("software_version".into(), text(schema::SOFTWARE_VERSION)),
        ("commit".into(), text(COMMIT)),
        ("compiler".into(), text(COMPILER)),
        ("mpi_version".into(), text(run.mpi_version)),
        ("hdf5_version".into(), text(&hdf5_version())),
        ("cpu".into(), text(&distinct(|m| &m.cpu))),
        ("isa".into(), text(&distinct(|m| &m.isa))),
        ("hosts".into(), Array::vector(Values::Text(hosts))),
        ("n_ranks".into(), Array::integer(machines.len() as i64)),
        ("slurm_job_id".into(), text(&slurm.unwrap_or_default())),
        ("seed".into(), Array::integer(run.seed as i64)),
        ("start".into(), text(run.start)),
        ("end".into(), text(&now())),
        ("data".into(), text(run.data)),
        ("fingerprint".into(), text(run.fingerprint)),
    ]
}

fn cpu_model() -> Option<String> {
    model_in(&std::fs::read_to_string("/proc/cpuinfo").ok()?)
}

/// The processor's name in the kernel's account of it. ARM processors have numbers there, not names.
fn model_in(cpuinfo: &str) -> Option<String> {
    let value = |key| {
        let line = cpuinfo.lines().find(|line| line.starts_with(key))?;
        Some(line.split_once(':')?.1.trim())
    };
    if let Some(name) = value("model name") {
        return Some(name.to_owned());
    }
    Some(format!("CPU implementer {} part {}", value("CPU implementer")?, value("CPU part")?))
}

fn meminfo(key: &str) -> Option<u64> {
    let text = std::fs::read_to_string("/proc/meminfo").ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix(key))?;
    Some(line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok()? << 10)
}

fn number(path: &str) -> Option<u64> {
    first_line(path)?.parse().ok()
}

fn first_line(path: &str) -> Option<String> {
    Some(std::fs::read_to_string(path).ok()?.lines().next()?.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn processors_are_told_by_name_or_on_arm_by_number() {
        let x86 = "processor\t: 0\nmodel name\t: Some CPU @ 2 GHz\nflags\t\t: fma\n";
        assert_eq!(model_in(x86).as_deref(), Some("Some CPU @ 2 GHz"));
        let arm = "processor\t: 0\nCPU implementer\t: 0x41\nCPU architecture: 8\nCPU part\t: 0xd0c\n";
        assert_eq!(model_in(arm).as_deref(), Some("CPU implementer 0x41 part 0xd0c"));
        assert_eq!(model_in("processor\t: 0\n"), None);
    }

    #[test]
    fn dates_agree_with_the_calendar() {
        // From `date -u -d @SECONDS +%FT%TZ`.
        for (seconds, date) in [
            (0, "1970-01-01T00:00:00Z"),
            (951_782_399, "2000-02-28T23:59:59Z"),
            (951_782_400, "2000-02-29T00:00:00Z"),
            (1_735_689_599, "2024-12-31T23:59:59Z"),
            (4_107_542_400, "2100-03-01T00:00:00Z"),
        ] {
            assert_eq!(iso_8601(seconds), date);
        }
    }
}
