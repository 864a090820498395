//! What fits share, and what the data or parameters must not be.

use std::sync::Arc;

use rankfit::comm::run_threads;
use rankfit::data::Table;
use rankfit::error::{Error, ExitCode};
use rankfit::estimator::row_scores::RowScores;
use rankfit::estimator::svm::{SvcParams, SvcSearch};
use rankfit::metrics::Scorer;
use rankfit::model_selection::{Chain, FitOutcome, Searchable, Sharing};
use serde_json::{Value, json};

use crate::cases::{accuracy, read, search, splits, svc};
use crate::golden::{matrix, table, vector};
use crate::run_chains::run_chains;

fn small() -> Table {
    let golden = read("grid");
    table(matrix(&golden["X"]), vector(&golden["y"]))
}

#[test]
fn equal_candidates_are_fitted_once() {
    let grid = json!([
        {"params": {"kernel": "linear", "gamma": "auto", "C": 2.0, "warm_start_along_c": true}},
        {"params": {"kernel": "linear", "gamma": "scale", "C": 2.0, "warm_start_along_c": true}},
        {"params": {"kernel": "linear", "gamma": 3.0, "C": 0.5, "warm_start_along_c": true}},
        {"params": {"gamma": 0.5, "C": 2.0}},
        {"params": {"gamma": 0.5, "C": 2.0, "degree": 7, "cache_size": 1.0}},
        {"params": {"gamma": "scale", "C": 2.0}},
    ]);
    let folds: Vec<usize> = (0..600).map(|i| i % 3).collect();
    let (splits, search) = (splits(&folds), search(small(), &grid, 1 << 30));
    let chains = search.chains(&splits);
    let of = |chain: usize| chains[chain].fits.iter().map(|f| (f.fold, f.candidate)).collect::<Vec<_>>();
    assert_eq!(chains.len(), 9, "a chain for each kernel and fold, since C is the same or starts are warm");
    assert_eq!([of(0), of(1)], [vec![(0, 2), (0, 0), (0, 1)], vec![(1, 2), (1, 0), (1, 1)]], "C ascending");
    let outcomes = run_chains(&search, &splits);
    let fitted: Vec<bool> = outcomes.chunks(3).map(|c| c.iter().all(|o| o.fit_seconds > 0.0)).collect();
    assert_eq!(fitted, [true, false, true, true, false, true]);
    for (a, b) in [(0, 1), (3, 4)] {
        for fold in 0..3 {
            assert_eq!(outcomes[a * 3 + fold].test_scores, outcomes[b * 3 + fold].test_scores);
        }
    }
}

