//! `[search]` of the job file, and what it becomes when it is right.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::candidates::{Candidate, check_fits, parameter_grid, sample};
use super::distribution::Distribution;
use super::spaces::{TablesSpec, distribution, list, spaces};
use super::splitter::{Splits, Splitter};
use super::staged::{MinResources, Rules};
use crate::error::{Error, Result};
use crate::estimator::parameter::or_none;
use crate::metrics::Scorer;

/// The kinds of search.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// Every point of a grid.
    #[default]
    Grid,
    /// Points drawn at random.
    Random,
    /// Successive halving of a grid, or of points drawn at random.
    Halving,
    /// Brackets of successive halving of points drawn at random.
    Hyperband,
    /// The estimator as it is.
    CrossValidate,
}

impl Kind {
    /// As it is called in a job.
    pub fn name(self) -> &'static str {
        match self {
            Self::Grid => "grid",
            Self::Random => "random",
            Self::Halving => "halving",
            Self::Hyperband => "hyperband",
            Self::CrossValidate => "cross_validate",
        }
    }
}

/// `[search]` as it is written, unchecked.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SearchSpec {
    /// `"grid"`, `"random"`, `"halving"`, `"hyperband"` or `"cross_validate"`.
    pub kind: Kind,
    /// A number of folds (default 5) or a splitter.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cv: Option<CvSpec>,
    /// A score's name or a list of them; `accuracy` for classifiers and `r2` for others by default.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scoring: Option<ScoringSpec>,
    /// Whether the best candidate is fitted on all rows (default true); with several scores, which one says best.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub refit: Option<RefitSpec>,
    /// Whether training rows are scored too; default true for `"halving"`, as in scikit-learn, false for others.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub return_train_score: Option<bool>,
    /// The score of a fit that fails (default NaN), or `"raise"`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error_score: Option<ErrorScoreSpec>,
    /// How much is said while the search runs: 0 warnings only, 1 its progress (the default), 2 or more every fit.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub verbose: Option<u32>,
    /// How many points a random search draws (default 10).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub n_iter: Option<usize>,
    /// The seed of a random search; the job's by default.
    #[serde(deserialize_with = "or_none", skip_serializing_if = "Option::is_none")]
    pub random_state: Option<u64>,
    /// How many points a halving of drawn points starts with, or `"exhaust"` (the default): as many as there is for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub n_candidates: Option<ResourceSpec>,
    /// One candidate of so many goes on to the next rung, with so much more (default 3).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub factor: Option<f64>,
    /// What rungs get more of: `"n_samples"` (the default) or a parameter.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resource: Option<String>,
    /// What the first rung gets: a number, `"exhaust"` (the default of a grid) or `"smallest"` (that of others).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub min_resources: Option<ResourceSpec>,
    /// What the last rung gets at most: a number or `"auto"`, all rows.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_resources: Option<ResourceSpec>,
    /// Whether candidates are dropped on the least resource until few enough are left (default false).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub aggressive_elimination: Option<bool>,
    /// Parameters with lists of values, or a list of such tables.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub grid: Option<TablesSpec>,
    /// Parameters with lists or distributions, or a list of such tables.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub distributions: Option<TablesSpec>,
}

/// `search.cv`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged, expecting = "a number of folds, or a table such as { kind = \"KFold\", n_splits = 5 }")]
pub enum CvSpec {
    /// Folds, stratified for classifiers.
    Number(usize),
    /// A splitter by name.
    Splitter(toml::Table),
}

/// `search.scoring`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged, expecting = "the name of a score, or a list of names")]
pub enum ScoringSpec {
    /// One score, written as `score`.
    One(String),
    /// Several, written under their names.
    Many(Vec<String>),
}

/// `search.refit`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged, expecting = "true, false, or the name of one of the scores")]
pub enum RefitSpec {
    /// Whether to refit.
    Flag(bool),
    /// The score that says which candidate is best.
    Metric(String),
}

