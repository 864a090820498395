//! The normal kernel compiled for each instruction set.

use super::tile::{self, Mixture, Sample};
#[cfg(target_arch = "x86_64")]
use super::words::TILE_WORDS;
use super::words::Words;
#[cfg(target_arch = "x86_64")]
use super::words_avx2;
use crate::kernel::Isa;

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
