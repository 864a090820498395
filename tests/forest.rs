//! Trees are scikit-learn's where nothing is drawn; forests score as scikit-learn's do; both whoever grows them.

mod golden;
mod run_chains;

use std::sync::Arc;

use golden::{matrix, read, table, vector};
use ndarray::{Array2, s};
use rankfit::comm::{allgather, run_threads};
use rankfit::data::Table;
use rankfit::estimator::Values;
use rankfit::estimator::ensemble::{
    Amount, ClassWeight, ForestData, ForestKind, ForestModel, ForestParams, ForestSearch, MaxFeatures,
};
use rankfit::estimator::row_scores::RowScores;
use rankfit::estimator::searchable::{FitOutcome, Searchable, Split};
use rankfit::estimator::tree::Tree;
use rankfit::metrics::Scorer;
use rankfit::partition::Slice;
use run_chains::run_chains;
use serde_json::Value;

/// What takes the outcomes of fits.
type Emit<'a> = dyn FnMut(FitOutcome) -> rankfit::error::Result<()> + 'a;

fn params(kind: ForestKind, given: &Value) -> ForestParams {
    let params: ForestParams = serde_json::from_value(given.clone()).expect("parameters");
    ForestParams { kind, ..params }
}

fn fit(kind: ForestKind, given: &Value, table: Table) -> ForestModel {
    let data = ForestData::new(Arc::new(table), kind).expect("data");
    params(kind, given).validate(0).expect("valid").fit(&data).expect("a fit")
}

/// One tree on all rows that may use all features at each node.
fn single(given: &Value) -> Value {
    let mut given = given.clone();
    for (key, value) in
        [("n_estimators", 1.into()), ("bootstrap", false.into()), ("max_features", 1.0.into())]
    {
        given[key] = value;
    }
    given
}

fn near(ours: &[f64], theirs: &[f64], what: &str) {
    assert_eq!(ours.len(), theirs.len(), "{what}");
    for (a, b) in ours.iter().zip(theirs) {
        assert!((a - b).abs() <= 1e-11 * b.abs().max(1.0), "{what}: {a} for {b}");
    }
}

fn ints(values: &[i32]) -> Vec<f64> {
    values.iter().map(|&v| f64::from(v)).collect()
}

#[test]
fn trees_on_all_rows_and_features_are_scikit_learns() {
    let golden = read("forest/trees.json");
    let x = matrix(&golden["X"]) / 1024.0;
    for classes in ["2", "3", "0"] {
        let data = &golden["data"][classes];
        let kind = match classes {
            "0" => ForestKind::RandomForestRegressor,
            _ => ForestKind::RandomForestClassifier,
        };
        for expected in data["trees"].as_array().expect("trees") {
            let mut table = table(x.clone(), vector(&data["y"]));
            if expected["weighted"] == true {
                table.weights = vector(&golden["weight"]);
            }
            let model = fit(kind, &single(&expected["params"]), table);
            let tree = &model.trees()[0];
            let what = format!("{classes} classes, {}", expected["params"]);
            same_tree(tree, expected, &what);
            near(&model.feature_importances(), &vector(&expected["feature_importances"]), &what);
        }
    }
}

fn same_tree(tree: &Tree, expected: &Value, what: &str) {
    near(&ints(&tree.n_node_samples), &vector(&expected["n_node_samples"]), what);
    near(&ints(&tree.children_left), &vector(&expected["children_left"]), what);
    near(&ints(&tree.children_right), &vector(&expected["children_right"]), what);
    near(&tree.impurity, &vector(&expected["impurity"]), what);
    let values: Vec<f64> = expected["value"].as_array().expect("values").iter().flat_map(vector).collect();
    near(&tree.value, &values, what);
    near(&ints(&tree.feature), &vector(&expected["feature"]), what);
    near(&tree.threshold, &vector(&expected["threshold"]), what);
}

