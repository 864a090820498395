//! Vectors of 32-bit integers, each of which may stand for a pair of 16-bit ones.

#[cfg(target_arch = "aarch64")]
use std::arch::aarch64::*;
#[cfg(target_arch = "x86_64")]
use std::arch::x86_64::*;

/// Integers that are worked on side by side. Sums and products wrap: they are the same on every machine.
///
/// # Safety
/// Methods of register types may only run where their instruction set is there; pointers must be valid for a vector.
#[allow(clippy::missing_safety_doc, reason = "the contract is the trait's")]
pub(super) trait Integers: Copy {
    /// How many lanes there are.
    const LANES: usize;

    /// The same number in every lane.
    unsafe fn splat(value: i32) -> Self;
    /// Consecutive numbers.
    unsafe fn load(from: *const i32) -> Self;
    /// Writes the lanes one after the other.
    unsafe fn store(self, to: *mut i32);
    /// Adds the products of the low halves and of the high halves of `a` and `b`, as signed 16-bit numbers of which no
    /// two pairs are all −2^15.
    unsafe fn add_products(self, a: Self, b: Self) -> Self;
    /// The smaller of each pair.
    unsafe fn min(self, other: Self) -> Self;
    /// The larger of each pair.
    unsafe fn max(self, other: Self) -> Self;
    /// `tag` where `self` is less than `than`, else `old`.
    unsafe fn tag_less(self, than: Self, tag: Self, old: Self) -> Self;
}

/// Lanes as an array, for any machine.
#[derive(Clone, Copy)]
pub(super) struct Portable([i32; 8]);

impl Integers for Portable {
    const LANES: usize = 8;

    #[inline(always)]
    unsafe fn splat(value: i32) -> Self {
        Self([value; 8])
    }

    #[inline(always)]
    unsafe fn load(from: *const i32) -> Self {
        // SAFETY: the caller vouches for eight numbers; alignment is not assumed.
        Self(unsafe { from.cast::<[i32; 8]>().read_unaligned() })
    }

    #[inline(always)]
    unsafe fn store(self, to: *mut i32) {
        // SAFETY: the caller vouches for room for eight numbers; alignment is not assumed.
        unsafe { to.cast::<[i32; 8]>().write_unaligned(self.0) }
    }

    #[inline(always)]
    unsafe fn add_products(self, a: Self, b: Self) -> Self {
        let mut out = self.0;
        for (out, (&a, &b)) in out.iter_mut().zip(a.0.iter().zip(&b.0)) {
            let of_low = i32::from(a as i16) * i32::from(b as i16);
            let of_high = (a >> 16) * (b >> 16);
            *out = out.wrapping_add(of_low).wrapping_add(of_high);
        }
        Self(out)
    }

    #[inline(always)]
    unsafe fn min(self, other: Self) -> Self {
        let mut out = self.0;
        out.iter_mut().zip(&other.0).for_each(|(out, &other)| *out = (*out).min(other));
        Self(out)
    }

    #[inline(always)]
    unsafe fn max(self, other: Self) -> Self {
        let mut out = self.0;
        out.iter_mut().zip(&other.0).for_each(|(out, &other)| *out = (*out).max(other));
        Self(out)
    }

    #[inline(always)]
    unsafe fn tag_less(self, than: Self, tag: Self, old: Self) -> Self {
        let mut out = old.0;
        for (out, ((&score, &than), &tag)) in out.iter_mut().zip(self.0.iter().zip(&than.0).zip(&tag.0)) {
            *out = if score < than { tag } else { *out };
        }
        Self(out)
    }
}

// SAFETY (of what follows): every method's caller promises the instruction set of the type, and that pointers reach what
// the trait says; loads and stores are the unaligned ones.

/// A 256-bit register: AVX2.
#[cfg(target_arch = "x86_64")]
#[derive(Clone, Copy)]
pub(super) struct Avx2(__m256i);

#[cfg(target_arch = "x86_64")]
impl Integers for Avx2 {
    const LANES: usize = 8;

    #[inline(always)]
    unsafe fn splat(value: i32) -> Self {
        // SAFETY: as said above.
        Self(unsafe { _mm256_set1_epi32(value) })
    }

    #[inline(always)]
    unsafe fn load(from: *const i32) -> Self {
        // SAFETY: as said above.
        Self(unsafe { _mm256_loadu_si256(from.cast()) })
    }

    #[inline(always)]
    unsafe fn store(self, to: *mut i32) {
        // SAFETY: as said above.
        unsafe { _mm256_storeu_si256(to.cast(), self.0) }
    }

    #[inline(always)]
    unsafe fn add_products(self, a: Self, b: Self) -> Self {
        // SAFETY: as said above.
        Self(unsafe { _mm256_add_epi32(self.0, _mm256_madd_epi16(a.0, b.0)) })
    }

