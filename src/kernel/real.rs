//! The two floating-point types that data come in.

use super::simd::Simd;
use std::fmt::{Debug, Display};
use std::iter::Sum;
use std::ops::{Add, AddAssign, Div, Mul, Neg, Sub, SubAssign};

/// `f32` or `f64`: what a block's features are made of.
pub trait Real:
    Copy
    + Send
    + Sync
    + 'static
    + Default
    + PartialOrd
    + Debug
    + Display
    + Add<Output = Self>
    + Sub<Output = Self>
    + Mul<Output = Self>
    + Div<Output = Self>
    + Neg<Output = Self>
    + AddAssign
    + SubAssign
    + Sum
    + super::lloyd::Lanes
    + private::Sealed
{
    /// 0.
    const ZERO: Self;
    /// Positive infinity.
    const INFINITY: Self;
    /// Distance from 1 to the next number.
    const EPSILON: f64;
    /// The smallest positive number that is normal.
    const MIN_POSITIVE: f64;
    /// The type's name in job files: `"f32"` or `"f64"`.
    const NAME: &'static str;

    /// The nearest value to `value`.
    fn from_f64(value: f64) -> Self;
    /// The same number in double precision.
    fn to_f64(self) -> f64;
    /// `self · a + b`, rounded once.
    fn mul_add(self, a: Self, b: Self) -> Self;
    /// Neither infinite nor NaN.
    fn is_finite(self) -> bool;
    /// The square root.
    fn sqrt(self) -> Self;
    /// Eight values from `p`, widened to double precision.
    ///
    /// # Safety
    /// As for [`Simd::load`]: eight values must be readable and the machine must have the lanes' features.
    unsafe fn load_lanes<S: Simd>(p: *const Self) -> S::V;
    /// The first `n` of eight values from `p`, widened to double precision, and zeros.
    ///
    /// # Safety
    /// As for [`Simd::load_first`]: `n` values must be readable and the machine must have the lanes' features.
    unsafe fn load_first<S: Simd>(p: *const Self, n: usize) -> S::V;
}

macro_rules! impl_real {
    ($t:ident, $load:ident, $load_first:ident) => {
        impl Real for $t {
            const ZERO: Self = 0.0;
            const INFINITY: Self = $t::INFINITY;
            const EPSILON: f64 = $t::EPSILON as f64;
            const MIN_POSITIVE: f64 = $t::MIN_POSITIVE as f64;
            const NAME: &'static str = stringify!($t);

            #[inline(always)]
            fn from_f64(value: f64) -> Self {
                value as $t
            }
            #[inline(always)]
            fn to_f64(self) -> f64 {
                f64::from(self)
            }
            #[inline(always)]
            fn mul_add(self, a: Self, b: Self) -> Self {
                $t::mul_add(self, a, b)
            }
            #[inline(always)]
            fn is_finite(self) -> bool {
                $t::is_finite(self)
            }
            #[inline(always)]
            fn sqrt(self) -> Self {
                $t::sqrt(self)
            }
            #[inline(always)]
            unsafe fn load_lanes<S: Simd>(p: *const Self) -> S::V {
                // SAFETY: the caller's promise is that of the lanes.
                unsafe { S::$load(p) }
            }
            #[inline(always)]
            unsafe fn load_first<S: Simd>(p: *const Self, n: usize) -> S::V {
                // SAFETY: the caller's promise is that of the lanes.
                unsafe { S::$load_first(p, n) }
            }
        }
        impl private::Sealed for $t {}
    };
}

impl_real!(f32, load_f32, load_first_f32);
impl_real!(f64, load, load_first);

mod private {
    /// Only this crate says what a floating-point type is.
    pub trait Sealed {}
}
