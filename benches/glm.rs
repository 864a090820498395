//! Nanoseconds a row of the linear models' kernels, one core, data in the cache.

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use rankfit::kernel::Isa;
use rankfit::kernel::glm::{Loss, Order, Rows, accumulate};

const ROWS: usize = 4096;

fn glm(criterion: &mut Criterion) {
    for d in [20, 200] {
        let x: Vec<f64> = (0..ROWS * d).map(|i| (i as f64 * 0.37).sin()).collect();
        let y: Vec<f64> = (0..ROWS).map(|i| (i % 2) as f64).collect();
        let weights = vec![1.0; ROWS];
        let coef = vec![0.1; d + 1];
        let mut group = criterion.benchmark_group(format!("logistic, {d} features"));
        group.throughput(Throughput::Elements(ROWS as u64));
        for order in [Order::Value, Order::Gradient, Order::Hessian] {
            for isa in Isa::available() {
                let rows = Rows { x: &x, y: &y, weights: &weights, n_features: d };
                group.bench_function(BenchmarkId::new(format!("{order:?}"), isa.name()), |bencher| {
                    bencher.iter(|| accumulate(isa, Loss::HalfBinomial, rows, &coef, order));
                });
            }
        }
    }
}

criterion_group!(benches, glm);
criterion_main!(benches);
