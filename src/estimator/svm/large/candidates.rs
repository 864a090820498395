//! Which variables are changed next.

/// A variable and its f.
pub(super) type Candidate = (u32, f64);

/// Those of one rank, or of all, that violate most: by falling f those that may go up, by growing f those that may
/// go down; ties by number.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Candidates {
    pub(super) up: Vec<Candidate>,
    pub(super) low: Vec<Candidate>,
}

/// Order of those that may go up: the largest f first.
fn up(a: &Candidate, b: &Candidate) -> std::cmp::Ordering {
    b.1.total_cmp(&a.1).then(a.0.cmp(&b.0))
}

/// Order of those that may go down: the smallest f first.
fn low(a: &Candidate, b: &Candidate) -> std::cmp::Ordering {
    a.1.total_cmp(&b.1).then(a.0.cmp(&b.0))
}

/// The first `n` in an order, sorted.
fn first(list: &mut Vec<Candidate>, n: usize, order: fn(&Candidate, &Candidate) -> std::cmp::Ordering) {
    if list.len() > n && n > 0 {
        list.select_nth_unstable_by(n - 1, order);
    }
    list.truncate(n);
    list.sort_unstable_by(order);
}

impl Candidates {
    /// Keeps the first `n` of each kind.
    pub(super) fn keep(&mut self, n: usize) {
        first(&mut self.up, n, up);
        first(&mut self.low, n, low);
    }

    /// Takes in those of another rank.
    pub(super) fn extend(&mut self, other: Self) {
        self.up.extend(other.up);
        self.low.extend(other.low);
    }

    /// m − M: the largest f that may go up less the smallest that may go down. Of sorted ones only.
    pub(super) fn gap(&self) -> f64 {
        match (self.up.first(), self.low.first()) {
            (Some(up), Some(low)) => up.1 - low.1,
            _ => f64::NEG_INFINITY,
        }
    }

    /// Up to `n` variables, alternately of each kind, for which `is_new`.
    pub(super) fn choose(&self, n: usize, is_new: impl Fn(u32) -> bool) -> Vec<Candidate> {
        let mut chosen: Vec<Candidate> = Vec::with_capacity(n);
        let (mut ups, mut lows) = (self.up.iter(), self.low.iter());
        let mut taken = std::collections::BTreeSet::new();
        loop {
            let before = chosen.len();
            for list in [&mut ups, &mut lows] {
                if chosen.len() < n {
                    chosen.extend(list.find(|c| is_new(c.0) && taken.insert(c.0)));
                }
            }
            if chosen.len() == before || chosen.len() == n {
                return chosen;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn those_that_violate_most_come_first_however_they_are_spread() {
        let f: Vec<f64> = (0..200).map(|i| f64::from(i * 37 % 50)).collect();
        let of = |range: std::ops::Range<u32>| {
            let all: Vec<Candidate> = range.map(|i| (i, f[i as usize])).collect();
            let mut candidates = Candidates { up: all.clone(), low: all };
            candidates.keep(30);
            candidates
        };
        let whole = of(0..200);
        for cut in [1, 70, 133] {
            let mut parts = of(0..cut);
            parts.extend(of(cut..200));
            parts.keep(30);
            assert_eq!(parts, whole);
        }
        assert_eq!(whole.gap(), 49.0);
        assert_eq!(whole.up[..2], [(27, 49.0), (77, 49.0)]);
        let chosen = whole.choose(10, |v| v != 27);
        assert_eq!(chosen.len(), 10);
        assert_eq!(chosen[0], (77, 49.0));
        assert_eq!(chosen[1], (0, 0.0));
        assert_eq!(whole.choose(500, |_| true).len(), 60);
    }
}
