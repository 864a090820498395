//! Single trees, and forests whose trees are limited by their leaves, pruned, or told by Poisson's deviance.

mod golden;
mod run_chains;

use std::sync::Arc;

use golden::{matrix, read, table, vector};
use ndarray::Axis;
use rankfit::data::Table;
use rankfit::estimator::ensemble::{
    Forest, ForestData, ForestKind, ForestModel, ForestParams, ForestSearch, TreeParams,
};
use rankfit::estimator::row_scores::RowScores;
use rankfit::estimator::searchable::{FitOutcome, Searchable, Split};
use rankfit::estimator::tree::Tree;
use rankfit::metrics::Scorer;
use run_chains::run_chains;
use serde_json::{Value, json};

fn single(kind: ForestKind, given: &Value) -> Forest {
    let params: TreeParams = serde_json::from_value(given.clone()).expect("parameters");
    TreeParams { kind, ..params }.validate(0).expect("valid")
}

fn forest(kind: ForestKind, given: &Value) -> Forest {
    let params: ForestParams = serde_json::from_value(given.clone()).expect("parameters");
    ForestParams { kind, ..params }.validate(0).expect("valid")
}

fn fit(forest: &Forest, table: Table) -> ForestModel {
    let data = ForestData::new(Arc::new(table), forest.params().kind).expect("data");
    forest.fit(&data).expect("a fit")
}

fn near(ours: &[f64], theirs: &[f64], what: &str) {
    assert_eq!(ours.len(), theirs.len(), "{what}");
    for (a, b) in ours.iter().zip(theirs) {
        assert!((a - b).abs() <= 1e-11 * b.abs().max(1.0), "{what}: {a} for {b}");
    }
}

fn same_tree(tree: &Tree, expected: &Value, what: &str) {
    let ints = |ours: &[i32], key: &str| {
        let ours: Vec<f64> = ours.iter().map(|&v| f64::from(v)).collect();
        near(&ours, &vector(&expected[key]), &format!("{what}, {key}"));
    };
    ints(&tree.n_node_samples, "n_node_samples");
    ints(&tree.children_left, "children_left");
    ints(&tree.children_right, "children_right");
    ints(&tree.feature, "feature");
    near(&tree.threshold, &vector(&expected["threshold"]), what);
    near(&tree.impurity, &vector(&expected["impurity"]), what);
    let values: Vec<f64> = expected["value"].as_array().expect("values").iter().flat_map(vector).collect();
    near(&tree.value, &values, what);
    assert_eq!(Some(tree.n_leaves() as u64), expected["n_leaves"].as_u64(), "{what}");
    assert_eq!(Some(tree.depth() as u64), expected["depth"].as_u64(), "{what}");
}

/// Rows of the golden file `single.json`.
fn rows(golden: &Value, of: &str, weighted: bool) -> Table {
    let table = table(matrix(&golden["X"]) / 1024.0, vector(&golden["data"][of]["y"]));
    Table { weights: if weighted { vector(&golden["weight"]) } else { Vec::new() }, ..table }
}

/// scikit-learn 1.9.1's trees, by scripts/golden/make_trees.py: node for node, best first, pruned, with classes that
/// weigh nothing. A forest of one tree on all rows and features is that tree.
#[test]
fn trees_are_scikit_learns() {
    let golden = read("forest/single.json");
    let mut n_best_first = 0;
    for (of, classes) in [("2", true), ("3", true), ("0", false), ("counts", false)] {
        let (kind, of_forest) = match classes {
            true => (ForestKind::DecisionTreeClassifier, ForestKind::RandomForestClassifier),
            false => (ForestKind::DecisionTreeRegressor, ForestKind::RandomForestRegressor),
        };
        for expected in golden["data"][of]["trees"].as_array().expect("trees") {
            let (given, weighted) = (&expected["params"], expected["weighted"] == true);
            let what = format!("{of}, {given}, weighted: {weighted}");
            let table = rows(&golden, of, weighted);
            let model = fit(&single(kind, given), table.clone());
            same_tree(&model.trees()[0], expected, &what);
            near(&model.feature_importances(), &vector(&expected["feature_importances"]), &what);
            let predicted = model.predict(table.x.view()).expect("predictions");
            near(&predicted[..50], &vector(&expected["predictions"]), &what);
            let back = ForestModel::import(&model.export()).expect("a model");
            assert_eq!((back.kind(), back.trees()), (kind, model.trees()), "{what}");
            n_best_first += usize::from(given["max_leaf_nodes"].is_number());
            // A forest balances the weights of rows, a tree their number.
            if given["class_weight"] != "balanced" || !weighted {
                let mut given = given.clone();
                (given["n_estimators"], given["bootstrap"], given["max_features"]) =
                    (1.into(), false.into(), 1.0.into());
                assert_eq!(fit(&forest(of_forest, &given), table).trees(), model.trees(), "{what}");
            }
        }
    }
    assert!(n_best_first > 30, "{n_best_first}");
}

