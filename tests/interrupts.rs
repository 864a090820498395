//! Fits that are left in the middle: nothing of them is told, and nothing of them is left behind. One test in its program, since
//! a request to stop reaches all its threads.

mod run_chains;

use std::sync::Arc;
use std::time::Duration;

use ndarray::Array2;
use rankfit::data::Table;
use rankfit::error::{Error, Result};
use rankfit::estimator::Model;
use rankfit::estimator::ensemble::{ForestData, ForestKind, ForestParams, ForestSearch};
use rankfit::estimator::fold_search::{FoldFit, FoldSearch};
use rankfit::estimator::linear_model::LinearParams;
use rankfit::estimator::naive_bayes::GaussianNbParams;
use rankfit::estimator::neighbors::{KNeighborsParams, KNeighborsSearch, NeighborsKind};
use rankfit::estimator::row_scores::RowScores;
use rankfit::estimator::searchable::{Chain, FitOutcome, Searchable, Split};
use rankfit::estimator::svm::linear::LinearSvcParams;
use rankfit::estimator::svm::svr::{SvrParams, SvrSearch};
use rankfit::estimator::svm::{SvcParams, SvcSearch};
use rankfit::metrics::Scorer;
use rankfit::telemetry::{check_interrupt, interruptible, request_stop};
use run_chains::run_chains;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

const N: usize = 500;

/// Rows of two classes that overlap, of `d` features.
fn rows(d: usize) -> Arc<Table> {
    let x = Array2::from_shape_fn((N, d), |(i, j)| {
        let noise = ((i * (17 * j + 29) + 7 * j) as f64 * 0.737).sin();
        1.5 * noise + if j == 0 { 0.8 * (i % 2) as f64 } else { 0.0 }
    });
    let y = (0..N).map(|i| (i % 2) as f64).collect();
    Arc::new(Table { x, y, weights: Vec::new(), class_names: None, origin: "a test".into() })
}

fn splits() -> Vec<Split> {
    let fold = |fold: usize| Split {
        train: (0..N).filter(|i| i / 2 % 3 != fold).collect(),
        test: (0..N).filter(|i| i / 2 % 3 == fold).collect(),
    };
    vec![fold(0), fold(1)]
}

fn parameters<P: DeserializeOwned>(given: &[Value]) -> impl Iterator<Item = P> + '_ {
    given.iter().map(|given| serde_json::from_value(given.clone()).unwrap())
}

fn accuracy() -> RowScores {
    RowScores::new(vec![Scorer::Accuracy], None)
}

fn svc(d: usize, given: &[Value]) -> Box<dyn Searchable> {
    let svcs = parameters::<SvcParams>(given).map(|params| params.validate().unwrap()).collect();
    let scores = match given[0]["probability"] == true {
        true => RowScores::new(vec![Scorer::NegLogLoss], None),
        false => accuracy(),
    };
    Box::new(SvcSearch::new(rows(d), svcs, scores, true, 1 << 28))
}

fn each<F: FoldFit + 'static>(fits: impl Iterator<Item = F>) -> Box<dyn Searchable> {
    let fits = fits.map(|fit| Box::new(fit) as Box<dyn FoldFit>).collect();
    Box::new(FoldSearch::new(rows(6), fits, accuracy(), true))
}

fn forest() -> Box<dyn Searchable> {
    let kind = ForestKind::RandomForestClassifier;
    let given = [json!({"n_estimators": 3}), json!({"n_estimators": 9, "oob_score": true})];
    let forests = parameters::<ForestParams>(&given);
    let forests = forests.map(|params| ForestParams { kind, ..params }.validate(1).unwrap()).collect();
    Box::new(ForestSearch::new(Arc::new(ForestData::new(rows(6), kind).unwrap()), forests, accuracy(), true))
}

