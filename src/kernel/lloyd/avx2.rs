//! Vectors in 256-bit registers.

use std::arch::x86_64::*;

use super::vector::Vector;
use crate::kernel::simd::prefetch_line;

// SAFETY (of the whole file): every method's caller promises that AVX2 and FMA are there, and that pointers reach
// what the trait says; loads and stores are the unaligned ones, masked loads touch nothing beyond their mask.

/// Masks of n ≤ 8 numbers begin at 8 − n.
static FIRST: [i32; 16] = [-1, -1, -1, -1, -1, -1, -1, -1, 0, 0, 0, 0, 0, 0, 0, 0];

/// All ones in the first `n` of four lanes.
#[inline(always)]
unsafe fn first_four(n: usize) -> __m256i {
    // SAFETY: as said at the top of the file; `n` ≤ 4.
    unsafe { _mm256_cvtepi32_epi64(_mm_loadu_si128(FIRST.as_ptr().add(8 - n).cast())) }
}

impl Vector for __m256d {
    type Item = f64;
    const LANES: usize = 4;

    #[inline(always)]
    unsafe fn splat(value: f64) -> Self {
        // SAFETY: as said at the top of the file.
        unsafe { _mm256_set1_pd(value) }
    }

    #[inline(always)]
    unsafe fn load(from: *const f64) -> Self {
        // SAFETY: as said at the top of the file.
        unsafe { _mm256_loadu_pd(from) }
    }

    #[inline(always)]
    unsafe fn store(self, to: *mut f64) {
        // SAFETY: as said at the top of the file.
        unsafe { _mm256_storeu_pd(to, self) }
    }

    #[inline(always)]
    unsafe fn mul_add(self, a: Self, b: Self) -> Self {
        // SAFETY: as said at the top of the file.
        unsafe { _mm256_fmadd_pd(self, a, b) }
    }

    #[inline(always)]
    unsafe fn min(self, other: Self) -> Self {
        // SAFETY: as said at the top of the file.
        unsafe { _mm256_min_pd(self, other) }
    }

    #[inline(always)]
    unsafe fn max(self, other: Self) -> Self {
        // SAFETY: as said at the top of the file.
        unsafe { _mm256_max_pd(self, other) }
    }

    #[inline(always)]
    unsafe fn tag(number: u32) -> Self {
        // SAFETY: as said at the top of the file.
        unsafe { _mm256_castsi256_pd(_mm256_set1_epi64x(i64::from(number))) }
    }

    #[inline(always)]
    unsafe fn store_tags(self, to: *mut u32) {
        // SAFETY: as said at the top of the file.
        unsafe {
            let low = _mm256_setr_epi32(0, 2, 4, 6, 0, 2, 4, 6);
            let numbers = _mm256_permutevar8x32_epi32(_mm256_castpd_si256(self), low);
            _mm_storeu_si128(to.cast(), _mm256_castsi256_si128(numbers));
        }
    }

    #[inline(always)]
    unsafe fn keep_less(best: (Self, Self), value: Self, tag: Self) -> (Self, Self) {
        // SAFETY: as said at the top of the file.
        unsafe {
            let less = _mm256_cmp_pd::<_CMP_LT_OQ>(value, best.0);
            (_mm256_blendv_pd(best.0, value, less), _mm256_blendv_pd(best.1, tag, less))
        }
    }

