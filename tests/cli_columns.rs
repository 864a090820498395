//! How `predict` and `score` find the columns of a CSV file that the model was fitted with.

mod desk;
mod launcher;
mod unlock;

use desk::{Desk, words};
use unlock::unlock;

impl Desk {
    /// Fits `estimator` on `train.csv`, read as `keys` say.
    fn fit(&self, keys: &str, estimator: &str) {
        let job = format!(
            "[data]\nsource = 'csv'\npath = 'train.csv'\n{keys}\n{estimator}\n[output]\npath = 'out.h5'\n"
        );
        self.write("job.toml", &job);
        self.ok(&["run", "job.toml", "--on-existing", "replace", "-q"]);
    }

    fn score(&self, data: &str, more: &[&str]) -> serde_json::Value {
        let arguments = [&["score", "--model", "out.h5", "--json", "--data", data], more].concat();
        serde_json::from_str(&self.ok(&arguments)).unwrap()
    }

    fn predict(&self, data: &str) -> String {
        self.ok(&["predict", "--model", "out.h5", "--data", data])
    }

    fn model(&self) -> serde_json::Value {
        self.json("out.h5")["model"].clone()
    }
}

const BAYES: &str = "[estimator]\nname = 'GaussianNB'";

/// Rows of the columns `names`, such as `"way"`: weights 1 to 3, features a and b, classes y.
fn table(names: &str, delimiter: &str) -> String {
    let cell = |row: usize, name| match name {
        'w' => format!("{}", 1 + row % 3),
        'a' => format!("{}", (row * row % 11) as f64 / 2.0 + (row % 2) as f64),
        'b' => format!("{}", (row * 5 % 7) as f64 - 3.0 * (row % 2) as f64),
        _ => format!("{}", row % 2),
    };
    let line = |row| names.chars().map(|name| cell(row, name)).collect::<Vec<_>>().join(delimiter) + "\n";
    (0..60).map(line).collect()
}

fn named(names: &str, delimiter: &str) -> String {
    let head: Vec<String> = names.chars().map(String::from).collect();
    head.join(delimiter) + "\n" + &table(names, delimiter)
}

#[test]
fn a_file_is_read_as_the_models_job_reads_it() {
    let desk = Desk::new();
    // Names that are numbers, which a guess would take for data.
    desk.write("train.csv", &format!("0,1,2\n{}", table("aby", ",")));
    desk.fit("header = true\nlabel_column = -1", BAYES);
    assert_eq!(desk.score("train.csv", &[])["n_samples"], 60);
    assert_eq!(desk.predict("train.csv").lines().count(), 60);
    desk.write("bare.csv", &table("aby", ","));
    desk.fails(&["predict", "--model", "out.h5", "--data", "bare.csv"], 65, "header = true");
    // No header, whatever the first line looks like.
    desk.write("train.csv", &table("aby", ","));
    desk.fit("header = false\nlabel_column = -1", BAYES);
    let predicted = desk.predict("train.csv");
    desk.write("named.csv", &named("aby", ","));
    desk.fails(&["predict", "--model", "out.h5", "--data", "named.csv"], 65, "line 1, row 0, column 0");
    // Another delimiter.
    desk.write("train.csv", &named("aby", ";"));
    desk.fit("delimiter = ';'\nlabel_column = 'y'", BAYES);
    assert_eq!(desk.score("train.csv", &[])["n_samples"], 60);
    assert_eq!(desk.predict("train.csv"), predicted);
    let message = "named.csv: expected fields separated by ';', as in the model's job";
    for command in ["predict", "score"] {
        desk.fails(&[command, "--model", "out.h5", "--data", "named.csv"], 65, message);
    }
}

