//! Which candidates of a search are fitted one after the other, each from the solution of the one before.

use super::params::Svc;

/// Up to so many values of C are a track that can be cut.
const MOST_C: usize = 6;

/// The tracks of candidates with one kernel that are given with C ascending: those with one C; of those that may start from
/// each other, which `are_alike` but for C, up to [`MOST_C`] values of C, or all where fits of a large C take long otherwise.
///
/// They are a matter of the grid: what a fit starts from depends neither on the number of ranks nor on what its chain was
/// joined to.
pub(super) fn tracks<'a>(
    family: &[usize],
    svc: impl Fn(usize) -> &'a Svc,
    are_alike: impl Fn(usize, usize) -> bool,
) -> Vec<Vec<usize>> {
    let may_join = |a: usize, b: usize| match [a, b].map(|candidate| svc(candidate).starts_warm()) {
        [true, true] => are_alike(a, b),
        [warm, other] => warm == other,
    };
    let mut groups: Vec<Vec<usize>> = Vec::new();
    for &candidate in family {
        match groups.iter_mut().find(|group| may_join(group[0], candidate)) {
            Some(group) => group.push(candidate),
            None => groups.push(vec![candidate]),
        }
    }
    let c = |candidate: usize| svc(candidate).params().c;
    let cut = |group: Vec<usize>| {
        let of_one_c: Vec<&[usize]> = group.chunk_by(|&a, &b| c(a) == c(b)).collect();
        let first = svc(group[0]);
        let n_pieces = match (first.starts_warm(), first.is_long_for_large_c()) {
            (false, _) => of_one_c.len(),
            (true, true) => 1,
            (true, false) => of_one_c.len().div_ceil(MOST_C),
        };
        of_one_c.chunks(of_one_c.len().div_ceil(n_pieces)).map(<[_]>::concat).collect::<Vec<_>>()
    };
    groups.into_iter().flat_map(cut).collect()
}

/// For each of `n_candidates` the number of its track.
pub(super) fn track_of_each(n_candidates: usize, tracks: impl Iterator<Item = Vec<usize>>) -> Vec<usize> {
    let mut of = vec![0; n_candidates];
    for (number, track) in tracks.enumerate() {
        track.iter().for_each(|&candidate| of[candidate] = number);
    }
    of
}
