//! Notes which commit and which compiler the program is made from.

use std::path::Path;
use std::process::Command;

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    println!("cargo:rerun-if-changed=src");
    if let Some(folder) = output("git", &["rev-parse", "--absolute-git-dir"]) {
        let head = Path::new(&folder).join("HEAD");
        if head.exists() {
            println!("cargo:rerun-if-changed={}", head.display());
        }
        let log = Path::new(&folder).join("logs/HEAD");
        if log.exists() {
            println!("cargo:rerun-if-changed={}", log.display());
        }
    }
    println!("cargo:rustc-env=RANKFIT_COMMIT={}", commit().unwrap_or_else(|| "unknown".into()));
    let rustc = std::env::var("RUSTC").unwrap_or_else(|_| "rustc".into());
    let compiler = output(&rustc, &["--version"]).unwrap_or_else(|| "unknown".into());
    println!("cargo:rustc-env=RANKFIT_COMPILER={compiler}");
    println!("cargo:rustc-env=RANKFIT_PROFILE={}", std::env::var("PROFILE").unwrap_or_default());
}

/// The commit, marked when the sources differ from it. Absent outside a repository of this package's own.
fn commit() -> Option<String> {
    let top = output("git", &["rev-parse", "--show-toplevel"])?;
    let here = std::env::var("CARGO_MANIFEST_DIR").ok()?;
    if Path::new(&top).canonicalize().ok()? != Path::new(&here).canonicalize().ok()? {
        return None;
    }
    let commit = output("git", &["rev-parse", "HEAD"])?;
    let changes = output("git", &["status", "--porcelain", "--untracked-files=no"]).unwrap_or_default();
    Some(if changes.is_empty() { commit } else { format!("{commit} with changes") })
}

fn output(program: &str, arguments: &[&str]) -> Option<String> {
    let output = Command::new(program).args(arguments).output().ok()?;
    if !output.status.success() {
        return None;
    }
    Some(String::from_utf8(output.stdout).ok()?.trim().to_owned())
}
