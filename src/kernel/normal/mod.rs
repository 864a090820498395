//! Normal random numbers, many at a time, with the same bits on every machine.
//!
//! Eight xoshiro256++ generators run side by side, one a SIMD lane; tiles of their words go through a branchless
//! Box–Muller transform while they are in the first cache. f32 numbers have a transform of their own, which makes
//! two of each word: the two types give different numbers.
//!
//! Two doubles cost about 60 flops, a division and a square root; radius and angle are within 2.5 · 2⁻⁵² of what
//! the exact functions give, in f32 within 2 · 2⁻²³.

mod isa;
mod pair;
mod polynomial;
#[cfg(test)]
mod tests;
mod tile;
mod words;
#[cfg(target_arch = "x86_64")]
mod words_avx2;

use super::Isa;
use std::any::TypeId;

pub use tile::Mixture;

use crate::kernel::Real;
use words::Words;

/// A stream of normal random numbers.
#[derive(Clone, Debug)]
pub struct Normal {
    words: Words,
    isa: Isa,
}

impl Normal {
    /// The stream that starts from `seed`, the state of the first lane's generator. Not all words may be 0.
    pub fn new(seed: [u64; 4]) -> Self {
        Self::with_isa(seed, Isa::best())
    }

    /// As [`Normal::new`], computed by `isa`: the numbers are the same.
    pub fn with_isa(seed: [u64; 4], isa: Isa) -> Self {
        Self { words: Words::new(seed), isa }
    }

    /// Fills `out` with standard normals, all finite.
    ///
    /// Each call starts a new tile of 512 (f64) or 1024 (f32) numbers, so that two calls give other numbers than
    /// one call of their joint length, unless the first takes whole tiles.
    pub fn fill<T: Real>(&mut self, out: &mut [T]) {
        self.dispatch(out, None);
    }

    /// Fills the rows of `out`, `(n_rows, n_features)`, with normals around their component's mean.
    ///
    /// # Panics
    /// When the mixture has fewer rows than `out`, or an assignment has no component.
    pub fn fill_mixture<T: Real>(&mut self, out: &mut [T], mixture: &Mixture<'_, T>) {
        self.dispatch(out, Some(mixture));
    }

    fn dispatch<T: Real>(&mut self, out: &mut [T], mixture: Option<&Mixture<'_, T>>) {
        if TypeId::of::<T>() == TypeId::of::<f64>() {
            // SAFETY: T is f64, as just checked.
            let (out, mixture) = unsafe { (same_slice::<T, f64>(out), same_mixture(mixture)) };
            isa::fill(self.isa, &mut self.words, out, mixture);
        } else {
            assert_eq!(TypeId::of::<T>(), TypeId::of::<f32>(), "a Real is f32 or f64");
            // SAFETY: T is f32, as just checked.
            let (out, mixture) = unsafe { (same_slice::<T, f32>(out), same_mixture(mixture)) };
            isa::fill(self.isa, &mut self.words, out, mixture);
        }
    }
}

/// The same slice under the other name of its type.
///
/// # Safety
/// `T` and `U` are the same type.
unsafe fn same_slice<T, U>(slice: &mut [T]) -> &mut [U] {
    // SAFETY: length, layout and lifetime stay, and the types are the same by this function's contract.
    unsafe { std::slice::from_raw_parts_mut(slice.as_mut_ptr().cast(), slice.len()) }
}

/// The same mixture under the other name of its type.
///
/// # Safety
/// `T` and `U` are the same type.
unsafe fn same_mixture<'a, T, U>(mixture: Option<&'a Mixture<'a, T>>) -> Option<&'a Mixture<'a, U>> {
    // SAFETY: a reference to the same type, by this function's contract.
    mixture.map(|m| unsafe { &*std::ptr::from_ref(m).cast::<Mixture<'a, U>>() })
}