/// Fits of which no α reaches its C are those of every larger C. Candidates alone and in one search must agree.
#[test]
fn fits_that_meet_no_bound_are_done_once_for_all_larger_c() {
    let with = |kernel: &[(&str, Value)], c: f64, shrinking: bool| {
        let mut params = json!({"C": c, "shrinking": shrinking, "max_iter": 20_000});
        kernel.iter().for_each(|(key, value)| params[*key] = value.clone());
        json!({"params": params})
    };
    let kernels: [&[(&str, Value)]; 4] = [
        &[("gamma", json!(8.0))],
        &[("gamma", json!(0.3))],
        &[("gamma", json!(8.0)), ("class_weight", json!({"0": 0.01, "1": 1.0}))],
        &[("kernel", json!("poly")), ("gamma", json!(2.0)), ("coef0", json!(1.0))],
    ];
    let points = kernels.iter().flat_map(|kernel| {
        [100.0, 0.5, 1e4, 2.0, 1e6]
            .into_iter()
            .flat_map(move |c| [true, false].map(|shrinking| with(kernel, c, shrinking)))
    });
    let grid = Value::Array(points.collect());
    let n = grid.as_array().map_or(0, Vec::len);
    let fold_of: Vec<usize> = (0..600).map(|i| i % 2).collect();
    let splits = splits(&fold_of);
    let search_of = |grid: &Value| {
        let candidates = grid.as_array().expect("a grid").iter().map(|c| svc(&c["params"])).collect();
        SvcSearch::new(Arc::new(told_apart(small())), candidates, accuracy(), true, 1 << 30)
    };
    let search = search_of(&grid);
    let outcomes = run_chains(&search, &splits);
    for candidate in 0..n {
        let alone = run_chains(&search_of(&json!([grid[candidate]])), &splits);
        for (fold, alone) in alone.iter().enumerate() {
            let shared = &outcomes[candidate * 2 + fold];
            assert_eq!(shared.test_scores, alone.test_scores, "{} fold {fold}", grid[candidate]);
            assert_eq!(shared.train_scores, alone.train_scores, "{} fold {fold}", grid[candidate]);
            assert_eq!(shared.converged, alone.converged);
        }
    }
    // With gamma = 8 some α are above 2 and none above 100.
    let done = |candidate: usize| (0..2).any(|fold| outcomes[candidate * 2 + fold].fit_seconds > 0.0);
    let settled = search.settled();
    assert!(settled.contains(&0) && !settled.contains(&6), "C = 100, not C = 2: {settled:?}");
    assert_eq!([2, 6, 0, 4, 8, 5, 9].map(done), [true, true, true, false, false, false, false]);
    assert!(search.settles(6, 0) && search.settles(6, 8) && !search.settles(0, 6) && !search.settles(6, 1));
    assert!(!search.settles(6, 10) && !search.settles(6, 20), "another kernel, other weights of classes");
    // Probabilities are calibrated by fits that nobody looked at.
    let probable = RowScores::new(vec![Scorer::NegLogLoss], None);
    let pair = [json!({"gamma": 8.0, "C": 2.0}), json!({"gamma": 8.0, "C": 9.0})];
    let candidates =
        pair.iter().map(|p| svc(&json!({"gamma": 8.0, "C": p["C"], "probability": true}))).collect();
    let search = SvcSearch::new(Arc::new(small()), candidates, probable, false, 1 << 30);
    assert!(run_chains(&search, &splits).iter().all(|outcome| outcome.fit_seconds > 0.0));
    assert!(search.settled().is_empty() && !search.settles(0, 1));
}

/// The rows with weights of which no two sets have the same sum: the accuracy tells which of them were predicted right.
fn told_apart(mut table: Table) -> Table {
    let phase = |row: usize| (row as f64 * 0.618_033_988_749_894_9).fract();
    table.weights = (0..table.y.len()).map(|row| 1.0 + phase(row) / 1024.0).collect();
    table
}

#[test]
fn predictions_from_shared_kernel_values_are_the_models() {
    let golden = read("grid");
    let (x, mut y) = (matrix(&golden["X"]), vector(&golden["y"]));
    // Three classes, twins that contradict each other, and folds of which none is a run of rows.
    y.iter_mut().step_by(5).for_each(|y| *y = 2.0);
    let twins: Vec<usize> = (0..600).map(|i| if i % 7 == 1 { i - 1 } else { i }).collect();
    let data = || table(x.select(ndarray::Axis(0), &twins), y.clone());
    let folds: Vec<usize> = (0..600).map(|i| (i * i + i / 11) % 3).collect();
    let candidates = || {
        [
            json!({"gamma": 0.5}),
            json!({"gamma": 0.5, "C": 100.0}),
            json!({"gamma": "scale", "class_weight": "balanced"}),
            json!({"kernel": "linear", "C": 0.01}),
            json!({"kernel": "poly", "degree": 4, "gamma": "auto", "coef0": 1.0, "max_iter": 3000}),
            json!({"kernel": "sigmoid", "gamma": 0.01}),
            json!({"gamma": 0.5, "break_ties": true}),
        ]
        .map(|params| svc(&params))
        .to_vec()
    };
    let run_within = |budget: usize| {
        let data = Arc::new(told_apart(data()));
        let search = SvcSearch::new(data, candidates(), accuracy(), true, budget);
        let outcomes = run_chains(&search, &splits(&folds));
        outcomes.into_iter().map(|o| (o.id, o.test_scores, o.train_scores)).collect::<Vec<_>>()
    };
    // Room for the whole table's matrix, and for 25 rows of it.
    assert_eq!(run_within(1 << 30), run_within(60_000));
}

