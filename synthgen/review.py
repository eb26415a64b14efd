"""After a dataset is made: judge its joint angles and write the report beside it."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from synthgen.coco import file_digest
from synthgen.dataset import Dataset, read_dataset

REPORT = "report"


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the plausibility check found.

    Attributes:
        hard_violations: joint angles beyond a hard limit, over all poses.
        typical_share: share of joint angles beyond their typical range.
        first: "coordinate value limit" of the first hard violation, or "".
        report: the HTML file.
    """

    hard_violations: int
    typical_share: float
    first: str
    report: Path


def pose_batch(dataset: Dataset):
    """The dataset's poses as a biomech PoseBatch; each record of provenance names picture, subject and spec."""
    from biomech.activities.pose import PoseBatch

    table = dataset.table()
    specs = [scene["spec"] for scene in dataset.scenes()]
    provenance = tuple(
        {**(specs[line].get("pose") or {}), "image_id": image, "subject": subject, "phase": phase}
        for line, image, subject, phase in zip(
            table["spec_line"].tolist(),
            table["image_id"].tolist(),
            table["subject"].tolist(),
            table["phase"].tolist(),
            strict=True,
        )
    )
    names = tuple(table["coordinates"].tolist())
    return PoseBatch(table["q"], names, tuple(table["activity"].tolist()), provenance)


def summary_of(dataset: Dataset) -> dict:
    """What a reader of the report wants to know about the dataset itself, as plain data."""
    table = dataset.table()
    activities, counts = np.unique(table["activity"].astype(str), return_counts=True)
    visibility = table["keypoints"][..., 2].astype(int)
    return {
        "folder": dataset.root.name,
        "digest": dataset.info["digest"],
        "config": dataset.info["config_digest"],
        "versions": dataset.info["versions"],
        "assets": dataset.config.assets,
        "seed": dataset.config.seed,
        "size, px": f"{dataset.config.width} x {dataset.config.height}",
        "splits": dataset.info["counts"],
        "activities": dict(zip(activities.tolist(), counts.tolist(), strict=True)),
        "keypoints": {w: int((visibility == v).sum()) for v, w in ((2, "seen"), (1, "hidden"), (0, "outside"))},
    }


def review(root: str | Path) -> Verdict:
    """Judge a finished dataset's joint angles and write DATASET/report/.

    Raises:
        DatasetError: the folder holds no finished dataset, or the report cannot be written.
    """
    from biomech.plausibility import assess
    from synthgen.report import write_report

    dataset = read_dataset(root)
    residuals: dict[str, list[float]] = {}
    for row in dataset.table()["residuals"]:
        for name, value in row.items():
            residuals.setdefault(name, []).append(value)
    models = [file_digest(path) for path in sorted((dataset.root / "subjects").glob("*.osim"))]
    found = assess(pose_batch(dataset), residuals=residuals, model_digest=models)
    path = write_report(found, dataset.root / REPORT, summary_of(dataset))
    worst = next(iter((*found.hard, *found.regional_hard)), None)
    first = f"{worst.coordinate} {worst.worst:.4g} {worst.unit}, limit {worst.limit:.4g}" if worst else ""
    return Verdict(found.hard_violations, found.typical_share, first, path)
