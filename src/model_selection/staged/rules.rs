//! How many candidates get how much.

use crate::error::{Error, Result};

/// What the first rung gets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MinResources {
    /// As much as lets the last rung use all there is.
    Exhaust,
    /// As little as makes sense.
    Smallest,
    /// So much.
    Given(usize),
}

/// The rules of successive halving under scikit-learn's names.
///
/// # References
/// Karnin, Koren & Somekh, Almost optimal exploration in multi-armed bandits, ICML 2013; Jamieson & Talwalkar,
/// Non-stochastic best arm identification and hyperparameter optimization, AISTATS 2016.
#[derive(Clone, Debug, PartialEq)]
pub struct Rules {
    /// One candidate of so many goes on, with so much more.
    pub factor: f64,
    /// `n_samples`, or the parameter that is the resource.
    pub resource: String,
    /// What the first rung gets.
    pub min_resources: MinResources,
    /// What the last rung gets at most; all rows when absent.
    pub max_resources: Option<usize>,
    /// Whether candidates are dropped on the least resource until few enough are left.
    pub aggressive_elimination: bool,
}

/// One rung.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rung {
    /// Candidates that are fitted.
    pub n_candidates: usize,
    /// What each gets.
    pub n_resources: usize,
}

/// Rungs that follow each other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bracket {
    /// From the widest to the last.
    pub rungs: Vec<Rung>,
    /// Candidates that would go on.
    pub n_remaining: usize,
}

/// Rungs and the counts that scikit-learn reports of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Schedule {
    /// One for halving, several for Hyperband.
    pub brackets: Vec<Bracket>,
    /// `min_resources_`.
    pub min_resources: usize,
    /// `max_resources_`.
    pub max_resources: usize,
    /// `n_required_iterations_`: rungs after which fewer than `factor` candidates are left; 0 for Hyperband.
    pub n_required: usize,
    /// `n_possible_iterations_`: rungs that the resources allow.
    pub n_possible: usize,
}

impl Rules {
    /// Whether rows are the resource.
    pub fn counts_rows(&self) -> bool {
        self.resource == "n_samples"
    }

    /// `min_resources_`, before exhausting, and `max_resources_`; `smallest` is the least number of rows that makes
    /// sense.
    ///
    /// # Errors
    /// [`Error::Job`] at `search.max_resources` or `search.min_resources`.
    pub fn range(&self, n_samples: usize, smallest: usize) -> Result<(usize, usize)> {
        let least = match self.min_resources {
            MinResources::Given(given) => given,
            _ if self.counts_rows() => smallest,
            _ => 1,
        };
        let most = match self.max_resources {
            Some(given) if self.counts_rows() && given > n_samples => {
                let expected = format!("at most {n_samples}, the rows there are");
                return Err(Error::job("search.max_resources", expected, given.to_string()));
            }
            Some(given) => given,
            None if self.counts_rows() => n_samples,
            None => {
                let expected = format!("a number, for the resource is {}", self.resource);
                return Err(Error::job("search.max_resources", expected, "none"));
            }
        };
        if least > most {
            let expected = format!("at most {most}, the most there is");
            return Err(Error::job("search.min_resources", expected, least.to_string()));
        }
        Ok((least, most))
    }

    /// Successive halving of `n_candidates`.
    ///
    /// # Errors
    /// As [`range`](Self::range).
    pub fn halving(&self, n_candidates: usize, n_samples: usize, smallest: usize) -> Result<Schedule> {
        let (mut least, most) = self.range(n_samples, smallest)?;
        let n_required = 1 + self.steps(n_candidates as f64);
        if self.min_resources == MinResources::Exhaust {
            least = least.max((most as f64 / self.power(n_required - 1)).floor() as usize);
        }
        let n_possible = 1 + self.steps((most / least) as f64);
        let n_rungs = if self.aggressive_elimination { n_required } else { n_possible.min(n_required) };
        let mut rungs = Vec::with_capacity(n_rungs);
        let mut n_candidates = n_candidates;
        for number in 0..n_rungs {
            let exponent = match self.aggressive_elimination {
                true => (number + n_possible).saturating_sub(n_required),
                false => number,
            };
            let n_resources = (self.power(exponent) * least as f64) as usize;
            rungs.push(Rung { n_candidates, n_resources: n_resources.min(most) });
            n_candidates = (n_candidates as f64 / self.factor).ceil() as usize;
        }
        let brackets = vec![Bracket { rungs, n_remaining: n_candidates }];
        Ok(Schedule { brackets, min_resources: least, max_resources: most, n_required, n_possible })
    }

