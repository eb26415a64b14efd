"""Plots of a motion in time: regional angles and their speeds."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from biomech.anatomy import REGIONS
from synthgen.report_plots import BLUE, GREEN, GREY, INK, ORANGE, PALE, STYLE, pyplot, svg

if TYPE_CHECKING:
    from biomech.plausibility import PlausibilityReport

_LINES = (("FE", BLUE, "-"), ("LB", ORANGE, "--"), ("AR", GREEN, "-."))
_CLIPS = 4  # more would not be legible; the table lists all
_AT_A_TIME = ("lumbar_FE", "lumbar_LB", "lumbar_AR", "thoracic_FE", "thoracic_LB", "thoracic_AR", "cervical_FE",
              "cervical_LB", "cervical_AR", "thorax_AR")  # fmt: skip


def curves(report: PlausibilityReport) -> str:
    """Regional angles over time, one column per motion."""
    plt = pyplot()
    clips = [c for c in report.clips if c.usable][:_CLIPS]
    with plt.rc_context(STYLE):
        figure, axes = plt.subplots(
            3, len(clips), figsize=(9.6, 5.2), layout="constrained", squeeze=False, sharex="col", sharey="row"
        )
        for column, clip in enumerate(clips):
            for row, region in enumerate(reversed(REGIONS)):
                ax = axes[row, column]
                ax.axhline(0, color=GREY, lw=0.5)
                for axis, color, dash in _LINES:
                    line = clip.curves[clip.curve_names.index(f"{region}_{axis}")]
                    ax.plot(clip.curve_times, line, color=color, ls=dash, lw=1.2, label=axis)
                if column == 0:
                    ax.set_ylabel(f"{region}, deg")
            axes[0, column].set_title(clip.name, loc="left")
            axes[-1, column].set_xlabel("s")
        axes[0, 0].legend(frameon=False, ncols=3, fontsize=7.5, loc="best")
        return svg(figure, plt)


def speeds(report: PlausibilityReport) -> str:
    """Speed of each regional angle, median to 99th percentile and the largest, over published maxima."""
    from matplotlib.ticker import FixedLocator, NullLocator

    plt = pyplot()
    clips = [c for c in report.clips if c.usable]
    with plt.rc_context(STYLE):
        figure, ax = plt.subplots(figsize=(9.6, 3.6), layout="constrained")
        for row, name in enumerate(reversed(_AT_A_TIME)):
            rates = [rate for clip in clips for rate in clip.rates if rate.name == name]
            for comparison in rates[0].norms:
                norm = comparison.published
                if norm.lower is not None and norm.upper is not None:
                    ax.broken_barh(
                        [(norm.lower, norm.upper - norm.lower)], (row - 0.4, 0.8), color=PALE, ec=GREY, lw=0.6
                    )
                elif norm.mean is not None:
                    ax.plot([norm.mean] * 2, [row - 0.4, row + 0.4], color=ORANGE, lw=1.4)
            spread = 0.75 * (np.arange(len(rates)) - 0.5 * (len(rates) - 1)) / max(len(rates), 1)
            for rate, shift in zip(rates, spread, strict=True):
                ax.plot(
                    [max(rate.p50, 0.1), max(rate.p99, 0.1)],
                    [row - shift] * 2,
                    color=BLUE,
                    lw=2.2 if len(rates) < 4 else 1.4,
                )
                ax.plot([max(rate.maximum, 0.1)], [row - shift], "|", color=INK, ms=6)
        ax.set_xscale("log")
        ax.xaxis.set_major_locator(FixedLocator([0.1, 0.3, 1, 3, 10, 30, 100, 300, 1000, 3000]))
        ax.xaxis.set_major_formatter(lambda value, _: f"{value:g}")
        ax.xaxis.set_minor_locator(NullLocator())
        ax.set_yticks(range(len(_AT_A_TIME)), [name.replace("_", " ") for name in reversed(_AT_A_TIME)])
        ax.set_xlabel("deg/s (logarithmic)")
        return svg(figure, plt)
