//! What a pass costs over its kernel: the price of bits that do not depend on the rank count, and of progress.
//!
//! Both ways go over the same blocks in memory with the same kernel. The plain one adds every row into one running
//! tally, as a program would that does not mind its bits; the engine makes a partial for each part of a block, and merges them
//! along the tree. Progress is what `--verbose` says after each iteration. `cargo bench --bench pass` prints both as percentages.

use std::hint::black_box;
use std::sync::Arc;
use std::time::{Duration, Instant};

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
const ROUNDS: usize = 61;

struct Step(Centroids<f64>);

fn tally(block: &Block<f64>, centroids: &Centroids<f64>, tally: &mut Tally, labels: &mut Vec<u32>) {
    labels.resize(block.n_rows, 0);
    let rows = Rows { x: &block.x, weights: &[], n_features: D };
    assign(&rows, centroids, &mut Scratch::new(D, Isa::best()), labels, Some(tally));
}

impl Pass<f64> for Step {
    type Partial = (Vec<f64>, Vec<f64>);
    type Memory = Vec<u32>;

    fn block(&self, block: &Block<f64>, labels: &mut Vec<u32>) -> Result<Self::Partial> {
        let mut sums = Tally::new(K, D);
        tally(block, &self.0, &mut sums, labels);
        Ok(sums.into_parts())
    }
}

fn main() {
    let params = BlobsParams {
        n_samples: N,
        n_features: Some(D),
        centers: Centers::Number(K as u64),
        ..BlobsParams::default()
    };
    let blobs = Blobs::new(&params, ".".as_ref(), 0, None).expect("good parameters");
    let step = Step(Centroids::new(blobs.centers(), &[0.0; D]));
    let single = Single::default();
    let (telemetry, silent) = (Telemetry::new(), Telemetry::new());
    let talker = Talker::new(Talk::Verbose, std::io::sink(), || Duration::ZERO);
    let talking = Telemetry::with_talker(talker);
    let source: Arc<dyn BlockSource<f64>> = Arc::new(blobs);
    let mut engine = PassEngine::new(&single, Feed::new(source, Residency::Memory, 0, 1), &telemetry);
    let mut labels = engine.memory();

    // All ways in turn over the same memory: copies of the rows differ by more than the ways do, by where their pages lie.
    let mut seconds: [Vec<f64>; 3] = Default::default();
    for round in 0..=ROUNDS {
        for turn in 0..3 {
            let way = (round + turn) % 3;
            let since = Instant::now();
            match way {
                0 => running(engine.feed_mut(), &silent, &step.0, &mut labels),
                _ => {
                    let (sums, weights) = engine.run(&step, &mut labels).expect("finite rows");
                    let score = step.0.score_of(&sums, &weights);
                    if way == 2 {
                        talking.iteration(1, &[("inertia", score)], 0.0);
                    }
                    black_box(score);
                }
            }
            seconds[way].push(since.elapsed().as_secs_f64());
        }
    }
    // The first round fills the blocks.
    let [plain, engine, progress] = seconds.map(|all| all[1..].to_vec());
    println!("pass over {N} rows of {D}, k = {K}, one rank, medians of {ROUNDS} in turn");
    for (name, seconds) in
        [("one running tally", &plain), ("engine", &engine), ("engine and progress", &progress)]
    {
        println!("{name:<22} {:>7.2} ns/row", quartiles(seconds.clone())[1] / N as f64 * 1e9);
    }
    show("reproducible bits", &engine, &plain);
    show("progress", &progress, &engine);
}

/// The pass of a program that does not mind its bits.
fn running(feed: &mut Feed<f64>, silent: &Telemetry, centroids: &Centroids<f64>, labels: &mut [Vec<u32>]) {
    let mut sums = Tally::new(K, D);
    let pass = feed.for_each(silent, |position, block| {
        tally(block, centroids, &mut sums, &mut labels[position]);
        Ok(())
    });
    pass.expect("finite rows");
    let (sums, weights) = sums.into_parts();
    black_box(centroids.score_of(&sums, &weights));
}

/// What one way costs over the other, each round by itself, so that what else the machine does meets both alike.
fn show(what: &str, dear: &[f64], cheap: &[f64]) {
    let ratios = dear.iter().zip(cheap).map(|(dear, cheap)| (dear / cheap - 1.0) * 100.0).collect();
    let [low, middle, high] = quartiles(ratios);
    println!("price of {what:<17} {middle:+.2} % (half of the rounds from {low:+.2} to {high:+.2})");
}

fn quartiles(mut values: Vec<f64>) -> [f64; 3] {
    values.sort_unstable_by(f64::total_cmp);
    [1, 2, 3].map(|quarter| values[values.len() * quarter / 4])
}
