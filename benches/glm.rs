//! Nanoseconds a row of the linear models' kernels, and flop/s of the products behind them; one core, data in the cache.

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use rankfit::kernel::Isa;
use rankfit::kernel::glm::{Loss, Order, Rows, accumulate};
use rankfit::kernel::moments::block_moments;
use rankfit::kernel::triangle::block_triangle;

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

/// The sums of products behind Gram matrices, covariances and Hessians, and the triangular factor, in flop/s.
fn products(criterion: &mut Criterion) {
    for d in [20, 200] {
        let x: Vec<f64> = (0..ROWS * d).map(|i| (i as f64 * 0.37).sin()).collect();
        let mut group = criterion.benchmark_group(format!("products of {d} features, flops as elements"));
        for isa in Isa::available() {
            group.throughput(Throughput::Elements((ROWS * d * (d + 1)) as u64));
            group.bench_function(BenchmarkId::new("moments", isa.name()), |bencher| {
                bencher.iter(|| block_moments(isa, &x, d, &[], &[]));
            });
            group.throughput(Throughput::Elements((2 * ROWS * d * d) as u64));
            group.bench_function(BenchmarkId::new("triangle", isa.name()), |bencher| {
                bencher.iter(|| block_triangle(isa, &x, d));
            });
        }
    }
}

criterion_group!(benches, glm, products);
criterion_main!(benches);