/// What is drawn does not depend on how far a tree goes: one of few leaves is the beginning of one of many.
#[test]
fn fewer_leaves_are_the_beginning_of_more() {
    let golden = read("forest/single.json");
    let grow = |splitter: &str, leaves: usize| {
        let given =
            json!({"splitter": splitter, "max_features": 2, "max_leaf_nodes": leaves, "random_state": 3});
        fit(&single(ForestKind::DecisionTreeRegressor, &given), rows(&golden, "0", false)).trees()[0].clone()
    };
    for splitter in ["best", "random"] {
        let most = grow(splitter, 40);
        assert_eq!(most.n_leaves(), 40);
        for leaves in [2, 3, 17, 39] {
            let tree = grow(splitter, leaves);
            let n = 2 * leaves - 1;
            assert_eq!(tree.n_nodes(), n);
            assert_eq!((&tree.value[..], &tree.impurity[..]), (&most.value[..n], &most.impurity[..n]));
            assert!(tree.is_sound(5, 1));
        }
    }
}

/// Without a limit that matters best first makes the tree of depth first, in another order.
#[test]
fn enough_leaves_make_the_whole_tree() {
    let golden = read("forest/single.json");
    let grow = |given: Value| {
        let tree = fit(&single(ForestKind::DecisionTreeClassifier, &given), rows(&golden, "3", false));
        let mut nodes: Vec<(i32, u64, i32)> = (0..tree.trees()[0].n_nodes())
            .map(|i| {
                let tree = &tree.trees()[0];
                (tree.feature[i], tree.threshold[i].to_bits(), tree.n_node_samples[i])
            })
            .collect();
        nodes.sort_unstable();
        nodes
    };
    assert_eq!(grow(json!({"max_leaf_nodes": 1000})), grow(json!({})));
}

