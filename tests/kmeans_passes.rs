//! How often a K-means fit goes over its data, and that going less often changes no bit.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use rankfit::comm::Single;
use rankfit::data::{Blobs, BlobsParams, Block, BlockSource, Feed, Residency, Shape};
use rankfit::engine::pass::PassEngine;
use rankfit::error::Result;
use rankfit::estimator::cluster::kmeans::{Init, KMeansModel, KMeansParams};
use rankfit::telemetry::Telemetry;

/// Blobs that count how many blocks were made.
struct Counted {
    blobs: Blobs,
    n_made: AtomicUsize,
}

impl BlockSource<f64> for Counted {
    fn shape(&self) -> &Shape {
        BlockSource::<f64>::shape(&self.blobs)
    }
    fn fill(&self, block: &mut Block<f64>) -> Result<()> {
        self.n_made.fetch_add(1, Ordering::Relaxed);
        self.blobs.fill(block)
    }
    fn origin(&self) -> String {
        "counted blobs".into()
    }
    fn waits_for_input(&self) -> bool {
        false
    }
}

fn source(center_box: f64) -> Arc<Counted> {
    let params = serde_json::json!({
        "n_samples": 4000, "n_features": 4, "centers": 6, "center_box": [-center_box, center_box],
    });
    let params: BlobsParams = serde_json::from_value(params).unwrap();
    let blobs = Blobs::new(&params, Path::new(""), 3, Some(500)).unwrap();
    Arc::new(Counted { blobs, n_made: AtomicUsize::new(0) })
}

/// The model, all labels and how many blocks were made.
fn fit(source: &Arc<Counted>, residency: Residency, tol: f64) -> (KMeansModel, Vec<i32>, usize) {
    source.n_made.store(0, Ordering::Relaxed);
    let params = KMeansParams { n_clusters: 6, init: Init::KMeansParallel, tol, ..KMeansParams::default() };
    let (comm, telemetry) = (Single::new(), Telemetry::new());
    let feed = Feed::new(source.clone(), residency, 0, 1);
    let mut engine = PassEngine::new(&comm, feed, &telemetry);
    let (model, labels) = params.validate(0).unwrap().fit_predict(&mut engine).unwrap();
    let labels = (0..labels.n_blocks()).flat_map(|position| labels.block(position)).collect();
    (model, labels, source.n_made.load(Ordering::Relaxed))
}

fn bits(model: &KMeansModel) -> Vec<u64> {
    let records =
        model.history.iter().flat_map(|r| [r.inertia.to_bits(), r.center_shift.to_bits(), r.n_changed]);
    let centers = model.cluster_centers().into_iter().map(f64::to_bits);
    records.chain(centers).chain([model.inertia_.to_bits()]).collect()
}

#[test]
fn separated_clusters_take_two_passes_beside_the_start() {
    let source = source(100.0);
    let (streamed, labels, n_made) = fit(&source, Residency::Stream, 1e-4);
    assert_eq!(streamed.n_iter_, 2);
    // The block of the first row, then passes: five rounds, of which the first is the survey, the weights, and two
    // iterations, of which the second finds the inertia.
    assert_eq!(n_made, 1 + 8 * (5 + 1 + 2));
    let (resident, expected, n_made) = fit(&source, Residency::Memory, 1e-4);
    assert_eq!(n_made, 1 + 8);
    assert_eq!(bits(&streamed), bits(&resident));
    assert_eq!(labels, expected);
}

#[test]
fn a_slow_end_is_the_same_with_and_without_a_last_pass() {
    let source = source(2.0);
    let (streamed, labels, n_made) = fit(&source, Residency::Stream, 0.0);
    let (resident, expected, _) = fit(&source, Residency::Memory, 0.0);
    assert!(streamed.n_iter_ > 5, "{} iterations of overlapping clusters", streamed.n_iter_);
    let history = &streamed.history;
    assert_eq!(history.last().unwrap().n_changed, 0);
    let last_passes = n_made - 1 - 8 * (5 + 1 + history.len());
    assert!(last_passes == 0 || last_passes == 8, "{n_made} blocks made");
    assert_eq!(bits(&streamed), bits(&resident));
    assert_eq!(labels, expected);
    // The inertia is that of the labels and centroids, whoever found it.
    let exact = exact_inertia(&source, &streamed, &labels);
    assert!((streamed.inertia_ - exact).abs() < 1e-12 * exact, "{} {exact}", streamed.inertia_);
}

#[test]
fn an_end_by_tolerance_takes_the_last_pass() {
    let source = source(2.0);
    let (streamed, labels, n_made) = fit(&source, Residency::Stream, 1e-2);
    assert_ne!(streamed.history.last().unwrap().n_changed, 0);
    assert_eq!(n_made, 1 + 8 * (5 + 1 + streamed.n_iter_ + 1));
    let exact = exact_inertia(&source, &streamed, &labels);
    assert!((streamed.inertia_ - exact).abs() < 1e-12 * exact, "{} {exact}", streamed.inertia_);
}

/// Σ ‖x − c‖² written plainly.
fn exact_inertia(source: &Counted, model: &KMeansModel, labels: &[i32]) -> f64 {
    let (centers, mut total) = (model.cluster_centers(), 0.0);
    let mut block = Block::default();
    for index in 0..8 {
        block.reshape(BlockSource::<f64>::shape(source), index);
        source.fill(&mut block).unwrap();
        for i in 0..block.n_rows {
            let label = labels[block.first_row as usize + i] as usize;
            let c = &centers[label * 4..][..4];
            total += block.row(i).iter().zip(c).map(|(x, c)| (x - c) * (x - c)).sum::<f64>();
        }
    }
    total
}
