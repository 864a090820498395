//! Scalers of features, each fitted in one pass by mergeable statistics of the columns, or in a few where order matters.

mod column_moments;
mod min_max_scaler;
mod normal_quantile;
mod order_statistics;
mod quantile_transformer;
mod robust_scaler;
mod standard_scaler;

pub use column_moments::{ColumnMoments, column_moments};
pub use min_max_scaler::{MinMaxScaler, MinMaxScalerParams};
pub(super) use order_statistics::{is_present, middle, order_statistics};
pub use quantile_transformer::{OutputDistribution, QuantileTransformer, QuantileTransformerParams};
pub use robust_scaler::{RobustScaler, RobustScalerParams};
pub use standard_scaler::{StandardScaler, StandardScalerParams};

/// Divisors that are safe: 1 in place of what is no more than the rounding of zero.
fn divisors(values: Vec<f64>, threshold: f64) -> Vec<f64> {
    values.into_iter().map(|value| if value < threshold { 1.0 } else { value }).collect()
}
