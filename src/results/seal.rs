//! The seal at the end of a results file: a SHA-256 over every byte before it.
//!
//! Of single flipped bits in an HDF5 file most read back as other values without a word, and some crash the library. So the
//! digest is compared before HDF5 sees a file. HDF5 does not look behind the end of its own data, and cuts off
//! what is there when it opens a file for writing: a file that was changed on purpose carries no seal and is read as
//! any stranger's is.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};

use sha2::{Digest, Sha256};

/// Last bytes of a sealed file; the number is the version of the layout.
const MAGIC: &[u8; 16] = b"rankfit-sha256-1";
const DIGEST_BYTES: usize = 32;
/// Bytes of a seal.
const SEAL_BYTES: u64 = (DIGEST_BYTES + MAGIC.len()) as u64;
const PIECE_BYTES: usize = 1 << 20;

/// What a file's seal says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Seal {
    /// The bytes are those that were written.
    Whole,
    /// They are not.
    Broken,
    /// There is none.
    Absent,
}

/// Appends the seal to a finished file. Reads it once.
pub(super) fn put(file: &mut File) -> io::Result<()> {
    let length = file.metadata()?.len();
    let digest = digest(file, length)?;
    file.seek(SeekFrom::Start(length))?;
    file.write_all(&digest)?;
    file.write_all(MAGIC)
}

/// Compares a file with its seal. Reads it once.
pub(super) fn check(file: &mut File) -> io::Result<Seal> {
    let Some(length) = file.metadata()?.len().checked_sub(SEAL_BYTES) else { return Ok(Seal::Absent) };
    let mut seal = [0; SEAL_BYTES as usize];
    file.seek(SeekFrom::Start(length))?;
    file.read_exact(&mut seal)?;
    let (written, magic) = seal.split_at(DIGEST_BYTES);
    if magic != MAGIC {
        return Ok(Seal::Absent);
    }
    Ok(if digest(file, length)? == *written { Seal::Whole } else { Seal::Broken })
}

/// The digest of the first `length` bytes.
fn digest(file: &mut File, length: u64) -> io::Result<[u8; DIGEST_BYTES]> {
    file.seek(SeekFrom::Start(0))?;
    let mut hash = Sha256::new();
    let mut piece = vec![0; PIECE_BYTES];
    let mut left = length;
    while left > 0 {
        let n = left.min(PIECE_BYTES as u64) as usize;
        file.read_exact(&mut piece[..n])?;
        hash.update(&piece[..n]);
        left -= n as u64;
    }
    Ok(hash.finalize().into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sealed(content: &[u8]) -> Vec<u8> {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(content).unwrap();
        put(&mut file).unwrap();
        let mut bytes = Vec::new();
        file.seek(SeekFrom::Start(0)).unwrap();
        file.read_to_end(&mut bytes).unwrap();
        bytes
    }

    fn seal_of(bytes: &[u8]) -> Seal {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(bytes).unwrap();
        check(&mut file).unwrap()
    }

    #[test]
    fn every_flipped_bit_of_the_content_breaks_the_seal() {
        let bytes = sealed(b"some content");
        assert_eq!(seal_of(&bytes), Seal::Whole);
        for bit in 0..8 * (bytes.len() - MAGIC.len()) {
            let mut flipped = bytes.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(seal_of(&flipped), Seal::Broken, "bit {bit}");
        }
    }

    #[test]
    fn files_of_any_length_are_sealed() {
        for length in [0, 1, PIECE_BYTES - 1, PIECE_BYTES, 2 * PIECE_BYTES + 1] {
            assert_eq!(seal_of(&sealed(&vec![7; length])), Seal::Whole, "{length} bytes");
        }
    }

    #[test]
    fn a_file_without_a_seal_is_not_called_broken() {
        assert_eq!(seal_of(b""), Seal::Absent);
        assert_eq!(seal_of(&[1; 100]), Seal::Absent);
    }
}
