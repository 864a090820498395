//! What the environment tells of who started this program, and how many of it.

use crate::error::{Error, Result};

/// How to run this program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Plan {
    /// As one rank, without MPI.
    Alone,
    /// As one of the ranks of an MPI job.
    Mpi(Option<Launcher>),
}

/// A launcher that has left its marks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Launcher {
    /// The variable that it was known by.
    pub(super) variable: &'static str,
    /// How many programs it started, where it says so.
    pub(super) size: Option<usize>,
    /// Which of them this is.
    pub(super) rank: Option<usize>,
}

/// Variables of a size and a rank, the most telling first: a program that `mpirun` started on a Slurm node sees
/// the variables of the step that started `mpirun`'s daemon too. `SLURM_NTASKS` is not among them, because a batch
/// script has it as well; `SLURM_STEP_NUM_TASKS` is set by `srun` alone.
const KNOWN: [(&str, &str); 5] = [
    ("OMPI_COMM_WORLD_SIZE", "OMPI_COMM_WORLD_RANK"),
    ("PMI_SIZE", "PMI_RANK"),
    ("MV2_COMM_WORLD_SIZE", "MV2_COMM_WORLD_RANK"),
    ("SLURM_STEP_NUM_TASKS", "SLURM_PROCID"),
    ("PMIX_NAMESPACE", "PMIX_RANK"),
];

/// Whether Open MPI's `mpirun` put all ranks on this one node and nobody chose a messaging layer.
///
/// Then the layer that knows shared memory is the one to take. Asking the others, which speak to networks, costs 0.2 s
/// of 0.33 with Open MPI 4.1.
#[cfg(any(feature = "mpi", test))]
pub(super) fn is_one_node_of_open_mpi(get: impl Fn(&str) -> Option<String>) -> bool {
    let all = get("OMPI_COMM_WORLD_SIZE");
    all.is_some() && all == get("OMPI_COMM_WORLD_LOCAL_SIZE") && get(MESSAGING_LAYER).is_none()
}

/// The variable by which Open MPI is told which messaging layer to take.
#[cfg(any(feature = "mpi", test))]
pub(super) const MESSAGING_LAYER: &str = "OMPI_MCA_pml";

impl Launcher {
    /// The launcher that the variables `get` name, if any.
    pub(super) fn find(get: impl Fn(&str) -> Option<String>) -> Option<Self> {
        KNOWN.iter().find_map(|&(variable, rank)| {
            let value = get(variable)?;
            let number = |text: String| text.trim().parse().ok();
            Some(Self { variable, size: number(value), rank: get(rank).and_then(number) })
        })
    }

    /// Whether this is the one program that speaks before the ranks know each other.
    pub(super) fn speaks(&self) -> bool {
        self.rank.unwrap_or(0) == 0
    }
}

impl Plan {
    /// The plan for the environment `get`.
    ///
    /// Initialising MPI costs a third of a second, so a program that is alone does without.
    ///
    /// # Errors
    /// When `RANKFIT_LAUNCH` says something unknown.
    pub(super) fn of(get: impl Fn(&str) -> Option<String>) -> Result<Self> {
        let launcher = Launcher::find(&get);
        match get("RANKFIT_LAUNCH").as_deref() {
            Some("alone") => Ok(Self::Alone),
            Some("mpi") => Ok(Self::Mpi(launcher)),
            None | Some("") => Ok(match launcher {
                None | Some(Launcher { size: Some(1), .. }) => Self::Alone,
                launcher => Self::Mpi(launcher),
            }),
            Some(other) => Err(Error::Usage {
                message: format!("RANKFIT_LAUNCH: expected alone or mpi, found {other:?}"),
            }),
        }
    }
}

