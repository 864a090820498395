//! Scores of rows in sixteen bits, in integers.

#[cfg(target_arch = "aarch64")]
use super::integers::Neon;
#[cfg(target_arch = "x86_64")]
use super::integers::{Avx2, Avx512};
use super::integers::{Integers, Portable};
use super::short_centroids::ShortCentroids;
use super::shorts::ShortRows;
use super::single::list_others;
use crate::kernel::Isa;
use crate::kernel::simd::prefetch;

/// Rows of a tile.
const TILE: usize = ShortRows::TILE;

/// What is found for the rows of a tile.
#[repr(align(64))]
struct Found {
    /// The least score, the next, and whose the least is.
    best: [i32; TILE],
    second: [i32; TILE],
    tags: [i32; TILE],
}

/// Writes the nearest centroid of each row of `tiles`, as many as there are labels, and lists those whose label is not
/// sure to be that of the row itself.
///
/// # Panics
/// When there are fewer tiles than labels or they were cut for another number of features.
pub(super) fn assign(isa: Isa, tiles: &[i32], c: &ShortCentroids, labels: &mut [u32], unsure: &mut Vec<u32>) {
    assign_by(isa, has_dots(), tiles, c, labels, unsure);
}

/// Whether the machine multiplies and adds at once, where it has AVX-512.
fn has_dots() -> bool {
    #[cfg(target_arch = "x86_64")]
    return is_x86_feature_detected!("avx512vnni");
    #[cfg(not(target_arch = "x86_64"))]
    false
}

/// The same with what [`has_dots`] asks for, or without.
fn assign_by(
    isa: Isa,
    dots: bool,
    tiles: &[i32],
    c: &ShortCentroids,
    labels: &mut [u32],
    unsure: &mut Vec<u32>,
) {
    let sizes = tiles.len() >= ShortRows::size(labels.len(), c.d);
    assert!(
        sizes && c.pairs.len() == c.k * c.n_pairs() && c.offsets.len() == c.k && c.tags.len() == c.k,
        "rows of the centroids"
    );
    #[cfg(target_arch = "x86_64")]
    {
        #[target_feature(enable = "avx2,fma,avx512f,avx512vl,avx512dq,avx512bw,avx512vnni")]
        fn at_once(tiles: &[i32], c: &ShortCentroids, labels: &mut [u32], unsure: &mut Vec<u32>) {
            // SAFETY: this function's features are those of the vectors; sizes were checked by the caller.
            unsafe { assign_tiles::<Avx512<true>, 2, 12>(tiles, c, labels, unsure) }
        }
        #[target_feature(enable = "avx2,fma,avx512f,avx512vl,avx512dq,avx512bw")]
        fn wide(tiles: &[i32], c: &ShortCentroids, labels: &mut [u32], unsure: &mut Vec<u32>) {
            // SAFETY: as above.
            unsafe { assign_tiles::<Avx512<false>, 2, 12>(tiles, c, labels, unsure) }
        }
        #[target_feature(enable = "avx2,fma")]
        fn narrow(tiles: &[i32], c: &ShortCentroids, labels: &mut [u32], unsure: &mut Vec<u32>) {
            // SAFETY: as above.
            unsafe { assign_tiles::<Avx2, 3, 3>(tiles, c, labels, unsure) }
        }
        match isa.checked() {
            Isa::Avx512 if dots && has_dots() => {
                // SAFETY: the machine has been asked.
                return unsafe { at_once(tiles, c, labels, unsure) };
            }
            // SAFETY: the machine has what `checked` returns.
            Isa::Avx512 => return unsafe { wide(tiles, c, labels, unsure) },
            // SAFETY: as above.
            Isa::Avx2 => return unsafe { narrow(tiles, c, labels, unsure) },
            _ => {}
        }
    }
    #[cfg(target_arch = "aarch64")]
    if isa.checked() == Isa::Neon {
        // SAFETY: NEON is part of the target; sizes have been checked.
        return unsafe { assign_tiles::<Neon, 4, 4>(tiles, c, labels, unsure) };
    }
    let _ = (isa, dots);
    // SAFETY: arrays need no instruction set; sizes have been checked.
    unsafe { assign_tiles::<Portable, 3, 3>(tiles, c, labels, unsure) }
}

