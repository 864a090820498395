//! The linear models as a user meets them: from a job file to predictions, on one rank and on three.

mod launcher;

use std::fmt::Write;

use launcher::{has_mpi, shell, words};
use serde_json::Value;
use tempfile::TempDir;

/// A folder in which the program runs, on one rank and, where that is possible, on three.
struct Desk {
    folder: TempDir,
    has_mpi: bool,
}

impl Desk {
    fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap(), has_mpi: has_mpi() }
    }

    fn write(&self, name: &str, text: impl AsRef<[u8]>) {
        std::fs::write(self.folder.path().join(name), text).unwrap();
    }

    fn ok(&self, line: &str) -> (String, String) {
        let output = shell(line, self.folder.path());
        assert!(output.status.success(), "{line}: {}", words(&output));
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        (text(&output.stdout), text(&output.stderr))
    }

    fn refused(&self, line: &str, code: i32, piece: &str) {
        let output = shell(line, self.folder.path());
        assert_eq!(output.status.code(), Some(code), "{line}: {}", words(&output));
        let err = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(err.contains(piece), "{line}: no {piece:?} in {err}");
        for jargon in ["invalid type", "usize", "variant", "panicked", "internal error"] {
            assert!(!err.contains(jargon), "{line}: {err}");
        }
    }

    fn json(&self, file: &str) -> Value {
        serde_json::from_str(&self.ok(&format!("rankfit inspect --json {file}")).0).unwrap()
    }

    /// The model of the job on one rank, once it is clear that three ranks give the same bits.
    fn fit(&self, job: &str) -> Value {
        self.write("job.toml", job);
        self.ok("rankfit run job.toml --output one.h5 --on-existing replace");
        let one = self.json("one.h5");
        if self.has_mpi {
            self.ok("mpirun -n 3 rankfit run job.toml --output three.h5 --on-existing replace");
            let three = self.json("three.h5");
            assert_eq!(one["model"], three["model"], "{job}");
            assert_eq!(one["history"]["loss"], three["history"]["loss"], "{job}");
        }
        one
    }
}

fn numbers(value: &Value) -> Vec<f64> {
    value.as_array().unwrap().iter().map(|v| v.as_f64().unwrap()).collect()
}

/// A table with the features a and b and the target that `target` makes of them.
fn csv(n: usize, target: impl Fn(f64, f64, usize) -> String) -> String {
    let mut text = String::from("a,b,y\n");
    for i in 0..n {
        let (a, b) = ((i as f64 * 0.37).sin() * 2.0, (i as f64 * 1.71).cos());
        writeln!(text, "{a},{b},{}", target(a, b, i)).unwrap();
    }
    text
}

fn job(estimator: &str) -> String {
    format!(
        "[data]\nsource = 'csv'\npath = 'd.csv'\nlabel_column = 'y'\nblock_rows = 16\n\
         [estimator]\nname = {estimator}\n[output]\npath = 'out.h5'\n"
    )
}

#[test]
fn regressions_recover_what_made_the_targets() {
    let desk = Desk::new();
    desk.write("d.csv", csv(150, |a, b, _| format!("{}", 3.0 * a - 2.0 * b + 0.5)));
    for name in ["LinearRegression", "Ridge", "Lasso", "ElasticNet"] {
        let alpha = if name == "LinearRegression" { "" } else { "\nalpha = 1e-9" };
        let file = desk.fit(&job(&format!("'{name}'{alpha}")));
        let model = &file["model"];
        assert_eq!(model["estimator"], name);
        let coef = numbers(&model["coef_"]);
        // Lasso and ElasticNet stop at their own tolerance, 1e-4 of the targets' squares.
        let close = if alpha.is_empty() || name == "Ridge" { 1e-8 } else { 2e-2 };
        let intercept = model["intercept_"].as_f64().unwrap();
        for (got, expected) in [(coef[0], 3.0), (coef[1], -2.0), (intercept, 0.5)] {
            assert!((got - expected).abs() < close, "{name}: {got} for {expected}");
        }
        assert_eq!(model["n_features_in_"], 2);
        assert_eq!(model.get("n_iter_").is_some(), close > 1e-3, "{name}");
        let predicted = desk.ok("rankfit predict --model one.h5 --data d.csv").0;
        let first: f64 = predicted.lines().next().unwrap().parse().unwrap();
        assert!((first - (-2.0 + 0.5)).abs() < 2.0 * close, "{name}: {first}");
        assert_eq!(predicted.lines().count(), 150);
    }
}

