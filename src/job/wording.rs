//! What a user reads when a job's value cannot be used, instead of the deserialiser's words.

use toml::{Table, Value};

/// A fault in the user's words, at a dotted path within its section.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Fault {
    pub(super) key: String,
    pub(super) expected: String,
    pub(super) found: String,
    pub(super) hint: Option<String>,
}

/// Keys that several kinds of value fit, where the deserialiser can only say that none did.
const EXPECTATIONS: &[(&str, &str)] = &[
    ("gamma", "\"scale\", \"auto\" or a positive number"),
    ("warm_start_along_c", "true, false or \"auto\""),
    ("init", "\"k-means||\", \"k-means++\", \"random\" or { file = \"…\" }"),
    ("n_init", "\"auto\" or a positive integer"),
    ("max_depth", "a whole number from 1, or \"none\" for no limit"),
    ("max_no_improvement", "an integer of 0 or more, where 0 never stops for that"),
    ("centers", "a positive integer, or a file of one centre a row"),
    ("center_box", "two numbers [low, high]"),
    ("cluster_std", "a positive number, or a list of one for each centre"),
    ("class_weight", "\"balanced\" or a table of class = weight"),
    ("label", "a column's name or number"),
    ("y", "the name of a dataset or column, or a column's number"),
    (
        "n_components",
        "a positive integer, or for PCA also a share of the variance between 0 and 1, or \"mle\"",
    ),
    ("feature_range", "two numbers [low, high], low below high"),
    ("memory_per_rank", "a number of bytes, or a text such as \"8GiB\""),
    ("scoring", "a scorer's name, or a list of names"),
    ("refit", "true, false or a scorer's name"),
    ("cv", "a number of folds, at least 2"),
];

/// Integer keys for which 0 has a meaning.
const MAY_BE_ZERO: &[&str] =
    &["seed", "random_state", "init_max_iter", "verbose", "n_redundant", "n_repeated", "degree", "label"];

/// Turns a serde `message` about the path `path` of `table` into a [`Fault`].
pub(super) fn translate(message: &str, path: &str, table: &Table, also_known: &[&str]) -> Fault {
    let value = lookup(table, path);
    let found = value.map_or_else(|| "nothing".to_owned(), describe);
    let fault = |key: &str, expected: String, found: String, hint| Fault {
        key: key.to_owned(),
        expected,
        found,
        hint,
    };
    if message.starts_with("unknown field") {
        let mut quoted = quoted(message);
        let name = if quoted.is_empty() { path.to_owned() } else { quoted.remove(0) };
        let section = match path.rsplit_once('.') {
            Some((section, last)) if last == name => section,
            _ if path == name => "",
            _ => path,
        };
        // Those were taken out of the section itself, not of one inside it.
        let also_known = if section.is_empty() { also_known } else { &[] };
        let known: Vec<&str> = quoted.iter().map(String::as_str).chain(also_known.iter().copied()).collect();
        let key = super::document::join(section, &name);
        return fault(&key, "a known key".into(), "an unknown one".into(), Some(suggest(&name, &known)));
    }
    if message.starts_with("missing field") {
        let name = quoted(message).into_iter().next().unwrap_or_default();
        let key = super::document::join(path, &name);
        return fault(&key, "a value, for the key is required".into(), "nothing".into(), None);
    }
    if message.starts_with("unknown variant") {
        let quoted = quoted(message);
        let known: Vec<&str> = quoted.iter().skip(1).map(String::as_str).collect();
        let name = quoted.first().map_or("", String::as_str);
        let hint = nearest(name, &known).map(|near| format!("did you mean \"{near}\"?"));
        return fault(path, one_of(&known), found, hint);
    }
    let key = path.rsplit('.').find(|part| part.parse::<usize>().is_err()).unwrap_or(path);
    let special = EXPECTATIONS.iter().find(|(name, _)| *name == key).map(|(_, text)| (*text).to_owned());
    if message.contains("did not match any variant") {
        return fault(path, special.unwrap_or_else(|| "another kind of value".into()), found, None);
    }
    let invalid = ["invalid type", "invalid value", "invalid length"].iter().any(|p| message.starts_with(p));
    match message.rsplit_once(", expected ") {
        Some((_, wanted)) if invalid => {
            fault(path, special.unwrap_or_else(|| expectation(wanted, key)), found, None)
        }
        // A message that the parameters' own type wrote, meant for the user.
        _ => {
            let own = message.strip_prefix("expected ").unwrap_or(message);
            let own = own.rsplit_once(", found ").map_or(own, |(expected, _)| expected);
            fault(path, own.to_owned(), found, None)
        }
    }
}