/// # Safety
/// The instruction set of `V` must be there; there is a tile for each [`TILE`] labels or part of them, cut for `c.d`
/// features; `c` has `c.k` offsets and as many rows of pairs.
#[inline(always)]
unsafe fn assign_tiles<V: Integers, const R: usize, const G: usize>(
    tiles: &[i32],
    c: &ShortCentroids,
    labels: &mut [u32],
    unsure: &mut Vec<u32>,
) {
    let of_tile = ShortRows::size(1, c.d);
    let mut found = Found { best: [0; TILE], second: [0; TILE], tags: [0; TILE] };
    for ((t, labels), tile) in labels.chunks_mut(TILE).enumerate().zip(tiles.chunks_exact(of_tile)) {
        let n = labels.len();
        found.best.fill(i32::MAX);
        found.second.fill(i32::MAX);
        found.tags.fill(0);
        let vectors = n.div_ceil(V::LANES);
        // SAFETY: vectors from `v` on are in the tile.
        unsafe {
            let mut v = 0;
            while v + R <= vectors {
                score_vectors::<V, R, G>(tile, v * V::LANES, c, &mut found);
                v += R;
            }
            while v + 2 <= vectors {
                score_vectors::<V, 2, G>(tile, v * V::LANES, c, &mut found);
                v += 2;
            }
            if v < vectors {
                score_vectors::<V, 1, G>(tile, v * V::LANES, c, &mut found);
            }
        }
        labels.iter_mut().zip(&found.tags).for_each(|(label, &tag)| *label = tag as u32);
        let norms = &tile[of_tile - TILE..];
        list_unsure(n, norms, &found, c, t * TILE, unsure);
    }
}

/// Lists the first `n` rows, counted from `at` on, whose next score is not known to be larger than the least by enough.
#[inline(always)]
fn list_unsure(n: usize, norms: &[i32], found: &Found, c: &ShortCentroids, at: usize, unsure: &mut Vec<u32>) {
    let mut sure = [false; TILE];
    let mut all_sure = true;
    for i in 0..TILE {
        let (best, second) = (found.best[i] as f32, found.second[i] as f32);
        sure[i] = c.margin.tells(best, second, f32::from_bits(norms[i] as u32));
        all_sure &= sure[i] | (i >= n);
    }
    if !all_sure {
        list_others(&sure[..n], at, unsure);
    }
}

/// Scores `R` vectors of rows against all centroids.
///
/// # Safety
/// As for [`assign_tiles`]; the vectors from row `first` on are in the tile.
#[inline(always)]
unsafe fn score_vectors<V: Integers, const R: usize, const G: usize>(
    tile: &[i32],
    first: usize,
    c: &ShortCentroids,
    found: &mut Found,
) {
    let mut at = 0;
    // SAFETY: as the caller says; groups end before `c.k`.
    unsafe {
        while at + G <= c.k {
            score::<V, R, G>(tile, first, c, at, found);
            at += G;
        }
        while at + 4 <= c.k {
            score::<V, R, 4>(tile, first, c, at, found);
            at += 4;
        }
        while at < c.k {
            score::<V, R, 1>(tile, first, c, at, found);
            at += 1;
        }
    }
}

