//! How far centroids lie apart, and which of them a row need not be compared with.

use super::bounds::Limits;
use super::packed::Centroids;
use crate::kernel::Real;

/// Distances between centroids, and what rounding may do to scores.
///
/// Let a row x lie at a distance r from centroid a. Another centroid, D away from a, is at least D − r from x, and its
/// score exceeds that of a by at least ½(D − r)² − ½r² = ½D(D − 2r). Where that is more than rounding can do to two
/// scores, the kernel would find the other's score greater, and can leave it out: no label differs, ties included.
///
/// # References
/// * Elkan, "Using the triangle inequality to accelerate k-means", ICML 2003, lemma 1.
/// * Newling & Fleuret, "Fast k-means with accurate bounds", ICML 2016, section 3.1 (Exponion).
/// * Higham, "Accuracy and stability of numerical algorithms", 2002, section 3.1, for the error of a dot product.
#[derive(Clone, Debug)]
pub struct Neighbours {
    k: usize,
    /// No more than ‖c_a − c_j‖, `(k, k)`.
    distances: Vec<f64>,
    /// Squared radii up to which no other centroid can win; below 0 where there is none.
    alone: Vec<f64>,
    /// No more than the distance to the nearest other centroid.
    nearest: Vec<f64>,
    /// An order in which neighbours follow each other, and the place of each centroid in it.
    chain: Vec<u32>,
    places: Vec<u32>,
    margin: Margin,
    limits: Limits,
    /// What bounds from scores in single precision need.
    single_limits: Limits,
}

/// What rounding may do.
#[derive(Clone, Copy, Debug)]
pub(super) struct Margin {
    /// Relative error of a squared radius.
    radius: f64,
    /// Four times the error of a score is at most `level + slope · radius`.
    level: f64,
    slope: f64,
    /// Beyond this radius scores might overflow.
    most: f64,
}

/// Squares below it may have lost digits in single precision.
const TINY: f64 = f32::MIN_POSITIVE as f64;

/// More than the error of a few operations in double precision.
const ULPS: f64 = 16.0 * f64::EPSILON;

impl Neighbours {
    /// Measures all pairs: `k²·d` multiply-adds.
    pub fn new<T: Real>(centroids: &Centroids<T>) -> Self {
        let (k, d) = (centroids.k, centroids.d);
        let exact: Vec<f64> = centroids.negated.iter().map(|c| c.to_f64()).collect();
        let row = |j: usize| &exact[j * d..][..d];
        // Sums of d squares in double precision are this near to their values.
        let error = (d as f64 + 4.0) * f64::EPSILON;
        let mut distances = vec![0.0; k * k];
        for a in 0..k {
            for j in 0..a {
                let square: f64 = row(a).iter().zip(row(j)).map(|(a, b)| (a - b) * (a - b)).sum();
                let distance = square.sqrt() * (1.0 - error);
                (distances[a * k + j], distances[j * k + a]) = (distance, distance);
            }
        }
        let norm = |j: usize| row(j).iter().map(|c| c * c).sum::<f64>().sqrt();
        let longest = (0..k).map(norm).fold(0.0, f64::max) * (1.0 + error);
        let margin = Margin::new::<T>(d, longest);
        let others = |a: usize| (0..k).filter(move |&j| j != a).map(move |j| (a, j));
        let nearest: Vec<f64> = (0..k)
            .map(|a| others(a).map(|(a, j)| distances[a * k + j]).fold(f64::INFINITY, f64::min))
            .collect();
        let alone = nearest.iter().map(|&distance| margin.alone(distance)).collect();
        let limits = Limits::new::<T>(&margin, d, longest);
        let single_limits = Limits::new::<f32>(&margin, d, longest);
        let (chain, places) = chained(&distances, k);
        Self { k, distances, alone, nearest, chain, places, margin, limits, single_limits }
    }

    /// When stored bounds hold a row to its label.
    pub(super) fn limits(&self) -> &Limits {
        &self.limits
    }

    /// What makes bounds of scores in single precision, whatever the rows are in.
    pub(super) fn single_limits(&self) -> &Limits {
        &self.single_limits
    }

    /// No less than the distance whose square came out as `square`.
    #[inline(always)]
    pub(super) fn radius(&self, square: f64) -> f64 {
        self.margin.radius_of(square)
    }

    /// No more than the distance from centroid `a` to the nearest other.
    pub(super) fn to_nearest(&self, a: u32) -> f64 {
        self.nearest[a as usize]
    }

    /// How many centroids there are.
    pub(super) fn n_clusters(&self) -> usize {
        self.k
    }

    /// Whether only centroid `a` can be the nearest of a row whose squared distance to it came out as `square`.
    #[inline(always)]
    pub(super) fn is_alone(&self, a: u32, square: f64) -> bool {
        square <= self.alone[a as usize]
    }