#[test]
fn ranks_of_a_node_share_one_matrix_of_products() {
    let golden = read("wide");
    let (n, folds) = (vector(&golden["y"]).len(), (0..vector(&golden["y"]).len()).map(|i| i % 3));
    let splits = splits(&folds.collect::<Vec<_>>());
    let make = || {
        let grid = json!([{"params": {"gamma": 0.01}}, {"params": {"kernel": "linear", "C": 0.1}}]);
        search(table(matrix(&golden["X"]), vector(&golden["y"])), &grid, 1 << 26)
    };
    let outcomes = |search: &SvcSearch| {
        run_chains(search, &splits).into_iter().map(|o| (o.id, o.test_scores)).collect::<Vec<_>>()
    };
    let alone = outcomes(&make());
    for size in [1, 2, 3] {
        let ranks = run_threads(size, |comm| {
            let search = make();
            assert_eq!(search.share_products(comm).unwrap(), Some((size, 8 * n * n)));
            let found = outcomes(&search);
            (found, search.shared().into_iter().find(|work| work.what == "dot products"))
        });
        assert!(ranks.iter().all(|(found, _)| *found == alone), "{size} ranks");
        let counts = ranks.iter().filter_map(|(_, work)| work.as_ref().map(|w| (w.asked, w.done)));
        let (asked, done) = counts.fold((0, 0), |sum, work| (sum.0 + work.0, sum.1 + work.1));
        let once = if size == 1 { (0, 0) } else { ((size * n * n) as u64, (n * n) as u64) };
        assert_eq!((asked, done), once);
    }
}

#[test]
fn ranks_of_a_node_share_kernel_matrices() {
    let golden = read("grid");
    let n = vector(&golden["y"]).len();
    let splits = splits(&(0..n).map(|i| i % 3).collect::<Vec<_>>());
    let make = |grid: &Value, budget_bytes: usize| {
        search(table(matrix(&golden["X"]), vector(&golden["y"])), grid, budget_bytes)
    };
    let outcomes = |search: &SvcSearch| {
        run_chains(search, &splits).into_iter().map(|o| (o.id, o.test_scores)).collect::<Vec<_>>()
    };
    // Two kernels, of six and of nine fits, and one of each fold for six.
    let grid = json!([
        {"params": {"gamma": 0.4}}, {"params": {"gamma": 0.4, "C": 0.1}},
        {"params": {"gamma": 0.3}}, {"params": {"gamma": 0.3, "C": 5.0}}, {"params": {"gamma": 0.3, "C": 9.0}},
        {"params": {"gamma": "scale"}}, {"params": {"gamma": "scale", "C": 5.0}},
        {"params": {"gamma": "scale", "C": 9.0}}, {"params": {"gamma": "scale", "C": 0.1}},
        {"params": {"gamma": "scale", "C": 2.0}}, {"params": {"gamma": "scale", "C": 0.5}},
    ]);
    let bytes = 8 * n * n.div_ceil(2);
    let alone = outcomes(&make(&grid, 1 << 26));
    for size in [1, 2, 7] {
        let ranks = run_threads(size, |comm| {
            let search = make(&grid, 1 << 26);
            let chosen = if size < 7 { 0 } else { 5 };
            assert_eq!(search.choose_kernels(&splits, size), chosen, "{size} ranks");
            assert_eq!(search.fill_kernels(comm), (chosen > 0).then_some((size, chosen * bytes)));
            let chain = &search.chains(&splits)[0];
            assert_eq!(search.sharing(chain) == Sharing::Before, chosen > 0);
            (outcomes(&search), search.shared().into_iter().find(|work| work.what == "kernel values"))
        });
        assert!(ranks.iter().all(|(found, _)| *found == alone), "{size} ranks");
        let computed: u64 = ranks.iter().filter_map(|(_, work)| work.as_ref().map(|w| w.done)).sum();
        assert!(size < 7 || computed == (5 * n * n) as u64, "{computed}");
    }
    // Memory for the kernel of most fits only; the others are computed by each rank.
    let half = 2 * 4 * n * n / 7 + 8;
    let ranks = run_threads(7, |comm| {
        let search = make(&grid, half);
        assert_eq!(search.choose_kernels(&splits, 7), 1);
        assert_eq!(search.fill_kernels(comm), Some((7, bytes)));
        let before = |chain: &&Chain| search.sharing(chain) == Sharing::Before;
        let chains = search.chains(&splits);
        let fits: Vec<usize> =
            chains.iter().filter(before).flat_map(|chain| &chain.fits).map(|id| id.candidate).collect();
        assert!(fits.len() == 9 && fits.iter().all(|candidate| (2..5).contains(candidate)), "{fits:?}");
        outcomes(&search)
    });
    assert!(ranks.iter().all(|found| *found == alone));
}

