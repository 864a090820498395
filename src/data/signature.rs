//! What a file is, by its first bytes, for files that are not what the job says.

/// What files begin with that some take for a table.
const SIGNATURES: [(&[u8], &str); 10] = [
    (b"\x1f\x8b", "a gzip file; unpack it first"),
    (b"PK\x03\x04", "a zip file (as spreadsheets are); unpack it or export it as CSV first"),
    (b"\x28\xb5\x2f\xfd", "a zstd file; unpack it first"),
    (b"\xfd7zXZ", "an xz file; unpack it first"),
    (b"BZh", "a bzip2 file; unpack it first"),
    (b"\x89HDF\r\n\x1a\n", "an HDF5 file; read it with source = \"hdf5\""),
    (b"PAR1", "a Parquet file; convert it to HDF5 or CSV first"),
    (b"\x93NUMPY", "a NumPy file; convert it to HDF5 or CSV first"),
    (b"\xff\xfe", "text in UTF-16; convert it to UTF-8 first"),
    (b"\xfe\xff", "text in UTF-16; convert it to UTF-8 first"),
];

/// What a file is that begins with `first`, if it is of a kind known here; text in UTF-8 is of none.
pub(super) fn named(first: &[u8]) -> Option<&'static str> {
    SIGNATURES.iter().find(|(signature, _)| first.starts_with(signature)).map(|(_, what)| *what)
}
