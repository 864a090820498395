//! The outcomes of a search's fits, without the sweep engine.

use rankfit::model_selection::{FitOutcome, Searchable, Split};

/// All outcomes in order of candidate and fold.
pub(crate) fn run_chains(search: &dyn Searchable, splits: &[Split]) -> Vec<FitOutcome> {
    let mut outcomes = Vec::new();
    for chain in search.chains(splits) {
        let mut emit = |outcome| {
            outcomes.push(outcome);
            Ok(())
        };
        search.run(&chain, splits, &mut emit).expect("a chain");
    }
    outcomes.sort_by_key(|outcome: &FitOutcome| outcome.id);
    outcomes
}