/// `search.error_score`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged, expecting = "a number, nan, or \"raise\"")]
pub enum ErrorScoreSpec {
    /// The score of a fit that fails.
    Number(f64),
    /// `"raise"`.
    Word(String),
}

/// A number of something, or a word that says how much.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged, expecting = "a positive number, or a word such as \"exhaust\", \"smallest\" or \"auto\"")]
pub enum ResourceSpec {
    /// So much.
    Number(usize),
    /// A rule.
    Word(String),
}

/// What follows the search.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Refit {
    /// Whether the best candidate is fitted on all rows.
    pub wanted: bool,
    /// Position among the scorers of the one that says which is best; none when several scores are taken and no
    /// refit is wanted.
    pub metric: Option<usize>,
}

/// Points that are drawn once the data are known.
#[derive(Clone, Debug, PartialEq)]
pub enum Drawn {
    /// None: the candidates of the search are those of its first rung.
    Not,
    /// For one bracket.
    Halving {
        /// Where from.
        spaces: Vec<Vec<(String, Distribution)>>,
        /// How many; as many as there is for when absent.
        n_candidates: Option<usize>,
        /// The seed of the draws.
        seed: u64,
    },
    /// For every bracket of Hyperband.
    Hyperband {
        /// Where from.
        spaces: Vec<Vec<(String, Distribution)>>,
        /// The seed of the draws.
        seed: u64,
    },
}

/// A search in rungs.
#[derive(Clone, Debug, PartialEq)]
pub struct Staged {
    /// Who gets how much.
    pub rules: Rules,
    /// Who takes part.
    pub drawn: Drawn,
    /// The seed of the rows of each rung.
    pub seed: u64,
}

/// A checked search.
#[derive(Clone, Debug, PartialEq)]
pub struct Search {
    /// Its kind.
    pub kind: Kind,
    /// The points, in scikit-learn's order; none where they are [`Drawn`] later.
    pub candidates: Vec<Candidate>,
    /// Its rungs, if it has any.
    pub staged: Option<Staged>,
    /// How rows are split.
    pub splitter: Splitter,
    /// The scores.
    pub scorers: Vec<Scorer>,
    /// Whether columns are named after the scores instead of `score`.
    pub multimetric: bool,
    /// What follows.
    pub refit: Refit,
    /// Whether training rows are scored too.
    pub return_train_score: bool,
    /// The score of a fit that fails; `None` ends the search instead.
    pub error_score: Option<f64>,
    /// How much is said; see [`SearchSpec`].
    pub verbose: Option<u32>,
    /// What the user should know.
    pub warnings: Vec<String>,
    /// The job's seed, for shuffled splits.
    pub(super) seed: u64,
}

impl SearchSpec {
    /// Checks the search of a classifier or another estimator in a job with `seed`.
    ///
    /// # Errors
    /// [`Error::Job`] with the key under `search`.
    pub fn check(&self, classifier: bool, seed: u64) -> Result<Search> {
        self.check_behind("", classifier, seed)
    }

    /// The same of an estimator behind steps, whose parameters may be called by `prefix` (`svc__`) and their names.
    ///
    /// # Errors
    /// As [`check`](Self::check).
    pub fn check_behind(&self, prefix: &str, classifier: bool, seed: u64) -> Result<Search> {
        let mut warnings = Vec::new();
        let (scorers, multimetric) = self.scorers(classifier)?;
        let candidates = self.candidates(prefix, seed, &mut warnings)?;
        let splitter = self.splitter(classifier)?;
        check_fits(candidates.len(), splitter.n_splits().unwrap_or(1))?;
        Ok(Search {
            kind: self.kind,
            candidates,
            staged: self.staged(seed)?,
            splitter,
            refit: self.refit(&scorers, multimetric)?,
            scorers,
            multimetric,
            return_train_score: self.return_train_score.unwrap_or(self.kind == Kind::Halving),
            error_score: self.error_score()?,
            verbose: self.verbose,
            warnings,
            seed,
        })
    }

