//! The two passes of an iteration in AVX-512 intrinsics, lane for lane what [`smo`](super::smo) does.
//!
//! Written out because the compiler keeps the lanes' winners in memory otherwise, which doubles the time.

#![cfg(target_arch = "x86_64")]

use std::arch::x86_64::*;

use super::smo::{BLOCK, Best, LOW, Largest, Pair, TAU, UP, W, finish_second, with_tail};

/// Lanes of a vector.
const V: usize = 8;

/// Which of 8 rows are marked with `bit`.
#[inline]
#[target_feature(enable = "avx512f,avx512vl,avx512dq,avx512bw")]
fn marked(marks: &[u8; V], bit: u8) -> __mmask8 {
    let marks = _mm_cvtsi64_si128(i64::from_le_bytes(*marks));
    _mm_test_epi8_mask(marks, _mm_set1_epi8(bit as i8)) as __mmask8
}

#[inline]
#[target_feature(enable = "avx512f,avx512vl,avx512dq,avx512bw")]
fn load(values: &[f64; V]) -> __m512d {
    // SAFETY: the array holds 8 doubles; alignment is not asked for.
    unsafe { _mm512_loadu_pd(values.as_ptr()) }
}

#[inline]
#[target_feature(enable = "avx512f,avx512vl,avx512dq,avx512bw")]
fn load_single(values: &[f32; V]) -> __m512d {
    // SAFETY: the array holds 8 singles; alignment is not asked for.
    _mm512_cvtps_pd(unsafe { _mm256_loadu_ps(values.as_ptr()) })
}

#[inline]
#[target_feature(enable = "avx512f,avx512vl,avx512dq,avx512bw")]
fn store(to: &mut [f64; V], values: __m512d) {
    // SAFETY: the array holds 8 doubles; alignment is not asked for.
    unsafe { _mm512_storeu_pd(to.as_mut_ptr(), values) }
}

/// How far ahead rows of the matrix are asked for, in numbers: farther than the processor looks by itself, which stops
/// at the end of a page.
const AHEAD: usize = 512;

/// Asks for the numbers of a row that are wanted soon after `values`.
#[inline(always)]
fn ask_ahead(values: &[f32; V]) {
    let ahead = values.as_ptr().wrapping_add(AHEAD);
    // SAFETY: a prefetch never faults, and SSE is part of x86-64.
    unsafe { _mm_prefetch::<_MM_HINT_T0>(ahead.cast()) };
}

/// As [`step`](super::step).
#[target_feature(enable = "avx512f,avx512vl,avx512dq,avx512bw")]
pub(super) fn step(f: &mut [f64], row_a: &[f32], a: f64, row_b: &[f32], b: f64, marks: &[u8]) -> Pair {
    let n = f.len();
    assert!(row_a.len() == n && row_b.len() == n && marks.len() == n);
    let (va, vb) = (_mm512_set1_pd(a), _mm512_set1_pd(b));
    let mut best_block = Largest::NONE;
    let rows = row_a.chunks(BLOCK).zip(row_b.chunks(BLOCK));
    for (i, ((f, marks), (ka, kb))) in f.chunks_mut(BLOCK).zip(marks.chunks(BLOCK)).zip(rows).enumerate() {
        let mut best = _mm512_set1_pd(f64::NEG_INFINITY);
        let (chunks, _) = f.as_chunks_mut::<V>();
        let rows = ka.as_chunks::<V>().0.chunks_exact(2).zip(kb.as_chunks::<V>().0.chunks_exact(2));
        let others = marks.as_chunks::<V>().0.chunks_exact(2).zip(rows);
        for (f, (marks, (ka, kb))) in chunks.chunks_exact_mut(2).zip(others) {
            ask_ahead(&ka[0]);
            ask_ahead(&kb[0]);
            for half in 0..2 {
                let (ka, kb) = (load_single(&ka[half]), load_single(&kb[half]));
                let change = _mm512_add_pd(_mm512_mul_pd(ka, va), _mm512_mul_pd(kb, vb));
                let new = _mm512_sub_pd(load(&f[half]), change);
                store(&mut f[half], new);
                best = _mm512_mask_max_pd(best, marked(&marks[half], UP), best, new);
            }
        }
        for t in f.len() / W * W..f.len() {
            f[t] -= f64::from(ka[t]) * a + f64::from(kb[t]) * b;
        }
        best_block = best_block.meet(with_tail(_mm512_reduce_max_pd(best), f, marks), i * BLOCK);
    }
    best_block.last_row(f, marks)
}

