//! Exercises the ranks of an MPI launch; `tests/mpi_comm.rs` starts it under `mpirun` and judges what it says.
//!
//! `mpirun -n 3 comm_probe WHAT`, where WHAT is `messages`, `large`, `notes`, `reduce`, `node`, `progress`, `signal`, `deaf` or a way to fail.

mod sums;

use std::process::ExitCode;
use std::time::{Duration, Instant};

use rankfit::comm::launch::Launch;
use rankfit::comm::{Communicator, agree};
use rankfit::error::{Error, Place};
use rankfit::telemetry::{Talk, Telemetry};

fn main() -> ExitCode {
    let what = std::env::args().nth(1).unwrap_or_default();
    let mut launch = Launch::default();
    if let Some(bytes) = std::env::args().nth(2).and_then(|text| text.parse().ok()) {
        launch = launch.piece_bytes(bytes);
    }
    launch.run(|comm| match what.as_str() {
        "messages" => messages(comm),
        "notes" => notes(comm),
        "reduce" => reduce(comm),
        "node" => node(comm),
        "large" => large(comm),
        "progress" => progress(comm),
        "signal" => until_stopped(comm),
        "deaf" => deaf(comm),
        fault => fail(comm, fault),
    })
}

/// The bytes that `rank` sends as message number `n`.
fn payload(rank: usize, n: usize, len: usize) -> Vec<u8> {
    (0..len).map(|i| (i * 31 + rank * 7 + n * 13 + i / 251) as u8).collect()
}

fn messages(comm: &dyn Communicator) -> rankfit::Result<()> {
    let (rank, size) = (comm.rank(), comm.size());
    assert_eq!(comm.ranks_on_node(), size, "all ranks of this test share a machine");
    for (n, len) in [0, 1, 7, 48, 49, 56, 57, 63, 64, 4087, 4088, 4089, 100_003].into_iter().enumerate() {
        comm.barrier();
        for root in 0..size {
            let mut bytes = if rank == root { payload(root, n, len) } else { vec![1, 2, 3] };
            comm.broadcast(root, &mut bytes);
            assert_eq!(bytes, payload(root, n, len), "broadcast of {len} from {root}");
        }
        // Lengths differ from rank to rank; some are 0.
        let of = |rank: usize| if rank % 3 == 1 { 0 } else { len * (rank + 1) };
        let all = comm.allgather(&payload(rank, n, of(rank)));
        assert_eq!(all.len(), size);
        for (from, bytes) in all.iter().enumerate() {
            assert_eq!(*bytes, payload(from, n, of(from)), "allgather of {len} from {from}");
        }
        for from in 0..size {
            for to in 0..size {
                // Two in a row, to see that they keep their order.
                if rank == from {
                    comm.send(to, &payload(to, n, len));
                    comm.send(to, &payload(to, n + 1, len / 2));
                }
                if rank == to {
                    assert_eq!(comm.recv(from), payload(to, n, len), "{len} bytes from {from} to {to}");
                    assert_eq!(comm.recv(from), payload(to, n + 1, len / 2));
                }
            }
        }
    }
    say(comm, "messages as expected");
    Ok(())
}

/// Messages longer than MPI can count, and what the usual short ones cost. Needs 5 GB a rank.
fn large(comm: &dyn Communicator) -> rankfit::Result<()> {
    let len = (1usize << 31) + 5;
    let is_whole = |bytes: &[u8]| {
        bytes.len() == len && bytes.iter().step_by(4093).all(|&b| b == 7) && bytes[len - 1] == 7
    };
    let last = comm.size() - 1;
    let mut bytes = if comm.is_root() { vec![7; len] } else { Vec::new() };
    let start = Instant::now();
    comm.broadcast(0, &mut bytes);
    say(comm, &format!("broadcast: {:.2} s", start.elapsed().as_secs_f64()));
    assert!(is_whole(&bytes));
    if comm.rank() == last && last > 0 {
        comm.send(0, &bytes);
    }
    if comm.is_root() && last > 0 {
        drop(std::mem::take(&mut bytes));
        let start = Instant::now();
        assert!(is_whole(&comm.recv(last)));
        say(comm, &format!("message: {:.2} s", start.elapsed().as_secs_f64()));
    }
    comm.barrier();
    let start = Instant::now();
    for _ in 0..1000 {
        agree(comm, Ok(()))?;
    }
    say(comm, &format!("agreement: {:.1} us", start.elapsed().as_secs_f64() * 1e3));
    Ok(())
}

/// Every rank posts thousands of notes while rank 0 does something else first.
fn notes(comm: &dyn Communicator) -> rankfit::Result<()> {
    const EACH: usize = 5000;
    for n in 0..EACH {
        comm.post(&payload(comm.rank(), n, n % 1024));
    }
    comm.barrier();
    if comm.is_root() {
        let mut next = vec![0; comm.size()];
        while next.iter().any(|&n| n < EACH) {
            let Some((from, note)) = comm.poll() else { continue };
            assert_eq!(note, payload(from, next[from], next[from] % 1024), "note of {from}");
            next[from] += 1;
        }
    }
    assert_eq!(comm.poll(), None);
    comm.barrier();
    // Left for the end of the job to take.
    for n in 0..100 {
        comm.post(&payload(comm.rank(), n, 512));
    }
    say(comm, "notes as expected");
    Ok(())
}

