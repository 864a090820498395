use super::*;
use crate::data::generated::test::{all_blocks, first_of_block_one, same_bits_for_any_slices};

fn problem(text: &str, block_rows: usize) -> Result<Classification> {
    Classification::new(&toml::from_str(text).unwrap(), 17, Some(block_rows))
}

fn column(x: &[f64], d: usize, j: usize) -> Vec<f64> {
    x.iter().copied().skip(j).step_by(d).collect()
}

fn columns_of(source: &Classification, kind: FeatureKind) -> Vec<usize> {
    (0..source.feature_kinds().len()).filter(|&j| source.feature_kinds()[j] == kind).collect()
}

fn shares(y: &[f64], n_classes: usize) -> Vec<f64> {
    (0..n_classes).map(|c| y.iter().filter(|&&y| y == c as f64).count() as f64 / y.len() as f64).collect()
}

#[test]
fn bits_are_the_same_for_any_slices() {
    let source = problem("n_samples = 1500\nn_informative = 3\nn_repeated = 2\nflip_y = 0.2", 64).unwrap();
    same_bits_for_any_slices::<f64>(&source);
    same_bits_for_any_slices::<f32>(&source);
}

#[test]
fn f32_rows_are_the_rounded_f64_rows() {
    let source = problem("n_samples = 300", 64).unwrap();
    let ((wide, y), (narrow, y32)) = (all_blocks::<f64>(&source), all_blocks::<f32>(&source));
    assert!(wide.iter().zip(&narrow).all(|(&a, &b)| f64::from(a as f32) == b) && y == y32);
}

#[test]
fn classes_have_their_weights_over_the_whole_and_in_every_block() {
    let text = "n_samples = 20_000\nn_classes = 3\nn_informative = 3\nweights = [0.7, 0.25]\nflip_y = 0";
    let (_, y) = all_blocks::<f64>(&problem(text, 1000).unwrap());
    assert_eq!(shares(&y, 3), [0.7, 0.25, 0.05]);
    for block in y.chunks(1000) {
        for (found, weight) in shares(block, 3).iter().zip([0.7, 0.25, 0.05]) {
            assert!((found - weight).abs() <= 0.012, "{found} of {weight}");
        }
        assert!(!block.is_sorted());
    }
}

#[test]
fn cluster_sizes_are_scikit_learns() {
    let counts = |text: &str| toml::from_str::<ClassificationParams>(text).unwrap().cluster_counts();
    // Runs of equal y of scikit-learn 1.9.1's make_classification(shuffle=False, flip_y=0).
    assert_eq!(counts("n_samples = 103"), [26, 26, 26, 25]);
    assert_eq!(counts("n_samples = 103\nweights = [0.9]"), [47, 5, 46, 5]);
    assert_eq!(counts("n_samples = 100\nweights = [0.2, 0.2]"), [25, 25, 25, 25]);
    let three = "n_classes = 3\nn_informative = 3\nweights = [0.15, 0.65, 0.2]";
    assert_eq!(counts(&format!("n_samples = 1009\n{three}")), [76, 328, 101, 76, 328, 100]);
    let tenths =
        "n_classes = 10\nn_clusters_per_class = 1\nweights = [0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1]";
    assert_eq!(counts(&format!("n_samples = 1000\n{tenths}")).iter().sum::<u64>(), 1000);
}

#[test]
fn the_stated_share_of_labels_is_drawn_anew() {
    let text = "n_samples = 50_000\nn_classes = 4\nn_informative = 4\nflip_y = ";
    let labels = |flip: &str| all_blocks::<f64>(&problem(&format!("{text}{flip}"), 999).unwrap());
    let ((x, clean), (same_x, flipped)) = (labels("0"), labels("0.3"));
    assert_eq!(x, same_x);
    let changed: Vec<(f64, f64)> =
        clean.iter().copied().zip(flipped).filter(|(clean, flipped)| clean != flipped).collect();
    // A label drawn anew is the old one in a quarter of cases.
    let share = changed.len() as f64 / 50_000.0;
    assert!((share - 0.225).abs() < 5.0 * (0.225f64 * 0.775 / 50_000.0).sqrt(), "{share}");
    let news: Vec<f64> = changed.iter().map(|pair| pair.1).collect();
    assert!(shares(&news, 4).iter().all(|share| (share - 0.25).abs() < 0.03));
    let (_, all) = labels("1");
    assert!(shares(&all, 4).iter().all(|share| (share - 0.25).abs() < 0.01));
}

