//! How well two labellings agree on which rows belong together, whatever the labels are called.

use std::collections::BTreeMap;

use super::pairwise::pairwise_sum;

/// Chances below this part of the greatest are left out of an expectation.
const NEGLIGIBLE: f64 = 1e-30;

/// How a target and a prediction group the same rows. Of rows, whatever their weights, as in scikit-learn.
#[derive(Clone, Debug, PartialEq)]
pub struct Agreement {
    n: u64,
    /// Rows of a pair of groups that has some, of its group of the target, of its group of the prediction.
    cells: Vec<[u64; 3]>,
    truth: Vec<u64>,
    predicted: Vec<u64>,
}

/// Ordered pairs of rows.
struct Pairs {
    /// In one group in both.
    together: u128,
    predicted_only: u128,
    target_only: u128,
    neither: u128,
}

impl Agreement {
    /// Of `cells` as (rows, rows of the target's group, rows of the prediction's), and the sizes of all groups.
    pub(super) fn new(cells: Vec<[u64; 3]>, truth: Vec<u64>, predicted: Vec<u64>) -> Self {
        Self { n: cells.iter().map(|cell| cell[0]).sum(), cells, truth, predicted }
    }

    fn pairs(&self) -> Pairs {
        let squares =
            |rows: &mut dyn Iterator<Item = u64>| rows.map(|n| u128::from(n) * u128::from(n)).sum::<u128>();
        let both = squares(&mut self.cells.iter().map(|cell| cell[0]));
        let predicted_only = squares(&mut self.predicted.iter().copied()) - both;
        let target_only = squares(&mut self.truth.iter().copied()) - both;
        let n = u128::from(self.n);
        let neither = n * n - predicted_only - target_only - both;
        Pairs { together: both - n, predicted_only, target_only, neither }
    }

    /// The fraction of pairs of rows that are together in both or apart in both; 1 below two rows.
    pub fn rand(&self) -> f64 {
        let Pairs { together, predicted_only, target_only, neither } = self.pairs();
        let (agreeing, apart) = (together + neither, predicted_only + target_only);
        if apart == 0 { 1.0 } else { agreeing as f64 / (agreeing + apart) as f64 }
    }

    /// The same corrected for chance: 1 for the same grouping, about 0 for unrelated ones. 1 without rows.
    ///
    /// # References
    /// Hubert & Arabie, Comparing partitions, 1985, eq. 5.
    pub fn adjusted_rand(&self) -> f64 {
        let pairs = self.pairs();
        if pairs.predicted_only == 0 && pairs.target_only == 0 {
            return 1.0;
        }
        let [together, predicted_only, target_only, neither] =
            [pairs.together, pairs.predicted_only, pairs.target_only, pairs.neither]
                .map(|pairs| pairs as f64);
        let above = 2.0 * (together * neither - target_only * predicted_only);
        let below = (together + target_only) * (target_only + neither)
            + (together + predicted_only) * (predicted_only + neither);
        above / below
    }

    /// The geometric mean of the fractions of pairs together on one side that are together on the other.
    ///
    /// # References
    /// Fowlkes & Mallows, A method for comparing two hierarchical clusterings, 1983.
    pub fn fowlkes_mallows(&self) -> f64 {
        let pairs = self.pairs();
        if pairs.together == 0 {
            return 0.0;
        }
        let share = |only: u128| pairs.together as f64 / (pairs.together + only) as f64;
        share(pairs.predicted_only).sqrt() * share(pairs.target_only).sqrt()
    }

    /// What one labelling tells of the other, in natural units.
    pub fn mutual_info(&self) -> f64 {
        if self.truth.len() <= 1 || self.predicted.len() <= 1 {
            return 0.0;
        }
        let n = self.n as f64;
        let term = |&[rows, truth, predicted]: &[u64; 3]| {
            let (share, outer) = (rows as f64 / n, (u128::from(truth) * u128::from(predicted)) as f64);
            let term = share * ((rows as f64).ln() - n.ln()) + share * (-outer.ln() + n.ln() + n.ln());
            // Groups that tell nothing come out as rounding errors.
            if term.abs() < f64::EPSILON { 0.0 } else { term }
        };
        pairwise_sum(&self.cells.iter().map(term).collect::<Vec<f64>>()).max(0.0)
    }

    /// The part of the target's entropy that the prediction tells: 1 when no group of the prediction is mixed.
    pub fn homogeneity(&self) -> f64 {
        part(self.mutual_info(), entropy(&self.truth))
    }

    /// The part of the prediction's entropy that the target tells: 1 when no group of the target is torn.
    pub fn completeness(&self) -> f64 {
        part(self.mutual_info(), entropy(&self.predicted))
    }

