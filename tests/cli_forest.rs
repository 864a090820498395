//! Forests as a user meets them: fitted, and applied from the file, on generated data.

mod desk;

use desk::Desk;

#[test]
fn a_forest_predicts_the_rows_it_learnt() {
    let desk = Desk::new();
    let rows: String = (0..60).map(|i| format!("{i},{},{}\n", i * 7 % 60, i / 30)).collect();
    desk.write("rows.csv", &format!("a,b,y\n{rows}"));
    let job = "[data]\nsource = \"csv\"\npath = \"rows.csv\"\nlabel_column = \"y\"\n[estimator]\n\
               name = \"RandomForestClassifier\"\nbootstrap = false\nn_estimators = 5\n";
    desk.write("job.toml", job);
    desk.ok(&["run", "job.toml", "--output", "forest.h5"]);
    desk.ok(&["predict", "--model", "forest.h5", "--data", "rows.csv", "--output", "p.h5"]);
    let file = hdf5::File::open(desk.path("p.h5")).expect("predictions");
    let classes: Vec<f64> = file.dataset("predictions").and_then(|d| d.read_raw()).expect("numbers");
    assert!((0..60).all(|i| classes[i] == (i / 30) as f64), "{classes:?}");
}
