//! job

mod document;
mod wording;

pub use document::Document;
