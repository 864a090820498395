//! A job: everything a run is told, checked, with all defaults filled in.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use toml::{Table, Value};

use super::data::{DataJob, SourceParams};
use super::document::Document;
use super::estimator::EstimatorJob;
use super::transformer::{TransformerJob, read_steps};
use super::wording;
use crate::error::{Error, Result};
use crate::model_selection::SearchSpec;

/// Sections and keys at the top of a job.
const TOP: [&str; 6] = ["seed", "data", "pipeline", "estimator", "search", "output"];

/// Keys that hold the name of a file that is read; relative ones are relative to the job file.
const INPUTS: [&str; 4] = ["data.path", "data.centers", "estimator.init.file", WARM_START];

const WARM_START: &str = "estimator.warm_start";

/// The same for the file that is made.
const OUTPUT: &str = "output.path";

/// The section `[output]`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct OutputJob {
    /// The results file; `--output` wins.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub path: Option<PathBuf>,
    /// Whether a clusterer also writes `labels_`.
    pub labels: bool,
    /// Seconds between checkpoints.
    pub checkpoint_every_s: f64,
}

impl Default for OutputJob {
    fn default() -> Self {
        Self { path: None, labels: false, checkpoint_every_s: 60.0 }
    }
}

/// What the command line adds to a job file.
#[derive(Clone, Debug, Default)]
pub struct Overrides {
    /// `--set key.path=value`, in order.
    pub set: Vec<String>,
    /// `--output`, relative to the working directory.
    pub output: Option<PathBuf>,
}

/// Everything a run is told. Equal on all ranks.
#[derive(Clone, Debug)]
pub struct Job {
    /// Seed of every random stream.
    pub seed: u64,
    /// Where rows come from.
    pub data: DataJob,
    /// What the rows go through before.
    pub pipeline: Vec<TransformerJob>,
    /// What is fitted.
    pub estimator: EstimatorJob,
    /// A results file of the same estimator, at whose model the fit starts.
    pub warm_start: Option<PathBuf>,
    /// The search, if any.
    pub search: Option<SearchSpec>,
    /// Where results go.
    pub output: OutputJob,
    document: Document,
}

impl PartialEq for Job {
    /// Equal in what they ask for, wherever it was written.
    fn eq(&self, other: &Self) -> bool {
        self.seed == other.seed
            && self.data == other.data
            && self.pipeline == other.pipeline
            && self.estimator == other.estimator
            && self.warm_start == other.warm_start
            && self.search == other.search
            && self.output == other.output
    }
}

impl Job {
    /// Reads a job from the text of `file` and the command line.
    ///
    /// # Errors
    /// [`Error::JobSyntax`], [`Error::Job`] for what cannot be used, [`Error::Usage`] for a malformed `--set`.
    pub fn read(file: &Path, text: &str, overrides: &Overrides) -> Result<Self> {
        let mut document = Document::parse(file, text)?;
        for assignment in &overrides.set {
            document.set(assignment)?;
        }
        let folder = absolute(file.parent().unwrap_or(Path::new("")))?;
        for key in INPUTS.into_iter().chain([OUTPUT]) {
            // An empty name of a model is none, and not that of the folder.
            let is_none = |path: &Value| key == WARM_START && path.as_str() == Some("");
            if let Some(Value::String(path)) = document.get(key).filter(|path| !is_none(path)) {
                let path = folder.join(path).to_string_lossy().into_owned();
                document.replace(key, Value::String(path));
            }
        }
        check_top(&document)?;
        let mut output: OutputJob = section(&document, "output")?.unwrap_or_default();
        if let Some(path) = &overrides.output {
            output.path = Some(writable_name(absolute(path)?)?);
        }
        let job = Self {
            seed: seed(&document)?,
            data: DataJob::read(&document)?,
            pipeline: read_steps(&document)?,
            estimator: EstimatorJob::read(&document)?,
            warm_start: warm_start(&document)?,
            search: section(&document, "search")?,
            output,
            document,
        };
        job.check()?;
        Ok(job)
    }