/// The mean of our scores and of scikit-learn's estimate the same number if the forests have the same distribution. Five
/// standard errors of their difference, σ·√(1/n + 1/m), are exceeded once in a million such comparisons.
#[test]
fn forests_score_as_scikit_learns() {
    let golden = read("forest/forests.json");
    let x = matrix(&golden["X"]) / 1024.0;
    let n_train = golden["n_train"].as_u64().expect("a number") as usize;
    const N_SEEDS: u64 = 20;
    for expected in golden["forests"].as_array().expect("forests") {
        let kind = ForestKind::of(expected["name"].as_str().expect("a name")).expect("a kind");
        let y = vector(&expected["y"]);
        let (train, test) = (x.slice(s![..n_train, ..]).to_owned(), x.slice(s![n_train.., ..]).to_owned());
        let data = ForestData::new(Arc::new(table(train, y[..n_train].to_vec())), kind).expect("data");
        let scorer = if kind.is_classifier() { Scorer::Accuracy } else { Scorer::R2 };
        let mut scores = 0.0;
        let mut importances = vec![0.0; x.ncols()];
        for seed in 0..N_SEEDS {
            let params = ForestParams { kind, n_estimators: 30, ..ForestParams::default() };
            let model = params.validate(seed).expect("valid").fit(&data).expect("a fit");
            let y_pred = model.predict(test.view()).expect("predictions");
            scores += scorer.score(&y[n_train..], &y_pred).expect("a score");
            importances.iter_mut().zip(model.feature_importances()).for_each(|(sum, i)| *sum += i);
        }
        let number = |key: &str| expected[key].as_f64().expect("a number");
        let errors = 5.0 * (1.0 / N_SEEDS as f64 + 1.0 / number("n_seeds")).sqrt();
        let mean = scores / N_SEEDS as f64;
        let bound = errors * number("std");
        assert!((mean - number("mean")).abs() <= bound, "{kind:?}: {mean} for {}, ±{bound}", number("mean"));
        let stds = vector(&expected["importances_std"]);
        for ((sum, theirs), std) in importances.iter().zip(vector(&expected["importances_mean"])).zip(stds) {
            let ours = sum / N_SEEDS as f64;
            assert!((ours - theirs).abs() <= errors * std, "{kind:?}: importance {ours} for {theirs}");
        }
    }
}

/// Noisy classes of many rows, with ties in some columns and one that is constant.
fn noisy(n: usize, n_classes: u64) -> Table {
    let mut state = 1u64;
    let mut next = move || {
        state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        state >> 33
    };
    let mut x = Array2::zeros((n, 6));
    let mut y = Vec::new();
    for mut row in x.rows_mut() {
        let class = next() % n_classes;
        for (feature, value) in row.iter_mut().enumerate() {
            let noise = (next() % 1000) as f64 / 250.0;
            *value = match feature {
                0 | 1 => class as f64 + noise,
                2 => (noise * 3.0).floor(),
                3 => 7.0,
                _ => noise,
            };
        }
        y.push(if next().is_multiple_of(10) { (next() % n_classes) as f64 } else { class as f64 });
    }
    table(x, y)
}

#[test]
fn trees_do_not_depend_on_who_grows_them() {
    let kind = ForestKind::RandomForestClassifier;
    let data = ForestData::new(Arc::new(noisy(400, 3)), kind).unwrap();
    let forest = ForestParams { kind, n_estimators: 11, ..ForestParams::default() }.validate(9).unwrap();
    let whole = forest.fit(&data).unwrap();
    for size in [1, 2, 3, 7, 16] {
        let models = run_threads(size, |comm| {
            let share = Slice::of(forest.n_trees(), comm.rank(), comm.size()).blocks;
            let mine = forest.fit_trees(&data, share).unwrap();
            let all: Vec<Vec<Tree>> = allgather(comm, &mine).unwrap();
            forest.assemble(&data, all.concat()).unwrap()
        });
        assert!(models.iter().all(|model| *model == whole), "{size} ranks");
    }
}

