//! K-means against scikit-learn's answers, and against itself on other ranks, residencies and instruction sets.

mod given;

use std::sync::Arc;

use given::given;
use rankfit::comm::{Communicator, Single, run_threads};
use rankfit::data::{Block, BlockSource, Feed, Residency};
use rankfit::engine::pass::PassEngine;
use rankfit::engine::rows::{RowSink, stream_kept, stream_rows};
use rankfit::error::Result;
use rankfit::estimator::cluster::kmeans::{Init, KMeans, KMeansModel, KMeansParams, NInit, Select};
use rankfit::kernel::Isa;
use rankfit::kernel::Real;
use rankfit::rng::{Purpose, stream, uniform};
use rankfit::telemetry::Telemetry;

fn fit_on<T: Real>(
    comm: &dyn Communicator,
    source: &Arc<dyn BlockSource<T>>,
    residency: Residency,
    kmeans: &KMeans,
) -> Result<KMeansModel> {
    let telemetry = Telemetry::new();
    let feed = Feed::new(source.clone(), residency, comm.rank(), comm.size());
    kmeans.fit(&mut PassEngine::new(comm, feed, &telemetry))
}

fn fit<T: Real>(source: &Arc<dyn BlockSource<T>>, kmeans: &KMeans) -> KMeansModel {
    fit_on(&Single::new(), source, Residency::Memory, kmeans).unwrap()
}

/// The model and the labels of all rows.
fn fit_predict<T: Real>(source: &Arc<dyn BlockSource<T>>, kmeans: &KMeans) -> (KMeansModel, Vec<i32>) {
    let (comm, telemetry) = (Single::new(), Telemetry::new());
    let feed = Feed::new(source.clone(), Residency::Memory, 0, 1);
    let (model, labels) = kmeans.fit_predict(&mut PassEngine::new(&comm, feed, &telemetry)).unwrap();
    (model, (0..labels.n_blocks()).flat_map(|position| labels.block(position)).collect())
}

fn labels<T: Real>(source: &Arc<dyn BlockSource<T>>, model: &KMeansModel) -> Vec<i32> {
    let mut all = Vec::new();
    for index in 0..source.shape().n_blocks() {
        let mut block = Block::default();
        block.reshape(source.shape(), index);
        source.fill(&mut block).unwrap();
        all.extend(model.predict(&block).unwrap());
    }
    all
}

#[derive(serde::Deserialize)]
struct Golden {
    dtype: String,
    n_features: usize,
    x: Vec<f64>,
    weights: Vec<f64>,
    init: Vec<f64>,
    tol: f64,
    max_iter: usize,
    labels: Vec<i32>,
    inertia: f64,
    n_iter: usize,
    cluster_centers: Vec<f64>,
}

