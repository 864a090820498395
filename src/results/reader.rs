//! Reads a results file, of this program or of a stranger.
//!
//! A file may be damaged or made to harm: only hard links are followed, and no array is read that claims more
//! bytes than the file has.

use std::path::{Path, PathBuf};

use hdf5::plist::dataset_create::Layout;
use hdf5::{IndexType, IterationOrder, LinkType};

use super::checkpoint;
use super::named::{self, Named};
use super::schema;
use super::seal::{self, Seal};
use crate::error::{Error, Place, Result};
use crate::estimator::{Array, Model, Values};

/// A dataset of a results file.
#[derive(Clone, Debug, PartialEq)]
pub struct Item {
    /// Its name.
    pub name: String,
    /// The length of each dimension.
    pub shape: Vec<usize>,
    /// The type of its values, such as `float64`.
    pub kind: String,
    /// The values, unless there are more than were asked for.
    pub array: Option<Array>,
}

/// A group of a results file.
#[derive(Clone, Debug, PartialEq)]
pub struct Group {
    /// Its attributes.
    pub attributes: Vec<Named>,
    /// Its datasets, in the order in which they were written.
    pub items: Vec<Item>,
}

impl Group {
    /// The values of the dataset called `name`, if they were read.
    pub fn array(&self, name: &str) -> Option<&Array> {
        self.items.iter().find(|item| item.name == name)?.array.as_ref()
    }

    /// The attribute called `name`.
    pub fn attribute(&self, name: &str) -> Option<&Array> {
        self.attributes.iter().find(|(n, _)| n == name).map(|(_, array)| array)
    }

    /// The single text in the dataset or attribute called `name`.
    pub fn text(&self, name: &str) -> Option<&str> {
        match &self.array(name).or_else(|| self.attribute(name))?.values {
            Values::Text(texts) => texts.first().map(String::as_str),
            _ => None,
        }
    }
}

/// An open results file.
pub struct ResultsFile {
    path: PathBuf,
    file: hdf5::File,
    size_bytes: u64,
}

