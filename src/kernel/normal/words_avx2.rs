//! [`Words::fill`] written out for AVX2, where the compiler finds the rotations too dear to vectorise.

use std::arch::x86_64::*;

use super::words::{LANES, TILE_WORDS, Words};

/// Lanes in a register.
const WIDTH: usize = 4;

/// As [`Words::fill`].
#[target_feature(enable = "avx2")]
#[inline(never)]
pub(super) fn fill(words: &mut Words, tile: &mut [u64; TILE_WORDS]) {
    for first in (0..LANES).step_by(WIDTH) {
        let [mut a, mut b, mut c, mut d] =
            [0, 1, 2, 3].map(|word| load(lanes(&mut words.state[word], first)));
        for step in tile.as_chunks_mut::<LANES>().0 {
            let sum = rotate_left::<23, 41>(_mm256_add_epi64(a, d));
            store(lanes(step, first), _mm256_add_epi64(sum, a));
            let t = _mm256_slli_epi64::<17>(b);
            c = _mm256_xor_si256(c, a);
            d = _mm256_xor_si256(d, b);
            b = _mm256_xor_si256(b, c);
            a = _mm256_xor_si256(a, d);
            c = _mm256_xor_si256(c, t);
            d = rotate_left::<45, 19>(d);
        }
        for (word, register) in [a, b, c, d].into_iter().enumerate() {
            store(lanes(&mut words.state[word], first), register);
        }
    }
}

/// The lanes of one register.
#[inline(always)]
fn lanes(all: &mut [u64; LANES], first: usize) -> &mut [u64; WIDTH] {
    &mut all.as_chunks_mut::<WIDTH>().0[first / WIDTH]
}

/// `RIGHT` is 64 − `LEFT`.
#[target_feature(enable = "avx2")]
fn rotate_left<const LEFT: i32, const RIGHT: i32>(x: __m256i) -> __m256i {
    _mm256_or_si256(_mm256_slli_epi64::<LEFT>(x), _mm256_srli_epi64::<RIGHT>(x))
}

#[target_feature(enable = "avx2")]
fn load(lanes: &mut [u64; WIDTH]) -> __m256i {
    // SAFETY: 32 bytes that may be read; the instruction asks for no alignment.
    unsafe { _mm256_loadu_si256(lanes.as_ptr().cast()) }
}

#[target_feature(enable = "avx2")]
fn store(lanes: &mut [u64; WIDTH], register: __m256i) {
    // SAFETY: 32 bytes that may be written; the instruction asks for no alignment.
    unsafe { _mm256_storeu_si256(lanes.as_mut_ptr().cast(), register) }
}