#[test]
fn kernel_matrices_of_a_node_come_from_its_products() {
    let golden = read("wide");
    let n = vector(&golden["y"]).len();
    let splits = splits(&(0..n).map(|i| i % 3).collect::<Vec<_>>());
    let make = || {
        let grid = json!([{"params": {"gamma": 0.01}}, {"params": {"gamma": 0.02}}]);
        search(table(matrix(&golden["X"]), vector(&golden["y"])), &grid, 1 << 26)
    };
    let outcomes = |search: &SvcSearch| {
        run_chains(search, &splits).into_iter().map(|o| (o.id, o.test_scores)).collect::<Vec<_>>()
    };
    let alone = outcomes(&make());
    let ranks = run_threads(3, |comm| {
        let (search, without) = (make(), make());
        assert!(search.share_products(comm).unwrap().is_some());
        // A node whose memory does not hold them makes the same choice.
        assert_eq!([search.choose_kernels(&splits, 3), without.choose_kernels(&splits, 3)], [2, 2]);
        assert_eq!(search.fill_kernels(comm), Some((3, 2 * 8 * n * n.div_ceil(2))));
        outcomes(&search)
    });
    assert!(ranks.iter().all(|found| *found == alone));
}

#[test]
fn short_searches_over_few_features_compute_rows_again_with_the_same_scores() {
    // A matrix of more than 96 MB, two classes that overlap, folds of which none is a run of rows.
    let n = 5_200;
    let wave = |i: usize, pace: f64| (i as f64 * pace).sin() * 3.0 + (i as f64 * pace * 7.3).cos();
    let data = || {
        let x = ndarray::Array2::from_shape_fn((n, 2), |(i, f)| wave(i, [0.37, 0.59][f]));
        let y = (0..n).map(|i| f64::from(wave(i, 0.37) + wave(i, 0.59) * wave(i, 1.1) > 0.0)).collect();
        table(x, y)
    };
    let splits = splits(&(0..n).map(|i| (i * i + i / 11) % 2).collect::<Vec<_>>());
    let run_all = |n_candidates: usize| {
        let mut candidates = [
            json!({"gamma": 0.5, "C": 0.01}),
            json!({"gamma": 0.5, "C": 3.0}),
            json!({"kernel": "poly", "gamma": 0.2, "C": 0.1, "shrinking": false}),
        ]
        .map(|params| svc(&params))
        .to_vec();
        candidates.resize(n_candidates, svc(&json!({"gamma": 0.5, "C": 3.0})));
        let data = Arc::new(told_apart(data()));
        let search = SvcSearch::new(data, candidates, accuracy(), true, 1 << 30);
        let mut outcomes = run_chains(&search, &splits);
        outcomes.retain(|outcome| outcome.id.candidate < 3);
        let scores: Vec<_> = outcomes.into_iter().map(|o| (o.id, o.test_scores, o.train_scores)).collect();
        let values = search.shared().into_iter().find(|work| work.what == "kernel values");
        (scores, values.map(|work| (work.asked, work.done)).expect("kernel values"))
    };
    let (again, (asked, done)) = run_all(3);
    assert_eq!(asked, done, "no matrix is kept");
    let (kept, (asked, done)) = run_all(13);
    assert!(done < asked && done <= 2 * (n * n) as u64, "{done} of {asked} values");
    assert_eq!(again, kept);
}