    /// Checks that every key belongs to the kind of search.
    fn check_keys(&self) -> Result<()> {
        use Kind::{Grid, Halving, Hyperband, Random};
        let keys: [(&str, bool, &[Kind]); 10] = [
            ("grid", self.grid.is_some(), &[Grid, Halving]),
            ("distributions", self.distributions.is_some(), &[Random, Halving, Hyperband]),
            ("n_iter", self.n_iter.is_some(), &[Random]),
            ("random_state", self.random_state.is_some(), &[Random, Halving, Hyperband]),
            ("n_candidates", self.n_candidates.is_some(), &[Halving]),
            ("factor", self.factor.is_some(), &[Halving, Hyperband]),
            ("resource", self.resource.is_some(), &[Halving, Hyperband]),
            ("min_resources", self.min_resources.is_some(), &[Halving, Hyperband]),
            ("max_resources", self.max_resources.is_some(), &[Halving, Hyperband]),
            ("aggressive_elimination", self.aggressive_elimination.is_some(), &[Halving]),
        ];
        for (key, given, kinds) in keys {
            if given && !kinds.contains(&self.kind) {
                let kinds: Vec<String> = kinds.iter().map(|kind| format!("\"{}\"", kind.name())).collect();
                let expected = format!("it only where search.kind is {}", kinds.join(" or "));
                return Err(Error::job(format!("search.{key}"), expected, "it here"));
            }
        }
        let drawn_only = self.n_candidates.is_some() && self.distributions.is_none();
        if drawn_only || (self.grid.is_some() && self.distributions.is_some()) {
            let key = if drawn_only { "search.n_candidates" } else { "search.grid" };
            let expected = "either a grid, or distributions with n_candidates";
            return Err(Error::job(key, expected, "a mixture of both"));
        }
        Ok(())
    }

    fn candidates(&self, prefix: &str, seed: u64, warnings: &mut Vec<String>) -> Result<Vec<Candidate>> {
        self.check_keys()?;
        match self.kind {
            Kind::CrossValidate => Ok(vec![Candidate::new()]),
            Kind::Hyperband => Ok(Vec::new()),
            Kind::Halving if self.distributions.is_some() => Ok(Vec::new()),
            Kind::Grid | Kind::Halving => {
                parameter_grid(&spaces("search.grid", self.grid.as_ref(), &list)?, prefix)
            }
            Kind::Random => {
                let n_iter = self.n_iter.unwrap_or(10);
                if n_iter == 0 {
                    return Err(Error::job("search.n_iter", "1 or more", "0"));
                }
                sample(&self.spaces()?, n_iter, self.random_state.unwrap_or(seed), warnings)
            }
        }
    }

    fn spaces(&self) -> Result<Vec<Vec<(String, Distribution)>>> {
        let mut spaces = spaces("search.distributions", self.distributions.as_ref(), &distribution)?;
        spaces.iter_mut().for_each(|space| space.sort_by(|a, b| a.0.cmp(&b.0)));
        Ok(spaces)
    }

