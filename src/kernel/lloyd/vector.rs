//! A vector of lanes, as the tile kernel sees it.

use crate::kernel::Real;

/// Floating-point numbers that have vectors: what [`Real`] asks for beside its arithmetic.
pub trait Lanes: Sized {
    /// Lanes as an array, for any machine.
    type Portable: Vector<Item = Self>;
    /// Lanes as a 256-bit register.
    #[cfg(target_arch = "x86_64")]
    type Avx2: Vector<Item = Self>;
    /// Lanes as a 512-bit register.
    #[cfg(target_arch = "x86_64")]
    type Avx512: Vector<Item = Self>;
    /// Lanes as a 128-bit register.
    #[cfg(target_arch = "aarch64")]
    type Neon: Vector<Item = Self>;
    /// Rows of a tile: a multiple of the lanes of every vector, times 6.
    const TILE_ROWS: usize;
}

impl Lanes for f64 {
    type Portable = super::array::Array<f64, 4>;
    #[cfg(target_arch = "x86_64")]
    type Avx2 = std::arch::x86_64::__m256d;
    #[cfg(target_arch = "x86_64")]
    type Avx512 = std::arch::x86_64::__m512d;
    #[cfg(target_arch = "aarch64")]
    type Neon = std::arch::aarch64::float64x2_t;
    const TILE_ROWS: usize = 48;
}

impl Lanes for f32 {
    type Portable = super::array::Array<f32, 8>;
    #[cfg(target_arch = "x86_64")]
    type Avx2 = std::arch::x86_64::__m256;
    #[cfg(target_arch = "x86_64")]
    type Avx512 = std::arch::x86_64::__m512;
    #[cfg(target_arch = "aarch64")]
    type Neon = std::arch::aarch64::float32x4_t;
    const TILE_ROWS: usize = 96;
}

/// Features that are added to sums at a time, on every machine.
pub(super) const EIGHT: usize = 8;

/// Features that are turned at a time.
pub(super) const COLUMNS: usize = 4;

/// Numbers that are worked on side by side.
///
/// # Safety
/// Methods of register types may only run where their instruction set is there.
pub trait Vector: Copy {
    /// What a lane holds.
    type Item: Real;
    /// How many lanes there are.
    const LANES: usize;

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

    /// Writes the lanes one after the other.
    ///
    /// # Safety
    /// The instruction set must be there, and a vector writable at `to`.
    unsafe fn store(self, to: *mut Self::Item);

    /// `self · a + b`, rounded once.
    ///
    /// # Safety
    /// The instruction set must be there.
    unsafe fn mul_add(self, a: Self, b: Self) -> Self;

    /// The smaller of each pair, or `other` where one is no number.
    ///
    /// # Safety
    /// The instruction set must be there.
    unsafe fn min(self, other: Self) -> Self;

    /// The larger of each pair, or `other` where one is no number.
    ///
    /// # Safety
    /// The instruction set must be there.
    unsafe fn max(self, other: Self) -> Self;

    /// `number` as bits in every lane: no number to calculate with.
    ///
    /// # Safety
    /// The instruction set must be there.
    unsafe fn tag(number: u32) -> Self;

    /// Writes the numbers of lanes that came from [`tag`](Self::tag).
    ///
    /// # Safety
    /// The instruction set must be there, and as many numbers as lanes writable at `to`.
    unsafe fn store_tags(self, to: *mut u32);

    /// Per lane, `(value, tag)` if `value < best.0`, else `best`.
    ///
    /// # Safety
    /// The instruction set must be there.
    unsafe fn keep_less(best: (Self, Self), value: Self, tag: Self) -> (Self, Self);

    /// Writes the four features from `f` on of a vector of rows, less the shift, so that lanes are rows: feature f + c
    /// goes to `to + c·step`.
    ///
    /// # Safety
    /// The instruction set must be there; `rows` is one pointer a lane, each to f + 4 numbers, as is `shift`; four
    /// vectors are writable.
    unsafe fn turn(
        rows: *const *const Self::Item,
        f: usize,
        shift: *const Self::Item,
        to: *mut Self::Item,
        step: usize,
    );

    /// Adds `weight` times the features of `n` ≤ 8 at `x`, less eight of `shift`, to eight sums in double precision;
    /// features beyond `n` count as 0. Unweighted, the weight is 1 and no product is formed.
    ///
    /// # Safety
    /// The instruction set must be there; `n` numbers are readable at `x` and eight at `shift` and `sums`.
    unsafe fn add_eight<const WEIGHTED: bool>(
        x: *const Self::Item,
        n: usize,
        shift: *const Self::Item,
        weight: f64,
        sums: *mut f64,
    );

    /// Σ (x − shift + negated)² over `d` features, in any order: for bounds, not for results.
    ///
    /// # Safety
    /// The instruction set must be there, and `d` numbers readable at each pointer.
    unsafe fn square(
        x: *const Self::Item,
        shift: *const Self::Item,
        negated: *const Self::Item,
        d: usize,
    ) -> f64;

    /// Writes `n` numbers at `x`, less those of `shift`, in single precision.
    ///
    /// # Safety
    /// The instruction set must be there; `n` numbers are readable at `x`, a whole number of vectors at `shift`, and `n`
    /// writable at `to`.
    #[inline(always)]
    unsafe fn narrow(x: *const Self::Item, shift: *const Self::Item, n: usize, to: *mut f32) {
        for f in 0..n {
            // SAFETY: the caller says that n numbers are there.
            unsafe { *to.add(f) = (*x.add(f) - *shift.add(f)).to_f64() as f32 };
        }
    }

    /// Asks for the cache line at `at`, which need not be readable, to come into the second-level cache: more lines can
    /// be on their way there than to the first.
    fn prefetch(at: *const Self::Item);
}
