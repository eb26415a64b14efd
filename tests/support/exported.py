"""What the tests of exports share: the labels of a dataset as arrays, and every byte of an export."""

import json
from pathlib import Path

import numpy as np

SUB_PIXEL = 1e-3  # px; labels are written to a thousandth


def truth(root: Path, split: str) -> tuple[list[str], np.ndarray]:
    """File names in index order and (N, 37, 3) keypoints in the order of the annotations."""
    coco = json.loads((root / f"annotations/person_keypoints_{split}.json").read_text())
    points = np.array([a["keypoints"] for a in coco["annotations"]]).reshape(-1, 37, 3)
    return [image["file_name"] for image in coco["images"]], points


def tree(place: Path) -> dict[str, bytes]:
    """Relative path -> content, of a folder or a file."""
    if place.is_file():
        return {"": place.read_bytes()}
    return {p.relative_to(place).as_posix(): p.read_bytes() for p in sorted(place.rglob("*")) if p.is_file()}


def flat(people: list[dict]) -> np.ndarray:
    """(N, 37, 3) keypoints of COCO annotations."""
    return np.array([person["keypoints"] for person in people], float).reshape(-1, 37, 3)
