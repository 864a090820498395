//! Ranks as MPI processes: messages, sums and every way to end, under a real `mpirun`.
//!
//! Needs `mpirun`; without it the tests pass by doing nothing, unless `RANKFIT_REQUIRE_MPI` is set.
#![cfg(feature = "mpi")]

#[path = "../examples/comm_probe/sums.rs"]
mod sums;

use std::io::{BufRead, BufReader, Read};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use rankfit::comm::run_threads;

/// What a job came to.
struct Ended {
    code: Option<i32>,
    stdout: Vec<String>,
    stderr: String,
    /// From the first line of stdout to the end.
    took: Duration,
}

impl Ended {
    /// What this program said to the user, without what `mpirun` adds.
    fn said(&self) -> Vec<&str> {
        self.stderr.lines().filter(|line| line.contains("rankfit: ")).collect()
    }

    /// The job ended soon, with `code` and with one message that holds `words`.
    #[track_caller]
    fn failed_with(&self, code: i32, words: &str) {
        assert_eq!(self.code, Some(code), "{}", self.stderr);
        assert_eq!(self.said().len(), 1, "{}", self.stderr);
        assert!(self.said()[0].contains(words), "{}", self.stderr);
        assert!(self.took < Duration::from_secs(5), "{:?}", self.took);
    }
}

/// One job at a time: they measure how long a job takes to end.
fn turn() -> MutexGuard<'static, ()> {
    static TURN: Mutex<()> = Mutex::new(());
    TURN.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The example `comm_probe`, which `cargo test` builds beside this test; `cargo test --test mpi_comm` does not.
fn probe() -> &'static PathBuf {
    static PROBE: OnceLock<PathBuf> = OnceLock::new();
    PROBE.get_or_init(|| {
        let test = std::env::current_exe().unwrap();
        let profile = test.parent().and_then(|deps| deps.parent()).unwrap();
        let probe = profile.join("examples").join("comm_probe");
        if !probe.exists() {
            let mut build = Command::new(env!("CARGO"));
            build.args(["build", "--example", "comm_probe"]).current_dir(env!("CARGO_MANIFEST_DIR"));
            if profile.ends_with("release") {
                build.arg("--release");
            }
            assert!(build.status().unwrap().success());
        }
        probe
    })
}

fn has_mpirun() -> bool {
    let found = Command::new("mpirun").arg("--version").output().is_ok_and(|out| out.status.success());
    assert!(found || std::env::var_os("RANKFIT_REQUIRE_MPI").is_none(), "mpirun is not there");
    if !found {
        eprintln!("skipped: mpirun is not there");
    }
    found
}