    /// Hyperband: brackets from many candidates that start with little to few that get all.
    ///
    /// # Errors
    /// As [`range`](Self::range).
    ///
    /// # References
    /// Li, Jamieson, DeSalvo, Rostamizadeh & Talwalkar, Hyperband: a novel bandit-based approach to hyperparameter
    /// optimization, JMLR 18, 2018, algorithm 1.
    pub fn hyperband(&self, n_samples: usize, smallest: usize) -> Result<Schedule> {
        let (least, most) = self.range(n_samples, smallest)?;
        let widest = self.powers(most as f64 / least as f64);
        let bracket = |s: usize| {
            let n = ((widest + 1) as f64 / (s + 1) as f64 * self.power(s)).ceil();
            let kept = |rung: usize| ((n / self.power(rung)).floor() as usize).max(1);
            let rung = |number: usize| Rung {
                n_candidates: kept(number),
                n_resources: (most as f64 / self.power(s - number)).floor() as usize,
            };
            Bracket { rungs: (0..=s).map(rung).collect(), n_remaining: 1 }
        };
        let brackets = (0..=widest).rev().map(bracket).collect();
        let n_possible = widest + 1;
        Ok(Schedule { brackets, min_resources: least, max_resources: most, n_required: 0, n_possible })
    }

    /// Whole powers of the factor in `ratio`, by the same quotient of logarithms as scikit-learn, so that counts
    /// agree where it is one rounding off.
    fn steps(&self, ratio: f64) -> usize {
        (ratio.ln() / self.factor.ln()).floor().max(0.0) as usize
    }

    /// Whole powers of the factor in `ratio`.
    fn powers(&self, ratio: f64) -> usize {
        (1..).take_while(|&exponent| self.power(exponent) <= ratio * (1.0 + 1e-12)).count()
    }

    fn power(&self, exponent: usize) -> f64 {
        self.factor.powi(exponent as i32)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rules(min_resources: MinResources, max_resources: Option<usize>) -> Rules {
        Rules {
            factor: 3.0,
            resource: "n_samples".into(),
            min_resources,
            max_resources,
            aggressive_elimination: false,
        }
    }

    #[test]
    fn hyperband_counts_whole_powers_where_logarithms_are_a_rounding_off() {
        for (factor, most, n_brackets) in [(3.0, 243, 6), (10.0, 1000, 4), (10.0, 999, 3), (9.0, 59_049, 6)] {
            let rules = Rules { factor, ..rules(MinResources::Given(1), Some(most)) };
            let schedule = rules.hyperband(100_000, 1).unwrap();
            assert_eq!(schedule.brackets.len(), n_brackets, "{factor} {most}");
            let [first, last] = [schedule.brackets[0].rungs[0], *schedule.brackets[0].rungs.last().unwrap()];
            assert_eq!(last.n_resources, most, "{factor} {most}");
            assert!(first.n_resources >= 1 && first.n_resources < factor as usize);
        }
    }

    #[test]
    fn hyperband_of_the_paper() {
        // Table 1 of the paper: R = 81, η = 3.
        let schedule = rules(MinResources::Given(1), Some(81)).hyperband(1000, 7).unwrap();
        let rungs: Vec<Vec<(usize, usize)>> = schedule
            .brackets
            .iter()
            .map(|bracket| bracket.rungs.iter().map(|rung| (rung.n_candidates, rung.n_resources)).collect())
            .collect();
        assert_eq!(
            rungs,
            [
                vec![(81, 1), (27, 3), (9, 9), (3, 27), (1, 81)],
                vec![(34, 3), (11, 9), (3, 27), (1, 81)],
                vec![(15, 9), (5, 27), (1, 81)],
                vec![(8, 27), (2, 81)],
                vec![(5, 81)],
            ]
        );
    }

    #[test]
    fn impossible_resources_are_refused() {
        let refused = |rules: Rules| rules.halving(9, 100, 20).unwrap_err().to_string();
        let text = refused(rules(MinResources::Given(101), None));
        assert!(text.starts_with("search.min_resources: expected at most 100"), "{text}");
        let text = refused(rules(MinResources::Smallest, Some(101)));
        assert!(text.starts_with("search.max_resources: expected at most 100"), "{text}");
        let text = refused(Rules { resource: "n_estimators".into(), ..rules(MinResources::Smallest, None) });
        assert!(text.starts_with("search.max_resources: expected a number"), "{text}");
    }
}
