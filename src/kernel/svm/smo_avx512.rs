//! The two passes of an iteration in AVX-512 intrinsics: rows are chosen as [`smo`](super::smo) chooses them.
//!
//! Written out because the compiler keeps the lanes' winners in memory otherwise, which doubles the time. Most passes
//! are over a few hundred rows, so that what comes after the last of them counts as well: the winners of blocks are
//! kept as vectors and compared once, only vectors that hold a winner are looked at again, and the last block takes
//! its rows with masks.

#![cfg(target_arch = "x86_64")]

use std::arch::x86_64::*;
use std::ops::Range;

use super::smo::{LOW, Pair, TAU, UP};

/// Lanes of a vector.
const V: usize = 8;
/// Rows of a block: their marks are one vector.
const BLOCK: usize = 64;
/// Blocks whose winners are kept at a time.
const SECTION: usize = 16;
/// How far ahead rows of the matrix are asked for, in numbers: farther than the processor looks by itself, which stops
/// at the end of a page.
const AHEAD: usize = 512;
/// Which part of the largest [`gain`] a row's may be for its exact one to be the largest.
const NEAR: f64 = 1.0 - 1.0 / 2048.0;

/// The values of 8 rows from `at`, 0 past the last one.
#[inline]
#[target_feature(enable = "avx512f,avx512vl,avx512dq,avx512bw")]
fn load(values: &[f64], at: usize) -> __m512d {
    match values.get(at..at + V) {
        // SAFETY: the slice holds 8 doubles; alignment is not asked for.
        Some(all) => unsafe { _mm512_loadu_pd(all.as_ptr()) },
        None => {
            let some = values.get(at..).unwrap_or_default();
            // SAFETY: only as many doubles are read as the slice holds.
            unsafe { _mm512_maskz_loadu_pd(first_lanes(some.len()), some.as_ptr()) }
        }
    }
}

/// As [`load`], of single-precision values.
#[inline]
#[target_feature(enable = "avx512f,avx512vl,avx512dq,avx512bw")]
fn load_single(values: &[f32], at: usize) -> __m512d {
    _mm512_cvtps_pd(match values.get(at..at + V) {
        // SAFETY: the slice holds 8 singles; alignment is not asked for.
        Some(all) => unsafe { _mm256_loadu_ps(all.as_ptr()) },
        None => {
            let some = values.get(at..).unwrap_or_default();
            // SAFETY: only as many singles are read as the slice holds.
            unsafe { _mm256_maskz_loadu_ps(first_lanes(some.len()), some.as_ptr()) }
        }
    })
}

/// Stores the values of 8 rows from `at`, those of rows past the last one nowhere.
#[inline]
#[target_feature(enable = "avx512f,avx512vl,avx512dq,avx512bw")]
fn store(to: &mut [f64], at: usize, values: __m512d) {
    if let Some(all) = to.get_mut(at..at + V) {
        // SAFETY: the slice holds 8 doubles; alignment is not asked for.
        unsafe { _mm512_storeu_pd(all.as_mut_ptr(), values) }
    } else if let Some(some) = to.get_mut(at..) {
        // SAFETY: only as many doubles are written as the slice holds.
        unsafe { _mm512_mask_storeu_pd(some.as_mut_ptr(), first_lanes(some.len()), values) }
    }
}

/// The first `n` of 8 lanes.
fn first_lanes(n: usize) -> __mmask8 {
    ((1u32 << n.min(V)) - 1) as __mmask8
}

/// The marks of the last block, 0 past the last row.
fn padded(marks: &[u8]) -> [u8; BLOCK] {
    let mut padded = [0; BLOCK];
    padded[..marks.len()].copy_from_slice(marks);
    padded
}