fn neighbors() -> Box<dyn Searchable> {
    let kind = NeighborsKind::KNeighborsClassifier;
    let given = [json!({"n_neighbors": 3}), json!({"n_neighbors": 11, "weights": "distance"})];
    let all = parameters::<KNeighborsParams>(&given);
    let all = all.map(|params| KNeighborsParams { kind, ..params }.validate().unwrap()).collect();
    Box::new(KNeighborsSearch::new(rows(6), all, accuracy(), true).unwrap())
}

fn svr() -> Box<dyn Searchable> {
    let given = [json!({"C": 0.3}), json!({"C": 300.0}), json!({"C": 3.0, "kernel": "poly"})];
    let svrs = parameters::<SvrParams>(&given).map(|params| params.validate().unwrap()).collect();
    let scores = RowScores::new(vec![Scorer::R2], None);
    Box::new(SvrSearch::new(rows(60), svrs, scores, true, 1 << 28).unwrap())
}

/// Makes a search that has done nothing yet.
type Make = Box<dyn Fn() -> Box<dyn Searchable>>;

/// What is searched, each time from its beginning.
fn searches() -> Vec<(&'static str, Make)> {
    let grid = |kernel: &str, more: Value| -> Vec<Value> {
        let at = |c: f64| {
            let mut params = json!({"kernel": kernel, "C": c, "gamma": 0.3, "max_iter": 50_000});
            params.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            params
        };
        [0.1, 1.0, 30.0, 1000.0].map(at).to_vec()
    };
    let (rbf, poly) = (grid("rbf", json!({})), grid("poly", json!({"degree": 4, "coef0": 1.0})));
    let unshrunk = grid("rbf", json!({"shrinking": false}));
    let (rbf, rbf_of_products) = ([rbf.clone(), unshrunk].concat(), rbf);
    let warm = grid("linear", json!({"warm_start_along_c": true}));
    let proba = grid("rbf", json!({"probability": true}));
    let logistic = [json!({"C": 0.1}), json!({"C": 1.0, "solver": "newton-cholesky"})];
    let logistic =
        logistic.map(|given| LinearParams::LogisticRegression(serde_json::from_value(given).unwrap()));
    let lasso = LinearParams::Lasso(serde_json::from_value(json!({"alpha": 0.001})).unwrap());
    let ridge = LinearParams::Ridge(serde_json::from_value(json!({})).unwrap());
    let linear_svc = [json!({}), json!({"loss": "hinge"})];
    let bayes = || serde_json::from_value::<GaussianNbParams>(json!({})).unwrap();
    vec![
        ("SVC", Box::new(move || svc(6, &rbf))),
        ("SVC of few features and fits", Box::new(|| svc(2, &[json!({}), json!({"C": 50.0})]))),
        ("SVC by products", Box::new(move || svc(60, &rbf_of_products))),
        ("SVC of polynomials", Box::new(move || svc(6, &poly))),
        ("SVC along C", Box::new(move || svc(6, &warm))),
        ("SVC with probabilities", Box::new(move || svc(6, &proba))),
        ("SVR", Box::new(svr)),
        ("forest", Box::new(forest)),
        ("neighbours", Box::new(neighbors)),
        ("LogisticRegression", Box::new(move || each(logistic.clone().into_iter()))),
        ("linear models", Box::new(move || each([lasso.clone(), ridge.clone()].into_iter()))),
        ("GaussianNB", Box::new(move || each(std::iter::once(bayes())))),
        (
            "LinearSVC",
            Box::new(move || {
                let all = parameters::<LinearSvcParams>(&linear_svc);
                each(all.map(|params| params.validate(1).unwrap()).collect::<Vec<_>>().into_iter())
            }),
        ),
    ]
}

/// What fits came to, but for their times.
fn scores(outcomes: &[FitOutcome]) -> Vec<(Vec<u64>, Vec<u64>, bool)> {
    let bits = |values: &[f64]| values.iter().map(|value| value.to_bits()).collect();
    outcomes.iter().map(|o| (bits(&o.test_scores), bits(&o.train_scores), o.converged)).collect()
}

