//! A fitted K-means.

use super::frame::{CHUNK, Frame};
use super::params::KMeansParams;
use super::run::Record;
use super::selection::Tried;
use crate::data::Block;
use crate::error::{Error, Result};
use crate::estimator::{Array, Model, Values};
use crate::kernel::Isa;
use crate::kernel::Real;
use crate::kernel::lloyd::assign;

/// What a fit found, under scikit-learn's names.
#[derive(Clone, Debug, PartialEq)]
pub struct KMeansModel {
    pub(super) params: KMeansParams,
    /// Subtracted from rows before they are compared; exact in single precision where the data are.
    pub(super) shift: Vec<f64>,
    /// Centroids relative to the shift.
    pub(super) centered: Vec<f64>,
    /// Whether the data were, and `cluster_centers_` are to be, in single precision.
    pub(super) single_precision: bool,
    /// Σ w‖x − c‖² over all rows.
    pub inertia_: f64,
    /// Iterations of the best run.
    pub n_iter_: usize,
    /// Whether the best run ended before `max_iter` did.
    pub converged: bool,
    /// Its iterations.
    pub history: Vec<Record>,
    /// What became of each number of clusters that was tried, where there were several; the model is the best of them.
    pub selection: Vec<Tried>,
    /// What the user should know.
    pub warnings: Vec<String>,
}

impl KMeansModel {
    /// Features of a row.
    pub fn n_features_in(&self) -> usize {
        self.shift.len()
    }

    /// Number of clusters.
    pub fn n_clusters(&self) -> usize {
        self.centered.len() / self.shift.len()
    }

    /// The centroids `(n_clusters, n_features)`, row by row.
    pub fn cluster_centers(&self) -> Vec<f64> {
        let shift = self.shift.iter().cycle();
        let centers = self.centered.iter().zip(shift).map(|(c, m)| c + m);
        if self.single_precision { centers.map(|c| f64::from(c as f32)).collect() } else { centers.collect() }
    }

    /// The nearest centroid of each row of `block`, ties to the lowest.
    ///
    /// # Errors
    /// [`Error::Data`] when the block has another number of features.
    pub fn predict<T: Real>(&self, block: &Block<T>) -> Result<Vec<i32>> {
        let frame = self.frame(block)?;
        let (packed, mut scratch) = (frame.pack(&self.centered), frame.scratch());
        let mut labels = Vec::with_capacity(block.n_rows);
        let mut of_chunk = [0; CHUNK];
        for (_, rows) in frame.chunks(block) {
            let of_chunk = &mut of_chunk[..rows.len()];
            assign(&rows, &packed, &mut scratch, of_chunk, None);
            labels.extend(of_chunk.iter().map(|&label| label as i32));
        }
        Ok(labels)
    }

    /// [`predict`](Self::predict) as the little-endian bytes that `engine::rows::stream_rows` carries.
    ///
    /// # Errors
    /// As [`predict`](Self::predict).
    pub fn predict_bytes<T: Real>(&self, block: &Block<T>) -> Result<Vec<u8>> {
        Ok(self.predict(block)?.into_iter().flat_map(i32::to_le_bytes).collect())
    }

    /// The distance of each row of `block` to each centroid: `(n_rows, n_clusters)`.
    ///
    /// # Errors
    /// [`Error::Data`] when the block has another number of features.
    pub fn transform<T: Real>(&self, block: &Block<T>) -> Result<Vec<f64>> {
        let frame = self.frame(block)?;
        let k = self.n_clusters();
        let mut distances = vec![0.0; block.n_rows * k];
        let mut of_chunk = [0.0; CHUNK];
        for (first, rows) in frame.chunks(block) {
            let of_chunk = &mut of_chunk[..rows.len()];
            for j in 0..k {
                frame.distances(&rows, &self.centered, &vec![j as u32; rows.len()], of_chunk);
                for (i, distance) in of_chunk.iter().enumerate() {
                    distances[(first + i) * k + j] = distance.sqrt();
                }
            }
        }
        Ok(distances)
    }

    fn frame<T: Real>(&self, block: &Block<T>) -> Result<Frame<T>> {
        if block.n_features != self.n_features_in() {
            let expected = format!("{} features, as the model was fitted with", self.n_features_in());
            return Err(Error::data("data", Default::default(), expected, block.n_features.to_string()));
        }
        Ok(Frame { shift: self.shift.iter().map(|&m| T::from_f64(m)).collect(), isa: Isa::best() })
    }

