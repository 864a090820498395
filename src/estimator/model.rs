//! A fitted model as named arrays: what the results file holds and `predict` starts from.

use crate::error::{Error, Result};

/// Numbers or texts of one kind.
#[derive(Clone, Debug, PartialEq)]
pub enum Values {
    /// Double precision.
    F64(Vec<f64>),
    /// Single precision.
    F32(Vec<f32>),
    /// 64-bit integers.
    I64(Vec<i64>),
    /// 32-bit integers, scikit-learn's type of labels and support indices.
    I32(Vec<i32>),
    /// True and false.
    Bool(Vec<bool>),
    /// Texts.
    Text(Vec<String>),
}

impl Values {
    /// How many there are.
    pub fn len(&self) -> usize {
        match self {
            Self::F64(v) => v.len(),
            Self::F32(v) => v.len(),
            Self::I64(v) => v.len(),
            Self::I32(v) => v.len(),
            Self::Bool(v) => v.len(),
            Self::Text(v) => v.len(),
        }
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// Values in row-major order with a shape; an empty shape is a scalar.
#[derive(Clone, Debug, PartialEq)]
pub struct Array {
    /// The length of each dimension.
    pub shape: Vec<usize>,
    /// The values.
    pub values: Values,
}

impl Array {
    /// An array of the given shape.
    ///
    /// # Panics
    /// When the number of values is not the product of the shape.
    pub fn new(shape: impl Into<Vec<usize>>, values: Values) -> Self {
        let shape = shape.into();
        assert_eq!(shape.iter().product::<usize>(), values.len(), "shape {shape:?}");
        Self { shape, values }
    }

    /// A vector.
    pub fn vector(values: Values) -> Self {
        Self::new([values.len()], values)
    }

    /// A single double.
    pub fn scalar(value: f64) -> Self {
        Self::new([], Values::F64(vec![value]))
    }

    /// A single integer.
    pub fn integer(value: i64) -> Self {
        Self::new([], Values::I64(vec![value]))
    }

    /// The values as doubles, when they are numbers.
    pub fn to_f64(&self) -> Option<Vec<f64>> {
        Some(match &self.values {
            Values::F64(v) => v.clone(),
            Values::F32(v) => v.iter().map(|&v| f64::from(v)).collect(),
            Values::I64(v) => v.iter().map(|&v| v as f64).collect(),
            Values::I32(v) => v.iter().map(|&v| f64::from(v)).collect(),
            Values::Bool(_) | Values::Text(_) => return None,
        })
    }
}

/// The attribute of a model, or of the first step before it, that names the features where the data have names.
pub const FEATURE_NAMES: &str = "feature_names_in_";

/// A fitted model: its estimator's name, its parameters, and one array for each fitted attribute under
/// scikit-learn's name.
#[derive(Clone, Debug, PartialEq)]
pub struct Model {
    /// The estimator, as in the job file.
    pub estimator: String,
    /// The parameters it was fitted with.
    pub params: serde_json::Value,
    /// The fitted attributes, in the order in which they are written.
    pub attributes: Vec<(String, Array)>,
}

impl Model {
    /// The attribute called `name`.
    ///
    /// # Errors
    /// [`Error::Data`] when the model has none.
    pub fn attribute(&self, name: &str) -> Result<&Array> {
        self.attributes.iter().find(|(n, _)| n == name).map(|(_, array)| array).ok_or_else(|| {
            Error::data("model", Default::default(), format!("an attribute {name}"), "none of that name")
        })
    }

    /// The attribute called `name` as doubles.
    ///
    /// # Errors
    /// [`Error::Data`] when the model has none, or it holds no numbers.
    pub fn numbers(&self, name: &str) -> Result<Vec<f64>> {
        self.attribute(name)?.to_f64().ok_or_else(|| {
            Error::data("model", Default::default(), format!("numbers in {name}"), "something else")
        })
    }

    /// The vector called `name`, of `length` finite numbers.
    ///
    /// # Errors
    /// [`Error::Data`] when the model has none, or another.
    pub fn vector(&self, name: &str, length: usize) -> Result<Vec<f64>> {
        let numbers = self.numbers(name)?;
        if numbers.len() == length && numbers.iter().all(|v| v.is_finite()) {
            return Ok(numbers);
        }
        let found = format!("{} of them, or some that are not finite", numbers.len());
        Err(Error::data("model", Default::default(), format!("{length} finite numbers in {name}"), found))
    }

    /// The single positive integer called `name`. Features are at most 2²⁷, so that a damaged file costs no memory.
    ///
    /// # Errors
    /// [`Error::Data`] when the model has none, or something else.
    pub fn count(&self, name: &str) -> Result<usize> {
        let most = if name == "n_features_in_" { f64::from(1 << 27) } else { 9e15 };
        let numbers = self.numbers(name)?;
        match numbers.as_slice() {
            &[n] if (1.0..=most).contains(&n) => Ok(n as usize),
            other => {
                let expected = format!("a positive number in {name}");
                Err(Error::data("model", Default::default(), expected, format!("{other:?}")))
            }
        }
    }

    /// The parameters as a `P`.
    ///
    /// # Errors
    /// [`Error::Data`] when they are another estimator's.
    pub fn params_as<P: serde::de::DeserializeOwned>(&self) -> Result<P> {
        serde_json::from_value(self.params.clone()).map_err(|error| {
            let expected = format!("the parameters of a {}", self.estimator);
            Error::data("model", Default::default(), expected, error.to_string())
        })
    }
}
