//! Some numbers of a row, close together.

#[cfg(target_arch = "x86_64")]
use std::arch::x86_64::*;

use crate::kernel::dispatch::dispatched;

/// Numbers that one mask is about.
const W: usize = 16;

/// Which numbers of a row are taken: ascending places.
#[derive(Clone, Debug, Default)]
pub struct Picks {
    /// A bit a number, and how many are set.
    masks: Vec<(u16, u8)>,
    n: usize,
}

impl Picks {
    /// Those at `places`, or none if these do not ascend.
    pub fn new(places: &[u32]) -> Option<Self> {
        if !places.is_sorted_by(|a, b| a < b) {
            return None;
        }
        let n_masks = places.last().map_or(0, |&last| last as usize / W + 1);
        let mut masks = vec![(0, 0); n_masks];
        for &place in places {
            let (mask, count) = &mut masks[place as usize / W];
            *mask |= 1 << (place as usize % W);
            *count += 1;
        }
        Some(Self { masks, n: places.len() })
    }

    /// How many are taken.
    pub fn len(&self) -> usize {
        self.n
    }

    /// Whether none is.
    pub fn is_empty(&self) -> bool {
        self.n == 0
    }

    /// Numbers that there must be room for: some more than are taken.
    pub fn room(n: usize) -> usize {
        n + W
    }
}

dispatched! {
    /// Writes the numbers of `row` that `picks` are about to the start of `out`, which has [room](Picks::room) for them;
    /// what follows them there may be overwritten.
    pub fn pick(row: &[f32], picks: &Picks, out: &mut [f32]) = pick_body, pick_wide
}

#[inline(always)]
fn pick_body(row: &[f32], picks: &Picks, out: &mut [f32]) {
    let mut at = 0;
    for (chunk, &(mask, _)) in row.chunks(W).zip(&picks.masks) {
        at = pick_chunk(chunk, mask, out, at);
    }
}

/// The numbers of one mask, from place `at` on; returns where the next begin.
#[inline(always)]
fn pick_chunk(chunk: &[f32], mut mask: u16, out: &mut [f32], mut at: usize) -> usize {
    while mask != 0 {
        out[at] = chunk[mask.trailing_zeros() as usize];
        mask &= mask - 1;
        at += 1;
    }
    at
}

#[cfg(target_arch = "x86_64")]
#[inline]
#[target_feature(enable = "avx512f,avx512vl,avx512dq,avx512bw")]
fn pick_wide(row: &[f32], picks: &Picks, out: &mut [f32]) {
    assert!(out.len() >= Picks::room(picks.n));
    let (chunks, rest) = row.as_chunks::<W>();
    let mut at = 0;
    for (chunk, &(mask, count)) in chunks.iter().zip(&picks.masks) {
        if mask == 0 {
            continue;
        }
        // SAFETY: the array holds 16 singles, and `at` is at most the number of bits in all masks, so that there is room
        // for 16 more; alignment is not asked for.
        unsafe {
            let taken = _mm512_maskz_compress_ps(mask, _mm512_loadu_ps(chunk.as_ptr()));
            _mm512_storeu_ps(out.as_mut_ptr().add(at), taken);
        }
        at += usize::from(count);
    }
    if let Some(&(mask, _)) = picks.masks.get(chunks.len()) {
        pick_chunk(rest, mask, out, at);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::Isa;
    use crate::rng::{Purpose, stream, uniform};

    #[test]
    fn the_numbers_taken_are_those_at_the_places() {
        let mut rng = stream(4, Purpose::Noise, 0);
        for n in [1, 15, 16, 17, 100, 1003] {
            let row: Vec<f32> = (0..n).map(|i| i as f32 + 0.5).collect();
            for share in [0.0, 0.02, 0.5, 0.97, 1.0] {
                let places: Vec<u32> = (0..n as u32).filter(|_| uniform(&mut rng) < share).collect();
                let picks = Picks::new(&places).expect("ascending places");
                assert_eq!((picks.len(), picks.is_empty()), (places.len(), places.is_empty()));
                let expected: Vec<f32> = places.iter().map(|&place| row[place as usize]).collect();
                for isa in Isa::available() {
                    let mut out = vec![-1.0; Picks::room(places.len())];
                    pick(isa, &row, &picks, &mut out);
                    assert_eq!(out[..places.len()], expected, "{isa:?} {n} {share}");
                }
            }
        }
    }

    #[test]
    fn places_that_do_not_ascend_are_none() {
        assert!(Picks::new(&[3, 5, 5]).is_none() && Picks::new(&[3, 2]).is_none());
        assert!(Picks::new(&[]).is_some_and(|picks| picks.is_empty()));
    }
}
