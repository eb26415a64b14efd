"""What judged people are grouped by: view, activity, clothes, place, light, camera, occlusion. N people, K points."""

import json
from collections.abc import Sequence

import numpy as np
import pyarrow.parquet as pq

from biomech.activities import ACTIVITIES
from synthgen.coco import SCENES, TABLE
from synthgen.keypoints import BODY_IDS
from synthgen.spinepose.sources import Source
from synthgen.spinepose.truth import load_truth, sizes_in_words


def is_open(labels: np.ndarray) -> np.ndarray:
    """(N,) all of COCO's 17 points lie in the picture and less than a quarter of them is hidden. labels: (N, K, 3)."""
    return (labels[:, list(BODY_IDS), 2] > 0).all(1) & (_hidden(labels) < 0.25)


def _hidden(labels: np.ndarray) -> np.ndarray:
    """(N,) share of the labelled points among COCO's 17 that are hidden, be it by the person's own body."""
    body = labels[:, list(BODY_IDS), 2]
    return 1 - (body > 1).sum(1) / np.maximum((body > 0).sum(1), 1)


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
    # Not the evaluation's, which counts the column too: from in front that is always hidden.
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
                found[number] = json.loads(line)["spec"]
    specs = [found.get(line, {}) for line in lines]
    fields = (
        ("backdrop", ("backdrop", "kind")), ("light", ("light", "kind")), ("light map", ("light", "name")),
        ("camera", ("camera", "mount")), ("framing", ("camera", "crop")),
    )  # fmt: skip
    out = {name: np.array([_at(spec, keys) for spec in specs]) for name, keys in fields}
    return out | {"framing": np.where(out["framing"] == "none", "whole", out["framing"])}


def _at(spec: dict, keys: Sequence[str]) -> str:
    value: object = spec
    for key in keys:
        value = value.get(key) if isinstance(value, dict) else None
    return str(value) if value not in (None, "") else "none"