/// Every score read off a shared forest is that of the candidate fitted alone on the fold's rows.
#[test]
fn candidates_read_off_one_forest_are_those_fitted_alone() {
    let table = noisy(300, 3);
    let kind = ForestKind::RandomForestClassifier;
    let mut candidates = Vec::new();
    for n_estimators in [7, 1, 4] {
        for max_depth in [None, Some(2), Some(5)] {
            for max_features in [MaxFeatures::Rule("sqrt".into()), MaxFeatures::Number(4)] {
                let params = ForestParams {
                    kind,
                    n_estimators,
                    max_depth,
                    max_features: Some(max_features),
                    ..ForestParams::default()
                };
                candidates.push(params.validate(3).unwrap());
            }
        }
    }
    let of_fold = |fold: usize, keep: bool| -> Vec<usize> {
        (0..300).filter(|row| (row % 2 == fold) == keep).collect()
    };
    let splits: Vec<Split> =
        (0..2).map(|fold| Split { train: of_fold(fold, false), test: of_fold(fold, true) }).collect();
    let data = Arc::new(ForestData::new(Arc::new(table.clone()), kind).unwrap());
    let accuracy = |y_true: &[f64], y_pred: &[f64]| Scorer::Accuracy.score(y_true, y_pred).unwrap();
    let scores = RowScores::new(vec![Scorer::Accuracy], None);
    let search = ForestSearch::new(data, candidates.clone(), scores, true);
    assert_eq!(search.chains(&splits).len(), 4, "two forests on each of two folds");
    let take = |rows: &[usize]| {
        let y: Vec<f64> = rows.iter().map(|&row| table.y[row]).collect();
        self::table(table.x.select(ndarray::Axis(0), rows), y)
    };
    let mut distinct = std::collections::BTreeSet::new();
    for outcome in run_chains(&search, &splits) {
        let split = &splits[outcome.id.fold];
        let train = Arc::new(take(&split.train));
        let alone = ForestData::new(train.clone(), kind).unwrap();
        let model = candidates[outcome.id.candidate].fit(&alone).unwrap();
        let score = |table: &Table| accuracy(&table.y, &model.predict(table.x.view()).unwrap());
        assert_eq!(outcome.test_scores, [score(&take(&split.test))], "{:?}", outcome.id);
        assert_eq!(outcome.train_scores, [score(&train)], "{:?}", outcome.id);
        distinct.insert(outcome.test_scores[0].to_bits());
    }
    assert!(distinct.len() > 5, "the candidates differ");
}

/// Scores that show every bit of the trees' sums are the same from a chain as a whole and from its parts.
#[test]
fn chains_that_are_cut_come_to_the_same() {
    for kind in [ForestKind::RandomForestClassifier, ForestKind::ExtraTreesRegressor] {
        let data = noisy(150, 3);
        let splits: Vec<Split> = (0..2)
            .map(|fold| Split {
                train: (0..150).filter(|row| row % 2 != fold).collect(),
                test: (0..150).filter(|row| row % 2 == fold).collect(),
            })
            .collect();
        let mut forests = Vec::new();
        for n_estimators in [25, 3, 10, 17] {
            for depth in [2, 5] {
                let max_depth = Some(depth);
                let params = ForestParams { kind, n_estimators, max_depth, ..ForestParams::default() };
                forests.push(params.validate(3).unwrap());
            }
        }
        let scorer = if kind.is_classifier() { Scorer::NegLogLoss } else { Scorer::NegMeanSquaredError };
        let scores = RowScores::new(vec![scorer], None);
        let data = Arc::new(ForestData::new(Arc::new(data), kind).unwrap());
        let search = ForestSearch::new(data, forests, scores, true);
        for chain in search.chains(&splits) {
            assert_eq!(search.n_chain_parts(&chain), 3);
            let scores = |run: &dyn Fn(&mut Emit)| {
                let mut found = Vec::new();
                run(&mut |outcome| {
                    found.push((outcome.id, outcome.test_scores, outcome.train_scores));
                    Ok(())
                });
                found
            };
            let whole = scores(&|emit| search.run(&chain, &splits, emit).unwrap());
            let parts: Vec<Vec<u8>> =
                (0..3).map(|part| search.chain_part(&chain, &splits, part).unwrap()).collect();
            let joined = scores(&|emit| search.join_chain(&chain, &splits, &parts, emit).unwrap());
            assert_eq!(joined, whole);
            assert_eq!(whole.len(), 8);
        }
    }
}

