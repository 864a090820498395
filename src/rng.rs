//! Random streams keyed by what they are for, never by the rank that draws from them.

use rand_xoshiro::Xoshiro256PlusPlus;
use rand_xoshiro::rand_core::{Rng, SeedableRng};

/// What a stream is drawn for. Streams of different purposes never share numbers.
///
/// The numbers are part of the file format: results can be repeated only while they stay.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u64)]
pub enum Purpose {
    /// The noise of generated rows.
    Noise = 1,
    /// Which cluster each generated row belongs to.
    Assignment = 2,
    /// A generated data set's replicated parameters: centres, mixing matrices, column orders.
    Design = 3,
    /// Labels flipped at random.
    Flip = 4,
    /// Choice of starting centroids.
    Init = 5,
    /// Shuffled splits.
    Split = 6,
    /// The seeds of repeated shuffles of folds.
    Repeat = 7,
    /// Candidates of a random search.
    Candidates = 20,
    /// Rows on which a score is estimated.
    ScoreSample = 21,
    /// The rows of a mini-batch.
    Batch = 22,
    /// The rows that a rung of a search gets.
    Subsample = 23,
    /// A tree of a forest: its bootstrap sample, and the key of its root.
    Tree = 30,
    /// A node of a tree: the features and thresholds tried, and the keys of its children.
    Node = 31,
    /// The order in which coordinate descent visits rows.
    Permutation = 40,
    /// The inner folds on which class probabilities are calibrated.
    Calibration = 41,
    /// The matrix that a randomized decomposition tries the data on.
    Sketch = 50,
}

/// The stream of one block (or of another index) for one purpose.
pub fn stream(seed: u64, purpose: Purpose, index: u64) -> Xoshiro256PlusPlus {
    // Two rounds of a 64-bit finaliser over each part, so that neighbouring keys share nothing.
    let key = mix(mix(mix(seed ^ 0x9e37_79b9_7f4a_7c15) ^ purpose as u64) ^ index);
    Xoshiro256PlusPlus::seed_from_u64(key)
}

/// Four numbers of a stream: the state from which a kernel's own generators start.
pub fn state(seed: u64, purpose: Purpose, index: u64) -> [u64; 4] {
    let mut rng = stream(seed, purpose, index);
    std::array::from_fn(|_| rng.next_u64())
}

/// The finaliser of SplitMix64 (Steele, Lea, Flood 2014, figure 4), a bijection on 64 bits.
fn mix(value: u64) -> u64 {
    let mut z = value.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// A number in [0, 1) with 53 random bits.
pub fn uniform(rng: &mut impl Rng) -> f64 {
    (rng.next_u64() >> 11) as f64 * (1.0 / (1u64 << 53) as f64)
}

/// Number `index`, in [0, 1), of the sequence that starts from `key`: SplitMix64's, made without those before it.
pub fn uniform_at(key: u64, index: u64) -> f64 {
    (mix(key.wrapping_add(index.wrapping_mul(0x9e37_79b9_7f4a_7c15))) >> 11) as f64
        * (1.0 / (1u64 << 53) as f64)
}

/// An integer in `0..bound` without bias (Lemire 2019, "Fast random integer generation in an interval").
///
/// # Panics
/// When `bound` is 0.
pub fn below(rng: &mut impl Rng, bound: u64) -> u64 {
    assert!(bound > 0, "an empty range has no number to draw");
    loop {
        let wide = u128::from(rng.next_u64()) * u128::from(bound);
        let low = wide as u64;
        if low >= bound || low >= bound.wrapping_neg() % bound {
            return (wide >> 64) as u64;
        }
    }
}

/// Puts a slice in random order (Fisher–Yates).
pub fn shuffle<T>(rng: &mut impl Rng, items: &mut [T]) {
    for last in (1..items.len()).rev() {
        items.swap(last, below(rng, last as u64 + 1) as usize);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn streams_differ_by_seed_purpose_and_index() {
        let first = |seed, purpose, index| stream(seed, purpose, index).next_u64();
        let base = first(0, Purpose::Noise, 0);
        assert_eq!(base, first(0, Purpose::Noise, 0));
        assert_ne!(base, first(1, Purpose::Noise, 0));
        assert_ne!(base, first(0, Purpose::Flip, 0));
        assert_ne!(base, first(0, Purpose::Noise, 1));
    }

    #[test]
    fn numbers_by_index_are_uniform_and_those_of_splitmix() {
        // The first output of the generator's published code for the state 1234567.
        assert_eq!(
            uniform_at(1_234_567, 0),
            (6_457_827_717_110_365_317u64 >> 11) as f64 / (1u64 << 53) as f64
        );
        let mut tenths = [0u32; 10];
        for index in 0..100_000 {
            tenths[(uniform_at(9, index) * 10.0) as usize] += 1;
        }
        // Five standard deviations of a binomial with n = 100,000 and p = 1/10.
        assert!(tenths.iter().all(|&count| (f64::from(count) - 10_000.0).abs() < 475.0), "{tenths:?}");
    }

    #[test]
    fn bounded_integers_are_uniform() {
        let mut rng = stream(7, Purpose::Split, 0);
        let mut counts = [0u32; 7];
        for _ in 0..70_000 {
            counts[below(&mut rng, 7) as usize] += 1;
        }
        // Five standard deviations of a binomial with n = 70,000 and p = 1/7.
        assert!(counts.iter().all(|&count| (f64::from(count) - 10_000.0).abs() < 463.0), "{counts:?}");
    }

    #[test]
    fn a_shuffle_is_a_permutation() {
        let mut items: Vec<u32> = (0..100).collect();
        shuffle(&mut stream(3, Purpose::Split, 1), &mut items);
        assert_ne!(items, (0..100).collect::<Vec<_>>());
        items.sort_unstable();
        assert_eq!(items, (0..100).collect::<Vec<_>>());
    }
}
