//! `rankfit info`: the program, its libraries and the machine it runs on.

use super::table;
use super::voice::Voice;
use crate::comm::{self, Communicator};
use crate::error::Result;
use crate::results::provenance::{COMMIT, COMPILER, Machine, hdf5_version};
use crate::results::schema;

/// Prints what a report of a fault should contain.
pub(super) fn run(comm: &dyn Communicator) -> Result<()> {
    let machines = Machine::all(comm)?;
    let mut lines = vec![
        line("version", format!("{} {}", schema::SOFTWARE, schema::SOFTWARE_VERSION)),
        line("commit", COMMIT.into()),
        line("compiler", COMPILER.into()),
        line("MPI", comm::mpi_version()),
        line("HDF5", hdf5_version()),
        line("results format", schema::FORMAT_VERSION.to_string()),
        line("ranks", comm.size().to_string()),
    ];
    let mut hosts: Vec<&str> = machines.iter().map(|machine| machine.host.as_str()).collect();
    hosts.dedup();
    for host in hosts {
        let ranks: Vec<usize> = (0..machines.len()).filter(|&rank| machines[rank].host == host).collect();
        let machine = &machines[ranks[0]];
        let memory = machine.available_bytes.map_or_else(|| "unknown memory".into(), table::bytes);
        lines.push(line(
            "host",
            format!(
                "{host}: {} rank{}, {} core{}, {memory} free, {}, {}",
                ranks.len(),
                if ranks.len() == 1 { "" } else { "s" },
                machine.cores,
                if machine.cores == 1 { "" } else { "s" },
                machine.isa,
                machine.cpu,
            ),
        ));
    }
    comm::agree(comm, Voice::new(comm).answer(&lines.concat()))
}

fn line(name: &str, value: String) -> String {
    format!("{name:<16}{value}\n")
}
