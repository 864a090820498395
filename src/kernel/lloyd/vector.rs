//! A vector of lanes, as the tile kernel sees it.

use crate::kernel::Real;

/// Floating-point numbers that have vectors: what [`Real`] asks for beside its arithmetic.
pub trait Lanes: Sized {
    /// Lanes as an array, for any machine.
    type Portable: Vector<Item = Self>;
    /// Lanes as a 256-bit register.
    #[cfg(target_arch = "x86_64")]
    type Avx: Vector<Item = Self>;
    /// Lanes of a vector, equal for all kinds of vectors.
    const LANES: usize;
}

impl Lanes for f64 {
    type Portable = Array<f64, 4>;
    #[cfg(target_arch = "x86_64")]
    type Avx = std::arch::x86_64::__m256d;
    const LANES: usize = 4;
}

impl Lanes for f32 {
    type Portable = Array<f32, 8>;
    #[cfg(target_arch = "x86_64")]
    type Avx = std::arch::x86_64::__m256;
    const LANES: usize = 8;
}

/// `Item::LANES` numbers that are worked on side by side.
///
/// # Safety
/// Methods of register types may only run where their instruction set is there.
pub trait Vector: Copy {
    /// What a lane holds.
    type Item: Real;

    /// The same number in every lane.
    ///
    /// # Safety
    /// The instruction set must be there.
    unsafe fn splat(value: Self::Item) -> Self;

    /// Consecutive numbers.
    ///
    /// # Safety
    /// The instruction set must be there, and a vector readable at `from`.
    unsafe fn load(from: *const Self::Item) -> Self;

    /// Asks for the cache line at `at`, which need not be readable.
    fn prefetch(at: *const Self::Item);

    /// Writes the lanes one after the other.
    ///
    /// # Safety
    /// The instruction set must be there, and a vector writable at `to`.
    unsafe fn store(self, to: *mut Self::Item);

    /// `self − b`.
    ///
    /// # Safety
    /// The instruction set must be there.
    unsafe fn sub(self, b: Self) -> Self;

    /// `self + b`.
    ///
    /// # Safety
    /// The instruction set must be there.
    unsafe fn add(self, b: Self) -> Self;

    /// `self · a + b`, rounded once.
    ///
    /// # Safety
    /// The instruction set must be there.
    unsafe fn mul_add(self, a: Self, b: Self) -> Self;

    /// Per lane, `(value, tag)` if `value < best.0`, else `best`.
    ///
    /// # Safety
    /// The instruction set must be there.
    unsafe fn keep_less(best: (Self, Self), value: Self, tag: Self) -> (Self, Self);

    /// The least value over the lanes, and the least tag of those that have it.
    ///
    /// # Safety
    /// The instruction set must be there.
    unsafe fn least(values: Self, tags: Self) -> (Self::Item, Self::Item);

    /// Adds the lanes, in double precision, to as many sums.
    ///
    /// # Safety
    /// The instruction set must be there, and `Item::LANES` doubles writable at `sums`.
    unsafe fn add_to(self, sums: *mut f64);

    /// Adds `weight` times the lanes, rounded once, to as many sums.
    ///
    /// # Safety
    /// As for [`add_to`](Self::add_to).
    unsafe fn add_weighted_to(self, weight: f64, sums: *mut f64);
}

/// A vector as an array: the same arithmetic lane by lane.
#[derive(Clone, Copy)]
pub struct Array<T, const N: usize>([T; N]);

impl<T: Real, const N: usize> Vector for Array<T, N> {
    type Item = T;

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
    fn prefetch(_at: *const T) {}

    #[inline(always)]
    unsafe fn store(self, to: *mut T) {
        // SAFETY: the caller says that a vector is writable there.
        unsafe { to.cast::<[T; N]>().write(self.0) }
    }

    #[inline(always)]
    unsafe fn sub(self, b: Self) -> Self {
        Self(std::array::from_fn(|l| self.0[l] - b.0[l]))
    }

    #[inline(always)]
    unsafe fn add(self, b: Self) -> Self {
        Self(std::array::from_fn(|l| self.0[l] + b.0[l]))
    }

    #[inline(always)]
    unsafe fn mul_add(self, a: Self, b: Self) -> Self {
        Self(std::array::from_fn(|l| self.0[l].mul_add(a.0[l], b.0[l])))
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
    unsafe fn least(values: Self, tags: Self) -> (T, T) {
        let mut best = (values.0[0], tags.0[0]);
        for l in 1..N {
            let (value, tag) = (values.0[l], tags.0[l]);
            if value < best.0 || (value == best.0 && tag < best.1) {
                best = (value, tag);
            }
        }
        best
    }

    #[inline(always)]
    unsafe fn add_to(self, sums: *mut f64) {
        for (l, value) in self.0.into_iter().enumerate() {
            // SAFETY: the caller says that N sums are writable there.
            unsafe { *sums.add(l) += value.to_f64() };
        }
    }

    #[inline(always)]
    unsafe fn add_weighted_to(self, weight: f64, sums: *mut f64) {
        for (l, value) in self.0.into_iter().enumerate() {
            // SAFETY: the caller says that N sums are writable there.
            unsafe { *sums.add(l) = weight.mul_add(value.to_f64(), *sums.add(l)) };
        }
    }
}
