//! A search as it is written when every default is.

use super::spec::{CvSpec, ErrorScoreSpec, Kind, RefitSpec, ResourceSpec, ScoringSpec, Search, SearchSpec};
use super::splitter::Splitter;
use super::staged::MinResources;

impl SearchSpec {
    /// The same search with all defaults of its kind; `search` is what it was checked to be, in a job with `seed`.
    pub fn resolved(&self, search: &Search, seed: u64) -> Self {
        use Kind::{Halving, Hyperband, Random};
        let word = |word: &str| ResourceSpec::Word(word.into());
        let rules = search.staged.as_ref().map(|staged| &staged.rules);
        let of = |kinds: &[Kind]| kinds.contains(&self.kind);
        let own_score = || search.scorers.first().map(|scorer| ScoringSpec::One(scorer.name().into()));
        let least = rules.map(|rules| match rules.min_resources {
            MinResources::Given(number) => ResourceSpec::Number(number),
            MinResources::Exhaust => word("exhaust"),
            MinResources::Smallest => word("smallest"),
        });
        let draws = self.kind == Halving && self.distributions.is_some();
        Self {
            kind: self.kind,
            cv: Some(self.resolved_cv(&search.splitter)),
            scoring: self.scoring.clone().or_else(own_score),
            refit: self.refit.clone().or(Some(RefitSpec::Flag(search.refit.wanted))),
            return_train_score: Some(search.return_train_score),
            error_score: self.error_score.clone().or(Some(ErrorScoreSpec::Number(f64::NAN))),
            verbose: self.verbose,
            n_iter: self.n_iter.or(of(&[Random]).then_some(10)),
            random_state: self.random_state.or(of(&[Random, Halving, Hyperband]).then_some(seed)),
            n_candidates: self.n_candidates.clone().or(draws.then(|| word("exhaust"))),
            factor: self.factor.or(rules.map(|rules| rules.factor)),
            resource: self.resource.clone().or(rules.map(|rules| rules.resource.clone())),
            min_resources: self.min_resources.clone().or(least),
            max_resources: self.max_resources.clone().or(rules.map(|_| word("auto"))),
            aggressive_elimination: self.aggressive_elimination.or(of(&[Halving]).then_some(false)),
            grid: self.grid.clone(),
            distributions: self.distributions.clone(),
        }
    }

    fn resolved_cv(&self, splitter: &Splitter) -> CvSpec {
        match &self.cv {
            None => CvSpec::Number(5),
            Some(CvSpec::Splitter(table)) => match toml::Table::try_from(splitter) {
                Ok(whole) => CvSpec::Splitter(whole),
                Err(_) => CvSpec::Splitter(table.clone()),
            },
            Some(number) => number.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_resolved_search_is_the_same_search() {
        for (text, keys) in [
            ("grid = { C = [1, 2] }", "cv scoring refit return_train_score error_score"),
            ("kind = 'random'\ndistributions = { C = [1, 2, 3] }\nn_iter = 2", "n_iter random_state"),
            ("kind = 'random'\ncv = { kind = 'KFold' }\ndistributions = { C = [1, 2, 3] }", "n_iter"),
            (
                "kind = 'halving'\ngrid = { C = [1, 2] }",
                "factor resource min_resources max_resources aggressive_elimination random_state",
            ),
            ("kind = 'halving'\ndistributions = { C = [1, 2] }", "n_candidates min_resources"),
            ("kind = 'hyperband'\nmin_resources = 9\ndistributions = { C = [1, 2] }", "factor resource"),
            ("kind = 'cross_validate'\nscoring = ['f1', 'accuracy']", "cv refit"),
        ] {
            let spec: SearchSpec = toml::from_str(text).unwrap();
            let search = spec.check(true, 3).unwrap();
            let written = toml::to_string(&spec.resolved(&search, 3)).unwrap();
            let table: toml::Table = toml::from_str(&written).unwrap();
            assert!(keys.split(' ').all(|key| table.contains_key(key)), "{text}: {written}");
            let again: SearchSpec = toml::from_str(&written).unwrap();
            // NaN, the score of failures, is not equal to itself.
            let told = |search: Search| format!("{search:?}");
            assert_eq!(told(again.check(true, 3).unwrap()), told(search.clone()), "{written}");
            assert_eq!(toml::to_string(&again.resolved(&search, 3)).unwrap(), written);
        }
    }
}
