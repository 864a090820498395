//! The starts of MiniBatchKMeans: which rows they are found on, and how rows that weigh nothing count.

mod given;

use std::sync::Arc;

use given::given;
use rankfit::comm::{Communicator, Single, run_threads};
use rankfit::data::{BlockSource, Feed, Residency};
use rankfit::engine::pass::PassEngine;
use rankfit::error::Result;
use rankfit::estimator::cluster::mini_batch_kmeans::MiniBatchInit;
use rankfit::estimator::cluster::{MiniBatchKMeansModel, MiniBatchKMeansParams};
use rankfit::telemetry::Telemetry;

fn fit(
    comm: &dyn Communicator,
    source: &Arc<dyn BlockSource<f64>>,
    params: &MiniBatchKMeansParams,
    seed: u64,
) -> Result<MiniBatchKMeansModel> {
    let telemetry = Telemetry::new();
    let feed = Feed::new(source.clone(), Residency::Stream, comm.rank(), comm.size());
    let (model, _) = params.fit_predict(&mut PassEngine::new(comm, feed, &telemetry), seed)?;
    Ok(model)
}

/// Without reassignments every centroid stays on the row that it starts from where there are as many clusters as rows, so
/// that the inertia is 0 if, and only if, each row is drawn once. scikit-learn draws from a part of the rows only if
/// `init_size` is below their number.
#[test]
fn starts_are_found_on_all_rows_where_init_size_covers_them() {
    let x: Vec<f64> = (0..24).map(|i| f64::from(i * i % 37) + f64::from(i)).collect();
    let source = given(&x, &[], 2, 5);
    for init in [MiniBatchInit::KMeansPlusPlus, MiniBatchInit::Random] {
        for (init_size, seed) in (0..10).flat_map(|seed| [(None, seed), (Some(12), seed), (Some(99), seed)]) {
            let params = MiniBatchKMeansParams {
                n_clusters: 12,
                reassignment_ratio: 0.0,
                max_iter: 5,
                init,
                init_size,
                ..MiniBatchKMeansParams::default()
            };
            let alone = fit(&Single::new(), &source, &params, seed).unwrap();
            assert!(alone.inertia_ < 1e-20, "{init:?} {init_size:?} {seed}: {}", alone.inertia_);
            for ranks in [2, 3] {
                let models = run_threads(ranks, |comm| fit(comm, &source, &params, seed).unwrap());
                assert!(models.iter().all(|model| *model == alone), "{init:?} {seed}");
            }
        }
    }
}

/// Three rows that weigh something, and far from them nine that do not: `MiniBatchKMeans(3, init="random", n_init=1,
/// reassignment_ratio=0, random_state=s).fit(X, sample_weight=w).inertia_` of scikit-learn 1.9.1 is below 1e-30 for every s
/// from 0 to 9.
#[test]
fn random_starts_are_drawn_by_weight() {
    let mut x = vec![0.0, 0.0, 1.0, 2.0, 5.0, 1.0];
    x.extend((0..9).flat_map(|i| [100.0 + f64::from(i), f64::from(i)]));
    let weights = vec![1.0, 1.0, 1.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0];
    let source = given(&x, &weights, 2, 5);
    let mut params = MiniBatchKMeansParams {
        n_clusters: 3,
        init: MiniBatchInit::Random,
        reassignment_ratio: 0.0,
        ..MiniBatchKMeansParams::default()
    };
    for seed in 0..10 {
        let model = fit(&Single::new(), &source, &params, seed).unwrap();
        assert!(model.inertia_ < 1e-20, "{seed}: {}", model.inertia_);
    }
    // scikit-learn: "Fewer non-zero entries in p than size".
    params.n_clusters = 4;
    for ranks in [1, 3] {
        let errors = run_threads(ranks, |comm| fit(comm, &source, &params, 0).unwrap_err().to_string());
        let expected =
            "given: expected at least 4 rows with a weight above 0 among the 12 that a start is drawn from";
        errors.iter().for_each(|error| assert!(error.starts_with(expected), "{error}"));
    }
}
