//! Eight doubles side by side, the same arithmetic on every instruction set.
//!
//! A kernel body is written once over [`Simd`] and instantiated for AVX-512, AVX2 with FMA, NEON, and portable code by
//! the macro `dispatch!`. Every operation is IEEE-754 and correctly rounded, every version
//! has the same eight lanes, and sums are folded by the same tree, so all give the same bits.

#[cfg(target_arch = "x86_64")]
use std::arch::x86_64::*;

#[cfg(target_arch = "aarch64")]
mod neon;
#[cfg(target_arch = "aarch64")]
pub use neon::Neon;

/// Lanes of a vector.
pub(crate) const LANES: usize = 8;

/// Eight doubles and what can be done with them.
///
/// # Safety
/// Every method may run only on a machine with the instruction set of the implementing type, and pointers must
/// be valid for eight values.
#[allow(clippy::missing_safety_doc, reason = "the contract is the trait's")]
pub trait Simd: Copy {
    /// Eight doubles.
    type V: Copy;
    /// Whether two dozen vectors fit in the registers, or no more than six.
    const MANY_REGISTERS: bool;

    /// Eight doubles from `p`.
    unsafe fn load(p: *const f64) -> Self::V;
    /// Eight singles, widened.
    unsafe fn load_f32(p: *const f32) -> Self::V;
    /// The first `n` of eight doubles from `p`, of which no more need be readable, and zeros.
    unsafe fn load_first(p: *const f64, n: usize) -> Self::V;
    /// The first `n` of eight singles, widened, and zeros.
    unsafe fn load_first_f32(p: *const f32, n: usize) -> Self::V;
    /// Writes eight doubles to `p`.
    unsafe fn store(p: *mut f64, v: Self::V);
    /// Asks for the cache line at `p`, which need not be readable, to come into the second-level cache: more lines can be
    /// on their way there than to the first.
    #[inline(always)]
    unsafe fn prefetch<T>(p: *const T) {
        let _ = p;
    }
    /// `x` in every lane.
    unsafe fn splat(x: f64) -> Self::V;
    /// `a · b + c`, rounded once.
    unsafe fn fma(a: Self::V, b: Self::V, c: Self::V) -> Self::V;
    /// `a + b`.
    unsafe fn add(a: Self::V, b: Self::V) -> Self::V;
    /// `a − b`.
    unsafe fn sub(a: Self::V, b: Self::V) -> Self::V;
    /// `a · b`.
    unsafe fn mul(a: Self::V, b: Self::V) -> Self::V;
    /// `a / b`.
    unsafe fn div(a: Self::V, b: Self::V) -> Self::V;
    /// The larger; of two zeros or with a NaN, `b`.
    unsafe fn max(a: Self::V, b: Self::V) -> Self::V;
    /// The smaller; of two zeros or with a NaN, `b`.
    unsafe fn min(a: Self::V, b: Self::V) -> Self::V;
    /// Where `c` has its sign bit set `b`, else `a`.
    unsafe fn select_negative(c: Self::V, a: Self::V, b: Self::V) -> Self::V;
    /// `v · 2^n` for integral `n` in −1022 … 1023, exact unless it overflows or underflows.
    unsafe fn scale_pow2(v: Self::V, n: Self::V) -> Self::V;
    /// The exponent e and mantissa m in [1, 2) of a positive normal number m · 2^e.
    unsafe fn split_pow2(v: Self::V) -> (Self::V, Self::V);
    /// ((v0 + v4) + (v2 + v6)) + ((v1 + v5) + (v3 + v7)).
    unsafe fn sum(v: Self::V) -> f64;
}

/// 1.5 · 2^52: adding it leaves an integer in the low bits of the mantissa.
const INTEGER: f64 = 6_755_399_441_055_744.0;

/// Portable lanes; what every other version must equal bit by bit.
#[derive(Clone, Copy)]
pub struct Portable;