/// What is wrong with `piece` of a file that is no TOML.
pub(super) fn syntax(message: &str, piece: &str) -> String {
    match message.lines().next().unwrap_or_default() {
        "duplicate key" => format!("the key {} is there twice", piece.trim()),
        number if number.contains("too large") => {
            format!("expected whole numbers up to {}, found {}", i64::MAX, piece.trim())
        }
        _ => message.replace('\n', ", "),
    }
}

/// What the deserialiser's name of a type means to a user.
fn expectation(wanted: &str, key: &str) -> String {
    let wanted = wanted.trim_end_matches(" for key");
    match wanted {
        "u8" | "u16" | "u32" | "u64" | "usize" if MAY_BE_ZERO.contains(&key) => "a non-negative integer",
        "u8" | "u16" | "u32" | "u64" | "usize" => "a positive integer",
        _ if wanted.starts_with("a nonzero") => "a positive integer",
        "i8" | "i16" | "i32" | "i64" | "isize" => "an integer",
        "f32" | "f64" => "a number",
        "string only" | "a string" | "str" | "a borrowed string" | "string" | "path string" => {
            "a text in quotes"
        }
        "a boolean" | "bool" => "true or false",
        "a sequence" => "a list",
        "a map" => "a section of keys",
        _ if wanted.starts_with("struct ") => "a section of keys",
        _ if wanted.contains("enum") || wanted.contains("variant") => "a text in quotes",
        other => other,
    }
    .to_owned()
}

/// A value as it is named in a message.
pub(super) fn describe(value: &Value) -> String {
    match value {
        Value::String(text) => format!("the text {text:?}"),
        Value::Integer(number) => number.to_string(),
        Value::Float(number) => format!("{number:?}"),
        Value::Boolean(flag) => flag.to_string(),
        Value::Datetime(date) => format!("the date {date}"),
        Value::Array(items) => format!("a list of {}", items.len()),
        Value::Table(_) => "a section of keys".into(),
    }
}

/// A hint for an unknown `name`: the nearest known one, or all of them.
pub(super) fn suggest(name: &str, known: &[&str]) -> String {
    match nearest(name, known) {
        Some(near) => format!("did you mean {near}?"),
        None if known.is_empty() => "the section takes no keys".into(),
        None => format!("known keys: {}", known.join(", ")),
    }
}

/// The known name that differs least, if it differs by little.
pub(super) fn nearest<'a>(name: &str, known: &[&'a str]) -> Option<&'a str> {
    let distance = |other: &str| strsim::damerau_levenshtein(&name.to_lowercase(), &other.to_lowercase());
    let (near, edits) = known.iter().map(|&other| (other, distance(other))).min_by_key(|(_, d)| *d)?;
    // Short names have half of their letters in common at least, or any of them is near.
    let length = name.chars().count();
    (edits <= (length / 3).max(2).min(length / 2)).then_some(near)
}

/// `"a", "b" or "c"`.
pub(super) fn one_of(known: &[&str]) -> String {
    let quoted: Vec<String> = known.iter().map(|name| format!("\"{name}\"")).collect();
    match quoted.split_last() {
        Some((last, rest)) if !rest.is_empty() => format!("{} or {last}", rest.join(", ")),
        Some((last, _)) => last.clone(),
        None => "nothing".into(),
    }
}

/// A path as `serde_path_to_error` writes it (`a.b[2]`), with dots only; empty for the whole.
pub(super) fn dotted(path: &str) -> String {
    let path = path.replace('[', ".").replace(']', "");
    path.trim_matches('.').replace(".?", "").trim_matches('?').to_owned()
}