/// Every score read off a shared forest is that of the candidate fitted alone, whatever limits its trees, and a chain in parts
/// comes to the same.
#[test]
fn limits_of_leaves_and_pruning_share_one_forest() {
    let golden = read("forest/single.json");
    for (kind, of, scorer) in [
        (ForestKind::RandomForestClassifier, "3", Scorer::Accuracy),
        (ForestKind::ExtraTreesRegressor, "0", Scorer::R2),
        (ForestKind::RandomForestRegressor, "counts", Scorer::R2),
    ] {
        let table = rows(&golden, of, false);
        let mut candidates = Vec::new();
        for n_estimators in [12, 5] {
            for max_leaf_nodes in [json!("none"), json!(4), json!(11)] {
                for ccp_alpha in [0.0, 0.004, 0.03] {
                    for max_depth in [json!("none"), json!(3)] {
                        let mut given = json!({"n_estimators": n_estimators, "ccp_alpha": ccp_alpha});
                        (given["max_leaf_nodes"], given["max_depth"]) = (max_leaf_nodes.clone(), max_depth);
                        if of == "counts" {
                            given["criterion"] = "poisson".into();
                        }
                        candidates.push(forest(kind, &given));
                    }
                }
            }
        }
        let n = table.y.len();
        let of_fold = |fold: usize, keep: bool| (0..n).filter(|row| (row % 2 == fold) == keep).collect();
        let splits: Vec<Split> =
            (0..2).map(|fold| Split { train: of_fold(fold, false), test: of_fold(fold, true) }).collect();
        let data = Arc::new(ForestData::new(Arc::new(table.clone()), kind).expect("data"));
        let scores = RowScores::new(vec![scorer], None);
        let search = ForestSearch::new(data, candidates.clone(), scores, true);
        // Of each fold: any depth; up to 11 leaves of either depth; pruned ones of three sizes and two depths.
        let chains = search.chains(&splits);
        assert_eq!(chains.len(), 2 * (1 + 2 + 6));
        let take = |rows: &[usize]| {
            let y: Vec<f64> = rows.iter().map(|&row| table.y[row]).collect();
            golden::table(table.x.select(Axis(0), rows), y)
        };
        let mut distinct = std::collections::BTreeSet::new();
        for outcome in run_chains(&search, &splits) {
            let split = &splits[outcome.id.fold];
            let model = fit(&candidates[outcome.id.candidate], take(&split.train));
            let score = |rows: &[usize]| {
                let rows = take(rows);
                scorer.score(&rows.y, &model.predict(rows.x.view()).expect("predictions")).expect("a score")
            };
            let what = format!("{kind:?}, {:?}", candidates[outcome.id.candidate].params());
            near(&outcome.test_scores, &[score(&split.test)], &what);
            near(&outcome.train_scores, &[score(&split.train)], &what);
            distinct.insert((outcome.test_scores[0].to_bits(), outcome.train_scores[0].to_bits()));
        }
        assert!(distinct.len() > 20, "the candidates differ: {}", distinct.len());
        for chain in &chains {
            let part = |part| search.chain_part(chain, &splits, part).expect("a part");
            let parts: Vec<Vec<u8>> = (0..search.n_chain_parts(chain)).map(part).collect();
            let (mut whole, mut joined) = (Vec::new(), Vec::new());
            let told = |outcome: FitOutcome| (outcome.id, outcome.test_scores, outcome.train_scores);
            let mut emit = |outcome| {
                whole.push(told(outcome));
                Ok(())
            };
            search.run(chain, &splits, &mut emit).expect("a chain");
            let mut emit = |outcome| {
                joined.push(told(outcome));
                Ok(())
            };
            search.join_chain(chain, &splits, &parts, &mut emit).expect("a chain");
            assert_eq!(joined, whole);
        }
    }
}

/// Trees whose thresholds are drawn are others than those that seek the best, and no forest serves both.
#[test]
fn splitters_do_not_share_a_forest() {
    let golden = read("forest/single.json");
    let kind = ForestKind::DecisionTreeClassifier;
    let trees: Vec<Forest> = ["best", "random", "best"]
        .map(|splitter| single(kind, &json!({"splitter": splitter, "max_depth": 4})))
        .into();
    let table = Arc::new(rows(&golden, "2", false));
    let data = Arc::new(ForestData::new(table, kind).expect("data"));
    let splits = [Split { train: (0..200).collect(), test: (200..300).collect() }];
    let search = ForestSearch::new(data, trees, RowScores::new(vec![Scorer::Accuracy], None), true);
    let outcomes = run_chains(&search, &splits);
    assert_eq!(search.chains(&splits).len(), 2);
    assert_eq!(outcomes[0].train_scores, outcomes[2].train_scores);
    assert_ne!(outcomes[0].train_scores, outcomes[1].train_scores);
}

/// As in scikit-learn 1.9.1 rows of a class of weight 0 are neither drawn nor grown on, and the class is known all the same.
#[test]
fn a_class_may_weigh_nothing() {
    let golden = read("forest/single.json");
    let table = rows(&golden, "3", false);
    let given = json!({"n_estimators": 8, "class_weight": {"1": 0.0}});
    let model = fit(&forest(ForestKind::RandomForestClassifier, &given), table.clone());
    assert_eq!(model.classes(), [0.0, 1.0, 2.0]);
    let values = model.predict_values(table.x.view()).expect("predictions");
    assert!(values.column(1).iter().all(|&share| share == 0.0));
    // As many rows are drawn as there are, those of other classes more often.
    assert!(model.trees().iter().all(|tree| tree.weighted_n_node_samples[0] == 300.0));
    let data = ForestData::new(Arc::new(table), ForestKind::DecisionTreeClassifier).expect("data");
    let nothing = json!({"class_weight": {"0": 0.0, "1": 0.0, "2": 0.0}});
    let message = single(ForestKind::DecisionTreeClassifier, &nothing).fit(&data).unwrap_err().to_string();
    assert!(message.contains("a weight above 0, found none"), "{message}");
}