#[test]
fn clusters_lie_on_different_corners_with_the_covariance_of_their_matrix() {
    let text = "n_samples = 80_000\nn_features = 3\nn_informative = 3\nn_redundant = 0\nn_classes = 4\n\
                flip_y = 0\nclass_sep = 2.5\nshuffle = false";
    let source = problem(text, 1234).unwrap();
    let (x, y) = all_blocks::<f64>(&source);
    let corners: std::collections::BTreeSet<Vec<bool>> =
        source.centroids().chunks(3).map(|c| c.iter().map(|&v| v > 0.0).collect()).collect();
    assert_eq!(corners.len(), 8);
    assert!(source.centroids().iter().all(|c| c.abs() == 2.5));
    // Unshuffled, cluster k is rows 10,000 k to 10,000 (k + 1) and of class k mod 4.
    for (k, rows) in x.chunks_exact(30_000).enumerate() {
        assert!(y[k * 10_000..(k + 1) * 10_000].iter().all(|&class| class == (k % 4) as f64));
        let matrix = &source.design.matrices[k * 9..(k + 1) * 9];
        assert!(matrix.iter().all(|v| v.abs() <= 1.0));
        let centroid = &source.centroids()[k * 3..(k + 1) * 3];
        let column = |j: usize| column(rows, 3, j).into_iter().map(move |v| v - centroid[j]);
        for a in 0..3 {
            let exact = |b: usize| (0..3).map(|i| matrix[i * 3 + a] * matrix[i * 3 + b]).sum::<f64>();
            let mean = column(a).sum::<f64>() / 10_000.0;
            assert!(mean.abs() < 5.0 * (exact(a) / 10_000.0).sqrt(), "cluster {k}, feature {a}: {mean}");
            for b in 0..3 {
                let found = column(a).zip(column(b)).map(|(a, b)| a * b).sum::<f64>() / 10_000.0;
                // The entries of a covariance matrix have deviations of at most √2 · 3 / 100 here.
                assert!((found - exact(b)).abs() < 5.0 * 0.0425, "cluster {k}: {found}, {}", exact(b));
            }
        }
    }
}

/// The part of `target` that no combination of `basis` explains, as a share of its length (Gram–Schmidt, twice).
fn unexplained(basis: &[Vec<f64>], target: &[f64]) -> f64 {
    let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
    let reduce = |vector: &[f64], basis: &[Vec<f64>]| {
        let mut rest = vector.to_vec();
        for _ in 0..2 {
            for b in basis {
                let share = dot(&rest, b) / dot(b, b);
                rest.iter_mut().zip(b).for_each(|(r, b)| *r -= share * b);
            }
        }
        rest
    };
    let mut orthogonal: Vec<Vec<f64>> = Vec::new();
    for vector in basis {
        let rest = reduce(vector, &orthogonal);
        orthogonal.push(rest);
    }
    let rest = reduce(target, &orthogonal);
    (dot(&rest, &rest) / dot(target, target)).sqrt()
}

#[test]
fn redundant_columns_are_combinations_and_repeated_ones_equal() {
    let text = "n_samples = 500\nn_features = 15\nn_informative = 4\nn_redundant = 3\nn_repeated = 4";
    let source = problem(text, 100).unwrap();
    let (x, _) = all_blocks::<f64>(&source);
    let column = |j| column(&x, 15, j);
    let basis: Vec<Vec<f64>> =
        columns_of(&source, FeatureKind::Informative).into_iter().map(column).collect();
    let redundant = columns_of(&source, FeatureKind::Redundant);
    let random = columns_of(&source, FeatureKind::Random);
    assert_eq!((basis.len(), redundant.len(), random.len()), (4, 3, 4));
    for (i, j) in redundant.into_iter().enumerate() {
        assert!(unexplained(&basis, &column(j)) < 1e-13, "redundant {i}");
    }
    for i in 0..4 {
        let others: Vec<_> =
            basis.iter().enumerate().filter(|(k, _)| *k != i).map(|(_, c)| c.clone()).collect();
        assert!(unexplained(&others, &basis[i]) > 0.01, "informative {i} follows from the others");
    }
    for j in random {
        assert!(unexplained(&basis, &column(j)) > 0.9, "random column {j}");
    }
    let mut n_repeated = 0;
    for (j, kind) in source.feature_kinds().iter().enumerate() {
        if let FeatureKind::Repeated { of } = kind {
            assert_eq!(column(j), column(*of));
            n_repeated += 1;
        }
    }
    assert_eq!(n_repeated, 4);
}

#[test]
fn columns_stand_in_scikit_learns_order_unless_shuffled() {
    use FeatureKind::{Informative, Random, Redundant};
    let text = "n_features = 6\nn_informative = 2\nn_redundant = 1\nn_repeated = 1";
    let sorted = problem(&format!("{text}\nshuffle = false"), 50).unwrap();
    assert_eq!(sorted.feature_kinds()[..3], [Informative, Informative, Redundant]);
    assert!(matches!(sorted.feature_kinds()[3], FeatureKind::Repeated { of: 0..3 }));
    assert_eq!(sorted.feature_kinds()[4..], [Random, Random]);
    assert_ne!(problem(text, 50).unwrap().feature_kinds(), sorted.feature_kinds());
}

