use std::io::Write;

use super::*;
use crate::comm::{Single, run_threads};
use crate::error::ExitCode;
use crate::rng::{Purpose, below, stream, uniform};

fn file(contents: &[u8]) -> tempfile::NamedTempFile {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(contents).unwrap();
    file
}

/// All rows of a source, block by block.
fn all<T: Real>(source: &CsvSource) -> Result<(Vec<T>, Vec<f64>, Vec<f64>)> {
    let shape = BlockSource::<T>::shape(source);
    let (mut x, mut y, mut weights) = (vec![], vec![], vec![]);
    let mut block = Block::default();
    for index in 0..shape.n_blocks() {
        block.reshape(shape, index);
        source.fill(&mut block)?;
        x.extend_from_slice(&block.x);
        y.extend_from_slice(&block.y);
        weights.extend_from_slice(&block.weights);
    }
    Ok((x, y, weights))
}

fn open(params: &CsvParams, targets: bool) -> Result<CsvSource> {
    CsvSource::open(&Single::default(), params, targets, None, 8)
}

fn read(contents: &str, change: impl Fn(&mut CsvParams)) -> Result<(Vec<f64>, Vec<f64>, Vec<f64>)> {
    let file = file(contents.as_bytes());
    let mut params = CsvParams::new(file.path());
    change(&mut params);
    let source = open(&params, params.label_column.is_some())?;
    all::<f64>(&source)
}

/// The rows of a file by a plain reader of its own: one pass over the characters, blank lines left out.
fn naive(contents: &str) -> Vec<Vec<String>> {
    let mut rows = vec![];
    let (mut row, mut field, mut quoted, mut was_quoted) = (vec![], String::new(), false, false);
    let mut characters = contents.chars().peekable();
    while let Some(c) = characters.next() {
        match c {
            '"' if quoted && characters.peek() == Some(&'"') => {
                characters.next();
                field.push('"');
            }
            '"' => {
                quoted = !quoted;
                was_quoted = true;
            }
            ',' if !quoted => row.push(std::mem::take(&mut field)),
            '\r' if !quoted => {}
            '\n' if !quoted => {
                row.push(std::mem::take(&mut field));
                if row.len() > 1 || was_quoted || !row[0].trim().is_empty() {
                    rows.push(std::mem::take(&mut row));
                }
                row.clear();
                was_quoted = false;
            }
            c => field.push(c),
        }
    }
    if !field.trim().is_empty() || !row.is_empty() {
        row.push(field);
        rows.push(row);
    }
    rows
}

const TRICKY: [&str; 6] = [
    "a,b,name\n1,2,x\n3,\"4\",\"y,\nz\"\n\n5,6,\"\"\"q\"\"\"\n7,8,\"\n-\n\n\"\n  \t\n9,10,\"x\"\r\n\r\n11,12,\"\"\"\n\"\"\"\n13,14,x",
    "1,2,x\r\n3,4,y\r\n\r\n5,6,\"x\"\r\n7,8,\"a\r\nb\"\r\n",
    "\u{feff}\n\n\"a\nb\",\"c\",\"d\"\n\"1\",\"2\",\"3\n4\"\n5,6,x\n\n\n\n7,8,y\n   ",
    "1,2,a\n3,4,b\n5,6,\"\n1,2,3\n4,5,6\n\"\"\n7,8,9\n\"\"\n\"\n10,11,c\n12,13,\"\n\"\"\"\n14,15,d\n",
    "u,v,w\n0.5,1e3,\"\"\"\"\"\"\n-1,+2,\",,,\"\n1,1,a\n1,1,a\n2,2,b\n3,3,\"\n.\"\n",
    "1,2,\"a\"",
];

#[test]
fn any_rank_count_and_block_size_reads_what_a_plain_reader_reads() {
    for contents in TRICKY {
        let mut expected = naive(contents.trim_start_matches('\u{feff}'));
        if expected[0][0].parse::<f64>().is_err() {
            expected.remove(0);
        }
        let labels: BTreeSet<&str> = expected.iter().map(|row| row[2].trim()).collect();
        let labels: Vec<&str> = labels.into_iter().collect();
        let x: Vec<f64> =
            expected.iter().flat_map(|row| [row[0].parse().unwrap(), row[1].parse().unwrap()]).collect();
        let y: Vec<f64> =
            expected.iter().map(|row| labels.binary_search(&row[2].trim()).unwrap() as f64).collect();
        let file = file(contents.as_bytes());
        let mut params = CsvParams::new(file.path());
        params.label_column = Some(ColumnRef::Number(-1));
        for ranks in 1..=16 {
            for block_rows in [1, 2, 3, 100] {
                let sources = run_threads(ranks, |comm| {
                    let source = CsvSource::open(comm, &params, true, Some(block_rows), 8).unwrap();
                    assert_eq!(all::<f64>(&source).unwrap(), (x.clone(), y.clone(), vec![]), "{contents:?}");
                    source
                });
                for source in &sources {
                    assert_eq!(source.classes, labels);
                    assert_eq!(source.marks, sources[0].marks);
                }
            }
        }
    }
}

