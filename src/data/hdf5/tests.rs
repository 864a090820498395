//! Files made by `scripts/golden/make_hdf5_layouts.py` with h5py.

use std::sync::Arc;

use super::*;
use crate::comm::run_threads;
use crate::data::Residency;
use crate::error::ExitCode;
use crate::partition::Slice;
use crate::telemetry::Telemetry;

const N_ROWS: usize = 37;

fn layout(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/layouts").join(name)
}

fn params(file: &str, x: &str) -> Hdf5Params {
    Hdf5Params { x: x.into(), ..Hdf5Params::new(layout(file)) }
}

/// Element (i, j) of every sound dataset, before its type has its way with it.
fn element(i: usize, j: usize) -> f64 {
    ((7 * i + 13 * j) % 41) as f64
}

fn expected(x: &str) -> Vec<f64> {
    let value = |v: f64| match x {
        "bool" => f64::from(v % 2.0 == 0.0),
        _ if x.starts_with('u') => v,
        _ if x.starts_with('i') || x.ends_with("_i2") || x.ends_with("_i4") => v - 20.0,
        _ => (v - 20.0) / 8.0,
    };
    (0..N_ROWS).flat_map(|i| (0..3).map(move |j| value(element(i, j)))).collect()
}

fn read<T: Real>(source: &Hdf5Source, blocks: std::ops::Range<usize>) -> Result<Block<T>> {
    let mut whole = Block::default();
    let mut block = Block::default();
    for index in blocks {
        block.reshape(BlockSource::<T>::shape(source), index);
        source.fill(&mut block)?;
        whole.x.extend_from_slice(&block.x);
        whole.y.extend_from_slice(&block.y);
        whole.weights.extend_from_slice(&block.weights);
    }
    Ok(whole)
}

fn all<T: Real>(params: &Hdf5Params, targets: bool, block_rows: Option<usize>) -> Result<Block<T>> {
    let source = Hdf5Source::open(params, targets, block_rows)?;
    read(&source, 0..source.shape.n_blocks())
}

const SOUND: [&str; 38] = [
    "f2_le",
    "f2_be",
    "f4_le",
    "f4_be",
    "f8_le",
    "f8_be",
    "i1_le",
    "i1_be",
    "i2_le",
    "i2_be",
    "i4_le",
    "i4_be",
    "i8_le",
    "i8_be",
    "u1_le",
    "u1_be",
    "u2_le",
    "u2_be",
    "u4_le",
    "u4_be",
    "u8_le",
    "u8_be",
    "bool",
    "chunked",
    "chunked_rows",
    "chunked_be",
    "gzip",
    "gzip_shuffle",
    "shuffle_i2",
    "fletcher32",
    "lzf",
    "lzf_shuffle_fletcher32",
    "scaleoffset_f8",
    "scaleoffset_i4",
    "resizable",
    "compact",
    "early",
    "group/inner/X",
];

#[test]
fn every_type_and_layout_is_read() {
    for file in ["sound.h5", "latest.h5", "user_block.h5"] {
        for x in SOUND {
            let expected = expected(x);
            for block_rows in [None, Some(1), Some(8), Some(11), Some(1000)] {
                let doubles = all::<f64>(&params(file, x), false, block_rows).unwrap();
                assert_eq!(doubles.x, expected, "{file} {x} in blocks of {block_rows:?}");
                let singles = all::<f32>(&params(file, x), false, block_rows).unwrap();
                assert!(
                    singles.x.iter().map(|&v| f64::from(v)).eq(expected.iter().copied()),
                    "{file} {x} as f32"
                );
            }
        }
    }
}

#[test]
fn ranks_read_their_own_blocks_of_one_file() {
    for x in ["f8_le", "f8_be", "gzip", "chunked"] {
        for size in [1, 2, 3, 7] {
            let parts = run_threads(size, |comm| {
                let source = Hdf5Source::open(&params("sound.h5", x), false, Some(4)).unwrap();
                read::<f64>(&source, Slice::of(source.shape.n_blocks(), comm.rank(), size).blocks).unwrap().x
            });
            assert_eq!(parts.concat(), expected(x));
        }
    }
}