/// With 2 trees a row in seven or so is in both samples: scikit-learn's prediction of it is 0, and counts.
#[test]
fn rows_in_every_sample_are_predicted_as_nothing_out_of_bag() {
    let data = noisy(300, 2);
    let y = data.y.clone();
    let params = serde_json::json!({"oob_score": true, "n_estimators": 2});
    let model = fit(ForestKind::RandomForestClassifier, &params, data);
    let shares = model.export().numbers("oob_decision_function_").unwrap();
    let none = shares.chunks_exact(2).filter(|shares| shares[..] == [0.0, 0.0]).count();
    assert!(none > 60 && none == model.n_without_oob(), "{none}");
    let right = shares.chunks_exact(2).zip(&y).filter(|(s, y)| f64::from(u8::from(s[1] > s[0])) == **y);
    near(&[model.oob_score().unwrap()], &[right.count() as f64 / 300.0], "of all rows");
}

/// The refit of a search is the same model whoever grows which of its trees.
#[test]
fn a_refit_in_parts_is_that_of_one() {
    let kind = ForestKind::RandomForestClassifier;
    let data = Arc::new(ForestData::new(Arc::new(noisy(200, 3)), kind).unwrap());
    let params = ForestParams { kind, n_estimators: 7, oob_score: true, ..ForestParams::default() };
    let forests = vec![params.validate(5).unwrap()];
    let search = ForestSearch::new(data, forests, RowScores::new(vec![Scorer::Accuracy], None), false);
    let whole = search.refit_steps(0).unwrap();
    for size in [1, 2, 3, 9] {
        let part = |rank| search.refit_parts(0, Slice::of(search.n_refit_parts(0), rank, size).blocks);
        let parts: Vec<Vec<u8>> = (0..size).map(|rank| part(rank).unwrap()).collect();
        let joined = search.join_refit(0, &parts).unwrap();
        assert_eq!(format!("{joined:?}"), format!("{whole:?}"), "{size} ranks");
    }
}

#[test]
fn a_model_comes_back_from_its_arrays() {
    for kind in ForestKind::ALL {
        let table = noisy(120, 3);
        let x = table.x.clone();
        let model = fit(kind, &serde_json::json!({"n_estimators": 5}), table);
        let back = ForestModel::import(&model.export()).unwrap();
        assert_eq!(back.predict_values(x.view()).unwrap(), model.predict_values(x.view()).unwrap());
        let mut broken = model.export();
        broken.attributes.retain(|(name, _)| name != "threshold");
        assert!(ForestModel::import(&broken).is_err());
        assert!(model.predict(x.slice(s![.., ..5])).is_err());
    }
}

#[test]
fn classes_are_kept_as_integers_and_read_as_numbers() {
    // scikit-learn 1.9.1: `classes_.dtype` is int64 for targets of integers; models of earlier builds have float64.
    let kind = ForestKind::RandomForestClassifier;
    let model = fit(kind, &serde_json::json!({ "n_estimators": 3 }), noisy(60, 3));
    let mut exported = model.export();
    let place = exported.attributes.iter().position(|(name, _)| name == "classes_").unwrap();
    assert_eq!(exported.attributes[place].1.values, Values::I64(vec![0, 1, 2]));
    exported.attributes[place].1.values = Values::F64(vec![0.0, 1.0, 2.0]);
    let x = noisy(60, 3).x;
    let back = ForestModel::import(&exported).unwrap();
    assert_eq!(back.predict(x.view()).unwrap(), model.predict(x.view()).unwrap());
}

