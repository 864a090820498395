//! Linear models under scikit-learn's names: a loss, an objective over the data, a solver, a model.

pub mod solver;
