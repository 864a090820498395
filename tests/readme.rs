//! The README keeps its word: its commands print the digits beside them, and every example is a job that runs.

mod launcher;

use std::fs;
use std::path::Path;

use launcher::{root, shell, words};

/// A folder that looks like a clone from inside, so that commands can leave files behind.
fn clone_of_sorts() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for name in ["examples", "tests", "scripts", "README.md"] {
        std::os::unix::fs::symlink(root().join(name), folder.path().join(name)).unwrap();
    }
    folder
}

/// The rows of the README's table under the heading `heading`: a command, and what it must print.
fn table(heading: &str) -> Vec<(String, Vec<String>)> {
    let readme = fs::read_to_string(root().join("README.md")).unwrap();
    let section = readme.split("\n## ").find(|section| section.starts_with(heading)).expect(heading);
    let row = |line: &str| {
        let mut cells = line.trim_matches('|').split(" | ").map(code);
        Some((cells.next()?.into_iter().next()?, cells.next()?))
    };
    section.lines().filter(|line| line.starts_with("| `")).filter_map(row).collect()
}

/// The pieces of a cell between backticks.
fn code(cell: &str) -> Vec<String> {
    cell.split('`').skip(1).step_by(2).map(str::to_owned).collect()
}

#[test]
fn commands_print_the_digits_beside_them() {
    let rows = table("Commands and the digits they must print");
    assert!(rows.len() >= 8, "{rows:?}");
    let folder = clone_of_sorts();
    let has_mpi = launcher::has_mpi();
    for (command, expected) in rows {
        let command = match command.strip_prefix("mpirun -n ") {
            Some(rest) if !has_mpi => rest.split_once(' ').unwrap().1.to_owned(),
            _ => command,
        };
        let output = shell(&command, folder.path());
        assert!(output.status.success(), "{command}: {}", words(&output));
        let stdout = String::from_utf8_lossy(&output.stdout);
        assert!(!expected.is_empty(), "{command}: no digits");
        for digits in expected {
            assert!(stdout.contains(&digits), "{command}: no {digits:?} in {}", words(&output));
        }
    }
}

#[test]
fn exit_codes_are_those_of_the_program() {
    let rows = table("Exit codes");
    let codes: Vec<i32> = rows.iter().map(|(code, _)| code.parse().unwrap()).collect();
    let all = [0, 2, 65, 66, 70, 73, 74, 75, 78];
    assert_eq!(codes, all);
    let folder = clone_of_sorts();
    for (code, command) in rows.iter().filter_map(|(code, commands)| Some((code, commands.first()?))) {
        let output = shell(command, folder.path());
        assert_eq!(output.status.code(), code.parse().ok(), "{command}: {}", words(&output));
    }
}

#[test]
fn every_example_is_a_job() {
    let folder = clone_of_sorts();
    let mut examples = 0;
    for entry in fs::read_dir(root().join("examples")).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|ext| ext != "toml") {
            continue;
        }
        examples += 1;
        let name = Path::new("examples").join(path.file_name().unwrap());
        let line = format!("rankfit run {} --dry-run --output out.h5", name.display());
        let output = shell(&line, folder.path());
        assert!(output.status.success(), "{line}: {}", words(&output));
        assert!(!folder.path().join("out.h5").exists(), "{line} ran");
        let stdout = String::from_utf8_lossy(&output.stdout);
        for word in ["[data]", "[estimator]"] {
            assert!(stdout.contains(word), "{line}: no {word} in {stdout}");
        }
    }
    assert!(examples >= 4, "{examples}");
}