    #[inline(always)]
    unsafe fn turn(rows: *const *const f64, f: usize, shift: *const f64, to: *mut f64, step: usize) {
        // SAFETY: as said at the top of the file.
        unsafe {
            let (at, shift) = (|l: usize| (*rows.add(l)).add(f), shift.add(f));
            for c in [0, 2] {
                // Rows 0 and 2, rows 1 and 3: what unpacking then puts side by side is in order.
                let half = |l: usize| _mm_loadu_pd(at(l).add(c));
                let even = _mm256_insertf128_pd::<1>(_mm256_castpd128_pd256(half(0)), half(2));
                let odd = _mm256_insertf128_pd::<1>(_mm256_castpd128_pd256(half(1)), half(3));
                let of = |c: usize, v: Self| _mm256_sub_pd(v, _mm256_set1_pd(*shift.add(c)));
                of(c, _mm256_unpacklo_pd(even, odd)).store(to.add(c * step));
                of(c + 1, _mm256_unpackhi_pd(even, odd)).store(to.add((c + 1) * step));
            }
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
        // SAFETY: as said at the top of the file.
        unsafe {
            for f in [0, 4] {
                let x = if n >= f + 4 {
                    _mm256_loadu_pd(x.add(f))
                } else {
                    _mm256_maskload_pd(x.wrapping_add(f), first_four(n.saturating_sub(f)))
                };
                add::<WEIGHTED>(_mm256_sub_pd(x, _mm256_loadu_pd(shift.add(f))), weight, sums.add(f));
            }
        }
    }

    #[inline(always)]
    unsafe fn square(x: *const f64, shift: *const f64, negated: *const f64, d: usize) -> f64 {
        // SAFETY: as said at the top of the file.
        unsafe {
            let mut sum = _mm256_setzero_pd();
            let mut add = |x, shift, negated| {
                let difference = _mm256_add_pd(_mm256_sub_pd(x, shift), negated);
                sum = _mm256_fmadd_pd(difference, difference, sum);
            };
            let mut f = 0;
            while f + 4 <= d {
                add(Self::load(x.add(f)), Self::load(shift.add(f)), Self::load(negated.add(f)));
                f += 4;
            }
            if f < d {
                let rest = first_four(d - f);
                let load = |from: *const f64| _mm256_maskload_pd(from.add(f), rest);
                add(load(x), load(shift), load(negated));
            }
            let two = _mm_add_pd(_mm256_castpd256_pd128(sum), _mm256_extractf128_pd::<1>(sum));
            _mm_cvtsd_f64(_mm_add_sd(two, _mm_unpackhi_pd(two, two)))
        }
    }

    #[inline(always)]
    fn prefetch(at: *const f64) {
        prefetch_line(at);
    }
}

impl Vector for __m256 {
    type Item = f32;
    const LANES: usize = 8;

    #[inline(always)]
    unsafe fn splat(value: f32) -> Self {
        // SAFETY: as said at the top of the file.
        unsafe { _mm256_set1_ps(value) }
    }

    #[inline(always)]
    unsafe fn load(from: *const f32) -> Self {
        // SAFETY: as said at the top of the file.
        unsafe { _mm256_loadu_ps(from) }
    }

    #[inline(always)]
    unsafe fn store(self, to: *mut f32) {
        // SAFETY: as said at the top of the file.
        unsafe { _mm256_storeu_ps(to, self) }
    }

    #[inline(always)]
    unsafe fn mul_add(self, a: Self, b: Self) -> Self {
        // SAFETY: as said at the top of the file.
        unsafe { _mm256_fmadd_ps(self, a, b) }
    }

    #[inline(always)]
    unsafe fn min(self, other: Self) -> Self {
        // SAFETY: as said at the top of the file.
        unsafe { _mm256_min_ps(self, other) }
    }

    #[inline(always)]
    unsafe fn max(self, other: Self) -> Self {
        // SAFETY: as said at the top of the file.
        unsafe { _mm256_max_ps(self, other) }
    }

    #[inline(always)]
    unsafe fn tag(number: u32) -> Self {
        // SAFETY: as said at the top of the file.
        unsafe { _mm256_castsi256_ps(_mm256_set1_epi32(number as i32)) }
    }

    #[inline(always)]
    unsafe fn store_tags(self, to: *mut u32) {
        // SAFETY: as said at the top of the file.
        unsafe { _mm256_storeu_si256(to.cast(), _mm256_castps_si256(self)) }
    }

    #[inline(always)]
    unsafe fn keep_less(best: (Self, Self), value: Self, tag: Self) -> (Self, Self) {
        // SAFETY: as said at the top of the file.
        unsafe {
            let less = _mm256_cmp_ps::<_CMP_LT_OQ>(value, best.0);
            (_mm256_blendv_ps(best.0, value, less), _mm256_blendv_ps(best.1, tag, less))
        }
    }

