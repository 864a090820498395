//! What a pass costs over its kernel: the price of bits that do not depend on the rank count, and of progress.
//!
//! Both ways go over the same blocks in memory with the same kernel. The plain one adds every row into one running
//! tally, as a program would that does not mind its bits; the engine makes a partial for each part of a block, and merges them
//! along the tree. Progress is what `--verbose` says after each iteration.

use std::hint::black_box;
use std::sync::Arc;
use std::time::Duration;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use rankfit::comm::Single;
use rankfit::data::blobs::Centers;
use rankfit::data::{Blobs, BlobsParams, Block, BlockSource, Feed, Residency};
use rankfit::engine::pass::{Pass, PassEngine};
use rankfit::error::Result;
use rankfit::kernel::Isa;
use rankfit::kernel::lloyd::{Centroids, Rows, Scratch, Tally, assign};
use rankfit::telemetry::{Talk, Talker, Telemetry};

const D: usize = 20;
const K: usize = 12;
const N: u64 = 1_000_000;

struct Step(Centroids<f64>);

fn tally(block: &Block<f64>, centroids: &Centroids<f64>, tally: &mut Tally, labels: &mut Vec<u32>) -> f64 {
    labels.resize(block.n_rows, 0);
    let rows = Rows { x: &block.x, weights: &[], n_features: D };
    assign(&rows, centroids, &mut Scratch::new(D, Isa::best()), labels, Some(tally))
}

impl Pass<f64> for Step {
    type Partial = (Vec<f64>, (Vec<f64>, f64));
    type Memory = Vec<u32>;

    fn block(&self, block: &Block<f64>, labels: &mut Vec<u32>) -> Result<Self::Partial> {
        let mut sums = Tally::new::<f64>(K, D);
        let score = tally(block, &self.0, &mut sums, labels);
        let (sums, weights) = sums.into_parts();
        Ok((sums, (weights, score)))
    }
}

fn all(criterion: &mut Criterion) {
    let params = BlobsParams {
        n_samples: N,
        n_features: Some(D),
        centers: Centers::Number(K as u64),
        ..BlobsParams::default()
    };
    let blobs = Blobs::new(&params, ".".as_ref(), 0, None).expect("good parameters");
    let centroids = || Centroids::new(blobs.centers(), &[0.0; D]);
    let source: Arc<dyn BlockSource<f64>> = Arc::new(blobs.clone());
    let feed = || Feed::new(Arc::clone(&source), Residency::Memory, 0, 1);

    let single = Single::default();
    let mut group = criterion.benchmark_group(format!("pass k={K} d={D} ({N} rows)"));
    group.throughput(Throughput::Elements(N)).sample_size(30);
    let (silent, mut plain) = (Telemetry::new(), feed());
    let (step, mut labels) = (centroids(), vec![Vec::new(); plain.slice().len()]);
    group.bench_function("one running tally", |b| {
        b.iter(|| {
            let mut sums = Tally::new::<f64>(K, D);
            let pass = plain.for_each(&silent, |position, block| {
                black_box(tally(block, &step, &mut sums, &mut labels[position]));
                Ok(())
            });
            pass.expect("finite rows");
            sums
        });
    });
    let talker = Talker::new(Talk::Verbose, std::io::sink(), || Duration::ZERO);
    for (name, telemetry) in
        [("engine", Telemetry::new()), ("engine and progress", Telemetry::with_talker(talker))]
    {
        let mut engine = PassEngine::new(&single, feed(), &telemetry);
        let (step, mut memory) = (Step(centroids()), engine.memory());
        group.bench_function(name, |b| {
            b.iter(|| {
                let total = engine.run(&step, &mut memory).expect("finite rows");
                telemetry.iteration(1, &[("inertia", total.1.1)], 0.0);
                total
            });
        });
    }
}

criterion_group!(benches, all);
criterion_main!(benches);
