//! Forests as a user meets them: fitted, and applied from the file, on generated data.

use std::process::Command;

fn run(folder: &std::path::Path, arguments: &[&str]) {
    let output = Command::new(env!("CARGO_BIN_EXE_rankfit")).current_dir(folder).args(arguments).output();
    let output = output.expect("the program starts");
    assert!(output.status.success(), "{arguments:?}\n{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn a_forest_predicts_the_rows_it_learnt() {
    let folder = tempfile::tempdir().expect("a folder");
    let rows: String = (0..60).map(|i| format!("{i},{},{}\n", i * 7 % 60, i / 30)).collect();
    std::fs::write(folder.path().join("rows.csv"), format!("a,b,y\n{rows}")).expect("a file");
    let job = "[data]\nsource = \"csv\"\npath = \"rows.csv\"\nlabel_column = \"y\"\n[estimator]\n\
               name = \"RandomForestClassifier\"\nbootstrap = false\nn_estimators = 5\n";
    std::fs::write(folder.path().join("job.toml"), job).expect("a file");
    run(folder.path(), &["run", "job.toml", "--output", "forest.h5"]);
    run(folder.path(), &["predict", "--model", "forest.h5", "--data", "rows.csv", "--output", "p.h5"]);
    let file = hdf5::File::open(folder.path().join("p.h5")).expect("predictions");
    let classes: Vec<f64> = file.dataset("predictions").and_then(|d| d.read_raw()).expect("numbers");
    assert!((0..60).all(|i| classes[i] == (i / 30) as f64), "{classes:?}");
}
