//! The reference of the job file names every key that the program knows.

mod desk;

use desk::Desk;

/// The keys that a fault lists.
fn known_keys(said: &str) -> Vec<String> {
    let (_, list) = said.split_once("(known keys: ").unwrap_or_else(|| panic!("no list of keys in {said}"));
    let (list, _) = list.split_once(')').unwrap();
    list.split(", ").map(str::to_owned).collect()
}

/// What a job with an unknown key in it is told it might have said.
fn keys_of(desk: &Desk, job: &str) -> Vec<String> {
    desk.write("job.toml", job);
    let output = desk.run(&["run", "job.toml", "--dry-run"]);
    known_keys(&desk::words(&output))
}

/// The row of the tables of `section` that begins with `name`.
fn row<'a>(reference: &'a str, section: &str, name: &str) -> &'a str {
    let (_, rest) =
        reference.split_once(&format!("\n## {section}")).unwrap_or_else(|| panic!("no section {section}"));
    let rest = rest.split("\n## ").next().unwrap();
    let names = |line: &&str| {
        line.starts_with("| `") && line.split(" | ").next().unwrap().contains(&format!("`{name}`"))
    };
    rest.lines().find(names).unwrap_or_else(|| panic!("no row of {name} in {section}"))
}

const DATA: &str = "[data]\nsource = \"blobs\"\nn_samples = 90\n";

#[test]
fn every_key_is_in_the_reference() {
    let reference =
        std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/job-file.md")).unwrap();
    let desk = Desk::new();
    let mut estimators = keys_of_estimators(&desk);
    assert!(estimators.len() >= 26, "{estimators:?}");
    for name in estimators.drain(..) {
        let own = row(&reference, "`[estimator]`", &name);
        for key in keys_of(&desk, &format!("{DATA}[estimator]\nname = \"{name}\"\nxyzzy = 1\n")) {
            assert!(key == "name" || own.contains(&format!("`{key}`")), "no {key} in the row of {name}");
        }
    }
    let shared = ["source", "block_rows", "dtype", "residency", "memory_per_rank"];
    for source in ["blobs", "classification", "regression", "hdf5", "csv"] {
        let own = row(&reference, "`[data]`", source);
        let job = format!("[data]\nsource = \"{source}\"\nxyzzy = 1\n[estimator]\nname = \"KMeans\"\n");
        for key in keys_of(&desk, &job) {
            let there = own.contains(&format!("`{key}`")) || shared.contains(&key.as_str());
            assert!(there, "no {key} in the row of {source}");
        }
    }
    for key in shared {
        row(&reference, "`[data]`", key);
    }
    for section in ["search", "output"] {
        for key in keys_of(&desk, &format!("{DATA}[estimator]\nname = \"SVC\"\n[{section}]\nxyzzy = 1\n")) {
            row(&reference, &format!("`[{section}]`"), &key);
        }
    }
    for key in keys_of(&desk, &format!("xyzzy = 1\n{DATA}[estimator]\nname = \"SVC\"\n")) {
        assert!(
            reference.contains(&format!("[{key}]")) || reference.contains(&format!("`{key} = ")),
            "{key}"
        );
    }
    for scorer in rankfit::metrics::Scorer::names().filter(|name| *name != "max_error") {
        let stem = ["_macro", "_micro", "_weighted"].iter().find_map(|end| scorer.strip_suffix(end));
        let there = |name: &str| reference.contains(&format!("`{name}`"));
        assert!(there(scorer) || stem.is_some_and(there), "{scorer}");
    }
}

/// The names that a fault of `estimator.name` lists.
fn keys_of_estimators(desk: &Desk) -> Vec<String> {
    desk.write("job.toml", &format!("{DATA}[estimator]\nname = \"xyzzy\"\n"));
    let said = desk::words(&desk.run(&["run", "job.toml", "--dry-run"]));
    let quoted = said.split('"').skip(1).step_by(2).map(str::to_owned);
    quoted.filter(|name| name.chars().next().is_some_and(char::is_uppercase)).collect()
}