#[test]
fn small_and_dull_data() {
    let kind = ForestKind::RandomForestClassifier;
    let none = serde_json::json!({});
    // One row; one class; nothing but constant columns: each tree is its root.
    let cases = [
        table(Array2::zeros((1, 2)), vec![4.0]),
        table(Array2::from_shape_fn((9, 2), |(i, j)| (i * j) as f64), vec![4.0; 9]),
        table(Array2::from_elem((9, 2), 3.0), vec![4.0, 4.0, 4.0, 4.0, 4.0, 4.0, 4.0, 2.0, 4.0]),
    ];
    for table in cases {
        let x = table.x.clone();
        let model = fit(kind, &none, table);
        assert!(model.trees().iter().all(|tree| tree.n_nodes() == 1));
        assert!(model.predict(x.view()).unwrap().iter().all(|&class| class == 4.0));
        assert!(model.feature_importances().iter().all(|&i| i == 0.0));
    }
    let stumps = fit(kind, &serde_json::json!({"max_depth": 1}), noisy(200, 2));
    assert!(stumps.trees().iter().all(|tree| tree.depth() == 1));
    // A constant column is never split on, though it is drawn.
    assert!(stumps.trees().iter().all(|tree| !tree.feature.contains(&3)));
    let regressor = fit(ForestKind::RandomForestRegressor, &none, table(Array2::zeros((1, 1)), vec![2.5]));
    assert_eq!(regressor.predict(Array2::ones((1, 1)).view()).unwrap(), [2.5]);
}

#[test]
fn weights_of_classes_and_rows_move_the_prediction() {
    let dull = |weights: Vec<f64>| Table { weights, ..table(Array2::zeros((3, 1)), vec![0.0, 0.0, 1.0]) };
    let kind = ForestKind::ExtraTreesClassifier;
    let predict = |given: &Value, weights| {
        fit(kind, given, dull(weights)).predict_values(Array2::zeros((1, 1)).view()).unwrap()[[0, 1]]
    };
    let share = |given: Value, weights| predict(&given, weights);
    near(&[share(serde_json::json!({}), vec![])], &[1.0 / 3.0], "plain");
    near(&[share(serde_json::json!({"class_weight": "balanced"}), vec![])], &[0.5], "balanced");
    near(&[share(serde_json::json!({"class_weight": {"1": 6.0}}), vec![])], &[0.75], "a table");
    near(&[share(serde_json::json!({}), vec![1.0, 0.0, 4.0])], &[0.8], "weights of rows");
}

/// Out-of-bag accuracy estimates that of new rows: within 5 standard errors of two proportions.
#[test]
fn out_of_bag_scores_are_those_of_new_rows() {
    let all = noisy(2000, 2);
    let half = |rows: std::ops::Range<usize>| {
        table(all.x.slice(s![rows.clone(), ..]).to_owned(), all.y[rows].to_vec())
    };
    let model =
        fit(ForestKind::RandomForestClassifier, &serde_json::json!({"oob_score": true}), half(0..1000));
    let test = half(1000..2000);
    let fresh = Scorer::Accuracy.score(&test.y, &model.predict(test.x.view()).unwrap()).unwrap();
    let oob = model.oob_score().expect("it was asked for");
    assert!(
        oob < 1.0 && (oob - fresh).abs() < 5.0 * (2.0 * fresh * (1.0 - fresh) / 1000.0).sqrt(),
        "{oob}, {fresh}"
    );
}

