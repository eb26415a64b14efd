"""The plausibility report as a file: one HTML page that prints, with its plots inside, and the same data as JSON."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path

from biomech.errors import DatasetError
from biomech.plausibility import PlausibilityReport, residual_statistics

HTML, JSON = "plausibility.html", "plausibility.json"

CONFIDENCE_MARKS = {
    "verified": "●",
    "secondary": "◐",
    "recalled": "○",
    "derived": "◇",
    "estimate": "△",
    "convention": "–",
}
"""Mark shown beside every published number; the first word of its confidence decides."""

_MEANING = {
    "verified": "read in the source named",
    "secondary": "read in a work that quotes the source",
    "recalled": "from memory of the literature, to be checked against the source",
    "derived": "computed from other rows of the tables",
    "estimate": "a sensible guess, no source",
    "convention": "no anatomical limit",
}


def write_report(report: PlausibilityReport, out_dir: str | Path, dataset_summary: Mapping | None = None) -> Path:
    """Write `plausibility.html` and `plausibility.json` into `out_dir` and return the path of the page.

    Args:
        dataset_summary: plain data about the dataset. `residuals_m` (name -> distances in m) fills the section on
            retarget residuals where the report has none; the rest is shown as a table.

    Raises:
        DatasetError: the folder cannot be written.
    """
    summary = dict(dataset_summary or {})
    residuals = report.residuals or residual_statistics(summary.pop("residuals_m", None) or {})
    summary.pop("residuals_m", None)
    data = report.to_dict()
    data["residuals"] = [_fields(r) for r in residuals]
    text = json.dumps({"dataset": summary, "report": data}, indent=1, sort_keys=True, allow_nan=False, default=str)
    page = render_html(report, residuals, summary)
    folder = Path(out_dir)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        _write(folder / JSON, text + "\n")
        _write(folder / HTML, page)
    except OSError as error:
        said = f"Cannot write the report to {folder}: {error.strerror}. Choose a writable folder."
        raise DatasetError(said) from error
    return folder / HTML


def render_html(report: PlausibilityReport, residuals: tuple, summary: Mapping) -> str:
    """The page as text; the same report gives the same bytes."""
    from jinja2 import Environment, PackageLoader, StrictUndefined

    from synthgen import report_plots as plots

    environment = Environment(
        loader=PackageLoader("synthgen"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["mark"] = confidence_mark
    environment.filters["num"] = _number
    environment.filters["plain"] = _plain_text
    figures = {
        "regions": plots.regions(report),
        "levels": plots.levels(report),
        "rhythm": plots.rhythm(report),
        "coupling": plots.coupling(report),
        "rejections": plots.rejections(report) if any(r.rejected for r in report.rejections) else "",
    }
    return environment.get_template("report.html.j2").render(
        report=report,
        numbers={text: i + 1 for i, text in enumerate(report.provenance["citations"])},
        residuals=residuals,
        summary=summary,
        figures=figures,
        marks=[(CONFIDENCE_MARKS[k], k, v) for k, v in _MEANING.items()],
    )


def confidence_mark(confidence: str) -> str:
    """Symbol of a confidence such as `derived/verified_range`; its first word decides."""
    first = confidence.split("/")[0].split()[0] if confidence.split("/")[0].split() else ""
    for name, mark in CONFIDENCE_MARKS.items():
        if first.startswith(name):
            return mark
    return "?"


def _number(value: float | None, digits: int = 1) -> str:
    if value is None:
        return "–"
    text = f"{value:.{digits}f}"
    return "0" if float(text) == 0 and digits == 0 else text.replace("-", "−")


def _plain_text(value: object) -> str:
    """Nested plain data on one line."""
    if isinstance(value, Mapping):
        return ", ".join(f"{k} {_plain_text(v)}" for k, v in value.items())
    if isinstance(value, list | tuple):
        return " × ".join(_plain_text(v) for v in value)
    return str(value)


def _fields(item: object) -> dict[str, object]:
    return {name: getattr(item, name) for name in item.__dataclass_fields__}  # type: ignore[attr-defined]


def _write(path: Path, text: str) -> None:
    temporary = path.with_name(path.name + ".part")
    temporary.write_text(text, encoding="utf-8", newline="\n")
    os.replace(temporary, path)