/// Prints the bits of sums that depend on the order of addition.
fn reduce(comm: &dyn Communicator) -> rankfit::Result<()> {
    sums::digests(comm)?.iter().for_each(|line| say(comm, line));
    Ok(())
}

/// What row `row` of the `n`-th table that a node shares begins with.
fn number(n: usize, row: usize) -> f64 {
    (n * 1000 + row) as f64 + 0.5
}

/// Shares tables of several lengths; some ranks let go of each sooner than others.
fn node(comm: &dyn Communicator) -> rankfit::Result<()> {
    const WIDTH: usize = 37;
    let mut held = Vec::new();
    for (n, n_rows) in [1, 2, 5, 1000, 33, 4000].into_iter().enumerate() {
        let mut filled = 0;
        let rows = comm.fill_on_node(n_rows, WIDTH, &mut |rows, out| {
            filled += rows.len() as u64;
            out.chunks_exact_mut(WIDTH).zip(rows).for_each(|(out, row)| out.fill(number(n, row)));
        });
        let rows = rows.expect("shared memory");
        assert_eq!(rows.n_sharers(), comm.size());
        assert_eq!(rankfit::comm::allgather(comm, &filled)?.iter().sum::<u64>(), n_rows as u64);
        held.push((n, rows));
        for (n, rows) in &held {
            let as_filled = |(i, &v): (usize, &f64)| v == number(*n, i / WIDTH);
            assert!(rows.numbers().iter().enumerate().all(as_filled), "table {n}");
        }
        if n % 2 == comm.rank() % 2 {
            held.remove(0);
        }
    }
    say(comm, "shared as expected");
    Ok(())
}

/// The last rank fails in the way `fault` says, while the others wait for it.
fn fail(comm: &dyn Communicator, fault: &str) -> rankfit::Result<()> {
    let last = comm.rank() + 1 == comm.size();
    let error = || Error::data("x.csv", Place::row(7), "a number", "NaN");
    // However a job ends, nobody waits for the others to give back what the node shares.
    let _shared = comm.fill_on_node(100, 10, &mut |_, out| out.fill(1.0));
    comm.barrier();
    say(comm, "here");
    match fault {
        "panic" if last => panic!("one rank alone"),
        "panic-in-thread" if last => std::thread::scope(|scope| {
            scope.spawn(|| panic!("one thread alone"));
        }),
        "panic-all" => panic!("every rank"),
        "error-alone" if last => return Err(error()),
        "error-root" if comm.is_root() => return Err(error()),
        "error-agreed" => return agree(comm, if last { Err(error()) } else { Ok(()) }),
        "error-at-the-end" => return if last { Err(error()) } else { Ok(()) },
        "kill" if last => signal_hook::low_level::raise(libc::SIGKILL).expect("a signal can be raised"),
        "stop" if last => signal_hook::low_level::raise(libc::SIGSTOP).expect("a signal can be raised"),
        "slow" if comm.is_root() => std::thread::sleep(Duration::from_secs(3)),
        _ => {}
    }
    if fault != "slow" {
        comm.allgather(b"the others wait here");
    }
    say(comm, "came to the end");
    Ok(())
}

/// Iterates until a signal asks for a stop, as the engines do.
fn until_stopped(comm: &dyn Communicator) -> rankfit::Result<()> {
    rankfit::telemetry::install_signal_handlers()?;
    comm.barrier();
    say(comm, "ready");
    let start = Instant::now();
    while start.elapsed() < Duration::from_secs(60) {
        std::thread::sleep(Duration::from_millis(10));
        let asked = rankfit::comm::allgather(comm, &rankfit::telemetry::stop_requested())?;
        if let Some(signal) = asked.into_iter().flatten().next() {
            return Err(Error::Stopped { signal: signal.to_string(), checkpoint: "state".into() });
        }
    }
    Ok(())
}

/// Hears of signals and goes on.
fn deaf(comm: &dyn Communicator) -> rankfit::Result<()> {
    rankfit::telemetry::install_signal_handlers()?;
    comm.barrier();
    say(comm, "ready");
    std::thread::sleep(Duration::from_secs(60));
    Ok(())
}

/// Talks as the engines do, on every rank; rank 0 alone is heard.
fn progress(comm: &dyn Communicator) -> rankfit::Result<()> {
    let telemetry = Telemetry::for_rank(comm.rank(), Talk::Normal);
    for n in 1..=8 {
        std::thread::sleep(Duration::from_millis(50));
        telemetry.iteration(n, &[("inertia", 1e6 / n as f64), ("shift", 0.5f64.powi(n as i32))], 0.05);
    }
    telemetry.warn("stopped at max_iter");
    telemetry.begin_fits(5, 6, 0);
    for done in 1..=30 {
        std::thread::sleep(Duration::from_millis(20));
        telemetry.fits(done);
    }
    Ok(())
}

fn say(comm: &dyn Communicator, line: &str) {
    if comm.is_root() {
        println!("{line}");
    }
}
