"""Judge poses and write the plausibility report: of a dataset after it is made, or of any input on request."""

import dataclasses
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from biomech.errors import DatasetError
from synthgen.coco import TABLE
from synthgen.dataset import read_dataset
from synthgen.folder import DATASET, recorded_identity
from synthgen.plausibility_dataset import Material, dataset_material
from synthgen.plausibility_motion import motion_material

if TYPE_CHECKING:
    from biomech.plausibility.violations import Violation
    from synthgen.report_findings import Finding

REPORT = "report"


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the plausibility check found.

    Attributes:
        hard_violations: joint angles beyond a hard limit, over all poses.
        typical_share: share of joint angles beyond their typical range.
        first: "coordinate value limit" of the first hard violation, or "".
        report: the HTML file, or its URL.
        findings: one sentence per group of the report.
        unread: one sentence per file that could not be read.
    """

    hard_violations: int
    typical_share: float
    first: str
    report: Path | str
    findings: "tuple[Finding, ...]" = ()
    unread: tuple[str, ...] = ()


def review(root: str | Path) -> Verdict:
    """Judge a finished dataset's joint angles and write DATASET/report/.

    Raises:
        DatasetError: the folder holds no finished dataset, or the report cannot be written.
    """
    from synthgen.plausibility_large import broken_limits, is_large, spread_material

    dataset = read_dataset(root)
    page = dataset.root / REPORT / "plausibility.html"
    if not is_large(dataset):
        return judge(dataset_material(dataset), page)
    verdict = judge(spread_material(dataset), page)
    count, violations = broken_limits(dataset)
    return dataclasses.replace(verdict, hard_violations=count, first=_said(next(iter(violations), None)))


def read_material(given: str | Path, profile: str = "") -> Material:
    """What there is to judge in a dataset folder, a motion file or a folder of motion files.

    Raises:
        SynthgenError: nothing there that can be judged.
    """
    path = Path(given)
    if not path.is_dir():
        return motion_material([path], profile)
    if (path / DATASET).is_file():
        return dataset_material(read_dataset(path), profile)
    if recorded_identity(path) or (path / TABLE).is_file():
        read_dataset(path)  # a dataset, but not finished: says so
    from biomech.motion_import import SUFFIXES

    files = sorted(p for p in path.iterdir() if p.suffix.lower() in SUFFIXES and p.is_file() and p.name[0] != ".")
    if not files:
        raise DatasetError(f"{path} holds neither a finished dataset nor motion files ({', '.join(SUFFIXES)})")
    return motion_material(files, profile, title=path.name)


def judge(material: Material, html: Path, json_path: Path | None = None) -> Verdict:
    """Assess the material and write the page and its data.

    Args:
        json_path: default beside the page, with the ending .json.
    """
    from biomech.plausibility import assess
    from synthgen.report import write_report
    from synthgen.report_findings import findings

    found = assess(material.poses, material.limits, material.evidence)
    path = write_report(found, html, json_path, material.summary)
    worst = next(iter((*found.hard, *found.regional_hard)), None)
    return Verdict(found.hard_violations, found.typical_share, _said(worst), path, findings(found), material.unread)


def _said(worst: "Violation | None") -> str:
    return f"{worst.coordinate} {worst.worst:.4g} {worst.unit}, limit {worst.limit:.4g}" if worst else ""
