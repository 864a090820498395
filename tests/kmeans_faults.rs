//! What K-means says to parameters and data it cannot take, and that a stopped fit goes on with the same bits.

mod given;

use std::path::Path;
use std::sync::{Arc, Mutex};

use given::given;
use rankfit::comm::{Single, run_threads};
use rankfit::data::{BlockSource, Feed, Residency};
use rankfit::engine::keeper::Keeper;
use rankfit::engine::pass::PassEngine;
use rankfit::error::Result;
use rankfit::estimator::cluster::kmeans::{Init, KMeansModel, KMeansParams, NInit};
use rankfit::telemetry::Telemetry;

/// One feature with these values, in blocks of three.
fn column(x: Vec<f64>, weights: Vec<f64>) -> Arc<dyn BlockSource<f64>> {
    given(&x, &weights, 1, 3)
}

fn fit(source: Arc<dyn BlockSource<f64>>, params: &KMeansParams) -> Result<KMeansModel> {
    let (comm, telemetry) = (Single::new(), Telemetry::new());
    let feed = Feed::new(source, Residency::Memory, 0, 1);
    params.validate(0)?.fit(&mut PassEngine::new(&comm, feed, &telemetry))
}

fn of(k: usize, init: Init) -> KMeansParams {
    KMeansParams { n_clusters: k, init, ..KMeansParams::default() }
}

const STARTS: [Init; 3] = [Init::KMeansPlusPlus, Init::KMeansParallel, Init::Random];

#[test]
fn parameters_out_of_range_name_their_key() {
    let base = KMeansParams::default;
    let wrong = [
        ("n_clusters", KMeansParams { n_clusters: 0, ..base() }),
        ("n_init", KMeansParams { n_init: NInit::Count(0), ..base() }),
        ("max_iter", KMeansParams { max_iter: 0, ..base() }),
        ("tol", KMeansParams { tol: -1.0, ..base() }),
        ("tol", KMeansParams { tol: f64::NAN, ..base() }),
        ("oversampling_factor", KMeansParams { oversampling_factor: Some(0.0), ..base() }),
        ("init_max_iter", KMeansParams { init_max_iter: Some(0), ..base() }),
    ];
    for (key, params) in wrong {
        let error = params.validate(0).unwrap_err();
        assert_eq!(error.exit_code().code(), 78, "{key}");
        assert!(error.to_string().starts_with(&format!("estimator.{key}: ")), "{error}");
    }
}

#[test]
fn parameters_read_as_the_contract_has_them() {
    let read = |text: &str| toml::from_str::<KMeansParams>(text);
    assert_eq!(read("").unwrap(), KMeansParams::default());
    let all = read(
        "n_clusters = 12\ninit = \"k-means||\"\nn_init = 3\nmax_iter = 7\ntol = 0.5\nrandom_state = 9\n\
         oversampling_factor = 10\ninit_max_iter = 3\nalgorithm = \"elkan\"",
    )
    .unwrap();
    assert_eq!(
        (all.init.clone(), all.n_init, all.oversampling_factor),
        (Init::KMeansParallel, NInit::Count(3), Some(10.0))
    );
    let json = serde_json::to_string(&all).unwrap();
    assert_eq!(serde_json::from_str::<KMeansParams>(&json).unwrap(), all);
    assert_eq!(read("init = { file = \"c.csv\" }").unwrap().init, Init::File("c.csv".into()));
    assert_eq!(read("n_init = \"auto\"").unwrap().n_init, NInit::Auto);
    for wrong in [
        "init = \"kmeans\"",
        "init = { path = \"c\" }",
        "n_init = \"many\"",
        "copy_x = true",
        "n_clusters = -1",
    ] {
        assert!(read(wrong).is_err(), "{wrong}");
    }
    assert!(read("init = \"kmeans\"").unwrap_err().to_string().contains("k-means||"));
}

#[test]
fn more_clusters_than_rows_is_a_fault_of_the_data() {
    for init in STARTS {
        let error = fit(column(vec![1.0, 2.0], vec![]), &of(3, init)).unwrap_err();
        assert_eq!(error.exit_code().code(), 65);
        assert_eq!(error.to_string(), "given: expected at least n_clusters = 3 rows, found 2 rows");
    }
}

#[test]
fn weights_are_checked_on_every_rank() {
    let mut weights = vec![1.0; 10];
    weights[9] = -0.5;
    let source = column((0..10).map(f64::from).collect(), weights);
    let errors = run_threads(3, |comm| {
        let telemetry = Telemetry::new();
        let feed = Feed::new(source.clone(), Residency::Stream, comm.rank(), comm.size());
        let error =
            of(2, Init::Random).validate(0).unwrap().fit(&mut PassEngine::new(comm, feed, &telemetry));
        error.unwrap_err().to_string()
    });
    assert!(errors.iter().all(|e| e.contains("row 9, column sample_weight")), "{errors:?}");
    let none = fit(column(vec![1.0, 2.0, 3.0], vec![0.0; 3]), &of(1, Init::Random)).unwrap_err();
    assert_eq!(none.exit_code().code(), 65);
    let few = fit(column(vec![1.0, 2.0, 3.0], vec![1.0, 0.0, 0.0]), &of(2, Init::Random)).unwrap_err();
    assert!(few.to_string().contains("at least 2 rows with a weight above 0"), "{few}");
}

