//! Eight doubles in four 128-bit registers: NEON, which every machine of the target has.

use std::arch::aarch64::*;

use super::{INTEGER, LANES, Simd};

// SAFETY (of the whole file): pointers reach what the trait says, which its caller vouches for; NEON is part of the target.

/// Four registers of two lanes.
#[derive(Clone, Copy)]
pub struct Neon;

/// The operation on each of the four registers.
macro_rules! quarters {
    ($op:ident, $a:expr $(, $b:expr)*) => {
        [$op($a[0] $(, $b[0])*), $op($a[1] $(, $b[1])*), $op($a[2] $(, $b[2])*), $op($a[3] $(, $b[3])*)]
    };
}

impl Simd for Neon {
    type V = [float64x2_t; 4];
    // Of 32, each of which holds two doubles.
    const MANY_REGISTERS: bool = false;

    #[inline(always)]
    unsafe fn load(p: *const f64) -> Self::V {
        // SAFETY: as said at the top of the file.
        unsafe { [vld1q_f64(p), vld1q_f64(p.add(2)), vld1q_f64(p.add(4)), vld1q_f64(p.add(6))] }
    }
    #[inline(always)]
    unsafe fn load_f32(p: *const f32) -> Self::V {
        // SAFETY: as said at the top of the file.
        unsafe {
            let (low, high) = (vld1q_f32(p), vld1q_f32(p.add(4)));
            let first = |v| vcvt_f64_f32(vget_low_f32(v));
            [first(low), vcvt_high_f64_f32(low), first(high), vcvt_high_f64_f32(high)]
        }
    }
    #[inline(always)]
    unsafe fn load_first(p: *const f64, n: usize) -> Self::V {
        let mut lanes = [0.0; LANES];
        // SAFETY: as said at the top of the file; the array has all lanes.
        unsafe {
            lanes.as_mut_ptr().copy_from_nonoverlapping(p, n.min(LANES));
            Self::load(lanes.as_ptr())
        }
    }
    #[inline(always)]
    unsafe fn load_first_f32(p: *const f32, n: usize) -> Self::V {
        let mut lanes = [0.0; LANES];
        // SAFETY: as above.
        unsafe {
            lanes.as_mut_ptr().copy_from_nonoverlapping(p, n.min(LANES));
            Self::load_f32(lanes.as_ptr())
        }
    }
    #[inline(always)]
    unsafe fn store(p: *mut f64, v: Self::V) {
        // SAFETY: as said at the top of the file.
        unsafe {
            vst1q_f64(p, v[0]);
            vst1q_f64(p.add(2), v[1]);
            vst1q_f64(p.add(4), v[2]);
            vst1q_f64(p.add(6), v[3]);
        }
    }
    #[inline(always)]
    unsafe fn prefetch<T>(p: *const T) {
        super::prefetch_line(p);
    }
    #[inline(always)]
    unsafe fn splat(x: f64) -> Self::V {
        // SAFETY: as said at the top of the file.
        [unsafe { vdupq_n_f64(x) }; 4]
    }
    #[inline(always)]
    unsafe fn fma(a: Self::V, b: Self::V, c: Self::V) -> Self::V {
        // SAFETY: as said at the top of the file.
        unsafe { quarters!(vfmaq_f64, c, a, b) }
    }
    #[inline(always)]
    unsafe fn add(a: Self::V, b: Self::V) -> Self::V {
        // SAFETY: as said at the top of the file.
        unsafe { quarters!(vaddq_f64, a, b) }
    }
    #[inline(always)]
    unsafe fn sub(a: Self::V, b: Self::V) -> Self::V {
        // SAFETY: as said at the top of the file.
        unsafe { quarters!(vsubq_f64, a, b) }
    }
    #[inline(always)]
    unsafe fn mul(a: Self::V, b: Self::V) -> Self::V {
        // SAFETY: as said at the top of the file.
        unsafe { quarters!(vmulq_f64, a, b) }
    }
    #[inline(always)]
    unsafe fn div(a: Self::V, b: Self::V) -> Self::V {
        // SAFETY: as said at the top of the file.
        unsafe { quarters!(vdivq_f64, a, b) }
    }
    #[inline(always)]
    unsafe fn max(a: Self::V, b: Self::V) -> Self::V {
        // SAFETY: as said at the top of the file. The instruction for it has other rules for zeros and NaN.
        unsafe {
            let larger = quarters!(vcgtq_f64, a, b);
            quarters!(vbslq_f64, larger, a, b)
        }
    }
    #[inline(always)]
    unsafe fn min(a: Self::V, b: Self::V) -> Self::V {
        // SAFETY: as above.
        unsafe {
            let smaller = quarters!(vcltq_f64, a, b);
            quarters!(vbslq_f64, smaller, a, b)
        }
    }
    #[inline(always)]
    unsafe fn select_negative(c: Self::V, a: Self::V, b: Self::V) -> Self::V {
        // SAFETY: as said at the top of the file.
        unsafe {
            let bits = quarters!(vreinterpretq_s64_f64, c);
            let negative = quarters!(vcltzq_s64, bits);
            quarters!(vbslq_f64, negative, b, a)
        }
    }
    #[inline(always)]
    unsafe fn scale_pow2(v: Self::V, n: Self::V) -> Self::V {
        // SAFETY: as said at the top of the file.
        let scale = |n| unsafe {
            let integer = vreinterpretq_u64_f64(vaddq_f64(n, vdupq_n_f64(INTEGER)));
            let bits = vaddq_u64(vshlq_n_u64::<52>(integer), vdupq_n_u64(1.0f64.to_bits()));
            vreinterpretq_f64_u64(bits)
        };
        let factors = quarters!(scale, n);
        // SAFETY: as said at the top of the file.
        unsafe { quarters!(vmulq_f64, v, factors) }
    }
    #[inline(always)]
    unsafe fn split_pow2(v: Self::V) -> (Self::V, Self::V) {
        // SAFETY: as said at the top of the file.
        let exponent = |v| unsafe {
            let bits = vandq_u64(vshrq_n_u64::<52>(vreinterpretq_u64_f64(v)), vdupq_n_u64(0x7ff));
            vsubq_f64(vcvtq_f64_u64(bits), vdupq_n_f64(1023.0))
        };
        // SAFETY: as said at the top of the file.
        let mantissa = |v| unsafe {
            let low = vandq_u64(vreinterpretq_u64_f64(v), vdupq_n_u64(0x000f_ffff_ffff_ffff));
            vreinterpretq_f64_u64(vorrq_u64(low, vdupq_n_u64(1.0f64.to_bits())))
        };
        (quarters!(exponent, v), quarters!(mantissa, v))
    }
    #[inline(always)]
    unsafe fn sum(v: Self::V) -> f64 {
        // SAFETY: as said at the top of the file.
        unsafe { vpaddd_f64(vaddq_f64(vaddq_f64(v[0], v[2]), vaddq_f64(v[1], v[3]))) }
    }
}
