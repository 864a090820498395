//! Vectors in 512-bit registers.

use std::arch::x86_64::*;

use super::vector::Vector;
use crate::kernel::simd::prefetch_line;

// SAFETY (of the whole file): every method's caller promises that AVX-512 F, VL, DQ and BW are there, and that pointers
// reach what the trait says; loads and stores are the unaligned ones.

impl Vector for __m512d {
    type Item = f64;
    const LANES: usize = 8;

    #[inline(always)]
    unsafe fn splat(value: f64) -> Self {
        // SAFETY: as said at the top of the file.
        unsafe { _mm512_set1_pd(value) }
    }

    #[inline(always)]
    unsafe fn load(from: *const f64) -> Self {
        // SAFETY: as said at the top of the file.
        unsafe { _mm512_loadu_pd(from) }
    }

    #[inline(always)]
    unsafe fn store(self, to: *mut f64) {
        // SAFETY: as said at the top of the file.
        unsafe { _mm512_storeu_pd(to, self) }
    }

    #[inline(always)]
    unsafe fn mul_add(self, a: Self, b: Self) -> Self {
        // SAFETY: as said at the top of the file.
        unsafe { _mm512_fmadd_pd(self, a, b) }
    }

    #[inline(always)]
    unsafe fn min(self, other: Self) -> Self {
        // SAFETY: as said at the top of the file.
        unsafe { _mm512_min_pd(self, other) }
    }

    #[inline(always)]
    unsafe fn max(self, other: Self) -> Self {
        // SAFETY: as said at the top of the file.
        unsafe { _mm512_max_pd(self, other) }
    }

    #[inline(always)]
    unsafe fn tag(number: u32) -> Self {
        // SAFETY: as said at the top of the file.
        unsafe { _mm512_castsi512_pd(_mm512_set1_epi64(i64::from(number))) }
    }

    #[inline(always)]
    unsafe fn store_tags(self, to: *mut u32) {
        // SAFETY: as said at the top of the file.
        unsafe { _mm256_storeu_si256(to.cast(), _mm512_cvtepi64_epi32(_mm512_castpd_si512(self))) }
    }

    #[inline(always)]
    unsafe fn keep_less(best: (Self, Self), value: Self, tag: Self) -> (Self, Self) {
        // SAFETY: as said at the top of the file.
        unsafe {
            let less = _mm512_cmp_pd_mask::<_CMP_LT_OQ>(value, best.0);
            (_mm512_mask_mov_pd(best.0, less, value), _mm512_mask_mov_pd(best.1, less, tag))
        }
    }

    #[inline(always)]
    unsafe fn turn(rows: *const *const f64, f: usize, shift: *const f64, to: *mut f64, step: usize) {
        // SAFETY: as said at the top of the file.
        unsafe {
            let (at, shift) = (|l: usize| (*rows.add(l)).add(f), shift.add(f));
            // Rows l and l + 2 in the halves: what unpacking and shuffling then put side by side is in order.
            let pair = |l: usize| {
                let low = _mm512_castpd256_pd512(_mm256_loadu_pd(at(l)));
                _mm512_insertf64x4::<1>(low, _mm256_loadu_pd(at(l + 2)))
            };
            let put = |c: usize, v: Self| {
                _mm512_sub_pd(v, _mm512_set1_pd(*shift.add(c))).store(to.add(c * step));
            };
            let (a, b, c, d) = (pair(0), pair(1), pair(4), pair(5));
            let (ab, cd) = (_mm512_unpacklo_pd(a, b), _mm512_unpacklo_pd(c, d));
            put(0, _mm512_shuffle_f64x2::<0b10_00_10_00>(ab, cd));
            put(2, _mm512_shuffle_f64x2::<0b11_01_11_01>(ab, cd));
            let (ab, cd) = (_mm512_unpackhi_pd(a, b), _mm512_unpackhi_pd(c, d));
            put(1, _mm512_shuffle_f64x2::<0b10_00_10_00>(ab, cd));
            put(3, _mm512_shuffle_f64x2::<0b11_01_11_01>(ab, cd));
        }
    }

    #[inline(always)]
    unsafe fn add_eight<const WEIGHTED: bool>(
        x: *const f64,
        n: usize,
        shift: *const f64,
        weight: f64,
        sums: *mut f64,
    ) {
        // Halves that were stored reach the next row's loads sooner than whole registers do.
        // SAFETY: as said at the top of the file.
        unsafe { __m256d::add_eight::<WEIGHTED>(x, n, shift, weight, sums) }
    }

    #[inline(always)]
    unsafe fn square(x: *const f64, shift: *const f64, negated: *const f64, d: usize) -> f64 {
        // SAFETY: as said at the top of the file.
        unsafe { __m256d::square(x, shift, negated, d) }
    }

