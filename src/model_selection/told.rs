//! What a user reads of a table `{ kind = "…", … }` that cannot be used.

use toml::{Table, Value};

use crate::error::{Error, Result};

/// The text at `key` of the table at `path`, one of `known`.
///
/// # Errors
/// [`Error::Job`] at the key, with the name that is most like the one found.
pub(super) fn choice<'k>(path: &str, key: &str, table: &Table, known: &[&'k str]) -> Result<&'k str> {
    let written = table.get(key);
    if let Some(&name) = known.iter().find(|name| written.and_then(Value::as_str) == Some(name)) {
        return Ok(name);
    }
    let hint = match written {
        Some(value) => value.as_str().and_then(|name| nearest(name, known)).map(|near| format!("{near:?}")),
        None => table.keys().find(|other| stands_for(other, key)).map(|other| format!("{key}, not {other}")),
    };
    let quoted: Vec<String> = known.iter().map(|name| format!("{name:?}")).collect();
    Err(Error::Job {
        file: None,
        line: None,
        key: format!("{path}.{key}"),
        expected: quoted.join(", "),
        found: written.map_or_else(|| "nothing".into(), found),
        hint: hint.map(|name| format!("did you mean {name}?")),
    })
}

/// Checks that every key of the table at `path` is among those that are `taken` or `known`.
///
/// # Errors
/// [`Error::Job`] at the first that is not, with the key that is most like it or all of them.
pub(super) fn check_keys(path: &str, table: &Table, taken: &[&str], known: &[&str]) -> Result<()> {
    let is_known = |key: &&String| known.contains(&key.as_str()) || taken.contains(&key.as_str());
    let Some(unknown) = table.keys().find(|key| !is_known(key)) else { return Ok(()) };
    let hint = match nearest(unknown, known) {
        Some(near) => format!("did you mean {near}?"),
        None if known.is_empty() => format!("there are none beside {}", taken.join(", ")),
        None => format!("known keys: {}", known.join(", ")),
    };
    Err(Error::Job {
        file: None,
        line: None,
        key: format!("{path}.{unknown}"),
        expected: "a known key".into(),
        found: "an unknown one".into(),
        hint: Some(hint),
    })
}

/// A value as it is named in a message.
pub(super) fn found(value: &Value) -> String {
    match value {
        Value::String(text) => format!("the text {text:?}"),
        Value::Float(number) => format!("{number:?}"),
        Value::Array(items) => format!("a list of {}", items.len()),
        Value::Table(_) => "a section of keys".into(),
        other => other.to_string(),
    }
}

/// Keys that a user may take for each other.
fn stands_for(other: &str, key: &str) -> bool {
    ["kind", "name", "type", "distribution", "splitter"].contains(&other) || nearest(other, &[key]).is_some()
}

fn nearest<'k>(name: &str, known: &[&'k str]) -> Option<&'k str> {
    let distance = |other: &str| strsim::damerau_levenshtein(&name.to_lowercase(), &other.to_lowercase());
    let (near, edits) = known.iter().map(|&other| (other, distance(other))).min_by_key(|(_, d)| *d)?;
    (edits <= name.chars().count() / 3).then_some(near)
}

#[cfg(test)]
mod tests {
    use crate::model_selection::splitter::Splitter;

    #[test]
    fn a_splitter_that_cannot_be_read_is_told_where_and_what_was_meant() {
        let message =
            |text: &str| Splitter::from_table(&toml::from_str(text).unwrap()).unwrap_err().to_string();
        assert_eq!(
            message("kind = 'KFld'"),
            "search.cv.kind: expected \"KFold\", \"StratifiedKFold\", \"RepeatedKFold\", \
             \"RepeatedStratifiedKFold\", \"GroupKFold\", \"StratifiedGroupKFold\", \"LeaveOneOut\", \
             \"LeaveOneGroupOut\", \"LeavePGroupsOut\", \"ShuffleSplit\", \"StratifiedShuffleSplit\", \
             \"GroupShuffleSplit\", \"TimeSeriesSplit\", \"PredefinedSplit\", found the text \"KFld\" \
             (did you mean \"KFold\"?)"
        );
        assert!(message("name = 'KFold'").ends_with("found nothing (did you mean kind, not name?)"));
        for (text, said) in [
            (
                "kind = 'KFold'\nn_split = 3",
                "search.cv.n_split: expected a known key, found an unknown one (did you mean n_splits?)",
            ),
            ("kind = 'KFold'\nn_splits = 2.5", "search.cv.n_splits: expected a positive integer, found 2.5"),
            (
                "kind = 'LeaveOneOut'\nshuffle = true",
                "search.cv.shuffle: expected a known key, found an unknown one (there are none beside kind)",
            ),
            (
                "kind = 'RepeatedKFold'\nshuffle = true",
                "search.cv.shuffle: expected a known key, found an unknown one \
                 (known keys: n_splits, n_repeats, random_state)",
            ),
            (
                "kind = 'RepeatedStratifiedKFold'\nn_repeat = 3",
                "search.cv.n_repeat: expected a known key, found an unknown one (did you mean n_repeats?)",
            ),
            (
                "kind = 'LeavePGroupsOut'\nn_groups = 0.5",
                "search.cv.n_groups: expected a positive integer, found 0.5",
            ),
            (
                "kind = 'GroupShuffleSplit'\ntest_size = 'half'",
                "search.cv.test_size: expected a number of groups, or a fraction between 0.0 and 1.0, found the text \"half\"",
            ),
            ("kind = 'KFold'\nshuffle = 1", "search.cv.shuffle: expected true or false, found 1"),
            (
                "kind = 'ShuffleSplit'\ntest_size = 'half'",
                "search.cv.test_size: expected a number of rows, or a fraction between 0.0 and 1.0, found the text \"half\"",
            ),
        ] {
            assert_eq!(message(text), said);
        }
        let none = toml::from_str("kind = 'KFold'\nrandom_state = 'none'").unwrap();
        assert_eq!(Splitter::from_table(&none).unwrap(), Splitter::from_number(5, false));
    }
}