/// Does a chain that may be left; `after` is called with the number of each outcome.
fn run(search: &dyn Searchable, chain: &Chain, after: fn(usize)) -> (Result<()>, Vec<FitOutcome>) {
    let mut outcomes = Vec::new();
    let mut emit = |outcome| {
        outcomes.push(outcome);
        after(outcomes.len());
        Ok(())
    };
    let ended = interruptible(true, || search.run(chain, &splits(), &mut emit));
    request_stop(0);
    (ended, outcomes)
}

fn assert_interrupted<T>(ended: &Result<T>, what: &str) {
    let signal = match ended {
        Err(Error::Interrupted { signal }) => Some(*signal),
        _ => None,
    };
    assert_eq!(signal, Some(libc::SIGTERM), "{what}");
}

fn all_is_as_before(search: &dyn Searchable, expected: &(Vec<FitOutcome>, Model), what: &str) {
    assert_eq!(scores(&run_chains(search, &splits())), scores(&expected.0), "{what}");
    assert_eq!(search.refit(1 % search.n_candidates()).unwrap(), expected.1, "{what}");
}

#[test]
fn what_is_left_in_the_middle_comes_to_nothing() {
    assert!(check_interrupt().is_ok());
    for (what, make) in searches() {
        let last = 1 % make().n_candidates();
        let whole = make();
        let expected = (run_chains(&*whole, &splits()), whole.refit(last).unwrap());

        // Where nothing is kept a request changes nothing.
        request_stop(libc::SIGTERM);
        all_is_as_before(&*make(), &expected, what);

        // Asked before, no fit is done; nor is a part of one, nor the last fit.
        let search = make();
        for chain in search.chains(&splits()) {
            request_stop(libc::SIGTERM);
            let (ended, outcomes) = run(&*search, &chain, |_| ());
            assert_interrupted(&ended, what);
            assert!(outcomes.is_empty(), "{what}");
            if search.n_chain_parts(&chain) > 1 {
                request_stop(libc::SIGTERM);
                assert_interrupted(&interruptible(true, || search.chain_part(&chain, &splits(), 0)), what);
                request_stop(0);
            }
        }
        request_stop(libc::SIGTERM);
        let refitted = interruptible(true, || search.refit(last));
        // Neighbours are fitted by taking the rows.
        if what != "neighbours" {
            assert_interrupted(&refitted, what);
        }
        request_stop(0);
        all_is_as_before(&*search, &expected, what);

        // Asked when the first is done.
        let search = make();
        for chain in search.chains(&splits()) {
            let (ended, outcomes) = run(&*search, &chain, |n| {
                if n == 1 {
                    request_stop(libc::SIGTERM)
                }
            });
            if ended.is_err() {
                assert_interrupted(&ended, what);
            } else {
                assert_eq!(outcomes.len(), chain.fits.len(), "{what}");
            }
        }
        all_is_as_before(&*search, &expected, what);

        // Asked wherever it is then.
        let search = make();
        for microseconds in [100, 300, 1000, 3000, 10_000] {
            for chain in search.chains(&splits()) {
                let asking = std::thread::spawn(move || {
                    std::thread::sleep(Duration::from_micros(microseconds));
                    request_stop(libc::SIGTERM);
                });
                let mut outcomes = Vec::new();
                let mut emit = |outcome| {
                    outcomes.push(outcome);
                    Ok(())
                };
                let ended = interruptible(true, || search.run(&chain, &splits(), &mut emit));
                asking.join().unwrap();
                request_stop(0);
                if ended.is_err() {
                    assert_interrupted(&ended, what);
                }
                let done =
                    |outcome: &FitOutcome| expected.0.iter().find(|o| o.id == outcome.id).unwrap().clone();
                let undisturbed: Vec<FitOutcome> = outcomes.iter().map(done).collect();
                assert_eq!(scores(&outcomes), scores(&undisturbed), "{what}");
            }
        }
        all_is_as_before(&*search, &expected, what);
    }
}
