"""The plausibility report as a file: one HTML page that prints, with its plots inside, and the same data as JSON."""

from __future__ import annotations

import dataclasses
import json
import os
from collections.abc import Mapping
from pathlib import Path

from biomech.anatomy import SPINE_COORDINATES
from biomech.errors import DatasetError
from biomech.plausibility import PlausibilityReport
from synthgen import __version__
from synthgen.report_findings import Finding, angle_name, findings

HTML, JSON = "plausibility.html", "plausibility.json"
FORMAT = "synthgen-plausibility-1"
"""Of the JSON; synthgen/data/plausibility.schema.json describes it."""

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
    "derived": "computed from other numbers, or a rule of ours",
    "estimate": "a sensible guess, no source",
    "convention": "no anatomical limit",
}

_STATUS = {"ok": ("✓", "as published"), "look": ("!", "worth a look"), "broken": ("✕", "broken"), "none": ("–", "n/a")}


def write_report(
    report: PlausibilityReport,
    html: str | Path,
    json_path: str | Path | None = None,
    summary: Mapping | None = None,
) -> Path:
    """Write the page and its data, and return the path of the page.

    Args:
        html: file of the page; its folder is made.
        json_path: file of the data; default beside the page, with the ending .json.
        summary: plain data about the input, shown as a table.

    Raises:
        DatasetError: a file cannot be written.
    """
    page = Path(html)
    data = page.with_suffix(".json") if json_path is None else Path(json_path)
    if data == page:
        raise DatasetError(f"page and data cannot both be {page}; choose another name for one of them")
    said = findings(report)
    text = json.dumps(document(report, said, summary), indent=1, sort_keys=True, allow_nan=False)
    for path, content in ((data, text + "\n"), (page, render_html(report, said, summary or {}))):
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            _write(path, content)
        except OSError as error:
            raise DatasetError(f"cannot write the report {path}: {error.strerror}; choose a writable folder") from error
    return page


def document(report: PlausibilityReport, said: tuple[Finding, ...], summary: Mapping | None) -> dict[str, object]:
    """What the JSON file holds."""
    return {
        "format": FORMAT,
        "version": __version__,
        "input": json.loads(json.dumps(dict(summary or {}), default=str)),
        "findings": [dataclasses.asdict(finding) for finding in said],
        "report": report.to_dict(),
    }


def render_html(report: PlausibilityReport, said: tuple[Finding, ...], summary: Mapping) -> str:
    """The page as text; the same report gives the same bytes."""
    from jinja2 import Environment, PackageLoader, StrictUndefined

    from biomech.plausibility.published import checks
    from synthgen.report_figures import figures

    environment = Environment(
        loader=PackageLoader("synthgen"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"mark": confidence_mark, "num": _number, "plain": _plain_text, "signed": _signed}
    environment.filters |= {"age_keys": _age_keys, "share_groups": _share_groups, "least": min, "sort_abs": _sort_abs}
    environment.tests["spine"] = SPINE_COORDINATES.__contains__
    environment.filters |= {"level": lambda name: str(name).replace("_", "–"), "words": _words, "angle": angle_name}
    return environment.get_template("report.html.j2").render(
        report=report,
        version=__version__,
        findings=said,
        status=_STATUS,
        numbers={citation.source: i + 1 for i, citation in enumerate(report.provenance.citations)},
        summary=summary,
        figures=figures(report),
        bounds={**checks("phase"), **checks("sampling")},
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
    return (text.removeprefix("-") if float(text) == 0 else text).replace("-", "−")


def _signed(value: float | None, digits: int = 1) -> str:
    return _number(value, digits) if value is None or value <= 0 else "+" + _number(value, digits)


def _words(name: object) -> str:
    return str(name).replace("_", " ")


def _plain_text(value: object) -> str:
    """Nested plain data on one line."""
    if isinstance(value, Mapping):
        return ", ".join(f"{k} {_plain_text(v)}" for k, v in value.items())
    if isinstance(value, list | tuple):
        return " × ".join(_plain_text(v) for v in value)
    return str(value)


def _age_keys(rows: list) -> list[tuple[str, int, int]]:
    return sorted({(row.sex, row.age_from, row.age_to) for row in rows})


def _share_groups(items: list) -> list[tuple[str, str, list]]:
    keys = dict.fromkeys((item.region, item.motion) for item in items)
    return [(*key, [item for item in items if (item.region, item.motion) == key]) for key in keys]


def _sort_abs(items: tuple, name: str) -> list:
    return sorted(items, key=lambda item: -abs(getattr(item, name)))


def _write(path: Path, text: str) -> None:
    temporary = path.with_name(path.name + ".part")
    temporary.write_text(text, encoding="utf-8", newline="\n")
    os.replace(temporary, path)
