//! Vectors as arrays: the same arithmetic lane by lane, on any machine.

use super::vector::{COLUMNS, EIGHT, Vector};
use crate::kernel::Real;

/// `N` numbers side by side.
#[derive(Clone, Copy)]
pub struct Array<T, const N: usize>([T; N]);

/// Numbers whose bits can hold a centroid's number.
pub trait Tagged {
    /// `number` as bits.
    fn from_number(number: u32) -> Self;
    /// The number again.
    fn number(self) -> u32;
}

impl Tagged for f64 {
    #[inline(always)]
    fn from_number(number: u32) -> Self {
        Self::from_bits(number.into())
    }
    #[inline(always)]
    fn number(self) -> u32 {
        self.to_bits() as u32
    }
}

impl Tagged for f32 {
    #[inline(always)]
    fn from_number(number: u32) -> Self {
        Self::from_bits(number)
    }
    #[inline(always)]
    fn number(self) -> u32 {
        self.to_bits()
    }
}

impl<T: Real + Tagged, const N: usize> Vector for Array<T, N> {
    type Item = T;
    const LANES: usize = N;

    #[inline(always)]
    unsafe fn splat(value: T) -> Self {
        Self([value; N])
    }

    #[inline(always)]
    unsafe fn load(from: *const T) -> Self {
        // SAFETY: the caller says that a vector is readable there.
        Self(unsafe { from.cast::<[T; N]>().read() })
    }

    #[inline(always)]
    unsafe fn store(self, to: *mut T) {
        // SAFETY: the caller says that a vector is writable there.
        unsafe { to.cast::<[T; N]>().write(self.0) }
    }

    #[inline(always)]
    unsafe fn mul_add(self, a: Self, b: Self) -> Self {
        Self(std::array::from_fn(|l| self.0[l].mul_add(a.0[l], b.0[l])))
    }

    #[inline(always)]
    unsafe fn min(self, other: Self) -> Self {
        Self(std::array::from_fn(|l| if self.0[l] < other.0[l] { self.0[l] } else { other.0[l] }))
    }

    #[inline(always)]
    unsafe fn max(self, other: Self) -> Self {
        Self(std::array::from_fn(|l| if self.0[l] > other.0[l] { self.0[l] } else { other.0[l] }))
    }

    #[inline(always)]
    unsafe fn tag(number: u32) -> Self {
        Self([T::from_number(number); N])
    }

    #[inline(always)]
    unsafe fn store_tags(self, to: *mut u32) {
        // SAFETY: the caller says that N numbers are writable there.
        unsafe { to.cast::<[u32; N]>().write(self.0.map(T::number)) }
    }

    #[inline(always)]
    unsafe fn keep_less(mut best: (Self, Self), value: Self, tag: Self) -> (Self, Self) {
        for l in 0..N {
            if value.0[l] < best.0.0[l] {
                best.0.0[l] = value.0[l];
                best.1.0[l] = tag.0[l];
            }
        }
        best
    }

    #[inline(always)]
    unsafe fn turn(rows: *const *const T, f: usize, shift: *const T, to: *mut T, step: usize) {
        for c in 0..COLUMNS {
            for l in 0..N {
                // SAFETY: the caller says that each of N rows has four numbers, and that four vectors are writable.
                unsafe { *to.add(c * step + l) = *(*rows.add(l)).add(f + c) - *shift.add(f + c) };
            }
        }
    }

    #[inline(always)]
    unsafe fn add_eight<const WEIGHTED: bool>(
        x: *const T,
        n: usize,
        shift: *const T,
        weight: f64,
        sums: *mut f64,
    ) {
        for l in 0..EIGHT {
            // SAFETY: the caller says that n values, eight shifts and eight sums are there.
            unsafe {
                let x = if l < n { *x.add(l) } else { T::ZERO };
                let (x, sum) = ((x - *shift.add(l)).to_f64(), sums.add(l));
                *sum = if WEIGHTED { weight.mul_add(x, *sum) } else { *sum + x };
            }
        }
    }

    #[inline(always)]
    unsafe fn square(x: *const T, shift: *const T, negated: *const T, d: usize) -> f64 {
        let mut sum = T::ZERO;
        for f in 0..d {
            // SAFETY: the caller says that d numbers are readable at each.
            let difference = unsafe { *x.add(f) - *shift.add(f) + *negated.add(f) };
            sum += difference * difference;
        }
        sum.to_f64()
    }

    #[inline(always)]
    fn prefetch(_at: *const T) {}
}
