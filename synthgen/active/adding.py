"""People whom the detector missed, added by a box that somebody drew.

Their points come from a model where one runs, else from the mean pose, stretched into the box. Nobody is ever deleted:
who was added by mistake is marked as removed, and comes back when saved again.
"""

import json
import logging
import threading
from collections.abc import Callable
from functools import cache
from importlib import resources

import numpy as np
from sqlalchemy import Connection, insert, select

from biomech.errors import SynthgenError
from synthgen.active import edits, schema, work
from synthgen.active.errors import ProjectError
from synthgen.active.images import read_image
from synthgen.active.propose import Proposal, Proposer, store
from synthgen.active.records import ADDED, COUNT, QueueItem
from synthgen.active.store import LEASE_S, Project
from synthgen.keypoints import spinetrack
from synthgen.spinepose.track import overlap

log = logging.getLogger(__name__)

LEAST = 8.0  # px, a side of a box
SAME = 0.85  # overlap above which a box is of somebody who is there already
MOST = 500  # people in a picture
_GUESSED = 0.1  # confidence of a point of the mean pose


class Suggester:
    """A model that starts when it is first asked, or never.

    Args:
        make: gives the model; may raise where none runs here.
    """

    def __init__(self, make: Callable[[], Proposer]) -> None:
        self._make: Callable[[], Proposer] | None = make
        self._proposer: Proposer | None = None
        self._lock = threading.Lock()

    def __call__(self, image: np.ndarray, box: np.ndarray) -> tuple[Proposer, Proposal] | None:
        """What the model says of the person in a box; None where it does not run."""
        with self._lock:
            try:
                if self._make is not None:
                    make, self._make = self._make, None
                    self._proposer = make()
                if self._proposer is not None:
                    return self._proposer, self._proposer.propose(image, box[None], [None])[0]
            except (SynthgenError, ImportError) as error:
                log.warning("people who are added get the mean pose: %s", error)
        return None


@cache
def mean_pose() -> np.ndarray:
    """(37, 2) of somebody who stands and faces the camera, shares of the box."""
    data = json.loads((resources.files("synthgen.active") / "data" / "mean_pose.json").read_text(encoding="ascii"))
    return np.array([data["points"][name] for name in spinetrack().names])


def placed(box: np.ndarray) -> np.ndarray:
    """(37, 4) the mean pose in a box (4,), hardly trusted."""
    points = box[:2] + mean_pose() * box[2:]
    return np.column_stack([points, np.full(COUNT, 2.0), np.full(COUNT, _GUESSED)])


def add_person(
    project: Project, image_id: int, box: np.ndarray, annotator: str, suggest: Suggester | None = None
) -> QueueItem:
    """Add somebody to a picture and to the end of the queue, leased to who added them.

    Args:
        box: (4,) left, top, width, height, px; cut to the picture.

    Raises:
        ProjectError: the box is too small, lies outside, or is that of somebody who is there already.
    """
    if not annotator:
        raise ProjectError("adding somebody needs the name of who does it")
    row = project.image(image_id)
    low = np.clip(box[:2], 0, (row.width, row.height))
    high = np.clip(box[:2] + box[2:], 0, (row.width, row.height))
    box = np.concatenate([low, high - low])
    if not (box[2:] >= LEAST).all():
        raise ProjectError(
            f"the box is {box[2]:.0f} x {box[3]:.0f} px within the picture; draw one of {LEAST:.0f} or more each way"
        )
    _check(project, image_id, box)
    said = suggest(read_image(row.path, project.roots()), box) if suggest is not None else None
    with project.writing() as connection:
        _check_in(connection, image_id, box)  # again: somebody else may have been quicker
        values = {"image_id": image_id, "origin": ADDED, "status": "queued", "comment": ""}
        values |= dict(zip("xywh", box.tolist(), strict=True))
        number = schema.add_row(connection, schema.people, values)
        now = project.clock()
        points = placed(box) if said is None else np.zeros((COUNT, 4))
        edits.add(connection, number, ADDED, annotator, points, now, "queued", "drew the box")
        if said is not None:
            proposer, found = said
            whose = Proposal(number, box, found.model, found.teacher, found.figures, found.embedding)
            store(connection, proposer, image_id, whose, now)
        _queue(connection, number, annotator)
        work.lease(connection, number, annotator, now, LEASE_S)
        found_row = connection.execute(work.items(now).where(schema.queue.c.person_id == number)).one()
        return work.item(found_row, annotator)


def people_in(connection: Connection, image_id: int) -> list[dict]:
    """Number, box and status of everybody in a picture who was not removed."""
    table = schema.people.c
    rows = connection.execute(
        select(table.id, table.x, table.y, table.w, table.h, table.status)
        .where(table.image_id == image_id, table.status != "removed")
        .order_by(table.id)
    )
    return [{"person": r.id, "bbox": [r.x, r.y, r.w, r.h], "status": r.status} for r in rows]


def _check(project: Project, image_id: int, box: np.ndarray) -> None:
    with project.reading() as connection:
        _check_in(connection, image_id, box)


def _check_in(connection: Connection, image_id: int, box: np.ndarray) -> None:
    here = people_in(connection, image_id)
    if len(here) >= MOST:
        raise ProjectError(f"the picture has {len(here)} people already, which is the most it may have")
    if not here:
        return
    shared = overlap(box[None], np.array([p["bbox"] for p in here]))[0]
    if shared.max() >= SAME:
        number = here[int(shared.argmax())]["person"]
        raise ProjectError(f"that is person {number}, who is in the project already; correct them instead")


def _queue(connection: Connection, number: int, annotator: str) -> None:
    table = schema.queue
    last = connection.execute(select(table.c.rank, table.c.batch).order_by(table.c.rank.desc()).limit(1)).first()
    rank, batch = last or (0, 0)
    reasons = json.dumps([f"added by {annotator}: nobody had been found here"])
    values = {"person_id": number, "rank": rank + 1, "batch": batch, "strategy": ADDED, "score": 0.0}
    connection.execute(insert(table).values(values | {"reasons": reasons}))