#[test]
fn parameters_out_of_range_are_refused() {
    let base = ForestParams::default;
    let table = |class: &str, weight| ClassWeight::Table([(class.to_string(), weight)].into());
    let cases: Vec<(&str, ForestParams)> = vec![
        ("n_estimators", ForestParams { n_estimators: 0, ..base() }),
        ("criterion", ForestParams { criterion: Some("squared_error".into()), ..base() }),
        ("max_depth", ForestParams { max_depth: Some(0), ..base() }),
        ("min_samples_split", ForestParams { min_samples_split: Amount::Number(1), ..base() }),
        ("min_samples_leaf", ForestParams { min_samples_leaf: Amount::Part(1.0), ..base() }),
        ("min_weight_fraction_leaf", ForestParams { min_weight_fraction_leaf: 0.6, ..base() }),
        ("max_features", ForestParams { max_features: Some(MaxFeatures::Part(1.5)), ..base() }),
        ("max_features", ForestParams { max_features: Some(MaxFeatures::Number(0)), ..base() }),
        ("max_features", ForestParams { max_features: Some(MaxFeatures::Rule("auto".into())), ..base() }),
        ("max_leaf_nodes", ForestParams { max_leaf_nodes: Some(1), ..base() }),
        ("min_impurity_decrease", ForestParams { min_impurity_decrease: f64::NAN, ..base() }),
        ("oob_score", ForestParams { oob_score: true, bootstrap: Some(false), ..base() }),
        ("max_samples", ForestParams { max_samples: Some(Amount::Part(0.0)), ..base() }),
        (
            "max_samples",
            ForestParams { max_samples: Some(Amount::Number(5)), bootstrap: Some(false), ..base() },
        ),
        ("class_weight", ForestParams { class_weight: Some(ClassWeight::Rule("even".into())), ..base() }),
        ("class_weight.1", ForestParams { class_weight: Some(table("1", -1.0)), ..base() }),
        ("ccp_alpha", ForestParams { ccp_alpha: -0.1, ..base() }),
    ];
    for (key, params) in cases {
        let message = params.validate(0).expect_err(key).to_string();
        assert!(message.starts_with(&format!("estimator.{key}: ")), "{message}");
    }
    assert!(serde_json::from_value::<ForestParams>(serde_json::json!({"max_depth": "deep"})).is_err());
    let rows = noisy(50, 2);
    let kind = ForestKind::RandomForestClassifier;
    let data = ForestData::new(Arc::new(rows.clone()), kind).unwrap();
    let unknown = ForestParams { class_weight: Some(table("red", 2.0)), ..base() };
    assert!(unknown.validate(0).unwrap().fit(&data).unwrap_err().to_string().contains("the classes 0, 1"));
    let bad = Table { y: vec![0.5; 50], ..rows };
    assert!(ForestData::new(Arc::new(bad), kind).unwrap_err().to_string().contains("whole numbers or text"));
}

/// Twelve rows that nothing tells apart, four of them of class 1, and what they may weigh: 22.25, of which 11.25 in class 1.
fn alike(weighs: bool) -> Table {
    let y = [vec![0.0; 8], vec![1.0; 4]].concat();
    let weights = vec![1.0, 2.0, 0.5, 3.0, 0.0, 1.0, 1.5, 2.0, 4.0, 0.25, 1.0, 6.0];
    Table { weights: if weighs { weights } else { Vec::new() }, ..table(Array2::zeros((12, 1)), y) }
}

/// Weights say which rows are drawn, and trees count what was drawn: shares of class 1 in 2,000 roots have
/// scikit-learn's mean, within 5 standard errors, and its deviation; roots have its weight. From scikit-learn 1.9.1,
/// `RandomForestClassifier(n_estimators=4000, …).fit(X, y, sample_weight=w)`; means are 11.25/22.25 and the like.
#[test]
fn weights_set_the_bootstrap_as_in_scikit_learn() {
    let none = serde_json::Value::Null;
    let table = serde_json::json!({"1": 3.0});
    let cases: [(bool, Value, Value, f64, f64, f64); 12] = [
        (false, none.clone(), none.clone(), 12.0, 1.0 / 3.0, 0.133),
        (false, "balanced".into(), none.clone(), 12.0, 0.5, 0.146),
        (false, table.clone(), none.clone(), 12.0, 0.6, 0.142),
        (true, none.clone(), none.clone(), 12.0, 11.25 / 22.25, 0.146),
        (true, "balanced".into(), none.clone(), 12.0, 0.5, 0.146),
        (true, "balanced_subsample".into(), none.clone(), 12.0, 0.5, 0.0158),
        (true, table.clone(), none.clone(), 12.0, 33.75 / 44.75, 0.1255),
        (true, none.clone(), 0.5.into(), 11.0, 11.25 / 22.25, 0.153),
        (true, none.clone(), 100.into(), 100.0, 11.25 / 22.25, 0.0498),
        (true, none.clone(), 2.5.into(), 55.0, 11.25 / 22.25, 0.0666),
        (true, table, 0.5.into(), 22.0, 33.75 / 44.75, 0.0917),
        (false, none, 0.999.into(), 11.0, 1.0 / 3.0, 0.140),
    ];
    for (weighs, class_weight, max_samples, weight, mean, std) in cases {
        let mut given = serde_json::json!({"n_estimators": 2000});
        for (key, value) in [("class_weight", class_weight), ("max_samples", max_samples)] {
            if !value.is_null() {
                given[key] = value;
            }
        }
        let model = fit(ForestKind::RandomForestClassifier, &given, alike(weighs));
        let roots: Vec<f64> = model.trees().iter().map(|tree| tree.weighted_n_node_samples[0]).collect();
        assert!(roots.iter().all(|root| (root - weight).abs() < 1e-9), "{given}: {}", roots[0]);
        let shares: Vec<f64> = model.trees().iter().map(|tree| tree.value[1]).collect();
        let found = rankfit::metrics::mean(&shares);
        assert!((found - mean).abs() <= 5.0 * std / 2000f64.sqrt(), "{given}: {found} for {mean}");
        let found = rankfit::metrics::std(&shares);
        // The deviation of rare samples of one class is itself uncertain.
        assert!((found - std).abs() <= 0.1 * std + 0.003, "{given}: {found} for {std}");
    }
}

