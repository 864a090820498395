//! Rows, bytes and multiply-adds a second of the K-means kernel, one core.

use std::hint::black_box;

use criterion::{BatchSize, BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use rankfit::kernel::Isa;
use rankfit::kernel::Real;
use rankfit::kernel::lloyd::{
    Bounds, Centroids, Drift, Neighbours, Rows, Scratch, ShortCentroids, ShortRows, Steps, Tally, assign,
    assign_bounded, assign_short, assign_single, reassign, screen, settle,
};
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
    // An element is a floating-point operation: two for each centroid and feature of a row.
    let (elements, bytes) = ((2 * N * k * D) as u64, (N * D * size_of::<T>()) as u64);
    group.throughput(Throughput::ElementsAndBytes { elements, bytes }).sample_size(10);
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

/// Rows that are scored in single precision, and rows that their bounds hold: bytes a second are those that are read, operations those
/// that all scores would take.
fn bench_kept<T: Real>(criterion: &mut Criterion, k: usize) {
    let (x, centres) = data::<T>(k);
    let rows = Rows { x: &x, weights: &[], n_features: D };
    let first = Centroids::new(&centres, &[T::ZERO; D]);
    // A step after which most rows, but not all, keep their bounds.
    let moved: Vec<f64> = centres.iter().enumerate().map(|(i, c)| c + 0.02 * (i % 7) as f64).collect();
    let next = Centroids::new(&moved, &[T::ZERO; D]);
    let flops = (2 * N * k * D) as u64;
    let mut group = criterion.benchmark_group(format!("bounds {} k={k} d={D} ({N} rows)", T::NAME));
    group.sample_size(10);
    for isa in Isa::available().into_iter().filter(|&isa| isa != Isa::Portable) {
        let (mut scratch, mut labels, mut bounds) = (Scratch::new(D, isa), vec![0; N], Bounds::default());
        bounds.make_room(N);
        let neighbours = Neighbours::new(&first);
        let mut drift = Drift::new(k);
        let single = first.in_single();
        let elements =
            |bytes: usize| Throughput::ElementsAndBytes { elements: flops, bytes: (N * bytes) as u64 };
        group.throughput(elements(D * size_of::<T>()));
        group.bench_function(BenchmarkId::new("labels in single precision", format!("{isa:?}")), |b| {
            b.iter(|| black_box(assign_single(&rows, &first, &single, None, &mut scratch, &mut labels)));
        });
        group.throughput(elements(ShortRows::row_bytes(D)));
        let mut room = vec![0; ShortRows::size(N, D)];
        let steps = Steps::cut(&rows, &[T::ZERO; D], None, &mut scratch, &mut room);
        let in_short = ShortCentroids::new(&first, steps.scale());
        group.bench_function(BenchmarkId::new("labels in sixteen bits", format!("{isa:?}")), |b| {
            let short = ShortRows::new(&room, &steps);
            b.iter(|| {
                black_box(assign_short(&rows, &first, (short, 0), &in_short, &mut scratch, &mut labels))
            });
        });
        group.throughput(Throughput::Bytes((N * (D * size_of::<T>() + ShortRows::row_bytes(D))) as u64));
        group.bench_function(BenchmarkId::new("rows cut to sixteen bits", format!("{isa:?}")), |b| {
            b.iter(|| Steps::cut(&rows, &[T::ZERO; D], Some(&steps), &mut scratch, &mut room));
        });
        group.throughput(elements(D * size_of::<T>() + Bounds::ROW_BYTES as usize));
        group.bench_function(BenchmarkId::new("labels and bounds", format!("{isa:?}")), |b| {
            b.iter(|| {
                let known = (&neighbours, &drift);
                assign_bounded(&rows, &first, known, &mut scratch, &mut labels, &mut bounds.part(0, N));
            });
        });
        drift.advance(&first, &next);
        let neighbours = Neighbours::new(&next);
        group.throughput(elements(size_of::<u32>() + Bounds::ROW_BYTES as usize));
        group.bench_function(BenchmarkId::new("bounds looked at", format!("{isa:?}")), |b| {
            b.iter(|| screen(&next, (&neighbours, &drift), &mut scratch, &labels, &bounds.part(0, N)));
        });
        group.bench_function(
            BenchmarkId::new("bounds looked at, open rows settled", format!("{isa:?}")),
            |b| {
                // Settled rows have tight bounds: each time begins with those before.
                b.iter_batched_ref(
                    || (labels.clone(), bounds.clone(), Vec::new()),
                    |(labels, bounds, moved)| {
                        let (known, mut bounds) = ((&neighbours, &drift), bounds.part(0, N));
                        screen(&next, known, &mut scratch, labels, &bounds);
                        settle(&rows, &next, known, &mut scratch, labels, &mut bounds, moved)
                    },
                    BatchSize::LargeInput,
                );
            },
        );
    }
}

fn all(criterion: &mut Criterion) {
    for k in [12, 100] {
        bench::<f64>(criterion, k);
        bench::<f32>(criterion, k);
        bench_kept::<f64>(criterion, k);
        bench_kept::<f32>(criterion, k);
    }
}

criterion_group!(benches, all);
criterion_main!(benches);