    /// The job as TOML with all defaults; read back it gives an equal job.
    ///
    /// # Errors
    /// An internal error when a value has no form in TOML.
    pub fn to_toml(&self) -> Result<String> {
        let internal =
            |e: toml::ser::Error| Error::internal(format!("the job cannot be written as TOML: {e}"));
        let mut table = Table::new();
        table.insert("seed".into(), Value::Integer(self.seed as i64));
        table.insert(
            "data".into(),
            self.data.to_table(self.estimator.needs_targets()).map_err(internal)?.into(),
        );
        if !self.pipeline.is_empty() {
            let steps = self.pipeline.iter().map(|step| step.to_table().map(Value::Table));
            let steps = steps.collect::<Result<_, _>>().map_err(internal)?;
            table.insert("pipeline".into(), Value::Array(steps));
        }
        let mut estimator = self.estimator.to_table().map_err(internal)?;
        if let Some(path) = &self.warm_start {
            estimator.insert("warm_start".into(), path.to_string_lossy().into_owned().into());
        }
        table.insert("estimator".into(), estimator.into());
        if let Some(search) = &self.search {
            table.insert("search".into(), Table::try_from(search).map_err(internal)?.into());
        }
        table.insert("output".into(), Table::try_from(&self.output).map_err(internal)?.into());
        toml::to_string(&table).map_err(internal)
    }

    /// The part of the job that its results depend on, as TOML: two jobs of equal text have equal results.
    ///
    /// # Errors
    /// As [`to_toml`](Self::to_toml).
    pub fn essence(&self) -> Result<String> {
        let mut job = self.clone();
        job.output = OutputJob::default();
        job.data.cut.residency = Default::default();
        job.data.cut.memory_per_rank = None;
        if let Some(search) = &mut job.search {
            search.verbose = None;
        }
        job.to_toml()
    }

    /// Whether what the rows meet first takes missing values.
    pub(super) fn takes_missing(&self) -> bool {
        match (self.pipeline.first(), &self.estimator) {
            (Some(step), _) | (None, EstimatorJob::Transformer(step)) => step.takes_missing(),
            (None, _) => false,
        }
    }

    /// The files that the job reads beside its own, each with the dotted path of its key.
    pub fn inputs(&self) -> Vec<(&'static str, PathBuf)> {
        let named = |key: &'static str| Some((key, self.document.get(key)?.as_str()?.into()));
        INPUTS.into_iter().filter_map(named).collect()
    }

    /// The job file.
    pub fn file(&self) -> &Path {
        self.document.file()
    }

    /// Where the results go.
    ///
    /// # Errors
    /// [`Error::Job`] when neither the job nor the command line says it.
    pub fn output_path(&self) -> Result<PathBuf> {
        let missing = || self.fault("output.path", "the results file's name, here or by --output", "nothing");
        self.output.path.clone().ok_or_else(missing)
    }

    /// An error about the value at the dotted path `key`, with its file and line.
    pub fn fault(&self, key: &str, expected: impl Into<String>, found: impl Into<String>) -> Error {
        self.document.fault(key, expected, found, None)
    }

    /// The same with a hint.
    pub(super) fn fault_at(
        &self,
        key: &str,
        expected: impl Into<String>,
        found: impl Into<String>,
        hint: Option<String>,
    ) -> Error {
        self.document.fault(key, expected, found, hint)
    }

    /// The value at the dotted path `key` as the user wrote it.
    pub(super) fn value(&self, key: &str) -> Option<&Value> {
        self.document.get(key)
    }

    /// Whether the user wrote the dotted path `key`.
    pub(super) fn has(&self, key: &str) -> bool {
        self.document.get(key).is_some()
    }

    /// Gives an unplaced [`Error::Job`] about a key of `section` its file and line; others pass through.
    pub fn place(&self, section: &str, error: Error) -> Error {
        self.document.place(section, error)
    }

