//! The normal kernel compiled for each instruction set, and the choice among them at run time.

use super::tile::{self, Mixture, Sample};
#[cfg(target_arch = "x86_64")]
use super::words::TILE_WORDS;
use super::words::Words;
#[cfg(target_arch = "x86_64")]
use super::words_avx2;

/// An instruction set that the kernel is compiled for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Isa {
    /// AVX-512 with the F, DQ and VL parts: 8 doubles at a time.
    Avx512,
    /// AVX2 and FMA: 4 doubles at a time.
    Avx2,
    /// What every machine of the target has.
    Portable,
}

impl Isa {
    /// The instruction sets that this machine has, the fastest first.
    pub fn available() -> Vec<Self> {
        [Self::Avx512, Self::Avx2, Self::Portable].into_iter().filter(|isa| isa.is_available()).collect()
    }

    /// The fastest instruction set that this machine has.
    pub fn best() -> Self {
        if Self::Avx512.is_available() {
            Self::Avx512
        } else if Self::Avx2.is_available() {
            Self::Avx2
        } else {
            Self::Portable
        }
    }

    /// Whether this machine has it.
    pub fn is_available(self) -> bool {
        #[cfg(target_arch = "x86_64")]
        match self {
            Self::Avx512 => {
                is_x86_feature_detected!("avx512f")
                    && is_x86_feature_detected!("avx512dq")
                    && is_x86_feature_detected!("avx512vl")
                    && is_x86_feature_detected!("fma")
            }
            Self::Avx2 => is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma"),
            Self::Portable => true,
        }
        #[cfg(not(target_arch = "x86_64"))]
        return self == Self::Portable;
    }
}

/// Runs [`tile::fill`] as compiled for `isa`.
///
/// # Panics
/// When the machine does not have `isa`.
pub(super) fn fill<T: Sample>(isa: Isa, words: &mut Words, out: &mut [T], mixture: Option<&Mixture<'_, T>>) {
    assert!(isa.is_available(), "{isa:?} is not on this machine");
    match isa {
        // SAFETY: the machine has the instructions, as just checked.
        #[cfg(target_arch = "x86_64")]
        Isa::Avx512 => unsafe { avx512(words, out, mixture) },
        // SAFETY: the machine has the instructions, as just checked.
        #[cfg(target_arch = "x86_64")]
        Isa::Avx2 => unsafe { avx2(words, out, mixture) },
        _ => tile::fill(words, out, mixture, Words::fill),
    }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512dq,avx512vl,avx2,fma")]
fn avx512<T: Sample>(words: &mut Words, out: &mut [T], mixture: Option<&Mixture<'_, T>>) {
    tile::fill(words, out, mixture, |words, tile| draw_avx512(words, tile));
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512dq,avx512vl,avx2,fma")]
#[inline(never)]
fn draw_avx512(words: &mut Words, tile: &mut [u64; TILE_WORDS]) {
    words.fill(tile);
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma")]
fn avx2<T: Sample>(words: &mut Words, out: &mut [T], mixture: Option<&Mixture<'_, T>>) {
    tile::fill(words, out, mixture, |words, tile| words_avx2::fill(words, tile));
}
