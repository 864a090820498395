//! The house's walls: dependencies point down, and what is dangerous or foreign is named in few places.
//!
//! The sources are read as Rust tokens, so that comments, strings and line breaks cannot mislead; modules under
//! `#[cfg(test)]` may use what they like.

use std::fs;
use std::path::{Path, PathBuf};

use proc_macro2::{Delimiter, TokenStream, TokenTree};

/// The layers from the top down; those in one row do not know each other. A layer may use those below its row only.
const LAYERS: &[&[&str]] = &[
    &["main"],
    &["cli"],
    &["report"],
    &["job"],
    &["results"],
    &["model_selection"],
    &["estimator"],
    &["metrics"],
    &["engine"],
    &["data"],
    &["partition", "rng"],
    &["telemetry"],
    &["kernel"],
    &["comm"],
    &["error"],
];

/// Layers that a layer must not name although they lie below it.
const STRANGERS: &[(&str, &[&str])] = &[("kernel", &["comm"]), ("partition", &["comm"]), ("rng", &["comm"])];

/// Crates and keywords with the only places (files, or folders with a closing slash) that may name them.
const CONFINED: &[(&str, &[&str])] = &[
    ("mpi", &["comm/mpi.rs", "comm/mpi/"]),
    ("hdf5", &["data/hdf5.rs", "data/hdf5/", "results/"]),
    ("clap", &["cli/"]),
    ("indicatif", &["telemetry/"]),
    // Handlers are the telemetry's; `comm` borrows only the exit that runs no exit handlers, of which HDF5 has one.
    ("signal_hook", &["telemetry/signals.rs", "comm/launch.rs", "comm/mpi.rs"]),
    ("unsafe", &["kernel/", "comm/mpi.rs", "comm/mpi/"]),
];

/// Macros that write to the terminal, and where the program may speak.
const SPEAKING: &[&str] = &["print", "println", "eprint", "eprintln", "dbg"];
const SPEAKERS: &[&str] = &["cli/", "telemetry/", "main.rs"];

/// One source file as tokens.
struct Source {
    /// Path below `src/`, with slashes.
    path: String,
    tokens: TokenStream,
}

impl Source {
    /// The module path: `engine/pass.rs` is `["engine", "pass"]`, `engine/mod.rs` is `["engine"]`.
    fn module(&self) -> Vec<&str> {
        let stem = self.path.strip_suffix(".rs").unwrap_or(&self.path);
        stem.split('/').filter(|part| !matches!(*part, "mod" | "lib")).collect()
    }

    fn layer(&self) -> Option<&str> {
        self.module().first().copied()
    }

    fn lies_in(&self, places: &[&str]) -> bool {
        places.iter().any(|place| {
            if place.ends_with('/') { self.path.starts_with(place) } else { self.path == *place }
        })
    }
}

/// Something a source names, and the line.
#[derive(Debug, PartialEq)]
enum Mention {
    /// `crate::layer` (or as many `super::` as reach the root).
    Layer(String),
    /// An identifier or a keyword.
    Word(String),
    /// A macro call.
    Macro(String),
}

/// Collects what a token stream names.
struct Reader {
    /// Names that stand for modules of our own in this file.
    own: Vec<String>,
    mentions: Vec<(usize, Mention)>,
}

impl Reader {
    fn read(source: &Source) -> Vec<(usize, Mention)> {
        let mut reader = Self { own: Vec::new(), mentions: Vec::new() };
        reader.find_own(source.tokens.clone());
        reader.stream(source.tokens.clone(), source.module().len());
        reader.mentions
    }

    /// Finds the modules declared here (`mod name`) and those brought in from here (`use super::{name, …}`).
    fn find_own(&mut self, tokens: TokenStream) {
        let tokens: Vec<TokenTree> = tokens.into_iter().collect();
        for (at, token) in tokens.iter().enumerate() {
            match token {
                TokenTree::Group(group) => self.find_own(group.stream()),
                TokenTree::Ident(ident) if ident == "mod" => self.own.extend(word(tokens.get(at + 1))),
                TokenTree::Ident(ident)
                    if (ident == "super" || ident == "self") && is_path(&tokens, at + 1) =>
                {
                    self.own.extend(heads(tokens.get(at + 3)).into_iter().map(|(_, name)| name));
                }
                _ => {}
            }
        }
    }

    /// Walks `tokens`, which stand in a module `depth` below the crate's root.
    fn stream(&mut self, tokens: TokenStream, depth: usize) {
        let tokens: Vec<TokenTree> = tokens.into_iter().collect();
        let mut at = 0;
        while at < tokens.len() {
            if let Some(after) = test_module(&tokens, at) {
                at = after;
                continue;
            }
            match &tokens[at] {
                TokenTree::Ident(ident) => self.ident(&tokens, at, &ident.to_string(), depth),
                TokenTree::Group(group) => {
                    let inner = depth + usize::from(opens_module(&tokens, at));
                    self.stream(group.stream(), inner);
                }
                _ => {}
            }
            at += 1;
        }
    }