    /// Marks those of [`candidates`](Self::candidates) with a 1, and a few that are somewhat farther off, the others with
    /// a 0. Returns what the others' distances to `a` exceed.
    #[inline(always)]
    pub(super) fn mark(&self, a: u32, square: f64, marks: &mut [u8]) -> f64 {
        let reach = self.margin.reach(square) + 0.5 * self.to_nearest(a);
        for (mark, &distance) in marks.iter_mut().zip(&self.distances[a as usize * self.k..][..self.k]) {
            // Whatever is no number is near.
            let far = distance > reach;
            *mark = u8::from(!far);
        }
        reach
    }

    /// The centroids in an order in which neighbours follow each other, and each one's place in it.
    pub(super) fn chain(&self) -> &[u32] {
        &self.chain
    }

    /// The place of each centroid in the chain.
    pub(super) fn places(&self) -> &[u32] {
        &self.places
    }

    /// Those that may be the nearest of rows whose squared distances to `a` came out as at most `square`, in ascending
    /// order, `a` among them.
    pub(super) fn candidates<'a>(&self, a: u32, square: f64, to: &'a mut Vec<u32>) -> &'a [u32] {
        let reach = self.margin.reach(square);
        to.resize(self.k, 0);
        let mut n = 0;
        for (j, &distance) in self.distances[a as usize * self.k..][..self.k].iter().enumerate() {
            to[n] = j as u32;
            // Whatever is no number stays in.
            n += usize::from(!matches!(distance.partial_cmp(&reach), Some(std::cmp::Ordering::Greater)));
        }
        &to[..n]
    }
}

/// From each centroid to the nearest that has not come yet, beginning with the first; and the place of each.
fn chained(distances: &[f64], k: usize) -> (Vec<u32>, Vec<u32>) {
    let (mut chain, mut places, mut left) =
        (Vec::with_capacity(k), vec![0; k], (0..k as u32).collect::<Vec<_>>());
    let mut at = 0;
    while !left.is_empty() {
        let last = left.swap_remove(at);
        places[last as usize] = chain.len() as u32;
        chain.push(last);
        let of_last = &distances[last as usize * k..][..k];
        let nearer = |best: usize, i: usize| {
            if of_last[left[i] as usize] < of_last[left[best] as usize] { i } else { best }
        };
        at = (0..left.len()).fold(0, nearer);
    }
    (chain, places)
}

impl Margin {
    /// For rows of `d` features and centroids no longer than `longest`.
    ///
    /// A score is d fused operations on top of ½‖c‖², itself rounded from a sum: its error is below
    /// (d/2 + 1)·ε·(‖c‖² + ‖x‖·‖c‖), and ‖x‖ ≤ `longest` + r. This allows twice that.
    fn new<T: Real>(d: usize, longest: f64) -> Self {
        let error = (d as f64 + 4.0) * T::EPSILON;
        Self {
            radius: error + ULPS,
            level: 4.0 * error * 2.0 * longest * longest + (d as f64 + 4.0) * TINY,
            slope: 4.0 * error * longest,
            most: if Self::fits::<T>(d, 2.0 * longest) { longest } else { -1.0 },
        }
    }

    /// Whether scores of rows and centroids no longer than `longest` are finite.
    pub(super) fn fits<T: Real>(d: usize, longest: f64) -> bool {
        T::from_f64(64.0 * longest * longest * (d as f64 + 4.0)).is_finite()
    }

    /// Four times the error of a score, at most: a number, and another for each unit of the radius.
    pub(super) fn of_scores(&self) -> (f64, f64) {
        (self.level, self.slope)
    }

    /// No less than the distance whose square came out as `square`.
    #[inline(always)]
    fn radius_of(&self, square: f64) -> f64 {
        (square * (1.0 + self.radius) + TINY).sqrt() * (1.0 + ULPS)
    }

    /// No centroid farther from a row's own than this can win the row.
    fn reach(&self, square: f64) -> f64 {
        let radius = self.radius_of(square);
        // A row that far out is farther from its centroid than the centroids are from each other: nothing is lost.
        if radius.is_nan() || radius > self.most {
            return f64::INFINITY;
        }
        (radius + (radius * radius + self.level + self.slope * radius).sqrt()) * (1.0 + ULPS)
    }

    /// The greatest squared radius whose reach falls short of `distance`, or a little less.
    fn alone(&self, distance: f64) -> f64 {
        if distance == f64::INFINITY {
            return distance;
        }
        let radius = (distance * distance - self.level) / (2.0 * distance + self.slope);
        let mut square = radius.min(self.most).max(0.0).powi(2);
        for _ in 0..8 {
            if self.reach(square) < distance {
                return square;
            }
            square *= 1.0 - 2.0 * self.radius;
        }
        -1.0
    }
}
