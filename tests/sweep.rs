//! The sweep engine on 1 to 16 ranks, with fits whose scores are known.

mod sweep_fake;

use rankfit::comm::{Single, run_threads};
use rankfit::engine::sweep::{OnFailure, Sweep, SweepPlan};
use rankfit::error::{Error, ExitCode, Place};
use rankfit::model_selection::{FitId, SearchSpec, run_search};
use rankfit::telemetry::Telemetry;
use serde_json::json;
use sweep_fake::{Fake, N_SPLITS, search, splits};

const SIZES: [usize; 6] = [1, 2, 3, 7, 16, 40];

#[test]
fn every_rank_count_gives_the_same_table() {
    let fake = Fake::new();
    let search = search();
    let alone = {
        let telemetry = Telemetry::new();
        run_search(&Single::new(), &telemetry, &fake, &splits(), &search, None, &mut ()).unwrap()
    };
    let unchanging = |result: &rankfit::model_selection::SearchResult| {
        let columns = result.cv_results.columns.iter().filter(|column| !column.is_time);
        columns.cloned().collect::<Vec<_>>()
    };
    let best = alone.cv_results.best.clone().unwrap();
    assert_eq!(best.index, fake.best_candidate());
    for size in SIZES {
        let results = run_threads(size, |comm| {
            let telemetry = Telemetry::new();
            let mut progress = Vec::new();
            let mut watch = |done: usize, total: usize| progress.push((done, total));
            let result = run_search(comm, &telemetry, &fake, &splits(), &search, None, &mut watch).unwrap();
            assert!(comm.poll().is_none(), "a note was left behind");
            (result, progress)
        });
        let cut = run_threads(size, |comm| {
            let (fake, telemetry) = (Fake { parts: 20, ..Fake::new() }, Telemetry::new());
            run_search(comm, &telemetry, &fake, &splits(), &search, None, &mut ()).unwrap()
        });
        for result in &cut {
            assert_eq!(unchanging(result), unchanging(&alone), "cut for {size} ranks");
            let is_cut = result.report.chains.len() > fake.all_chains().len();
            // A quarter of a rank's share is less than the longest chain's half of the whole, on one rank too.
            assert!(is_cut && result.report.ranks.iter().map(|rank| rank.n_fits).sum::<usize>() == 12);
        }
        for (rank, (result, progress)) in results.iter().enumerate() {
            assert_eq!(unchanging(result), unchanging(&alone), "{size} ranks");
            assert_eq!(result.cv_results.best, alone.cv_results.best);
            assert_eq!(result.model.is_some(), rank == 0);
            let n_fits = search.candidates.len() * N_SPLITS;
            let expected: Vec<_> =
                if rank == 0 { (0..=n_fits).map(|done| (done, n_fits)).collect() } else { Vec::new() };
            assert_eq!(*progress, expected);
        }
        let model = results[0].0.model.as_ref().unwrap();
        assert_eq!(model.numbers("candidate_").unwrap(), [best.index as f64]);
    }
}

#[test]
fn the_report_says_who_did_what() {
    let fake = Fake::new();
    for size in SIZES {
        let reports = run_threads(size, |comm| {
            let telemetry = Telemetry::new();
            run_search(comm, &telemetry, &fake, &splits(), &search(), None, &mut ()).unwrap().report
        });
        let report = &reports[0];
        assert!(reports.iter().all(|other| other == report));
        let plan = SweepPlan::new(&fake.all_chains(), size);
        assert_eq!(report.chains.len(), fake.all_chains().len());
        for chain in &report.chains {
            assert!(plan.assignment.tasks[chain.rank].contains(&chain.chain));
        }
        assert_eq!(report.ranks.len(), size);
        assert_eq!(report.ranks.iter().map(|rank| rank.n_fits).sum::<usize>(), plan.n_fits());
        assert!(report.imbalance() >= 1.0 && report.lower_bound_s() <= report.max_busy_s() * (1.0 + 1e-12));
        let (predicted, real): (f64, f64) = report
            .chains
            .iter()
            .map(|c| (c.predicted_s, c.elapsed_s))
            .fold((0.0, 0.0), |a, b| (a.0 + b.0, a.1 + b.1));
        assert!((predicted / real - 1.0).abs() < 1e-9);
    }
}

/// A fit that the data make impossible.
fn impossible(id: FitId) -> Option<Error> {
    let found = format!("fold {} of candidate {}", id.fold, id.candidate);
    (id.candidate == 2 && id.fold == 1).then(|| Error::data("fake", Place::row(7), "another fold", found))
}

#[test]
fn a_part_that_fails_fails_its_chain_as_a_whole_one_does() {
    let search = search();
    let whole = Fake { fails: impossible, ..Fake::new() };
    let alone = run_search(&Single::new(), &Telemetry::new(), &whole, &splits(), &search, None, &mut ());
    let failures = alone.unwrap().failures;
    assert_eq!(failures.len(), 1);
    for size in SIZES {
        let found = run_threads(size, |comm| {
            let (fake, telemetry) = (Fake { fails: impossible, parts: 5, ..Fake::new() }, Telemetry::new());
            run_search(comm, &telemetry, &fake, &splits(), &search, None, &mut ()).unwrap().failures
        });
        assert!(found.iter().all(|found| *found == failures), "{size} ranks");
    }
}

