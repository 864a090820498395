//! Missing values filled in.

mod simple_imputer;

pub use simple_imputer::{SimpleImputer, SimpleImputerParams, Strategy};