    #[inline(always)]
    unsafe fn turn(rows: *const *const f32, f: usize, shift: *const f32, to: *mut f32, step: usize) {
        // SAFETY: as said at the top of the file.
        unsafe {
            let (at, shift) = (|l: usize| (*rows.add(l)).add(f), shift.add(f));
            let pair = |l: usize| {
                let low = _mm256_castps128_ps256(_mm_loadu_ps(at(l)));
                _mm256_insertf128_ps::<1>(low, _mm_loadu_ps(at(l + 4)))
            };
            let (a, b, c, d) = (pair(0), pair(1), pair(2), pair(3));
            let (ab, cd) = (_mm256_unpacklo_ps(a, b), _mm256_unpacklo_ps(c, d));
            let put = |c: usize, v: Self| {
                _mm256_sub_ps(v, _mm256_set1_ps(*shift.add(c))).store(to.add(c * step));
            };
            put(0, _mm256_shuffle_ps::<0x44>(ab, cd));
            put(1, _mm256_shuffle_ps::<0xEE>(ab, cd));
            let (ab, cd) = (_mm256_unpackhi_ps(a, b), _mm256_unpackhi_ps(c, d));
            put(2, _mm256_shuffle_ps::<0x44>(ab, cd));
            put(3, _mm256_shuffle_ps::<0xEE>(ab, cd));
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
        unsafe {
            let x = if n >= 8 {
                _mm256_loadu_ps(x)
            } else {
                _mm256_maskload_ps(x, _mm256_loadu_si256(FIRST.as_ptr().add(8 - n).cast()))
            };
            let x = _mm256_sub_ps(x, _mm256_loadu_ps(shift));
            add::<WEIGHTED>(_mm256_cvtps_pd(_mm256_castps256_ps128(x)), weight, sums);
            add::<WEIGHTED>(_mm256_cvtps_pd(_mm256_extractf128_ps::<1>(x)), weight, sums.add(4));
        }
    }

    #[inline(always)]
    unsafe fn square(x: *const f32, shift: *const f32, negated: *const f32, d: usize) -> f64 {
        // SAFETY: as said at the top of the file.
        unsafe {
            let mut sum = _mm256_setzero_ps();
            let mut add = |x, shift, negated| {
                let difference = _mm256_add_ps(_mm256_sub_ps(x, shift), negated);
                sum = _mm256_fmadd_ps(difference, difference, sum);
            };
            let mut f = 0;
            while f + 8 <= d {
                add(Self::load(x.add(f)), Self::load(shift.add(f)), Self::load(negated.add(f)));
                f += 8;
            }
            if f < d {
                let rest = _mm256_loadu_si256(FIRST.as_ptr().add(8 - (d - f)).cast());
                let load = |from: *const f32| _mm256_maskload_ps(from.add(f), rest);
                add(load(x), load(shift), load(negated));
            }
            let four = _mm_add_ps(_mm256_castps256_ps128(sum), _mm256_extractf128_ps::<1>(sum));
            let two = _mm_add_ps(four, _mm_movehl_ps(four, four));
            f64::from(_mm_cvtss_f32(_mm_add_ss(two, _mm_shuffle_ps::<1>(two, two))))
        }
    }

    #[inline(always)]
    fn prefetch(at: *const f32) {
        prefetch_line(at);
    }
}

/// Adds four lanes, times the weight, to as many sums.
#[inline(always)]
unsafe fn add<const WEIGHTED: bool>(x: __m256d, weight: f64, sums: *mut f64) {
    // SAFETY: as said at the top of the file.
    unsafe {
        let old = _mm256_loadu_pd(sums);
        let new =
            if WEIGHTED { _mm256_fmadd_pd(_mm256_set1_pd(weight), x, old) } else { _mm256_add_pd(old, x) };
        _mm256_storeu_pd(sums, new);
    }
}
