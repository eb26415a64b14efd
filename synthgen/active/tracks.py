"""The same person in neighbouring frames of a video, so that a correction can be carried over."""

import itertools

import numpy as np
from scipy.optimize import linear_sum_assignment
from sqlalchemy import Connection, insert, select

from synthgen.active import schema
from synthgen.spinepose.track import overlap

_LEAST = 0.2  # overlap of the boxes; sampled frames lie apart, so people have moved


def link_videos(connection: Connection) -> int:
    """Link people of neighbouring taken frames whose boxes overlap most; returns how many new pairs."""
    images, people = schema.images.c, schema.people.c
    rows = connection.execute(
        select(images.source_id, images.video, images.frame, people.id, people.x, people.y, people.w, people.h)
        .join_from(schema.people, schema.images, images.id == people.image_id)
        .where(images.video.is_not(None))
        .order_by(images.source_id, images.video, images.frame, people.id)
    ).all()
    known = set(connection.execute(select(schema.neighbours.c.person_id, schema.neighbours.c.other_id)).tuples())
    new = []
    for _, video in itertools.groupby(rows, key=lambda r: (r.source_id, r.video)):
        taken = [list(frame) for _, frame in itertools.groupby(video, key=lambda r: r.frame)]
        for one, two in itertools.pairwise(taken):
            for a, b in match(*(np.array([[p.x, p.y, p.w, p.h] for p in frame]) for frame in (one, two))):
                pair = (one[a].id, two[b].id)
                new += [p for p in (pair, pair[::-1]) if p not in known]
    if new:
        connection.execute(insert(schema.neighbours), [{"person_id": a, "other_id": b} for a, b in new])
    return len(new) // 2


def match(one: np.ndarray, two: np.ndarray) -> list[tuple[int, int]]:
    """Pairs of boxes (N, 4), (M, 4) that belong together; nobody twice."""
    table = overlap(one, two)
    rows, columns = linear_sum_assignment(-table)
    return [(int(r), int(c)) for r, c in zip(rows, columns, strict=True) if table[r, c] >= _LEAST]
