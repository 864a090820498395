//! Vectors in 128-bit registers.

use std::arch::aarch64::*;

use super::vector::{EIGHT, Vector};
use crate::kernel::simd::prefetch_line;

// SAFETY (of the whole file): every method's caller promises that pointers reach what the trait says; NEON is part of the
// target.

impl Vector for float64x2_t {
    type Item = f64;
    const LANES: usize = 2;

    #[inline(always)]
    unsafe fn splat(value: f64) -> Self {
        // SAFETY: as said at the top of the file.
        unsafe { vdupq_n_f64(value) }
    }

    #[inline(always)]
    unsafe fn load(from: *const f64) -> Self {
        // SAFETY: as said at the top of the file.
        unsafe { vld1q_f64(from) }
    }

    #[inline(always)]
    unsafe fn store(self, to: *mut f64) {
        // SAFETY: as said at the top of the file.
        unsafe { vst1q_f64(to, self) }
    }

    #[inline(always)]
    unsafe fn mul_add(self, a: Self, b: Self) -> Self {
        // SAFETY: as said at the top of the file.
        unsafe { vfmaq_f64(b, self, a) }
    }

    // Compared and chosen: the instructions for the smaller and the larger have other rules for zeros and what is no number.
    #[inline(always)]
    unsafe fn min(self, other: Self) -> Self {
        // SAFETY: as said at the top of the file.
        unsafe { vbslq_f64(vcltq_f64(self, other), self, other) }
    }

    #[inline(always)]
    unsafe fn max(self, other: Self) -> Self {
        // SAFETY: as said at the top of the file.
        unsafe { vbslq_f64(vcgtq_f64(self, other), self, other) }
    }

    #[inline(always)]
    unsafe fn tag(number: u32) -> Self {
        // SAFETY: as said at the top of the file.
        unsafe { vreinterpretq_f64_u64(vdupq_n_u64(number.into())) }
    }

    #[inline(always)]
    unsafe fn store_tags(self, to: *mut u32) {
        // SAFETY: as said at the top of the file.
        unsafe { vst1_u32(to, vmovn_u64(vreinterpretq_u64_f64(self))) }
    }

    #[inline(always)]
    unsafe fn keep_less(best: (Self, Self), value: Self, tag: Self) -> (Self, Self) {
        // SAFETY: as said at the top of the file.
        unsafe {
            let less = vcltq_f64(value, best.0);
            (vbslq_f64(less, value, best.0), vbslq_f64(less, tag, best.1))
        }
    }

    #[inline(always)]
    unsafe fn turn(rows: *const *const f64, f: usize, shift: *const f64, to: *mut f64, step: usize) {
        // SAFETY: as said at the top of the file.
        unsafe {
            let (a, b, shift) = ((*rows).add(f), (*rows.add(1)).add(f), shift.add(f));
            for c in [0, 2] {
                let (a, b) = (vld1q_f64(a.add(c)), vld1q_f64(b.add(c)));
                let put = |c: usize, v: Self| {
                    vsubq_f64(v, vdupq_n_f64(*shift.add(c))).store(to.add(c * step));
                };
                put(c, vzip1q_f64(a, b));
                put(c + 1, vzip2q_f64(a, b));
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
            let first;
            let x = if n >= EIGHT {
                x
            } else {
                first = first_of_eight(x, n);
                first.as_ptr()
            };
            for f in [0, 2, 4, 6] {
                let x = vsubq_f64(vld1q_f64(x.add(f)), vld1q_f64(shift.add(f)));
                add::<WEIGHTED>(x, weight, sums.add(f));
            }
        }
    }

    #[inline(always)]
    unsafe fn square(x: *const f64, shift: *const f64, negated: *const f64, d: usize) -> f64 {
        // SAFETY: as said at the top of the file.
        unsafe {
            let mut sums = [vdupq_n_f64(0.0); 2];
            let mut f = 0;
            while f + 4 <= d {
                for (at, sum) in sums.iter_mut().enumerate() {
                    let load = |from: *const f64| vld1q_f64(from.add(f + 2 * at));
                    let difference = vaddq_f64(vsubq_f64(load(x), load(shift)), load(negated));
                    *sum = vfmaq_f64(*sum, difference, difference);
                }
                f += 4;
            }
            let mut sum = vaddvq_f64(vaddq_f64(sums[0], sums[1]));
            while f < d {
                let difference = *x.add(f) - *shift.add(f) + *negated.add(f);
                sum += difference * difference;
                f += 1;
            }
            sum
        }
    }

    #[inline(always)]
    fn prefetch(at: *const f64) {
        prefetch_line(at);
    }
}

impl Vector for float32x4_t {
    type Item = f32;
    const LANES: usize = 4;

    #[inline(always)]
    unsafe fn splat(value: f32) -> Self {
        // SAFETY: as said at the top of the file.
        unsafe { vdupq_n_f32(value) }
    }

    #[inline(always)]
    unsafe fn load(from: *const f32) -> Self {
        // SAFETY: as said at the top of the file.
        unsafe { vld1q_f32(from) }
    }