/// Eight of the lanes of a [`Best`].
#[derive(Clone, Copy)]
struct Lanes {
    gain: __m512d,
    chunk: __m512d,
    smallest: __m512d,
    tied: __mmask8,
}

/// What all rows are compared with.
#[derive(Clone, Copy)]
struct First {
    own: __m512d,
    largest: __m512d,
}

#[inline]
#[target_feature(enable = "avx512f,avx512vl,avx512dq,avx512bw")]
fn meet(
    old: Lanes,
    first: First,
    f: __m512d,
    k: __m512d,
    d: __m512d,
    low: __mmask8,
    chunk: __m512d,
) -> Lanes {
    let zero = _mm512_setzero_pd();
    let gap = _mm512_sub_pd(first.largest, f);
    let square = _mm512_mul_pd(gap, gap);
    let curvature = _mm512_sub_pd(_mm512_add_pd(first.own, d), _mm512_add_pd(k, k));
    let positive = _mm512_cmp_pd_mask::<_CMP_GT_OQ>(curvature, zero);
    let curvature = _mm512_mask_blend_pd(positive, _mm512_set1_pd(TAU), curvature);
    let gain = _mm512_div_pd(square, curvature);
    let take = _mm512_mask_cmp_pd_mask::<_CMP_GT_OQ>(low, gap, zero);
    let take = _mm512_mask_cmp_pd_mask::<_CMP_GE_OQ>(take, gain, old.gain);
    let tied = _mm512_mask_cmp_pd_mask::<_CMP_EQ_OQ>(take, gain, old.gain);
    Lanes {
        gain: _mm512_mask_blend_pd(take, old.gain, gain),
        chunk: _mm512_mask_blend_pd(take, old.chunk, chunk),
        smallest: _mm512_mask_min_pd(old.smallest, low, f, old.smallest),
        tied: old.tied | tied,
    }
}

/// Which part of the largest [`gain`] a row's may be for its exact one to be the largest.
const NEAR: f64 = 1.0 - 1.0 / 2048.0;

/// The gain of 8 rows within 2^-13 of its value, 0 where the gap is not positive.
#[inline]
#[target_feature(enable = "avx512f,avx512vl,avx512dq,avx512bw")]
fn gain(first: First, f: __m512d, k: __m512d, d: __m512d) -> __m512d {
    let zero = _mm512_setzero_pd();
    let gap = _mm512_max_pd(_mm512_sub_pd(first.largest, f), zero);
    let curvature = _mm512_fnmadd_pd(_mm512_set1_pd(2.0), k, _mm512_add_pd(first.own, d));
    let positive = _mm512_cmp_pd_mask::<_CMP_GT_OQ>(curvature, zero);
    let curvature = _mm512_mask_blend_pd(positive, _mm512_set1_pd(TAU), curvature);
    _mm512_mul_pd(_mm512_mul_pd(gap, gap), _mm512_rcp14_pd(curvature))
}

/// Whether any row is marked with `bit`.
#[inline]
#[target_feature(enable = "avx512f,avx512vl,avx512dq,avx512bw")]
fn any_marked(marks: &[u8], bit: u8) -> bool {
    let (chunks, rest) = marks.as_chunks::<64>();
    let mut all = _mm512_setzero_si512();
    for chunk in chunks {
        // SAFETY: the array holds 64 bytes; alignment is not asked for.
        all = _mm512_or_si512(all, unsafe { _mm512_loadu_si512(chunk.as_ptr().cast()) });
    }
    _mm512_test_epi8_mask(all, _mm512_set1_epi8(bit as i8)) != 0 || rest.iter().any(|mark| mark & bit != 0)
}

/// The largest [`gain`] among rows of a block marked [`LOW`], and the smallest f of each lane of them.
#[inline]
#[target_feature(enable = "avx512f,avx512vl,avx512dq,avx512bw")]
fn survey(
    f: &[f64],
    row: &[f32],
    diagonal: &[f64],
    marks: &[u8],
    first: First,
    smallest: __m512d,
) -> (f64, __m512d) {
    if !any_marked(marks, LOW) {
        return (0.0, smallest);
    }
    let (mut best, mut smallest) = ([_mm512_setzero_pd(); 2], [smallest; 2]);
    let rows = f.as_chunks::<V>().0.chunks_exact(2).zip(row.as_chunks::<V>().0.chunks_exact(2));
    let mut diagonals = diagonal.as_chunks::<V>().0.chunks_exact(2);
    for ((f, k), m) in rows.zip(marks.as_chunks::<V>().0.chunks_exact(2)) {
        ask_ahead(&k[0]);
        let d = diagonals.next();
        for half in 0..2 {
            let (low, f) = (marked(&m[half], LOW), load(&f[half]));
            let d = d.map_or(first.own, |d| load(&d[half]));
            let gain = gain(first, f, load_single(&k[half]), d);
            best[half] = _mm512_mask_max_pd(best[half], low, best[half], gain);
            smallest[half] = _mm512_mask_min_pd(smallest[half], low, f, smallest[half]);
        }
    }
    (_mm512_reduce_max_pd(_mm512_max_pd(best[0], best[1])), _mm512_min_pd(smallest[0], smallest[1]))
}