/// The refusal of a launch whose programs do not know each other; `None` when `size` ranks are what was asked for.
pub(super) fn refusal(launcher: Option<&Launcher>, size: usize) -> Option<Error> {
    let launcher = launcher?;
    let asked = match (launcher.size, launcher.rank) {
        (Some(asked), _) if asked > 1 => format!("{asked} programs were started"),
        // The number is unknown, but a rank above 0 is not alone.
        (None, Some(rank)) if rank > 0 => "Several programs were started".to_string(),
        _ => return None,
    };
    if size > 1 {
        return None;
    }
    let cause = if cfg!(feature = "mpi") {
        "It was built for another MPI than the one that started it: use the mpirun of that MPI, or \
         `srun --mpi=pmix` (`srun --mpi=list` shows what there is)"
    } else {
        "It was built without MPI: build it with the feature `mpi`"
    };
    Some(Error::Usage {
        message: format!(
            "{asked} ({}), but each is alone, rank 0 of 1. {cause}; or set \
             RANKFIT_LAUNCH=alone to run each by itself",
            launcher.variable
        ),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn env<'a>(pairs: &'a [(&'a str, &'a str)]) -> impl Fn(&str) -> Option<String> + 'a {
        |name| pairs.iter().find(|(n, _)| *n == name).map(|(_, value)| value.to_string())
    }

    #[test]
    fn a_program_started_by_hand_is_alone() {
        assert_eq!(Plan::of(env(&[])).unwrap(), Plan::Alone);
    }

    #[test]
    fn a_batch_script_is_no_launcher() {
        let batch = [("SLURM_JOB_ID", "7"), ("SLURM_NTASKS", "4"), ("SLURM_PROCID", "0")];
        assert_eq!(Plan::of(env(&batch)).unwrap(), Plan::Alone);
    }

    #[test]
    fn one_program_needs_no_mpi() {
        assert_eq!(Plan::of(env(&[("OMPI_COMM_WORLD_SIZE", "1")])).unwrap(), Plan::Alone);
    }

    #[test]
    fn a_step_of_srun_is_a_launch() {
        let step = [("SLURM_STEP_NUM_TASKS", "4"), ("SLURM_PROCID", "3")];
        let Plan::Mpi(Some(launcher)) = Plan::of(env(&step)).unwrap() else { panic!("no launch") };
        assert_eq!((launcher.size, launcher.rank, launcher.speaks()), (Some(4), Some(3), false));
        assert!(refusal(Some(&launcher), 4).is_none());
        let message = refusal(Some(&launcher), 1).unwrap().to_string();
        assert!(message.contains("SLURM_STEP_NUM_TASKS") && message.contains("4 programs"), "{message}");
    }

    #[test]
    fn mpirun_on_a_slurm_node_counts_more_than_the_daemons_step() {
        let both =
            [("SLURM_STEP_NUM_TASKS", "2"), ("OMPI_COMM_WORLD_SIZE", "8"), ("OMPI_COMM_WORLD_RANK", "5")];
        let launcher = Launcher::find(env(&both)).unwrap();
        assert_eq!((launcher.size, launcher.rank), (Some(8), Some(5)));
    }

    #[test]
    fn a_launch_of_unknown_size_is_tried() {
        let pmix = [("PMIX_NAMESPACE", "job.1"), ("PMIX_RANK", "0")];
        let Plan::Mpi(Some(launcher)) = Plan::of(env(&pmix)).unwrap() else { panic!("no launch") };
        assert!(refusal(Some(&launcher), 1).is_none());
        let second = Launcher { rank: Some(1), ..launcher };
        assert!(refusal(Some(&second), 1).is_some());
    }

    #[test]
    fn one_node_is_told_from_several() {
        let (all, here) = (("OMPI_COMM_WORLD_SIZE", "4"), ("OMPI_COMM_WORLD_LOCAL_SIZE", "4"));
        assert!(is_one_node_of_open_mpi(env(&[all, here])));
        assert!(!is_one_node_of_open_mpi(env(&[all, ("OMPI_COMM_WORLD_LOCAL_SIZE", "2")])));
        assert!(!is_one_node_of_open_mpi(env(&[all, here, ("OMPI_MCA_pml", "ucx")])));
        assert!(!is_one_node_of_open_mpi(env(&[("PMI_SIZE", "4")])));
    }

    #[test]
    fn the_user_can_overrule() {
        let step = [("PMI_SIZE", "2"), ("RANKFIT_LAUNCH", "alone")];
        assert_eq!(Plan::of(env(&step)).unwrap(), Plan::Alone);
        assert_eq!(Plan::of(env(&[("RANKFIT_LAUNCH", "mpi")])).unwrap(), Plan::Mpi(None));
        assert!(Plan::of(env(&[("RANKFIT_LAUNCH", "maybe")])).is_err());
    }
}
