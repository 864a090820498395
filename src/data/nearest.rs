//! The name that a user may have meant.

/// The name among `names` most like `wanted`, upper and lower case alike, if one is like it at all.
pub(super) fn nearest<'a>(wanted: &str, names: &'a [String]) -> Option<&'a String> {
    let wanted = wanted.to_lowercase();
    let likeness = |name: &'a String| (strsim::jaro_winkler(&name.to_lowercase(), &wanted), name);
    let most = names.iter().map(likeness).max_by(|a, b| a.0.total_cmp(&b.0));
    most.filter(|(likeness, _)| *likeness > 0.7).map(|(_, name)| name)
}
