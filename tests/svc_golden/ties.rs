//! Rows that are there many times: among equals every step is libsvm's.

use ndarray::Array2;
use rankfit::data::Table;

use crate::cases::{read, svc};
use crate::golden::{table, vector};

/// The generator of scripts/golden/make_svc_ties.py.
struct Draws(u64);

impl Draws {
    fn next(&mut self) -> u64 {
        self.0 = (self.0 * 1_103_515_245 + 12345) % (1 << 31);
        self.0 >> 16
    }
}

fn rows(seed: u64, n: usize, d: usize) -> Table {
    let mut draws = Draws(seed);
    let x: Vec<f64> = (0..n * d).map(|_| (draws.next() % 5) as f64).collect();
    let class = |row: &[f64]| match draws.next() % 4 {
        0 => (draws.next() % 2) as f64,
        _ => f64::from(u8::from(row.iter().sum::<f64>() > 6.0)),
    };
    let y = x.chunks_exact(d).map(class).collect();
    table(Array2::from_shape_vec((n, d), x).expect("rows"), y)
}

#[test]
fn among_equal_rows_the_steps_are_libsvms() {
    let golden = read("ties");
    let size = |name: &str| golden[name].as_u64().expect("a size") as usize;
    let (mut n_fits, mut wrong) = (0, Vec::new());
    for set in golden["sets"].as_array().expect("data sets") {
        let rows = rows(set["seed"].as_u64().expect("a seed"), size("n_rows"), size("n_features"));
        for fit in set["fits"].as_array().expect("fits") {
            let model = svc(&fit["params"]).fit(&rows).expect("a fit");
            let support: Vec<f64> = model.support().iter().map(|&row| f64::from(row)).collect();
            let dual = model.dual_coef();
            let expected = vector(&fit["dual_coef"]);
            let apart = dual.iter().zip(&expected).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
            let alike = support == vector(&fit["support"]) && dual.len() == expected.len() && apart < 1e-12;
            if !alike || u64::from(model.n_iter()[0] as u32) != fit["n_iter"] {
                let n_iter = (model.n_iter()[0], &fit["n_iter"]);
                wrong.push(format!("{}: iterations {n_iter:?}, dual_coef_ {apart:e} apart", fit["params"]));
            }
            n_fits += 1;
        }
    }
    assert!(n_fits == 10 && wrong.is_empty(), "{} of {n_fits}:\n{}", wrong.len(), wrong.join("\n"));
}