#[test]
fn columns_that_cannot_be_told_apart_are_not_guessed() {
    let desk = Desk::new();
    desk.write("train.csv", &table("waby", ","));
    desk.fit("label_column = -1\nweight_column = 0", BAYES);
    let predicted = desk.predict("train.csv");
    desk.write("features.csv", &table("ab", ","));
    assert_eq!(desk.predict("features.csv"), predicted);
    for without in ["wab", "aby"] {
        desk.write("some.csv", &table(without, ","));
        let arguments = ["predict", "--model", "out.h5", "--data", "some.csv"];
        desk.fails(&arguments, 65, "(data.label_column = -1, data.weight_column = 0)");
        desk.fails(&arguments, 65, "found 3 columns, where either column 2 or column 0 may be no feature");
    }
    // Where targets are read, only weights may lack.
    assert_eq!(desk.score("some.csv", &[]), desk.score("train.csv", &[]));
    // Names tell, those of the features as those of the others.
    for (keys, train) in [
        ("label_column = -1\nweight_column = 0", "waby"),
        ("label_column = 'y'\nweight_column = 'w'", "wbya"),
    ] {
        desk.write("train.csv", &named(train, ","));
        desk.fit(keys, BAYES);
        let order: String = train.chars().filter(|name| "ab".contains(*name)).collect();
        for names in ["w$", "$y", "$", "w$y"] {
            desk.write("some.csv", &named(&names.replace('$', &order), ","));
            assert_eq!(desk.predict("some.csv"), predicted, "{names} of {train}");
        }
    }
}

/// An identifier and a remark are passed over by name or by number, in the fit, in predictions and where they are not there.
#[test]
fn dropped_columns_are_no_features() {
    let desk = Desk::new();
    desk.write("train.csv", &named("aby", ","));
    desk.fit("label_column = 'y'", BAYES);
    let (model, predicted) = (desk.model(), desk.predict("train.csv"));
    let around = |row: usize, line: &str| match row {
        0 if line.starts_with('a') => format!("id,{line},note\n"),
        row => format!("p{row},{line},\"as said, {row}\"\n"),
    };
    let with_text =
        |text: &str| text.lines().enumerate().map(|(row, line)| around(row, line)).collect::<String>();
    desk.write("train.csv", &with_text(&named("aby", ",")));
    desk.fit("label_column = 'y'\ndrop_columns = ['id', 'note']", BAYES);
    assert_eq!(desk.model(), model);
    for (names, marked) in [("aby", true), ("aby", false), ("ab", true), ("ab", false)] {
        let text = named(names, ",");
        desk.write("some.csv", &if marked { with_text(&text) } else { text });
        assert_eq!(desk.predict("some.csv"), predicted, "{names} {marked}");
    }
    desk.write("some.csv", &named("aby", ",").replace("\n", ",7\n").replacen(",7", ",note", 1));
    assert_eq!(desk.predict("some.csv"), predicted, "one of the two");
    // By their places, without names.
    desk.write("train.csv", &with_text(&table("aby", ",")));
    desk.fit("label_column = -2\ndrop_columns = [0, -1]", BAYES);
    assert_eq!(desk.predict("train.csv"), predicted);
    desk.write("some.csv", &table("ab", ","));
    assert_eq!(desk.predict("some.csv"), predicted);
    for (dropped, message) in [
        (
            "['why']",
            "job.toml:5: data.drop_columns: expected the name of a column (id, a, b, y, note), found \"why\"",
        ),
        (
            "['id', 'y']",
            "data.drop_columns: expected columns that the job does not use otherwise, found \"y\"",
        ),
        ("['id']", "column note: expected a number, found the text \"as said, 1\""),
    ] {
        desk.write("train.csv", &with_text(&named("aby", ",")));
        let job = std::fs::read_to_string(desk.path("job.toml")).unwrap();
        let job = job.replace("label_column = -2", "label_column = 'y'");
        desk.write("job.toml", &job.replace("drop_columns = [0, -1]", &format!("drop_columns = {dropped}")));
        let code = if message.starts_with("column") { 65 } else { 78 };
        desk.fails(&["run", "job.toml", "--on-existing", "replace"], code, message);
        desk.write("job.toml", &job);
    }
}