/// Fits that start from each other give libsvm's path up, but neither the optimum nor that it is the grid's alone.
#[test]
fn warm_starts_depend_on_the_grid_alone_and_end_where_others_do() {
    let cs = [0.01, 0.05, 0.2, 1.0, 3.0, 10.0, 20.0];
    let grid_of = |warm: bool, kernels: &[Value]| {
        let points = kernels.iter().flat_map(|kernel| {
            cs.iter().enumerate().flat_map(move |(i, &c)| {
                // In an order that differs from one track to the other.
                [i < 4, i >= 4].map(|shrinking| {
                    let mut params = kernel.clone();
                    params["C"] = json!(c);
                    params["shrinking"] = json!(shrinking);
                    params["warm_start_along_c"] = json!(warm);
                    json!({"params": params})
                })
            })
        });
        Value::Array(points.collect())
    };
    let two_classes = [
        json!({"gamma": 0.4}),
        json!({"gamma": 0.4, "class_weight": {"0": 0.3, "1": 1.0}}),
        json!({"gamma": 30.0}),
        json!({"kernel": "poly", "gamma": 0.3, "degree": 2}),
        json!({"kernel": "linear"}),
        json!({"kernel": "sigmoid", "gamma": 0.3}),
    ];
    let five_classes = [json!({"gamma": 0.02}), json!({"kernel": "linear"})];
    // Tracks of bounded kernels are cut, those of others are not; of a sigmoid there is one for each C.
    for (name, kernels, n_tracks) in [("grid", &two_classes[..], 8 + 7), ("wide", &five_classes[..], 3)] {
        let golden = read(name);
        let y = vector(&golden["y"]);
        let splits = splits(&(0..y.len()).map(|i| i % 3).collect::<Vec<_>>());
        let make = |warm: bool| {
            let grid = grid_of(warm, kernels);
            let candidates = grid.as_array().expect("a grid").iter().map(|c| svc(&c["params"])).collect();
            let data = told_apart(table(matrix(&golden["X"]), y.clone()));
            SvcSearch::new(Arc::new(data), candidates, accuracy(), true, 1 << 28)
        };
        let scores = |search: &SvcSearch| {
            let outcomes = run_chains(search, &splits).into_iter();
            outcomes.map(|o| (o.id, o.test_scores, o.train_scores)).collect::<Vec<_>>()
        };
        let warm = make(true);
        let together = scores(&warm);
        let fits = warm.shared().into_iter().find(|work| work.what == "fits").expect("fits");
        // Those of a sigmoid differ with and without shrinking.
        let n_sigmoid = if name == "grid" { 2 * 7 * 3 } else { 0 };
        assert!(fits.done * 2 <= fits.asked + n_sigmoid, "{} of {} fits", fits.done, fits.asked);
        let chains = warm.chains(&splits);
        assert_eq!(chains.len(), n_tracks * 3);
        // Each chain by a rank of its own, and the last first by one.
        let last_first = make(true);
        for alone in [true, false] {
            let mut apart = Vec::new();
            for chain in chains.iter().rev() {
                let mut emit = |o: FitOutcome| {
                    apart.push((o.id, o.test_scores, o.train_scores));
                    Ok(())
                };
                let own = make(true);
                let search = if alone { &own } else { &last_first };
                search.run(chain, &splits, &mut emit).expect("a chain");
            }
            apart.sort_by_key(|(id, ..)| *id);
            assert_eq!(apart, together, "{name}");
        }
        // Within the tolerance a row at the border falls on either side.
        let one_row = 1.0 / splits[0].test.len() as f64;
        let (warm, cold) = (together, scores(&make(false)));
        let differing = warm.iter().zip(&cold).filter(|((_, a, _), (_, b, _))| a != b).count();
        assert!(differing * 20 <= warm.len(), "{differing} of {} scores", warm.len());
        for ((id, a, _), (_, b, _)) in warm.iter().zip(&cold) {
            assert!((a[0] - b[0]).abs() < 2.5 * one_row, "{name} {id:?}: {} and {}", a[0], b[0]);
        }
    }
}