impl ResultsFile {
    /// Opens a results file and checks that this program can read it.
    ///
    /// # Errors
    /// [`Error::InputMissing`] when there is no such file, [`Error::Io`] when it cannot be opened,
    /// [`Error::Data`] when it is no results file or one of a newer program.
    pub fn open(path: &Path) -> Result<Self> {
        let metadata = match std::fs::metadata(path) {
            Ok(metadata) if metadata.is_dir() => return Err(not_ours(path, "a folder")),
            Ok(metadata) => metadata,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                return Err(Error::InputMissing {
                    path: path.into(),
                    message: "there is no such file".into(),
                });
            }
            Err(error) => return Err(Error::io(path, "opening", error)),
        };
        if checkpoint::is_one(path).map_err(|error| Error::io(path, "reading", error))? {
            let found = "a checkpoint of a run that was stopped; run its job again with --on-existing resume";
            return Err(not_ours(path, found));
        }
        check_seal(path)?;
        let file = hdf5::File::open(path).map_err(|error| {
            if error.to_string().contains("lock file") {
                let help =
                    format!("{error}; if the file system has no locks, set HDF5_USE_FILE_LOCKING=FALSE");
                Error::io(path, "opening", help)
            } else {
                not_ours(path, "another kind of file, or a damaged one")
            }
        })?;
        let opened = Self { path: path.into(), file, size_bytes: metadata.len() };
        opened.check_format()?;
        Ok(opened)
    }

    fn check_format(&self) -> Result<()> {
        match self.root_text("format").as_deref() {
            Some(schema::FORMAT) => {}
            Some(schema::PREDICTIONS_FORMAT) => {
                let found = "predictions; read their dataset \"predictions\" with any HDF5 reader, or give the results \
                             file that made them";
                return Err(not_ours(&self.path, found));
            }
            Some(other) => return Err(not_ours(&self.path, format!("an HDF5 file of format \"{other}\""))),
            None => return Err(not_ours(&self.path, "an HDF5 file of another program")),
        }
        let version =
            named::get_attribute(&self.file, "format_version").ok().and_then(|array| array.to_f64());
        match version.and_then(|values| values.first().copied()) {
            Some(version) if version <= schema::FORMAT_VERSION as f64 => Ok(()),
            Some(version) => Err(Error::data(
                self.path.display(),
                Place::default(),
                format!("format_version at most {}", schema::FORMAT_VERSION),
                format!("{version}, made by a newer {}", schema::SOFTWARE),
            )),
            None => Err(not_ours(&self.path, "a file without format_version")),
        }
    }

    fn root_text(&self, name: &str) -> Option<String> {
        match named::get_attribute(&self.file, name).ok()?.values {
            Values::Text(texts) => texts.into_iter().next(),
            _ => None,
        }
    }

    /// The file's name.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The attributes of the root.
    ///
    /// # Errors
    /// [`Error::Data`] when they cannot be read.
    pub fn attributes(&self) -> Result<Vec<Named>> {
        self.attributes_of(&self.file)
    }

    fn attributes_of(&self, location: &hdf5::Location) -> Result<Vec<Named>> {
        let names = location.attr_names().map_err(|e| self.damaged("attributes", &e))?;
        names
            .into_iter()
            .map(|name| {
                let array = named::get_attribute(location, &name).map_err(|e| self.damaged(&name, &e))?;
                Ok((name, array))
            })
            .collect()
    }

    /// The group called `name`, if there is one, with the values of arrays of at most `most_values`.
    ///
    /// # Errors
    /// [`Error::Data`] when it is damaged or not as this program writes it.
    pub fn group(&self, name: &str, most_values: usize) -> Result<Option<Group>> {
        let Some(group) = self.open_group(&self.file, name)? else { return Ok(None) };
        self.read_group(name, &group, most_values).map(Some)
    }

    /// The group `name` of `parent`, if there is one.
    fn open_group(&self, parent: &hdf5::Group, name: &str) -> Result<Option<hdf5::Group>> {
        let links = self.links(parent)?;
        let Some((_, link)) = links.iter().find(|(link, _)| link == name) else { return Ok(None) };
        self.check_link(name, *link)?;
        parent.group(name).map(Some).map_err(|e| self.damaged(name, &e))
    }

    fn read_group(&self, name: &str, group: &hdf5::Group, most_values: usize) -> Result<Group> {
        let mut items = Vec::new();
        for (item, link) in self.links(group)? {
            let path = format!("{name}/{item}");
            self.check_link(&path, link)?;
            // The steps before the model: see `pipeline`.
            if name == schema::MODEL && item == schema::PIPELINE {
                continue;
            }
            let dataset = group.dataset(&item).map_err(|e| self.damaged(&path, &e))?;
            items.push(self.item(&path, item, &dataset, most_values)?);
        }
        Ok(Group { attributes: self.attributes_of(group)?, items })
    }

    fn links(&self, group: &hdf5::Group) -> Result<Vec<(String, LinkType)>> {
        let links = group
            .links(IndexType::CreationOrder, IterationOrder::Increasing)
            .or_else(|_| group.links(IndexType::Name, IterationOrder::Increasing))
            .map_err(|e| self.damaged("/", &e))?;
        Ok(links.into_iter().map(|(name, info)| (name, info.link_type)).collect())
    }

    fn check_link(&self, path: &str, link: LinkType) -> Result<()> {
        if link == LinkType::Hard {
            return Ok(());
        }
        Err(Error::data(
            format!("{}: /{path}", self.path.display()),
            Place::default(),
            "an object in the file itself",
            "a link to somewhere else",
        ))
    }

    fn item(&self, path: &str, name: String, dataset: &hdf5::Dataset, most_values: usize) -> Result<Item> {
        let fault = |found: String| {
            let origin = format!("{}: /{path}", self.path.display());
            Error::data(origin, Place::default(), "an array stored in the file itself", found)
        };
        let kind = dataset.dtype().and_then(|t| t.to_descriptor()).map_err(|e| self.damaged(path, &e))?;
        let properties = dataset.create_plist().map_err(|e| self.damaged(path, &e))?;
        if properties.layout() == Layout::Virtual || !properties.external().is_empty() {
            return Err(fault("one that lies in other files".into()));
        }
        let shape = dataset.shape();
        let bytes = shape.iter().try_fold(kind.size() as u64, |n, &length| n.checked_mul(length as u64));
        if bytes.is_none_or(|bytes| bytes > self.size_bytes) {
            return Err(fault(format!("a shape of {shape:?} in a file of {} bytes", self.size_bytes)));
        }
        let small = shape.iter().product::<usize>() <= most_values;
        let array = if small { Some(named::get(dataset).map_err(|e| self.damaged(path, &e))?) } else { None };
        Ok(Item { name, shape, kind: kind.to_string(), array })
    }

    /// The fitted model without the arrays of one value a row (`labels_`).
    ///
    /// # Errors
    /// [`Error::Data`] when the file holds none, or a damaged one.
    pub fn model(&self) -> Result<Model> {
        let group = self.group(schema::MODEL, 0)?.ok_or_else(|| {
            let origin = self.path.display();
            Error::data(origin, Place::default(), "a fitted model", "results without one (refit = false?)")
        })?;
        self.model_in(schema::MODEL, &group)
    }

    /// The fitted steps before the model, in order; none for a model without a pipeline.
    ///
    /// # Errors
    /// [`Error::Data`] when one of them is damaged.
    pub fn pipeline(&self) -> Result<Vec<Model>> {
        let steps = self.pipeline_groups(0)?;
        steps.iter().map(|(path, group)| self.model_in(path, group)).collect()
    }

    /// The groups of the steps before the model with their paths, in order, with the values of arrays of at most
    /// `most_values`.
    ///
    /// # Errors
    /// [`Error::Data`] when one of them is damaged or a step is missing.
    pub fn pipeline_groups(&self, most_values: usize) -> Result<Vec<(String, Group)>> {
        let Some(model) = self.open_group(&self.file, schema::MODEL)? else { return Ok(Vec::new()) };
        let Some(pipeline) = self.open_group(&model, schema::PIPELINE)? else { return Ok(Vec::new()) };
        let names: Vec<String> = self.links(&pipeline)?.into_iter().map(|(name, _)| name).collect();
        let mut steps = Vec::new();
        for number in 0..names.len() {
            let name =
                names.iter().find(|name| name.starts_with(&format!("{number}_"))).ok_or_else(|| {
                    let expected = format!("step {number} of the pipeline");
                    Error::data(self.path.display(), Place::default(), expected, names.join(", "))
                })?;
            let path = format!("{}/{}/{name}", schema::MODEL, schema::PIPELINE);
            if let Some(group) = self.open_group(&pipeline, name)? {
                let group = self.read_group(&path, &group, most_values)?;
                steps.push((path, group));
            }
        }
        Ok(steps)
    }

    /// The model in the group at `place`.
    fn model_in(&self, place: &str, group: &Group) -> Result<Model> {
        let origin = || self.path.display().to_string();
        let text = |name: &str| {
            group.text(name).map(str::to_owned).ok_or_else(|| {
                Error::data(origin(), Place::default(), format!("an attribute {name} of /{place}"), "none")
            })
        };
        let params = serde_json::from_str(&text(schema::PARAMS)?).map_err(|e| {
            Error::data(origin(), Place::default(), format!("params of /{place} as JSON"), e.to_string())
        })?;
        let mut attributes = Vec::new();
        for item in group.items.iter().filter(|item| item.name != "labels_") {
            let path = format!("{place}/{}", item.name);
            let array = self.file.dataset(&path).and_then(|d| named::get(&d));
            attributes.push((item.name.clone(), array.map_err(|e| self.damaged(&path, &e))?));
        }
        Ok(Model { estimator: text(schema::ESTIMATOR)?, params, attributes })
    }

    fn damaged(&self, what: &str, error: &hdf5::Error) -> Error {
        let origin = format!("{}: {what}", self.path.display());
        let words = error.to_string();
        let found = format!("a damaged file ({})", words.lines().next().unwrap_or_default());
        Error::data(origin, Place::default(), "readable results", found)
    }
}