#[test]
fn features_of_other_names_are_refused() {
    let desk = Desk::new();
    let scaler = "[[pipeline]]\nname = 'StandardScaler'\n[[pipeline]]\nname = 'PCA'\n";
    let search = "\n[search]\nkind = 'grid'\ncv = 2\n[search.grid]\nvar_smoothing = [1e-9]";
    for (keys, steps) in [
        ("label_column = 'y'", String::new() + BAYES),
        ("label_column = 'y'", scaler.to_owned() + BAYES),
        ("label_column = 'y'", scaler.to_owned() + BAYES + search),
        (
            "label_column = 'y'\ndtype = 'f32'",
            scaler.to_owned() + "[estimator]\nname = 'KMeans'\nn_clusters = 2",
        ),
        ("label_column = 'y'", "[estimator]\nname = 'StandardScaler'".to_owned()),
        ("label_column = 'y'", scaler.to_owned() + "[estimator]\nname = 'MinMaxScaler'"),
    ] {
        desk.write("train.csv", &named("aby", ","));
        desk.fit(keys, &steps);
        // scikit-learn has them where the rows come in, of a pipeline in its first step.
        let model = desk.model();
        let names = serde_json::json!(["a", "b"]);
        if steps.starts_with("[[") {
            assert_eq!(model["pipeline"][0]["feature_names_in_"], names, "{steps}");
            assert!(
                model["feature_names_in_"].is_null() && model["pipeline"][1]["feature_names_in_"].is_null()
            );
        } else {
            assert_eq!(model["feature_names_in_"], names, "{steps}");
        }
        let predicted = desk.predict("train.csv");
        // scikit-learn 1.9.1: "ValueError: The feature names should match those that were passed during fit", for
        // another order ("Feature names must be in the same order as they were in fit") and for another name.
        desk.write("swapped.csv", &named("bay", ","));
        desk.write("renamed.csv", &named("aby", ",").replacen("a,b", "a,c", 1));
        let told = |data, message| {
            desk.fails(&["predict", "--model", "out.h5", "--data", data], 65, message);
            if steps.contains(BAYES) {
                desk.fails(&["score", "--model", "out.h5", "--data", data], 65, message);
            }
        };
        told(
            "swapped.csv",
            "swapped.csv: expected feature 0 to be called \"a\", as the model was fitted with, found \"b\" (the same names in another order)",
        );
        told(
            "renamed.csv",
            "expected feature 1 to be called \"b\", as the model was fitted with, found \"c\"",
        );
        // By position, as scikit-learn takes an array.
        desk.write("bare.csv", &table("ab", ","));
        assert_eq!(desk.predict("bare.csv"), predicted);
        // A model of rows without names takes any.
        desk.write("train.csv", &table("aby", ","));
        desk.fit("label_column = -1", &steps);
        assert!(!desk.ok(&["inspect", "--json", "out.h5"]).contains("feature_names_in_"));
        desk.write("named.csv", &named("ab", ","));
        assert_eq!(desk.predict("named.csv").lines().count(), 60);
    }
}

#[test]
fn a_row_that_is_taken_for_names_is_told() {
    let desk = Desk::new();
    desk.write("train.csv", &table("aby", ","));
    desk.fit("label_column = -1", &("[[pipeline]]\nname = 'StandardScaler'\n".to_owned() + BAYES));
    desk.write("rows.csv", &format!("1.5,?,0\n{}", table("aby", ",")));
    let rows = ["--model", "out.h5", "--data", "rows.csv"];
    for command in ["run", "predict", "score"] {
        let output = match command {
            "run" => desk.run(&["run", "job.toml", "--output", "2.h5", "-q", "--set", "data.path=rows.csv"]),
            _ => desk.run(&[&[command][..], &rows].concat()),
        };
        assert_eq!(output.status.code(), Some(0), "{}", words(&output));
        let told = "rows.csv, line 1: taken for the names of columns, for \"?\" is no number";
        assert_eq!(words(&output).matches(told).count(), 1, "{command}: {}", words(&output));
    }
}

