//! One tile of normals, and the walk over a slice tile by tile, for both types.

use super::pair::{pair32, squared_radius, turned};
use super::words::{TILE_WORDS, Words};
use crate::kernel::Real;

/// A type that a tile of random words turns into.
pub(super) trait Sample: Real {
    /// Normals that a tile of words makes.
    const TILE: usize;
    /// A buffer of `TILE` zeros.
    type Buffer: AsMut<[Self]> + AsRef<[Self]>;

    /// An empty buffer.
    fn buffer() -> Self::Buffer;

    /// Turns the words into `TILE` normals: the first half of the words are radii, the second angles.
    fn convert(words: &[u64; TILE_WORDS], out: &mut [Self]);
}

impl Sample for f64 {
    const TILE: usize = TILE_WORDS;
    type Buffer = [f64; TILE_WORDS];

    fn buffer() -> Self::Buffer {
        [0.0; TILE_WORDS]
    }

    #[inline(always)]
    fn convert(words: &[u64; TILE_WORDS], out: &mut [f64]) {
        const HALF: usize = TILE_WORDS / 2;
        let (radii, angles) = words.split_at(HALF);
        let (first, second) = out.split_at_mut(HALF);
        let second = &mut second[..HALF];
        // Two loops: the logarithm's division, and the square root, each wait less for what is before them.
        let mut squares = [0.0; HALF];
        for (square, &bits) in squares.iter_mut().zip(radii) {
            *square = squared_radius(bits);
        }
        for i in 0..HALF {
            (first[i], second[i]) = turned(squares[i], angles[i]);
        }
    }
}

impl Sample for f32 {
    const TILE: usize = 2 * TILE_WORDS;
    type Buffer = [f32; 2 * TILE_WORDS];

    fn buffer() -> Self::Buffer {
        [0.0; 2 * TILE_WORDS]
    }

    #[inline(always)]
    fn convert(words: &[u64; TILE_WORDS], out: &mut [f32]) {
        const HALF: usize = TILE_WORDS;
        let halves = split_words(words);
        let (radii, angles) = halves.split_at(HALF);
        let (first, second) = out.split_at_mut(HALF);
        let second = &mut second[..HALF];
        for i in 0..HALF {
            (first[i], second[i]) = pair32(radii[i], angles[i]);
        }
    }
}

/// The lower and upper halves of each word, in turn.
#[inline(always)]
fn split_words(words: &[u64; TILE_WORDS]) -> [u32; 2 * TILE_WORDS] {
    let mut halves = [0; 2 * TILE_WORDS];
    for (two, word) in halves.as_chunks_mut::<2>().0.iter_mut().zip(words) {
        *two = [*word as u32, (*word >> 32) as u32];
    }
    halves
}

/// Which normal distribution each row of a slice follows.
pub struct Mixture<'a, T> {
    /// Features of a row.
    pub n_features: usize,
    /// The component of each row: `(n_rows,)`.
    pub assignment: &'a [u32],
    /// Means of the components, row by row: `(n_components, n_features)`.
    pub means: &'a [T],
    /// Standard deviation of each component, the same for all features: `(n_components,)`.
    pub stds: &'a [T],
}

impl<T: Real> Mixture<'_, T> {
    /// Turns standard normals, the first at `start` of the whole slice, into this mixture's.
    #[inline(always)]
    fn apply(&self, start: usize, values: &mut [T]) {
        let d = self.n_features;
        let (mut row, mut column) = (start / d, start % d);
        let mut rest = values;
        while !rest.is_empty() {
            let (now, later) = rest.split_at_mut((d - column).min(rest.len()));
            let component = self.assignment[row] as usize;
            let mean = &self.means[component * d + column..][..now.len()];
            scale_and_shift(now, self.stds[component], mean);
            rest = later;
            row += 1;
            column = 0;
        }
    }
}

/// `values · std + mean`, rounded once. Chunks of a known size vectorise without a long tail.
#[inline(always)]
fn scale_and_shift<T: Real>(values: &mut [T], std: T, mean: &[T]) {
    let (wide, tail) = values.as_chunks_mut::<4>();
    let (wide_mean, tail_mean) = mean.as_chunks::<4>();
    for (values, mean) in wide.iter_mut().zip(wide_mean) {
        for k in 0..4 {
            values[k] = values[k].mul_add(std, mean[k]);
        }
    }
    for (value, mean) in tail.iter_mut().zip(tail_mean) {
        *value = value.mul_add(std, *mean);
    }
}

/// Fills `out` with standard normals, or with those of `mixture`, one tile at a time so that each stays in the
/// first cache.
///
/// A last tile that does not fit is cut; what is left of it is dropped. `draw` is [`Words::fill`], compiled by
/// itself: inlined into this loop it vectorises badly.
#[inline(always)]
pub(super) fn fill<T: Sample>(
    words: &mut Words,
    out: &mut [T],
    mixture: Option<&Mixture<'_, T>>,
    draw: impl Fn(&mut Words, &mut [u64; TILE_WORDS]),
) {
    let mut tile = [0; TILE_WORDS];
    let mut start = 0;
    let mut whole = out.chunks_exact_mut(T::TILE);
    for values in &mut whole {
        draw(words, &mut tile);
        T::convert(&tile, values);
        if let Some(mixture) = mixture {
            mixture.apply(start, values);
        }
        start += T::TILE;
    }
    let last = whole.into_remainder();
    if !last.is_empty() {
        let mut buffer = T::buffer();
        draw(words, &mut tile);
        T::convert(&tile, buffer.as_mut());
        last.copy_from_slice(&buffer.as_ref()[..last.len()]);
        if let Some(mixture) = mixture {
            mixture.apply(start, last);
        }
    }
}
