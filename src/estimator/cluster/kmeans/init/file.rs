//! Centres from a CSV file.

use std::path::Path;

use crate::comm::{self, Communicator, agree};
use crate::error::{Error, Place, Result};

/// The numbers of a file of one centre a row, read on rank 0.
///
/// # Collective
/// One agreement, one broadcast of the numbers.
///
/// # Errors
/// When the file is missing, a row has another length than the first, or a cell is no finite number.
pub(super) fn read(comm: &dyn Communicator, path: &Path) -> Result<Vec<f64>> {
    let numbers = if comm.is_root() { parse(path) } else { Ok(Vec::new()) };
    comm::broadcast(comm, 0, Some(agree(comm, numbers)?))
}

fn parse(path: &Path) -> Result<Vec<f64>> {
    let text = std::fs::read_to_string(path).map_err(|e| match e.kind() {
        std::io::ErrorKind::NotFound => {
            Error::InputMissing { path: path.to_path_buf(), message: "no such file of centres".into() }
        }
        _ => Error::io(path, "reading centres", e),
    })?;
    let (mut numbers, mut width) = (Vec::new(), None);
    for (i, line) in text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
        let before = numbers.len();
        for (column, cell) in line.split(',').enumerate() {
            let place = Place { line: Some(i as u64 + 1), row: None, column: Some(column.to_string()) };
            match cell.trim().parse::<f64>() {
                Ok(value) if value.is_finite() => numbers.push(value),
                _ => return Err(Error::data(path.display(), place, "a finite number", format!("{cell:?}"))),
            }
        }
        let cells = numbers.len() - before;
        if *width.get_or_insert(cells) != cells {
            let expected = format!("{} numbers as in the first row", width.unwrap_or(0));
            let place = Place::line(i as u64 + 1);
            return Err(Error::data(path.display(), place, expected, cells.to_string()));
        }
    }
    Ok(numbers)
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;
    use crate::comm::Single;

    fn read_text(text: &str) -> Result<Vec<f64>> {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(text.as_bytes()).unwrap();
        read(&Single::new(), file.path())
    }

    #[test]
    fn rows_are_read_in_order() {
        assert_eq!(read_text("1, 2.5\n\n-3e2,4\r\n").unwrap(), [1.0, 2.5, -300.0, 4.0]);
    }

    #[test]
    fn faults_are_located() {
        let message = |text| read_text(text).unwrap_err().to_string();
        assert!(message("1,2\n3,x\n").contains("line 2, column 1"));
        assert!(message("1,2\n3,nan\n").contains("line 2, column 1"));
        assert!(message("1,2\n3\n").contains("line 2"));
        let missing = read(&Single::new(), Path::new("/nonexistent.csv")).unwrap_err();
        assert_eq!(missing.exit_code().code(), 66);
    }
}
