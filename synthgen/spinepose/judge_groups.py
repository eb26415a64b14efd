"""What judged people are grouped by: view, activity, clothes, place, light, camera, occlusion. N people, K points."""

import json

import numpy as np
import pyarrow.parquet as pq

from biomech.activities import ACTIVITIES
from synthgen.coco import SCENES, TABLE
from synthgen.keypoints import BODY_IDS
from synthgen.spinepose.sources import Source
from synthgen.spinepose.truth import load_truth, sizes_in_words

JOINTS = BODY_IDS[5:]
"""Of COCO's 17 those from shoulder to ankle."""


def is_open(labels: np.ndarray) -> np.ndarray:
    """(N,) whether nothing of note covers a person: all of COCO's 17 points lie in the picture, and of the twelve
    joints from shoulder to ankle less than a quarter is hidden. Who turns the face away is not covered.

    Args:
        labels: (N, K, 3).
    """
    return (labels[:, list(BODY_IDS), 2] > 0).all(1) & (_hidden(labels) < 0.25)


def _hidden(labels: np.ndarray) -> np.ndarray:
    """(N,) share of the labelled joints from shoulder to ankle that are hidden, be it by the person's own body."""
    joints = labels[:, list(JOINTS), 2]
    return 1 - (joints > 1).sum(1) / np.maximum((joints > 0).sum(1), 1)


def groups(source: Source, rows: np.ndarray) -> dict[str, np.ndarray]:
    """Name -> (N,) group of each of the records `rows`.

    Size and occlusion of anybody; of rendered people all that the trainer's evaluation slices by, and the scene's
    place, light and camera.

    Raises:
        DatasetError: the set's table does not hold the annotated people.
    """
    hidden = _hidden(source.keypoints[rows])
    out = {"size": sizes_in_words(source)[rows]}
    truth = load_truth(source)
    if truth is not None:
        out = {name: values[rows] for name, values in truth.slices.items()}
        of = {name: a.group for name, a in ACTIVITIES.items()}
        out["activity group"] = np.array([of.get(name, "other") for name in out["activity"].tolist()])
        out |= _scenes(source, rows)
    # Not the evaluation's, which counts face and column too: they are hidden from behind and from in front.
    out["occlusion"] = np.select([hidden < 0.25, hidden < 0.5], ["< 25 % hidden", "25-50 % hidden"], "> 50 % hidden")
    return out


def _scenes(source: Source, rows: np.ndarray) -> dict[str, np.ndarray]:
    assert source.root is not None
    columns = pq.read_table(source.root / TABLE, columns=["annotation_id", "spec_line"]).to_pydict()
    line_of = dict(zip(columns["annotation_id"], columns["spec_line"], strict=True))
    lines = [line_of[int(a)] for a in source.annotation_ids[rows]]
    wanted, found = set(lines), {}
    with open(source.root / SCENES, encoding="ascii") as file:
        for number, line in enumerate(file):
            if number in wanted:
                found[number] = _circumstances(json.loads(line)["spec"])
    nothing = _circumstances({})
    return {name: np.array([found.get(line, nothing)[name] for line in lines]) for name in nothing}


def _circumstances(spec: dict) -> dict[str, str]:
    """What of a stored scene people are grouped by; of scenes stored when they held one person and one camera, too."""
    cameras = spec.get("cameras")
    camera = (cameras[spec["view"]] if cameras else spec.get("camera")) or {}
    people = sum(not actor.get("crowd") for actor in spec.get("actors") or [{}])
    return {
        "backdrop": _said(spec.get("backdrop"), "kind"),
        "light": _said(spec.get("light"), "kind"),
        "light map": _said(spec.get("light"), "name"),
        "camera": _said(camera, "mount"),
        "framing": _said(camera, "crop").replace("none", "whole"),
        "company": ("alone", "two people", "three people")[people - 1] if people < 4 else "four or more",
        "objects": "occluders" if spec.get("occluders") else "none",
    }


def _said(data: dict | None, key: str) -> str:
    value = (data or {}).get(key)
    return str(value) if value not in (None, "") else "none"