    fn ident(&mut self, tokens: &[TokenTree], at: usize, name: &str, depth: usize) {
        let line = tokens[at].span().start().line;
        if is_punct(tokens.get(at + 1), '!') && !is_punct(tokens.get(at + 2), '=') {
            self.mentions.push((line, Mention::Macro(name.to_string())));
        }
        let root = name == "crate"
            || (name == "rankfit" && is_path(tokens, at + 1))
            || (name == "super"
                && supers_before(tokens, at) + 1 >= depth
                && next_word(tokens, at) != Some("super"));
        if root && is_path(tokens, at + 1) {
            for (line, layer) in heads(tokens.get(at + 3)) {
                self.mentions.push((line, Mention::Layer(layer)));
            }
        }
        let inside_path = at >= 3 && is_path(tokens, at - 2) && ends_segment(&tokens[at - 3]);
        let from_root = at >= 2 && is_path(tokens, at - 2);
        let ours = !from_root && self.own.iter().any(|own| own == name);
        // `foo::mpi` is somebody's module; `mpi::…`, `use mpi` and `unsafe` are what we look for.
        if !inside_path && !ours && (name == "unsafe" || is_path(tokens, at + 1) || follows_use(tokens, at)) {
            self.mentions.push((line, Mention::Word(name.to_string())));
        }
    }
}

fn is_punct(token: Option<&TokenTree>, wanted: char) -> bool {
    matches!(token, Some(TokenTree::Punct(p)) if p.as_char() == wanted)
}

/// Whether `::` stands at `at`.
fn is_path(tokens: &[TokenTree], at: usize) -> bool {
    is_punct(tokens.get(at), ':') && is_punct(tokens.get(at + 1), ':')
}

fn word(token: Option<&TokenTree>) -> Option<String> {
    match token {
        Some(TokenTree::Ident(ident)) => Some(ident.to_string()),
        _ => None,
    }
}

/// Whether a path can go on after this token: `::mpi` starts at the root, `self::mpi` does not.
fn ends_segment(token: &TokenTree) -> bool {
    match token {
        TokenTree::Ident(ident) => {
            !matches!(ident.to_string().as_str(), "use" | "return" | "in" | "as" | "else")
        }
        other => is_punct(Some(other), '>'),
    }
}

fn follows_use(tokens: &[TokenTree], at: usize) -> bool {
    at > 0 && word(tokens.get(at - 1)).as_deref() == Some("use")
}

/// The word after the `::` that follows `at`, when it is `super`.
fn next_word(tokens: &[TokenTree], at: usize) -> Option<&'static str> {
    (is_path(tokens, at + 1) && word(tokens.get(at + 3)).as_deref() == Some("super")).then_some("super")
}

/// How many `super::` stand directly before `at`.
fn supers_before(tokens: &[TokenTree], at: usize) -> usize {
    let mut count = 0;
    let mut at = at;
    while at >= 3 && is_path(tokens, at - 2) && word(tokens.get(at - 3)).as_deref() == Some("super") {
        count += 1;
        at -= 3;
    }
    count
}

/// The first names of a path's tail: `a` of `a::b`, `a` and `c` of `{a::b, c}`.
fn heads(tail: Option<&TokenTree>) -> Vec<(usize, String)> {
    match tail {
        Some(TokenTree::Ident(ident)) => vec![(ident.span().start().line, ident.to_string())],
        Some(TokenTree::Group(group)) if group.delimiter() == Delimiter::Brace => {
            let tokens: Vec<TokenTree> = group.stream().into_iter().collect();
            let starts = (0..tokens.len()).filter(|&at| at == 0 || is_punct(tokens.get(at - 1), ','));
            starts.flat_map(|at| heads(tokens.get(at))).collect()
        }
        _ => Vec::new(),
    }
}

/// Whether the group at `at` is the body of `mod name`.
fn opens_module(tokens: &[TokenTree], at: usize) -> bool {
    at >= 2 && word(tokens.get(at - 2)).as_deref() == Some("mod") && word(tokens.get(at - 1)).is_some()
}

/// Past the end of the item when `#[cfg(test)]` stands at `at`.
fn test_module(tokens: &[TokenTree], at: usize) -> Option<usize> {
    let TokenTree::Group(attribute) = tokens.get(at + 1)? else { return None };
    if !is_punct(tokens.get(at), '#') || attribute.stream().to_string().replace(' ', "") != "cfg(test)" {
        return None;
    }
    let is_end = |token: &TokenTree| match token {
        TokenTree::Group(group) => group.delimiter() == Delimiter::Brace,
        TokenTree::Punct(p) => p.as_char() == ';',
        _ => false,
    };
    tokens[at..].iter().position(is_end).map(|end| at + end + 1)
}