    /// The harmonic mean of homogeneity and completeness.
    ///
    /// # References
    /// Rosenberg & Hirschberg, V-measure: a conditional entropy-based external cluster evaluation measure, 2007.
    pub fn v_measure(&self) -> f64 {
        let (homogeneity, completeness) = (self.homogeneity(), self.completeness());
        let sum = homogeneity + completeness;
        if sum == 0.0 { 0.0 } else { 2.0 * homogeneity * completeness / sum }
    }

    /// Mutual information over the mean of both entropies; 1 for one group on both sides.
    pub fn normalized_mutual_info(&self) -> f64 {
        if self.truth.len() <= 1 && self.predicted.len() <= 1 {
            return 1.0;
        }
        let mutual_info = self.mutual_info();
        if mutual_info == 0.0 { 0.0 } else { mutual_info / self.mean_entropy() }
    }

    /// The same corrected for chance: both less the mutual information expected of groups of these sizes.
    ///
    /// # References
    /// Vinh, Epps & Bailey, Information theoretic measures for clusterings comparison, 2010.
    pub fn adjusted_mutual_info(&self) -> f64 {
        match (self.truth.len(), self.predicted.len()) {
            (0 | 1, 0 | 1) => return 1.0,
            (1, _) | (_, 1) => return 0.0,
            _ => {}
        }
        let expected = self.expected_mutual_info();
        // As in scikit-learn, 0 over 0 is 1.
        let away_from_0 = |v: f64| if v < 0.0 { v.min(-f64::EPSILON) } else { v.max(f64::EPSILON) };
        away_from_0(self.mutual_info() - expected) / away_from_0(self.mean_entropy() - expected)
    }

    fn mean_entropy(&self) -> f64 {
        (entropy(&self.truth) + entropy(&self.predicted)) / 2.0
    }

    /// The mean of the mutual information over all labellings with groups of these sizes: groups of the same two sizes
    /// share theirs.
    fn expected_mutual_info(&self) -> f64 {
        let numbers = |sizes: &[u64]| {
            let mut numbers = BTreeMap::new();
            sizes.iter().for_each(|&size| *numbers.entry(size).or_insert(0.0) += 1.0);
            numbers
        };
        let (truth, predicted) = (numbers(&self.truth), numbers(&self.predicted));
        let of = |(&a, times): (&u64, &f64)| {
            predicted.iter().map(|(&b, n)| times * n * expected_of_cell(a, b, self.n)).sum::<f64>()
        };
        truth.iter().map(of).sum()
    }
}

/// The mean of x/n · log(n x / (a b)), x being how many of `b` rows drawn of `n` are among `a`.
///
/// Chances are followed from the likeliest x in both directions by their ratios, and made to sum to 1 in the end.
fn expected_of_cell(a: u64, b: u64, n: u64) -> f64 {
    let (least, most) = ((a + b).saturating_sub(n), a.min(b));
    let likeliest = ((u128::from(a + 1) * u128::from(b + 1) / u128::from(n + 2)) as u64).clamp(least, most);
    let [a, b, n] = [a, b, n].map(|rows| rows as f64);
    let log = (a / n * b).ln();
    let value = |x: f64| if x == 0.0 { 0.0 } else { x / n * (x.ln() - log) };
    let (mut total, mut sum) = (1.0, value(likeliest as f64));
    let mut add = |x: u64, chance: f64| {
        total += chance;
        sum += chance * value(x as f64);
        chance > NEGLIGIBLE
    };
    let mut chance = 1.0;
    for x in likeliest..most {
        let at = x as f64;
        chance *= (a - at) / (at + 1.0) * ((b - at) / (n - a - b + at + 1.0));
        if !add(x + 1, chance) {
            break;
        }
    }
    chance = 1.0;
    for x in (least + 1..=likeliest).rev() {
        let at = x as f64;
        chance *= at / (a - at + 1.0) * ((n - a - b + at) / (b - at + 1.0));
        if !add(x - 1, chance) {
            break;
        }
    }
    sum / total
}

/// −Σ p log p of groups of these sizes.
fn entropy(sizes: &[u64]) -> f64 {
    if sizes.len() <= 1 {
        return 0.0;
    }
    let n = sizes.iter().sum::<u64>() as f64;
    let term = |&size: &u64| size as f64 / n * ((size as f64).ln() - n.ln());
    -pairwise_sum(&sizes.iter().map(term).collect::<Vec<f64>>())
}

fn part(mutual_info: f64, entropy: f64) -> f64 {
    if entropy == 0.0 { 1.0 } else { mutual_info / entropy }
}