    #[inline(always)]
    unsafe fn min(self, other: Self) -> Self {
        // SAFETY: as said above.
        Self(unsafe { _mm256_min_epi32(self.0, other.0) })
    }

    #[inline(always)]
    unsafe fn max(self, other: Self) -> Self {
        // SAFETY: as said above.
        Self(unsafe { _mm256_max_epi32(self.0, other.0) })
    }

    #[inline(always)]
    unsafe fn tag_less(self, than: Self, tag: Self, old: Self) -> Self {
        // SAFETY: as said above.
        Self(unsafe { _mm256_blendv_epi8(old.0, tag.0, _mm256_cmpgt_epi32(than.0, self.0)) })
    }
}

/// A 512-bit register: AVX-512 F and BW, with `DOTS` VNNI too, which multiplies and adds at once.
#[cfg(target_arch = "x86_64")]
#[derive(Clone, Copy)]
pub(super) struct Avx512<const DOTS: bool>(__m512i);

#[cfg(target_arch = "x86_64")]
impl<const DOTS: bool> Integers for Avx512<DOTS> {
    const LANES: usize = 16;

    #[inline(always)]
    unsafe fn splat(value: i32) -> Self {
        // SAFETY: as said above.
        Self(unsafe { _mm512_set1_epi32(value) })
    }

    #[inline(always)]
    unsafe fn load(from: *const i32) -> Self {
        // SAFETY: as said above.
        Self(unsafe { _mm512_loadu_si512(from.cast()) })
    }

    #[inline(always)]
    unsafe fn store(self, to: *mut i32) {
        // SAFETY: as said above.
        unsafe { _mm512_storeu_si512(to.cast(), self.0) }
    }

    #[inline(always)]
    unsafe fn add_products(self, a: Self, b: Self) -> Self {
        // SAFETY: as said above.
        Self(unsafe {
            match DOTS {
                true => _mm512_dpwssd_epi32(self.0, a.0, b.0),
                false => _mm512_add_epi32(self.0, _mm512_madd_epi16(a.0, b.0)),
            }
        })
    }

    #[inline(always)]
    unsafe fn min(self, other: Self) -> Self {
        // SAFETY: as said above.
        Self(unsafe { _mm512_min_epi32(self.0, other.0) })
    }

    #[inline(always)]
    unsafe fn max(self, other: Self) -> Self {
        // SAFETY: as said above.
        Self(unsafe { _mm512_max_epi32(self.0, other.0) })
    }

    #[inline(always)]
    unsafe fn tag_less(self, than: Self, tag: Self, old: Self) -> Self {
        // SAFETY: as said above.
        Self(unsafe { _mm512_mask_mov_epi32(old.0, _mm512_cmplt_epi32_mask(self.0, than.0), tag.0) })
    }
}

/// A 128-bit register: NEON.
#[cfg(target_arch = "aarch64")]
#[derive(Clone, Copy)]
pub(super) struct Neon(int32x4_t);

#[cfg(target_arch = "aarch64")]
impl Integers for Neon {
    const LANES: usize = 4;

    #[inline(always)]
    unsafe fn splat(value: i32) -> Self {
        // SAFETY: as said above.
        Self(unsafe { vdupq_n_s32(value) })
    }

    #[inline(always)]
    unsafe fn load(from: *const i32) -> Self {
        // SAFETY: as said above.
        Self(unsafe { vld1q_s32(from) })
    }

    #[inline(always)]
    unsafe fn store(self, to: *mut i32) {
        // SAFETY: as said above.
        unsafe { vst1q_s32(to, self.0) }
    }

    // The halves are taken apart once a vector, however many it is multiplied with: two instructions a product are left.
    #[inline(always)]
    unsafe fn add_products(self, a: Self, b: Self) -> Self {
        // SAFETY: as said above.
        Self(unsafe {
            let of_low = vmlal_s16(self.0, vmovn_s32(a.0), vmovn_s32(b.0));
            vmlal_s16(of_low, vshrn_n_s32::<16>(a.0), vshrn_n_s32::<16>(b.0))
        })
    }

    #[inline(always)]
    unsafe fn min(self, other: Self) -> Self {
        // SAFETY: as said above.
        Self(unsafe { vminq_s32(self.0, other.0) })
    }

    #[inline(always)]
    unsafe fn max(self, other: Self) -> Self {
        // SAFETY: as said above.
        Self(unsafe { vmaxq_s32(self.0, other.0) })
    }

    #[inline(always)]
    unsafe fn tag_less(self, than: Self, tag: Self, old: Self) -> Self {
        // SAFETY: as said above.
        Self(unsafe { vbslq_s32(vcltq_s32(self.0, than.0), tag.0, old.0) })
    }
}
