//! A fitted SVC: its attributes, decisions and predictions.

use std::ops::Range;

use ndarray::{Array2, ArrayView2};

use super::fit::{Solved, class_pairs};
use super::one_vs_one::{first_largest, one_vs_rest, vote};
use super::params::{DecisionShape, Svc, SvcParams};
use super::rows::{pack_weights, table_row};
use super::training::TrainingSet;
use crate::data::Table;
use crate::error::{Error, Place, Result};
use crate::estimator::{Array, Model, Values};
use crate::kernel::Isa;
use crate::kernel::svm::{self, KernelFunction, Panels};

/// A fitted SVC.
#[derive(Clone, Debug)]
pub struct SvcModel {
    svc: Svc,
    gamma: f64,
    kernel: KernelFunction,
    classes: Vec<f64>,
    class_names: Option<Vec<String>>,
    class_weight: Vec<f64>,
    support: Vec<i32>,
    support_vectors: Array2<f64>,
    n_support: Vec<i32>,
    /// α y, `(n_classes - 1, n_SV)` with libsvm's signs: a positive decision is a vote for the first class.
    coefficients: Array2<f64>,
    rho: Vec<f64>,
    n_iter: Vec<i32>,
    shape_fit: [usize; 2],
    converged: bool,
    expansion: Vec<ClassExpansion>,
}

/// A class's support vectors and their coefficients, packed for the kernel.
#[derive(Clone, Debug)]
struct ClassExpansion {
    panels: Panels,
    weights: Vec<f64>,
}

/// What makes up a model; checked and packed by [`SvcModel::build`].
struct Parts {
    svc: Svc,
    gamma: f64,
    classes: Vec<f64>,
    class_names: Option<Vec<String>>,
    class_weight: Vec<f64>,
    support: Vec<i32>,
    support_vectors: Array2<f64>,
    n_support: Vec<i32>,
    coefficients: Array2<f64>,
    rho: Vec<f64>,
    n_iter: Vec<i32>,
    shape_fit: [usize; 2],
    converged: bool,
}

impl SvcModel {
    /// Puts the pairs' solutions together.
    pub(super) fn assemble(
        svc: &Svc,
        table: &Table,
        set: &TrainingSet,
        gamma: f64,
        solved: &Solved,
    ) -> Result<Self> {
        let k = set.n_classes();
        let mut of_row = vec![vec![0.0; k - 1]; set.rows.len()];
        for ((a, b), solution) in class_pairs(k).zip(&solved.pairs) {
            let rows = set.class_rows(a).chain(set.class_rows(b));
            for (row, &alpha) in rows.zip(&solution.alpha) {
                let (column, y) = if row < set.starts[a + 1] { (b - 1, 1.0) } else { (a, -1.0) };
                of_row[row][column] = alpha * y;
            }
        }
        let used: Vec<usize> = (0..of_row.len()).filter(|&r| of_row[r].iter().any(|&c| c != 0.0)).collect();
        let count = |class: Range<usize>| used.iter().filter(|r| class.contains(r)).count() as i32;
        let d = table.x.ncols();
        let vectors: Vec<f64> =
            used.iter().flat_map(|&r| table_row(table, set.rows[r] as usize).to_vec()).collect();
        Self::build(Parts {
            svc: svc.clone(),
            gamma,
            classes: set.classes.clone(),
            class_names: table.class_names.clone(),
            class_weight: solved.class_weight.clone(),
            support: used.iter().map(|&r| set.places[r]).collect(),
            support_vectors: matrix(used.len(), d, vectors)?,
            n_support: (0..k).map(|c| count(set.class_rows(c))).collect(),
            coefficients: Array2::from_shape_fn((k - 1, used.len()), |(c, s)| of_row[used[s]][c]),
            rho: solved.pairs.iter().map(|p| p.solution.rho).collect(),
            n_iter: solved
                .pairs
                .iter()
                .map(|p| i32::try_from(p.solution.n_iter).unwrap_or(i32::MAX))
                .collect(),
            shape_fit: [set.n_given, d],
            converged: solved.pairs.iter().all(|p| p.solution.converged),
        })
    }