fn golden(name: &str) -> Golden {
    let path = format!("{}/tests/data/kmeans/{name}.json", env!("CARGO_MANIFEST_DIR"));
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

/// The labels with clusters numbered in the order in which they first appear.
fn renumbered(labels: &[i32]) -> Vec<usize> {
    let mut seen = Vec::new();
    let mut number = |label: &i32| match seen.iter().position(|s| s == label) {
        Some(at) => at,
        None => {
            seen.push(*label);
            seen.len() - 1
        }
    };
    labels.iter().map(&mut number).collect()
}

fn check_golden<T: Real>(name: &str, golden: &Golden, up_to_numbering: bool) {
    let params = KMeansParams {
        n_clusters: golden.init.len() / golden.n_features,
        tol: golden.tol,
        max_iter: golden.max_iter,
        ..KMeansParams::default()
    };
    let kmeans = params.validate(0).unwrap().with_centers(golden.init.clone());
    for block_rows in [17, 101, 4096] {
        let source = given::<T>(&golden.x, &golden.weights, golden.n_features, block_rows);
        let (model, found) = fit_predict(&source, &kmeans);
        if up_to_numbering {
            assert_eq!(renumbered(&found), renumbered(&golden.labels), "{name}");
        } else {
            assert_eq!(found, golden.labels, "{name}");
        }
        let error = (model.inertia_ - golden.inertia).abs();
        // Rows that equal their centroid leave squares of rounding errors.
        assert!(
            error <= 1e-9 * golden.inertia + 1e-27,
            "{name}: inertia {} for {}",
            model.inertia_,
            golden.inertia
        );
        assert_eq!(model.n_iter_, golden.n_iter, "{name}");
        if !up_to_numbering {
            let tolerance = if golden.dtype == "f32" { 1e-6 } else { 1e-9 };
            for (a, b) in model.cluster_centers().iter().zip(&golden.cluster_centers) {
                assert!((a - b).abs() <= tolerance * (1.0 + b.abs()), "{name}: centre {a} for {b}");
            }
        }
    }
}

macro_rules! golden_tests {
    ($($name:ident $(as $numbering:literal)?),* $(,)?) => {$(
        #[test]
        fn $name() {
            let name = stringify!($name).trim_start_matches("golden_");
            let golden = golden(name);
            let up_to_numbering = false $(|| $numbering == "any numbering")?;
            match golden.dtype.as_str() {
                "f64" => check_golden::<f64>(name, &golden, up_to_numbering),
                _ => check_golden::<f32>(name, &golden, up_to_numbering),
            }
        }
    )*};
}

golden_tests! {
    golden_blobs,
    golden_blobs_f32,
    golden_overlapping,
    golden_overlapping_strict,
    golden_overlapping_max_iter,
    golden_overlapping_f32,
    golden_empty_1,
    golden_empty_2,
    // The order of three and more rows behind numpy.argpartition is arbitrary.
    golden_empty_4 as "any numbering",
    golden_one_cluster,
    golden_k_equals_n,
    golden_duplicates,
    golden_duplicates_same_start,
    golden_one_feature,
    golden_wide,
    golden_far,
    golden_weights,
    golden_weights_empty,
    golden_ties,
}

/// Rows around `k` centres, and the centres.
fn mixture(k: usize, d: usize, n: usize, spread: f64) -> (Vec<f64>, Vec<f64>) {
    let mut rng = stream(5, Purpose::Noise, 0);
    let centres: Vec<f64> = (0..k * d).map(|_| 20.0 * uniform(&mut rng) - 10.0).collect();
    let mut x = Vec::with_capacity(n * d);
    for _ in 0..n {
        let label = (uniform(&mut rng) * k as f64) as usize;
        for f in 0..d {
            // A sum of twelve uniform numbers is near enough to normal, with variance 1.
            let noise: f64 = (0..12).map(|_| uniform(&mut rng)).sum::<f64>() - 6.0;
            x.push(centres[label * d + f] + spread * noise);
        }
    }
    (x, centres)
}

fn params(k: usize, init: Init) -> KMeansParams {
    KMeansParams { n_clusters: k, init, ..KMeansParams::default() }
}

/// Everything of a model that must not depend on where it was fitted.
fn bits(model: &KMeansModel) -> Vec<u64> {
    let mut bits: Vec<u64> = model.cluster_centers().iter().map(|v| v.to_bits()).collect();
    bits.extend([model.inertia_.to_bits(), model.n_iter_ as u64]);
    for record in &model.history {
        bits.extend([record.inertia.to_bits(), record.center_shift.to_bits(), record.n_changed]);
    }
    bits
}

fn check_bits<T: Real>(init: Init, weighted: bool) {
    let (x, _) = mixture(7, 5, 3001, 3.0);
    let weights: Vec<f64> = (0..if weighted { 3001 } else { 0 }).map(|i| f64::from(i % 5) * 0.3).collect();
    let source = given::<T>(&x, &weights, 5, 271);
    let mut params = params(7, init.clone());
    params.n_init = NInit::Count(2);
    params.max_iter = 25;
    let kmeans = params.validate(11).unwrap();
    let expected = bits(&fit(&source, &kmeans));
    for isa in Isa::available() {
        assert_eq!(bits(&fit(&source, &kmeans.clone().on(isa))), expected, "{init:?} on {isa:?}");
    }
    for size in [1, 2, 3, 4, 7, 16] {
        let some = Residency::Auto { budget_bytes: 60_000 };
        for residency in [Residency::Memory, Residency::Stream, some] {
            for model in run_threads(size, |comm| fit_on(comm, &source, residency, &kmeans).unwrap()) {
                assert_eq!(bits(&model), expected, "{init:?} on {size} ranks, {residency:?}");
            }
        }
    }
}

#[test]
fn bits_do_not_depend_on_ranks_residency_or_instruction_set() {
    for init in [Init::KMeansParallel, Init::KMeansPlusPlus, Init::Random] {
        for weighted in [false, true] {
            check_bits::<f64>(init.clone(), weighted);
            check_bits::<f32>(init.clone(), weighted);
        }
    }
}

#[test]
fn every_start_finds_separated_clusters() {
    let (x, centres) = mixture(5, 3, 2000, 0.3);
    let source = given::<f64>(&x, &[], 3, 300);
    for init in [Init::KMeansParallel, Init::KMeansPlusPlus] {
        for seed in 0..10 {
            let model = fit(&source, &params(5, init.clone()).validate(seed).unwrap());
            assert_found(&model, &centres, 0.2, &format!("{init:?}, seed {seed}"));
        }
    }
    let model = fit(&source, &params(5, Init::Random).validate(3).unwrap());
    assert_found(&model, &centres, 0.2, "the best of ten random starts");
}

/// Each true centre has exactly one found centre near it.
fn assert_found(model: &KMeansModel, centres: &[f64], within: f64, what: &str) {
    let d = model.n_features_in();
    let found = model.cluster_centers();
    for centre in centres.chunks_exact(d) {
        let near =
            |c: &[f64]| c.iter().zip(centre).map(|(a, b)| (a - b) * (a - b)).sum::<f64>().sqrt() < within;
        assert_eq!(found.chunks_exact(d).filter(|c| near(c)).count(), 1, "{what}: {centre:?}");
    }
}

#[test]
fn restarts_keep_the_best_of_the_runs_they_share_passes_with() {
    let (x, _) = mixture(9, 2, 1500, 1.5);
    let source = given::<f64>(&x, &[], 2, 200);
    let with = |n_init| {
        let mut params = params(9, Init::Random);
        params.n_init = NInit::Count(n_init);
        fit(&source, &params.validate(4).unwrap())
    };
    // The first run of many is the run of one; more can only lower the inertia.
    let inertias: Vec<f64> = (1..=6).map(|n| with(n).inertia_).collect();
    assert!(inertias.is_sorted_by(|a, b| a >= b), "{inertias:?}");
    assert!(inertias[5] < inertias[0], "six starts of overlapping clusters differ: {inertias:?}");
}

#[test]
fn the_history_ends_at_the_exact_inertia() {
    let (x, _) = mixture(4, 3, 1000, 2.0);
    let source = given::<f64>(&x, &[], 3, 128);
    let mut params = params(4, Init::KMeansPlusPlus);
    params.tol = 0.0;
    let model = fit(&source, &params.validate(1).unwrap());
    let inertias: Vec<f64> = model.history.iter().map(|r| r.inertia).collect();
    assert!(inertias.is_sorted_by(|a, b| *a >= b * (1.0 - 1e-12)), "{inertias:?}");
    // Strict convergence: labels and centroids of the last two iterations are the same.
    let last = model.history.last().unwrap();
    assert_eq!((last.n_changed, last.center_shift), (0, 0.0));
    assert!((last.inertia - model.inertia_).abs() < 1e-11 * model.inertia_);
}

#[test]
fn a_model_survives_its_export() {
    let (x, _) = mixture(4, 3, 500, 1.0);
    let source = given::<f64>(&x, &[], 3, 128);
    let (model, fitted) = fit_predict(&source, &params(4, Init::KMeansPlusPlus).validate(1).unwrap());
    assert_eq!(labels(&source, &model), fitted);
    let back = KMeansModel::import(&model.export()).unwrap();
    assert_eq!(labels(&source, &back), labels(&source, &model));
    let mut block = Block::default();
    block.reshape(source.shape(), 1);
    source.fill(&mut block).unwrap();
    let (distances, predicted) = (back.transform(&block).unwrap(), back.predict(&block).unwrap());
    for (i, label) in predicted.into_iter().enumerate() {
        let of_row = &distances[i * 4..][..4];
        assert!(of_row.iter().all(|d| *d >= of_row[label as usize]), "row {i}");
        let c = &model.cluster_centers()[3 * label as usize..][..3];
        let direct: f64 = c.iter().zip(block.row(i)).map(|(c, x)| (c - x) * (c - x)).sum::<f64>().sqrt();
        assert!((of_row[label as usize] - direct).abs() < 1e-12);
    }
    let other = given::<f64>(&x, &[], 2, 128);
    block.reshape(other.shape(), 0);
    assert_eq!(model.predict(&block).unwrap_err().exit_code().code(), 65);
}

/// Takes the streamed labels apart again.
struct Gathered(Vec<i32>);

impl RowSink for Gathered {
    fn put(&mut self, first_row: u64, values: &[u8]) -> Result<()> {
        let labels = values.as_chunks::<4>().0.iter().map(|&bytes| i32::from_le_bytes(bytes));
        self.0.splice(first_row as usize..first_row as usize + values.len() / 4, labels);
        Ok(())
    }
}

#[test]
fn labels_reach_rank_0_from_every_rank() {
    let (x, _) = mixture(4, 3, 1000, 1.0);
    let source = given::<f64>(&x, &[], 3, 77);
    let kmeans = params(4, Init::KMeansParallel).validate(1).unwrap();
    let (_, expected) = fit_predict(&source, &kmeans);
    for size in [1, 3, 16] {
        run_threads(size, |comm| {
            let telemetry = Telemetry::new();
            let feed = Feed::new(source.clone(), Residency::Stream, comm.rank(), comm.size());
            let mut engine = PassEngine::new(comm, feed, &telemetry);
            let (model, labels) = kmeans.fit_predict(&mut engine).unwrap();
            let (mut kept, mut predicted) = (Gathered(vec![-1; 1000]), Gathered(vec![-1; 1000]));
            stream_kept(comm, engine.parts(), |position| Ok(labels.bytes(position)), &mut kept).unwrap();
            let predict = |_: usize, block: &Block<f64>| model.predict_bytes(block);
            stream_rows(comm, engine.feed_mut(), &telemetry, predict, &mut predicted).unwrap();
            if comm.is_root() {
                assert_eq!(kept.0, expected);
                assert_eq!(predicted.0, expected);
            }
        });
    }
}

#[test]
fn parallel_start_finds_the_tutorials_mixture_for_20_seeds() {
    let text = std::fs::read_to_string(concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/tests/data/kmeans/tutorial_centers.csv"
    ));
    let centres: Vec<f64> = text.unwrap().split([',', '\n']).filter_map(|v| v.parse().ok()).collect();
    assert_eq!(centres.len(), 12 * 20);
    let n = 60_000;
    let mut rng = stream(1, Purpose::Noise, 0);
    let mut x = Vec::with_capacity(n * 20);
    for _ in 0..n {
        let label = (uniform(&mut rng) * 12.0) as usize;
        for centre in &centres[label * 20..][..20] {
            x.push(centre + (0..12).map(|_| uniform(&mut rng)).sum::<f64>() - 6.0);
        }
    }
    let source = given::<f64>(&x, &[], 20, 7_000);
    let mut params = params(12, Init::KMeansParallel);
    (params.oversampling_factor, params.init_max_iter) = (Some(10.0), Some(3));
    for seed in 0..20 {
        let model = fit(&source, &params.validate(seed).unwrap());
        // The mean of 5,000 rows in 20 dimensions lies within 0.063 of its centre on average.
        assert_found(&model, &centres, 0.2, &format!("seed {seed}"));
    }
}