    /// One array a quantity, one entry an iteration.
    pub fn history_arrays(&self) -> Vec<(String, Array)> {
        let column = |name: &str, of: fn(&Record) -> f64| {
            (name.to_string(), Array::vector(Values::F64(self.history.iter().map(of).collect())))
        };
        vec![
            column("inertia", |r| r.inertia),
            column("center_shift", |r| r.center_shift),
            (
                "n_changed".into(),
                Array::vector(Values::I64(self.history.iter().map(|r| r.n_changed as i64).collect())),
            ),
            column("seconds", |r| r.seconds),
        ]
    }

    /// One array a quantity, one entry a number of clusters that was tried; none where there was one only.
    fn selection_arrays(&self) -> Vec<(String, Array)> {
        if self.selection.is_empty() {
            return Vec::new();
        }
        let whole = |name: &str, of: fn(&Tried) -> usize| {
            let values = self.selection.iter().map(|tried| of(tried) as i64).collect();
            (format!("selection_{name}"), Array::vector(Values::I64(values)))
        };
        let real = |name: &str, of: fn(&Tried) -> f64| {
            let values = self.selection.iter().map(of).collect();
            (format!("selection_{name}"), Array::vector(Values::F64(values)))
        };
        vec![
            whole("n_clusters", |tried| tried.n_clusters),
            whole("n_iter", |tried| tried.n_iter),
            real("inertia", |tried| tried.inertia),
            real("silhouette", |tried| tried.silhouette),
            real("calinski_harabasz", |tried| tried.calinski_harabasz),
            real("davies_bouldin", |tried| tried.davies_bouldin),
        ]
    }

    /// The model as named arrays.
    pub fn export(&self) -> Model {
        let centers = self.cluster_centers();
        let values = if self.single_precision {
            Values::F32(centers.into_iter().map(|c| c as f32).collect())
        } else {
            Values::F64(centers)
        };
        Model {
            estimator: "KMeans".into(),
            params: serde_json::to_value(&self.params).unwrap_or_default(),
            attributes: [
                ("cluster_centers_".into(), Array::new([self.n_clusters(), self.n_features_in()], values)),
                ("inertia_".into(), Array::scalar(self.inertia_)),
                ("n_iter_".into(), Array::integer(self.n_iter_ as i64)),
                ("n_features_in_".into(), Array::integer(self.n_features_in() as i64)),
            ]
            .into_iter()
            .chain(self.selection_arrays())
            .collect(),
        }
    }

    /// A model for `predict` and `transform` from named arrays.
    ///
    /// # Errors
    /// [`Error::Data`] when attributes are missing or of the wrong shape.
    pub fn import(model: &Model) -> Result<Self> {
        let fault = |expected: &str, found: String| {
            Error::data("model", Default::default(), expected.to_string(), found)
        };
        let array = model.attribute("cluster_centers_")?;
        let centers = model.numbers("cluster_centers_")?;
        let &[k, d] = array.shape.as_slice() else {
            return Err(fault(
                "cluster_centers_ of shape (n_clusters, n_features)",
                format!("{:?}", array.shape),
            ));
        };
        if k == 0 || d == 0 || centers.iter().any(|c| !c.is_finite()) {
            return Err(fault("finite cluster_centers_", format!("({k}, {d}) values")));
        }
        let params = serde_json::from_value(model.params.clone())
            .map_err(|e| fault("the parameters of a KMeans", e.to_string()))?;
        let scalar = |name: &str| Ok(model.numbers(name)?.first().copied().unwrap_or(f64::NAN));
        let shift = mean(&centers, k, d);
        Ok(Self {
            params,
            centered: centers.iter().zip(shift.iter().cycle()).map(|(c, m)| c - m).collect(),
            shift,
            single_precision: matches!(array.values, Values::F32(_)),
            inertia_: scalar("inertia_")?,
            n_iter_: scalar("n_iter_")? as usize,
            converged: true,
            history: Vec::new(),
            selection: Vec::new(),
            warnings: Vec::new(),
        })
    }
}

/// The mean of the centroids, rounded so that it is exact in both precisions (0 where single precision overflows).
fn mean(centers: &[f64], k: usize, d: usize) -> Vec<f64> {
    let of_feature = |f: usize| (0..k).map(|j| centers[j * d + f] / k as f64).sum::<f64>() as f32;
    (0..d).map(of_feature).map(|m| if m.is_finite() { f64::from(m) } else { 0.0 }).collect()
}