#[test]
fn targets_and_weights_are_read() {
    let mut params = params("sound.h5", "f4_le");
    params.sample_weight = Some("w".into());
    for y in [None, Some("y"), Some("/y"), Some("y_column")] {
        params.y = y.map(String::from);
        let block = all::<f32>(&params, true, Some(5)).unwrap();
        assert!(block.y.iter().enumerate().all(|(i, &y)| y == (i % 3) as f64));
        assert!(block.weights.iter().enumerate().all(|(i, &w)| w == i as f64 / 4.0 + 1.0));
        assert_eq!((block.y.len(), block.weights.len()), (N_ROWS, N_ROWS));
    }
    params.y = Some("no such dataset, but not wanted either".into());
    assert!(all::<f32>(&params, false, None).unwrap().y.is_empty());
}

#[test]
fn text_becomes_classes() {
    for file in ["sound.h5", "latest.h5"] {
        for y in ["vlen_utf8", "vlen_ascii", "vlen_gzip", "fixed_utf8", "fixed_ascii", "column", "spaces"] {
            let params = Hdf5Params { y: Some(format!("labels_{y}")), ..params(file, "f8_le") };
            let source = Hdf5Source::open(&params, true, Some(5)).unwrap();
            assert_eq!(
                BlockSource::<f64>::class_names(&source).unwrap(),
                ["ant", "mole, blind", "zebra"],
                "{y}"
            );
            let block = read::<f64>(&source, 0..source.shape.n_blocks()).unwrap();
            assert!(block.y.iter().enumerate().all(|(i, &y)| y == [2.0, 0.0, 1.0][i % 3]), "{y}");
        }
    }
}

#[test]
fn default_blocks_hold_whole_chunks() {
    let rows = |chunk, n_rows| {
        whole_chunks(&Storage { n_rows, n_columns: 10, n_dims: 2, item_bytes: 8, offset: None, chunk })
    };
    assert_eq!(rows(None, 3_000_000), 2930);
    assert_eq!(rows(Some((100, 3)), 3_000_000), 3000);
    assert_eq!(rows(Some((5000, 10)), 3_000_000), 5000);
    assert_eq!(rows(Some((5000, 10)), 1000), 1000);
    // A single chunk of 800 MB makes no block: it is cut, and held in the cache.
    assert_eq!(rows(Some((10_000_000, 10)), 10_000_000), 9766);
}

const UNSOUND: [(&str, ExitCode, &str); 26] = [
    ("huge", ExitCode::Data, "expected values that were written, found none for shape [1000000000000000000]"),
    (
        "huge_matrix",
        ExitCode::Data,
        "expected values that were written, found none for shape [10000000000000000, 100]",
    ),
    (
        "huge_chunked",
        ExitCode::Data,
        "expected no more values than the file holds, found shape [1000000000000000, 1000] in",
    ),
    (
        "overflowing",
        ExitCode::Data,
        "expected no more values than the file holds, found shape [4611686018427387904",
    ),
    ("never_written", ExitCode::Data, "expected values that were written, found none for shape [37, 3]"),
    (
        "half_written",
        ExitCode::Data,
        "expected values that were written, found 2 of 4 chunks for shape [37, 3]",
    ),
    ("external", ExitCode::Data, "expected a dataset that lies in this file, found external storage"),
    ("virtual", ExitCode::Data, "expected a dataset that lies in this file, found a virtual dataset"),
    ("soft", ExitCode::Data, "expected a dataset that lies in this file, found a soft link"),
    ("abroad", ExitCode::Data, "expected a dataset that lies in this file, found a link into another file"),
    (
        "group_abroad/X",
        ExitCode::Data,
        "expected a dataset that lies in this file, found a link into another file",
    ),
    (
        "one_dimension",
        ExitCode::Data,
        "expected shape (n_samples, n_features), found one dimension, (37,); reshape it with",
    ),
    ("three_dimensions", ExitCode::Data, "expected 1 or 2 dimensions, found shape [2, 3, 4]"),
    ("scalar", ExitCode::Data, "expected an array of rows, found a single value"),
    ("no_rows", ExitCode::Data, "expected at least one value, found shape [0, 3]"),
    ("no_columns", ExitCode::Data, "expected at least one value, found shape [3, 0]"),
    ("text", ExitCode::Data, "expected numbers, found text"),
    ("records", ExitCode::Data, "expected numbers, found records with the fields a, b"),
    ("complex", ExitCode::Data, "expected numbers, found records with the fields r, i"),
    ("long_double", ExitCode::Data, "expected numbers, found a type that is not read"),
    ("enumeration", ExitCode::Data, "expected numbers, found an enumeration"),
    ("zstd", ExitCode::Data, "expected a filter that this HDF5 library knows, found zstd (filter 32015)"),
    ("checksum", ExitCode::Io, "reading: dataset \"checksum\": "),
    ("x", ExitCode::NoInput, "no dataset \"x\" (did you mean \"X\"?); the file's datasets: X, "),
    (
        "group/deep",
        ExitCode::NoInput,
        "no dataset \"group/deep\" (did you mean \"group/deep/values\"?); the file's",
    ),
    ("half_writen", ExitCode::NoInput, "no dataset \"half_writen\" (did you mean \"half_written\"?)"),
];