#[test]
fn a_fault_at_any_byte_is_refused_or_is_none() {
    // A quote anywhere in the file: either the row is still sound to the letter of the RFC, or every rank errs.
    let sound = "1,2,x\n3,4,\"y\nz\"\n5,6,x\n\n7,8,w\n";
    for at in 0..=sound.len() {
        let mut contents = sound.to_owned();
        contents.insert(at, '"');
        let file = file(contents.as_bytes());
        let mut params = CsvParams::new(file.path());
        params.label_column = Some(ColumnRef::Number(2));
        for ranks in [1, 2, 3, 7] {
            for block_rows in [1, 3] {
                let outcomes = run_threads(ranks, |comm| {
                    let source = CsvSource::open(comm, &params, true, Some(block_rows), 8);
                    let read = source.and_then(|source| all::<f64>(&source));
                    read.map_err(|error| error.exit_code())
                });
                assert!(outcomes.iter().all(|outcome| *outcome == Err(ExitCode::Data)), "{contents:?}");
            }
        }
    }
}

#[test]
fn two_misplaced_quotes_that_pair_off_are_refused_in_their_first_line() {
    let file = file(b"1,2\n3,5\" pipe\n5,6\n7,9\" pipe\n9,10\n");
    let params = CsvParams::new(file.path());
    for ranks in [1, 2, 3, 7] {
        let outcomes = run_threads(ranks, |comm| {
            let source = CsvSource::open(comm, &params, false, Some(2), 8)?;
            all::<f64>(&source)
        });
        for outcome in outcomes {
            let error = outcome.unwrap_err();
            assert!(error.to_string().contains(", line 2: expected quotes around whole fields"), "{error}");
        }
    }
}

#[test]
fn roles_are_given_to_columns() {
    let text = "id;w;a;b\n1;0.5;2;3\n0;0.25;4;5\n";
    let semicolons = |params: &mut CsvParams| {
        params.delimiter = ';';
        params.label_column = Some(ColumnRef::Name("id".into()));
        params.weight_column = Some(ColumnRef::Number(1));
    };
    let (x, y, weights) = read(text, semicolons).unwrap();
    assert_eq!((x, y, weights), (vec![2.0, 3.0, 4.0, 5.0], vec![1.0, 0.0], vec![0.5, 0.25]));

    let file = file(text.as_bytes());
    let mut params = CsvParams::new(file.path());
    semicolons(&mut params);
    let source = open(&params, false).unwrap();
    assert!(!BlockSource::<f32>::shape(&source).has_targets);
    assert_eq!(BlockSource::<f32>::column_name(&source, 1), "b");
    assert_eq!(all::<f32>(&source).unwrap().0, [2.0, 3.0, 4.0, 5.0]);
}

#[test]
fn a_header_is_found_or_told() {
    let rows = |contents: &str, header| {
        read(contents, |params| params.header = header).map(|(x, ..)| x).map_err(|error| error.to_string())
    };
    assert_eq!(rows("a,b\n1,2\n", Header::Auto).unwrap(), [1.0, 2.0]);
    assert_eq!(rows("1,2\n3,4\n", Header::Auto).unwrap(), [1.0, 2.0, 3.0, 4.0]);
    assert_eq!(rows("1,2\n3,4\n", Header::Present).unwrap(), [3.0, 4.0]);
    assert_eq!(rows("\"1\",\" 2\"\n", Header::Auto).unwrap(), [1.0, 2.0]);
    let error = rows("a,b\n1,2\n", Header::Absent).unwrap_err();
    assert!(error.contains(", line 1, row 0, column 0: expected a number, found the text \"a\""), "{error}");
    // A label of text in the first row makes no header.
    let labelled = read("1,2,setosa\n", |params| params.label_column = Some(ColumnRef::Number(2)));
    assert_eq!(labelled.unwrap(), (vec![1.0, 2.0], vec![0.0], vec![]));
}

