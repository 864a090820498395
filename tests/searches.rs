//! Searches from the job file to the results file against scikit-learn's GridSearchCV (see the origin in the data).

use std::path::Path;

use assert_cmd::Command;
use serde_json::Value;

fn cases() -> Vec<Value> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/searches/searches.json");
    let file: Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    file["cases"].as_array().unwrap().clone()
}

fn numbers(value: &Value) -> Vec<f64> {
    value.as_array().unwrap().iter().map(|v| v.as_f64().unwrap()).collect()
}

fn rankfit(folder: &Path, arguments: &[&str]) {
    let output = Command::cargo_bin("rankfit").unwrap().current_dir(folder).args(arguments).output().unwrap();
    assert!(output.status.success(), "{arguments:?}\n{}", String::from_utf8_lossy(&output.stderr));
}

fn read(file: &hdf5::File, name: &str) -> Vec<f64> {
    let dataset = file.dataset(name).unwrap_or_else(|_| panic!("{name} is missing"));
    dataset.read_raw::<f64>().unwrap()
}

#[track_caller]
fn close(what: &str, found: &[f64], expected: &[f64], tolerance: f64) {
    assert_eq!(found.len(), expected.len(), "{what}");
    for (found, expected) in found.iter().zip(expected) {
        let off = (found - expected).abs() / expected.abs().max(1.0);
        assert!(off <= tolerance, "{what}: {found} for {expected}");
    }
}

fn check(case: &Value) {
    let folder = tempfile::tempdir().unwrap();
    let data = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join(format!("tests/data/searches/{}.csv", case["data"].as_str().unwrap()));
    std::fs::copy(data, folder.path().join("rows.csv")).unwrap();
    let head = "[data]\nsource = \"csv\"\npath = \"rows.csv\"\nlabel_column = \"y\"\n";
    let what = case["job"].as_str().unwrap();
    std::fs::write(folder.path().join("job.toml"), format!("{head}{what}")).unwrap();
    rankfit(folder.path(), &["run", "job.toml", "--output", "out.h5"]);
    let file = hdf5::File::open(folder.path().join("out.h5")).unwrap();
    for (column, expected) in case["table"].as_object().unwrap() {
        let tolerance = if column.starts_with("rank") { 0.0 } else { 1e-6 };
        close(
            &format!("{what}{column}"),
            &read(&file, &format!("cv_results/{column}")),
            &numbers(expected),
            tolerance,
        );
    }
    let params: Vec<hdf5::types::VarLenUnicode> =
        file.dataset("cv_results/params").unwrap().read_raw().unwrap();
    let json = |text: &str| serde_json::from_str::<Value>(text).unwrap();
    for (found, expected) in params.iter().zip(case["params"].as_array().unwrap()) {
        assert_eq!(json(found), json(expected.as_str().unwrap()));
    }
    if case["coef"].is_array() {
        close(&format!("{what}coef_"), &read(&file, "model/coef_"), &numbers(&case["coef"]), 1e-6);
    }
    drop(file);
    rankfit(folder.path(), &["predict", "--model", "out.h5", "--data", "rows.csv", "--output", "p.h5"]);
    let file = hdf5::File::open(folder.path().join("p.h5")).unwrap();
    close(what, &read(&file, "predictions"), &numbers(&case["predictions"]), 1e-6);
}

fn is_alone(job: &str) -> bool {
    !job.contains("pipeline") && !job.contains("halving")
}

fn is_grid_of_pipeline(job: &str) -> bool {
    job.contains("pipeline") && !job.contains("halving")
}

#[test]
fn searches_alone_are_those_of_scikit_learn() {
    let cases = cases();
    let alone: Vec<&Value> = cases.iter().filter(|case| is_alone(case["job"].as_str().unwrap())).collect();
    assert_eq!(alone.len(), 14);
    alone.into_iter().for_each(check);
}

#[test]
fn searches_of_pipelines_are_those_of_scikit_learn() {
    let cases = cases();
    let behind: Vec<&Value> =
        cases.iter().filter(|case| is_grid_of_pipeline(case["job"].as_str().unwrap())).collect();
    assert_eq!(behind.len(), 5);
    behind.into_iter().for_each(check);
}

#[test]
fn halving_over_a_parameter_is_that_of_scikit_learn() {
    let cases = cases();
    let halving: Vec<&Value> =
        cases.iter().filter(|case| case["job"].as_str().unwrap().contains("halving")).collect();
    assert_eq!(halving.len(), 2);
    halving.into_iter().for_each(check);
}
