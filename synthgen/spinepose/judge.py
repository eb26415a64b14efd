"""An outside judge of rendered people: a body expert that learnt from photographs is asked where their joints are.

BlazePose heavy looks at each person in a square crop of its own, as on a photograph, and its answer is held against our
labels. Where it does as well as on photographs, the pictures look like people to it and the labels mean what its
annotators meant. Where not, either the picture, the pose or a label's place on the body is unusual: the table of
keypoints, the kinds of miss and the worst pictures say which. N people, K = 37 keypoints.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np

from biomech.errors import DatasetError
from synthgen.coco import SCENES, TABLE
from synthgen.keypoints import BODY_IDS, spinetrack
from synthgen.spinepose import metrics
from synthgen.spinepose.evaluate import MIN_SLICE, pick
from synthgen.spinepose.judge_groups import groups, is_open
from synthgen.spinepose.judge_misses import KINDS, POOR, misses
from synthgen.spinepose.judge_upright import LEAST_LEAN, ask_upright, lean
from synthgen.spinepose.offsets import per_keypoint
from synthgen.spinepose.sources import Source, SourceConfig, load_source, read_image
from synthgen.spinepose.teacher import BLAZEPOSE_POINTS

REFERENCE = "person_keypoints_coco17.json"  # labels of the photographs to compare with, COCO's format
SHARED = tuple(i for i, name in enumerate(spinetrack().names) if name in BLAZEPOSE_POINTS)
LEAST_POINTS, LEAST_SIZE = 5, 60.0  # labelled points of COCO's 17, and longer side of the box in px, of who is judged
TARGET = 0.80  # mean OKS wanted on unoccluded people
FLOOR, FLOOR_PEOPLE = 0.65, 200  # a slice of so many people below it must be explained
WORTH = 20  # people of a slice below the floor that is named at all
QUANTILES = (5, 25, 50, 75, 95)


class Expert(Protocol):
    """Who is asked; see pseudo_labels.Labeller."""

    name: str
    digest: str

    def __call__(self, image: np.ndarray, box: np.ndarray): ...


@dataclass(frozen=True, slots=True, eq=False)
class Judgement:
    """What the expert says of the people of one source.

    Attributes:
        source: whose. rows: (N,) judged records. left_out: people too small or with too few labels.
        points: (N, K, 2) px, NaN where the expert does not know the point. presence: (N, K) probability.
        person: (N,) probability of a person. apart: (N,) median distance between the two answers over person size.
        oks: of COCO's 17 points; oks_seen: of those of them that are labelled as seen; oks_upright: of the 17, where
            people who lie or hang are shown turned, see judge_upright; oks_feet: heels and big toes; oks_shared: all
            21 shared points. (N,) each, NaN where nobody labelled any.
        open: (N,) bool, unoccluded people, see judge_groups.is_open.
        miss: (N,) one of KINDS where oks is below POOR, else "".
        slices: name -> (N,) labels to group by.
    """

    source: Source
    rows: np.ndarray
    left_out: int
    points: np.ndarray
    presence: np.ndarray
    person: np.ndarray
    apart: np.ndarray
    oks: np.ndarray
    oks_seen: np.ndarray
    oks_upright: np.ndarray
    oks_feet: np.ndarray
    oks_shared: np.ndarray
    open: np.ndarray
    miss: np.ndarray
    slices: dict[str, np.ndarray]


def rendered_source(root: Path, split: str) -> Source:
    """The people of a split of a rendered set. DatasetError says what is wrong with the folder otherwise."""
    if not root.is_dir():
        raise DatasetError(f"there is no folder {root}; give the folder that 'synthgen render' wrote")
    if not (root / TABLE).is_file() or not (root / SCENES).is_file():
        raise DatasetError(f"{root} is no finished dataset (no {TABLE} or no {SCENES}); render it to the end first")
    stem = "person_keypoints_"
    splits = sorted(p.stem.removeprefix(stem) for p in (root / "annotations").glob(f"{stem}*.json"))
    if split not in splits:
        raise DatasetError(f"there is no split '{split}' in {root}; it has {', '.join(splits) or 'none'}")
    return load_source(root.resolve().name, SourceConfig(str(root), split=split))


def reference_source(folder: Path) -> Source:
    """Labelled photographs. DatasetError where the folder holds none."""
    path = folder / REFERENCE
    if not path.is_file():
        raise DatasetError(
            f"there are no labelled photographs in {folder}; it must hold {REFERENCE} and the pictures it names"
        )
    return load_source("photographs", SourceConfig(str(path), str(folder), map="coco17", kind="real"))


def judge(
    source: Source, expert: Expert, limit: int = 0, progress: Callable[[int, int], None] | None = None
) -> Judgement:
    """Ask the expert about the people of a source.

    Args:
        limit: people, evenly spread over the source; 0 for all. progress: called with people done and in all.

    Raises:
        DatasetError: nobody is large enough or labelled enough, or a picture does not decode.
    """
    body = (source.keypoints[:, list(BODY_IDS), 2] > 0).sum(1)
    fit = (body >= LEAST_POINTS) & (metrics.person_sizes(source.boxes) >= LEAST_SIZE)
    rows = np.array([i for i in pick(source, limit) if fit[i]], int)
    if not len(rows):
        raise DatasetError(
            f"'{source.name}' has nobody to judge: of its {len(source)} people none has {LEAST_POINTS} labelled points "
            f"of COCO's 17 and a box of {LEAST_SIZE:g} px"
        )
    said, upright, held = [], [], ("", np.zeros(0))
    for done, i in enumerate(rows):
        if held[0] != source.images[i]:
            held = source.images[i], np.ascontiguousarray(read_image(source.images[i])[..., ::-1])
        said.append(expert(held[1], source.boxes[i]))
        leans = abs(lean(source.keypoints[i])) > LEAST_LEAN
        upright.append(ask_upright(expert, held[1], source.keypoints[i]) if leans else said[-1].points)
        if progress:
            progress(done + 1, len(rows))
    points = np.stack([o.points for o in said])
    person = np.array([o.person for o in said])
    apart = np.array([float(np.nanmedian(o.apart[list(SHARED)])) for o in said])
    labels, areas = source.keypoints[rows], source.areas[rows]
    shared = labels.copy()
    shared[:, [k for k in range(labels.shape[1]) if k not in SHARED], 2] = 0
    seen = labels.copy()
    seen[seen[..., 2] < 2] = 0
    oks = metrics.oks(points, labels, areas, "body")
    return Judgement(
        source=source,
        rows=rows,
        left_out=min(limit or len(source), len(source)) - len(rows),
        points=points,
        presence=np.stack([o.presence for o in said]),
        person=person,
        apart=apart,
        oks=oks,
        oks_seen=metrics.oks(points, seen, areas, "body"),
        oks_upright=metrics.oks(np.stack(upright), labels, areas, "body"),
        oks_feet=metrics.oks(points, shared, areas, "feet"),
        oks_shared=metrics.oks(points, shared, areas, "all"),
        open=is_open(labels),
        miss=misses(source, rows, points, oks, person, apart),
        slices=groups(source, rows),
    )


def figures(found: Judgement) -> dict:
    """Plain data: OKS of everybody and of unoccluded people, presence, kinds of miss, slices, keypoints.

    "labels" are the shares of COCO's 17 points that are labelled as seen, as hidden, and not at all.
    """
    flags = found.source.keypoints[found.rows][:, list(BODY_IDS), 2]
    labels = found.source.keypoints[found.rows][:, list(SHARED)]
    boxes, areas = found.source.boxes[found.rows], found.source.areas[found.rows]
    scores = {
        name: metrics.mean(getattr(found, name))
        for name in ("oks", "oks_seen", "oks_upright", "oks_feet", "oks_shared")
    }
    counts, _ = np.histogram(found.person, bins=10, range=(0, 1))
    return {
        "source": found.source.name,
        "digest": found.source.digest,
        "people": len(found.rows),
        "left_out": found.left_out,
        **scores,
        "open_people": int(found.open.sum()),
        "oks_open": metrics.mean(found.oks[found.open]),
        "oks_seen_open": metrics.mean(found.oks_seen[found.open]),
        "over_half": float((found.oks > POOR).mean()),
        "labels": {name: float((flags == v).mean()) for name, v in (("seen", 2), ("hidden", 1), ("none", 0))},
        "person": {
            "mean": float(found.person.mean()),
            "under_half": float((found.person < 0.5).mean()),
            "quantiles": {str(q): float(np.percentile(found.person, q)) for q in QUANTILES},
            "histogram": counts.tolist(),
        },
        "misses": {kind: int((found.miss == kind).sum()) for kind in KINDS},
        "slices": {name: _table(found, labels) for name, labels in found.slices.items()},
        "keypoints": per_keypoint(
            found.points[:, list(SHARED)], labels, boxes, areas, SHARED, counted=labels[..., 2] > 1
        ),
    }


def concerns(data: dict, people: int = WORTH) -> list[str]:
    """What of `figures` misses the marks, in words; slices of at least so many people."""
    out = []
    if data["open_people"] and data["oks_open"] < TARGET:
        out.append(
            f"OKS of unoccluded people is {data['oks_open']:.3f}, wanted {TARGET:.2f} ({data['open_people']} people)"
        )
    for name, rows in data["slices"].items():
        for row in rows:
            if row["people"] >= people and row["oks"] < FLOOR:
                few = "" if row["people"] >= FLOOR_PEOPLE else ", too few to count"
                out.append(
                    f"{name} '{row['group']}': OKS {row['oks']:.3f}, shown upright {row['oks_upright']:.3f} "
                    f"({row['people']} people{few})"
                )
    return out


def flagged(data: dict) -> list[tuple[str, dict]]:
    """Name and row of the slices of `figures` that are large enough to count and below the floor."""
    return [
        (name, row)
        for name, rows in data["slices"].items()
        for row in rows
        if row["people"] >= FLOOR_PEOPLE and row["oks"] < FLOOR
    ]


def _table(found: Judgement, labels: np.ndarray) -> list[dict]:
    rows = []
    for group in sorted(set(labels.tolist())):
        of = labels == group
        if of.sum() < MIN_SLICE:
            continue
        row = {"group": group, "people": int(of.sum()), "oks": metrics.mean(found.oks[of])}
        row |= {name: metrics.mean(getattr(found, name)[of]) for name in ("oks_seen", "oks_upright")}
        row |= {"oks_open": metrics.mean(found.oks[of & found.open])}
        row |= {"person": float(found.person[of].mean()), "poor": float((found.oks[of] < POOR).mean())}
        rows.append(row)
    return rows
