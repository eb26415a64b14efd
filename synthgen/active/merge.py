"""Corrections gathered as COCO files to train on and to measure on, with where each point comes from.

Whoever is corrected so far goes in; the rest can follow in a later merge. Held-out pictures have a file of their own.
"""

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from sqlalchemy import select

from synthgen.active import edits, schema
from synthgen.active.errors import ProjectError
from synthgen.active.records import DONE, HUMAN, ImageRow, Revision
from synthgen.active.sources import HELD, TRAIN
from synthgen.active.store import Project
from synthgen.keypoints import coco_category
from synthgen.shards import write_atomic
from synthgen.spinepose.sources import AREA_OF_BOX

FOLDER = "merged"
_LEAST = 6  # labelled points that make a box
_MARGIN = 0.08  # of the longer side, round the labelled points
_SAME = 1e-6  # px


@dataclass(frozen=True, slots=True)
class Merged:
    """What was written: file of each split, folder of the pictures, people and pictures of each split."""

    files: dict[str, Path]
    images: Path
    people: dict[str, int]
    pictures: dict[str, int]


@dataclass(frozen=True, slots=True, eq=False)
class Labelled:
    """One corrected person with picture, points (37, 4), box (4,) and the origin of each point."""

    person_id: int
    image: ImageRow
    points: np.ndarray
    box: np.ndarray
    status: str
    comment: str
    origins: tuple[tuple[str, str, int], ...]


def labelled(project: Project, statuses: tuple[str, ...] = DONE) -> list[Labelled]:
    """Everybody with one of these statuses, in order of pictures."""
    people = schema.people.c
    with project.reading() as connection:
        rows = connection.execute(
            select(people.id, people.image_id).where(people.status.in_(statuses)).order_by(people.image_id, people.id)
        ).all()
        histories = {row.id: edits.history(connection, row.id) for row in rows}
        views = {row.id: edits.view(connection, row.id) for row in rows}
    pictures = {image.id: image for image in project.images()}
    found = []
    for row in rows:
        view = views[row.id]
        if view.corrected is None:
            continue
        image = pictures[row.image_id]
        box = tight_box(view.corrected, view.bbox, image)
        origins = provenance(histories[row.id])
        found.append(Labelled(row.id, image, view.corrected, box, view.status, view.comment, origins))
    return found


def provenance(history: list[Revision]) -> tuple[tuple[str, str, int], ...]:
    """Of each point: kind, author and revision that first put it where the last human revision has it.

    Kinds: corrected, propagated, imported; accepted and accepted_teacher where a person left the model's or the
    teacher's place; none where unlabelled.
    """
    last = [r for r in history if r.kind in HUMAN][-1]
    kinds = {"model": "accepted", "teacher": "accepted_teacher"}
    origins = []
    for k, row in enumerate(last.points):
        if row[2] == 0:
            origins.append(("none", "", 0))
            continue
        first = next(r for r in history if np.abs(r.points[k, :2] - row[:2]).max() <= _SAME)
        origins.append((kinds.get(first.kind, first.kind), first.author, first.id))
    return tuple(origins)


def tight_box(points: np.ndarray, box: np.ndarray, image: ImageRow) -> np.ndarray:
    """(4,) about the labelled points with a margin, inside of the picture; the given box where too few are."""
    known = points[points[:, 2] > 0, :2]
    if len(known) < _LEAST:
        return box
    low, high = known.min(0), known.max(0)
    margin = _MARGIN * float((high - low).max())
    low = np.maximum(low - margin, 0)
    high = np.minimum(high + margin, (image.width, image.height))
    return np.concatenate([low, high - low]) if (high - low > 1).all() else box


def merge(project: Project, out: Path | None = None, reviewed_only: bool = False) -> Merged:
    """Write person_keypoints_train.json and person_keypoints_held.json.

    Args:
        out: folder; `merged` in the project when None. reviewed_only: leave out who was not reviewed.

    Raises:
        ProjectError: nobody has been corrected.
    """
    everybody = labelled(project, ("reviewed",) if reviewed_only else DONE)
    if not everybody:
        what = "reviewed" if reviewed_only else "corrected"
        raise ProjectError(f"nobody has been {what} yet; run 'synthgen annotate serve' and correct somebody")
    out = out or project.folder / FOLDER
    root = common_root([p.image.path for p in everybody])
    files, people, pictures = {}, {}, {}
    for split in (TRAIN, HELD):
        part = [p for p in everybody if p.image.split == split]
        files[split] = out / f"person_keypoints_{split}.json"
        data = coco(part, root)
        people[split], pictures[split] = len(data["annotations"]), len(data["images"])
        text = json.dumps(data, separators=(",", ":"), allow_nan=False) + "\n"
        write_atomic(files[split], text.encode())
    return Merged(files, root, people, pictures)


def common_root(paths: list[Path]) -> Path:
    """The deepest folder that holds them all."""
    parents = [path.absolute().parent for path in paths]
    shared = parents[0]
    while not all(p.is_relative_to(shared) for p in parents):
        shared = shared.parent
    return shared


def coco(people: list[Labelled], root: Path) -> dict:
    """As COCO writes it; images by their place below the root, people by their number in the project."""
    images: dict[int, dict] = {}
    annotations = []
    for person in people:
        image = person.image
        name = image.path.absolute().relative_to(root).as_posix()
        entry = {"id": image.id, "file_name": name, "width": image.width, "height": image.height, "split": image.split}
        images[image.id] = entry | ({"video": image.video, "frame": image.frame} if image.video else {})
        points = np.where(person.points[:, 2:3] > 0, person.points[:, :3], 0.0)
        kinds, authors, revisions = (list(column) for column in zip(*person.origins, strict=True))
        annotations.append(
            {
                "id": person.person_id,
                "image_id": image.id,
                "category_id": 1,
                "iscrowd": 0,
                "bbox": [round(float(v), 3) for v in person.box],
                "area": round(float(AREA_OF_BOX * np.prod(person.box[2:])), 2),
                "keypoints": [round(float(v), 4) if i % 3 < 2 else int(v) for i, v in enumerate(points.reshape(-1))],
                "num_keypoints": int((points[:, 2] > 0).sum()),
                "status": person.status,
                "provenance": {"kinds": kinds, "authors": authors, "revisions": revisions},
                **({"comment": person.comment} if person.comment else {}),
            }
        )
    info = {"description": "People in photographs, labelled by correcting a model's proposals"}
    return {"info": info, "images": list(images.values()), "annotations": annotations, "categories": [coco_category()]}