#[test]
fn coefficients_may_be_kept_from_being_negative() {
    let desk = Desk::new();
    desk.write("d.csv", csv(150, |a, b, _| format!("{}", 3.0 * a - 2.0 * b + 0.5)));
    let file = desk.fit(&job("'Lasso'\nalpha = 0.1"));
    assert!(numbers(&file["model"]["coef_"])[1] < 0.0);
    let folder = desk.folder.path();
    std::fs::rename(folder.join("one.h5"), folder.join("start.h5")).unwrap();
    for (estimator, more) in [
        ("LinearRegression", ""),
        ("Ridge", "\nsolver = 'lbfgs'\nalpha = 1e-9\nmax_iter = 'none'"),
        ("Lasso", "\nalpha = 1e-9\ntol = 1e-12\nwarm_start = 'start.h5'"),
        ("ElasticNet", "\nalpha = 1e-9\ntol = 1e-12\nselection = 'random'\nrandom_state = 3"),
    ] {
        let file = desk.fit(&job(&format!("'{estimator}'\npositive = true{more}")));
        let coef = numbers(&file["model"]["coef_"]);
        assert!(coef[0] > 1.0 && coef[1] == 0.0, "{estimator}: {coef:?}");
        assert_eq!(desk.ok("rankfit predict --model one.h5 --data d.csv").0.lines().count(), 150);
        let scores = desk.ok("rankfit score --model one.h5 --data d.csv --json").0;
        let scores: serde_json::Value = serde_json::from_str(&scores).unwrap();
        let r2 = scores["r2"].as_f64().unwrap();
        assert!((0.1..0.95).contains(&r2), "{estimator}: {scores}");
        let searched = format!(
            "{}[search]\ncv = 3\n[search.grid]\npositive = [true, false]\n",
            job(&format!(
                "'{estimator}'{}",
                more.replace("\nwarm_start = 'start.h5'", "").replace("'lbfgs'", "'auto'")
            ))
        );
        let file = desk.fit(&searched);
        assert!(numbers(&file["model"]["coef_"])[1] < 0.0, "{estimator}: without the bound it scores better");
    }
}

#[test]
fn the_generator_of_regressions_is_recovered() {
    let desk = Desk::new();
    let file = desk.fit(
        "[data]\nsource = 'regression'\nn_samples = 500\nn_features = 6\nn_informative = 2\nbias = 4.0\n\
         block_rows = 60\n[estimator]\nname = 'LinearRegression'\n",
    );
    let coef = numbers(&file["model"]["coef_"]);
    assert_eq!(coef.iter().filter(|c| c.abs() > 1e-9).count(), 2, "{coef:?}");
    assert!((file["model"]["intercept_"].as_f64().unwrap() - 4.0).abs() < 1e-9);
}

#[test]
fn logistic_regression_fits_tells_and_predicts() {
    let desk = Desk::new();
    desk.write("d.csv", csv(200, |a, b, i| (u8::from(a + b > 0.1) ^ u8::from(i % 9 == 0)).to_string()));
    for solver in ["lbfgs", "newton-cholesky", "gradient_descent", "proximal_grad", "admm"] {
        let file = desk.fit(&job(&format!("'LogisticRegression'\nsolver = '{solver}'")));
        let model = &file["model"];
        assert_eq!(model["classes_"], serde_json::json!([0, 1]));
        assert_eq!(model["coef_"].as_array().unwrap().len(), 1);
        assert_eq!(numbers(&model["intercept_"]).len(), 1);
        let loss = numbers(&file["history"]["loss"]);
        assert_eq!(loss.len() as f64, numbers(&model["n_iter_"])[0], "{solver}");
        assert!(loss.last() < loss.first() && loss[0] < std::f64::consts::LN_2, "{loss:?}");
        assert!(numbers(&file["history"]["gradient_norm"]).last().unwrap() <= &2e-4, "{solver}");
    }
    let predicted = desk.ok("rankfit predict --model one.h5 --data d.csv").0;
    let text = std::fs::read_to_string(desk.folder.path().join("d.csv")).unwrap();
    let truth = text.lines().skip(1).map(|line| line.rsplit(',').next().unwrap());
    let right = predicted.lines().zip(truth).filter(|(p, t)| p.parse::<f64>() == t.parse::<f64>()).count();
    assert!(right > 160, "{right}");
}

