//! Datasets of numbers, read by rows.

use std::any::Any;
use std::ops::Range;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use hdf5::types::{FloatSize, IntSize, TypeDescriptor};
use hdf5::{Dataset, H5Type, Selection};
use ndarray::IxDyn;

use super::storage::{Storage, origin};
use crate::data::input_file::InputFile;
use crate::error::{Error, Place, Result};
use crate::kernel::Real;

/// A number type as it lies in a file.
trait Number: H5Type + bytemuck::Pod {
    /// The nearest value, rounded once.
    fn convert<T: Real>(self) -> T;
}

macro_rules! impl_number {
    ($($t:ty)*) => {$(
        impl Number for $t {
            #[inline(always)]
            fn convert<T: Real>(self) -> T {
                // An integer is rounded to f32 at once, not by way of f64.
                if size_of::<T>() == size_of::<f32>() {
                    T::from_f64(f64::from(self as f32))
                } else {
                    T::from_f64(self as f64)
                }
            }
        }
    )*};
}

impl_number!(f32 f64 i8 i16 i32 i64 u8 u16 u32 u64);

/// What the values are read as; byte order is the library's business.
#[derive(Clone, Copy, Debug)]
enum Kind {
    F32,
    F64,
    I8,
    I16,
    I32,
    I64,
    U8,
    U16,
    U32,
    U64,
}

/// A dataset of numbers whose values are all there.
#[derive(Debug)]
pub(super) struct Numbers {
    dataset: Dataset,
    path: PathBuf,
    name: String,
    kind: Kind,
    pub(super) storage: Storage,
    /// The file and offset at which the values lie just as in memory.
    plain: Option<(InputFile, u64)>,
}

impl Numbers {
    /// Checks that `dataset` holds numbers.
    ///
    /// # Errors
    /// [`Error::Data`] for other types and for what [`Storage::check`] finds.
    pub(super) fn new(dataset: Dataset, path: &Path, name: &str, storage: Storage) -> Result<Self> {
        let unread = |error: hdf5::Error| {
            Error::data(origin(path, name), Place::default(), "a dataset that can be read", error.to_string())
        };
        let dtype = dataset.dtype().map_err(unread)?;
        let kind = kind(&dtype.to_descriptor())
            .map_err(|found| Error::data(origin(path, name), Place::default(), "numbers", found))?;
        let as_in_memory = match kind {
            Kind::F32 => dtype.is::<f32>(),
            Kind::F64 => dtype.is::<f64>(),
            _ => false,
        };
        let plain = match storage.offset {
            Some(offset) if as_in_memory => Some((InputFile::open(path)?, offset)),
            _ => None,
        };
        Ok(Self { dataset, path: path.into(), name: name.into(), kind, storage, plain })
    }

    /// The dataset's place in messages.
    pub(super) fn origin(&self) -> String {
        origin(&self.path, &self.name)
    }

    /// Reads whole rows into `into`, which has just their length.
    ///
    /// # Errors
    /// [`Error::Io`] when the library or the system cannot read them, a broken checksum among the reasons.
    pub(super) fn read<T: Real>(&self, rows: Range<u64>, into: &mut Vec<T>) -> Result<()> {
        match self.kind {
            Kind::F32 => self.read_as::<f32, T>(rows, into),
            Kind::F64 => self.read_as::<f64, T>(rows, into),
            Kind::I8 => self.read_as::<i8, T>(rows, into),
            Kind::I16 => self.read_as::<i16, T>(rows, into),
            Kind::I32 => self.read_as::<i32, T>(rows, into),
            Kind::I64 => self.read_as::<i64, T>(rows, into),
            Kind::U8 => self.read_as::<u8, T>(rows, into),
            Kind::U16 => self.read_as::<u16, T>(rows, into),
            Kind::U32 => self.read_as::<u32, T>(rows, into),
            Kind::U64 => self.read_as::<u64, T>(rows, into),
        }
    }

