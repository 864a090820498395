use super::*;
use crate::data::generated::test::{all_blocks, first_of_block_one, same_bits_for_any_slices};

fn params(text: &str) -> BlobsParams {
    toml::from_str(text).unwrap()
}

fn blobs(text: &str, seed: u64, block_rows: usize) -> Result<Blobs> {
    Blobs::new(&params(text), Path::new("/nonexistent"), seed, Some(block_rows))
}

#[test]
fn defaults_are_scikit_learns() {
    let blobs = Blobs::new(&params(""), Path::new(""), 0, None).unwrap();
    let shape = BlockSource::<f64>::shape(&blobs);
    assert_eq!((shape.n_samples, shape.n_features, blobs.n_centers), (100, 2, 3));
    assert!(blobs.centers().iter().all(|c| (-10.0..=10.0).contains(c)));
}

#[test]
fn bits_are_the_same_for_any_slices() {
    let source = blobs("n_samples = 1000\nn_features = 7\ncenters = 4", 3, 64).unwrap();
    same_bits_for_any_slices::<f64>(&source);
    same_bits_for_any_slices::<f32>(&source);
}

#[test]
fn blocks_are_made_of_their_parts() {
    let source = blobs("n_samples = 25_000\nn_features = 20\ncenters = 4", 3, 10_000).unwrap();
    assert_eq!(BlockSource::<f64>::part_rows(&source), 2500);
    same_bits_for_any_slices::<f64>(&source);
}

/// Mean and variance of each column among the rows of `center`.
fn moments(x: &[f64], y: &[f64], d: usize, center: f64) -> Vec<(f64, f64)> {
    let rows: Vec<&[f64]> = x.chunks_exact(d).zip(y).filter(|(_, y)| **y == center).map(|(x, _)| x).collect();
    let n = rows.len() as f64;
    (0..d)
        .map(|j| {
            let mean = rows.iter().map(|row| row[j]).sum::<f64>() / n;
            (mean, rows.iter().map(|row| (row[j] - mean).powi(2)).sum::<f64>() / n)
        })
        .collect()
}

fn follows_the_model<T: Real>() {
    let text = "n_samples = 100_000\nn_features = 5\ncenters = 4\ncluster_std = [0.5, 1, 2, 0]\ncenter_box = [-3, 8]";
    let source = blobs(text, 11, 777).unwrap();
    let (x, y) = all_blocks::<T>(&source);
    for (center, std) in [0.5, 1.0, 2.0, 0.0].into_iter().enumerate() {
        for (j, (mean, variance)) in moments(&x, &y, 5, center as f64).into_iter().enumerate() {
            let expected = source.centers()[center * 5 + j];
            assert!((-3.0..=8.0).contains(&expected));
            // 25,000 rows: five standard deviations, and what f32 rounds.
            assert!((mean - expected).abs() <= 5.0 * std / 158.1 + 1e-6, "{center}, {j}: {mean}, {expected}");
            let relative = 5.0 * (2.0f64 / 25_000.0).sqrt();
            assert!(
                (variance - std * std).abs() <= relative * std * std + 1e-12,
                "{center}, {j}: {variance}"
            );
        }
    }
}

#[test]
fn blobs_have_their_centers_and_deviations() {
    follows_the_model::<f64>();
    follows_the_model::<f32>();
}

#[test]
fn rows_are_spread_evenly_over_the_whole_and_over_blocks() {
    let source = blobs("n_samples = 1003\ncenters = 7", 1, 100).unwrap();
    let (_, y) = all_blocks::<f64>(&source);
    let count = |rows: &[f64], center: u8| rows.iter().filter(|&&y| y == f64::from(center)).count();
    for center in 0..7 {
        assert!((143..=144).contains(&count(&y, center)));
        y.chunks(100).take(10).for_each(|block| assert!((14..=15).contains(&count(block, center))));
    }
    let turns: Vec<f64> = (0..1003).map(|i| f64::from(i % 7)).collect();
    assert_ne!(y, turns, "rows are not in random order");
}