#[test]
fn classes_with_names_keep_them() {
    let desk = Desk::new();
    let name = |a: f64| if a < -0.7 { "low" } else { ["mid", "high"][usize::from(a > 0.7)] };
    desk.write("d.csv", csv(120, |a, _, _| name(a).into()));
    let file =
        desk.fit(&job("'LogisticRegression'\nC = 100.0\nmax_iter = 500\nclass_weight = { low = 2.0 }"));
    assert_eq!(file["model"]["classes_"], serde_json::json!(["high", "low", "mid"]));
    assert_eq!(file["model"]["coef_"].as_array().unwrap().len(), 3);
    let predicted = desk.ok("rankfit predict --model one.h5 --data d.csv").0;
    let text = std::fs::read_to_string(desk.folder.path().join("d.csv")).unwrap();
    let truth = text.lines().skip(1).map(|line| line.rsplit(',').next().unwrap());
    let right = predicted.lines().zip(truth).filter(|(p, t)| p == t).count();
    assert!(right > 110, "{right}: {predicted}");
    desk.write("job.toml", job("'LogisticRegression'\nclass_weight = { lwo = 2.0 }"));
    desk.refused(
        "rankfit run job.toml --output x.h5",
        78,
        "estimator.class_weight: expected the classes high, low, mid, found ",
    );
    for estimator in ["LinearRegression", "PoissonRegressor"] {
        desk.write("job.toml", job(&format!("'{estimator}'")));
        desk.refused("rankfit run job.toml --output x.h5", 65, "targets that are numbers");
    }
}

#[test]
fn poisson_regression_fits_counts_and_predicts_their_mean() {
    let desk = Desk::new();
    desk.write("d.csv", csv(200, |a, b, _| ((0.5 * a - 0.3 * b + 1.0).exp().round() as i64).to_string()));
    let file = desk.fit(&job("'PoissonRegressor'\nalpha = 0.0\nsolver = 'newton-cholesky'"));
    let coef = numbers(&file["model"]["coef_"]);
    assert!((coef[0] - 0.5).abs() < 0.1 && (coef[1] + 0.3).abs() < 0.1, "{coef:?}");
    let predicted = desk.ok("rankfit predict --model one.h5 --data d.csv").0;
    assert!(predicted.lines().all(|line| line.parse::<f64>().unwrap() > 0.0));
}

#[test]
fn the_user_is_told_what_did_not_work_out() {
    let desk = Desk::new();
    desk.write("d.csv", csv(100, |a, b, i| (u8::from(a + b > 0.1) ^ u8::from(i % 9 == 0)).to_string()));
    desk.write("job.toml", job("'LogisticRegression'\nmax_iter = 1\ntol = 1e-9"));
    let (_, err) = desk.ok("rankfit run job.toml");
    assert!(err.contains("warning: LogisticRegression did not converge within max_iter = 1"), "{err}");
    desk.write("d.csv", csv(100, |a, _, _| u8::from(a > 0.0).to_string()));
    desk.write("job.toml", job("'LogisticRegression'\npenalty = 'none'"));
    let (_, err) = desk.ok("rankfit run job.toml --on-existing replace");
    assert!(err.contains("warning: the classes are separable"), "{err}");
    let coef = &desk.json("out.h5")["model"]["coef_"][0];
    assert!(numbers(coef).iter().all(|c| c.is_finite()));
}

