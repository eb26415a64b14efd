"""After a dataset is made: judge its joint angles and write the report beside it."""

from dataclasses import dataclass
from pathlib import Path

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
