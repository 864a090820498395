"""Writes tests/data/layouts/*.h5: one small dataset of each layout and type that h5py writes, and unsound ones.

Element (i, j) of a (37, 3) dataset is (7 i + 13 j) mod 41, less 20 where the type has a sign, and an eighth of
that where it has fractions, so that a test can recompute it. Needs h5py and numpy:

    python scripts/golden/make_hdf5_layouts.py
"""

import pathlib

import h5py
import numpy as np

ROWS, COLUMNS = 37, 3
FOLDER = pathlib.Path(__file__).resolve().parents[2] / "tests" / "data" / "layouts"
INTEGERS = (7 * np.arange(ROWS)[:, None] + 13 * np.arange(COLUMNS)[None, :]) % 41
EIGHTHS = (INTEGERS - 20) / 8
LABELS = [("zebra", "ant", "mole, blind")[i % 3] for i in range(ROWS)]


def note(file):
    file.attrs["made_by"] = f"scripts/golden/make_hdf5_layouts.py, h5py {h5py.__version__}, HDF5 {h5py.version.hdf5_version}, numpy {np.__version__}"


def low_level(file, name, values, change):
    """A dataset whose creation list is changed by hand."""
    plist = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
    change(plist)
    kind = h5py.h5t.py_create(values.dtype, logical=True)
    dataset = h5py.h5d.create(file.id, name.encode(), kind, h5py.h5s.create_simple(values.shape), dcpl=plist)
    dataset.write(h5py.h5s.ALL, h5py.h5s.ALL, np.ascontiguousarray(values))


def write_sound(file):
    for order in "<>":
        suffix = {"<": "le", ">": "be"}[order]
        for width in (2, 4, 8):
            file[f"f{width}_{suffix}"] = EIGHTHS.astype(f"{order}f{width}")
        for width in (1, 2, 4, 8):
            file[f"i{width}_{suffix}"] = (INTEGERS - 20).astype(f"{order}i{width}")
            file[f"u{width}_{suffix}"] = INTEGERS.astype(f"{order}u{width}")
    file["bool"] = INTEGERS % 2 == 0

    def add(name, values=EIGHTHS, chunks=(5, 2), **options):
        file.create_dataset(name, data=values, chunks=chunks, **options)

    add("chunked")
    add("chunked_rows", chunks=(8, 3))
    add("chunked_be", EIGHTHS.astype(">f4"))
    add("gzip", compression="gzip")
    add("gzip_shuffle", compression="gzip", shuffle=True)
    add("shuffle_i2", (INTEGERS - 20).astype("i2"), shuffle=True)
    add("fletcher32", fletcher32=True)
    add("lzf", compression="lzf")
    add("lzf_shuffle_fletcher32", compression="lzf", shuffle=True, fletcher32=True)
    add("scaleoffset_f8", scaleoffset=3)
    add("scaleoffset_i4", (INTEGERS - 20).astype("i4"), scaleoffset=0)
    add("resizable", maxshape=(None, COLUMNS))
    low_level(file, "compact", EIGHTHS, lambda plist: plist.set_layout(h5py.h5d.COMPACT))
    low_level(file, "early", EIGHTHS, lambda plist: plist.set_alloc_time(h5py.h5d.ALLOC_TIME_EARLY))
    file["group/inner/X"] = EIGHTHS

    file["y"] = np.arange(ROWS) % 3
    file["y_column"] = (np.arange(ROWS) % 3).astype("f4")[:, None]
    file["w"] = np.arange(ROWS) / 4 + 1
    file.create_dataset("labels_vlen_utf8", data=LABELS, dtype=h5py.string_dtype("utf-8"))
    file.create_dataset("labels_vlen_ascii", data=LABELS, dtype=h5py.string_dtype("ascii"))
    file.create_dataset("labels_vlen_gzip", data=LABELS, dtype=h5py.string_dtype(), chunks=(10,), compression="gzip")
    file.create_dataset("labels_fixed_utf8", data=LABELS, dtype=h5py.string_dtype("utf-8", 20))
    file["labels_fixed_ascii"] = np.array(LABELS, dtype="S")
    file["labels_column"] = np.array(LABELS, dtype="S")[:, None]
    padded = h5py.h5t.C_S1.copy()
    padded.set_size(16)
    padded.set_strpad(h5py.h5t.STR_SPACEPAD)
    dataset = h5py.h5d.create(file.id, b"labels_spaces", padded, h5py.h5s.create_simple((ROWS,)))
    dataset.write(h5py.h5s.ALL, h5py.h5s.ALL, np.array([s.ljust(16) for s in LABELS], dtype="S16"), mtype=padded)