    #[inline(always)]
    unsafe fn store(self, to: *mut f32) {
        // SAFETY: as said at the top of the file.
        unsafe { vst1q_f32(to, self) }
    }

    #[inline(always)]
    unsafe fn mul_add(self, a: Self, b: Self) -> Self {
        // SAFETY: as said at the top of the file.
        unsafe { vfmaq_f32(b, self, a) }
    }

    #[inline(always)]
    unsafe fn min(self, other: Self) -> Self {
        // SAFETY: as said at the top of the file.
        unsafe { vbslq_f32(vcltq_f32(self, other), self, other) }
    }

    #[inline(always)]
    unsafe fn max(self, other: Self) -> Self {
        // SAFETY: as said at the top of the file.
        unsafe { vbslq_f32(vcgtq_f32(self, other), self, other) }
    }

    #[inline(always)]
    unsafe fn tag(number: u32) -> Self {
        // SAFETY: as said at the top of the file.
        unsafe { vreinterpretq_f32_u32(vdupq_n_u32(number)) }
    }

    #[inline(always)]
    unsafe fn store_tags(self, to: *mut u32) {
        // SAFETY: as said at the top of the file.
        unsafe { vst1q_u32(to, vreinterpretq_u32_f32(self)) }
    }

    #[inline(always)]
    unsafe fn keep_less(best: (Self, Self), value: Self, tag: Self) -> (Self, Self) {
        // SAFETY: as said at the top of the file.
        unsafe {
            let less = vcltq_f32(value, best.0);
            (vbslq_f32(less, value, best.0), vbslq_f32(less, tag, best.1))
        }
    }

    #[inline(always)]
    unsafe fn turn(rows: *const *const f32, f: usize, shift: *const f32, to: *mut f32, step: usize) {
        // SAFETY: as said at the top of the file.
        unsafe {
            // Features 0 and 1, 2 and 3 of two rows by turns, then such pairs of four rows.
            let row = |l: usize| vld1q_f32((*rows.add(l)).add(f));
            let pairs =
                |a, b| (vreinterpretq_f64_f32(vzip1q_f32(a, b)), vreinterpretq_f64_f32(vzip2q_f32(a, b)));
            let (ab, cd) = (pairs(row(0), row(1)), pairs(row(2), row(3)));
            let put = |c: usize, v: float64x2_t| {
                let shift = vdupq_n_f32(*shift.add(f + c));
                vsubq_f32(vreinterpretq_f32_f64(v), shift).store(to.add(c * step));
            };
            put(0, vzip1q_f64(ab.0, cd.0));
            put(1, vzip2q_f64(ab.0, cd.0));
            put(2, vzip1q_f64(ab.1, cd.1));
            put(3, vzip2q_f64(ab.1, cd.1));
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
            let first;
            let x = if n >= EIGHT {
                x
            } else {
                first = first_of_eight(x, n);
                first.as_ptr()
            };
            for f in [0, 4] {
                let x = vsubq_f32(vld1q_f32(x.add(f)), vld1q_f32(shift.add(f)));
                add::<WEIGHTED>(vcvt_f64_f32(vget_low_f32(x)), weight, sums.add(f));
                add::<WEIGHTED>(vcvt_high_f64_f32(x), weight, sums.add(f + 2));
            }
        }
    }

    #[inline(always)]
    unsafe fn square(x: *const f32, shift: *const f32, negated: *const f32, d: usize) -> f64 {
        // SAFETY: as said at the top of the file.
        unsafe {
            let mut sums = [vdupq_n_f32(0.0); 2];
            let mut f = 0;
            while f + 8 <= d {
                for (at, sum) in sums.iter_mut().enumerate() {
                    let load = |from: *const f32| vld1q_f32(from.add(f + 4 * at));
                    let difference = vaddq_f32(vsubq_f32(load(x), load(shift)), load(negated));
                    *sum = vfmaq_f32(*sum, difference, difference);
                }
                f += 8;
            }
            let mut sum = vaddvq_f32(vaddq_f32(sums[0], sums[1]));
            while f < d {
                let difference = *x.add(f) - *shift.add(f) + *negated.add(f);
                sum += difference * difference;
                f += 1;
            }
            f64::from(sum)
        }
    }

    #[inline(always)]
    fn prefetch(at: *const f32) {
        prefetch_line(at);
    }
}

/// The first `n` < 8 numbers at `x` and zeros.
///
/// # Safety
/// `n` numbers are readable at `x`.
#[inline(always)]
unsafe fn first_of_eight<T: Copy + Default>(x: *const T, n: usize) -> [T; EIGHT] {
    // SAFETY: the caller's.
    std::array::from_fn(|i| if i < n { unsafe { *x.add(i) } } else { T::default() })
}

/// Adds two lanes, times the weight, to as many sums.
#[inline(always)]
unsafe fn add<const WEIGHTED: bool>(x: float64x2_t, weight: f64, sums: *mut f64) {
    // SAFETY: as said at the top of the file.
    unsafe {
        let old = vld1q_f64(sums);
        let new = if WEIGHTED { vfmaq_f64(old, vdupq_n_f64(weight), x) } else { vaddq_f64(old, x) };
        vst1q_f64(sums, new);
    }
}