    /// The rungs of a search that has some.
    fn staged(&self, seed: u64) -> Result<Option<Staged>> {
        let seed = self.random_state.unwrap_or(seed);
        let drawn = match self.kind {
            Kind::Halving if self.distributions.is_some() => {
                let n_candidates = self.number("n_candidates", self.n_candidates.as_ref(), &["exhaust"])?;
                Drawn::Halving { spaces: self.spaces()?, n_candidates: n_candidates.ok(), seed }
            }
            Kind::Halving => Drawn::Not,
            Kind::Hyperband => Drawn::Hyperband { spaces: self.spaces()?, seed },
            Kind::Grid | Kind::Random | Kind::CrossValidate => return Ok(None),
        };
        let least = self.number("min_resources", self.min_resources.as_ref(), &["exhaust", "smallest"])?;
        let min_resources = match least {
            Ok(number) => MinResources::Given(number),
            Err("exhaust") => MinResources::Exhaust,
            Err("smallest") => MinResources::Smallest,
            Err(_) if drawn == Drawn::Not => MinResources::Exhaust,
            Err(_) => MinResources::Smallest,
        };
        let exhausts = matches!(drawn, Drawn::Hyperband { .. } | Drawn::Halving { n_candidates: None, .. });
        if exhausts && min_resources == MinResources::Exhaust {
            let expected = "\"smallest\" or a number, where the number of candidates follows from it";
            return Err(Error::job("search.min_resources", expected, "\"exhaust\""));
        }
        let most = self.number("max_resources", self.max_resources.as_ref(), &["auto"])?;
        let factor = self.factor.unwrap_or(3.0);
        if !(factor > 1.0 && factor.is_finite()) {
            return Err(Error::job("search.factor", "a number above 1", factor.to_string()));
        }
        let rules = Rules {
            factor,
            resource: self.resource.clone().unwrap_or_else(|| "n_samples".into()),
            min_resources,
            max_resources: most.ok(),
            aggressive_elimination: self.aggressive_elimination.unwrap_or(false),
        };
        if self.searches(&rules.resource) {
            let expected =
                format!("another resource than a parameter that is searched over ({})", rules.resource);
            return Err(Error::job("search.resource", expected, format!("{:?}", rules.resource)));
        }
        Ok(Some(Staged { rules, drawn, seed }))
    }

    /// Whether a parameter is among those searched over.
    fn searches(&self, name: &str) -> bool {
        [&self.grid, &self.distributions].into_iter().flatten().any(|tables| match tables {
            TablesSpec::One(table) => table.contains_key(name),
            TablesSpec::Many(tables) => tables.iter().any(|table| table.contains_key(name)),
        })
    }

    /// A positive number, or one of `words` (empty when nothing is said).
    fn number<'w>(
        &self,
        key: &str,
        spec: Option<&ResourceSpec>,
        words: &[&'w str],
    ) -> Result<Result<usize, &'w str>> {
        let found = match spec {
            None => return Ok(Err("")),
            Some(ResourceSpec::Number(number)) if *number > 0 => return Ok(Ok(*number)),
            Some(ResourceSpec::Number(number)) => number.to_string(),
            Some(ResourceSpec::Word(word)) => match words.iter().find(|known| *known == word) {
                Some(known) => return Ok(Err(known)),
                None => format!("the text {word:?}"),
            },
        };
        let words: Vec<String> = words.iter().map(|word| format!("\"{word}\"")).collect();
        let expected = format!("a positive number or {}", words.join(" or "));
        Err(Error::job(format!("search.{key}"), expected, found))
    }

    fn splitter(&self, classifier: bool) -> Result<Splitter> {
        let splitter = match &self.cv {
            None => Splitter::from_number(5, classifier),
            Some(CvSpec::Number(n_splits)) => Splitter::from_number(*n_splits, classifier),
            Some(CvSpec::Splitter(table)) => Splitter::from_table(table)?,
        };
        splitter.check()?;
        Ok(splitter)
    }

    fn scorers(&self, classifier: bool) -> Result<(Vec<Scorer>, bool)> {
        let (names, multimetric): (Vec<&str>, bool) = match &self.scoring {
            None => (vec![if classifier { "accuracy" } else { "r2" }], false),
            Some(ScoringSpec::One(name)) => (vec![name], false),
            Some(ScoringSpec::Many(names)) => (names.iter().map(String::as_str).collect(), true),
        };
        if names.is_empty() {
            return Err(Error::job("search.scoring", "at least one score", "an empty list"));
        }
        let mut scorers = Vec::with_capacity(names.len());
        for name in names {
            let scorer = Scorer::parse(name)?;
            if scorers.contains(&scorer) {
                return Err(Error::job("search.scoring", "each score once", format!("{name:?} again")));
            }
            if scorer.is_for_classes() && !classifier {
                return Err(Error::job(
                    "search.scoring",
                    "a score of numbers, such as r2",
                    format!("{name:?}"),
                ));
            }
            scorers.push(scorer);
        }
        Ok((scorers, multimetric))
    }

    fn refit(&self, scorers: &[Scorer], multimetric: bool) -> Result<Refit> {
        let names: Vec<&str> = scorers.iter().map(|scorer| scorer.name()).collect();
        let fault = |found: String| {
            let expected = format!("false, or the score that says which is best ({})", names.join(", "));
            Err(Error::job("search.refit", expected, found))
        };
        let stages = matches!(self.kind, Kind::Halving | Kind::Hyperband);
        // One candidate has no best; scikit-learn's cross_validate keeps no model either.
        let default = (self.kind == Kind::CrossValidate).then_some(RefitSpec::Flag(false));
        match (self.refit.as_ref().or(default.as_ref()), multimetric) {
            (Some(RefitSpec::Flag(false)), true) if stages => fault("false with several scores".into()),
            (Some(RefitSpec::Flag(false)), true) => Ok(Refit { wanted: false, metric: None }),
            (Some(RefitSpec::Flag(false)), false) => Ok(Refit { wanted: false, metric: Some(0) }),
            (None | Some(RefitSpec::Flag(true)), false) => Ok(Refit { wanted: true, metric: Some(0) }),
            // One candidate needs no score to be the best.
            (Some(RefitSpec::Flag(true)), true) if self.kind == Kind::CrossValidate => {
                Ok(Refit { wanted: true, metric: None })
            }
            (None | Some(RefitSpec::Flag(true)), true) => fault("true with several scores".into()),
            (Some(RefitSpec::Metric(name)), _) => match names.iter().position(|known| known == name) {
                Some(metric) => Ok(Refit { wanted: true, metric: Some(metric) }),
                None => fault(format!("{name:?}")),
            },
        }
    }

    fn error_score(&self) -> Result<Option<f64>> {
        match &self.error_score {
            None => Ok(Some(f64::NAN)),
            Some(ErrorScoreSpec::Number(score)) => Ok(Some(*score)),
            Some(ErrorScoreSpec::Word(word)) if word == "raise" => Ok(None),
            Some(ErrorScoreSpec::Word(word)) => {
                Err(Error::job("search.error_score", "a number, nan, or \"raise\"", format!("{word:?}")))
            }
        }
    }
}