#[test]
fn bad_input_is_refused_with_its_place() {
    let desk = Desk::new();
    let good = || csv(40, |a, _, _| u8::from(a > 0.0).to_string());
    let cases: [(&str, String, i32, &str); 18] = [
        ("'LogisticRegression'", csv(40, |_, _, _| "1".into()), 65, "at least 2 classes"),
        (
            "'LogisticRegression'",
            csv(40, |a, _, _| format!("{a}")),
            65,
            "row 1, column y: expected targets that are classes",
        ),
        (
            "'LogisticRegression'",
            csv(40, |_, _, i| (9_007_199_254_740_991 + i as i64).to_string()),
            65,
            "row 1, column y: expected classes that are whole numbers within ±2^53, or text, found 9007199254740992",
        ),
        ("'PoissonRegressor'", csv(40, |_, _, i| (i as i64 - 30).to_string()), 65, "a count of 0 or more"),
        ("'Ridge'", csv(40, |_, _, i| if i == 7 { "NaN" } else { "1" }.into()), 65, "d.csv"),
        ("'Ridge'\nalpha = -1.0", good(), 78, "job.toml:8: estimator.alpha"),
        ("'Lasso'\nalpha = 'much'", good(), 78, "job.toml:8: estimator.alpha"),
        ("'ElasticNet'\nl1_ratio = 1.5", good(), 78, "job.toml:8: estimator.l1_ratio"),
        ("'LogisticRegression'\nC = 0.0", good(), 78, "job.toml:8: estimator.C"),
        ("'LogisticRegression'\npenalty = 'l1'", good(), 78, "a penalty with an l1 part"),
        ("'LogisticRegression'\npenalty = 'elasticnet'", good(), 78, "estimator.l1_ratio"),
        ("'LogisticRegression'\nsolver = 'saga'", good(), 78, "job.toml:8: estimator.solver"),
        (
            "'Lasso'\nmax_iter = 0",
            good(),
            78,
            "job.toml:8: estimator.max_iter: expected an integer of at least 1",
        ),
        (
            "'Lasso'\nwarm_start = ''",
            good(),
            78,
            "estimator.warm_start: expected the results file to start from",
        ),
        (
            "'Ridge'\nsolver = 'lbfgs'",
            good(),
            78,
            "job.toml:8: estimator.solver: expected \"auto\" or another",
        ),
        ("'Ridge'\nsolver = 'fast'", good(), 78, "job.toml:8: estimator.solver"),
        ("'Lasso'\nselection = 'greedy'", good(), 78, "job.toml:8: estimator.selection"),
        ("'LinearRegresion'", good(), 78, "did you mean \"LinearRegression\"?"),
    ];
    let ranks: &[&str] = if desk.has_mpi { &["", "mpirun -n 3 "] } else { &[""] };
    for (estimator, data, code, piece) in &cases {
        desk.write("d.csv", data);
        desk.write("job.toml", job(estimator));
        desk.refused("rankfit run job.toml", *code, piece);
    }
    // Faults that only some ranks see.
    for mpirun in ranks {
        desk.write("job.toml", job("'PoissonRegressor'"));
        desk.write("d.csv", csv(40, |_, _, i| if i == 38 { "-1" } else { "2" }.into()));
        desk.refused(&format!("{mpirun}rankfit run job.toml"), 65, "row 38, column y");
        let weighed =
            job("'LogisticRegression'").replace("label_column", "weight_column = 'b'\nlabel_column");
        desk.write("job.toml", weighed);
        desk.write("d.csv", good());
        desk.refused(
            &format!("{mpirun}rankfit run job.toml"),
            65,
            "column b: expected a weight of 0 or more",
        );
    }
    desk.write("d.csv", "a,b,y\n1,0,1\n2,0,0\n3,0,1\n");
    desk.refused("rankfit run job.toml", 65, "a positive sum of weights");
    let unlabelled = job("'Ridge'").replace("label_column = 'y'\n", "");
    desk.write("job.toml", unlabelled);
    desk.refused("rankfit run job.toml", 78, "the column of the targets");
    assert!(!desk.folder.path().join("out.h5").exists());
}

#[test]
fn features_that_are_too_large_end_the_run_and_leave_its_history() {
    let desk = Desk::new();
    let mut text = String::from("a,b,y\n");
    for i in 0..200 {
        let (a, b) = ((i as f64 * 0.37).sin() * 2e155, (i as f64 * 1.71).cos() * 1e155);
        writeln!(text, "{a:e},{b:e},{}", i * 7 % 3 % 2).unwrap();
    }
    desk.write("d.csv", text);
    let mut runs = vec!["rankfit run job.toml --on-existing replace"];
    runs.extend(desk.has_mpi.then_some("mpirun -n 3 rankfit run job.toml --on-existing replace"));
    for run in runs {
        // The gradient leaves the range of its squares after an iteration; second derivatives have at the start.
        desk.write("job.toml", job("'LogisticRegression'\nsolver = 'proximal_grad'"));
        desk.refused(run, 65, "LogisticRegression diverged at iteration 1: a gradient of ");
        let left = desk.json("out.h5.diverged");
        assert_eq!(left["status"], "diverged");
        assert_eq!(numbers(&left["history"]["loss"]).len(), 1);
        std::fs::remove_file(desk.folder.path().join("out.h5.diverged")).unwrap();
        for solver in ["newton-cholesky", "admm"] {
            desk.write("job.toml", job(&format!("'LogisticRegression'\nsolver = '{solver}'")));
            desk.refused(run, 65, "diverged at iteration 0: second derivatives that are infinite");
        }
        for name in ["LinearRegression", "Ridge", "Lasso", "ElasticNet"] {
            desk.write("job.toml", job(&format!("'{name}'")));
            desk.refused(run, 65, "d.csv: expected values whose squares are finite");
        }
        assert!(!desk.folder.path().join("out.h5").exists());
    }
}
