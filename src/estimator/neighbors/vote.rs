//! What a row's neighbours say.

use super::nearest::Neighbor;

/// How many neighbours vote, and what their votes weigh.
#[derive(Clone, Copy, Debug)]
pub(super) struct Vote {
    pub(super) k: usize,
    pub(super) by_distance: bool,
}

impl Vote {
    /// The weights of the first k of `neighbors`: 1, or 1 / distance. Where neighbours are at distance 0 only they
    /// count.
    fn weights(self, neighbors: &[Neighbor]) -> impl Iterator<Item = (f64, usize)> + '_ {
        let voters = &neighbors[..self.k.min(neighbors.len())];
        // The reciprocal of a distance near the least of all overflows too.
        let infinite = self.by_distance && voters.iter().any(|(distance, _)| (1.0 / distance).is_infinite());
        voters.iter().map(move |&(distance, row)| {
            let weight = match (self.by_distance, infinite) {
                (false, _) => 1.0,
                (true, false) => 1.0 / distance,
                (true, true) => f64::from(u8::from((1.0 / distance).is_infinite())),
            };
            (weight, row as usize)
        })
    }

    /// Writes the probabilities of the classes `(n_classes,)`: each class's part of all weight, summed from the nearest
    /// on. `y` has the number of each row's class.
    pub(super) fn probabilities(self, neighbors: &[Neighbor], y: &[f64], out: &mut [f64]) {
        out.fill(0.0);
        for (weight, row) in self.weights(neighbors) {
            out[y[row] as usize] += weight;
        }
        let total: f64 = out.iter().sum();
        out.iter_mut().for_each(|p| *p /= total);
    }

    /// The mean of the neighbours' numbers `y`.
    pub(super) fn mean(self, neighbors: &[Neighbor], y: &[f64]) -> f64 {
        let (sum, total) =
            self.weights(neighbors).fold((0.0, 0.0), |(sum, total): (f64, f64), (weight, row)| {
                (sum + weight * y[row], total + weight)
            });
        sum / total
    }
}

/// Where the largest value stands, the first of equal ones.
pub(super) fn first_largest(values: &[f64]) -> usize {
    (1..values.len()).fold(0, |best, i| if values[i] > values[best] { i } else { best })
}
