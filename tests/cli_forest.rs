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

const ROWS: &str = "[data]\nsource = \"classification\"\nn_samples = 400\nn_features = 6\nn_informative = 3\n\
                    n_redundant = 1\n";

/// A single tree by its own name: fitted, kept with its own parameters, and applied.
#[test]
fn a_tree_is_fitted_and_predicts() {
    let desk = Desk::new();
    let rows: String = (0..60).map(|i| format!("{i},{},{}\n", i * 7 % 60, i * 7 % 60 / 10)).collect();
    desk.write("rows.csv", &format!("a,b,y\n{rows}"));
    let job = "[data]\nsource = \"csv\"\npath = \"rows.csv\"\nlabel_column = \"y\"\n[estimator]\n\
               name = \"DecisionTreeClassifier\"\nmax_leaf_nodes = 6\n";
    desk.write("job.toml", job);
    desk.ok(&["run", "job.toml", "--output", "tree.h5"]);
    let file = hdf5::File::open(desk.path("tree.h5")).expect("results");
    let left: Vec<i32> = file.dataset("model/children_left").and_then(|d| d.read_raw()).expect("nodes");
    assert_eq!((left.len(), left.iter().filter(|&&child| child < 0).count()), (11, 6));
    let params = desk.json("tree.h5")["model"]["params"].to_string();
    assert!(params.contains("\"splitter\":\"best\"") && !params.contains("n_estimators"), "{params}");
    desk.ok(&["predict", "--model", "tree.h5", "--data", "rows.csv", "--output", "p.h5"]);
    let file = hdf5::File::open(desk.path("p.h5")).expect("predictions");
    let classes: Vec<f64> = file.dataset("predictions").and_then(|d| d.read_raw()).expect("numbers");
    assert!((0..60).all(|i| classes[i] == (i * 7 % 60 / 10) as f64), "{classes:?}");
    // The job that is printed with its defaults is one.
    let said = desk.ok(&["run", "job.toml", "--dry-run"]);
    assert!(said.contains("max_features = \"none\""), "{said}");
}

/// A search reads sizes and prunings off one forest, or one tree, and its refit is the best of them.
#[test]
fn sizes_and_prunings_are_searched() {
    let desk = Desk::new();
    for (name, grid) in [
        ("DecisionTreeClassifier", "max_leaf_nodes = [3, 20, \"none\"]\nsplitter = [\"best\", \"random\"]\n"),
        (
            "RandomForestClassifier",
            "max_leaf_nodes = [3, 20]\nccp_alpha = [0.0, 0.01]\nn_estimators = [10]\n",
        ),
    ] {
        let job = format!("{ROWS}[estimator]\nname = \"{name}\"\n[search]\ncv = 3\n[search.grid]\n{grid}");
        desk.write("job.toml", &job);
        desk.ok(&["run", "job.toml", "--output", &format!("{name}.h5")]);
    }
    for (key, value) in [("estimator.max_leaf_nodes", "1"), ("estimator.ccp_alpha", "-1.0")] {
        let set = format!("{key}={value}");
        desk.fails(&["run", "job.toml", "--set", &set, "--dry-run"], 78, key);
    }
    desk.fails(
        &["run", "job.toml", "--set", "search.grid.max_leaf_nodes=[5, 1]", "--output", "x.h5"],
        78,
        "search.grid.max_leaf_nodes",
    );
}
