"""What the comparisons share: runs in turn, jobs of rankfit, a table of medians with spread and ratio, raw figures as CSV."""
import csv
import os
import pathlib
import platform
import statistics
import subprocess
import sys

import numpy as np


def machine():
    """The processor's name and the number of its cores."""
    cpu = next((line.split(":", 1)[1].strip() for line in pathlib.Path("/proc/cpuinfo").read_text().splitlines()
                if line.startswith("model name")), platform.processor())
    return f"{cpu}, {os.cpu_count()} cores, {platform.system()} {platform.release()}"


def folder(name):
    """The folder of this name, which is made where it is not there: for arguments."""
    path = pathlib.Path(name)
    path.mkdir(parents=True, exist_ok=True)
    return path


def rankfit(job, place, ranks):
    """Runs a job file's text on `ranks` ranks in the folder `place`; returns the results file."""
    place = folder(place)
    path, output = place / "job.toml", place / "out.h5"
    path.write_text(job)
    command = ["mpirun", "-n", str(ranks)] if ranks > 1 else []
    if os.geteuid() == 0 and command:
        command.append("--allow-run-as-root")
    subprocess.run([*command, "rankfit", "run", "-q", "--on-existing", "replace", "--output", str(output), str(path)],
                   check=True, stdout=subprocess.DEVNULL)
    return output


def in_turn(runs, repeats):
    """Calls each of `runs` (name -> callable that returns seconds) once a round; returns name -> list of seconds."""
    figures = {name: [] for name in runs}
    for _ in range(repeats):
        for name, run in runs.items():
            figures[name].append(run())
    return figures


def show(title, figures, unit=""):
    """Prints medians, spread, and how many times faster rankfit is than the fastest peer and than each."""
    median = {name: statistics.median(seconds) for name, seconds in figures.items()}
    ours = median.get("rankfit", min(m for name, m in median.items() if name.startswith("rankfit")))
    print(f"\n{title}")
    print(f"{'':44} {'median s':>9} {'least':>8} {'most':>8} {'rankfit is faster by':>21}")
    for name, seconds in figures.items():
        ratio = "" if name.startswith("rankfit") else f"{median[name] / ours:20.2f}x"
        print(f"{name:44} {median[name]:9.3f} {min(seconds):8.3f} {max(seconds):8.3f} {ratio:>21} {unit}".rstrip())


def keep(path, title, figures):
    """Appends every single figure to a CSV."""
    new = not path.exists()
    with path.open("a", newline="") as file:
        writer = csv.writer(file)
        if new:
            writer.writerow(["case", "name", "repeat", "seconds"])
        for name, seconds in figures.items():
            writer.writerows([title, name, i, f"{s:.6f}"] for i, s in enumerate(seconds))


def near(found, expected, n_test):
    """Tells how many scores of a search as it is by default differ; ends the script where these are too many or too far off."""
    wrong, apart = int((found != expected).sum()), float(np.abs(found - expected).max())
    told = f"by default {wrong} of {found.size} scores differ, by {apart:.4f} at most"
    if wrong * 20 > found.size or apart * n_test > 2.5:
        sys.exit(told)
    return told