    /// The value at `key` as the user wrote it, for messages.
    pub fn written(&self, key: &str) -> String {
        self.document.get(key).map_or_else(|| "nothing".into(), wording::describe)
    }

    /// What one section alone cannot tell.
    fn check(&self) -> Result<()> {
        let name = self.estimator.name();
        if self.estimator.needs_targets() {
            match &self.data.source {
                SourceParams::Csv(params) if params.label_column.is_none() => {
                    let what = if self.estimator.is_classifier() { "classes" } else { "targets" };
                    let expected = format!("the column of the {what}, which {name} learns");
                    return Err(self.fault("data.label_column", expected, "nothing"));
                }
                SourceParams::Regression(_) if self.estimator.is_classifier() => {
                    let expected = format!("a source of classes, which {name} learns");
                    return Err(self.fault("data.source", expected, self.written("data.source")));
                }
                _ => {}
            }
        }
        if self.output.labels && !self.estimator.is_clusterer() {
            let expected = format!("false, for {name} is no clusterer");
            return Err(self.fault("output.labels", expected, "true"));
        }
        let interval = self.output.checkpoint_every_s;
        if !(interval > 0.0 && interval < 1e9) {
            let found = self.written("output.checkpoint_every_s");
            return Err(self.fault("output.checkpoint_every_s", "a positive number of seconds", found));
        }
        if self.warm_start.is_some() && (self.search.is_some() || !self.estimator.takes_warm_start()) {
            let name = if self.search.is_some() { "a search" } else { name };
            let expected = format!("no such key, for {name} starts from nothing");
            return Err(self.fault("estimator.warm_start", expected, self.written("estimator.warm_start")));
        }
        if self.search.is_some() && !self.estimator.is_searchable() {
            let expected = "no such section, or an estimator that learns from targets";
            return Err(self.fault("search", expected, format!("a search over {name}")));
        }
        Ok(())
    }
}

fn check_top(document: &Document) -> Result<()> {
    match document.table().keys().find(|key| !TOP.contains(&key.as_str())) {
        Some(key) => {
            let hint = wording::suggest(key, &TOP);
            Err(document.fault(key, "a known key", "an unknown one", Some(hint)))
        }
        None => Ok(()),
    }
}

fn seed(document: &Document) -> Result<u64> {
    match document.get("seed") {
        None => Ok(0),
        Some(&Value::Integer(seed)) if seed >= 0 => Ok(seed as u64),
        Some(other) => Err(document.fault("seed", "a non-negative integer", wording::describe(other), None)),
    }
}

fn warm_start(document: &Document) -> Result<Option<PathBuf>> {
    match document.get(WARM_START) {
        // scikit-learn's default.
        None | Some(Value::Boolean(false)) => Ok(None),
        Some(Value::String(path)) if !path.is_empty() => Ok(Some(path.into())),
        Some(other) => {
            let expected = "the results file to start from";
            Err(document.fault(WARM_START, expected, wording::describe(other), None))
        }
    }
}

fn section<P: serde::de::DeserializeOwned>(document: &Document, name: &str) -> Result<Option<P>> {
    if !document.table().contains_key(name) {
        return Ok(None);
    }
    document.read(name, document.section(name)?.clone(), &[]).map(Some)
}

/// A name that the results file, whose texts are UTF-8, can tell.
fn writable_name(path: PathBuf) -> Result<PathBuf> {
    if path.to_str().is_some() {
        return Ok(path);
    }
    let message =
        "has a byte in its name, or in that of its folder, that is no UTF-8; choose another --output".into();
    Err(Error::CannotCreate { path, message })
}

fn absolute(path: &Path) -> Result<PathBuf> {
    let path = if path.as_os_str().is_empty() { Path::new(".") } else { path };
    // Without resolving links, so that the user recognises the name.
    let path = std::path::absolute(path).map_err(|e| Error::io(path, "finding the working directory", e))?;
    Ok(path)
}
