//! Eight xoshiro256++ generators side by side, one in each SIMD lane.
//!
//! # References
//! Blackman, D. and Vigna, S., "Scrambled linear pseudorandom number generators", ACM Transactions on
//! Mathematical Software 47 (2021), article 36: the generator and its jump polynomial.

/// Generators side by side.
pub(super) const LANES: usize = 8;

/// Random words made at a time.
pub(super) const TILE_WORDS: usize = 512;

/// x^(2¹²⁸) modulo the characteristic polynomial of xoshiro256, lowest power first.
const JUMP: [u64; 4] =
    [0x180e_c6d3_3cfd_0aba, 0xd5a6_1266_f0c9_392c, 0xa958_2618_e03f_c9aa, 0x39ab_dc45_29b1_661c];

/// The state of all lanes: word by word, each word of every lane together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Words {
    pub(super) state: [[u64; LANES]; 4],
}

impl Words {
    /// Lane 0 starts at `seed`, each other lane 2¹²⁸ steps after the one before it.
    pub(super) fn new(seed: [u64; 4]) -> Self {
        let mut state = [[0; LANES]; 4];
        let mut lane_state = seed;
        for lane in 0..LANES {
            for (word, value) in state.iter_mut().zip(lane_state) {
                word[lane] = value;
            }
            if lane + 1 < LANES {
                lane_state = jump(lane_state);
            }
        }
        Self { state }
    }

    /// Fills a tile: the first number of every lane, then the second of every lane, and so on.
    #[inline(always)]
    pub(super) fn fill(&mut self, tile: &mut [u64; TILE_WORDS]) {
        let [mut a, mut b, mut c, mut d] = self.state;
        for step in tile.as_chunks_mut::<LANES>().0 {
            for lane in 0..LANES {
                step[lane] = a[lane].wrapping_add(d[lane]).rotate_left(23).wrapping_add(a[lane]);
                let t = b[lane] << 17;
                c[lane] ^= a[lane];
                d[lane] ^= b[lane];
                b[lane] ^= c[lane];
                a[lane] ^= d[lane];
                c[lane] ^= t;
                d[lane] = d[lane].rotate_left(45);
            }
        }
        self.state = [a, b, c, d];
    }

    /// As [`Words::fill`], lane after lane as the paper writes it.
    #[cfg(test)]
    pub(super) fn fill_reference(&mut self, tile: &mut [u64; TILE_WORDS]) {
        for lane in 0..LANES {
            let mut s = self.state.map(|word| word[lane]);
            for step in 0..TILE_WORDS / LANES {
                tile[step * LANES + lane] = s[0].wrapping_add(s[3]).rotate_left(23).wrapping_add(s[0]);
                s = advance(s);
            }
            for (word, value) in self.state.iter_mut().zip(s) {
                word[lane] = value;
            }
        }
    }
}

/// One step of xoshiro256.
fn advance([a, b, c, d]: [u64; 4]) -> [u64; 4] {
    let (c, d) = (c ^ a, d ^ b);
    [a ^ d, b ^ c, c ^ (b << 17), d.rotate_left(45)]
}

/// The state 2¹²⁸ steps later.
fn jump(mut state: [u64; 4]) -> [u64; 4] {
    let mut sum = [0; 4];
    for word in JUMP {
        for bit in 0..64 {
            if word >> bit & 1 == 1 {
                for (s, value) in sum.iter_mut().zip(state) {
                    *s ^= value;
                }
            }
            state = advance(state);
        }
    }
    sum
}

#[cfg(test)]
mod tests {
    use rand_xoshiro::Xoshiro256PlusPlus;
    use rand_xoshiro::rand_core::{Rng, SeedableRng};

    use super::*;

    #[test]
    fn each_lane_is_the_published_generator_after_its_jumps() {
        let seed = [1, 2, 3, 0x0123_4567_89ab_cdef];
        let mut words = Words::new(seed);
        let mut tiles = [[0; TILE_WORDS]; 2];
        for tile in &mut tiles {
            words.fill(tile);
        }
        let bytes: Vec<u8> = seed.iter().flat_map(|word| word.to_le_bytes()).collect();
        let mut rng = Xoshiro256PlusPlus::from_seed(bytes.try_into().unwrap());
        for lane in 0..LANES {
            let mut ours = tiles.iter().flatten().skip(lane).step_by(LANES);
            let mut theirs = rng.clone();
            assert!(ours.all(|word| *word == theirs.next_u64()), "lane {lane}");
            rng.jump();
        }
    }

    #[test]
    fn the_reference_gives_the_same_words() {
        let (mut fast, mut plain) = (Words::new([5, 6, 7, 8]), Words::new([5, 6, 7, 8]));
        let (mut a, mut b) = ([0; TILE_WORDS], [0; TILE_WORDS]);
        for _ in 0..3 {
            fast.fill(&mut a);
            plain.fill_reference(&mut b);
            assert_eq!(a, b);
            assert_eq!(fast, plain);
        }
    }
}