/// A bad file, changes to the job, the exit code and a part of the message.
type Bad = (&'static [u8], fn(&mut CsvParams), ExitCode, &'static str);

const BAD: [Bad; 33] = [
    (b"", |_| {}, ExitCode::Data, "expected rows of data, found an empty file"),
    (b"\xef\xbb\xbf", |_| {}, ExitCode::Data, "found an empty file"),
    (b"\n \n\r\n", |_| {}, ExitCode::Data, "found blank lines only"),
    (b"a,b\n\n", |_| {}, ExitCode::Data, ", line 1: expected rows of data, found a header line only"),
    (b"a,b\n1,2\n3\n", |_| {}, ExitCode::Data, ", line 3, row 1: expected 2 fields, as in line 1, found 1"),
    (
        b"a,b\n\n1,2\n3,4,\n",
        |_| {},
        ExitCode::Data,
        ", line 4, row 1: expected 2 fields, as in line 1, found 3",
    ),
    (
        b"a,b\n1,\"\n2\"\n3,\n",
        |_| {},
        ExitCode::Data,
        ", line 4, row 1, column b: expected a finite number, found an empty",
    ),
    (
        b"1,NA\n",
        |_| {},
        ExitCode::Data,
        ", line 1, row 0, column 1: expected a finite number, found \"NA\", a missing",
    ),
    (
        b"a,b\n1,2\n1,nan\n",
        |_| {},
        ExitCode::Data,
        ", line 3, row 1, column b: expected a finite number, found \"nan\"",
    ),
    (
        b"a,b\n1,1e400\n",
        |_| {},
        ExitCode::Data,
        ", line 2, row 0, column b: expected a finite number, found \"1e400\", too",
    ),
    (b"a,b\n1,-inf\n", |_| {}, ExitCode::Data, "expected a finite number, found \"-inf\""),
    (
        b"a,b\n1,2\n1,oops\n",
        |_| {},
        ExitCode::Data,
        "line 3, row 1, column b: expected a number, found the text \"oops\"",
    ),
    (b"1,2\0\n", |p| p.header = Header::Absent, ExitCode::Data, "found the text \"2\\0\""),
    (b"1,\xff\xfe\n", |p| p.header = Header::Absent, ExitCode::Data, "found the text \"\u{fffd}\u{fffd}\""),
    (b"caf\xe9,b\n1,2\n", |_| {}, ExitCode::Data, ", line 1, column 0: expected a column's name in UTF-8"),
    (b"a,b\r1,2\r", |_| {}, ExitCode::Data, "found lines that end in CR alone"),
    (
        b"1,2\n3,\"4\n",
        |_| {},
        ExitCode::Data,
        ", line 2: expected a closing quote, found the end of the file",
    ),
    (b"1,2\n3,\"4\"5\n", |_| {}, ExitCode::Data, ", line 2: expected quotes around whole fields"),
    (b"a,b\n\"1\n2\",\"3\" \n", |_| {}, ExitCode::Data, ", line 3: expected quotes around whole fields"),
    (b"\x1f\x8b\x08\0", |_| {}, ExitCode::Data, "expected a CSV file, found a gzip file; unpack it first"),
    (b"\x89HDF\r\n\x1a\n", |_| {}, ExitCode::Data, "found an HDF5 file; read it with source = \"hdf5\""),
    (b"PK\x03\x04", |_| {}, ExitCode::Data, "found a zip file"),
    (b"\xff\xfea\0", |_| {}, ExitCode::Data, "found text in UTF-16"),
    (
        b"a;b\n1;2\n",
        |_| {},
        ExitCode::Config,
        "data.delimiter: expected the character that separates the fields, found ','",
    ),
    (b"a,b\n1,2\n", |p| p.delimiter = '.', ExitCode::Config, "data.delimiter: expected one character"),
    (b"a,b\n1,2\n", |p| p.delimiter = '\u{e9}', ExitCode::Config, "data.delimiter: expected one character"),
    (
        b"species,b\n1,2\n",
        |p| p.label_column = Some(ColumnRef::Name("specis".into())),
        ExitCode::Config,
        "data.label_column: expected the name of a column (species, b), found \"specis\" (did you mean \"species\"?)",
    ),
    (
        b"a,b\n1,2\n",
        |p| p.label_column = Some(ColumnRef::Number(2)),
        ExitCode::Config,
        "data.label_column: expected a column's number from 0 to 1, or from -2 to -1 (the last), found 2",
    ),
    (
        b"1,2\n",
        |p| p.label_column = Some(ColumnRef::Name("a".into())),
        ExitCode::Config,
        "expected a column's number, as the file has no header line",
    ),
    (
        b"a,a\n1,2\n",
        |p| p.label_column = Some(ColumnRef::Name("a".into())),
        ExitCode::Config,
        "as several have this name, found \"a\" (columns 0 and 1)",
    ),
    (
        b"a,b\n1,2\n",
        |p| {
            p.label_column = Some(ColumnRef::Number(1));
            p.weight_column = Some(ColumnRef::Name("b".into()))
        },
        ExitCode::Config,
        "data.weight_column: expected another column than data.label_column, found b",
    ),
    (
        b"a\n1\n",
        |p| p.label_column = Some(ColumnRef::Number(0)),
        ExitCode::Data,
        "expected at least one column of features",
    ),
    (
        b"a,b\n1,2\n1,x\n",
        |p| p.label_column = Some(ColumnRef::Number(1)),
        ExitCode::Data,
        ", line 3, row 1, column b: expected a number, found the text \"x\"",
    ),
];