fn mpirun(ranks: usize, args: &[&str], env: &[(&str, &str)]) -> Command {
    let mut command = Command::new("mpirun");
    command.arg("--oversubscribe").args(["-n", &ranks.to_string()]).arg(probe()).args(args);
    command.env("OMPI_ALLOW_RUN_AS_ROOT", "1").env("OMPI_ALLOW_RUN_AS_ROOT_CONFIRM", "1");
    command.env("OMPI_MCA_mpi_yield_when_idle", "1").env("RANKFIT_LAUNCH", "mpi");
    command.env("RUST_BACKTRACE", "0");
    command.envs(env.iter().copied()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// The probe without a launcher.
fn alone(args: &[&str], env: &[(&str, &str)]) -> Command {
    let mut command = Command::new(probe());
    command.args(args).envs(env.iter().copied()).env_remove("RANKFIT_LAUNCH");
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

fn signal(program: &Child, name: &str) {
    let kill = Command::new("kill").args([name, &program.id().to_string()]).status();
    assert!(kill.unwrap().success());
}

/// Runs `command` to its end, or kills it after a minute; `at_first_line` is called once it has said something.
fn finish(mut command: Command, at_first_line: impl FnOnce(&Child)) -> Ended {
    let mut child = command.spawn().unwrap();
    let mut errors = child.stderr.take().unwrap();
    let stderr = std::thread::spawn(move || {
        let mut bytes = Vec::new();
        errors.read_to_end(&mut bytes).unwrap();
        String::from_utf8_lossy(&bytes).into_owned()
    });
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok);
    let mut stdout: Vec<String> = lines.next().into_iter().collect();
    let start = Instant::now();
    at_first_line(&child);
    let rest = std::thread::spawn(move || lines.collect::<Vec<_>>());
    let code = loop {
        if let Some(status) = child.try_wait().unwrap() {
            break status.code();
        }
        if start.elapsed() > Duration::from_secs(60) {
            child.kill().unwrap();
            child.wait().unwrap();
            panic!("the job hangs");
        }
        std::thread::sleep(Duration::from_millis(5));
    };
    let took = start.elapsed();
    stdout.extend(rest.join().unwrap());
    Ended { code, stdout, stderr: stderr.join().unwrap(), took }
}

fn run(ranks: usize, args: &[&str]) -> Ended {
    let _turn = turn();
    finish(mpirun(ranks, args, &[]), |_| {})
}

fn expect_ok(ranks: usize, args: &[&str], stdout: &[String]) {
    let ended = run(ranks, args);
    assert_eq!(ended.code, Some(0), "{ranks} ranks, {args:?}: {}", ended.stderr);
    assert_eq!(ended.stdout, stdout, "{ranks} ranks, {args:?}");
    assert!(ended.said().is_empty(), "{}", ended.stderr);
}

#[test]
fn messages_of_every_length_arrive_whole() {
    if !has_mpirun() {
        return;
    }
    for ranks in 1..=4 {
        // The usual piece, and pieces shorter than a head.
        for piece in ["268435456", "7"] {
            expect_ok(ranks, &["messages", piece], &["messages as expected".into()]);
        }
    }
    // Pieces that split long messages only.
    expect_ok(3, &["messages", "1000"], &["messages as expected".into()]);
}

#[test]
fn thousands_of_notes_arrive_in_order() {
    if !has_mpirun() {
        return;
    }
    for ranks in 1..=4 {
        expect_ok(ranks, &["notes"], &["notes as expected".into()]);
    }
}

#[test]
fn sums_have_the_bits_that_threads_give() {
    if !has_mpirun() {
        return;
    }
    let on_threads = run_threads(3, |comm| sums::digests(comm).unwrap()).remove(0);
    for ranks in 1..=4 {
        expect_ok(ranks, &["reduce"], &on_threads);
    }
    expect_ok(3, &["reduce", "100"], &on_threads);
}

#[test]
fn the_ranks_of_a_node_share_memory() {
    if !has_mpirun() {
        return;
    }
    for ranks in 1..=4 {
        expect_ok(ranks, &["node"], &["shared as expected".into()]);
    }
}

#[test]
fn a_panic_ends_the_job_with_one_message() {
    if !has_mpirun() {
        return;
    }
    run(2, &["panic"]).failed_with(70, "rank 1: internal error: one rank alone at ");
    run(3, &["panic-in-thread"]).failed_with(70, "rank 2: internal error: one thread alone at ");
    run(4, &["panic-all"]).failed_with(70, "rank 0: internal error: every rank at ");
}

#[test]
fn an_error_of_one_rank_alone_ends_the_job() {
    if !has_mpirun() {
        return;
    }
    run(2, &["error-alone"]).failed_with(65, "rank 1: x.csv, row 7");
    run(3, &["error-root"]).failed_with(65, "rankfit: x.csv, row 7");
    run(3, &["error-at-the-end"]).failed_with(65, "rank 2: x.csv, row 7");
}

#[test]
fn an_agreed_error_is_printed_once() {
    if !has_mpirun() {
        return;
    }
    for ranks in 2..=4 {
        let words = format!("rankfit: rank {}: x.csv, row 7: expected a number, found NaN", ranks - 1);
        run(ranks, &["error-agreed"]).failed_with(65, &words);
    }
    run(1, &["error-agreed"]).failed_with(65, "rankfit: x.csv, row 7");
}

#[test]
fn a_killed_rank_ends_the_job() {
    if !has_mpirun() {
        return;
    }
    for ranks in [2, 4] {
        let ended = run(ranks, &["kill"]);
        assert_eq!(ended.code, Some(137), "{}", ended.stderr);
        // A killed rank says nothing, and the others do not know: the message is mpirun's.
        assert!(ended.said().is_empty() && ended.stderr.contains("signal 9"), "{}", ended.stderr);
        assert!(ended.took < Duration::from_secs(5), "{:?}", ended.took);
    }
}

#[test]
fn a_stopped_rank_ends_the_job_when_a_timeout_is_set() {
    if !has_mpirun() {
        return;
    }
    let _turn = turn();
    let ended = finish(mpirun(3, &["stop"], &[("RANKFIT_TIMEOUT", "1.5")]), |_| {});
    ended.failed_with(74, "waited for other ranks for more than 1.5 s (RANKFIT_TIMEOUT)");
}

#[test]
fn ranks_wait_for_one_that_is_slow() {
    if !has_mpirun() {
        return;
    }
    expect_ok(3, &["slow"], &["here".into(), "came to the end".into()]);
}

#[test]
fn a_signal_to_mpirun_stops_all_ranks_at_a_safe_point() {
    if !has_mpirun() {
        return;
    }
    let _turn = turn();
    let ended = finish(mpirun(3, &["signal"], &[]), |mpirun| signal(mpirun, "-USR1"));
    ended.failed_with(75, "rankfit: stopped by 10");
}

#[test]
fn a_second_interrupt_ends_a_program_that_does_not_stop() {
    let _turn = turn();
    let ended = finish(alone(&["deaf"], &[]), |program| {
        signal(program, "-INT");
        std::thread::sleep(Duration::from_millis(800));
        signal(program, "-INT");
    });
    assert_eq!(ended.code, Some(130));
    assert!(ended.took < Duration::from_secs(5), "{:?}", ended.took);
}

#[test]
fn only_rank_0_shows_progress() {
    if !has_mpirun() {
        return;
    }
    let ended = run(3, &["progress"]);
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    let count = |words: &str| ended.stderr.lines().filter(|line| line.contains(words)).count();
    assert_eq!(count("iteration 1 "), 1, "{}", ended.stderr);
    assert_eq!(count("iteration 8  inertia 1.250e5  shift 3.906e-3  0.05 s"), 1, "{}", ended.stderr);
    assert_eq!(count("rankfit: warning: stopped at max_iter"), 1);
    assert_eq!(count("Fitting 5 folds for each of 6 candidates, totalling 30 fits"), 1);
    assert_eq!(count("[rankfit]: Done  30 out of  30 | elapsed: "), 1);
}

#[test]
fn a_launch_whose_programs_are_alone_is_refused() {
    for (variables, speaks) in [
        ([("SLURM_STEP_NUM_TASKS", "4"), ("SLURM_PROCID", "0")], true),
        ([("SLURM_STEP_NUM_TASKS", "4"), ("SLURM_PROCID", "2")], false),
        ([("PMI_SIZE", "2"), ("PMI_RANK", "0")], true),
    ] {
        let _turn = turn();
        let ended = finish(alone(&["reduce"], &variables), |_| {});
        assert_eq!(ended.code, Some(2), "{}", ended.stderr);
        assert!(ended.stdout.is_empty());
        assert_eq!(ended.said().len(), usize::from(speaks), "{}", ended.stderr);
        assert!(!speaks || ended.stderr.contains(variables[0].0), "{}", ended.stderr);
    }
}

#[test]
fn a_program_started_by_hand_runs_without_mpi() {
    let _turn = turn();
    finish(alone(&["panic"], &[]), |_| {}).failed_with(70, "rankfit: internal error: one rank alone at ");
}