impl Simd for Portable {
    type V = [f64; LANES];
    const MANY_REGISTERS: bool = true;

    #[inline(always)]
    unsafe fn load(p: *const f64) -> Self::V {
        // SAFETY: the caller vouches for eight values; alignment is not assumed.
        unsafe { p.cast::<Self::V>().read_unaligned() }
    }
    #[inline(always)]
    unsafe fn load_f32(p: *const f32) -> Self::V {
        // SAFETY: the caller vouches for eight values; alignment is not assumed.
        unsafe { p.cast::<[f32; LANES]>().read_unaligned() }.map(f64::from)
    }
    #[inline(always)]
    unsafe fn load_first(p: *const f64, n: usize) -> Self::V {
        // SAFETY: the caller vouches for `n` values.
        std::array::from_fn(|i| if i < n { unsafe { *p.add(i) } } else { 0.0 })
    }
    #[inline(always)]
    unsafe fn load_first_f32(p: *const f32, n: usize) -> Self::V {
        // SAFETY: the caller vouches for `n` values.
        std::array::from_fn(|i| if i < n { f64::from(unsafe { *p.add(i) }) } else { 0.0 })
    }
    #[inline(always)]
    unsafe fn store(p: *mut f64, v: Self::V) {
        // SAFETY: the caller vouches for room for eight values; alignment is not assumed.
        unsafe { p.cast::<Self::V>().write_unaligned(v) }
    }
    #[inline(always)]
    unsafe fn splat(x: f64) -> Self::V {
        [x; LANES]
    }
    #[inline(always)]
    unsafe fn fma(a: Self::V, b: Self::V, c: Self::V) -> Self::V {
        std::array::from_fn(|i| a[i].mul_add(b[i], c[i]))
    }
    #[inline(always)]
    unsafe fn add(a: Self::V, b: Self::V) -> Self::V {
        std::array::from_fn(|i| a[i] + b[i])
    }
    #[inline(always)]
    unsafe fn sub(a: Self::V, b: Self::V) -> Self::V {
        std::array::from_fn(|i| a[i] - b[i])
    }
    #[inline(always)]
    unsafe fn mul(a: Self::V, b: Self::V) -> Self::V {
        std::array::from_fn(|i| a[i] * b[i])
    }
    #[inline(always)]
    unsafe fn div(a: Self::V, b: Self::V) -> Self::V {
        std::array::from_fn(|i| a[i] / b[i])
    }
    #[inline(always)]
    unsafe fn max(a: Self::V, b: Self::V) -> Self::V {
        std::array::from_fn(|i| if a[i] > b[i] { a[i] } else { b[i] })
    }
    #[inline(always)]
    unsafe fn min(a: Self::V, b: Self::V) -> Self::V {
        std::array::from_fn(|i| if a[i] < b[i] { a[i] } else { b[i] })
    }
    #[inline(always)]
    unsafe fn select_negative(c: Self::V, a: Self::V, b: Self::V) -> Self::V {
        std::array::from_fn(|i| if c[i].is_sign_negative() { b[i] } else { a[i] })
    }
    #[inline(always)]
    unsafe fn scale_pow2(v: Self::V, n: Self::V) -> Self::V {
        std::array::from_fn(|i| {
            let exponent = ((n[i] + INTEGER).to_bits() as i64) << 52;
            v[i] * f64::from_bits((exponent as u64).wrapping_add(1.0f64.to_bits()))
        })
    }
    #[inline(always)]
    unsafe fn split_pow2(v: Self::V) -> (Self::V, Self::V) {
        let exponent = v.map(|x| ((x.to_bits() >> 52) & 0x7ff) as f64 - 1023.0);
        let mantissa = v.map(|x| f64::from_bits((x.to_bits() & 0x000f_ffff_ffff_ffff) | 1.0f64.to_bits()));
        (exponent, mantissa)
    }
    #[inline(always)]
    unsafe fn sum(v: Self::V) -> f64 {
        ((v[0] + v[4]) + (v[2] + v[6])) + ((v[1] + v[5]) + (v[3] + v[7]))
    }
}

