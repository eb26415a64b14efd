"""Which plots the report shows: name on the page -> inline SVG, "" where there is nothing to plot."""

from __future__ import annotations

from typing import TYPE_CHECKING

from synthgen import report_plots, report_plots_mix, report_plots_spine, report_plots_time

if TYPE_CHECKING:
    from biomech.plausibility import PlausibilityReport


def figures(report: PlausibilityReport) -> dict[str, str]:
    """Every figure of the page."""
    return {
        "levels": report_plots.levels(report),
        "regions": report_plots.regions(report),
        "profile": report_plots_spine.profile(report),
        "neutral": report_plots_spine.neutral(report) if report.neutral else "",
        "rhythm": report_plots_spine.rhythm(report),
        "slopes": report_plots_spine.coupling(report),
        "scatter": report_plots_spine.scatter(report),
        "curves": report_plots_time.curves(report) if any(c.usable for c in report.clips) else "",
        "speeds": report_plots_time.speeds(report) if any(c.usable for c in report.clips) else "",
        "volumes": report_plots_mix.volumes(report),
        "mix": report_plots_mix.mix(report),
        "people": report_plots_mix.people(report) if report.coverage.people else "",
        "rejections": report_plots_mix.rejections(report) if any(r.rejected for r in report.rejections) else "",
    }