#[test]
fn a_refit_is_the_fit_on_all_rows() {
    let grid = json!([{"params": {"C": 3.0}}]);
    let model = search(small(), &grid, 1 << 20).refit(0).expect("a refit");
    assert_eq!(model, svc(&grid[0]["params"]).fit(&small()).expect("a fit").export());
}

#[test]
fn parameters_that_cannot_be_used_name_their_key() {
    for (key, params) in [
        ("C", json!({"C": 0.0})),
        ("C", json!({"C": -1})),
        ("gamma", json!({"gamma": -0.5})),
        ("gamma", json!({"gamma": "automatic"})),
        ("kernel", json!({"kernel": "rbff"})),
        ("degree", json!({"degree": -1})),
        ("tol", json!({"tol": 0.0})),
        ("cache_size", json!({"cache_size": 0.0})),
        ("max_iter", json!({"max_iter": -2})),
        ("decision_function_shape", json!({"decision_function_shape": "ovx"})),
        ("break_ties", json!({"break_ties": true, "decision_function_shape": "ovo"})),
        ("class_weight", json!({"class_weight": "even"})),
        ("class_weight.1", json!({"class_weight": {"1": -2.0}})),
        ("max_seconds_per_fit", json!({"max_seconds_per_fit": 0.0})),
    ] {
        let checked =
            serde_json::from_value::<SvcParams>(params.clone()).expect("of the right types").validate();
        match checked {
            Err(Error::Job { key: found, .. }) => assert_eq!(found, format!("estimator.{key}"), "{params}"),
            other => panic!("{params}: {other:?}"),
        }
    }
    assert!(serde_json::from_value::<SvcParams>(json!({"c": 1.0})).is_err());
}

#[test]
fn data_that_cannot_be_used_are_refused() {
    let refused = |change: &dyn Fn(&mut Table), words: &str| {
        let mut data = small();
        change(&mut data);
        let error = svc(&json!({})).fit(&data).expect_err(words);
        assert_eq!(error.exit_code(), ExitCode::Data);
        assert!(error.to_string().contains(words), "{error}");
    };
    refused(&|t| t.y.fill(1.0), "at least 2 classes, found 1 class");
    refused(&|t| t.y.clear(), "found none");
    refused(&|t| t.y[17] = 0.25, "row 17, column y");
    refused(&|t| t.weights = t.y.clone(), "a weight above 0 in class 0");
    let unknown = svc(&json!({"class_weight": {"0": 1.0, "9": 2.0}})).fit(&small()).expect_err("a class");
    assert_eq!(unknown.exit_code(), ExitCode::Config);
}

#[test]
fn rows_of_no_weight_do_not_count() {
    let mut weighted = small();
    weighted.weights = (0..600).map(|i| if i % 4 == 0 { 0.0 } else { 1.0 }).collect();
    let kept: Vec<usize> = (0..600).filter(|i| i % 4 != 0).collect();
    let rest =
        table(weighted.x.select(ndarray::Axis(0), &kept), kept.iter().map(|&i| weighted.y[i]).collect());
    let params = svc(&json!({"gamma": 0.5}));
    let (a, b) = (params.fit(&weighted).expect("a fit"), params.fit(&rest).expect("a fit"));
    assert_eq!(a.dual_coef(), b.dual_coef());
    let rows: Vec<i32> = b.support().iter().map(|&s| kept[s as usize] as i32).collect();
    assert_eq!(a.support(), rows);
}