#[test]
fn several_numbers_of_clusters_have_scikit_learns_indices() {
    // Four groups, in two pairs. Golden values: scikit-learn 1.9.1, KMeans(k, n_init=10, random_state=0), then
    // silhouette_score, calinski_harabasz_score and davies_bouldin_score of its labels.
    let middles = [[0.0, 0.0], [0.0, 6.0], [40.0, 0.0], [40.0, 6.0]];
    let row = |i: usize| {
        let [x, y] = middles[i % 4];
        [x + (i * 7 % 11) as f64 / 11.0 - 0.5, y + (i * 5 % 13) as f64 / 13.0 - 0.5]
    };
    let x: Vec<f64> = (0..61).flat_map(row).collect();
    let golden = [
        (2, 564.4008365947909, 0.9161704301728388, 2556.077143891307, 0.15117328273470287),
        (4, 10.156160244184708, 0.9127161657736604, 46780.821701981506, 0.12760420039349757),
    ];
    for init in [Init::KMeansPlusPlus, Init::KMeansParallel, Init::Random] {
        for (select, best) in
            [(None, 0), (Some(Select::CalinskiHarabasz), 1), (Some(Select::DaviesBouldin), 1)]
        {
            let params = KMeansParams {
                n_clusters: 4,
                n_clusters_tried: vec![2, 4],
                n_init: NInit::Count(5),
                init: init.clone(),
                select,
                ..KMeansParams::default()
            };
            let kmeans = params.validate(0).unwrap();
            let mut models = Vec::new();
            for (block_rows, ranks) in [(61, 1), (7, 1), (7, 3)] {
                let source = given::<f64>(&x, &[], 2, block_rows);
                models.extend(run_threads(ranks, |comm| {
                    fit_on(comm, &source, Residency::Stream, &kmeans).unwrap()
                }));
            }
            assert!(models[1..].windows(2).all(|pair| pair[0].selection == pair[1].selection), "ranks");
            for model in models {
                assert_eq!(model.n_clusters(), golden[best].0, "{init:?} {select:?}");
                assert_eq!(model.inertia_, model.selection[best].inertia);
                for (tried, golden) in model.selection.iter().zip(golden) {
                    let close = |a: f64, b: f64| assert!((a - b).abs() <= 1e-12 * b, "{a} is not {b}");
                    assert_eq!(tried.n_clusters, golden.0);
                    close(tried.inertia, golden.1);
                    close(tried.silhouette, golden.2);
                    close(tried.calinski_harabasz, golden.3);
                    close(tried.davies_bouldin, golden.4);
                }
            }
        }
    }
}

