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
const ROUNDS: usize = 41;

struct Step(Centroids<f64>);

fn tally(block: &Block<f64>, centroids: &Centroids<f64>, tally: &mut Tally, labels: &mut Vec<u32>) {
    labels.resize(block.n_rows, 0);
    let rows = Rows { x: &block.x, weights: &[], n_features: D };
    assign(&rows, centroids, &mut Scratch::new(D, Isa::best()), labels, Some(tally));
}

impl Pass<f64> for Step {
    type Partial = (Vec<f64>, (Vec<f64>, f64));
    type Memory = Vec<u32>;

    fn block(&self, block: &Block<f64>, labels: &mut Vec<u32>) -> Result<Self::Partial> {
        let mut sums = Tally::new(K, D);
        tally(block, &self.0, &mut sums, labels);
        let (sums, weights) = sums.into_parts();
        let score = self.0.score_of(&sums, &weights);
        Ok((sums, (weights, score)))
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
    let centroids = || Centroids::new(blobs.centers(), &[0.0; D]);
    let source: Arc<dyn BlockSource<f64>> = Arc::new(blobs.clone());
    let feed = || Feed::new(Arc::clone(&source), Residency::Memory, 0, 1);

    let (silent, mut plain) = (Telemetry::new(), feed());
    let (step, mut labels) = (centroids(), vec![Vec::new(); plain.slice().len()]);
    let mut running = || {
        let mut sums = Tally::new(K, D);
        let pass = plain.for_each(&silent, |position, block| {
            tally(block, &step, &mut sums, &mut labels[position]);
            Ok(())
        });
        pass.expect("finite rows");
        black_box(sums);
    };
    let single = Single::default();
    let talker = Talker::new(Talk::Verbose, std::io::sink(), || Duration::ZERO);
    let (quiet, talking) = (Telemetry::new(), Telemetry::with_talker(talker));
    let through = |telemetry| {
        let mut engine = PassEngine::new(&single, feed(), telemetry);
        let (step, mut memory) = (Step(centroids()), engine.memory());
        move |told: bool| {
            let total = engine.run(&step, &mut memory).expect("finite rows");
            if told {
                telemetry.iteration(1, &[("inertia", total.1.1)], 0.0);
            }
            black_box(total);
        }
    };
    let (mut silently, mut aloud) = (through(&quiet), through(&talking));

    // In turn, so that what else the machine does meets all alike.
    let mut seconds: [Vec<f64>; 3] = Default::default();
    for _ in 0..=ROUNDS {
        seconds[0].push(timed(&mut running));
        seconds[1].push(timed(|| silently(false)));
        seconds[2].push(timed(|| aloud(true)));
    }
    // The first round fills the blocks.
    let [plain, engine, progress] = seconds.map(|all| median(all[1..].to_vec()));
    println!("pass over {N} rows of {D}, k = {K}, one rank, medians of {ROUNDS} in turn");
    for (name, seconds) in
        [("one running tally", plain), ("engine", engine), ("engine and progress", progress)]
    {
        println!("{name:<22} {:>7.2} ns/row", seconds / N as f64 * 1e9);
    }
    println!("price of reproducible bits {:+.2} %", (engine / plain - 1.0) * 100.0);
    println!("price of progress          {:+.2} %", (progress / engine - 1.0) * 100.0);
}

fn timed(mut run: impl FnMut()) -> f64 {
    let start = Instant::now();
    run();
    start.elapsed().as_secs_f64()
}

fn median(mut seconds: Vec<f64>) -> f64 {
    seconds.sort_unstable_by(f64::total_cmp);
    seconds[seconds.len() / 2]
}
