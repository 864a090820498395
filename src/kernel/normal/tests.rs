use super::pair::{minus_two_ln, minus_two_ln32, pair, pair32, sin_cos, sin_cos32};
use super::words::TILE_WORDS;
use super::*;
use crate::rng::{Purpose, state};

/// The transform of one tile, pair by pair.
trait Reference: Real {
    fn tile(words: &[u64; TILE_WORDS]) -> Vec<Self>;
    fn bits(self) -> u64;
}

impl Reference for f64 {
    fn tile(words: &[u64; TILE_WORDS]) -> Vec<f64> {
        let (radii, angles) = words.split_at(TILE_WORDS / 2);
        let pairs: Vec<_> = radii.iter().zip(angles).map(|(&r, &a)| pair(r, a)).collect();
        pairs.iter().map(|p| p.0).chain(pairs.iter().map(|p| p.1)).collect()
    }
    fn bits(self) -> u64 {
        self.to_bits()
    }
}

impl Reference for f32 {
    fn tile(words: &[u64; TILE_WORDS]) -> Vec<f32> {
        let halves: Vec<u32> = words.iter().flat_map(|&w| [w as u32, (w >> 32) as u32]).collect();
        let (radii, angles) = halves.split_at(TILE_WORDS);
        let pairs: Vec<_> = radii.iter().zip(angles).map(|(&r, &a)| pair32(r, a)).collect();
        pairs.iter().map(|p| p.0).chain(pairs.iter().map(|p| p.1)).collect()
    }
    fn bits(self) -> u64 {
        self.to_bits().into()
    }
}

fn reference<T: Reference>(seed: [u64; 4], count: usize, mixture: Option<&Mixture<'_, T>>) -> Vec<u64> {
    let (mut words, mut tile) = (Words::new(seed), [0; TILE_WORDS]);
    let mut values = Vec::new();
    while values.len() < count {
        words.fill_reference(&mut tile);
        values.extend(T::tile(&tile));
    }
    values.truncate(count);
    if let Some(m) = mixture {
        for (i, value) in values.iter_mut().enumerate() {
            let component = m.assignment[i / m.n_features] as usize;
            let mean = m.means[component * m.n_features + i % m.n_features];
            *value = value.mul_add(m.stds[component], mean);
        }
    }
    values.into_iter().map(T::bits).collect()
}

fn bits<T: Reference>(values: &[T]) -> Vec<u64> {
    values.iter().map(|value| value.bits()).collect()
}

fn every_isa_matches<T: Reference>() {
    let seed = [9, 8, 7, 6];
    for count in [0, 1, 7, 8, 9, 511, 512, 513, 1023, 1024, 1025, 3001] {
        let expected = reference::<T>(seed, count, None);
        for isa in Isa::available() {
            // One more in front, so that the start is not aligned.
            let mut out = vec![T::ZERO; count + 1];
            Normal::with_isa(seed, isa).fill(&mut out[1..]);
            assert_eq!(bits(&out[1..]), expected, "{isa:?}, {count} of {}", T::NAME);
        }
    }
    for (n_rows, n_features) in [(700, 1), (129, 3), (97, 20), (60, 37), (3, 1025)] {
        let assignment: Vec<u32> = (0..n_rows).map(|i| i * 7 % 5).collect();
        let means: Vec<T> = (0..5 * n_features).map(|i| T::from_f64((i as f64).sin() * 9.0)).collect();
        let stds: Vec<T> = (0..5).map(|i| T::from_f64(0.3 * f64::from(i))).collect();
        let mixture = Mixture { n_features, assignment: &assignment, means: &means, stds: &stds };
        let count = n_rows as usize * n_features;
        let expected = reference(seed, count, Some(&mixture));
        for isa in Isa::available() {
            let mut out = vec![T::ZERO; count];
            Normal::with_isa(seed, isa).fill_mixture(&mut out, &mixture);
            assert_eq!(bits(&out), expected, "{isa:?}, {n_rows} x {n_features} of {}", T::NAME);
        }
    }
}

#[test]
fn every_instruction_set_gives_the_bits_of_the_reference() {
    every_isa_matches::<f64>();
    every_isa_matches::<f32>();
}