/// Scores `R` vectors of rows against `C` centroids from `at` on, and keeps the two least of each row.
///
/// # Safety
/// As for [`score_vectors`]; the centroids are below `c.k`.
#[inline(always)]
#[allow(clippy::needless_range_loop, reason = "with iterators a sixth slower")]
unsafe fn score<V: Integers, const R: usize, const C: usize>(
    tile: &[i32],
    first: usize,
    c: &ShortCentroids,
    at: usize,
    found: &mut Found,
) {
    let n_pairs = c.n_pairs();
    // SAFETY: each centroid has an offset and `n_pairs` numbers, each pair of the tile TILE of them.
    unsafe {
        // Loops, not closures over arrays: those are not always compiled for the instruction set.
        let mut scores = [[V::splat(0); C]; R];
        for i in 0..C {
            let offset = V::splat(*c.offsets.as_ptr().add(at + i));
            for of_rows in &mut scores {
                of_rows[i] = offset;
            }
        }
        let (mut x, mut pairs) = (tile.as_ptr().add(first), c.pairs.as_ptr().add(at * n_pairs));
        for _ in 0..n_pairs {
            let mut rows = [V::splat(0); R];
            for (r, rows) in rows.iter_mut().enumerate() {
                *rows = V::load(x.add(r * V::LANES));
            }
            if at == 0 {
                // Those of the next tile but one: the scores of one take no longer than a line from memory.
                prefetch(x.wrapping_add(2 * tile.len()), R * V::LANES);
            }
            for i in 0..C {
                let centroid = V::splat(*pairs.add(i * n_pairs));
                for r in 0..R {
                    scores[r][i] = scores[r][i].add_products(rows[r], centroid);
                }
            }
            x = x.add(TILE);
            pairs = pairs.add(1);
        }
        let tags_of = c.tags.as_ptr().add(at);
        for (r, of_rows) in scores.iter().enumerate() {
            let place = first + r * V::LANES;
            let (best_at, second_at) =
                (found.best.as_mut_ptr().add(place), found.second.as_mut_ptr().add(place));
            let tags_at = found.tags.as_mut_ptr().add(place);
            let (mut best, mut second, mut tags) = (V::load(best_at), V::load(second_at), V::load(tags_at));
            for i in 0..C {
                let score = of_rows[i];
                second = second.min(best.max(score));
                tags = score.tag_less(best, V::splat(*tags_of.add(i)), tags);
                best = best.min(score);
            }
            best.store(best_at);
            second.store(second_at);
            tags.store(tags_at);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::shorts::Steps;
    use super::super::{Centroids, Rows, Scratch};
    use super::*;
    use crate::rng::{Purpose, stream, uniform};

    #[test]
    fn every_instruction_set_finds_the_same_labels_and_doubts_the_same_rows() {
        for (n, k, d) in [(1, 2, 1), (97, 13, 7), (500, 100, 20)] {
            let mut rng = stream(n as u64, Purpose::Noise, d as u64);
            let mut draw = |n: usize| -> Vec<f64> { (0..n).map(|_| uniform(&mut rng) - 0.5).collect() };
            let (x, centers, shift) = (draw(n * d), draw(k * d), vec![0.0; d]);
            let rows = Rows { x: &x, weights: &[], n_features: d };
            let mut tiles = vec![0; ShortRows::size(n, d)];
            let mut scratch = Scratch::new(d, Isa::Portable);
            let steps = Steps::cut(&rows, &shift, None, &mut scratch, &mut tiles);
            let c = ShortCentroids::new(&Centroids::<f64>::new(&centers, &shift), steps.scale());
            let found = |isa, dots| {
                let (mut labels, mut unsure) = (vec![9; n], Vec::new());
                assign_by(isa, dots, &tiles, &c, &mut labels, &mut unsure);
                (labels, unsure)
            };
            let expected = found(Isa::Portable, false);
            assert!(expected.1.len() * 10 <= n, "{n} × {d}, k = {k}: {} in doubt", expected.1.len());
            for isa in Isa::available() {
                for dots in [false, true] {
                    assert_eq!(found(isa, dots), expected, "{n} × {d}, k = {k}, {isa:?} {dots}");
                }
            }
        }
    }
}
