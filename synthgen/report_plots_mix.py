"""Plots of coverage: what of the healthy volume is reached, what people do, who they are, what was rejected."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from synthgen.report_plots import BLUE, INK, ORANGE, PALE, STYLE, pyplot, svg

if TYPE_CHECKING:
    from biomech.plausibility import PlausibilityReport

_AXES = ("flexion – / extension +", "bending, + right", "rotation, + left")
_MAPPED = ("trunk", "cervical")  # parts of the spine with maps; the others are in the data
_MOST = 40  # activities shown; the rest is counted


def volumes(report: PlausibilityReport) -> str:
    """Poses in flexion x bending x rotation, seen along each axis; an outline shows what a healthy spine reaches."""
    plt = pyplot()
    with plt.rc_context(STYLE):
        figure, axes = plt.subplots(2, 3, figsize=(9.6, 5.8), layout="constrained")
        for row, volume in enumerate(v for v in report.coverage.volumes if v.name in _MAPPED):
            edges = [np.array(e) for e in volume.edges]
            for column, (a, b, counts) in enumerate(((1, 0, volume.fe_lb), (2, 0, volume.fe_ar), (1, 2, volume.lb_ar))):
                ax = axes[row, column]
                grid = np.array(counts, dtype=float)
                grid = grid if column < 2 else grid.T  # rows are the vertical axis
                shown = np.where(grid > 0, np.log10(np.maximum(grid, 1)) + 1e-9, np.nan)
                picture = ax.pcolormesh(edges[a], edges[b], shown, cmap="cividis_r", vmin=0, edgecolors="white", lw=0.3)
                _outline(ax, edges[a], edges[b])
                ax.axhline(0, color=INK, lw=0.4)
                ax.axvline(0, color=INK, lw=0.4)
                ax.set_xlabel(f"{_AXES[a]}, deg")
                ax.set_ylabel(f"{_AXES[b]}, deg")
                ax.set_title(f"{volume.name}, {volume.filled:.0%} filled" if column == 0 else volume.name, loc="left")
                bar = figure.colorbar(picture, ax=ax, shrink=0.8, pad=0.02)
                ticks = range(int(np.log10(max(grid.max(), 1))) + 1)
                bar.set_ticks(list(ticks), labels=[f"{10**t:,}" for t in ticks])
                bar.outline.set_linewidth(0.4)
        return svg(figure, plt)


def _outline(ax: Any, horizontal: np.ndarray, vertical: np.ndarray) -> None:
    turn = np.linspace(0.0, 2.0 * np.pi, 200)
    x, y = np.cos(turn), np.sin(turn)
    x = x * np.where(x < 0, -horizontal[0], horizontal[-1])
    y = y * np.where(y < 0, -vertical[0], vertical[-1])
    ax.plot(x, y, color=ORANGE, lw=1.1, ls="--")


def mix(report: PlausibilityReport) -> str:
    """Poses per activity."""
    items = list(report.coverage.activities)
    rest = items[_MOST:]
    shown = [(c.name, 100 * c.share) for c in items[:_MOST]]
    if rest:
        shown.append((f"{len(rest)} more", 100 * sum(c.share for c in rest)))
    return _bars(shown[::-1], "% of poses")


def rejections(report: PlausibilityReport) -> str:
    """Share of draws thrown away per activity."""
    items = sorted(report.rejections, key=lambda r: (r.rate, r.activity))
    return _bars([(r.activity, 100 * r.rate) for r in items], "% of draws rejected")


def people(report: PlausibilityReport) -> str:
    """Age, stature and build of the people, women to the left and men to the right."""
    plt = pyplot()
    items = report.coverage.people
    with plt.rc_context(STYLE):
        figure, axes = plt.subplots(1, len(items), figsize=(9.6, 2.9), layout="constrained", squeeze=False)
        for ax, item in zip(axes[0], items, strict=True):
            edges = np.array(item.edges)
            centre, height = 0.5 * (edges[:-1] + edges[1:]), 0.9 * np.diff(edges)
            ax.barh(centre, [-n for n in item.women], height=height, color=ORANGE, label="women")
            ax.barh(centre, item.men, height=height, color=BLUE, label="men", hatch="//", edgecolor="white", lw=0)
            most = max((*item.women, *item.men, 1))
            ax.set_xlim(-1.1 * most, 1.1 * most)
            ax.xaxis.set_major_formatter(lambda v, _: f"{abs(v):g}")
            ax.axvline(0, color=INK, lw=0.6)
            ax.set_title(f"{item.name}, {item.unit}", loc="left")
            ax.set_xlabel("people")
        axes[0, 0].legend(frameon=False, fontsize=7.5, loc="upper left")
        return svg(figure, plt)


def _bars(items: list[tuple[str, float]], label: str) -> str:
    """Horizontal bars in two columns where there are many."""
    plt = pyplot()
    half = len(items) if len(items) < 16 else -(-len(items) // 2)
    columns = [items[half:], items[:half]] if half < len(items) else [items]
    with plt.rc_context(STYLE):
        figure, axes = plt.subplots(
            1, len(columns), figsize=(9.6, 0.55 + 0.17 * half), layout="constrained", squeeze=False, sharex=True
        )
        for ax, part in zip(axes[0], columns, strict=True):
            y = np.arange(len(part)) + half - len(part)
            ax.barh(y, [value for _, value in part], color=BLUE, height=0.7)
            ax.set_yticks(y, [name.replace("_", " ") for name, _ in part], fontsize=7.5)
            ax.set_ylim(-0.7, half - 0.3)
            ax.set_xlabel(label)
            ax.grid(axis="x", color=PALE, lw=0.6)
            ax.set_axisbelow(True)
        return svg(figure, plt)
