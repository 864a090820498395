//! Named arrays in HDF5: how each kind of value is stored, and read back.

use std::path::Path;

use hdf5::types::{FloatSize, IntSize, TypeDescriptor, VarLenUnicode};
use hdf5::{Dataset, Group, H5Type, Location};

use crate::error::Error;
use crate::estimator::{Array, Values};

/// An array under its name.
pub type Named = (String, Array);

/// HDF5's words as an error about `path`.
pub(super) fn h5_error(path: &Path, action: &'static str) -> impl Fn(hdf5::Error) -> Error {
    move |error| Error::io(path, action, first_words(&error))
}

/// The innermost cause of an HDF5 error; its full stack says little to a user.
fn first_words(error: &hdf5::Error) -> String {
    error.to_string().lines().next().unwrap_or("unknown").to_owned()
}

/// Writes `array` as dataset `name` of `group`.
pub(super) fn put(group: &Group, name: &str, array: &Array) -> hdf5::Result<()> {
    match &array.values {
        Values::F64(values) => put_plain(group, name, &array.shape, values),
        Values::F32(values) => put_plain(group, name, &array.shape, values),
        Values::I64(values) => put_plain(group, name, &array.shape, values),
        Values::I32(values) => put_plain(group, name, &array.shape, values),
        Values::Bool(values) => put_plain(group, name, &array.shape, values),
        Values::Text(values) => {
            let values = values.iter().map(|text| unicode(text)).collect::<hdf5::Result<Vec<_>>>()?;
            put_values(group.new_dataset::<VarLenUnicode>(), name, &array.shape, &values)
        }
    }
}

fn put_plain<T: H5Type>(group: &Group, name: &str, shape: &[usize], values: &[T]) -> hdf5::Result<()> {
    let builder = group.new_dataset::<T>();
    // Checksums need chunks, and chunks need a size; a scalar is too small for either.
    let builder = if shape.is_empty() || values.is_empty() {
        builder
    } else {
        builder.chunk(chunk(shape, size_of::<T>())).fletcher32()
    };
    put_values(builder, name, shape, values)
}

fn put_values<T: H5Type>(
    builder: hdf5::DatasetBuilderEmpty,
    name: &str,
    shape: &[usize],
    values: &[T],
) -> hdf5::Result<()> {
    if shape.is_empty() {
        return builder.shape(()).create(name)?.write_scalar(&values[0]);
    }
    let dataset = builder.shape(shape).create(name)?;
    if values.is_empty() { Ok(()) } else { dataset.write_raw(values) }
}

/// Whole rows up to about a mebibyte.
fn chunk(shape: &[usize], item_bytes: usize) -> Vec<usize> {
    let row_bytes = shape[1..].iter().product::<usize>() * item_bytes;
    let mut chunk = shape.to_vec();
    chunk[0] = ((1 << 20) / row_bytes.max(1)).clamp(1, shape[0]);
    chunk
}

/// A text as HDF5 can hold it: its strings end at the first NUL.
fn clean(text: &str) -> String {
    text.replace('\0', "\u{fffd}")
}

fn unicode(text: &str) -> hdf5::Result<VarLenUnicode> {
    clean(text).parse().map_err(|e| hdf5::Error::from(format!("{e}")))
}

/// Writes a text attribute.
pub(super) fn put_text_attribute(location: &Location, name: &str, text: &str) -> hdf5::Result<()> {
    location.new_attr::<VarLenUnicode>().create(name)?.write_scalar(&unicode(text)?)
}

/// Writes an array of a few values, or a single one, as an attribute.
pub(super) fn put_attribute(location: &Location, name: &str, array: &Array) -> hdf5::Result<()> {
    match &array.values {
        Values::F64(values) => put_in_attribute(location, name, &array.shape, values),
        Values::F32(values) => put_in_attribute(location, name, &array.shape, values),
        Values::I64(values) => put_in_attribute(location, name, &array.shape, values),
        Values::I32(values) => put_in_attribute(location, name, &array.shape, values),
        Values::Bool(values) => put_in_attribute(location, name, &array.shape, values),
        Values::Text(texts) => {
            let texts = texts.iter().map(|text| unicode(text)).collect::<hdf5::Result<Vec<_>>>()?;
            put_in_attribute(location, name, &array.shape, &texts)
        }
    }
}

fn put_in_attribute<T: H5Type>(
    location: &Location,
    name: &str,
    shape: &[usize],
    values: &[T],
) -> hdf5::Result<()> {
    let builder = location.new_attr::<T>();
    match shape {
        [] => builder.create(name)?.write_scalar(&values[0]),
        shape => builder.shape(shape).create(name)?.write_raw(values),
    }
}

/// Whether two arrays hold the same bits.
pub(super) fn same(a: &Array, b: &Array) -> bool {
    let values = match (&a.values, &b.values) {
        (Values::F64(a), Values::F64(b)) => a.iter().map(|v| v.to_bits()).eq(b.iter().map(|v| v.to_bits())),
        (Values::F32(a), Values::F32(b)) => a.iter().map(|v| v.to_bits()).eq(b.iter().map(|v| v.to_bits())),
        (Values::Text(a), Values::Text(b)) => a.iter().map(|t| clean(t)).eq(b.iter().map(|t| clean(t))),
        (a, b) => a == b,
    };
    a.shape == b.shape && values
}

/// Reads an attribute as an array.
pub(super) fn get_attribute(location: &Location, name: &str) -> hdf5::Result<Array> {
    let attribute = location.attr(name)?;
    let shape = attribute.shape();
    let values = values(&attribute, &attribute.dtype()?.to_descriptor()?)?;
    Ok(Array { shape, values })
}

/// Reads a dataset.
pub(super) fn get(dataset: &Dataset) -> hdf5::Result<Array> {
    let values = values(dataset, &dataset.dtype()?.to_descriptor()?)?;
    Ok(Array { shape: dataset.shape(), values })
}

fn values(container: &hdf5::Container, kind: &TypeDescriptor) -> hdf5::Result<Values> {
    use TypeDescriptor as T;
    Ok(match kind {
        T::Float(FloatSize::U4) => Values::F32(container.read_raw()?),
        T::Float(_) => Values::F64(container.read_raw()?),
        T::Integer(IntSize::U8) | T::Unsigned(IntSize::U4 | IntSize::U8) => {
            Values::I64(container.read_raw()?)
        }
        T::Integer(_) | T::Unsigned(_) => Values::I32(container.read_raw()?),
        T::Boolean => Values::Bool(container.read_raw()?),
        T::VarLenUnicode => {
            let texts: Vec<VarLenUnicode> = container.read_raw()?;
            Values::Text(texts.iter().map(|text| text.as_str().to_owned()).collect())
        }
        other => return Err(hdf5::Error::from(format!("no values of type {other} are known here"))),
    })
}
