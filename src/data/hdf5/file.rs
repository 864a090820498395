//! Opening a user's file and finding the datasets in it.

use std::io::Read;
use std::path::Path;

use hdf5::{Dataset, File, Group, IndexType, IterationOrder, LinkType, LocationType};

use crate::data::nearest::nearest;
use crate::data::signature;
use crate::error::{Error, Place, Result};

/// How many datasets and levels of groups a message lists.
const LISTED: usize = 20;
const LEVELS: usize = 6;

/// Opens a file for reading, with a chunk cache of this many bytes if given.
pub(super) fn open(path: &Path, cache_bytes: Option<usize>) -> Result<File> {
    let mut options = File::with_options();
    if let Some(bytes) = cache_bytes {
        // The number of slots need only be large against the number of chunks held.
        options.with_fapl(|list| list.chunk_cache(10_007, bytes, 0.75));
    }
    options.open(path).map_err(|error| cannot_open(path, &error))
}

fn cannot_open(path: &Path, error: &hdf5::Error) -> Error {
    let words = error.to_string();
    let fault = |found: String| Error::data(path.display(), Place::default(), "an HDF5 file", found);
    if words.contains("lock the file") || words.contains("lock file") {
        let message = format!(
            "{words}; another program may be writing to it, or the file system has no locks: with the environment variable HDF5_USE_FILE_LOCKING=FALSE they are not asked for"
        );
        return Error::io(path, "opening", message);
    }
    if words.contains("signature") {
        return fault(kind_of(path));
    }
    if words.contains("truncated") {
        return fault(format!("one that was cut off ({words})"));
    }
    fault(format!("one that cannot be opened ({words})"))
}

/// What a file is that is not HDF5.
fn kind_of(path: &Path) -> String {
    let mut first = Vec::new();
    let read = std::fs::File::open(path).and_then(|file| file.take(512).read_to_end(&mut first));
    let text = |bytes: &[u8]| bytes.iter().all(|&byte| byte >= b' ' || matches!(byte, b'\n' | b'\r' | b'\t'));
    match signature::named(&first) {
        Some(what) => what.into(),
        None if read.is_ok() && first.is_empty() => "an empty file".into(),
        None if text(&first) => "a text file; if it is CSV read it with source = \"csv\"".into(),
        None => "some other kind of file".into(),
    }
}

/// Opens a dataset by its name, in which `/` separates groups, by way of hard links only.
///
/// # Errors
/// [`Error::InputMissing`] with the names that there are; [`Error::Data`] for a link that leads elsewhere.
pub(super) fn dataset(file: &File, path: &Path, name: &str) -> Result<Dataset> {
    let failed = |error: hdf5::Error| Error::io(path, "finding a dataset", error);
    let mut group = file.group("/").map_err(failed)?;
    let parts: Vec<&str> = name.split('/').filter(|part| !part.is_empty()).collect();
    for (i, part) in parts.iter().enumerate() {
        match link(&group, part).map_err(failed)? {
            None => return Err(missing(file, path, name)),
            Some(LinkType::Hard) => {}
            Some(LinkType::Soft) => return Err(foreign(path, name, "a soft link; name what it points to")),
            Some(LinkType::External) => {
                return Err(foreign(path, name, "a link into another file; name that file"));
            }
        }
        match (group.loc_type_by_name(part).map_err(failed)?, i + 1 == parts.len()) {
            (LocationType::Dataset, true) => return group.dataset(part).map_err(failed),
            (LocationType::Group, false) => group = group.group(part).map_err(failed)?,
            _ => break,
        }
    }
    Err(missing(file, path, name))
}

/// The error for a dataset whose values are not in this file.
pub(super) fn foreign(path: &Path, name: &str, found: impl Into<String>) -> Error {
    let origin = format!("{}: dataset {name:?}", path.display());
    Error::data(origin, Place::default(), "a dataset that lies in this file", found)
}

fn link(group: &Group, name: &str) -> hdf5::Result<Option<LinkType>> {
    group.find_link(IndexType::Name, IterationOrder::Increasing, |link, info| {
        Ok((link == name).then_some(info.link_type))
    })
}

fn missing(file: &File, path: &Path, name: &str) -> Error {
    let mut names = Vec::new();
    list(file, "", LEVELS, &mut names);
    let hint = nearest(name, &names).map(|there| format!(" (did you mean {there:?}?)")).unwrap_or_default();
    let mut there = names.iter().take(LISTED).map(String::as_str).collect::<Vec<_>>().join(", ");
    match names.len() {
        0 => there.push_str("none"),
        count if count > LISTED => there.push_str(", …"),
        _ => {}
    }
    let message = format!("no dataset {name:?}{hint}; the file's datasets: {there}");
    Error::InputMissing { path: path.into(), message }
}

/// Adds the names of the datasets below `group`. Groups may hold each other, so the depth has an end.
fn list(group: &Group, prefix: &str, levels: usize, names: &mut Vec<String>) {
    let Ok(mut links) = group.links(IndexType::Name, IterationOrder::Increasing) else { return };
    links.retain(|(_, info)| info.link_type == LinkType::Hard);
    for (name, _) in links {
        if names.len() > LISTED {
            return;
        }
        match group.loc_type_by_name(&name) {
            Ok(LocationType::Dataset) => names.push(format!("{prefix}{name}")),
            Ok(LocationType::Group) if levels > 1 => {
                if let Ok(inner) = group.group(&name) {
                    list(&inner, &format!("{prefix}{name}/"), levels - 1, names);
                }
            }
            _ => {}
        }
    }
}