    #[expect(
        clippy::ptr_arg,
        reason = "only the vector itself, not a slice of it, can be told apart by its type"
    )]
    fn read_as<N: Number, T: Real>(&self, rows: Range<u64>, into: &mut Vec<T>) -> Result<()> {
        // Where file and block have the same type the values go into the block's own buffer.
        if let Some(same) = (into as &mut dyn Any).downcast_mut::<Vec<N>>() {
            return self.read_stored(rows, same);
        }
        let mut values = vec![N::zeroed(); into.len()];
        self.read_stored(rows.clone(), &mut values)?;
        into.iter_mut().zip(&values).for_each(|(into, value)| *into = value.convert());
        self.check_range(rows.start, &values, into)
    }

    /// Checks that no finite number of the rows from `first_row` on has become infinite in a shorter type.
    fn check_range<N: Number, T: Real>(&self, first_row: u64, values: &[N], converted: &[T]) -> Result<()> {
        // Without a way out the test vectorises.
        if converted.iter().fold(true, |finite, value| finite & value.is_finite()) {
            return Ok(());
        }
        let too_large =
            |(value, converted): (&N, &T)| !converted.is_finite() && value.convert::<f64>().is_finite();
        let Some(at) = values.iter().zip(converted).position(too_large) else { return Ok(()) };
        let (row, column) = (at / self.storage.n_columns, at % self.storage.n_columns);
        let found = format!("{:?}, too large for {}", values[at].convert::<f64>(), T::NAME);
        let place = Place::cell(first_row + row as u64, column);
        Err(Error::data(self.origin(), place, "a finite number", found))
    }

    fn read_stored<N: Number>(&self, rows: Range<u64>, into: &mut Vec<N>) -> Result<()> {
        if let Some((file, offset)) = &self.plain {
            let start = offset + rows.start * (self.storage.n_columns * self.storage.item_bytes) as u64;
            return file
                .file()
                .read_exact_at(bytemuck::cast_slice_mut(into), start)
                .map_err(|error| Error::io(&self.path, "reading", error));
        }
        let values = read_rows::<N>(&self.dataset, &self.storage, rows)
            .map_err(|error| Error::io(&self.path, "reading", format!("dataset {:?}: {error}", self.name)))?;
        if values.len() != into.len() {
            return Err(Error::internal("HDF5 has read another number of values than asked for"));
        }
        *into = values;
        Ok(())
    }
}

/// Whole rows of a dataset as the library reads them.
pub(super) fn read_rows<N: H5Type>(
    dataset: &Dataset,
    storage: &Storage,
    rows: Range<u64>,
) -> hdf5::Result<Vec<N>> {
    let rows = rows.start as usize..rows.end as usize;
    let selection: Selection = if storage.n_dims == 2 { (rows, ..).into() } else { rows.into() };
    let values = dataset.read_slice::<N, _, IxDyn>(selection)?;
    Ok(values.into_raw_vec_and_offset().0)
}

fn kind(descriptor: &hdf5::Result<TypeDescriptor>) -> Result<Kind, String> {
    let descriptor = match descriptor {
        Ok(descriptor) => descriptor,
        Err(error) => return Err(format!("a type that is not read ({error})")),
    };
    Ok(match descriptor {
        // Half precision fits in single; the library widens it.
        TypeDescriptor::Float(FloatSize::U2 | FloatSize::U4) => Kind::F32,
        TypeDescriptor::Float(FloatSize::U8) => Kind::F64,
        TypeDescriptor::Integer(IntSize::U1) | TypeDescriptor::Boolean => Kind::I8,
        TypeDescriptor::Integer(IntSize::U2) => Kind::I16,
        TypeDescriptor::Integer(IntSize::U4) => Kind::I32,
        TypeDescriptor::Integer(IntSize::U8) => Kind::I64,
        TypeDescriptor::Unsigned(IntSize::U1) => Kind::U8,
        TypeDescriptor::Unsigned(IntSize::U2) => Kind::U16,
        TypeDescriptor::Unsigned(IntSize::U4) => Kind::U32,
        TypeDescriptor::Unsigned(IntSize::U8) => Kind::U64,
        TypeDescriptor::Enum(_) => return Err("an enumeration".into()),
        TypeDescriptor::Compound(fields) => {
            let names: Vec<&str> = fields.fields.iter().map(|field| field.name.as_str()).collect();
            return Err(format!(
                "records with the fields {}; write them as the columns of a 2-D array",
                names.join(", ")
            ));
        }
        TypeDescriptor::FixedAscii(_)
        | TypeDescriptor::FixedUnicode(_)
        | TypeDescriptor::VarLenAscii
        | TypeDescriptor::VarLenUnicode => return Err("text".into()),
        other => return Err(format!("the type {other}")),
    })
}