    fn build(parts: Parts) -> Result<Self> {
        let (k, n_sv, d) =
            (parts.classes.len(), parts.support_vectors.nrows(), parts.support_vectors.ncols());
        let consistent = k >= 2
            && parts.n_support.len() == k
            && parts.n_support.iter().map(|&n| n as usize).sum::<usize>() == n_sv
            && parts.coefficients.dim() == (k - 1, n_sv)
            && parts.rho.len() == k * (k - 1) / 2;
        if !consistent {
            let expected = "an SVC whose attributes fit together";
            return Err(Error::data("model", Place::default(), expected, "shapes that do not"));
        }
        let mut expansion = Vec::with_capacity(k);
        let mut start = 0;
        for &n in &parts.n_support {
            let range = start..start + n as usize;
            start = range.end;
            let vectors = &parts.support_vectors.as_slice().unwrap_or(&[])[range.start * d..range.end * d];
            let weights: Vec<&[f64]> = parts
                .coefficients
                .outer_iter()
                .map(|row| &row.to_slice().unwrap_or(&[])[range.clone()])
                .collect();
            expansion.push(ClassExpansion {
                panels: Panels::new(vectors.chunks_exact(d.max(1)), d),
                weights: pack_weights(&weights, n as usize),
            });
        }
        Ok(Self {
            kernel: parts.svc.kernel(parts.gamma),
            svc: parts.svc,
            gamma: parts.gamma,
            classes: parts.classes,
            class_names: parts.class_names,
            class_weight: parts.class_weight,
            support: parts.support,
            support_vectors: parts.support_vectors,
            n_support: parts.n_support,
            coefficients: parts.coefficients,
            rho: parts.rho,
            n_iter: parts.n_iter,
            shape_fit: parts.shape_fit,
            converged: parts.converged,
            expansion,
        })
    }

    /// The targets of the classes, ascending.
    pub fn classes(&self) -> &[f64] {
        &self.classes
    }

    /// The names of the classes when targets were given as text.
    pub fn class_labels(&self) -> Option<Vec<String>> {
        let names = self.class_names.as_ref()?;
        Some(self.classes.iter().map(|&c| names[c as usize].clone()).collect())
    }

    /// Rows that are support vectors, class by class.
    pub fn support(&self) -> &[i32] {
        &self.support
    }

    /// The support vectors `(n_SV, n_features)`.
    pub fn support_vectors(&self) -> &Array2<f64> {
        &self.support_vectors
    }

    /// Support vectors of each class.
    pub fn n_support(&self) -> &[i32] {
        &self.n_support
    }

    /// Coefficients of the support vectors `(n_classes - 1, n_SV)`, positive for the second of two classes.
    pub fn dual_coef(&self) -> Array2<f64> {
        if self.classes.len() == 2 { -&self.coefficients } else { self.coefficients.clone() }
    }

    /// Constants of the decision functions, one a pair of classes.
    pub fn intercept(&self) -> Vec<f64> {
        let sign = if self.classes.len() == 2 { 1.0 } else { -1.0 };
        self.rho.iter().map(|&rho| sign * rho).collect()
    }

    /// Weights of the features for the linear kernel, `(n_pairs, n_features)`.
    pub fn coef(&self) -> Option<Array2<f64>> {
        if self.kernel != KernelFunction::Linear {
            return None;
        }
        let (k, dual) = (self.classes.len(), self.dual_coef());
        let mut coef = Array2::zeros((k * (k - 1) / 2, self.support_vectors.ncols()));
        for ((a, b), mut out) in class_pairs(k).zip(coef.outer_iter_mut()) {
            for (class, column) in [(a, b - 1), (b, a)] {
                for s in self.class_support(class) {
                    out.scaled_add(dual[[column, s]], &self.support_vectors.row(s));
                }
            }
        }
        Some(coef)
    }

    /// Places of a class's support vectors.
    fn class_support(&self, class: usize) -> Range<usize> {
        let start: i32 = self.n_support[..class].iter().sum();
        start as usize..(start + self.n_support[class]) as usize
    }

    /// Iterations of each pair's problem.
    pub fn n_iter(&self) -> &[i32] {
        &self.n_iter
    }

    /// The kernel coefficient that was used.
    pub fn gamma(&self) -> f64 {
        self.gamma
    }

    /// The factor of C of each class.
    pub fn class_weight(&self) -> &[f64] {
        &self.class_weight
    }

    /// The parameters that it was fitted with.
    pub fn svc(&self) -> &Svc {
        &self.svc
    }

    /// Whether every pair's problem reached the tolerance.
    pub fn converged(&self) -> bool {
        self.converged
    }