/// Two halves of four lanes.
#[cfg(target_arch = "x86_64")]
#[derive(Clone, Copy)]
pub struct Avx2;

#[cfg(target_arch = "x86_64")]
macro_rules! halves {
    ($op:ident, $a:expr $(, $b:expr)*) => {
        ($op($a.0 $(, $b.0)*), $op($a.1 $(, $b.1)*))
    };
}

// SAFETY of the blocks below: the trait's contract puts the instruction set and the pointers on the caller.
#[cfg(target_arch = "x86_64")]
impl Simd for Avx2 {
    type V = (__m256d, __m256d);
    const MANY_REGISTERS: bool = false;

    #[inline(always)]
    unsafe fn prefetch<T>(p: *const T) {
        prefetch_line(p);
    }
    #[inline(always)]
    unsafe fn load(p: *const f64) -> Self::V {
        // SAFETY: by the trait's contract.
        unsafe { (_mm256_loadu_pd(p), _mm256_loadu_pd(p.add(4))) }
    }
    #[inline(always)]
    unsafe fn load_f32(p: *const f32) -> Self::V {
        // SAFETY: by the trait's contract.
        unsafe { (_mm256_cvtps_pd(_mm_loadu_ps(p)), _mm256_cvtps_pd(_mm_loadu_ps(p.add(4)))) }
    }
    #[inline(always)]
    unsafe fn load_first(p: *const f64, n: usize) -> Self::V {
        // SAFETY: by the trait's contract; lanes whose mask is clear are not read.
        unsafe {
            let n = _mm256_set1_epi64x(n as i64);
            let low = _mm256_cmpgt_epi64(n, _mm256_setr_epi64x(0, 1, 2, 3));
            let high = _mm256_cmpgt_epi64(n, _mm256_setr_epi64x(4, 5, 6, 7));
            (_mm256_maskload_pd(p, low), _mm256_maskload_pd(p.wrapping_add(4), high))
        }
    }
    #[inline(always)]
    unsafe fn load_first_f32(p: *const f32, n: usize) -> Self::V {
        // SAFETY: by the trait's contract; lanes whose mask is clear are not read.
        unsafe {
            let n = _mm_set1_epi32(n as i32);
            let low = _mm_maskload_ps(p, _mm_cmpgt_epi32(n, _mm_setr_epi32(0, 1, 2, 3)));
            let high = _mm_maskload_ps(p.wrapping_add(4), _mm_cmpgt_epi32(n, _mm_setr_epi32(4, 5, 6, 7)));
            (_mm256_cvtps_pd(low), _mm256_cvtps_pd(high))
        }
    }
    #[inline(always)]
    unsafe fn store(p: *mut f64, v: Self::V) {
        // SAFETY: by the trait's contract.
        unsafe {
            _mm256_storeu_pd(p, v.0);
            _mm256_storeu_pd(p.add(4), v.1);
        }
    }
    #[inline(always)]
    unsafe fn splat(x: f64) -> Self::V {
        // SAFETY: by the trait's contract.
        let half = unsafe { _mm256_set1_pd(x) };
        (half, half)
    }
    #[inline(always)]
    unsafe fn fma(a: Self::V, b: Self::V, c: Self::V) -> Self::V {
        // SAFETY: by the trait's contract.
        unsafe { halves!(_mm256_fmadd_pd, a, b, c) }
    }
    #[inline(always)]
    unsafe fn add(a: Self::V, b: Self::V) -> Self::V {
        // SAFETY: by the trait's contract.
        unsafe { halves!(_mm256_add_pd, a, b) }
    }
    #[inline(always)]
    unsafe fn sub(a: Self::V, b: Self::V) -> Self::V {
        // SAFETY: by the trait's contract.
        unsafe { halves!(_mm256_sub_pd, a, b) }
    }
    #[inline(always)]
    unsafe fn mul(a: Self::V, b: Self::V) -> Self::V {
        // SAFETY: by the trait's contract.
        unsafe { halves!(_mm256_mul_pd, a, b) }
    }
    #[inline(always)]
    unsafe fn div(a: Self::V, b: Self::V) -> Self::V {
        // SAFETY: by the trait's contract.
        unsafe { halves!(_mm256_div_pd, a, b) }
    }
    #[inline(always)]
    unsafe fn max(a: Self::V, b: Self::V) -> Self::V {
        // SAFETY: by the trait's contract.
        unsafe { halves!(_mm256_max_pd, a, b) }
    }
    #[inline(always)]
    unsafe fn min(a: Self::V, b: Self::V) -> Self::V {
        // SAFETY: by the trait's contract.
        unsafe { halves!(_mm256_min_pd, a, b) }
    }
    #[inline(always)]
    unsafe fn select_negative(c: Self::V, a: Self::V, b: Self::V) -> Self::V {
        // SAFETY: by the trait's contract.
        unsafe { (_mm256_blendv_pd(a.0, b.0, c.0), _mm256_blendv_pd(a.1, b.1, c.1)) }
    }
    #[inline(always)]
    unsafe fn scale_pow2(v: Self::V, n: Self::V) -> Self::V {
        // SAFETY: by the trait's contract.
        unsafe {
            let scale = |n: __m256d| {
                let integer = _mm256_castpd_si256(_mm256_add_pd(n, _mm256_set1_pd(INTEGER)));
                let bits = _mm256_add_epi64(
                    _mm256_slli_epi64::<52>(integer),
                    _mm256_castpd_si256(_mm256_set1_pd(1.0)),
                );
                _mm256_castsi256_pd(bits)
            };
            (_mm256_mul_pd(v.0, scale(n.0)), _mm256_mul_pd(v.1, scale(n.1)))
        }
    }
    #[inline(always)]
    unsafe fn split_pow2(v: Self::V) -> (Self::V, Self::V) {
        // SAFETY: by the trait's contract.
        unsafe {
            // The exponent bits below 2^52's own give the number 2^52 + e exactly.
            let exponent = |v: __m256d| {
                let bits = _mm256_srli_epi64::<52>(_mm256_castpd_si256(v));
                let big = _mm256_set1_pd(4_503_599_627_370_496.0);
                let number = _mm256_castsi256_pd(_mm256_or_si256(bits, _mm256_castpd_si256(big)));
                _mm256_sub_pd(_mm256_sub_pd(number, big), _mm256_set1_pd(1023.0))
            };
            let mantissa = |v: __m256d| {
                let low = _mm256_and_pd(v, _mm256_castsi256_pd(_mm256_set1_epi64x(0x000f_ffff_ffff_ffff)));
                _mm256_or_pd(low, _mm256_set1_pd(1.0))
            };
            ((exponent(v.0), exponent(v.1)), (mantissa(v.0), mantissa(v.1)))
        }
    }
    #[inline(always)]
    unsafe fn sum(v: Self::V) -> f64 {
        // SAFETY: by the trait's contract.
        unsafe {
            let four = _mm256_add_pd(v.0, v.1);
            let two = _mm_add_pd(_mm256_castpd256_pd128(four), _mm256_extractf128_pd::<1>(four));
            _mm_cvtsd_f64(_mm_add_sd(two, _mm_unpackhi_pd(two, two)))
        }
    }
}