/// Refuses a file of this program's that is not as it was written, before HDF5 stumbles over it; any other file passes. Reads
/// a sealed file once.
///
/// # Errors
/// [`Error::Data`], [`Error::Io`].
pub fn check_seal(path: &Path) -> Result<()> {
    let mut file = std::fs::File::open(path).map_err(|e| Error::io(path, "opening", e))?;
    match seal::check(&mut file).map_err(|e| Error::io(path, "reading", e))? {
        Seal::Whole | Seal::Absent => Ok(()),
        Seal::Broken => {
            let found = "a damaged one: its bytes do not fit its SHA-256";
            Err(not_ours(path, found))
        }
    }
}

fn not_ours(path: &Path, found: impl Into<String>) -> Error {
    Error::data(path.display(), Place::default(), format!("a results file of {}", schema::SOFTWARE), found)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::rows::RowSink;
    use crate::error::ExitCode;
    use crate::results::{Contents, CvResults, Output, ResultsWriter, RowType};

    fn contents() -> Contents {
        let attributes = vec![
            (
                "cluster_centers_".to_owned(),
                Array::new([2, 3], Values::F64(vec![1., 2., 3., 4., 5., f64::MAX])),
            ),
            ("inertia_".to_owned(), Array::scalar(0.1)),
            ("n_iter_".to_owned(), Array::integer(7)),
            ("classes_".to_owned(), Array::vector(Values::Text(vec!["å".into(), "b".into()]))),
            ("support_".to_owned(), Array::vector(Values::I32(vec![]))),
            ("x".to_owned(), Array::vector(Values::F32(vec![0.5]))),
            ("flag".to_owned(), Array::vector(Values::Bool(vec![true, false]))),
        ];
        let params = serde_json::json!({"n_clusters": 2});
        Contents {
            model: Some(Model { estimator: "KMeans".into(), params, attributes }),
            pipeline: vec![step("StandardScaler"), step("PCA")],
            history: vec![("inertia".into(), Array::vector(Values::F64(vec![3.0, 2.0])))],
            cv_results: Some(CvResults {
                columns: vec![("mean_test_score".into(), Array::vector(Values::F64(vec![0.5])))],
                attributes: vec![
                    ("best_index_".into(), Array::integer(0)),
                    ("n_resources_".into(), Array::vector(Values::I64(vec![20, 60, 180]))),
                    ("names".into(), Array::vector(Values::Text(vec!["å".into(), "b".into()]))),
                ],
            }),
            timing: vec![("load".into(), Array::vector(Values::F64(vec![0.0, 1.0])))],
            provenance: vec![("job".into(), Array::new([], Values::Text(vec!["seed = 0\n".into()])))],
        }
    }

    fn step(name: &str) -> Model {
        let attributes = vec![("mean_".to_owned(), Array::vector(Values::F64(vec![1.0, 2.0])))];
        Model { estimator: name.into(), params: serde_json::json!({"whiten": true}), attributes }
    }

    fn write(path: &Path) -> Contents {
        let output = Output::check(path, true).unwrap();
        let mut writer = ResultsWriter::new(&output, schema::FORMAT).unwrap();
        let mut rows = writer.rows("model/labels_", 1000, RowType::I32).unwrap();
        let labels: Vec<u8> = (0..1000i32).flat_map(i32::to_le_bytes).collect();
        rows.put(500, &labels[2000..]).unwrap();
        rows.put(0, &labels[..2000]).unwrap();
        assert!(rows.put(501, &labels[2000..]).is_err());
        let contents = contents();
        writer.finish(&contents).unwrap();
        contents
    }

    #[test]
    fn what_is_written_is_read_back() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("out.h5");
        let contents = write(&path);
        let file = ResultsFile::open(&path).unwrap();
        assert_eq!(Some(file.model().unwrap()), contents.model);
        assert_eq!(file.pipeline().unwrap(), contents.pipeline);
        let model = file.group(schema::MODEL, 1000).unwrap().unwrap();
        assert_eq!(model.array("labels_").unwrap().values, Values::I32((0..1000).collect()));
        let history = file.group(schema::HISTORY, 10).unwrap().unwrap();
        assert_eq!(history.array("inertia"), Some(&contents.history[0].1));
        let table = file.group(schema::CV_RESULTS, 10).unwrap().unwrap();
        let written = &contents.cv_results.as_ref().unwrap().attributes;
        assert!(written.iter().all(|(name, array)| table.attribute(name) == Some(array)));
        let provenance = file.group(schema::PROVENANCE, 10).unwrap().unwrap();
        assert_eq!(provenance.text("job"), Some("seed = 0\n"));
        let names: Vec<String> = file.attributes().unwrap().into_iter().map(|(name, _)| name).collect();
        assert!(schema::ROOT_ATTRIBUTES.iter().all(|name| names.contains(&(*name).to_owned())), "{names:?}");
        assert!(file.group("absent", 1).unwrap().is_none());
        assert!(model.array("flag").is_some());
    }

    #[test]
    fn other_files_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.h5");
        let code = |path: &Path| ResultsFile::open(path).map_err(|e| e.exit_code()).err();
        assert_eq!(code(&path), Some(ExitCode::NoInput));
        assert_eq!(code(folder.path()), Some(ExitCode::Data));
        std::fs::write(&path, "no HDF5").unwrap();
        assert_eq!(code(&path), Some(ExitCode::Data));
        drop(hdf5::File::create(&path).unwrap());
        assert_eq!(code(&path), Some(ExitCode::Data));
        let message = |path: &Path| ResultsFile::open(path).err().unwrap().to_string();
        std::fs::remove_file(&path).unwrap();
        let output = Output::check(&path, true).unwrap();
        ResultsWriter::new(&output, schema::PREDICTIONS_FORMAT)
            .unwrap()
            .finish(&Contents::default())
            .unwrap();
        assert!(message(&path).contains("found predictions; read their dataset"), "{}", message(&path));
        std::fs::write(&path, b"rankfit-checkpoint1\nand so on").unwrap();
        assert!(
            message(&path).contains("found a checkpoint of a run that was stopped"),
            "{}",
            message(&path)
        );
        assert_eq!(code(&path), Some(ExitCode::Data));
        write(&path);
        let length = std::fs::metadata(&path).unwrap().len();
        std::fs::File::options().write(true).open(&path).unwrap().set_len(length / 2).unwrap();
        assert_eq!(code(&path), Some(ExitCode::Data));
        write(&path);
        let newer = hdf5::File::open_rw(&path).unwrap();
        newer.attr("format_version").unwrap().write_scalar(&2i64).unwrap();
        drop(newer);
        let message = ResultsFile::open(&path).err().unwrap().to_string();
        assert!(message.contains("newer rankfit"), "{message}");
    }

    #[test]
    fn no_flipped_bit_is_read_as_another_value() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.h5");
        write(&path);
        let whole = std::fs::read(&path).unwrap();
        // Every 1021st bit: a prime, so that each position in a byte comes up.
        for bit in (0..8 * whole.len()).step_by(1021) {
            let mut bytes = whole.clone();
            bytes[bit / 8] ^= 1 << (bit % 8);
            std::fs::write(&path, &bytes).unwrap();
            match ResultsFile::open(&path) {
                Err(error) => assert_eq!(error.exit_code(), ExitCode::Data, "bit {bit}"),
                // In the seal's own mark: nothing that is read has changed.
                Ok(_) => assert!(bit / 8 >= whole.len() - 16, "bit {bit} of {}", 8 * whole.len()),
            }
        }
    }

    #[test]
    fn no_array_outside_the_file_or_larger_than_it_is_read() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.h5");
        write(&path);
        let file = hdf5::File::open_rw(&path).unwrap();
        let history = file.group("history").unwrap();
        history.new_dataset::<f64>().chunk(10).shape(1 << 50).create("huge").unwrap();
        file.link_soft("/model", "timing2").unwrap();
        drop(history);
        file.close().unwrap();
        let file = ResultsFile::open(&path).unwrap();
        assert!(file.group("history", 10).unwrap_err().to_string().contains("1125899906842624"));
        assert!(file.group("timing2", 10).unwrap_err().to_string().contains("a link to somewhere else"));
    }
}