    /// Decision values of the pairs, `(n_rows, n_pairs)`: positive for the pair's first class.
    fn pair_decisions(&self, x: &[f64]) -> Array2<f64> {
        let (k, d) = (self.classes.len(), self.support_vectors.ncols());
        let n = x.len() / d.max(1);
        let mut sums = vec![vec![0.0; n * (k - 1)]; k];
        for (sums, class) in sums.iter_mut().zip(&self.expansion) {
            svm::weighted_sums(Isa::best(), self.kernel, &class.panels, &class.weights, k - 1, x, sums);
        }
        let pairs: Vec<(usize, usize)> = class_pairs(k).collect();
        Array2::from_shape_fn((n, pairs.len()), |(i, p)| {
            let (a, b) = pairs[p];
            sums[a][i * (k - 1) + b - 1] + sums[b][i * (k - 1) + a] - self.rho[p]
        })
    }

    /// Decision values of rows `x` `(n_rows, n_features)`, as scikit-learn shapes them.
    ///
    /// Two classes: `(n_rows, 1)`, positive for the second. More: `(n_rows, n_classes)` under `"ovr"` and
    /// `(n_rows, n_pairs)` under `"ovo"`. 2 n_features n_SV flops a row.
    ///
    /// # Errors
    /// [`Error::Data`] when rows have another number of features than the model.
    pub fn decision_function(&self, x: ArrayView2<'_, f64>) -> Result<Array2<f64>> {
        let decisions = self.pair_decisions(&self.row_major(x)?);
        let k = self.classes.len();
        if k == 2 {
            return Ok(-decisions);
        }
        Ok(if self.svc.shape == DecisionShape::OneVsOne { decisions } else { ovr(&decisions, k) })
    }

    /// The predicted class of each row, as its target.
    ///
    /// A row on the border of two classes (with small integers for features there are such) has a decision value of
    /// rounding errors only, and falls to the side of their sign. scikit-learn's round otherwise, and differ between
    /// its own `shrinking` settings.
    ///
    /// # Errors
    /// [`Error::Data`] when rows have another number of features than the model.
    pub fn predict(&self, x: ArrayView2<'_, f64>) -> Result<Vec<f64>> {
        Ok(self.predict_rows(&self.row_major(x)?))
    }

    /// The same for rows one after the other.
    pub(super) fn predict_rows(&self, x: &[f64]) -> Vec<f64> {
        self.winners(&self.pair_decisions(x))
    }

    /// What scores of rows one after the other are computed from: predictions, and for two classes decision values,
    /// larger for the second.
    pub(super) fn predict_and_decide(&self, x: &[f64]) -> (Vec<f64>, Option<Vec<f64>>) {
        let decisions = self.pair_decisions(x);
        let binary = self.classes.len() == 2;
        (self.winners(&decisions), binary.then(|| decisions.iter().map(|v| -v).collect()))
    }

    /// Decision values of the only pair of two classes, positive for the first.
    pub(super) fn first_decisions(&self, x: &[f64]) -> Vec<f64> {
        self.pair_decisions(x).into_raw_vec_and_offset().0
    }

    /// The classes that the pairs' decision values elect.
    fn winners(&self, decisions: &Array2<f64>) -> Vec<f64> {
        let k = self.classes.len();
        if self.svc.params().break_ties && k > 2 {
            let by_class = ovr(decisions, k);
            return by_class.outer_iter().map(|v| self.classes[first_largest(&v.to_vec())]).collect();
        }
        let mut votes = Vec::new();
        let winner = |row: &[f64], votes: &mut Vec<u32>| self.classes[vote(row, k, votes)];
        decisions.outer_iter().map(|row| winner(row.to_slice().unwrap_or(&[]), &mut votes)).collect()
    }

    fn row_major(&self, x: ArrayView2<'_, f64>) -> Result<Vec<f64>> {
        let d = self.support_vectors.ncols();
        if x.ncols() != d {
            let found = format!("{} features", x.ncols());
            return Err(Error::data("data", Place::default(), format!("{d} features, as fitted"), found));
        }
        Ok(x.iter().copied().collect())
    }