/// Whether any row of a block is marked with `bit`.
#[inline]
#[target_feature(enable = "avx512f,avx512vl,avx512dq,avx512bw")]
fn any_marked(marks: &[u8; BLOCK], bit: u8) -> bool {
    // SAFETY: the array holds 64 bytes; alignment is not asked for.
    let marks = unsafe { _mm512_loadu_si512(marks.as_ptr().cast()) };
    _mm512_test_epi8_mask(marks, _mm512_set1_epi8(bit as i8)) != 0
}

/// Which of a block's 8 rows from `at` are marked with `bit`.
#[inline]
#[target_feature(enable = "avx512f,avx512vl,avx512dq,avx512bw")]
fn marked(marks: &[u8; BLOCK], at: usize, bit: u8) -> __mmask8 {
    let lanes: &[u8; V] = marks[at..].first_chunk().unwrap_or(&[0; V]);
    let lanes = _mm_cvtsi64_si128(i64::from_le_bytes(*lanes));
    _mm_test_epi8_mask(lanes, _mm_set1_epi8(bit as i8)) as __mmask8
}

/// Values of a block, whose number the compiler knows if it is `WHOLE`.
#[inline(always)]
fn block<const WHOLE: bool, T>(values: &[T]) -> &[T] {
    if WHOLE { &values[..BLOCK] } else { values }
}

/// Asks for the numbers of a row that are wanted soon after those from `at`.
#[inline(always)]
fn ask_ahead(values: &[f32], at: usize) {
    let ahead = values.as_ptr().wrapping_add(at + AHEAD);
    // SAFETY: a prefetch never faults, and SSE is part of x86-64.
    unsafe { _mm_prefetch::<_MM_HINT_T0>(ahead.cast()) };
}

/// As [`step`](super::step).
#[target_feature(enable = "avx512f,avx512vl,avx512dq,avx512bw")]
pub(super) fn step(f: &mut [f64], row_a: &[f32], a: f64, row_b: &[f32], b: f64, marks: &[u8]) -> Pair {
    let n = f.len();
    assert!(row_a.len() == n && row_b.len() == n && marks.len() == n);
    let mut largest = Pair { row: None, extreme: f64::NEG_INFINITY, tied: false };
    let mut winners = [_mm512_setzero_pd(); SECTION];
    let (blocks, last) = f.as_chunks_mut::<BLOCK>();
    let ((rows_a, last_a), (rows_b, last_b)) = (row_a.as_chunks::<BLOCK>(), row_b.as_chunks::<BLOCK>());
    let (blocks_marks, last_marks) = marks.as_chunks::<BLOCK>();
    for start in (0..blocks.len()).step_by(SECTION) {
        let section = start..blocks.len().min(start + SECTION);
        let blocks = &mut blocks[section.clone()];
        let rows = rows_a[section.clone()].iter().zip(&rows_b[section.clone()]);
        let marks = &blocks_marks[section];
        for ((f, marks), ((ka, kb), winner)) in blocks.iter_mut().zip(marks).zip(rows.zip(&mut winners)) {
            *winner = step_block::<true>(f, [ka, kb], [a, b], marks);
        }
        largest =
            meet_largest(largest, &winners[..blocks.len()], blocks.as_flattened(), marks, start * BLOCK);
    }
    if !last.is_empty() {
        let (start, marks) = (n - last.len(), padded(last_marks));
        let winner = step_block::<false>(last, [last_a, last_b], [a, b], &marks);
        largest = meet_largest(largest, &[winner], last, &[marks], start);
    }
    largest
}