#[test]
fn an_error_on_one_rank_reaches_all() {
    let fake = Fake { fails: impossible, ..Fake::new() };
    let spec: SearchSpec =
        serde_json::from_value(json!({"grid": {"C": [1, 2, 3, 4]}, "cv": N_SPLITS, "error_score": "raise"}))
            .unwrap();
    let search = spec.check(true, 0).unwrap();
    for size in SIZES {
        let errors = run_threads(size, |comm| {
            let telemetry = Telemetry::new();
            let error = run_search(comm, &telemetry, &fake, &splits(), &search, None, &mut ()).unwrap_err();
            assert!(comm.poll().is_none(), "a note was left behind");
            // The ranks are still in step.
            comm.barrier();
            error
        });
        let own = errors.iter().filter(|error| !matches!(error, Error::Remote { .. })).count();
        assert_eq!(own, 1);
        for error in errors {
            assert_eq!(error.exit_code(), ExitCode::Data);
            assert!(
                error.to_string().contains("fake, row 7: expected another fold, found fold 1"),
                "{error}"
            );
        }
    }
}

#[test]
fn a_failed_fit_gets_its_score_and_the_rest_goes_on() {
    let fake = Fake { fails: impossible, ..Fake::new() };
    for size in SIZES {
        let results = run_threads(size, |comm| {
            let telemetry = Telemetry::new();
            run_search(comm, &telemetry, &fake, &splits(), &search(), None, &mut ()).unwrap()
        });
        for result in results {
            assert_eq!(result.failures.len(), 1);
            assert_eq!(result.failures[0].id, FitId { candidate: 2, fold: 1 });
            assert!(
                result.warnings[0].starts_with("1 fits failed out of a total of 12."),
                "{:?}",
                result.warnings
            );
            let column = |name: &str| result.cv_results.column(name).unwrap().to_f64().unwrap();
            assert!(column("split1_test_score")[2].is_nan() && column("mean_test_score")[2].is_nan());
            assert_eq!(column("split2_test_score")[2], fake.score(FitId { candidate: 2, fold: 2 }));
            assert_eq!(column("rank_test_score")[2], 4.0);
        }
    }
}

#[test]
fn a_search_of_which_every_fit_fails_is_an_error() {
    let fails = |_| Some(Error::data("fake", Place::default(), "anything else", "this"));
    let fake = Fake { fails, ..Fake::new() };
    for error in run_threads(3, |comm| {
        let telemetry = Telemetry::new();
        run_search(comm, &telemetry, &fake, &splits(), &search(), None, &mut ()).unwrap_err()
    }) {
        assert_eq!(error.exit_code(), ExitCode::Data);
        assert!(error.to_string().contains("all 12 fits failed"), "{error}");
    }
}

#[test]
fn a_defect_is_no_failed_fit() {
    let fails = |id: FitId| (id.candidate == 1).then(|| Error::internal("a defect"));
    let fake = Fake { fails, ..Fake::new() };
    for error in run_threads(2, |comm| {
        let telemetry = Telemetry::new();
        run_search(comm, &telemetry, &fake, &splits(), &search(), None, &mut ()).unwrap_err()
    }) {
        assert_eq!(error.exit_code(), ExitCode::Internal);
    }
}

#[test]
fn a_refit_that_fails_is_known_to_all() {
    let fake = Fake { refits: false, ..Fake::new() };
    for error in run_threads(3, |comm| {
        let telemetry = Telemetry::new();
        run_search(comm, &telemetry, &fake, &splits(), &search(), None, &mut ()).unwrap_err()
    }) {
        assert_eq!(error.exit_code(), ExitCode::Data);
        assert!(error.to_string().contains("no refit"), "{error}");
    }
}

#[test]
#[should_panic(expected = "the cause")]
fn a_panic_on_one_rank_ends_them_all() {
    let fails = |id: FitId| {
        assert_ne!(id, FitId { candidate: 0, fold: 0 }, "the cause");
        None
    };
    let fake = Fake { fails, ..Fake::new() };
    run_threads(3, |comm| {
        let telemetry = Telemetry::new();
        run_search(comm, &telemetry, &fake, &splits(), &search(), None, &mut ()).is_ok()
    });
}

#[test]
fn an_outcome_that_was_not_asked_for_is_refused() {
    let fake = Fake { lies: true, ..Fake::new() };
    let error = run_threads(2, |comm| {
        let telemetry = Telemetry::new();
        let sweep = Sweep::new(comm, &telemetry).on_failure(OnFailure::Raise);
        sweep.run(&fake.all_chains(), &fake, &mut ()).unwrap_err()
    });
    assert!(error.iter().all(|error| error.exit_code() == ExitCode::Internal));
}

#[test]
fn a_sweep_of_nothing_ends_at_once() {
    let fake = Fake::new();
    for swept in run_threads(3, |comm| Sweep::new(comm, &Telemetry::new()).run(&[], &fake, &mut ()).unwrap())
    {
        assert!(swept.outcomes.is_empty());
        assert_eq!(swept.report.imbalance(), 1.0);
    }
}