    /// The model as named arrays under scikit-learn's names.
    pub fn export(&self) -> Model {
        let (n_sv, d, k) = (self.support.len(), self.support_vectors.ncols(), self.classes.len());
        let classes = match self.class_labels() {
            Some(labels) => Values::Text(labels),
            None => Values::I64(self.classes.iter().map(|&c| c as i64).collect()),
        };
        let doubles = |v: &[f64]| Array::vector(Values::F64(v.to_vec()));
        let table =
            |shape: [usize; 2], m: &Array2<f64>| Array::new(shape, Values::F64(m.iter().copied().collect()));
        let mut attributes = vec![
            ("classes_".to_string(), Array::vector(classes)),
            ("support_".into(), Array::vector(Values::I32(self.support.clone()))),
            ("support_vectors_".into(), table([n_sv, d], &self.support_vectors)),
            ("n_support_".into(), Array::vector(Values::I32(self.n_support.clone()))),
            ("dual_coef_".into(), table([k - 1, n_sv], &self.dual_coef())),
            ("intercept_".into(), doubles(&self.intercept())),
            ("class_weight_".into(), doubles(&self.class_weight)),
            ("n_iter_".into(), Array::vector(Values::I32(self.n_iter.clone()))),
            ("n_features_in_".into(), Array::integer(d as i64)),
            ("shape_fit_".into(), Array::vector(Values::I64(self.shape_fit.map(|v| v as i64).to_vec()))),
            ("fit_status_".into(), Array::integer(i64::from(!self.converged))),
            ("_gamma".into(), Array::scalar(self.gamma)),
        ];
        if let Some(coef) = self.coef() {
            attributes.push(("coef_".into(), table([coef.nrows(), d], &coef)));
        }
        let params = serde_json::to_value(self.svc.params()).unwrap_or_default();
        Model { estimator: "SVC".into(), params, attributes }
    }

    /// The model from named arrays. Classes given as text come back numbered in their order.
    ///
    /// # Errors
    /// [`Error::Data`] when attributes are missing or do not fit together, [`Error::Job`] for wrong parameters.
    pub fn import(model: &Model) -> Result<Self> {
        let params: SvcParams = serde_json::from_value(model.params.clone())
            .map_err(|e| Error::data("model", Place::default(), "parameters of SVC", e.to_string()))?;
        let integers = |name: &str| Ok::<_, Error>(model.numbers(name)?.iter().map(|&v| v as i32).collect());
        let (classes, class_names) = match &model.attribute("classes_")?.values {
            Values::Text(names) => ((0..names.len()).map(|i| i as f64).collect(), Some(names.clone())),
            _ => (model.numbers("classes_")?, None),
        };
        let (support, n_support): (Vec<i32>, Vec<i32>) = (integers("support_")?, integers("n_support_")?);
        let shape_fit: Vec<usize> = model.numbers("shape_fit_")?.iter().map(|&v| v as usize).collect();
        let [n_fit, d] = shape_fit[..] else {
            return Err(Error::data(
                "model",
                Place::default(),
                "2 numbers in shape_fit_",
                shape_fit.len().to_string(),
            ));
        };
        let binary = classes.len() == 2;
        let signed =
            |v: Vec<f64>, flip: bool| -> Vec<f64> { v.iter().map(|&v| if flip { -v } else { v }).collect() };
        let dual = signed(model.numbers("dual_coef_")?, binary);
        Self::build(Parts {
            svc: params.validate()?,
            gamma: model.numbers("_gamma")?.first().copied().unwrap_or(f64::NAN),
            class_weight: model.numbers("class_weight_")?,
            support_vectors: matrix(support.len(), d, model.numbers("support_vectors_")?)?,
            coefficients: matrix(classes.len().saturating_sub(1), support.len(), dual)?,
            rho: signed(model.numbers("intercept_")?, !binary),
            n_iter: integers("n_iter_")?,
            shape_fit: [n_fit, d],
            converged: model.numbers("fit_status_")?.first() == Some(&0.0),
            classes,
            class_names,
            support,
            n_support,
        })
    }
}

/// One value a class from one a pair.
fn ovr(decisions: &Array2<f64>, n_classes: usize) -> Array2<f64> {
    let mut out = Array2::zeros((decisions.nrows(), n_classes));
    for (row, mut out) in decisions.outer_iter().zip(out.outer_iter_mut()) {
        let (Some(row), Some(out)) = (row.to_slice(), out.as_slice_mut()) else { continue };
        one_vs_rest(row, n_classes, out);
    }
    out
}

fn matrix(rows: usize, columns: usize, values: Vec<f64>) -> Result<Array2<f64>> {
    let found = format!("{} values", values.len());
    Array2::from_shape_vec((rows, columns), values)
        .map_err(|_| Error::data("model", Place::default(), format!("{rows} x {columns} values"), found))
}