/// The larger of `largest` and the largest f among the rows marked [`UP`] of some blocks, which start at `start` and whose
/// lanes' largest are the `winners`; the last one of equals.
#[inline]
#[target_feature(enable = "avx512f,avx512vl,avx512dq,avx512bw")]
fn meet_largest(largest: Pair, winners: &[__m512d], f: &[f64], marks: &[[u8; BLOCK]], start: usize) -> Pair {
    let mut best = _mm512_set1_pd(f64::NEG_INFINITY);
    for winner in winners {
        best = _mm512_max_pd(best, *winner);
    }
    let extreme = _mm512_reduce_max_pd(best);
    if extreme < largest.extreme || extreme.is_nan() {
        return largest;
    }
    let row = largest.row.filter(|_| extreme == largest.extreme);
    let mut largest = Pair { row, extreme, tied: row.is_some() };
    for (i, (winner, marks)) in winners.iter().zip(marks).enumerate() {
        if _mm512_cmp_pd_mask::<_CMP_EQ_OQ>(*winner, _mm512_set1_pd(extreme)) != 0 {
            let of_block = &f[i * BLOCK..f.len().min((i + 1) * BLOCK)];
            largest = last_equal(of_block, marks, start + i * BLOCK, largest);
        }
    }
    largest
}

/// The rows of a block in [`step`]; returns the largest f of each lane among those marked [`UP`].
#[inline]
#[target_feature(enable = "avx512f,avx512vl,avx512dq,avx512bw")]
fn step_block<const WHOLE: bool>(
    f: &mut [f64],
    [ka, kb]: [&[f32]; 2],
    [a, b]: [f64; 2],
    marks: &[u8; BLOCK],
) -> __m512d {
    let f = if WHOLE { &mut f[..BLOCK] } else { f };
    let (ka, kb) = (block::<WHOLE, _>(ka), block::<WHOLE, _>(kb));
    let (va, vb) = (_mm512_set1_pd(a), _mm512_set1_pd(b));
    let mut best = [_mm512_set1_pd(f64::NEG_INFINITY); 2];
    for at in (0..f.len()).step_by(2 * V) {
        ask_ahead(ka, at);
        ask_ahead(kb, at);
        for (half, best) in best.iter_mut().enumerate() {
            let at = at + half * V;
            let (ka, kb) = (load_single(ka, at), load_single(kb, at));
            let change = _mm512_add_pd(_mm512_mul_pd(ka, va), _mm512_mul_pd(kb, vb));
            let new = _mm512_sub_pd(load(f, at), change);
            store(f, at, new);
            *best = _mm512_mask_max_pd(*best, marked(marks, at, UP), *best, new);
        }
    }
    _mm512_max_pd(best[0], best[1])
}

/// `largest` with the last of a block's rows marked [`UP`] that have its extreme; the block starts at `start`.
#[inline]
#[target_feature(enable = "avx512f,avx512vl,avx512dq,avx512bw")]
fn last_equal(f: &[f64], marks: &[u8; BLOCK], start: usize, largest: Pair) -> Pair {
    let extreme = _mm512_set1_pd(largest.extreme);
    let mut equal = 0u64;
    for at in (0..f.len()).step_by(V) {
        let up = marked(marks, at, UP);
        let lanes = _mm512_mask_cmp_pd_mask::<_CMP_EQ_OQ>(up, load(f, at), extreme);
        equal |= u64::from(lanes) << at;
    }
    match equal.checked_ilog2() {
        Some(last) => {
            let tied = largest.tied || largest.row.is_some() || equal.count_ones() > 1;
            Pair { row: Some(start + last as usize), tied, ..largest }
        }
        None => largest,
    }
}

/// What all rows are compared with.
#[derive(Clone, Copy)]
struct First {
    own: __m512d,
    /// Twice that.
    twice: __m512d,
    largest: __m512d,
}

/// The gain of 8 rows within 2^-13 of its value, 0 where the gap is not positive.
#[inline]
#[target_feature(enable = "avx512f,avx512vl,avx512dq,avx512bw")]
fn gain(gap: __m512d, curvature: __m512d) -> __m512d {
    let gap = _mm512_max_pd(gap, _mm512_setzero_pd());
    _mm512_mul_pd(_mm512_mul_pd(gap, gap), _mm512_rcp14_pd(curvature))
}

/// Some rows: f, their values in the first one's kernel row, and the diagonal, empty where it is the first one's.
#[derive(Clone, Copy)]
struct Rows<'a> {
    f: &'a [f64],
    row: &'a [f32],
    diagonal: &'a [f64],
}

