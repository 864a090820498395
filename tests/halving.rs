//! Searches in rungs: scikit-learn's counts, and what the program makes of them.

use std::path::Path;
use std::sync::{Arc, Mutex};

use ndarray::Array2;
use rankfit::comm::run_threads;
use rankfit::data::Table;
use rankfit::engine::keeper::Keeper;
use rankfit::error::Result;
use rankfit::estimator::Values;
use rankfit::estimator::fold_search::{FoldFit, FoldSearch};
use rankfit::estimator::linear_model::{LinearParams, RidgeParams};
use rankfit::estimator::row_scores::RowScores;
use rankfit::model_selection::{
    Candidate, MinResources, Rows, Rules, Rungs, SearchResult, SearchSpec, Searchable,
};
use rankfit::telemetry::Telemetry;
use serde_json::{Value, json};

/// Keeps every state in memory.
#[derive(Default)]
struct Memory(Mutex<Vec<Vec<u8>>>, Option<Vec<u8>>);

impl Keeper for Memory {
    fn load(&self) -> Result<Option<Vec<u8>>> {
        Ok(self.1.clone())
    }
    fn store(&self, state: &[u8]) -> Result<()> {
        self.0.lock().unwrap().push(state.to_vec());
        Ok(())
    }
    fn is_due(&self) -> bool {
        true
    }
    fn path(&self) -> &Path {
        Path::new("out.h5.checkpoint")
    }
}

fn table() -> Arc<Table> {
    let x = Array2::from_shape_fn((300, 4), |(i, j)| ((i * (3 * j + 7)) as f64 * 0.61).sin());
    let y = x.rows().into_iter().enumerate().map(|(i, x)| x[0] - 2.0 * x[2] + (i as f64).cos()).collect();
    Arc::new(Table { x, y, weights: Vec::new(), class_names: None, origin: "a test".into() })
}

/// A search of Ridge over `alpha` on each of `size` ranks.
fn climb(spec: &str, size: usize, keeper: &Memory) -> Vec<SearchResult> {
    let search = toml::from_str::<SearchSpec>(spec).unwrap().check(false, 3).unwrap();
    let table = table();
    let splits = search.splits(300, &table.y, None).unwrap().splits;
    let make = |candidates: &[Candidate]| -> Result<Box<dyn Searchable>> {
        let ridge = |candidate: &Candidate| {
            let params = RidgeParams { alpha: candidate["alpha"].as_f64().unwrap(), ..Default::default() };
            Box::new(LinearParams::Ridge(params)) as Box<dyn FoldFit>
        };
        let fits = candidates.iter().map(ridge).collect();
        let scores = RowScores::new(search.scorers.clone(), None);
        Ok(Box::new(FoldSearch::new(table.clone(), fits, scores, search.return_train_score)))
    };
    run_threads(size, |comm| {
        let rows = Rows { n_samples: 300, n_classes: 1 };
        let rungs = Rungs { make: &make, splits: &splits, rows, search: &search };
        rungs.run(comm, &Telemetry::new(), Some(keeper), &mut ()).unwrap()
    })
}

fn integers(result: &SearchResult, name: &str) -> Vec<i64> {
    match &result.cv_results.column(name).unwrap().values {
        Values::I64(values) => values.clone(),
        other => panic!("{other:?}"),
    }
}

const ALPHAS: &str = "alpha = [0.01, 0.1, 0.3, 1, 3, 10, 30, 100, 1000]";