/// One register of eight lanes.
#[cfg(target_arch = "x86_64")]
#[derive(Clone, Copy)]
pub struct Avx512;

#[cfg(target_arch = "x86_64")]
impl Simd for Avx512 {
    type V = __m512d;
    const MANY_REGISTERS: bool = true;

    #[inline(always)]
    unsafe fn prefetch<T>(p: *const T) {
        prefetch_line(p);
    }
    #[inline(always)]
    unsafe fn load(p: *const f64) -> Self::V {
        // SAFETY: by the trait's contract.
        unsafe { _mm512_loadu_pd(p) }
    }
    #[inline(always)]
    unsafe fn load_f32(p: *const f32) -> Self::V {
        // SAFETY: by the trait's contract.
        unsafe { _mm512_cvtps_pd(_mm256_loadu_ps(p)) }
    }
    #[inline(always)]
    unsafe fn load_first(p: *const f64, n: usize) -> Self::V {
        // SAFETY: by the trait's contract; lanes whose mask is clear are not read.
        unsafe { _mm512_maskz_loadu_pd(((1u32 << n) - 1) as u8, p) }
    }
    #[inline(always)]
    unsafe fn load_first_f32(p: *const f32, n: usize) -> Self::V {
        // SAFETY: by the trait's contract; lanes whose mask is clear are not read.
        unsafe { _mm512_cvtps_pd(_mm256_maskz_loadu_ps(((1u32 << n) - 1) as u8, p)) }
    }
    #[inline(always)]
    unsafe fn store(p: *mut f64, v: Self::V) {
        // SAFETY: by the trait's contract.
        unsafe { _mm512_storeu_pd(p, v) }
    }
    #[inline(always)]
    unsafe fn splat(x: f64) -> Self::V {
        // SAFETY: by the trait's contract.
        unsafe { _mm512_set1_pd(x) }
    }
    #[inline(always)]
    unsafe fn fma(a: Self::V, b: Self::V, c: Self::V) -> Self::V {
        // SAFETY: by the trait's contract.
        unsafe { _mm512_fmadd_pd(a, b, c) }
    }
    #[inline(always)]
    unsafe fn add(a: Self::V, b: Self::V) -> Self::V {
        // SAFETY: by the trait's contract.
        unsafe { _mm512_add_pd(a, b) }
    }
    #[inline(always)]
    unsafe fn sub(a: Self::V, b: Self::V) -> Self::V {
        // SAFETY: by the trait's contract.
        unsafe { _mm512_sub_pd(a, b) }
    }
    #[inline(always)]
    unsafe fn mul(a: Self::V, b: Self::V) -> Self::V {
        // SAFETY: by the trait's contract.
        unsafe { _mm512_mul_pd(a, b) }
    }
    #[inline(always)]
    unsafe fn div(a: Self::V, b: Self::V) -> Self::V {
        // SAFETY: by the trait's contract.
        unsafe { _mm512_div_pd(a, b) }
    }
    #[inline(always)]
    unsafe fn max(a: Self::V, b: Self::V) -> Self::V {
        // SAFETY: by the trait's contract.
        unsafe { _mm512_max_pd(a, b) }
    }
    #[inline(always)]
    unsafe fn min(a: Self::V, b: Self::V) -> Self::V {
        // SAFETY: by the trait's contract.
        unsafe { _mm512_min_pd(a, b) }
    }
    #[inline(always)]
    unsafe fn select_negative(c: Self::V, a: Self::V, b: Self::V) -> Self::V {
        // SAFETY: by the trait's contract.
        unsafe { _mm512_mask_blend_pd(_mm512_movepi64_mask(_mm512_castpd_si512(c)), a, b) }
    }
    #[inline(always)]
    unsafe fn scale_pow2(v: Self::V, n: Self::V) -> Self::V {
        // SAFETY: by the trait's contract.
        unsafe {
            let integer = _mm512_castpd_si512(_mm512_add_pd(n, _mm512_set1_pd(INTEGER)));
            let bits =
                _mm512_add_epi64(_mm512_slli_epi64::<52>(integer), _mm512_castpd_si512(_mm512_set1_pd(1.0)));
            _mm512_mul_pd(v, _mm512_castsi512_pd(bits))
        }
    }
    #[inline(always)]
    unsafe fn split_pow2(v: Self::V) -> (Self::V, Self::V) {
        // SAFETY: by the trait's contract.
        unsafe {
            let bits = _mm512_castpd_si512(v);
            let exponent = _mm512_sub_pd(
                _mm512_cvtepi64_pd(_mm512_and_si512(_mm512_srli_epi64::<52>(bits), _mm512_set1_epi64(0x7ff))),
                _mm512_set1_pd(1023.0),
            );
            let low = _mm512_and_si512(bits, _mm512_set1_epi64(0x000f_ffff_ffff_ffff));
            let mantissa =
                _mm512_castsi512_pd(_mm512_or_si512(low, _mm512_castpd_si512(_mm512_set1_pd(1.0))));
            (exponent, mantissa)
        }
    }
    #[inline(always)]
    unsafe fn sum(v: Self::V) -> f64 {
        // SAFETY: by the trait's contract.
        unsafe {
            let four = _mm256_add_pd(_mm512_castpd512_pd256(v), _mm512_extractf64x4_pd::<1>(v));
            let two = _mm_add_pd(_mm256_castpd256_pd128(four), _mm256_extractf128_pd::<1>(four));
            _mm_cvtsd_f64(_mm_add_sd(two, _mm_unpackhi_pd(two, two)))
        }
    }
}

