"""A person's history: reading it, adding to it, and carrying a correction over to the next frame."""

import json

import numpy as np
from sqlalchemy import Connection, insert, select, update

from synthgen.active import schema
from synthgen.active.errors import Conflict, ProjectError
from synthgen.active.records import ADDED, HUMAN, PersonView, Revision, checked_points, pack, unpack

SAVED = ("queued", "corrected", "reviewed", "skipped", "flagged", "removed")
_MOST_COMMENT = 4000


def view(connection: Connection, person_id: int) -> PersonView:
    """The person as of now. ProjectError where there is none."""
    person = connection.execute(select(schema.people).where(schema.people.c.id == person_id)).first()
    if person is None:
        raise ProjectError(f"there is no person {person_id} in this project")
    latest: dict[str, Revision] = {}
    for revision in history(connection, person_id):
        latest["human" if revision.kind in HUMAN else revision.kind] = revision
    reasons = connection.scalar(select(schema.queue.c.reasons).where(schema.queue.c.person_id == person_id))
    others = select(schema.neighbours.c.other_id).where(schema.neighbours.c.person_id == person_id)
    model, teacher, human = (latest.get(kind) for kind in ("model", "teacher", "human"))
    return PersonView(
        person_id=person_id,
        image_id=person.image_id,
        bbox=np.array([person.x, person.y, person.w, person.h]),
        model=model.points if model else None,
        teacher=teacher.points if teacher else None,
        corrected=human.points if human else None,
        revision=human.id if human else 0,
        status=person.status,
        comment=person.comment,
        reasons=tuple(json.loads(reasons)) if reasons else (),
        neighbours=tuple(connection.scalars(others.order_by(schema.neighbours.c.other_id))),
        start=_start(model, human),
        origin=person.origin,
    )


def _start(model: Revision | None, human: Revision | None) -> np.ndarray | None:
    if human is None:
        return model.points.copy() if model else None
    points = human.points.copy()
    if human.kind in ("imported", "added") and model is not None:
        missing = points[:, 2] == 0
        points[missing] = model.points[missing]
    return points


def history(connection: Connection, person_id: int) -> list[Revision]:
    """Every revision of a person, oldest first."""
    table = schema.revisions
    rows = connection.execute(select(table).where(table.c.person_id == person_id).order_by(table.c.id))
    return [Revision(r.id, r.kind, r.author, r.created, r.comment, r.status, unpack(r.points)) for r in rows]


def add(
    connection: Connection, person_id: int, kind: str, author: str, points: np.ndarray, now: float,
    status: str, comment: str = "",
) -> int:  # fmt: skip
    """Append a revision; returns its id."""
    values = {"person_id": person_id, "kind": kind, "author": author, "created": now, "comment": comment}
    values |= {"status": status, "points": pack(points)}
    return schema.add_row(connection, schema.revisions, values)


def save(
    connection: Connection, person_id: int, points, annotator: str, base: int, comment: str, status: str, now: float,
    kind: str = "corrected",
) -> int:  # fmt: skip
    """Store a correction; see Project.save."""
    array = checked_points(points)
    if status not in SAVED:
        raise ProjectError(f"the status is '{status}'; allowed: {', '.join(SAVED)}")
    if not annotator:
        raise ProjectError("a correction needs the name of who made it")
    if len(comment) > _MOST_COMMENT:
        raise ProjectError(f"the comment has {len(comment)} characters; allowed are {_MOST_COMMENT}")
    role = connection.scalar(select(schema.users.c.role).where(schema.users.c.name == annotator))
    if status == "reviewed" and role == "annotate":
        raise ProjectError(f"{annotator} may annotate, not review; ask a reviewer")
    found = view(connection, person_id)
    if status == "removed" and found.origin != ADDED:
        raise ProjectError(f"person {person_id} was not added on the page, so cannot be removed; skip or flag them")
    newer = [r for r in history(connection, person_id) if r.id > base and r.kind in HUMAN]
    theirs = [r for r in newer if r.author != annotator]
    if theirs:
        raise Conflict(
            f"{theirs[-1].author} has saved person {person_id} meanwhile; look at that version, then save again", found
        )
    if newer:  # the same hand, which did not hear the last answer
        last = newer[-1]
        if np.array_equal(last.points, array) and (last.status, last.comment) == (status, comment):
            return last.id
    number = add(connection, person_id, kind, annotator, array, now, status, comment)
    connection.execute(
        update(schema.people).where(schema.people.c.id == person_id).values(status=status, comment=comment)
    )
    return number


def propagate(connection: Connection, person_id: int, to: int, annotator: str, now: float) -> int:
    """Carry a correction over to a neighbour; see Project.propagate."""
    source, target = view(connection, person_id), view(connection, to)
    if to not in source.neighbours:
        raise ProjectError(
            f"person {to} is no neighbour of person {person_id}; a correction goes to the next frame only"
        )
    if source.corrected is None:
        raise ProjectError(f"person {person_id} has not been corrected yet; correct it first")
    if target.status in ("corrected", "reviewed"):
        raise ProjectError(f"person {to} has been corrected already; open it to change it")
    points = carried(source, target)
    number = add(connection, to, "propagated", annotator, points, now, "queued", f"from person {person_id}")
    connection.execute(update(schema.people).where(schema.people.c.id == to).values(status="queued"))
    if connection.scalar(select(schema.queue.c.rank).where(schema.queue.c.person_id == to)) is None:
        rank, batch = connection.execute(
            select(schema.queue.c.rank, schema.queue.c.batch).order_by(schema.queue.c.rank.desc()).limit(1)
        ).first() or (0, 0)
        reasons = json.dumps([f"carried over from person {person_id} in the frame beside it; check and save"])
        values = {"person_id": to, "rank": rank + 1, "batch": batch, "strategy": "propagated", "score": 0.0}
        connection.execute(insert(schema.queue).values(values | {"reasons": reasons}))
    return number


def carried(source: PersonView, target: PersonView) -> np.ndarray:
    """(37, 4) the correction, not the place, put on the neighbour: its model's points plus what was corrected here.

    Where one of the two has no model, the points move with the box.
    """
    assert source.corrected is not None
    points = source.corrected.copy()
    if source.model is not None and target.model is not None:
        points[:, :2] += target.model[:, :2] - source.model[:, :2]
        points[:, 3] = np.minimum(points[:, 3], target.model[:, 3])
    else:
        zoom = target.bbox[2:] / source.bbox[2:]
        points[:, :2] = (points[:, :2] - source.bbox[:2]) * zoom + target.bbox[:2]
    return points