#[test]
fn the_numbers_stay_what_they_are() {
    let (mut wide, mut narrow) = ([0.0f64; 2], [0.0f32; 2]);
    Normal::new([1, 2, 3, 4]).fill(&mut wide);
    Normal::new([1, 2, 3, 4]).fill(&mut narrow);
    // Results can be repeated only while these stay.
    assert_eq!(
        (wide.map(f64::to_bits), narrow.map(f32::to_bits)),
        ([13_745_358_589_705_784_649, 4_612_145_567_789_483_543], [1_077_240_131, 3_234_307_997])
    );
}

/// The relative error of `found`, in units of `epsilon`.
fn error(found: f64, exact: f64, epsilon: f64) -> f64 {
    if found == exact { 0.0 } else { (found - exact).abs() / (exact.abs() * epsilon) }
}

#[test]
fn logarithm_sine_and_cosine_are_near_the_exact_values() {
    let (wide, narrow) = (f64::EPSILON, f64::from(f32::EPSILON));
    let least = 1.0 / (1u64 << 52) as f64;
    // Where the range reduction turns over, and the number before it.
    let [turn, before] = [0, 1].map(|bit| f64::from_bits(0x3fe6_a09e_0000_0000 - bit));
    let edges = [least, 2.0 * least, 3.0 * least, 0.5, before, turn, 1.0 - least, 1.0 - 2.0 * least];
    let mut rng = crate::rng::stream(1, Purpose::Noise, 0);
    let random: Vec<f64> = (0..1_000_000).map(|_| crate::rng::uniform(&mut rng)).collect();
    let mut worst = [0.0f64; 6];
    for &u in edges.iter().chain(&random) {
        let (t, t32) = (u - 0.5, (u - 0.5) as f32);
        let k = (u * 4_294_967_296.0) as u32;
        let exact32 = -2.0 * ((f64::from(k) + 0.5) / 4_294_967_296.0).ln();
        let angle = std::f64::consts::FRAC_PI_2 * t;
        let angle32 = std::f64::consts::FRAC_PI_2 * f64::from(t32);
        let ((sin, cos), (sin32, cos32)) = (sin_cos(t), sin_cos32(t32));
        let errors = [
            error(minus_two_ln(u), -2.0 * u.ln(), wide),
            error(sin, angle.sin(), wide),
            error(cos, angle.cos(), wide),
            error(minus_two_ln32(k).into(), exact32, narrow),
            error(sin32.into(), angle32.sin(), narrow),
            error(cos32.into(), angle32.cos(), narrow),
        ];
        worst = std::array::from_fn(|i| worst[i].max(errors[i]));
    }
    // What the functions state; the standard library's own half a unit is in the figures too.
    let stated = [2.5, 1.5, 1.0, 2.0, 1.5, 1.0];
    assert!(worst.iter().zip(stated).all(|(&worst, stated)| worst <= stated), "{worst:?}");
}

#[test]
fn no_word_gives_an_infinity_or_more_than_the_stated_bound() {
    let words = [0, 1, u64::MAX, 1 << 63, (1 << 63) - 1, 0xfff, 0x1000, !0xfff, 1 << 62, 1 << 31, 1 << 32];
    for radius in words {
        for angle in words {
            let (a, b) = pair(radius, angle);
            assert!(a.abs() <= 8.5 && b.abs() <= 8.5, "{radius:x} {angle:x}: {a}, {b}");
            let (a, b) = pair32(radius as u32, (angle >> 32) as u32);
            assert!(a.abs() <= 6.8 && b.abs() <= 6.8, "{radius:x} {angle:x}: {a}, {b}");
        }
    }
    assert!(pair(u64::MAX, 0).0.hypot(pair(u64::MAX, 0).1) > 8.4);
    assert!(pair32(0, 0).0.hypot(pair32(0, 0).1) > 6.7);
}

const COUNT: usize = 1 << 22;

fn draws<T: Real>(block: u64) -> Vec<f64> {
    let mut out = vec![T::ZERO; COUNT];
    Normal::new(state(42, Purpose::Noise, block)).fill(&mut out);
    out.into_iter().map(T::to_f64).collect()
}

