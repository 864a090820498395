#!/usr/bin/env python3
"""Draws what scripts/scaling_study.sh measured: strong scaling as speed-up, weak scaling as efficiency.

    python3 scripts/plot_scaling.py scaling/JOB_scaling.csv [FIGURE.png|.svg|.pdf]
"""

import csv
import sys
from pathlib import Path

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt  # noqa: E402

BLUE, GREY = "#1f5fa8", "#8a8a8a"


def read(path):
    """The rows of the table, by mode, in order of ranks."""
    modes = {}
    with open(path, newline="") as file:
        for row in csv.DictReader(file):
            modes.setdefault(row["mode"], []).append({k: row[k] if k == "mode" else float(row[k] or 0) for k in row})
    return modes


def label_times(axis, rows, values):
    for row, value in zip(rows, values):
        axis.annotate(f"{row['median_s']:.2f} s", (row["ranks"], value), textcoords="offset points", xytext=(7, -15),
                      ha="left", fontsize=9, color=BLUE)


def finish(axis, ranks, title, legend):
    axis.set_xscale("log", base=2)
    axis.set_xticks(ranks, [f"{int(r)}" for r in ranks])
    axis.minorticks_off()
    axis.set_xlim(min(ranks) / 1.4, max(ranks) * 1.6)
    axis.set_xlabel("ranks")
    axis.set_title(title, loc="left", fontsize=11)
    axis.grid(alpha=0.3)
    axis.legend(frameon=False, loc=legend)


def draw_strong(axis, rows):
    ranks = [row["ranks"] for row in rows]
    speedup = [row["speedup"] for row in rows]
    axis.plot(ranks, [r / ranks[0] for r in ranks], "--", color=GREY, label="ideal")
    # Fastest and slowest repeat as bars; the table's rounding must not turn them around.
    base = rows[0]["median_s"]
    bars = [[max(0, s - base / row["max_s"]) for s, row in zip(speedup, rows)],
            [max(0, base / row["min_s"] - s) for s, row in zip(speedup, rows)]]
    axis.errorbar(ranks, speedup, yerr=bars, fmt="o-", color=BLUE, capsize=3, label="measured (median; bars: all repeats)")
    axis.set_yscale("log", base=2)
    ticks = [r / ranks[0] for r in ranks]
    axis.set_yticks(ticks, [f"{t:g}" for t in ticks])
    axis.minorticks_off()
    axis.set_ylim(0.6, max(ticks + speedup) * 1.4)
    axis.set_ylabel(f"speed-up against {int(ranks[0])} rank{'' if ranks[0] == 1 else 's'}")
    label_times(axis, rows, speedup)
    size = f": {rows[0]['n_samples']:,.0f} rows" if rows[0]["n_samples"] else ""
    finish(axis, ranks, f"Strong scaling{size}", "upper left")


def draw_weak(axis, rows):
    ranks = [row["ranks"] for row in rows]
    efficiency = [100 * row["efficiency"] for row in rows]
    base = rows[0]["median_s"]
    bars = [[max(0, e - 100 * base / row["max_s"]) for e, row in zip(efficiency, rows)],
            [max(0, 100 * base / row["min_s"] - e) for e, row in zip(efficiency, rows)]]
    axis.axhline(100, linestyle="--", color=GREY, label="ideal")
    axis.errorbar(ranks, efficiency, yerr=bars, fmt="o-", color=BLUE, capsize=3, label="measured (median; bars: all repeats)")
    axis.set_ylim(0, max(efficiency + [100]) * 1.2)
    axis.set_ylabel("efficiency, %")
    label_times(axis, rows, efficiency)
    finish(axis, ranks, f"Weak scaling: {rows[0]['n_samples'] / ranks[0]:,.0f} rows a rank", "lower left")


def main():
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    table = Path(sys.argv[1])
    target = Path(sys.argv[2]) if len(sys.argv) > 2 else table.with_suffix(".png")
    modes = read(table)
    draw = {"strong": draw_strong, "weak": draw_weak}
    figure, axes = plt.subplots(1, len(modes), figsize=(5.5 * len(modes), 4.2), squeeze=False, layout="constrained")
    for axis, (mode, rows) in zip(axes[0], modes.items()):
        draw[mode](axis, rows)
    figure.suptitle(table.stem.removesuffix("_scaling"), fontweight="bold")
    figure.savefig(target, dpi=150)
    print(f"The figure: {target}")


if __name__ == "__main__":
    main()
