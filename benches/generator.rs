//! Nanoseconds a row and bytes a second of the normal kernel and of the generated data sets.
//!
//! `cargo bench --bench generator`. Rows have 20 features.

use std::hint::black_box;
use std::path::Path;
use std::time::Instant;

use rankfit::data::{
    Blobs, BlobsParams, Block, BlockSource, Classification, ClassificationParams, Regression,
    RegressionParams,
};
use rankfit::kernel::{Isa, Mixture, Normal, Real};

const FEATURES: usize = 20;
const ROWS: usize = 16_384;
const COMPONENTS: usize = 12;

fn main() {
    println!("{:<34} {:>8} {:>8}", "rows of 20", "ns/row", "GB/s");
    for isa in Isa::available() {
        kernel::<f64>(isa);
        kernel::<f32>(isa);
    }
    sources::<f64>();
    sources::<f32>();
}

/// Whole blocks, targets and the order of rows included, by the fastest instruction set.
fn sources<T: Real>() {
    let (n_samples, n_features) = (10 * ROWS as u64, FEATURES);
    let params = BlobsParams {
        n_samples,
        n_features: Some(n_features),
        centers: rankfit::data::blobs::Centers::Number(COMPONENTS as u64),
        ..BlobsParams::default()
    };
    block::<T>("blobs", &Blobs::new(&params, Path::new(""), 0, Some(ROWS)).expect("valid parameters"));
    let params = ClassificationParams { n_samples, n_features, ..ClassificationParams::default() };
    block::<T>("classification", &Classification::new(&params, 0, Some(ROWS)).expect("valid parameters"));
    let params = RegressionParams { n_samples, n_features, ..RegressionParams::default() };
    block::<T>("regression", &Regression::new(&params, 0, Some(ROWS)).expect("valid parameters"));
}

fn block<T: Real>(name: &str, source: &dyn BlockSource<T>) {
    let mut block = Block::default();
    block.reshape(source.shape(), 1);
    report::<T>(&format!("{name} {}", T::NAME), || source.fill(black_box(&mut block)).expect("a block"));
}

fn kernel<T: Real>(isa: Isa) {
    let mut out = vec![T::ZERO; ROWS * FEATURES];
    let mut normal = Normal::with_isa([1, 2, 3, 4], isa);
    report::<T>(&format!("standard normals {isa:?} {}", T::NAME), || normal.fill(black_box(&mut out)));

    let assignment: Vec<u32> = (0..ROWS).map(|i| (i * 7 % COMPONENTS) as u32).collect();
    let means: Vec<T> = (0..COMPONENTS * FEATURES).map(|i| T::from_f64(i as f64)).collect();
    let stds = vec![T::from_f64(2.0); COMPONENTS];
    let mixture = Mixture { n_features: FEATURES, assignment: &assignment, means: &means, stds: &stds };
    report::<T>(&format!("mixture of 12 {isa:?} {}", T::NAME), || {
        normal.fill_mixture(black_box(&mut out), &mixture);
    });
}

/// The best of several runs of `ROWS` rows.
fn report<T>(name: &str, mut run: impl FnMut()) {
    let mut best = f64::INFINITY;
    for _ in 0..30 {
        let start = Instant::now();
        run();
        best = best.min(start.elapsed().as_secs_f64());
    }
    let bytes = (ROWS * FEATURES * size_of::<T>()) as f64;
    println!("{name:<34} {:>8.1} {:>8.2}", best / ROWS as f64 * 1e9, bytes / best / 1e9);
}