#[test]
fn bad_files_are_refused_with_the_place() {
    for (contents, change, code, message) in BAD {
        let file = file(contents);
        let mut params = CsvParams::new(file.path());
        change(&mut params);
        for ranks in [1, 2, 3, 7] {
            let outcomes = run_threads(ranks, |comm| {
                let source = CsvSource::open(comm, &params, params.label_column.is_some(), Some(2), 8)?;
                all::<f64>(&source)
            });
            for outcome in outcomes {
                let error = outcome.expect_err(&String::from_utf8_lossy(contents));
                assert_eq!(error.exit_code(), code, "{error}");
                assert!(error.to_string().contains(message), "{error}\nlacks {message}");
            }
        }
    }
}

#[test]
fn text_labels_have_to_be_there_and_be_utf8() {
    let label = |contents: &[u8]| {
        let file = file(contents);
        let mut params = CsvParams::new(file.path());
        params.label_column = Some(ColumnRef::Name("y".into()));
        open(&params, true).map(|source| source.classes).map_err(|error| error.to_string())
    };
    assert_eq!(label(b"x,y\n1,b\n2,\"a,\"\n3, b \n4,10\n").unwrap(), ["10", "a,", "b"]);
    let error = label(b"x,y\n1,b\n2,\n").unwrap_err();
    assert!(
        error.contains("line 3, row 1, column y: expected a label, found an empty field, a missing"),
        "{error}"
    );
    let error = label(b"x,y\n1,b\n2,\xff\n").unwrap_err();
    assert!(error.contains("line 3, row 1, column y: expected a label in UTF-8"), "{error}");
}

#[test]
fn targets_need_a_column() {
    let file = file(b"1,2\n");
    let error = open(&CsvParams::new(file.path()), true).unwrap_err();
    assert_eq!(error.exit_code(), ExitCode::Config);
    assert!(error.to_string().starts_with("data.label_column: expected the column of targets"), "{error}");
}

#[test]
fn files_that_cannot_be_opened_are_told_apart() {
    let folder = tempfile::tempdir().unwrap();
    let cases =
        [(folder.path().join("none.csv"), "no such file"), (folder.path().into(), "a folder, not a file")];
    for (path, message) in cases {
        let error = open(&CsvParams::new(path), false).unwrap_err();
        assert_eq!(error.exit_code(), ExitCode::NoInput);
        assert!(error.to_string().contains(message), "{error}");
    }
}