#[test]
fn unsound_datasets_are_refused() {
    for (x, code, message) in UNSOUND {
        let error = all::<f64>(&params("unsound.h5", x), false, None).unwrap_err();
        assert_eq!(error.exit_code(), code, "{error}");
        assert!(error.to_string().contains(message), "{error}\nlacks {message}");
    }
}

#[test]
fn unsound_targets_are_refused() {
    let cases = [
        ("y", ExitCode::NoInput, "no dataset \"y\""),
        (
            "y_short",
            ExitCode::Data,
            "expected shape (37,), one value for each row of the features, found (36,)",
        ),
        ("y_wide", ExitCode::Data, "found (37, 2)"),
        (
            "labels_unwritten",
            ExitCode::Data,
            "dataset \"labels_unwritten\", row 20: expected a label, found an empty one",
        ),
        ("labels_blank", ExitCode::Data, ", row 4: expected a label, found an empty one"),
        ("labels_latin1", ExitCode::Data, ", row 0: expected a label in UTF-8, found \"caf\u{fffd}\""),
    ];
    for (y, code, message) in cases {
        let params = Hdf5Params { y: Some(y.into()), ..params("unsound.h5", "X") };
        let error = all::<f64>(&params, true, None).unwrap_err();
        assert_eq!(error.exit_code(), code, "{error}");
        assert!(error.to_string().contains(message), "{error}\nlacks {message}");
    }
}

#[test]
fn values_that_are_not_finite_pass_to_the_feed() {
    let source = Hdf5Source::open(&params("unsound.h5", "nan"), false, Some(10)).unwrap();
    let error = crate::data::Table::read::<f64>(&source).unwrap_err().to_string();
    assert!(error.contains("dataset \"nan\", row "), "{error}");
    assert!(error.contains("expected a finite number, found NaN"), "{error}");
}

#[test]
fn a_number_that_single_precision_does_not_hold_is_told_as_it_stands() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("large.h5");
    let file = hdf5::File::create(&path).unwrap();
    let mut x = ndarray::Array2::from_elem((5, 2), 0.5);
    x[[3, 1]] = -1e39;
    file.new_dataset_builder().with_data(&x).create("X").unwrap();
    drop(file);
    assert_eq!(all::<f64>(&Hdf5Params::new(&path), false, Some(2)).unwrap().x[7], -1e39);
    let error = all::<f32>(&Hdf5Params::new(&path), false, Some(2)).unwrap_err();
    assert_eq!(error.exit_code(), ExitCode::Data);
    let told = "row 3, column 1: expected a finite number, found -1e39, too large for f32";
    assert!(error.to_string().contains(told), "{error}");
}