/// Without bootstrap samples weights are the trees'; classes are balanced by what their rows weigh, and
/// `"balanced_subsample"` is `"balanced"`. scikit-learn 1.9.1 has these shares and weights of the root.
#[test]
fn weights_without_samples_are_the_trees() {
    for (class_weight, weight, share) in [
        (serde_json::json!({}), 22.25, 11.25 / 22.25),
        ("balanced".into(), 22.25, 0.5),
        ("balanced_subsample".into(), 22.25, 0.5),
        (serde_json::json!({"1": 3.0}), 44.75, 33.75 / 44.75),
    ] {
        let given = serde_json::json!({"n_estimators": 1, "bootstrap": false, "class_weight": class_weight});
        let model = fit(ForestKind::RandomForestClassifier, &given, alike(true));
        let tree = &model.trees()[0];
        near(&[tree.weighted_n_node_samples[0], tree.value[1]], &[weight, share], &given.to_string());
    }
}

/// Rows without weights are drawn as they were in earlier builds, and so are those of a table that names no class.
#[test]
fn rows_without_weights_are_drawn_as_ever() {
    let kind = ForestKind::RandomForestClassifier;
    let plain = fit(kind, &serde_json::json!({"n_estimators": 3, "random_state": 5}), alike(false));
    let shares: Vec<f64> = plain.trees().iter().map(|tree| tree.value[1] * 12.0).collect();
    near(&shares, &[4.0, 5.0, 3.0], "draws");
    let given = serde_json::json!({"n_estimators": 3, "random_state": 5, "class_weight": {}});
    assert_eq!(fit(kind, &given, alike(false)).trees(), plain.trees());
}

/// scikit-learn 1.9.1 refuses them, too: NaN among the probabilities of rows, or among their weights.
#[test]
fn samples_that_cannot_be_drawn_are_refused() {
    let kind = ForestKind::RandomForestClassifier;
    let refused = |given: Value, weights: Vec<f64>| {
        let data = ForestData::new(Arc::new(Table { weights, ..alike(false) }), kind).expect("data");
        params(kind, &given).validate(0).expect("valid").fit(&data).expect_err("an error").to_string()
    };
    let lacking = [vec![1.0; 8], vec![0.0; 4]].concat();
    let message = refused(serde_json::json!({"class_weight": "balanced"}), lacking);
    assert!(message.contains("every class that weigh something"), "{message}");
    assert!(message.contains("found none in class 1"), "{message}");
    let message = refused(serde_json::json!({}), vec![1e308; 12]);
    assert!(message.contains("a finite sum, found inf"), "{message}");
    let message = refused(serde_json::json!({"max_samples": 0.5}), vec![1e300; 12]);
    assert!(
        message.starts_with("estimator.max_samples: expected a sample of at most 2147483647 rows"),
        "{message}"
    );
}