/// A side of a cut that has targets of 0 only has no deviance, whatever rounding leaves of the difference of two sums.
#[test]
fn no_leaf_of_a_poisson_tree_is_without_targets() {
    let golden = read("forest/single.json");
    for seed in 0..20u64 {
        let fraction = |i: usize| ((i as u64 * 2 + 1) * (seed + 3) * 2_654_435_761 % 1009) as f64 / 1009.0;
        let weights: Vec<f64> = (0..300).map(|i| fraction(i) + 0.001).collect();
        let y = (0..300).map(|i| (4.0 * fraction(i + 300) - 2.5).max(0.0).ceil()).collect();
        let table = Table { weights, y, ..rows(&golden, "0", false) };
        let given = json!({"criterion": "poisson", "min_samples_leaf": 3});
        let data = ForestData::new(Arc::new(table), ForestKind::DecisionTreeRegressor).expect("data");
        let model = single(ForestKind::DecisionTreeRegressor, &given).fit(&data).expect("a tree");
        let tree = &model.trees()[0];
        assert!(tree.impurity.len() > 20, "seed {seed}");
        assert!(tree.impurity.iter().all(|impurity| impurity.is_finite()), "seed {seed}");
    }
}

#[test]
fn targets_without_a_poisson_deviance_are_refused() {
    let golden = read("forest/single.json");
    let tree = single(ForestKind::DecisionTreeRegressor, &json!({"criterion": "poisson"}));
    let refused = |y: Vec<f64>| {
        let table = Table { y, ..rows(&golden, "0", false) };
        let early = tree.check_targets(&table).expect_err("an error").to_string();
        let data = ForestData::new(Arc::new(table), ForestKind::DecisionTreeRegressor).expect("data");
        assert_eq!(tree.fit(&data).expect_err("an error").to_string(), early);
        early
    };
    let mut y = vec![1.0; 300];
    y[7] = -0.5;
    let message = refused(y);
    assert!(message.contains("a target of 0 or above") && message.contains("-0.5"), "{message}");
    assert!(refused(vec![0.0; 300]).contains("a target above 0"));
}

#[test]
fn parameters_out_of_range_are_refused() {
    let refused = |kind, given: Value| {
        let params: TreeParams = serde_json::from_value(given).expect("parameters");
        TreeParams { kind, ..params }.validate(0).expect_err("an error").to_string()
    };
    let (classes, numbers) = (ForestKind::DecisionTreeClassifier, ForestKind::DecisionTreeRegressor);
    for (kind, given, message) in [
        (classes, json!({"splitter": "worst"}), "estimator.splitter: expected \"best\" or \"random\""),
        (classes, json!({"max_leaf_nodes": 1}), "estimator.max_leaf_nodes: expected a whole number from 2"),
        (numbers, json!({"ccp_alpha": -0.1}), "estimator.ccp_alpha: expected a number, 0.0 or above"),
        (numbers, json!({"criterion": "gini"}), "estimator.criterion: expected \"squared_error\""),
        (numbers, json!({"criterion": "absolute_error"}), "estimator.criterion: expected \"squared_error\""),
        (classes, json!({"criterion": "poisson"}), "estimator.criterion: expected \"gini\""),
        (
            classes,
            json!({"class_weight": "balanced_subsample"}),
            "estimator.class_weight: expected \"balanced\"",
        ),
        (
            classes,
            json!({"class_weight": {"1": -1.0}}),
            "estimator.class_weight.1: expected a number of 0 or more",
        ),
        (numbers, json!({"class_weight": "balanced"}), "estimator.class_weight: expected no such key"),
        (classes, json!({"max_depth": 0}), "estimator.max_depth: expected a whole number from 1"),
    ] {
        let found = refused(kind, given);
        assert!(found.starts_with(message), "{found}, not {message}");
    }
    assert!(serde_json::from_value::<TreeParams>(json!({"n_estimators": 5})).is_err());
}
