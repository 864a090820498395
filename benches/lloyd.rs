//! Nanoseconds a row and bytes a second of the K-means kernel, one core.

use std::hint::black_box;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use rankfit::kernel::Isa;
use rankfit::kernel::Real;
use rankfit::kernel::lloyd::{Centroids, Neighbours, Rows, Scratch, Tally, assign, reassign};
use rankfit::rng::{Purpose, stream, uniform};

const D: usize = 20;
const N: usize = 400_000;
/// Rows that are gone over by their labels together.
const SPAN: usize = 3200;

/// Rows around `k` centres, mixed; the data are larger than the caches.
fn data<T: Real>(k: usize) -> (Vec<T>, Vec<f64>) {
    let mut rng = stream(0, Purpose::Noise, 0);
    let centres: Vec<f64> = (0..k * D).map(|_| 20.0 * uniform(&mut rng) - 10.0).collect();
    let mut x = Vec::with_capacity(N * D);
    for _ in 0..N {
        let label = (uniform(&mut rng) * k as f64) as usize;
        x.extend((0..D).map(|f| T::from_f64(centres[label * D + f] + uniform(&mut rng) * 3.0 - 1.5)));
    }
    (x, centres)
}

fn bench<T: Real>(criterion: &mut Criterion, k: usize) {
    let (x, centres) = data::<T>(k);
    let rows = Rows { x: &x, weights: &[], n_features: D };
    let centroids = Centroids::new(&centres, &[T::ZERO; D]);
    let mut labels = vec![0; N];
    let mut group = criterion.benchmark_group(format!("lloyd {} k={k} d={D} ({N} rows)", T::NAME));
    group.throughput(Throughput::Bytes((N * D * size_of::<T>()) as u64)).sample_size(10);
    for isa in Isa::available().into_iter().filter(|&isa| isa != Isa::Portable) {
        let mut scratch = Scratch::new(D, isa);
        for sums in [false, true] {
            let name = if sums { "labels and sums" } else { "labels" };
            group.bench_function(BenchmarkId::new(name, format!("{isa:?}")), |b| {
                b.iter(|| {
                    let mut tally = sums.then(|| Tally::new(k, D));
                    assign(&rows, &centroids, &mut scratch, &mut labels, tally.as_mut());
                    black_box(tally)
                });
            });
        }
        let neighbours = Neighbours::new(&centroids);
        group.bench_function(BenchmarkId::new("right labels, and neighbours", format!("{isa:?}")), |b| {
            b.iter(|| {
                let spans = x.chunks(SPAN * D).zip(labels.chunks_mut(SPAN));
                let cost = spans.map(|(x, labels)| {
                    let rows = Rows { x, weights: &[], n_features: D };
                    reassign(&rows, &centroids, &neighbours, &mut scratch, labels)
                });
                black_box(cost.sum::<usize>())
            });
        });
    }
}

fn all(criterion: &mut Criterion) {
    for k in [12, 100] {
        bench::<f64>(criterion, k);
        bench::<f32>(criterion, k);
    }
}

criterion_group!(benches, all);
criterion_main!(benches);