/// Every source file of the crate.
fn sources() -> Vec<Source> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut paths = Vec::new();
    collect(&root, &mut paths);
    paths.sort();
    let read = |path: PathBuf| {
        let text = fs::read_to_string(&path).unwrap();
        let tokens = text.parse().unwrap_or_else(|e| panic!("{}: {e}", path.display()));
        let path = path.strip_prefix(&root).unwrap().to_string_lossy().replace('\\', "/");
        Source { path, tokens }
    };
    paths.into_iter().map(read).collect()
}

fn collect(folder: &Path, paths: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect(&path, paths);
        } else if path.extension().is_some_and(|ext| ext == "rs") {
            paths.push(path);
        }
    }
}

fn height(layer: &str) -> Option<usize> {
    LAYERS.iter().position(|row| row.contains(&layer))
}

/// Why `from` must not use `to`, if it must not.
fn forbidden(from: &str, to: &str) -> Option<String> {
    if from == to {
        return None;
    }
    let (above, below) = (height(from)?, height(to)?);
    let stranger = STRANGERS.iter().any(|(layer, others)| *layer == from && others.contains(&to));
    (below <= above || stranger).then(|| format!("{from} must not use {to}"))
}

/// Every mention that `wrong` objects to, as `file:line: reason`; files of tests may mention what they like.
fn faults(wrong: impl Fn(&Source, &Mention) -> Option<String>) -> Vec<String> {
    let mut faults = Vec::new();
    for source in sources().iter().filter(|source| !source.path.ends_with("/tests.rs")) {
        for (line, mention) in Reader::read(source) {
            if let Some(reason) = wrong(source, &mention) {
                faults.push(format!("src/{}:{line}: {reason}", source.path));
            }
        }
    }
    faults
}

#[track_caller]
fn assert_none(faults: Vec<String>) {
    assert!(faults.is_empty(), "\n{}", faults.join("\n"));
}

#[test]
fn every_folder_is_a_layer_of_the_design() {
    let unknown = |source: &Source| match source.layer() {
        Some(layer) if height(layer).is_none() => Some(format!("src/{}: no layer {layer}", source.path)),
        _ => None,
    };
    assert_none(sources().iter().filter_map(unknown).collect());
}

#[test]
fn dependencies_point_down() {
    assert_none(faults(|source, mention| match mention {
        Mention::Layer(to) => forbidden(source.layer()?, to),
        _ => None,
    }));
}

#[test]
fn foreign_and_dangerous_things_stay_in_their_places() {
    assert_none(faults(|source, mention| {
        let Mention::Word(name) = mention else { return None };
        let (_, places) = CONFINED.iter().find(|(confined, _)| confined == name)?;
        (!source.lies_in(places)).then(|| format!("`{name}` belongs in {}", places.join(", ")))
    }));
}

#[test]
fn only_the_command_line_and_telemetry_speak() {
    assert_none(faults(|source, mention| {
        let Mention::Macro(name) = mention else { return None };
        let speaks = SPEAKING.contains(&name.as_str()) && !source.lies_in(SPEAKERS);
        speaks.then(|| format!("{name}! outside {}", SPEAKERS.join(", ")))
    }));
}

/// The reader finds what it is there to find: otherwise the tests above could not fail.
#[test]
fn the_reader_sees_through_groups_parents_and_comments() {
    let text = r#"
        // use crate::cli::nothing;
        use crate::{comm::{self, agree}, data::Block};
        use super::super::job::Plan;
        use super::sibling;
        use mpi::traits::*;
        use self::indicatif::ours;
        fn f() { let _ = crate::results::write(format!("{}", { unsafe { ::hdf5::silence() } })); println!("x"); }
        #[cfg(test)]
        mod tests { use crate::cli::x; fn g() { println!("unsafe"); } }
        mod inner { use super::super::super::metrics::y; use super::super::here; }
    "#;
    let source = Source { path: "engine/pass.rs".into(), tokens: text.parse().unwrap() };
    let mentions = Reader::read(&source);
    let layers: Vec<_> = mentions
        .iter()
        .filter_map(
            |(_, mention)| if let Mention::Layer(layer) = mention { Some(layer.as_str()) } else { None },
        )
        .collect();
    assert_eq!(layers, ["comm", "data", "job", "results", "metrics"]);
    for word in ["mpi", "unsafe", "hdf5"] {
        assert!(mentions.iter().any(|(_, m)| *m == Mention::Word(word.into())), "{word}");
    }
    assert!(mentions.iter().all(|(_, m)| *m != Mention::Word("indicatif".into())), "it is our own");
    assert!(mentions.iter().any(|(_, m)| *m == Mention::Macro("println".into())));
    assert_eq!(forbidden("engine", "job").as_deref(), Some("engine must not use job"));
    assert_eq!(forbidden("kernel", "comm").as_deref(), Some("kernel must not use comm"));
    assert_eq!(forbidden("job", "engine"), None);
}