    #[inline(always)]
    unsafe fn narrow(x: *const f64, shift: *const f64, n: usize, to: *mut f32) {
        // SAFETY: as said at the top of the file; masked lanes are not touched.
        unsafe {
            let mut f = 0;
            while f + 8 <= n {
                let v = _mm512_sub_pd(_mm512_loadu_pd(x.add(f)), _mm512_loadu_pd(shift.add(f)));
                _mm256_storeu_ps(to.add(f), _mm512_cvtpd_ps(v));
                f += 8;
            }
            if f < n {
                let rest = (1u8 << (n - f)) - 1;
                let v = _mm512_maskz_loadu_pd(rest, x.add(f));
                let v = _mm512_sub_pd(v, _mm512_loadu_pd(shift.add(f)));
                _mm256_mask_storeu_ps(to.add(f), rest, _mm512_cvtpd_ps(v));
            }
        }
    }

    #[inline(always)]
    fn prefetch(at: *const f64) {
        prefetch_line(at);
    }
}

impl Vector for __m512 {
    type Item = f32;
    const LANES: usize = 16;

    #[inline(always)]
    unsafe fn splat(value: f32) -> Self {
        // SAFETY: as said at the top of the file.
        unsafe { _mm512_set1_ps(value) }
    }

    #[inline(always)]
    unsafe fn load(from: *const f32) -> Self {
        // SAFETY: as said at the top of the file.
        unsafe { _mm512_loadu_ps(from) }
    }

    #[inline(always)]
    unsafe fn store(self, to: *mut f32) {
        // SAFETY: as said at the top of the file.
        unsafe { _mm512_storeu_ps(to, self) }
    }

    #[inline(always)]
    unsafe fn mul_add(self, a: Self, b: Self) -> Self {
        // SAFETY: as said at the top of the file.
        unsafe { _mm512_fmadd_ps(self, a, b) }
    }

    #[inline(always)]
    unsafe fn min(self, other: Self) -> Self {
        // SAFETY: as said at the top of the file.
        unsafe { _mm512_min_ps(self, other) }
    }

    #[inline(always)]
    unsafe fn max(self, other: Self) -> Self {
        // SAFETY: as said at the top of the file.
        unsafe { _mm512_max_ps(self, other) }
    }

    #[inline(always)]
    unsafe fn tag(number: u32) -> Self {
        // SAFETY: as said at the top of the file.
        unsafe { _mm512_castsi512_ps(_mm512_set1_epi32(number as i32)) }
    }

    #[inline(always)]
    unsafe fn store_tags(self, to: *mut u32) {
        // SAFETY: as said at the top of the file.
        unsafe { _mm512_storeu_si512(to.cast(), _mm512_castps_si512(self)) }
    }

    #[inline(always)]
    unsafe fn keep_less(best: (Self, Self), value: Self, tag: Self) -> (Self, Self) {
        // SAFETY: as said at the top of the file.
        unsafe {
            let less = _mm512_cmp_ps_mask::<_CMP_LT_OQ>(value, best.0);
            (_mm512_mask_mov_ps(best.0, less, value), _mm512_mask_mov_ps(best.1, less, tag))
        }
    }

    #[inline(always)]
    unsafe fn turn(rows: *const *const f32, f: usize, shift: *const f32, to: *mut f32, step: usize) {
        // SAFETY: as said at the top of the file.
        unsafe {
            let (at, shift) = (|l: usize| (*rows.add(l)).add(f), shift.add(f));
            let four = |l: usize| {
                let quarter = |q: usize| _mm_loadu_ps(at(l + 4 * q));
                let v = _mm512_castps128_ps512(quarter(0));
                let v = _mm512_insertf32x4::<1>(v, quarter(1));
                let v = _mm512_insertf32x4::<2>(v, quarter(2));
                _mm512_insertf32x4::<3>(v, quarter(3))
            };
            let put = |c: usize, v: Self| {
                _mm512_sub_ps(v, _mm512_set1_ps(*shift.add(c))).store(to.add(c * step));
            };
            let (a, b, c, d) = (four(0), four(1), four(2), four(3));
            let (ab, cd) = (_mm512_unpacklo_ps(a, b), _mm512_unpacklo_ps(c, d));
            put(0, _mm512_shuffle_ps::<0x44>(ab, cd));
            put(1, _mm512_shuffle_ps::<0xEE>(ab, cd));
            let (ab, cd) = (_mm512_unpackhi_ps(a, b), _mm512_unpackhi_ps(c, d));
            put(2, _mm512_shuffle_ps::<0x44>(ab, cd));
            put(3, _mm512_shuffle_ps::<0xEE>(ab, cd));
        }
    }

    #[inline(always)]
    unsafe fn add_eight<const WEIGHTED: bool>(
        x: *const f32,
        n: usize,
        shift: *const f32,
        weight: f64,
        sums: *mut f64,
    ) {
        // SAFETY: as said at the top of the file.
        unsafe { __m256::add_eight::<WEIGHTED>(x, n, shift, weight, sums) }
    }

    #[inline(always)]
    unsafe fn square(x: *const f32, shift: *const f32, negated: *const f32, d: usize) -> f64 {
        // SAFETY: as said at the top of the file.
        unsafe { __m256::square(x, shift, negated, d) }
    }

    #[inline(always)]
    fn prefetch(at: *const f32) {
        prefetch_line(at);
    }
}
