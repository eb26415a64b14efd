"""How far a project is, and how well its annotators agree."""

import itertools

import numpy as np
from sqlalchemy import Connection, func, select

from synthgen.active import schema
from synthgen.active.records import STATUSES, unpack
from synthgen.keypoints import spinetrack


def progress(connection: Connection) -> dict:
    """Counts: images, people, by status, queued in all and done, edits by annotator, by split and status."""
    people, images, revisions = schema.people.c, schema.images.c, schema.revisions.c
    by_status = dict.fromkeys(STATUSES, 0)
    by_split: dict[str, dict[str, int]] = {}
    rows = connection.execute(
        select(images.split, people.status, func.count())
        .select_from(schema.people.join(schema.images, images.id == people.image_id))
        .group_by(images.split, people.status)
    )
    for split, status, count in rows:
        by_status[status] += count
        by_split.setdefault(split, dict.fromkeys(STATUSES, 0))[status] += count
    authors = connection.execute(
        select(revisions.author, func.count(), func.count(revisions.person_id.distinct()))
        .where(revisions.kind.in_(("corrected", "propagated", "added")))
        .group_by(revisions.author)
        .order_by(revisions.author)
    )
    return {
        "images": connection.scalar(select(func.count(images.id))),
        "people": sum(by_status.values()),
        "status": by_status,
        "split": by_split,
        "in_queue": connection.scalar(select(func.count(schema.queue.c.person_id))),
        "done": by_status["corrected"] + by_status["reviewed"],
        "annotators": {name: {"edits": edits, "people": count} for name, edits, count in authors},
    }


def agreement(connection: Connection) -> dict:
    """How far apart annotators put the same points of the same people, as shares of the person's size (longer side of
    the box): the last revision of each annotator, in pairs, points that both call visible or hidden. Who began from
    another's correction agrees better than who did not.
    """
    table, people = schema.revisions.c, schema.people.c
    latest = (
        select(func.max(table.id))
        .where(table.kind == "corrected", table.status.in_(("corrected", "reviewed")))
        .group_by(table.person_id, table.author)
    )
    rows = connection.execute(
        select(table.person_id, table.author, table.points, people.w, people.h)
        .join_from(schema.revisions, schema.people, people.id == table.person_id)
        .where(table.id.in_(latest))
        .order_by(table.person_id, table.author)
    ).all()
    apart, same = [], []
    everybody = set()
    for person, group in itertools.groupby(rows, key=lambda r: r.person_id):
        for one, two in itertools.combinations(list(group), 2):
            a, b = unpack(one.points), unpack(two.points)
            both = (a[:, 2] > 0) & (b[:, 2] > 0)
            distance = np.linalg.norm(a[:, :2] - b[:, :2], axis=1) / max(one.w, one.h)
            apart.append(np.where(both, distance, np.nan))
            same.append(a[:, 2] == b[:, 2])
            everybody.add(person)
    if not apart:
        return {"people": 0, "pairs": 0, "mean": None, "visibility": None, "keypoints": {}}
    table_ = np.stack(apart)
    means = {
        name: float(np.nanmean(column))
        for name, column in zip(spinetrack().names, table_.T, strict=True)
        if np.isfinite(column).any()
    }
    return {
        "people": len(everybody),
        "pairs": len(apart),
        "mean": float(np.nanmean(table_)) if means else None,
        "visibility": float(np.mean(same)),
        "keypoints": means,
    }