/// Defines a function that runs `body::<S, …>` for the instruction set given as its first argument.
///
/// `dispatch!(fn name<T: Real>(a: &[T]) -> f64 = body::<T>)` makes `fn name<T: Real>(isa: Isa, a: &[T]) -> f64`.
macro_rules! dispatch {
    ($(#[$meta:meta])* $vis:vis fn $name:ident $(<$($g:ident : $bound:path),+>)? ( $($arg:ident : $ty:ty),* $(,)? ) $(-> $ret:ty)? = $body:ident) => {
        $(#[$meta])*
        #[allow(clippy::too_many_arguments)]
        $vis fn $name $(<$($g: $bound),+>)? (isa: $crate::kernel::Isa, $($arg: $ty),*) $(-> $ret)? {
            #[cfg(target_arch = "x86_64")]
            #[target_feature(enable = "avx512f,avx512vl,avx512dq,avx512bw,avx2,fma")]
            #[allow(clippy::too_many_arguments)]
            fn avx512 $(<$($g: $bound),+>)? ($($arg: $ty),*) $(-> $ret)? {
                // SAFETY: this function's features are those of the lanes.
                unsafe { $body::<$crate::kernel::simd::Avx512 $(, $($g),+)?>($($arg),*) }
            }
            #[cfg(target_arch = "x86_64")]
            #[target_feature(enable = "avx2,fma")]
            #[allow(clippy::too_many_arguments)]
            fn avx2 $(<$($g: $bound),+>)? ($($arg: $ty),*) $(-> $ret)? {
                // SAFETY: this function's features are those of the lanes.
                unsafe { $body::<$crate::kernel::simd::Avx2 $(, $($g),+)?>($($arg),*) }
            }
            match isa.checked() {
                // SAFETY: the machine has what `checked` returns.
                #[cfg(target_arch = "x86_64")]
                $crate::kernel::Isa::Avx512 => unsafe { avx512($($arg),*) },
                // SAFETY: as above.
                #[cfg(target_arch = "x86_64")]
                $crate::kernel::Isa::Avx2 => unsafe { avx2($($arg),*) },
                // SAFETY: as above; the target has it, so that no function of its own is needed.
                #[cfg(target_arch = "aarch64")]
                $crate::kernel::Isa::Neon => unsafe { $body::<$crate::kernel::simd::Neon $(, $($g),+)?>($($arg),*) },
                // SAFETY: portable lanes need no features.
                _ => unsafe { $body::<$crate::kernel::simd::Portable $(, $($g),+)?>($($arg),*) },
            }
        }
    };
}
pub(crate) use dispatch;

/// Asks for the cache lines of `n` numbers at `from`, which need not be readable, as [`Simd::prefetch`] does.
#[inline(always)]
pub(crate) fn prefetch<T>(from: *const T, n: usize) {
    for line in (0..n * size_of::<T>() + LINE_BYTES - 1).step_by(LINE_BYTES) {
        prefetch_line(from.cast::<u8>().wrapping_add(line));
    }
}

/// Asks for the cache line at `p` as [`Simd::prefetch`] does; on other machines than x86-64 and ARM nothing.
#[inline(always)]
pub(super) fn prefetch_line<T>(p: *const T) {
    #[cfg(target_arch = "x86_64")]
    // SAFETY: a prefetch reads nothing, wherever `p` leads, and SSE is part of x86-64.
    unsafe {
        _mm_prefetch::<_MM_HINT_T1>(p.cast());
    }
    #[cfg(target_arch = "aarch64")]
    // SAFETY: as above; neither registers nor flags change.
    unsafe {
        std::arch::asm!("prfm pldl2keep, [{}]", in(reg) p, options(nomem, nostack, preserves_flags));
    }
    #[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
    let _ = p;
}

/// Bytes of a cache line.
pub(super) const LINE_BYTES: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::Isa;

    /// Of two zeros or with a NaN, the second is both the larger and the smaller.
    const ODD: [[f64; LANES]; 2] = [
        [0.0, -0.0, f64::NAN, 1.0, -f64::NAN, f64::INFINITY, -0.0, f64::NEG_INFINITY],
        [-0.0, 0.0, 1.0, f64::NAN, f64::NAN, f64::NAN, -0.0, -1.0],
    ];

    unsafe fn all_ops<S: Simd>(a: &[f64], out: &mut Vec<u64>) {
        // SAFETY: the test gives arrays of 24 values and calls only available instruction sets.
        unsafe {
            let (x, y, z) = (S::load(a.as_ptr()), S::load(a[8..].as_ptr()), S::load(a[16..].as_ptr()));
            let positive = S::max(x, S::splat(0.25));
            let (odd, other) = (S::load(ODD[0].as_ptr()), S::load(ODD[1].as_ptr()));
            let singles: Vec<f32> = a.iter().map(|&v| v as f32).collect();
            let results = [
                S::fma(x, y, z),
                S::add(x, y),
                S::sub(x, y),
                S::mul(x, y),
                S::div(x, y),
                S::max(x, y),
                S::min(x, y),
                S::select_negative(x, y, z),
                S::scale_pow2(x, S::splat(-17.0)),
                S::split_pow2(positive).0,
                S::split_pow2(positive).1,
                S::load_f32(singles[3..].as_ptr()),
                S::max(odd, other),
                S::min(odd, other),
                S::select_negative(odd, x, y),
            ];
            let first = |n| [S::load_first(a.as_ptr(), n), S::load_first_f32(singles.as_ptr(), n)];
            for v in results.into_iter().chain((0..=LANES).flat_map(first)) {
                let mut lanes = [0.0; LANES];
                S::store(lanes.as_mut_ptr(), v);
                out.extend(lanes.map(f64::to_bits));
            }
            out.push(S::sum(x).to_bits());
        }
    }
    dispatch!(fn every_op(a: &[f64], out: &mut Vec<u64>) = all_ops);

    #[test]
    fn every_instruction_set_gives_the_same_bits() {
        let a: Vec<f64> = (0..24).map(|i| ((i * i) as f64 * 0.713).sin() * 10f64.powi(i % 5 - 2)).collect();
        let mut expected = Vec::new();
        every_op(Isa::Portable, &a, &mut expected);
        assert_eq!(f64::from_bits(expected[9 * 8]), 0.25f64.max(a[0]).log2().floor());
        for isa in Isa::available() {
            let mut got = Vec::new();
            every_op(isa, &a, &mut got);
            assert_eq!(got, expected, "{}", isa.name());
        }
    }
}
