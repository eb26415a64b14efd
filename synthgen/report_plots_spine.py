"""Plots of posture, rhythm and coupling."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from biomech.anatomy import REGIONS, VERTEBRAE
from synthgen.report_findings import angle_name
from synthgen.report_plots import BLUE, GREEN, GREY, INK, ORANGE, PALE, STYLE, TYPICAL, pyplot, svg

if TYPE_CHECKING:
    from biomech.plausibility import PlausibilityReport

_SHOWN = ("L5_S1", "L4_L5", "L2_L3", "T12_L1", "T9_T10", "T6_T7", "C7_T1", "C5_C6", "C3_C4", "C1_C2")
"""Levels of the scatter plots: ends and middle of each region."""


def profile(report: PlausibilityReport) -> str:
    """The column from the side: neutral, most flexed, most extended."""
    plt = pyplot()
    looks = {"neutral": (INK, "-", "o"), "most flexed": (BLUE, "--", "s"), "most extended": (ORANGE, ":", "^")}
    with plt.rc_context(STYLE):
        figure, axes = plt.subplots(1, 2, figsize=(9.6, 4.6), layout="constrained", width_ratios=(1.5, 1))
        ax = axes[0]
        for line in report.profiles:
            color, dash, marker = looks[line.name]
            points = np.array(line.points)
            ax.plot(points[:, 0], points[:, 1], color=color, ls=dash, marker=marker, ms=3.2, lw=1.2,
                    label=f"{line.name} ({line.where})")  # fmt: skip
        neutral = np.array(report.profiles[0].points)
        for name in ("L5", "L1", "T12", "T4", "T1", "C7", "C2"):
            x, y = neutral[VERTEBRAE.index(name)]
            ax.annotate(name, (x, y), (-7, 0), textcoords="offset points", ha="right", va="center", fontsize=7)
        ax.plot([0], [0], marker="+", color=INK, ms=9)
        ax.annotate("hip axis", (0, 0), (6, -9), textcoords="offset points", fontsize=7)
        ax.set_aspect("equal", adjustable="datalim")
        ax.set_xlabel("forward of the hips, m")
        ax.set_ylabel("above the hips, m")
        ax.legend(frameon=False, fontsize=7.5, loc="lower left", bbox_to_anchor=(0.0, 1.0), ncols=1)
        box = axes[1]
        for row, curve in enumerate(report.curves):
            box.plot([curve.minimum, curve.maximum], [row, row], color=GREY, lw=1)
            box.plot([curve.p1, curve.p99], [row, row], color=BLUE, lw=6, solid_capstyle="butt")
            box.plot([curve.median], [row], marker="D", color="white", mec=INK, ms=5)
        box.axvline(0, color=INK, lw=0.6)
        labels = [f"{c.name.replace('_', '–')}\n{c.meaning}" for c in report.curves]
        box.set_yticks(range(len(labels)), labels)
        box.set_ylim(-0.6, len(labels) - 0.4)
        box.set_xlabel("degrees, the usual curve positive")
        box.set_title("Cobb-like angles over all poses", loc="left")
        return svg(figure, plt)


def neutral(report: PlausibilityReport) -> str:
    """Neutral angles of the people over their norms."""
    plt = pyplot()
    items = [n for n in report.neutral if n.sex == "both"]
    with plt.rc_context(STYLE):
        figure, ax = plt.subplots(figsize=(9.6, 0.5 + 0.34 * len(items)), layout="constrained")
        for row, item in enumerate(reversed(items)):
            norm = item.value.published
            if norm.lower is not None and norm.upper is not None:
                ax.broken_barh([(norm.lower, norm.upper - norm.lower)], (row - 0.35, 0.7), color=TYPICAL, lw=0)
            if norm.mean is not None:
                ax.plot([norm.mean] * 2, [row - 0.35, row + 0.35], color=ORANGE, lw=1.6)
            ax.plot([item.minimum, item.maximum], [row, row], color=GREY, lw=1)
            ax.plot([item.mean - item.sd, item.mean + item.sd], [row, row], color=BLUE, lw=5, solid_capstyle="butt")
            ax.plot([item.mean], [row], marker="D", color="white", mec=INK, ms=5)
        ax.axvline(0, color=INK, lw=0.6)
        ax.set_yticks(range(len(items)), [angle_name(n.name) for n in reversed(items)])
        ax.set_xlabel("degrees")
        return svg(figure, plt)


def rhythm(report: PlausibilityReport) -> str:
    """Share of each level in its region's motion: measured points on published bars."""
    plt = pyplot()
    motions = ("flexion", "extension", "LB", "AR")
    with plt.rc_context(STYLE):
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
        return svg(figure, plt)


def coupling(report: PlausibilityReport) -> str:
    """Coupled motion per level: measured and published slope, for bending and for twisting."""
    plt = pyplot()
    with plt.rc_context(STYLE):
        figure, axes = plt.subplots(1, 2, figsize=(9.6, 3.3), layout="constrained")
        for ax, driver in zip(axes, ("LB", "AR"), strict=True):
            items = [c for c in report.coupling if c.driver == driver]
            x = np.arange(len(items))
            ax.axhline(0, color=INK, lw=0.6)
            ax.bar(x, [c.published for c in items], color=PALE, edgecolor=GREY, width=0.8, lw=0.6)
            for marker, judged in (("o", True), ("x", False)):
                seen = [(i, c.slope) for i, c in enumerate(items) if c.slope is not None and c.judged == judged]
                if seen:
                    ax.plot(*zip(*seen, strict=True), marker, color=BLUE, ms=4)
            ax.set_xticks(x, [c.level.replace("_", "–") for c in items], rotation=90, fontsize=6.5)
            response = items[0].response if items else ""
            ax.set_title(f"{response} that goes with {driver} (– same side, + opposite)", loc="left")
            ax.set_ylabel("deg per deg")
        return svg(figure, plt)


def scatter(report: PlausibilityReport) -> str:
    """Bending and the rotation that comes with it, pose by pose, at ten levels; the published slope as a line."""
    plt = pyplot()
    found = {c.level: c for c in report.coupling if c.driver == "LB"}
    items = [found[level] for level in _SHOWN if level in found]
    with plt.rc_context(STYLE):
        figure, axes = plt.subplots(2, 5, figsize=(9.6, 4.0), layout="constrained")
        for ax, item in zip(axes.ravel(), items, strict=False):
            ax.axhline(0, color=GREY, lw=0.5)
            ax.axvline(0, color=GREY, lw=0.5)
            if item.points:
                points = np.array(item.points)
                ax.plot(points[:, 0], points[:, 1], "o", color=BLUE, ms=2, alpha=0.5, mew=0)
                ends = np.array([points[:, 0].min(), points[:, 0].max()])
                ax.plot(ends, item.published * ends, color=ORANGE, lw=1.4)
                if item.slope is not None:
                    ax.plot(ends, item.slope * ends, color=GREEN, lw=1.2, ls="--")
            else:
                ax.text(0.5, 0.5, "too few poses", transform=ax.transAxes, ha="center", color=GREY)
            ax.set_title(item.level.replace("_", "–") + ("" if item.judged else " (not judged)"), loc="left")
        for ax in axes[-1]:
            ax.set_xlabel("LB, deg")
        for ax in axes[:, 0]:
            ax.set_ylabel("AR, deg")
        return svg(figure, plt)
