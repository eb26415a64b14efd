"""Plots of the plausibility report as inline SVG: Okabe-Ito colours, no colour carries a meaning alone.

This file holds what all plots share, and the motion of levels and regions over their published bands.
"""

from __future__ import annotations

import dataclasses
import io
import re
from typing import TYPE_CHECKING, Any

import numpy as np

from biomech.anatomy import AXES, LEVELS

if TYPE_CHECKING:
    from biomech.plausibility import PlausibilityReport
    from biomech.plausibility.levels import Motion

BLUE, ORANGE, GREEN, GREY, PALE, INK = "#0072B2", "#D55E00", "#009E73", "#9a9a9a", "#e9edf0", "#222222"
TYPICAL = "#cfe3f1"
TITLES = {"FE": "flexion – / extension +", "LB": "lateral bending, + right", "AR": "axial rotation, + left"}
STYLE = {
    "font.family": "DejaVu Sans",
    "font.size": 8.5,
    "axes.titlesize": 9.5,
    "axes.edgecolor": INK,
    "axes.linewidth": 0.6,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "xtick.major.width": 0.6,
    "ytick.major.width": 0.6,
    "svg.fonttype": "none",
    "svg.hashsalt": "synthgen",  # ids in the SVG are the same in every run
}


def regions(report: PlausibilityReport) -> str:
    """Histograms of the nine regional angles over caps, typical bands and published means."""
    plt = pyplot()
    with plt.rc_context(STYLE):
        figure, axes = plt.subplots(3, 3, figsize=(9.6, 5.4), layout="constrained")
        for motion, ax in zip(report.regions, axes[::-1].ravel(), strict=True):
            _bands(ax, motion, 0, 1.12)
            _bars(ax, motion, 0.0, 1.0)
            _published(ax, motion, 0.0, 1.08)
            ax.set_title(f"{motion.name} {motion.axis}: {TITLES[motion.axis]}", loc="left")
            ax.set_ylim(0, 1.12)
            ax.set_yticks([])
            ax.spines["left"].set_visible(False)
        for ax in axes[-1]:
            ax.set_xlabel("degrees")
        return svg(figure, plt)


def levels(report: PlausibilityReport) -> str:
    """One histogram per level and axis over hard and typical ranges, cranial at the top."""
    plt = pyplot()
    with plt.rc_context(STYLE):
        figure, axes = plt.subplots(1, 3, figsize=(9.6, 11.0), sharey=True, layout="constrained")
        for k, axis in enumerate(AXES):
            ax = axes[k]
            for i in range(len(LEVELS)):
                motion = report.levels[3 * i + k]
                scale = 4.0 if motion.hard[1] > 25 else 1.0  # C1-C2 turns ten times as far as the others
                motion = _shrunk(motion, scale)
                _bands(ax, motion, i + 0.04, 0.86)
                _bars(ax, motion, i + 0.04, 0.8)
                _published(ax, motion, i + 0.04, 0.62, scale)
                if scale > 1:
                    ax.text(motion.hard[1], i + 0.5, f" degrees ÷ {scale:.0f}", va="center", fontsize=7)
                for value, side, bound in (
                    (motion.minimum, "left", motion.hard[0]), (motion.maximum, "right", motion.hard[1]),
                ):  # fmt: skip
                    if (value - bound) * (1 if side == "right" else -1) > 1e-4:
                        ax.plot([bound], [i + 0.5], marker="X", color=ORANGE, ms=7, clip_on=False)
                        ax.annotate(
                            f"{value * scale:.1f}", (bound, i + 0.5), (9 if side == "right" else -9, 0),
                            textcoords="offset points", ha="left" if side == "right" else "right", va="center",
                            color=ORANGE, fontweight="bold", fontsize=7.5,
                        )  # fmt: skip
            ax.set_title(f"{axis}: {TITLES[axis]}", loc="left")
            ax.set_xlabel("degrees")
            ax.set_ylim(-0.1, len(LEVELS))
            for edge in (5, 17):
                ax.axhline(edge, color=INK, lw=0.5)
        axes[0].set_yticks(np.arange(len(LEVELS)) + 0.4, [level.replace("_", "–") for level in LEVELS])
        return svg(figure, plt)


def _published(ax: Any, motion: Motion, bottom: float, height: float, scale: float = 1.0) -> None:
    """Published mean maximum as a line, its 2 SD as a thin bar; totals have no side and are left to the table."""
    for comparison in motion.norms:
        norm = comparison.published
        for sign in _signs(norm.name):
            if norm.mean is None:
                continue
            value = sign * norm.mean / scale
            ax.plot([value, value], [bottom, bottom + height], color=ORANGE, lw=1.4, solid_capstyle="butt")
            if norm.sd:
                spread = 2.0 * norm.sd / scale
                low, high = max(abs(value) - spread, 0.0), abs(value) + spread
                middle = bottom + 0.5 * height
                ax.plot([sign * low, sign * high], [middle, middle], color=ORANGE, lw=0.8)


def _shrunk(motion: Motion, scale: float) -> Motion:
    if scale == 1.0:
        return motion
    changed: dict[str, Any] = {
        name: tuple(v / scale for v in getattr(motion, name)) for name in ("hard", "typical", "edges")
    }
    changed |= {name: getattr(motion, name) / scale for name in ("minimum", "maximum")}
    return dataclasses.replace(motion, **changed)


def _bands(ax: Any, motion: Motion, bottom: float, height: float) -> None:
    ax.broken_barh([(motion.hard[0], motion.hard[1] - motion.hard[0])], (bottom, height), color=PALE, lw=0)
    ax.broken_barh([(motion.typical[0], motion.typical[1] - motion.typical[0])], (bottom, height), color=TYPICAL, lw=0)


def _bars(ax: Any, motion: Motion, bottom: float, height: float) -> None:
    """The histogram; heights as square roots, so that rare large motion stays visible."""
    counts = np.sqrt(np.array(motion.histogram, dtype=float))
    top = counts.max() if counts.max() > 0 else 1.0
    edges = np.linspace(*motion.edges, len(counts) + 1)
    ax.bar(edges[:-1], height * counts / top, width=np.diff(edges), bottom=bottom, align="edge", color=BLUE, lw=0)


def _signs(motion: str) -> tuple[float, ...]:
    if motion.endswith("total"):
        return ()
    return {"flexion": (-1.0,), "extension": (1.0,)}.get(motion, (-1.0, 1.0))


def pyplot() -> Any:
    """matplotlib.pyplot without a screen, imported when first needed."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    return plt


def svg(figure: Any, plt: Any) -> str:
    """The figure as an <svg> element that takes its size from the page; the figure is closed."""
    stream = io.StringIO()
    figure.savefig(stream, format="svg", metadata={"Date": None, "Creator": None})
    plt.close(figure)
    text = stream.getvalue()
    text = text[text.index("<svg") :]
    for name in ("width", "height"):  # the page decides on the size
        text = re.sub(rf'(<svg[^>]*?) {name}="[^"]*"', r"\1", text, count=1)
    return text
