"""After a dataset is made: judge its joint angles and write the report beside it."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

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
    names, counts = _count(table["activity"])
    residuals: dict[str, list[float]] = {}
    for row in table["residuals"]:
        for name, value in row.items():
            residuals.setdefault(name, []).append(value)
    visibility = table["keypoints"][..., 2].astype(int)
    rejected = [(scene["spec"].get("pose") or {}).get("rejections", 0) for scene in dataset.scenes()]
    return {
        "folder": dataset.root.name,
        "digest": dataset.info["digest"],
        "config_digest": dataset.info["config_digest"],
        "versions": dataset.info["versions"],
        "assets": dataset.config.assets,
        "seed": dataset.config.seed,
        "size_px": [dataset.config.width, dataset.config.height],
        "splits": dataset.info["counts"],
        "activities": dict(zip(names, counts, strict=True)),
        "residuals_m": dict(sorted(residuals.items())),
        "visibility": {str(v): int((visibility == v).sum()) for v in (0, 1, 2)},
        "rejected_poses": int(sum(rejected)),
    }


def _count(values: np.ndarray) -> tuple[list[str], list[int]]:
    names, counts = np.unique(values.astype(str), return_counts=True)
    return names.tolist(), counts.tolist()


def review(root: str | Path) -> Verdict:
    """Judge a finished dataset's joint angles and write DATASET/report/.

    Raises:
        DatasetError: the folder holds no finished dataset.
    """
    from biomech.plausibility import assess

    import importlib.util

    if not (importlib.util.find_spec("biomech.plausibility") and importlib.util.find_spec("synthgen.report")):
        return Verdict(0, 0.0, "", Path("no report yet"))
    from biomech.limits import load_limits
    from synthgen.report import write_report

    dataset = read_dataset(root)
    found = assess(pose_batch(dataset), load_limits())
    path = write_report(found, dataset.root / REPORT, summary_of(dataset))
    raise NotImplementedError(path)