def write_unsound(file):
    file["X"] = EIGHTHS
    file["group/deep/values"] = EIGHTHS
    file.create_dataset("huge", shape=(10**18,), dtype="f8")
    file.create_dataset("huge_matrix", shape=(10**16, 100), dtype="f8")
    file.create_dataset("huge_chunked", shape=(10**15, 1000), dtype="f8", chunks=(1000, 10), compression="gzip")
    file.create_dataset("overflowing", shape=(2**62, 2**62), dtype="u1", chunks=(1000, 10))
    file.create_dataset("never_written", shape=(ROWS, COLUMNS), dtype="f8")
    file.create_dataset("half_written", shape=(ROWS, COLUMNS), dtype="f8", chunks=(10, 3))[:20] = EIGHTHS[:20]
    file.create_dataset("external", shape=(ROWS, COLUMNS), dtype="f8", external=[("elsewhere.bin", 0, ROWS * COLUMNS * 8)])
    layout = h5py.VirtualLayout(shape=(ROWS, COLUMNS), dtype="f8")
    layout[...] = h5py.VirtualSource("elsewhere.h5", "X", shape=(ROWS, COLUMNS))
    file.create_virtual_dataset("virtual", layout)
    file["soft"] = h5py.SoftLink("/X")
    file["abroad"] = h5py.ExternalLink("elsewhere.h5", "/X")
    file["group_abroad"] = h5py.ExternalLink("elsewhere.h5", "/")
    file["one_dimension"] = EIGHTHS[:, 0]
    file["three_dimensions"] = np.zeros((2, 3, 4))
    file["scalar"] = 1.0
    file["no_rows"] = np.zeros((0, 3))
    file["no_columns"] = np.zeros((3, 0))
    file["text"] = np.array(LABELS, dtype="S")[:, None]
    file["records"] = np.zeros((ROWS, 1), dtype=[("a", "f8"), ("b", "i4")])
    file["complex"] = EIGHTHS.astype("c16")
    file["long_double"] = EIGHTHS.astype("longdouble")
    file.create_dataset("enumeration", data=INTEGERS % 2, dtype=h5py.enum_dtype({"NO": 0, "YES": 1}, "i1"))
    file["nan"] = np.where(INTEGERS == 5, np.nan, EIGHTHS)
    file["y_short"] = np.arange(ROWS - 1)
    file["y_wide"] = np.zeros((ROWS, 2))
    empty = file.create_dataset("labels_unwritten", shape=(ROWS,), dtype=h5py.string_dtype())
    empty[:20] = LABELS[:20]
    file["labels_blank"] = np.array([b" " if i == 4 else b"a" for i in range(ROWS)])
    file.create_dataset("labels_latin1", data=np.array([b"caf\xe9"] * ROWS))

    def unknown(plist):
        plist.set_chunk((10, 3))
        plist.set_filter(32015, h5py.h5z.FLAG_OPTIONAL, (3,))

    low_level(file, "zstd", EIGHTHS, unknown)
    file.create_dataset("checksum", data=EIGHTHS, chunks=(37, 3), fletcher32=True)


def break_checksum(path):
    """Flips a bit of a value below a checksum."""
    with h5py.File(path) as file:
        offset = file["checksum"].id.get_chunk_info(0).byte_offset
    data = bytearray(path.read_bytes())
    data[offset + 100] ^= 1
    path.write_bytes(data)


def main():
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name, write, options in [
        ("sound.h5", write_sound, {}),
        ("latest.h5", write_sound, {"libver": "v110"}),
        ("user_block.h5", write_sound, {"userblock_size": 1024}),
        ("unsound.h5", write_unsound, {}),
    ]:
        with h5py.File(FOLDER / name, "w", **options) as file:
            note(file)
            write(file)
    break_checksum(FOLDER / "unsound.h5")


if __name__ == "__main__":
    main()