impl<'a> Rows<'a> {
    fn of(self, range: Range<usize>) -> Self {
        let diagonal = self.diagonal.get(range.clone()).unwrap_or_default();
        Self { f: &self.f[range.clone()], row: &self.row[range], diagonal }
    }

    /// f of 8 rows, how far it is below the largest, and the curvatures beside the first row; `EVEN` if the diagonal is empty.
    #[inline]
    #[target_feature(enable = "avx512f,avx512vl,avx512dq,avx512bw")]
    fn lanes<const EVEN: bool>(&self, first: First, at: usize) -> (__m512d, __m512d, __m512d) {
        let f = load(self.f, at);
        let sum = if EVEN { first.twice } else { _mm512_add_pd(first.own, load(self.diagonal, at)) };
        // Twice a value is exact: only the sum and the difference are rounded, as in separate steps.
        let curvature = _mm512_fnmadd_pd(_mm512_set1_pd(2.0), load_single(self.row, at), sum);
        let positive = _mm512_cmp_pd_mask::<_CMP_GT_OQ>(curvature, _mm512_setzero_pd());
        let curvature = _mm512_mask_blend_pd(positive, _mm512_set1_pd(TAU), curvature);
        (f, _mm512_sub_pd(first.largest, f), curvature)
    }

    /// The largest [`gain`] of each lane among the rows marked [`LOW`], and the smaller of `smallest` and their f.
    #[inline]
    #[target_feature(enable = "avx512f,avx512vl,avx512dq,avx512bw")]
    fn survey<const WHOLE: bool, const EVEN: bool>(
        self,
        marks: &[u8; BLOCK],
        first: First,
        mut smallest: [__m512d; 2],
    ) -> (__m512d, [__m512d; 2]) {
        let diagonal = if EVEN { &[] } else { block::<WHOLE, _>(self.diagonal) };
        let rows = Self { f: block::<WHOLE, _>(self.f), row: block::<WHOLE, _>(self.row), diagonal };
        let mut best = [_mm512_setzero_pd(); 2];
        if !any_marked(marks, LOW) {
            return (best[0], smallest);
        }
        for at in (0..rows.f.len()).step_by(2 * V) {
            ask_ahead(rows.row, at);
            for half in 0..2 {
                let at = at + half * V;
                let low = marked(marks, at, LOW);
                let (f, gap, curvature) = rows.lanes::<EVEN>(first, at);
                best[half] = _mm512_mask_max_pd(best[half], low, best[half], gain(gap, curvature));
                smallest[half] = _mm512_mask_min_pd(smallest[half], low, f, smallest[half]);
            }
        }
        (_mm512_max_pd(best[0], best[1]), smallest)
    }
}

/// The best second row so far, by the exact gain.
struct Best {
    gain: f64,
    row: Option<usize>,
    tied: bool,
}

impl Best {
    /// Compares the rows of some blocks, which start at `start` and whose lanes' largest [`gain`]s are the `winners`.
    #[inline]
    #[target_feature(enable = "avx512f,avx512vl,avx512dq,avx512bw")]
    fn meet_all<const EVEN: bool>(
        &mut self,
        winners: &[__m512d],
        rows: Rows<'_>,
        start: usize,
        marks: &[[u8; BLOCK]],
        first: First,
    ) {
        // Never less than the best one before.
        let mut most = _mm512_set1_pd(self.gain);
        for winner in winners {
            most = _mm512_max_pd(most, *winner);
        }
        let least = _mm512_set1_pd(_mm512_reduce_max_pd(most) * NEAR);
        for (i, (winner, marks)) in winners.iter().zip(marks).enumerate() {
            if _mm512_cmp_pd_mask::<_CMP_GE_OQ>(*winner, least) != 0 {
                let of_block = rows.of(i * BLOCK..rows.f.len().min((i + 1) * BLOCK));
                self.meet::<EVEN>(of_block, start + i * BLOCK, marks, first, least);
            }
        }
    }

