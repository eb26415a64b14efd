"""The model proposes: people, 37 keypoints with confidence, a teacher's opinion, and how doubtful each person is.

Goes picture by picture; each is stored whole, so a run that was stopped goes on where it was.
"""

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from sqlalchemy import Connection, delete, insert, select, update

from synthgen.active import edits, schema
from synthgen.active.doubt import Look, looks, teacher_apart
from synthgen.active.errors import ProjectError
from synthgen.active.images import read_image
from synthgen.active.prior import SpinePrior, load_prior
from synthgen.active.records import DONE, ImageRow
from synthgen.active.store import Project
from synthgen.active.tracks import link_videos
from synthgen.spinepose.detect import Detector
from synthgen.spinepose.estimator import Estimator, Pose
from synthgen.spinepose.predict import PERSON, predict_image

_SURE = 0.5  # score above which a point is proposed as seen (2)
PRIOR_FILE = "prior.json"
_AT_ONCE = 16  # people per run of the network
# Two boxes are of one person when this share of the points that both are sure of lie this near, over the larger box.
_TWIN_SHARE, _TWIN_NEAR, _TWIN_FEWEST = 0.4, 0.05, 8
# A box is of somebody's legs or arm when so much of it lies in his, it is smaller than this, and either it is less sure
# or so many of its points are his.
_PART_INSIDE, _PART_AREA, _PART_SCORE, _PART_SHARE = 0.8, 0.5, 0.85, 0.25


