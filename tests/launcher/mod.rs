//! Starts the program from tests, alone or under `mpirun`.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// Where the package lies.
pub(crate) fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// Whether ranks can be started as processes.
///
/// # Panics
/// When they cannot and `RANKFIT_REQUIRE_MPI=1` says that they must.
pub(crate) fn has_mpi() -> bool {
    let found = cfg!(feature = "mpi")
        && Command::new("bash")
            .args(["-c", ". scripts/mpi_env.sh && mpi_launcher"])
            .current_dir(root())
            .output()
            .is_ok_and(|output| output.status.success());
    let required = std::env::var("RANKFIT_REQUIRE_MPI").is_ok_and(|value| value == "1");
    assert!(
        found || !required,
        "RANKFIT_REQUIRE_MPI=1, but there is no mpirun, or the program is built without MPI"
    );
    if !found {
        eprintln!("left out: there is no mpirun, or the program is built without MPI");
    }
    found
}

/// A shell line run in `folder` as a user would type it after `. scripts/mpi_env.sh`, with `rankfit` on the PATH.
pub(crate) fn shell(line: &str, folder: &Path) -> Output {
    let program = Path::new(env!("CARGO_BIN_EXE_rankfit"));
    let mut path = program.parent().unwrap().as_os_str().to_owned();
    path.push(":");
    path.push(std::env::var_os("PATH").unwrap_or_default());
    Command::new("bash")
        .args([OsStr::new("-c"), OsStr::new(". \"$0\" && eval \"$1\"")])
        .args([root().join("scripts/mpi_env.sh").as_os_str(), OsStr::new(line)])
        .env("PATH", path)
        .current_dir(folder)
        .output()
        .expect("bash starts")
}

/// What a failed run said, for the message of an assertion.
pub(crate) fn words(output: &Output) -> String {
    format!(
        "{}\n--- stdout\n{}\n--- stderr\n{}",
        output.status,
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    )
}