#[test]
fn rungs_keep_the_best_and_give_them_more_rows() {
    let halving = format!("kind = \"halving\"\ncv = 3\ngrid = {{ {ALPHAS} }}");
    let results = climb(&halving, 1, &Memory::default());
    let result = &results[0];
    let mut rows = vec![33; 9];
    rows.extend([99, 99, 99, 297]);
    assert_eq!(integers(result, "n_resources"), rows);
    assert_eq!(integers(result, "iter"), [vec![0; 9], vec![1; 3], vec![2]].concat());
    let table = &result.cv_results;
    assert!(table.column("mean_train_score").is_some());
    let means = table.column("mean_test_score").unwrap().to_f64().unwrap();
    let alphas = table.column("param_alpha").unwrap().to_f64().unwrap();
    // Who goes on has the best scores of its rung, worst first.
    for (rung, next) in [(0..9, 9..12), (9..12, 12..13)] {
        let mut order: Vec<usize> = rung.collect();
        order.sort_by(|&a, &b| means[a].total_cmp(&means[b]));
        let kept: Vec<f64> = order[order.len() - next.len()..].iter().map(|&row| alphas[row]).collect();
        assert_eq!(alphas[next], kept);
    }
    let best = table.best.as_ref().unwrap();
    assert_eq!((best.index, best.score), (12, means[12]));
    assert_eq!(result.model.as_ref().unwrap().params["alpha"].as_f64(), Some(alphas[12]));
}

#[test]
fn rungs_are_the_same_on_any_number_of_ranks_and_when_taken_up_again() {
    let drawn = "distributions = { alpha = { distribution = \"loguniform\", low = 1e-3, high = 1e3 } }";
    for spec in [
        format!("kind = \"halving\"\ncv = 3\n{drawn}\nn_candidates = 12\nfactor = 2"),
        format!("kind = \"hyperband\"\ncv = 3\n{drawn}"),
    ] {
        let kept = Memory::default();
        let first = climb(&spec, 1, &kept).swap_remove(0);
        let same = |result: &SearchResult| {
            let columns = |result: &SearchResult| -> Vec<_> {
                result.cv_results.columns.iter().filter(|column| !column.is_time).cloned().collect()
            };
            assert_eq!(format!("{:?}", columns(result)), format!("{:?}", columns(&first)));
            assert_eq!(result.cv_results.best, first.cv_results.best);
        };
        for size in [2, 3, 7] {
            climb(&spec, size, &Memory::default()).iter().for_each(same);
        }
        let states = kept.0.into_inner().unwrap();
        let n_fits = 3 * first.cv_results.column("params").unwrap().values.len();
        for (at, least) in [(states.len() / 3, 1), (states.len() - 1, n_fits - 3)] {
            let keeper = Memory(Mutex::default(), Some(states[at].clone()));
            let again = climb(&spec, 2, &keeper);
            again.iter().for_each(same);
            // A state begins with the number of its rungs: what later ones have stays while the first are taken up.
            assert!(keeper.0.into_inner().unwrap().iter().all(|state| state[0] >= states[at][0]));
            let taken_over = again[0].report.n_resumed;
            assert!((least..=n_fits).contains(&taken_over), "{taken_over} of {n_fits}");
        }
    }
}

#[test]
fn hyperband_draws_its_brackets_and_compares_what_got_all_rows() {
    let drawn = "distributions = { alpha = { distribution = \"loguniform\", low = 1e-3, high = 1e3 } }";
    let results = climb(&format!("kind = \"hyperband\"\ncv = 3\n{drawn}"), 1, &Memory::default());
    let result = &results[0];
    let (brackets, rows) = (integers(result, "bracket"), integers(result, "n_resources"));
    // 300 rows, at least 6: brackets of 4 rungs with 27, 12, 6 and 4 candidates.
    let of = |bracket: i64| -> Vec<i64> {
        rows.iter().zip(&brackets).filter(|(_, of)| **of == bracket).map(|(rows, _)| *rows).collect()
    };
    let expected = |rungs: &[(usize, i64)]| -> Vec<i64> {
        rungs.iter().flat_map(|&(n, rows)| std::iter::repeat_n(rows, n)).collect()
    };
    assert_eq!(of(0), expected(&[(27, 11), (9, 33), (3, 100), (1, 300)]));
    assert_eq!(of(1), expected(&[(12, 33), (4, 100), (1, 300)]));
    assert_eq!(of(2), expected(&[(6, 100), (2, 300)]));
    assert_eq!(of(3), expected(&[(4, 300)]));
    let means = result.cv_results.column("mean_test_score").unwrap().to_f64().unwrap();
    let best = result.cv_results.best.as_ref().unwrap();
    let all_rows = (0..means.len()).filter(|&row| rows[row] == 300);
    assert!(rows[best.index] == 300 && all_rows.clone().all(|row| means[row] <= best.score));
    assert_eq!(all_rows.count(), 8);
}