fn lookup<'a>(table: &'a Table, path: &str) -> Option<&'a Value> {
    let mut keys = path.split('.');
    let mut value = table.get(keys.next()?)?;
    for key in keys {
        value = match value {
            Value::Table(table) => table.get(key)?,
            Value::Array(items) => items.get(key.parse::<usize>().ok()?)?,
            // A value inside an enum's payload: the whole is the best there is to show.
            _ => break,
        };
    }
    Some(value)
}

fn quoted(message: &str) -> Vec<String> {
    message.split('`').skip(1).step_by(2).map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use crate::job::Document;

    #[derive(Debug, serde::Deserialize)]
    #[serde(deny_unknown_fields)]
    #[allow(dead_code)]
    struct Sample {
        n_clusters: usize,
        tol: Option<f64>,
        shrinking: Option<bool>,
        kernel: Option<Kernel>,
        list: Option<Vec<f64>>,
        nested: Option<Nested>,
        name: Option<String>,
    }

    #[derive(Debug, serde::Deserialize)]
    #[serde(rename_all = "lowercase")]
    #[allow(dead_code)]
    enum Kernel {
        Linear,
        Rbf,
    }

    #[derive(Debug, serde::Deserialize)]
    #[serde(deny_unknown_fields)]
    #[allow(dead_code)]
    struct Nested {
        file: String,
    }

    fn message(text: &str) -> String {
        let document = Document::parse(std::path::Path::new("j"), &format!("[e]\n{text}\n")).unwrap();
        let table = document.section("e").unwrap().clone();
        document.read::<Sample>("e", table, &["source"]).unwrap_err().to_string()
    }

    #[test]
    fn a_hint_is_no_further_than_half_of_a_short_name() {
        let near = |name| super::nearest(name, &["y", "path", "C", "rbf", "n_clusters"]);
        assert_eq!(near("key"), None);
        assert_eq!([near("c"), near("rfb"), near("pth")], [Some("C"), Some("rbf"), Some("path")]);
        assert_eq!([near("pathes"), near("nclusters")], [Some("path"), Some("n_clusters")]);
    }

    #[test]
    fn faults_are_told_in_the_users_words() {
        for (text, expected) in [
            (
                "n_clusters = \"many\"",
                "j:2: e.n_clusters: expected a positive integer, found the text \"many\"",
            ),
            ("n_clusters = -3", "j:2: e.n_clusters: expected a positive integer, found -3"),
            ("n_clusters = 2.5", "j:2: e.n_clusters: expected a positive integer, found 2.5"),
            (
                "n_cluster = 3",
                "j:2: e.n_cluster: expected a known key, found an unknown one (did you mean n_clusters?)",
            ),
            (
                "n_clusters=1\nsorce = 3",
                "j:3: e.sorce: expected a known key, found an unknown one (did you mean source?)",
            ),
            ("tol = 1", "j:1: e.n_clusters: expected a value, for the key is required, found nothing"),
            ("n_clusters=1\ntol = \"x\"", "j:3: e.tol: expected a number, found the text \"x\""),
            ("n_clusters=1\nname = 3", "j:3: e.name: expected a text in quotes, found 3"),
            ("n_clusters=1\nshrinking = 1", "j:3: e.shrinking: expected true or false, found 1"),
            (
                "n_clusters=1\nkernel = \"rfb\"",
                "j:3: e.kernel: expected \"linear\" or \"rbf\", found the text \"rfb\" (did you mean \"rbf\"?)",
            ),
            ("n_clusters=1\nkernel = 3", "j:3: e.kernel: expected a text in quotes, found 3"),
            ("n_clusters=1\nlist = [1.0,\n \"a\"]", "j:4: e.list.1: expected a number, found the text \"a\""),
            ("n_clusters=1\nlist = 1.0", "j:3: e.list: expected a list, found 1.0"),
            (
                "n_clusters=1\nnested = { fil = \"x\" }",
                "j:3: e.nested.fil: expected a known key, found an unknown one (did you mean file?)",
            ),
            ("n_clusters=1\nnested = 1", "j:3: e.nested: expected a section of keys, found 1"),
        ] {
            assert_eq!(message(text), expected);
        }
    }
}