#[test]
fn random_values_come_back_bit_by_bit() {
    let mut rng = stream(11, Purpose::Noise, 0);
    let (mut contents, mut x, mut y) = (String::from("a,\"b\n\",y,c\n"), vec![], vec![]);
    for _ in 0..300 {
        let mut cells = vec![];
        for _ in 0..4 {
            let scale = below(&mut rng, 600) as i32 - 300;
            let value = (uniform(&mut rng) - 0.5) * 10f64.powi(scale);
            let text = if below(&mut rng, 2) == 0 { format!("{value}") } else { format!("{value:e}") };
            let quoted = below(&mut rng, 5) == 0;
            cells.push((value, if quoted { format!("\"{text}\"") } else { text }));
        }
        x.extend([cells[0].0, cells[1].0, cells[3].0]);
        y.push(cells[2].0);
        contents += &cells.into_iter().map(|(_, text)| text).collect::<Vec<_>>().join(",");
        contents += if below(&mut rng, 3) == 0 { "\r\n" } else { "\n" };
        contents += if below(&mut rng, 7) == 0 { "\n" } else { "" };
    }
    let file = file(contents.as_bytes());
    let mut params = CsvParams::new(file.path());
    params.label_column = Some(ColumnRef::Name("y".into()));
    for ranks in [1, 2, 3, 7] {
        for source in run_threads(ranks, |comm| CsvSource::open(comm, &params, true, Some(13), 8).unwrap()) {
            let (read_x, read_y, _) = all::<f64>(&source).unwrap();
            assert!(read_x.iter().map(|v| v.to_bits()).eq(x.iter().map(|v| v.to_bits())));
            assert_eq!(read_y, y);
        }
    }
}

#[test]
fn the_job_file_spells_the_keys() {
    let parse = |text: &str| toml::from_str::<CsvParams>(text).map_err(|error| error.to_string());
    let params =
        parse("path = 'a.csv'\nheader = true\nlabel_column = 'y'\nweight_column = -1\ndelimiter = ';'")
            .unwrap();
    assert_eq!(params.header, Header::Present);
    assert_eq!(params.label_column, Some(ColumnRef::Name("y".into())));
    assert_eq!(params.weight_column, Some(ColumnRef::Number(-1)));
    assert_eq!(parse("path = 'a.csv'").unwrap(), CsvParams::new("a.csv"));
    assert_eq!(parse(&toml::to_string(&params).unwrap()).unwrap(), params);
    assert!(parse("path = 'a.csv'\nheader = 'yes'").unwrap_err().contains("\"auto\", true or false"));
    assert!(parse("path = 'a.csv'\nlabels = 1").unwrap_err().contains("unknown field"));
}

#[test]
fn line_ends_of_carriage_returns_alone_are_named() {
    for contents in ["a,b\r1,2\r3,4\r", "1,2\r3,4", "1\r2\r"] {
        let error = read(contents, |_| {}).unwrap_err().to_string();
        assert!(
            error.contains("line 1: expected lines that end in LF or CRLF, found lines that end in CR alone"),
            "{error}"
        );
    }
    assert_eq!(read("1,2\r\n", |_| {}).unwrap().0, [1.0, 2.0]);
    let label = |params: &mut CsvParams| params.label_column = Some(ColumnRef::Number(1));
    assert_eq!(read("1,\"x\r\ny\"", label).unwrap().0, [1.0]);
}

#[test]
fn a_first_line_that_may_be_data_is_told() {
    let doubt = |contents: &str, header| {
        let file = file(contents.as_bytes());
        let params = CsvParams { header, ..CsvParams::new(file.path()) };
        BlockSource::<f64>::doubt(&open(&params, false).unwrap()).map(str::to_owned)
    };
    let told = doubt("1.5,N?A,2\n3,4,5\n", Header::Auto).unwrap();
    assert!(
        told.contains("line 1: taken for the names of columns, for \"N?A\" is no number, but 2 of its 3"),
        "{told}"
    );
    assert_eq!(doubt("1.5,N?A,2\n3,4,5\n", Header::Present), None);
    // Names, those of an index, and those that a table without names is given.
    for contents in ["a,b,c\n3,4,5\n", ",a,b\n0,4,5\n", "0,1,y\n3,4,5\n", "3,4,5\n"] {
        assert_eq!(doubt(contents, Header::Auto), None, "{contents:?}");
    }
}

#[test]
fn the_outline_is_what_the_source_has() {
    let file = file(b"a,y,b,\0\n1,2,3,4\n");
    let params = CsvParams { label_column: Some(ColumnRef::Name("y".into())), ..CsvParams::new(file.path()) };
    let outline = CsvOutline::read(&params, true).unwrap();
    assert_eq!((outline.n_columns, outline.features.as_slice()), (4, &[0, 2, 3][..]));
    let names = BlockSource::<f64>::feature_names(&open(&params, true).unwrap());
    assert_eq!(names.unwrap(), ["a", "b", "\u{fffd}"]);
    assert_eq!(outline.feature_names().unwrap(), ["a", "b", "\u{fffd}"]);
    let params = CsvParams { header: Header::Absent, ..CsvParams::new(file.path()) };
    assert_eq!(CsvOutline::read(&params, false).unwrap().feature_names(), None);
}