#[test]
fn names_are_the_same_from_any_number_of_ranks() {
    if !launcher::has_mpi() {
        return;
    }
    let desk = Desk::new();
    desk.write("train.csv", &named("aby", ","));
    desk.write("swapped.csv", &named("bay", ","));
    desk.fit("label_column = 'y'", BAYES);
    let alone = desk.model();
    launcher::shell("mpi_run 3 rankfit run job.toml -q --on-existing replace", desk.folder());
    assert_eq!(desk.model(), alone);
    let output =
        launcher::shell("mpi_run 3 rankfit predict --model out.h5 --data swapped.csv", desk.folder());
    let said = launcher::words(&output);
    assert_eq!(said.matches("expected feature 0 to be called").count(), 1, "{said}");
}

#[test]
fn flags_that_name_no_column_are_told_by_their_name() {
    let desk = Desk::new();
    desk.write("train.csv", &named("aby", ","));
    desk.fit("label_column = 'y'", BAYES);
    let score = ["score", "--model", "out.h5", "--data", "train.csv"];
    let with = |more: &[&'static str]| [&score[..], more].concat();
    desk.fails(&with(&["--y", "z"]), 2, "--y z: expected the name of a column (a, b, y), found \"z\"");
    desk.fails(&with(&["--y", "9"]), 2, "--y 9: expected a column's number from 0 to 2");
    desk.fails(&with(&["--sample-weight", "v"]), 2, "--sample-weight v: expected the name of a column");
    let twice = "--sample-weight y: expected another column than that of the targets, found y";
    desk.fails(&with(&["--sample-weight", "y"]), 2, twice);
    // The job's column is not in this file: the file's fault.
    desk.write("features.csv", &named("ab", ","));
    let message = "features.csv: expected the name of a column (a, b), for the targets, as data.label_column of the model's job (--y names another), found \"y\"";
    desk.fails(&["score", "--model", "out.h5", "--data", "features.csv"], 65, message);
}

#[test]
fn other_kinds_of_files_are_told_before_any_flag() {
    let desk = Desk::new();
    let hdf5 = |name: &str, user_block: u64| {
        let file = hdf5::File::with_options()
            .with_fcpl(|list| list.userblock(user_block))
            .create(desk.path(name))
            .unwrap();
        let x = ndarray::Array2::from_shape_fn((20, 2), |(i, j)| (i * (j + 3) % 7) as f64 + (i % 2) as f64);
        file.new_dataset_builder().with_data(&x).create("X").unwrap();
        let y: Vec<i64> = (0..20).map(|i| i % 2).collect();
        file.new_dataset_builder().with_data(&y).create("y").unwrap();
        file.close().unwrap();
        unlock(&desk.path(name));
    };
    hdf5("train.h5", 0);
    desk.write(
        "job.toml",
        &format!("[data]\nsource = 'hdf5'\npath = 'train.h5'\n{BAYES}\n[output]\npath = 'out.h5'\n"),
    );
    desk.ok(&["run", "job.toml", "-q"]);
    let (scores, predicted) = (desk.score("train.h5", &[]), desk.predict("train.h5"));
    for user_block in [512, 1024, 4096] {
        hdf5("block.h5", user_block);
        assert_eq!(
            (desk.score("block.h5", &[]), desk.predict("block.h5")),
            (scores.clone(), predicted.clone())
        );
    }
    desk.write("empty", "");
    desk.write("text", "hello\nworld\n");
    std::fs::write(desk.path("gzip"), b"\x1f\x8b\x08\0").unwrap();
    for (file, message) in [
        ("empty", "empty: expected rows of data, found an empty file"),
        ("text", "text: expected 2 features, as the model was fitted with"),
        ("gzip", "gzip: expected a CSV file, found a gzip file; unpack it first"),
    ] {
        desk.fails(&["predict", "--model", "out.h5", "--data", file], 65, message);
        desk.fails(&["score", "--model", "out.h5", "--data", file], 65, message);
    }
    desk.write("rows.csv", &table("aby", ","));
    let score = ["score", "--model", "out.h5", "--data", "rows.csv"];
    desk.fails(&score, 2, "--y NAME: the column of targets, which the model's job does not tell");
}

#[test]
fn names_of_columns_without_names_are_no_row() {
    let desk = Desk::new();
    desk.write("train.csv", &table("aby", ","));
    desk.fit("label_column = -1", BAYES);
    let predicted = desk.predict("train.csv");
    // What pandas' to_csv writes of an array with a named target beside it.
    desk.write("train.csv", &format!("0,1,target\n{}", table("aby", ",")));
    for label in ["'target'", "-1", "2"] {
        desk.fit(&format!("label_column = {label}"), BAYES);
        assert_eq!(desk.model()["classes_"], serde_json::json!([0, 1]), "{label}");
        assert_eq!(desk.model()["feature_names_in_"], serde_json::json!(["0", "1"]), "{label}");
        let scores = desk.score("train.csv", &[]);
        assert_eq!(scores["n_samples"], 60, "{label}");
        // Without the target the first line is known by the names of the fit, beyond doubt.
        desk.write("features.csv", &format!("0,1\n{}", table("ab", ",")));
        for data in ["train.csv", "features.csv"] {
            let output = desk.run(&["predict", "--model", "out.h5", "--data", data]);
            assert_eq!(String::from_utf8_lossy(&output.stdout), predicted, "{label}, {data}");
            assert_eq!(words(&output), "", "{label}, {data}");
        }
    }
    // No name in it: features that are counted, over a row that has a number that is not whole.
    let rows: String = table("abw", ",").split_inclusive('\n').skip(1).collect();
    desk.write("x.csv", &format!("0,1,2\n{rows}"));
    desk.fit("", "[estimator]\nname = 'StandardScaler'");
    desk.ok(&["run", "job.toml", "--output", "x.h5", "--set", "data.path=x.csv"]);
    assert_eq!(desk.json("x.h5")["model"]["n_samples_seen_"], 59);
    assert_eq!(desk.json("x.h5")["model"]["feature_names_in_"], serde_json::json!(["0", "1", "2"]));
}

#[test]
fn a_name_that_reads_as_a_number_can_be_called() {
    let desk = Desk::new();
    desk.write("train.csv", &format!("2018,2019,2020\n{}", table("aby", ",")));
    let job = format!(
        "[data]\nsource = 'csv'\npath = 'train.csv'\nlabel_column = '2020'\n{BAYES}\n[output]\npath = 'out.h5'\n"
    );
    desk.write("job.toml", &job);
    let output = desk.run(&["run", "job.toml", "-q"]);
    // The job says that there are names: no doubt.
    assert_eq!((output.status.code(), words(&output)), (Some(0), String::new()));
    let scores = desk.score("train.csv", &[]);
    assert_eq!(scores["n_samples"], 60);
    for y in ["2020", "-1", "2"] {
        assert_eq!(desk.score("train.csv", &["--y", y]), scores, "{y}");
    }
    desk.write("other.csv", &format!("2018,2019,2021\n{}", table("aby", ",")));
    assert_eq!(desk.score("other.csv", &["--y", "2021"]), scores);
}

#[test]
fn weights_that_are_not_asked_for_are_not_read() {
    let desk = Desk::new();
    desk.write("train.csv", &named("waby", ","));
    desk.fit("label_column = 'y'\nweight_column = 'w'", BAYES);
    let (predicted, scores) = (desk.predict("train.csv"), desk.score("train.csv", &[]));
    let blank = |line: &str| line.split_once(',').map_or(String::new(), |(_, rest)| format!(",{rest}\n"));
    let rows: String = table("waby", ",").lines().map(blank).collect();
    desk.write("blank.csv", &format!("w,a,b,y\n{rows}"));
    assert_eq!(desk.predict("blank.csv"), predicted);
    assert_eq!(desk.score("blank.csv", &[]), scores);
    let weighted = ["score", "--model", "out.h5", "--data", "blank.csv", "--sample-weight"];
    desk.fails(&weighted, 65, "blank.csv, line 2, row 0, column w: expected a finite number, found an empty");
}