impl Search {
    /// The splits of `n_samples` rows with targets `y` and, where the splitter asks for them, `groups`.
    ///
    /// # Errors
    /// [`Error::Job`] at `search.cv` when these rows cannot be split so, or would be into too many fits.
    pub fn splits(&self, n_samples: usize, y: &[f64], groups: Option<&[i64]>) -> Result<Splits> {
        let splits = self.splitter.split(n_samples, y, groups, self.seed)?;
        check_fits(self.candidates.len(), splits.splits.len())?;
        Ok(splits)
    }

    /// Hands every value of a parameter that candidates have, or may draw, with the parameter's name to `change`.
    pub fn change_values(&mut self, change: &mut dyn FnMut(&str, &mut Value)) {
        let of_candidates = self.candidates.iter_mut().flat_map(|candidate| candidate.iter_mut());
        of_candidates.for_each(|(name, value)| change(name, value));
        let spaces = match self.staged.as_mut().map(|staged| &mut staged.drawn) {
            Some(Drawn::Halving { spaces, .. } | Drawn::Hyperband { spaces, .. }) => &mut spaces[..],
            _ => &mut [],
        };
        for (name, distribution) in spaces.iter_mut().flatten() {
            if let Distribution::Choice(values) = distribution {
                values.iter_mut().for_each(|value| change(name, value));
            }
        }
    }

    /// The scores' names in column names: `score`, or each score's own when several were asked for.
    pub fn score_names(&self) -> Vec<&'static str> {
        if !self.multimetric {
            return vec!["score"];
        }
        self.scorers.iter().map(|scorer| scorer.name()).collect()
    }

    /// scikit-learn's first verbose line.
    pub fn announcement(&self, n_splits: usize) -> String {
        let n = self.candidates.len();
        format!("Fitting {n_splits} folds for each of {n} candidates, totalling {} fits", n * n_splits)
    }
}