/// Means of the first four powers: their exact values and variances are 0, 1, 0, 3 and 1, 2, 15, 96.
fn check_moments(z: &[f64], name: &str) {
    let n = z.len() as f64;
    for (power, exact, variance) in [(1, 0.0, 1.0), (2, 1.0, 2.0), (3, 0.0, 15.0), (4, 3.0, 96.0f64)] {
        let mean = z.iter().map(|z| z.powi(power)).sum::<f64>() / n;
        let sigmas = (mean - exact) / (variance / n).sqrt();
        assert!(sigmas.abs() < 4.0, "{name}: power {power}: {sigmas} standard deviations off");
    }
}

/// The distribution function by its series (Marsaglia 2004, "Evaluating the normal distribution").
fn normal_cdf(x: f64) -> f64 {
    if x.abs() > 8.0 {
        return f64::from(x > 0.0);
    }
    let (mut sum, mut term, mut k) = (x, x, 1.0);
    while term.abs() > 1e-17 * sum.abs() {
        k += 2.0;
        term *= x * x / k;
        sum += term;
    }
    0.5 + sum * (-0.5 * x * x).exp() / std::f64::consts::TAU.sqrt()
}

fn check_distribution(mut z: Vec<f64>, name: &str) {
    let n = z.len() as f64;
    // Shares beyond 3, 4 and 5 standard deviations, both sides.
    for (bound, share) in [(3.0, 2.699_796e-3), (4.0, 6.334_248e-5), (5.0, 5.733_031e-7)] {
        let found = z.iter().filter(|z| z.abs() > bound).count() as f64;
        let deviation = (n * share).sqrt();
        assert!(
            (found - n * share).abs() < 4.0 * deviation,
            "{name}: {found} beyond {bound}, not {}",
            n * share
        );
    }
    z.sort_unstable_by(f64::total_cmp);
    let distance = z.iter().enumerate().fold(0.0f64, |worst, (i, &z)| {
        let cdf = normal_cdf(z);
        worst.max(cdf - i as f64 / n).max((i + 1) as f64 / n - cdf)
    });
    // Kolmogorov's distribution: a larger distance has probability 0.001.
    assert!(distance * n.sqrt() < 1.95, "{name}: Kolmogorov-Smirnov {}", distance * n.sqrt());
    let (least, most) = (z[0], z[z.len() - 1]);
    // Largest of 2²² draws: between these with probability 0.999.
    assert!((4.7..6.5).contains(&most) && (4.7..6.5).contains(&-least), "{name}: {least} to {most}");
}

#[test]
fn draws_are_standard_normal() {
    for block in [0, 1] {
        check_moments(&draws::<f64>(block), "f64");
        check_moments(&draws::<f32>(block), "f32");
        check_distribution(draws::<f64>(block), "f64");
        check_distribution(draws::<f32>(block), "f32");
    }
}

/// The correlation of two samples of mean 0 and variance `variance`, in standard deviations of its own.
fn correlation(a: impl Iterator<Item = f64>, b: impl Iterator<Item = f64>, n: usize, variance: f64) -> f64 {
    a.zip(b).map(|(a, b)| a * b).sum::<f64>() / (n as f64).sqrt() / variance
}

#[test]
fn draws_do_not_depend_on_their_neighbours() {
    for (here, next) in [(draws::<f64>(0), draws::<f64>(1)), (draws::<f32>(0), draws::<f32>(1))] {
        let squares = |z: &[f64]| z.iter().map(|z| z * z - 1.0).collect::<Vec<_>>();
        let (squared, next_squared) = (squares(&here), squares(&next));
        // Lanes, steps, the two numbers of a pair, tiles; 0 is the same place in the next block.
        for lag in [1, 2, 3, 4, 5, 6, 7, 8, 16, 255, 256, 257, 512, 1024] {
            let n = COUNT - lag;
            let plain = correlation(here.iter().copied(), here[lag..].iter().copied(), n, 1.0);
            let square = correlation(squared.iter().copied(), squared[lag..].iter().copied(), n, 2.0);
            assert!(plain.abs() < 4.0 && square.abs() < 4.0, "lag {lag}: {plain}, {square}");
        }
        let plain = correlation(here.iter().copied(), next.into_iter(), COUNT, 1.0);
        let square = correlation(squared.into_iter(), next_squared.into_iter(), COUNT, 2.0);
        assert!(plain.abs() < 4.0 && square.abs() < 4.0, "blocks: {plain}, {square}");
    }
}