fn count(value: &Value) -> usize {
    value.as_u64().unwrap() as usize
}

#[test]
fn counts_are_those_of_scikit_learn() {
    let path = format!("{}/tests/data/model_selection/halving.json", env!("CARGO_MANIFEST_DIR"));
    let file: Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    let cases = file["cases"].as_array().unwrap();
    let mut refused = 0;
    for case in cases {
        let given = &case["rules"];
        let rules = Rules {
            factor: given["factor"].as_f64().unwrap_or(3.0),
            resource: given["resource"].as_str().unwrap_or("n_samples").into(),
            min_resources: match &given["min_resources"] {
                Value::Number(number) => MinResources::Given(number.as_u64().unwrap() as usize),
                Value::String(word) if word == "smallest" => MinResources::Smallest,
                _ => MinResources::Exhaust,
            },
            max_resources: given["max_resources"].as_u64().map(|number| number as usize),
            aggressive_elimination: given["aggressive_elimination"].as_bool().unwrap_or(false),
        };
        let n_samples = count(&case["n_samples"]);
        let found = rules.halving(count(&case["n_candidates"]), n_samples, count(&case["smallest"]));
        if case["error"].is_string() {
            assert!(found.is_err(), "{case}");
            refused += 1;
            continue;
        }
        let found = found.unwrap();
        let [bracket] = &found.brackets[..] else { panic!("{found:?}") };
        let of_rungs = |of: fn(&rankfit::model_selection::Rung) -> usize| -> Vec<usize> {
            bracket.rungs.iter().map(of).collect()
        };
        let told = json!({
            "n_candidates_": of_rungs(|rung| rung.n_candidates),
            "n_resources_": of_rungs(|rung| rung.n_resources),
            "min_resources_": found.min_resources,
            "max_resources_": found.max_resources,
            "n_iterations_": bracket.rungs.len(),
            "n_required_iterations_": found.n_required,
            "n_possible_iterations_": found.n_possible,
            "n_remaining_candidates_": bracket.n_remaining,
        });
        for (name, value) in told.as_object().unwrap() {
            assert_eq!(case[name], *value, "{name} of {case}");
        }
    }
    assert!(refused == 2 && cases.len() > 150, "{refused} of {}", cases.len());
}

#[test]
fn keys_of_other_kinds_are_refused() {
    let refused = |text: &str, message: &str| {
        let spec: SearchSpec = toml::from_str(text).unwrap();
        let found = spec.check(true, 0).unwrap_err().to_string();
        assert!(found.starts_with(message), "{found}");
    };
    refused(
        "factor = 2\ngrid = { C = [1] }",
        "search.factor: expected it only where search.kind is \"halving\" or",
    );
    refused("kind = \"cross_validate\"\ngrid = { C = [1] }", "search.grid: expected it only where");
    let halving = "kind = \"halving\"\ngrid = { C = [1, 2] }\n";
    refused(&format!("{halving}factor = 1"), "search.factor: expected a number above 1");
    refused(
        &format!("{halving}min_resources = \"most\""),
        "search.min_resources: expected a positive number or",
    );
    refused(&format!("{halving}max_resources = 0"), "search.max_resources: expected a positive number");
    refused(&format!("{halving}n_candidates = 4"), "search.n_candidates: expected either a grid, or");
    refused(&format!("{halving}resource = \"C\""), "search.resource: expected another resource");
    refused(
        &format!("{halving}scoring = [\"accuracy\", \"f1\"]\nrefit = false"),
        "search.refit: expected false, or the score that says which is best",
    );
    let drawn = "kind = \"halving\"\ndistributions = { C = [1, 2] }\nmin_resources = \"exhaust\"";
    refused(drawn, "search.min_resources: expected \"smallest\" or a number");
}