/// Blocks surveyed before those that may hold the best row are looked at.
const N_SURVEYED: usize = 64;

/// Compares the rows of a block with the best ones of each lane.
#[inline]
#[target_feature(enable = "avx512f,avx512vl,avx512dq,avx512bw")]
fn look_closely(
    f: &[f64],
    row: &[f32],
    diagonal: &[f64],
    marks: &[u8],
    first: First,
    [even, odd]: [&mut Lanes; 2],
    mut chunk: __m512d,
) {
    let one = _mm512_set1_pd(1.0);
    let rows = f.as_chunks::<V>().0.chunks_exact(2).zip(row.as_chunks::<V>().0.chunks_exact(2));
    let mut diagonals = diagonal.as_chunks::<V>().0.chunks_exact(2);
    for ((f, k), m) in rows.zip(marks.as_chunks::<V>().0.chunks_exact(2)) {
        let (low0, low1) = (marked(&m[0], LOW), marked(&m[1], LOW));
        let [d0, d1] = diagonals.next().map_or([first.own; 2], |d| [load(&d[0]), load(&d[1])]);
        *even = meet(*even, first, load(&f[0]), load_single(&k[0]), d0, low0, chunk);
        *odd = meet(*odd, first, load(&f[1]), load_single(&k[1]), d1, low1, chunk);
        chunk = _mm512_add_pd(chunk, one);
    }
}

/// As [`second_of_pair`](super::second_of_pair): blocks are surveyed by what their rows gain nearly, and those that may
/// hold the best one are looked at closely.
#[target_feature(enable = "avx512f,avx512vl,avx512dq,avx512bw")]
pub(super) fn second(f: &[f64], row: &[f32], diagonal: &[f64], own: f64, marks: &[u8], largest: f64) -> Pair {
    let n = f.len();
    assert!(row.len() == n && marks.len() == n && [0, n].contains(&diagonal.len()));
    let first = First { own: _mm512_set1_pd(own), largest: _mm512_set1_pd(largest) };
    let start = Lanes {
        gain: _mm512_setzero_pd(),
        chunk: _mm512_set1_pd(-1.0),
        smallest: _mm512_set1_pd(f64::INFINITY),
        tied: 0,
    };
    let (mut even, mut odd) = (start, start);
    let mut gains = [0.0f64; N_SURVEYED];
    for section in (0..n).step_by(BLOCK * N_SURVEYED) {
        let blocks = (n - section).div_ceil(BLOCK).min(N_SURVEYED);
        let range = |b: usize| section + b * BLOCK..(section + (b + 1) * BLOCK).min(n);
        let mut most = 0.0f64;
        for (b, gain) in gains[..blocks].iter_mut().enumerate() {
            let at = range(b);
            let (f, row) = (&f[at.clone()], &row[at.clone()]);
            let diagonal = diagonal.get(at.clone()).unwrap_or_default();
            (*gain, even.smallest) = survey(f, row, diagonal, &marks[at], first, even.smallest);
            most = if *gain > most { *gain } else { most };
        }
        for (b, &gain) in gains[..blocks].iter().enumerate() {
            if gain >= most * NEAR {
                let at = range(b);
                let (f, row) = (&f[at.clone()], &row[at.clone()]);
                let diagonal = diagonal.get(at.clone()).unwrap_or_default();
                let chunk = _mm512_set1_pd((at.start / W) as f64);
                look_closely(f, row, diagonal, &marks[at], first, [&mut even, &mut odd], chunk);
            }
        }
    }
    let zero = [0.0; W];
    let mut best = Best { gain: zero, chunk: zero, smallest: zero, tied: zero };
    for (half, lanes) in [even, odd].into_iter().enumerate() {
        best.tied[half] = f64::from(lanes.tied);
        store(&mut best.gain.as_chunks_mut().0[half], lanes.gain);
        store(&mut best.chunk.as_chunks_mut().0[half], lanes.chunk);
        store(&mut best.smallest.as_chunks_mut().0[half], lanes.smallest);
    }
    finish_second(&best, f, row, diagonal, own, marks, largest)
}