#[test]
fn a_file_that_changes_while_it_is_read_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("rows.h5");
    std::fs::copy(layout("sound.h5"), &path).unwrap();
    let params = Hdf5Params { x: "f8_le".into(), ..Hdf5Params::new(&path) };
    let source = Hdf5Source::open(&params, false, Some(10)).unwrap();
    crate::data::Table::read::<f64>(&source).unwrap();
    let file = std::fs::File::options().write(true).open(&path).unwrap();
    file.set_modified(std::time::SystemTime::UNIX_EPOCH).unwrap();
    let told = |error: Error| {
        assert_eq!(error.exit_code(), ExitCode::Io, "{error}");
        assert!(
            error.to_string().contains("rows.h5: reading: the file has changed since it was opened"),
            "{error}"
        );
    };
    told(crate::data::Table::read::<f64>(&source).unwrap_err());
    let mut feed = crate::data::Feed::<f64>::new(Arc::new(source), Residency::Stream, 0, 1);
    let mut visited = 0;
    let walk = feed.for_each(&Telemetry::new(), |_, _| {
        visited += 1;
        Ok(())
    });
    told(walk.unwrap_err());
    assert_eq!(visited, 3, "of 4 blocks, the last of which is not handed out");
}

#[test]
fn files_that_are_not_hdf5_are_told_apart() {
    let folder = tempfile::tempdir().unwrap();
    let sound = std::fs::read(layout("sound.h5")).unwrap();
    let cases: [(&str, Option<&[u8]>, ExitCode, &str); 7] = [
        ("none.h5", None, ExitCode::NoInput, "no such file"),
        ("", None, ExitCode::NoInput, "a folder, not a file"),
        ("empty.h5", Some(b""), ExitCode::Data, "expected an HDF5 file, found an empty file"),
        (
            "a.csv",
            Some(b"a,b\n1,2\n"),
            ExitCode::Data,
            "found a text file; if it is CSV read it with source = \"csv\"",
        ),
        ("a.gz", Some(b"\x1f\x8b\x08\0"), ExitCode::Data, "found a gzip file"),
        ("noise.h5", Some(b"\0\x01\x02\x03"), ExitCode::Data, "found some other kind of file"),
        ("cut.h5", Some(&sound[..sound.len() / 2]), ExitCode::Data, "found one that was cut off"),
    ];
    for (name, contents, code, message) in cases {
        let path = folder.path().join(name);
        if let Some(contents) = contents {
            std::fs::write(&path, contents).unwrap();
        }
        let error = Hdf5Source::open(&Hdf5Params::new(path), false, None).unwrap_err();
        assert_eq!(error.exit_code(), code, "{error}");
        assert!(error.to_string().contains(message), "{error}\nlacks {message}");
    }
}

#[test]
fn a_locked_file_tells_of_the_variable() {
    let copy = tempfile::NamedTempFile::new().unwrap();
    std::fs::copy(layout("sound.h5"), copy.path()).unwrap();
    let writer = std::fs::File::open(copy.path()).unwrap();
    writer.lock().unwrap();
    let error = Hdf5Source::open(&Hdf5Params::new(copy.path()), false, None).unwrap_err();
    assert_eq!(error.exit_code(), ExitCode::Io, "{error}");
    assert!(error.to_string().contains("HDF5_USE_FILE_LOCKING=FALSE"), "{error}");
}

#[test]
fn the_job_file_spells_the_keys() {
    let parse = |text: &str| toml::from_str::<Hdf5Params>(text).map_err(|error| error.to_string());
    assert_eq!(parse("path = 'a.h5'").unwrap(), Hdf5Params::new("a.h5"));
    let all = parse("path = 'a.h5'\nx = 'A'\ny = 'b'\nsample_weight = 'w'").unwrap();
    assert_eq!((all.x.as_str(), all.y.as_deref(), all.sample_weight.as_deref()), ("A", Some("b"), Some("w")));
    assert!(parse("path = 'a.h5'\nX = 'A'").unwrap_err().contains("unknown field"));
}
