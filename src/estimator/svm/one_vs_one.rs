//! From one decision value a pair of classes to votes and to one value a class.

use super::fit::class_pairs;

/// The class with most votes, the first of equals. A positive decision value of a pair is a vote for its first class.
pub(super) fn vote(decisions: &[f64], n_classes: usize, votes: &mut Vec<u32>) -> usize {
    votes.clear();
    votes.resize(n_classes, 0);
    for ((a, b), &decision) in class_pairs(n_classes).zip(decisions) {
        votes[if decision > 0.0 { a } else { b }] += 1;
    }
    first_largest(votes)
}

/// The place of the largest value, the first of equals.
pub(super) fn first_largest<T: PartialOrd>(values: &[T]) -> usize {
    (1..values.len()).fold(0, |best, i| if values[i] > values[best] { i } else { best })
}

/// One value a class: its votes, and between −1/3 and 1/3 the sum of its decision values, which breaks ties.
///
/// scikit-learn's `_ovr_decision_function`: there a vote is for the first class when the value is not negative.
pub(super) fn one_vs_rest(decisions: &[f64], n_classes: usize, out: &mut [f64]) {
    let mut votes = vec![0.0; n_classes];
    out.fill(0.0);
    for ((a, b), &decision) in class_pairs(n_classes).zip(decisions) {
        out[a] += decision;
        out[b] -= decision;
        votes[if decision < 0.0 { b } else { a }] += 1.0;
    }
    for (out, votes) in out.iter_mut().zip(votes) {
        *out = votes + *out / (3.0 * (out.abs() + 1.0));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_votes_go_to_the_first_class() {
        // 0 beats 1, 2 beats 0, 1 beats 2: one vote each.
        assert_eq!(vote(&[1.0, -1.0, 1.0], 3, &mut Vec::new()), 0);
        assert_eq!(vote(&[-1.0, -1.0, -1.0], 3, &mut Vec::new()), 2);
        assert_eq!(vote(&[0.0], 2, &mut Vec::new()), 1);
    }

    #[test]
    fn one_vs_rest_keeps_the_order_of_votes() {
        let mut out = [0.0; 3];
        one_vs_rest(&[100.0, -0.5, 0.25], 3, &mut out);
        let expected = [1.0 + 99.5 / (3.0 * 100.5), 1.0 - 99.75 / (3.0 * 100.75), 1.0 + 0.25 / (3.0 * 1.25)];
        assert_eq!(out, expected);
    }
}
