"""Plots of the plausibility report as inline SVG: Okabe-Ito colours, no colour carries a meaning alone."""

from __future__ import annotations

import dataclasses
import io
import re
from typing import TYPE_CHECKING, Any

import numpy as np

from biomech.anatomy import AXES, LEVELS, REGIONS

if TYPE_CHECKING:
    from biomech.plausibility import PlausibilityReport
    from biomech.plausibility_spine import Motion

BLUE, ORANGE, GREEN, GREY, PALE, INK = "#0072B2", "#D55E00", "#009E73", "#9a9a9a", "#e9edf0", "#222222"
TYPICAL = "#cfe3f1"
_TITLES = {"FE": "flexion – / extension +", "LB": "lateral bending, + right", "AR": "axial rotation, + left"}
_STYLE = {
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
    plt = _pyplot()
    with plt.rc_context(_STYLE):
        figure, axes = plt.subplots(3, 3, figsize=(9.6, 6.0), layout="constrained")
        for motion, ax in zip(report.regions, axes[::-1].ravel(), strict=True):
            _bands(ax, motion, 0, 1.12)
            _bars(ax, motion, 0.0, 1.0)
            for norm in motion.norms:
                for value in _signed(norm.motion, norm.mean):
                    ax.plot([value, value], [0, 1.04], color=ORANGE, lw=1.2, ls=(0, (4, 2)))
            ax.set_title(f"{motion.name} {motion.axis}: {_TITLES[motion.axis]}", loc="left")
            ax.set_ylim(0, 1.12)
            ax.set_yticks([])
            ax.spines["left"].set_visible(False)
        for ax in axes[-1]:
            ax.set_xlabel("degrees")
        return _svg(figure, plt)


def levels(report: PlausibilityReport) -> str:
    """One histogram per level and axis over hard and typical ranges, cranial at the top."""
    plt = _pyplot()
    with plt.rc_context(_STYLE):
        figure, axes = plt.subplots(1, 3, figsize=(9.6, 11.0), sharey=True, layout="constrained")
        for k, axis in enumerate(AXES):
            ax = axes[k]
            for i in range(len(LEVELS)):
                motion = report.levels[3 * i + k]
                scale = 4.0 if motion.hard[1] > 25 else 1.0  # C1-C2 turns ten times as far as the others
                motion = _shrunk(motion, scale)
                _bands(ax, motion, i + 0.04, 0.86)
                _bars(ax, motion, i + 0.04, 0.8)
                if scale > 1:
                    ax.text(motion.hard[1], i + 0.5, f" degrees ÷ {scale:.0f}", va="center", fontsize=7)
                for norm in motion.norms:
                    for value in _signed(norm.motion, norm.mean):
                        value /= scale
                        ax.plot([value, value], [i + 0.04, i + 0.55], color=ORANGE, lw=1.2)
                if motion.minimum < motion.hard[0] or motion.maximum > motion.hard[1]:
                    ax.plot([motion.hard[1]], [i + 0.5], marker="X", color=ORANGE, ms=7)
            ax.set_title(f"{axis}: {_TITLES[axis]}", loc="left")
            ax.set_xlabel("degrees")
            ax.set_ylim(-0.1, len(LEVELS))
            for edge in (5, 17):
                ax.axhline(edge, color=INK, lw=0.5)
        axes[0].set_yticks(np.arange(len(LEVELS)) + 0.4, [level.replace("_", "–") for level in LEVELS])
        return _svg(figure, plt)


def rhythm(report: PlausibilityReport) -> str:
    """Share of each level in its region's motion: measured points on published bars."""
    plt = _pyplot()
    motions = ("flexion", "extension", "LB", "AR")
    with plt.rc_context(_STYLE):
        figure, axes = plt.subplots(3, 4, figsize=(9.6, 6.2), layout="constrained", sharey="row")
        for row, region in enumerate(reversed(REGIONS)):
            for column, motion in enumerate(motions):
                ax = axes[row, column]
                items = [s for s in report.rhythm if s.region == region and s.motion == motion]
                x = np.arange(len(items))
                ax.bar(x, [100 * s.published for s in items], color=PALE, edgecolor=GREY, width=0.8, lw=0.6)
                seen = [(i, 100 * s.slope) for i, s in enumerate(items) if s.slope is not None]
                if seen:
                    ax.plot(*zip(*seen, strict=True), "o", color=BLUE, ms=4)
                else:
                    ax.text(0.5, 0.8, "too few poses", transform=ax.transAxes, ha="center", color=GREY)
                ax.set_xticks(x, [s.level.replace("_", "–") for s in items], rotation=90, fontsize=6.5)
                ax.set_title(f"{region}, {motion}", loc="left")
            axes[row, 0].set_ylabel("% of region")
        return _svg(figure, plt)


def coupling(report: PlausibilityReport) -> str:
    """Coupled motion per level: measured and published slope, for bending and for twisting."""
    plt = _pyplot()
    with plt.rc_context(_STYLE):
        figure, axes = plt.subplots(1, 2, figsize=(9.6, 3.3), layout="constrained")
        for ax, driver in zip(axes, ("LB", "AR"), strict=True):
            items = [c for c in report.coupling if c.driver == driver]
            x = np.arange(len(items))
            ax.axhline(0, color=INK, lw=0.6)
            ax.bar(x, [c.published for c in items], color=PALE, edgecolor=GREY, width=0.8, lw=0.6)
            seen = [(i, c.slope) for i, c in enumerate(items) if c.slope is not None]
            if seen:
                ax.plot(*zip(*seen, strict=True), "o", color=BLUE, ms=4)
            ax.set_ylim(-1.3, 1.9)
            ax.set_xticks(x, [c.level.replace("_", "–") for c in items], rotation=90, fontsize=6.5)
            response = items[0].response if items else ""
            ax.set_title(f"{response} that goes with {driver} (– same side, + opposite)", loc="left")
            ax.set_ylabel("deg per deg")
        return _svg(figure, plt)


def rejections(report: PlausibilityReport) -> str:
    """Share of draws thrown away per activity."""
    plt = _pyplot()
    items = sorted(report.rejections, key=lambda r: (r.rate, r.activity))
    with plt.rc_context(_STYLE):
        figure, ax = plt.subplots(figsize=(9.6, 0.55 + 0.17 * len(items)), layout="constrained")
        y = np.arange(len(items))
        ax.barh(y, [100 * r.rate for r in items], color=BLUE, height=0.7)
        ax.set_yticks(y, [r.activity for r in items], fontsize=7.5)
        ax.set_xlabel("% of draws rejected")
        ax.margins(y=0.01)
        return _svg(figure, plt)


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


def _signed(motion: str, value: float | None) -> tuple[float, ...]:
    if value is None or motion.endswith("total"):
        return ()
    return {"flexion": (-value,), "extension": (value,)}.get(motion, (-value, value))


def _pyplot() -> Any:
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    return plt


def _svg(figure: Any, plt: Any) -> str:
    stream = io.StringIO()
    figure.savefig(stream, format="svg", metadata={"Date": None, "Creator": None})
    plt.close(figure)
    text = stream.getvalue()
    text = text[text.index("<svg") :]
    for name in ("width", "height"):  # the page decides on the size
        text = re.sub(rf'(<svg[^>]*?) {name}="[^"]*"', r"\1", text, count=1)
    return text
