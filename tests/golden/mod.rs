//! Golden files and what their JSON holds.

#![allow(dead_code, reason = "not every test program asks for all of it")]

use std::path::PathBuf;

use ndarray::Array2;
use rankfit::data::Table;
use serde_json::Value;

/// The file called `name` among the tests' data.
pub(crate) fn path(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/data").join(name)
}

pub(crate) fn read(name: &str) -> Value {
    let text = std::fs::read_to_string(path(name)).expect("a golden file");
    serde_json::from_str(&text).expect("JSON")
}

pub(crate) fn vector(value: &Value) -> Vec<f64> {
    value.as_array().expect("a list").iter().map(|v| v.as_f64().expect("a number")).collect()
}

pub(crate) fn matrix(value: &Value) -> Array2<f64> {
    let rows: Vec<Vec<f64>> = value.as_array().expect("rows").iter().map(vector).collect();
    let shape = (rows.len(), rows[0].len());
    Array2::from_shape_vec(shape, rows.concat()).expect("equal rows")
}

/// Rows that weigh the same.
pub(crate) fn table(x: Array2<f64>, y: Vec<f64>) -> Table {
    Table { x, y, weights: Vec::new(), class_names: None, origin: "test".into() }
}
