//! K-means on data of any size, with scikit-learn's parameters, attributes and rules.
//!
//! Minimises the inertia Σᵢ wᵢ minⱼ ‖xᵢ − cⱼ‖². One iteration is one pass: every block labels its rows, adds them to
//! their centroids' sums and tells how many labels changed; the reduction carries k·(d+1)+2 numbers. Restarts
//! (`n_init`) share their passes. Everything is done relative to the mean of the data, so that data far from the
//! origin keep their digits.
//!
//! From the second iteration on a row is compared with those centroids only that its old one does not rule out, where
//! that is found to be cheaper. Labels, sums and history are those of comparing all, bit by bit.
//!
//! A row equally near to several centroids goes to the lowest of those whose rounded distances are equal. Where the true
//! distances are equal and the rounded ones are not (features on a lattice, such as small integers or flags), rounding
//! decides here and in scikit-learn, each in its way, and the two may go on to different local optima.
//!
//! # References
//! * Lloyd, "Least squares quantization in PCM", 1982.
//! * Arthur & Vassilvitskii, "k-means++: the advantages of careful seeding", SODA 2007.
//! * Bahmani, Moseley, Vattani, Kumar, Vassilvitskii, "Scalable k-means++", VLDB 2012.
//! * scikit-learn 1.9 `sklearn/cluster/_kmeans.py` for the order of the convergence checks and for empty clusters.

mod driver;
mod finish;
mod frame;
mod init;
mod iteration;
mod kept;
mod labels;
mod model;
mod moments;
mod params;
mod pruning;
mod relocate;
mod run;
mod selection;
mod shorts;
mod stepped;
mod sums;

pub use labels::FitLabels;
pub(super) use labels::Labels;
pub use model::KMeansModel;
pub use params::{Algorithm, Init, KMeans, KMeansParams, NInit, Select};
pub use run::Record;
pub use selection::Tried;