#[test]
fn unshuffled_rows_are_sorted_by_center() {
    let source = blobs("n_samples = 100\ncenters = 3\nshuffle = false", 1, 30).unwrap();
    let (_, y) = all_blocks::<f64>(&source);
    assert!(y.is_sorted());
    assert_eq!([0.0, 1.0, 2.0].map(|c| y.iter().filter(|&&y| y == c).count()), [34, 33, 33]);
}

#[test]
fn seeds_and_blocks_differ() {
    let source = |seed| blobs("n_samples = 200\ncenters = 1\ncenter_box = [0, 0]", seed, 100).unwrap();
    let (zero, one) = (all_blocks::<f64>(&source(0)).0, all_blocks::<f64>(&source(1)).0);
    assert!(zero.iter().zip(&one).all(|(a, b)| a != b));
    assert!(zero[..200].iter().zip(&zero[200..]).all(|(a, b)| a != b));
}

#[test]
fn centers_come_from_a_file() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("c.csv"), "a,b,c\n1,2,3\n40,50,60\n").unwrap();
    let text = "n_samples = 10\ncenters = \"c.csv\"\ncluster_std = 0";
    let source = Blobs::new(&params(text), dir.path(), 0, None).unwrap();
    let (x, y) = all_blocks::<f64>(&source);
    for (row, y) in x.chunks_exact(3).zip(y) {
        assert_eq!(row, if y == 0.0 { [1.0, 2.0, 3.0] } else { [40.0, 50.0, 60.0] });
    }
    let error = Blobs::new(&params(&format!("{text}\nn_features = 4")), dir.path(), 0, None).unwrap_err();
    assert_eq!(error.to_string(), "data.n_features: expected 3, as c.csv has, found 4");
}

#[test]
fn bad_parameters_are_named() {
    for (text, message) in [
        ("n_samples = 0", "data.n_samples: expected an integer of at least 1, found 0"),
        ("n_features = 0", "data.n_features: expected an integer of at least 1, found 0"),
        ("centers = 0", "data.centers: expected an integer of at least 1, found 0"),
        (
            "centers = 1_000_000_000_000",
            "data.centers: expected at most 268435456 numbers in all centers, found",
        ),
        ("cluster_std = -1", "data.cluster_std: expected a finite number of at least 0, found -1"),
        ("cluster_std = nan", "data.cluster_std: expected a finite number of at least 0, found NaN"),
        (
            "cluster_std = [1, 2]",
            "data.cluster_std: expected a number or 3 numbers, one per center, found 2 numbers",
        ),
        (
            "center_box = [1, -1]",
            "data.center_box: expected two finite numbers, the smaller first, found [1, -1]",
        ),
        (
            "center_box = [0, inf]",
            "data.center_box: expected two finite numbers, the smaller first, found [0, inf]",
        ),
        ("centers = \"none.csv\"", "/nonexistent/none.csv: no such file of centers"),
    ] {
        let error = blobs(text, 0, 10).unwrap_err().to_string();
        assert!(error.starts_with(message), "{text}: {error}");
    }
    let error = Blobs::new(&params(""), Path::new(""), 0, Some(0)).unwrap_err().to_string();
    assert_eq!(error, "data.block_rows: expected an integer of at least 1, found 0");
}

#[test]
fn what_does_not_parse_says_what_the_key_takes() {
    for (text, message) in [
        ("center = 3", "unknown field `center`"),
        ("centers = -3", "a number of centers, or a file with one center a line"),
        ("cluster_std = \"wide\"", "a number, or a list of one number per center"),
        ("center_box = [1]", "an array of length 2"),
    ] {
        let error = toml::from_str::<BlobsParams>(text).unwrap_err().to_string();
        assert!(error.contains(message), "{text}: {error}");
    }
}

#[test]
fn parameters_survive_being_written() {
    let given = params("n_samples = 5\ncenters = \"c.csv\"\ncluster_std = [1, 2]");
    assert_eq!(toml::from_str::<BlobsParams>(&toml::to_string(&given).unwrap()).unwrap(), given);
}

#[test]
fn a_seed_goes_on_giving_the_same_rows() {
    assert_eq!(
        first_of_block_one(&blobs("n_samples = 300", 1, 100).unwrap()),
        [13_843_074_980_475_318_868, 0]
    );
}