/// A list is a list, whatever its length.
#[test]
fn one_number_of_clusters_in_a_list_is_scored() {
    let x: Vec<f64> = (0..40).map(|i| f64::from(i % 4) * 9.0 + f64::from(i * 7 % 11) / 11.0).collect();
    let source = given::<f64>(&x, &[], 2, 7);
    let of_list = |n_clusters_tried: Vec<usize>| {
        let params = KMeansParams { n_clusters: 4, n_clusters_tried, ..KMeansParams::default() };
        let models = run_threads(2, |comm| {
            fit_on(comm, &source, Residency::Stream, &params.validate(3).unwrap()).unwrap()
        });
        models.into_iter().next().unwrap()
    };
    let (one, two) = (of_list(vec![4]), of_list(vec![2, 4]));
    assert_eq!(one.selection.len(), 1);
    assert_eq!(one.selection[0], two.selection[1]);
    assert_eq!(one.inertia_, one.selection[0].inertia);
    assert!(one.export().numbers("selection_silhouette").unwrap()[0] > 0.0);
    assert!(of_list(Vec::new()).selection.is_empty());
}

#[test]
fn lists_of_numbers_of_clusters_are_checked() {
    let tried = |tried: Vec<usize>| KMeansParams {
        n_clusters: tried.iter().copied().max().unwrap_or(8),
        n_clusters_tried: tried,
        ..KMeansParams::default()
    };
    assert!(tried(vec![2, 3, 8]).validate(0).is_ok());
    for wrong in [vec![1, 2], vec![3, 2], vec![2, 2]] {
        assert!(tried(wrong).validate(0).is_err());
    }
    let select = Some(Select::Silhouette);
    assert!(KMeansParams { select, ..KMeansParams::default() }.validate(0).is_err());
    assert!(KMeansParams { init: Init::File("x".into()), ..tried(vec![2, 4]) }.validate(0).is_err());
    assert!(KMeansParams { silhouette_samples: Some(1), ..tried(vec![2, 4]) }.validate(0).is_err());
    let text = serde_json::to_value(tried(vec![2, 4])).unwrap();
    assert_eq!(text["n_clusters"], serde_json::json!([2, 4]));
    assert_eq!(serde_json::from_value::<KMeansParams>(text).unwrap(), tried(vec![2, 4]));
}