#[test]
fn numbers_that_overflow_are_reported_as_divergence() {
    let x = vec![1e200, -1e200, 1e200, 3e199, 1.0];
    let error = fit(column(x, vec![]), &of(2, Init::KMeansPlusPlus)).unwrap_err();
    assert_eq!(error.exit_code().code(), 65);
    assert!(error.to_string().contains("diverged"), "{error}");
}

#[test]
fn fewer_distinct_rows_than_clusters_end_with_a_warning() {
    for init in STARTS {
        let model = fit(column([4.0, 4.0, 9.0].repeat(5), vec![]), &of(4, init.clone())).unwrap();
        // A mean of equal numbers may be off by a rounding; 15 rows of size 10 leave squares below this.
        assert!(model.inertia_ < 15.0 * (10.0 * f64::EPSILON).powi(2), "{init:?}: {}", model.inertia_);
        assert!(model.warnings[0].contains("distinct clusters (2)"), "{init:?}: {:?}", model.warnings);
    }
}

#[test]
fn as_many_clusters_as_rows_and_a_single_one() {
    let x: Vec<f64> = (0..20).map(|i| f64::from(i * i)).collect();
    for init in STARTS {
        let all = fit(column(x.clone(), vec![]), &of(20, init.clone())).unwrap();
        assert_eq!(all.inertia_, 0.0, "{init:?}");
        let one = fit(column(x.clone(), vec![]), &of(1, init)).unwrap();
        assert!((one.cluster_centers()[0] - x.iter().sum::<f64>() / 20.0).abs() < 1e-12);
    }
}

/// Squares of 1e20 are numbers in double precision only, in which the sums are kept.
#[test]
fn rows_whose_distances_have_no_squares_are_refused() {
    let x = [1e20, 1.1e20, -1e20, -1.2e20, 3.0];
    let fit = |source: Arc<dyn BlockSource<f32>>| {
        let (comm, telemetry) = (Single::new(), Telemetry::new());
        let feed = Feed::new(source, Residency::Memory, 0, 1);
        let engine = &mut PassEngine::new(&comm, feed, &telemetry);
        of(2, Init::KMeansPlusPlus).validate(0).unwrap().fit(engine)
    };
    let error = fit(given(&x, &[], 1, 2)).unwrap_err();
    assert_eq!(error.exit_code().code(), 65);
    let message = error.to_string();
    assert!(
        message.starts_with("given, column 0: expected distances whose squares are numbers in f32"),
        "{message}"
    );
    // The sum of all squares may be too large where no distance is.
    let many: Vec<f64> = (0..64).map(|i| if i % 2 == 0 { 4e18 } else { -4e18 }).collect();
    assert_eq!(fit(given(&many, &[], 1, 8)).unwrap().cluster_centers().len(), 2);
}

#[test]
fn given_centres_must_fit() {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    std::io::Write::write_all(&mut file, b"1\n2\n").unwrap();
    let from_file = |k| of(k, Init::File(file.path().to_path_buf()));
    assert_eq!(
        fit(column(vec![1.0, 2.0, 2.5], vec![]), &from_file(2)).unwrap().cluster_centers(),
        [1.0, 2.25]
    );
    let error = fit(column(vec![1.0, 2.0, 2.5], vec![]), &from_file(3)).unwrap_err();
    assert_eq!(error.exit_code().code(), 65);
    let missing = fit(column(vec![1.0], vec![]), &of(1, Init::File("/nonexistent.csv".into()))).unwrap_err();
    assert_eq!(missing.exit_code().code(), 66);
}

/// Keeps every state it is given.
struct Shelf {
    states: Mutex<Vec<Vec<u8>>>,
    start: Option<Vec<u8>>,
}

impl Keeper for Shelf {
    fn load(&self) -> Result<Option<Vec<u8>>> {
        Ok(self.start.clone())
    }
    fn store(&self, state: &[u8]) -> Result<()> {
        self.states.lock().unwrap().push(state.to_vec());
        Ok(())
    }
    fn is_due(&self) -> bool {
        true
    }
    fn path(&self) -> &Path {
        Path::new("shelf")
    }
}

fn fit_from(start: Option<Vec<u8>>, size: usize) -> (KMeansModel, Vec<Vec<u8>>) {
    let source = column((0..200).map(|i| (f64::from(i) * 0.7).sin() * f64::from(i % 9)).collect(), vec![]);
    let shelf = Shelf { states: Mutex::new(Vec::new()), start };
    let mut params = of(6, Init::Random);
    params.n_init = NInit::Count(3);
    let models = run_threads(size, |comm| {
        let telemetry = Telemetry::new();
        let feed = Feed::new(source.clone(), Residency::Stream, comm.rank(), comm.size());
        let mut engine = PassEngine::new(comm, feed, &telemetry).with_keeper(&shelf);
        params.validate(5).unwrap().fit(&mut engine).unwrap()
    });
    (models[0].clone(), shelf.states.into_inner().unwrap())
}

#[test]
fn a_stopped_fit_goes_on_with_the_same_bits() {
    let bits = |model: &KMeansModel| {
        let history = model.history.iter().flat_map(|r| [r.inertia, r.center_shift, r.n_changed as f64]);
        let numbers = model.cluster_centers().into_iter().chain([model.inertia_]).chain(history);
        numbers.map(f64::to_bits).collect::<Vec<_>>()
    };
    let (whole, states) = fit_from(None, 1);
    assert!(states.len() > 3, "{} iterations are too few to stop between", states.len());
    for (i, state) in states.into_iter().enumerate() {
        let (resumed, _) = fit_from(Some(state), 1 + i % 3);
        assert_eq!(bits(&resumed), bits(&whole), "stopped after {i} iterations");
    }
}
