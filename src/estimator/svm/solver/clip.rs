//! Two variables on their line inside the box.

/// Into the box along α_i + α_j = `sum`: whichever bound is met is met exactly.
pub(in crate::estimator::svm) fn clip_sum(
    mut i: f64,
    mut j: f64,
    sum: f64,
    c_i: f64,
    c_j: f64,
) -> (f64, f64) {
    if sum > c_i && i > c_i {
        (i, j) = (c_i, sum - c_i);
    } else if sum <= c_i && j < 0.0 {
        (i, j) = (sum, 0.0);
    }
    if sum > c_j && j > c_j {
        (i, j) = (sum - c_j, c_j);
    } else if sum <= c_j && i < 0.0 {
        (i, j) = (0.0, sum);
    }
    (i, j)
}

/// Into the box along α_i − α_j = `difference`.
pub(in crate::estimator::svm) fn clip_difference(
    mut i: f64,
    mut j: f64,
    difference: f64,
    c_i: f64,
    c_j: f64,
) -> (f64, f64) {
    if difference > 0.0 && j < 0.0 {
        (i, j) = (difference, 0.0);
    } else if difference <= 0.0 && i < 0.0 {
        (i, j) = (0.0, -difference);
    }
    if difference > c_i - c_j && i > c_i {
        (i, j) = (c_i, c_i - difference);
    } else if difference <= c_i - c_j && j > c_j {
        (i, j) = (c_j + difference, c_j);
    }
    (i, j)
}
