//! A folder in which the program is run, as a user would.

#![allow(dead_code, reason = "not every test program asks for all of it")]

use std::path::{Path, PathBuf};
use std::process::Output;

use assert_cmd::Command;
use serde_json::Value;
use tempfile::TempDir;

pub(crate) struct Desk(TempDir);

impl Desk {
    pub(crate) fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    pub(crate) fn folder(&self) -> &Path {
        self.0.path()
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    pub(crate) fn write(&self, name: &str, text: &str) {
        std::fs::write(self.path(name), text).unwrap();
    }

    pub(crate) fn run(&self, arguments: &[&str]) -> Output {
        let mut command = Command::cargo_bin("rankfit").unwrap();
        command.current_dir(self.0.path()).args(arguments).output().unwrap()
    }

    /// What a run that must succeed prints.
    pub(crate) fn ok(&self, arguments: &[&str]) -> String {
        let output = self.run(arguments);
        assert_eq!(output.status.code(), Some(0), "{arguments:?}\n{}", words(&output));
        String::from_utf8(output.stdout).unwrap()
    }

    /// A run that must end with `code` and say `message`.
    pub(crate) fn fails(&self, arguments: &[&str], code: i32, message: &str) {
        let output = self.run(arguments);
        let said = words(&output);
        assert_eq!(output.status.code(), Some(code), "{arguments:?}\n{said}");
        assert!(said.contains(message), "no {message:?} in\n{said}");
    }

    pub(crate) fn json(&self, file: &str) -> Value {
        serde_json::from_str(&self.ok(&["inspect", "--json", file])).unwrap()
    }
}

/// What a run said on stderr.
pub(crate) fn words(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}