    /// Compares those rows of a block that gain at least about `least`.
    #[inline]
    #[target_feature(enable = "avx512f,avx512vl,avx512dq,avx512bw")]
    fn meet<const EVEN: bool>(
        &mut self,
        rows: Rows<'_>,
        start: usize,
        marks: &[u8; BLOCK],
        first: First,
        least: __m512d,
    ) {
        for at in (0..rows.f.len()).step_by(V) {
            let (_, gap, curvature) = rows.lanes::<EVEN>(first, at);
            let low = marked(marks, at, LOW);
            let near = _mm512_mask_cmp_pd_mask::<_CMP_GE_OQ>(low, gain(gap, curvature), least);
            let mut near = _mm512_mask_cmp_pd_mask::<_CMP_GT_OQ>(near, gap, _mm512_setzero_pd());
            if near == 0 {
                continue;
            }
            let mut gains = [0.0; V];
            store(&mut gains, 0, _mm512_div_pd(_mm512_mul_pd(gap, gap), curvature));
            while near != 0 {
                let lane = near.trailing_zeros() as usize;
                near &= near - 1;
                if gains[lane] >= self.gain {
                    self.tied = self.row.is_some() && gains[lane] == self.gain;
                    (self.gain, self.row) = (gains[lane], Some(start + at + lane));
                }
            }
        }
    }
}

/// As [`second_of_pair`](super::second_of_pair): rows are surveyed by what they gain nearly, and those that may be the best
/// are looked at closely.
#[target_feature(enable = "avx512f,avx512vl,avx512dq,avx512bw")]
pub(super) fn second(f: &[f64], row: &[f32], diagonal: &[f64], own: f64, marks: &[u8], largest: f64) -> Pair {
    assert!(row.len() == f.len() && marks.len() == f.len() && [0, f.len()].contains(&diagonal.len()));
    let rows = Rows { f, row, diagonal };
    let own = _mm512_set1_pd(own);
    let first = First { own, twice: _mm512_add_pd(own, own), largest: _mm512_set1_pd(largest) };
    match diagonal.is_empty() {
        true => second_of::<true>(rows, marks, first),
        false => second_of::<false>(rows, marks, first),
    }
}

#[inline]
#[target_feature(enable = "avx512f,avx512vl,avx512dq,avx512bw")]
fn second_of<const EVEN: bool>(rows: Rows<'_>, marks: &[u8], first: First) -> Pair {
    let mut smallest = [_mm512_set1_pd(f64::INFINITY); 2];
    let mut winners = [_mm512_setzero_pd(); SECTION];
    let mut best = Best { gain: 0.0, row: None, tied: false };
    let (blocks, last_marks) = marks.as_chunks::<BLOCK>();
    for (s, marks) in blocks.chunks(SECTION).enumerate() {
        let start = s * SECTION * BLOCK;
        let rows = rows.of(start..start + marks.len() * BLOCK);
        for (b, (marks, winner)) in marks.iter().zip(&mut winners).enumerate() {
            let rows = rows.of(b * BLOCK..(b + 1) * BLOCK);
            (*winner, smallest) = rows.survey::<true, EVEN>(marks, first, smallest);
        }
        best.meet_all::<EVEN>(&winners[..marks.len()], rows, start, marks, first);
    }
    if !last_marks.is_empty() {
        let (start, marks) = (blocks.len() * BLOCK, padded(last_marks));
        let rows = rows.of(start..rows.f.len());
        let (winner, least) = rows.survey::<false, EVEN>(&marks, first, smallest);
        best.meet_all::<EVEN>(&[winner], rows, start, &[marks], first);
        smallest = least;
    }
    let extreme = _mm512_reduce_min_pd(_mm512_min_pd(smallest[0], smallest[1]));
    Pair { row: best.row, extreme, tied: best.tied }
}