@dataclass(frozen=True, slots=True)
class Proposed:
    """What a run did: pictures looked at, people in them, pictures passed over as done, pictures that do not decode."""

    images: int
    people: int
    kept: int
    failed: tuple[str, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Proposal:
    """One person: box (4,), model and teacher points (37, 4) or None, figures for the selection, embedding."""

    person_id: int | None
    box: np.ndarray
    model: np.ndarray
    teacher: np.ndarray | None
    figures: dict
    embedding: np.ndarray


class Proposer:
    """Models that look at pictures.

    Args:
        weights: .pt or .onnx; the shipped checkpoint when None.
        teacher: heavy, full or lite BlazePose, or none.
        person: least score of a person the detector found.
        prior: of spines.

    Raises:
        CheckpointError, AssetError: a model is missing.
    """

    def __init__(
        self, weights: Path | None = None, teacher: str = "heavy", person: float = PERSON,
        prior: SpinePrior | None = None, threads: int | None = None,
    ) -> None:  # fmt: skip
        self.estimator = Estimator(weights, threads=threads)
        self.person, self.prior = person, prior or load_prior()
        self._detector: Detector | None = None
        self._labeller = None
        if teacher != "none":
            from synthgen.spinepose.pseudo_labels import Labeller

            self._labeller = Labeller(teacher)
        self.teacher = self._labeller.name if self._labeller else "none"
        weights_digest = hashlib.sha256(self.estimator.path.read_bytes()).hexdigest()
        self.name = f"{self.estimator.path.parent.name}/{self.estimator.path.name} {weights_digest[:8]}"
        self.digest = hashlib.sha256(f"{weights_digest} {self.teacher}".encode()).hexdigest()[:16]

    def find(self, image: np.ndarray) -> np.ndarray:
        """(N, 4) boxes of people, tight by two looks of the model."""
        if self._detector is None:
            self._detector = Detector()
        poses = once(predict_image(image, self.estimator, self._detector, person=self.person))
        return np.array([pose.box for pose in poses], float).reshape(-1, 4)

    def propose(self, image: np.ndarray, boxes: np.ndarray, ids: Sequence[int | None]) -> list[Proposal]:
        """One proposal per box."""
        found = []
        for start in range(0, len(boxes), _AT_ONCE):
            part = boxes[start : start + _AT_ONCE]
            answers = looks([image] * len(part), part, self.estimator)
            for look, box, number in zip(answers, part, ids[start : start + _AT_ONCE], strict=True):
                found.append(self._proposal(image, look, box, number))
        for proposal, only in zip(found, parts([_pose(p) for p in found]), strict=True):
            if only:
                proposal.figures["there"] = 0.0
        return found

    def _proposal(self, image: np.ndarray, look: Look, box: np.ndarray, number: int | None) -> Proposal:
        height, width = image.shape[:2]
        inside = ((look.points >= 0) & (look.points <= (width - 1, height - 1))).all(1)
        model = np.column_stack([look.points, np.where(inside, np.where(look.scores >= _SURE, 2, 1), 0), look.scores])
        teacher, apart = None, np.zeros(len(model))
        there = float(np.sort(look.scores)[len(look.scores) // 2 :].mean() >= _SURE)
        if self._labeller is not None:
            opinion = self._labeller(image, box)
            known = np.isfinite(opinion.points).all(1) & (opinion.presence >= _SURE)
            seen = np.where(known, np.where(opinion.visibility >= _SURE, 2, 1), 0)
            teacher = np.column_stack([np.nan_to_num(opinion.points), seen, np.clip(opinion.visibility, 0, 1)])
            apart, there = teacher_apart(look.points, teacher, float(max(box[2:]))), opinion.person
        unlikely, said = self.prior.unlikely(np.column_stack([look.points, np.full(len(model), 2)]))
        figures = {name: np.round(getattr(look, name), 5).tolist() for name in ("spread", "flip", "scale", "scores")}
        figures |= {"teacher": np.round(apart, 5).tolist(), "unlikely": round(unlikely, 5), "said": list(said)}
        figures["there"] = round(there, 4)
        return Proposal(number, box, model, teacher, figures, look.embedding)


def once(poses: list[Pose]) -> list[Pose]:
    """Each person once: a box of somebody's upper body or legs gives way to the box in which more points are sure."""
    kept: list[int] = []
    for i in sorted(range(len(poses)), key=lambda i: (-float(poses[i].scores.sum()), i)):
        if not any(_twins(poses[i], poses[j]) for j in kept):
            kept.append(i)
    return [poses[i] for i in sorted(kept)]


def parts(poses: list[Pose]) -> list[bool]:
    """Whether a box is hardly more than a part of somebody with a larger one. Nobody is dropped for it."""
    return [any(_is_part(one, two) for two in poses) for one in poses]


def _is_part(one: Pose, two: Pose) -> bool:
    low, high = np.maximum(one.box[:2], two.box[:2]), np.minimum(*(p.box[:2] + p.box[2:] for p in (one, two)))
    area = max(float(one.box[2:].prod()), 1e-9)
    inside = float(np.clip(high - low, 0, None).prod()) >= _PART_INSIDE * area
    small = area < _PART_AREA * float(two.box[2:].prod())
    return inside and small and (one.score < _PART_SCORE * two.score or _twins(one, two, _PART_SHARE))


def _pose(proposal: Proposal) -> Pose:
    return Pose(proposal.model[:, :2], proposal.model[:, 3], proposal.box)


def _twins(one: Pose, two: Pose, share: float = _TWIN_SHARE) -> bool:
    sure = (one.scores >= _SURE) & (two.scores >= _SURE)
    if sure.sum() < _TWIN_FEWEST:
        return False
    reach = _TWIN_NEAR * max(one.box[2:].max(), two.box[2:].max())
    return float((np.linalg.norm(one.points - two.points, axis=1)[sure] < reach).mean()) >= share


def propose(
    project: Project,
    proposer: Proposer,
    *,
    limit: int | None = None,
    progress: Callable[[int], object] = lambda _: None,
) -> Proposed:
    """Propose for every picture that this model has not looked at yet.

    People who are known keep their number and box; pictures on which everybody is corrected are passed over.

    Args:
        limit: pictures in this run. progress: called with 1 after each picture.
    """
    todo, kept = pending(project, proposer.digest)
    failed, people = [], 0
    roots = project.roots()
    for row in project.images(todo[:limit]):
        try:
            image = read_image(row.path, roots)
            if image.shape[:2] != (row.height, row.width):
                raise ProjectError(
                    f"{row.path} is {image.shape[1]} x {image.shape[0]} px and was {row.width} x {row.height}; "
                    "labels would not fit: put the old picture back"
                )
        except ProjectError as error:
            failed.append(str(error))
            progress(1)
            continue
        people += _one(project, proposer, row, image)
        progress(1)
    with project.writing() as connection:
        link_videos(connection)
    return Proposed(len(todo[:limit]) - len(failed), people, kept, tuple(failed))


def pending(project: Project, digest: str) -> tuple[list[int], int]:
    """Ids of the pictures to look at, and how many are done already."""
    images, people = schema.images.c, schema.people.c
    with project.reading() as connection:
        rows = connection.execute(select(images.id, images.seen_by).order_by(images.id)).all()
        busy = set(connection.scalars(select(people.image_id).where(people.status.not_in((*DONE, "removed")))))
    todo = [r.id for r in rows if r.seen_by != digest and (r.seen_by is None or r.id in busy)]
    return todo, len(rows) - len(todo)


def _one(project: Project, proposer: Proposer, row: ImageRow, image: np.ndarray) -> int:
    table = schema.people
    with project.reading() as connection:
        known = connection.execute(select(table).where(table.c.image_id == row.id).order_by(table.c.id)).all()
        first = connection.scalar(select(schema.images.c.seen_by).where(schema.images.c.id == row.id)) is None
    if known or not first:
        here = [p for p in known if p.status != "removed"]
        boxes = np.array([[p.x, p.y, p.w, p.h] for p in here], float).reshape(-1, 4)
        found = proposer.propose(image, boxes, [p.id for p in here])
    else:
        boxes = proposer.find(image)
        found = proposer.propose(image, boxes, [None] * len(boxes))
    now = project.clock()
    with project.writing() as connection:
        if not known and connection.scalar(select(table.c.id).where(table.c.image_id == row.id).limit(1)) is not None:
            return 0  # another process was here in between
        for proposal in found:
            store(connection, proposer, row.id, proposal, now)
        connection.execute(update(schema.images).where(schema.images.c.id == row.id).values(seen_by=proposer.digest))
    return len(found)


def store(connection: Connection, proposer: Proposer, image_id: int, proposal: Proposal, now: float) -> None:
    """A proposal as revisions and signals of its person, who is made where new."""
    table, number = schema.people, proposal.person_id
    if number is None:
        x, y, w, h = (float(v) for v in proposal.box)
        values = {"image_id": image_id, "x": x, "y": y, "w": w, "h": h, "origin": "detector", "status": "new"}
        number = schema.add_row(connection, table, values | {"comment": ""})
    connection.execute(update(table).where(table.c.id == number, table.c.status == "new").values(status="proposed"))
    status = connection.scalar(select(table.c.status).where(table.c.id == number)) or "proposed"
    edits.add(connection, number, "model", proposer.name, proposal.model, now, status)
    if proposal.teacher is not None:
        edits.add(connection, number, "teacher", proposer.teacher, proposal.teacher, now, status)
    connection.execute(delete(schema.signals).where(schema.signals.c.person_id == number))
    values = {"person_id": number, "model": proposer.name, "figures": json.dumps(proposal.figures)}
    packed = np.ascontiguousarray(proposal.embedding, "<f4").tobytes()
    connection.execute(insert(schema.signals).values(values | {"embedding": packed}))
