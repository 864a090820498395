//! Vectors in 256-bit registers.
//!
//! 512-bit registers bring nothing here where a core has two 256-bit multiply-add units; the AVX-512 version gains
//! by the 32 registers it may use for 256-bit vectors.

use std::arch::x86_64::*;

use super::vector::Vector;

// SAFETY (of the whole file): every method's caller promises that AVX2 and FMA are there, and that pointers reach a
// whole vector; loads and stores are the unaligned ones.

impl Vector for __m256d {
    type Item = f64;

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
    fn prefetch(at: *const f64) {
        // SAFETY: a prefetch never faults, and SSE is part of x86-64.
        unsafe { _mm_prefetch::<_MM_HINT_T0>(at.cast()) }
    }

    #[inline(always)]
    unsafe fn store(self, to: *mut f64) {
        // SAFETY: as said at the top of the file.
        unsafe { _mm256_storeu_pd(to, self) }
    }

    #[inline(always)]
    unsafe fn sub(self, b: Self) -> Self {
        // SAFETY: as said at the top of the file.
        unsafe { _mm256_sub_pd(self, b) }
    }

    #[inline(always)]
    unsafe fn add(self, b: Self) -> Self {
        // SAFETY: as said at the top of the file.
        unsafe { _mm256_add_pd(self, b) }
    }

    #[inline(always)]
    unsafe fn mul_add(self, a: Self, b: Self) -> Self {
        // SAFETY: as said at the top of the file.
        unsafe { _mm256_fmadd_pd(self, a, b) }
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
    unsafe fn least(values: Self, tags: Self) -> (f64, f64) {
        // SAFETY: as said at the top of the file.
        unsafe {
            let least = least_f64(values);
            let equal = _mm256_cmp_pd::<_CMP_EQ_OQ>(values, least);
            let tags = _mm256_blendv_pd(_mm256_set1_pd(f64::INFINITY), tags, equal);
            (_mm256_cvtsd_f64(least), _mm256_cvtsd_f64(least_f64(tags)))
        }
    }

    #[inline(always)]
    unsafe fn add_to(self, sums: *mut f64) {
        // SAFETY: as said at the top of the file.
        unsafe { _mm256_storeu_pd(sums, _mm256_add_pd(_mm256_loadu_pd(sums), self)) }
    }

    #[inline(always)]
    unsafe fn add_weighted_to(self, weight: f64, sums: *mut f64) {
        // SAFETY: as said at the top of the file.
        unsafe {
            _mm256_storeu_pd(sums, _mm256_fmadd_pd(_mm256_set1_pd(weight), self, _mm256_loadu_pd(sums)));
        }
    }
}

impl Vector for __m256 {
    type Item = f32;

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
    fn prefetch(at: *const f32) {
        // SAFETY: a prefetch never faults, and SSE is part of x86-64.
        unsafe { _mm_prefetch::<_MM_HINT_T0>(at.cast()) }
    }

    #[inline(always)]
    unsafe fn store(self, to: *mut f32) {
        // SAFETY: as said at the top of the file.
        unsafe { _mm256_storeu_ps(to, self) }
    }

    #[inline(always)]
    unsafe fn sub(self, b: Self) -> Self {
        // SAFETY: as said at the top of the file.
        unsafe { _mm256_sub_ps(self, b) }
    }

    #[inline(always)]
    unsafe fn add(self, b: Self) -> Self {
        // SAFETY: as said at the top of the file.
        unsafe { _mm256_add_ps(self, b) }
    }

    #[inline(always)]
    unsafe fn mul_add(self, a: Self, b: Self) -> Self {
        // SAFETY: as said at the top of the file.
        unsafe { _mm256_fmadd_ps(self, a, b) }
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
    unsafe fn least(values: Self, tags: Self) -> (f32, f32) {
        // SAFETY: as said at the top of the file.
        unsafe {
            let least = least_f32(values);
            let equal = _mm256_cmp_ps::<_CMP_EQ_OQ>(values, least);
            let tags = _mm256_blendv_ps(_mm256_set1_ps(f32::INFINITY), tags, equal);
            (_mm256_cvtss_f32(least), _mm256_cvtss_f32(least_f32(tags)))
        }
    }

    #[inline(always)]
    unsafe fn add_to(self, sums: *mut f64) {
        // SAFETY: as said at the top of the file.
        unsafe {
            let (low, high) = widen(self);
            low.add_to(sums);
            high.add_to(sums.add(4));
        }
    }

    #[inline(always)]
    unsafe fn add_weighted_to(self, weight: f64, sums: *mut f64) {
        // SAFETY: as said at the top of the file.
        unsafe {
            let (low, high) = widen(self);
            low.add_weighted_to(weight, sums);
            high.add_weighted_to(weight, sums.add(4));
        }
    }
}

/// The least lane, in every lane.
#[inline(always)]
unsafe fn least_f64(v: __m256d) -> __m256d {
    // SAFETY: as said at the top of the file.
    unsafe {
        let v = _mm256_min_pd(v, _mm256_permute2f128_pd::<1>(v, v));
        _mm256_min_pd(v, _mm256_permute_pd::<0b0101>(v))
    }
}

/// The least lane, in every lane.
#[inline(always)]
unsafe fn least_f32(v: __m256) -> __m256 {
    // SAFETY: as said at the top of the file.
    unsafe {
        let v = _mm256_min_ps(v, _mm256_permute2f128_ps::<1>(v, v));
        let v = _mm256_min_ps(v, _mm256_permute_ps::<0b01_00_11_10>(v));
        _mm256_min_ps(v, _mm256_permute_ps::<0b10_11_00_01>(v))
    }
}

/// The low and the high half in double precision.
#[inline(always)]
unsafe fn widen(v: __m256) -> (__m256d, __m256d) {
    // SAFETY: as said at the top of the file.
    unsafe { (_mm256_cvtps_pd(_mm256_castps256_ps128(v)), _mm256_cvtps_pd(_mm256_extractf128_ps::<1>(v))) }
}