#[test]
fn shift_and_scale_apply_to_every_feature_in_that_order() {
    let text = "n_samples = 200\nn_features = 6\nn_repeated = 1\nshuffle = false\n";
    let (plain, _) = all_blocks::<f64>(&problem(text, 64).unwrap());
    let moved = format!("{text}shift = [1, 2, 3, 4, 5, 6]\nscale = [2, 3, 4, 5, 6, 7]");
    let (moved, _) = all_blocks::<f64>(&problem(&moved, 64).unwrap());
    for (i, (plain, moved)) in plain.iter().zip(moved).enumerate() {
        let j = (i % 6) as f64;
        assert!(((plain + 1.0 + j) * (2.0 + j) - moved).abs() < 1e-12 * moved.abs().max(10.0));
    }
    let random =
        problem(&format!("{text}shift = \"random\"\nscale = \"random\"\nclass_sep = 3"), 64).unwrap();
    assert!(random.design.shift.iter().all(|v| (-3.0..3.0).contains(v)));
    assert!(random.design.scale.iter().all(|v| (1.0..101.0).contains(v)));
    assert!(random.design.scale.windows(2).all(|pair| pair[0] != pair[1]));
}

#[test]
fn a_polytope_lies_within_the_hypercube() {
    let source = problem("hypercube = false\nn_informative = 5", 50).unwrap();
    assert!(source.centroids().iter().all(|c| c.abs() < 1.0));
}

#[test]
fn more_than_thirty_informative_features_work() {
    let source = problem("n_features = 70\nn_informative = 66\nn_samples = 20", 50).unwrap();
    same_bits_for_any_slices::<f64>(&source);
}

#[test]
fn bad_parameters_are_named() {
    for (text, message) in [
        ("n_samples = 0", "data.n_samples: expected an integer of at least 1, found 0"),
        ("n_features = 0", "data.n_features: expected an integer of at least 1, found 0"),
        ("n_informative = 0", "data.n_informative: expected an integer of at least 1, found 0"),
        (
            "n_informative = 10\nn_redundant = 10\nn_repeated = 1",
            "data.n_informative: expected n_informative + n_redundant + n_repeated of at most n_features = 20, \
             found 10 + 10 + 1",
        ),
        ("n_classes = 0", "data.n_classes: expected an integer of at least 1, found 0"),
        ("n_clusters_per_class = 0", "data.n_clusters_per_class: expected an integer of at least 1, found 0"),
        (
            "n_classes = 3",
            "data.n_clusters_per_class: expected n_classes * n_clusters_per_class of at most 2^n_informative, \
             n_informative = 2, found 3 * 2",
        ),
        (
            "weights = []",
            "data.weights: expected 2 numbers, one per class, or 1 without the last, found 0 numbers",
        ),
        ("weights = [0.5, 0.7]", "data.weights: expected shares whose sum is at most 1, found a sum of 1.2"),
        ("weights = [-0.5]", "data.weights: expected a number from 0 to 1, found -0.5"),
        ("flip_y = 1.5", "data.flip_y: expected a number from 0 to 1, found 1.5"),
        ("class_sep = 0", "data.class_sep: expected a finite number above 0, found 0"),
        ("scale = 0", "data.scale: expected a finite number above 0, found 0"),
        (
            "shift = [1, 2]",
            "data.shift: expected a number, 20 numbers (one per feature) or \"random\", found 2 numbers",
        ),
        ("shift = nan", "data.shift: expected a finite number, found NaN"),
    ] {
        assert_eq!(problem(text, 10).unwrap_err().to_string(), message, "{text}");
    }
    let huge = "n_features = 3000\nn_informative = 2000\nn_classes = 1000";
    let error = problem(huge, 10).unwrap_err().to_string();
    assert!(error.contains("at most 134217728"), "{error}");
}

#[test]
fn what_does_not_parse_says_what_the_key_takes() {
    for (text, message) in [
        ("n_class = 3", "unknown field `n_class`"),
        ("shift = \"rand\"", "a number, a list of one number per feature, or \"random\""),
    ] {
        let error = toml::from_str::<ClassificationParams>(text).unwrap_err().to_string();
        assert!(error.contains(message), "{text}: {error}");
    }
    let given: ClassificationParams =
        toml::from_str("shift = \"random\"\nweights = [0.3]\nscale = 2").unwrap();
    assert_eq!(toml::from_str::<ClassificationParams>(&toml::to_string(&given).unwrap()).unwrap(), given);
}

#[test]
fn a_seed_goes_on_giving_the_same_rows() {
    assert_eq!(
        first_of_block_one(&problem("n_samples = 300", 100).unwrap()),
        [13_829_450_588_870_229_636, 4_607_182_418_800_017_408]
    );
}
