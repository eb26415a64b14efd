"""Who works on what: the queue, and leases so that nobody does what somebody else is doing."""

import json
from dataclasses import replace

from sqlalchemy import Connection, Select, and_, delete, insert, or_, select

from synthgen.active import schema
from synthgen.active.errors import LeaseTaken, ProjectError
from synthgen.active.records import HUMAN, Lease, QueueItem

ROLES = ("annotate", "review")


def items(now: float) -> Select:
    """The queue in its order, with live leases."""
    people, queue, leases = schema.people.c, schema.queue, schema.leases
    live = and_(leases.c.person_id == queue.c.person_id, leases.c.until > now)
    of_queue = (queue.c.person_id, people.image_id, queue.c.rank, queue.c.reasons)
    columns = (*of_queue, people.status, leases.c.annotator, _last_author().label("author"))
    joined = queue.join(schema.people, people.id == queue.c.person_id).outerjoin(leases, live)
    return select(*columns).select_from(joined).order_by(queue.c.rank)


def _last_author():
    """Which person wrote the last revision of the queue's person; what models proposed since does not count."""
    table = schema.revisions.c
    written = (table.person_id == schema.queue.c.person_id) & table.kind.in_(HUMAN)
    return select(table.author).where(written).order_by(table.id.desc()).limit(1).scalar_subquery()


def item(row, annotator: str) -> QueueItem:
    """A row of `items` as `annotator` sees it."""
    reasons, mine = tuple(json.loads(row.reasons)), row.author == annotator
    return QueueItem(row.person_id, row.image_id, row.rank, reasons, row.status, row.annotator, mine)


def queue(connection: Connection, annotator: str, limit: int, after_rank: int | None, now: float) -> list[QueueItem]:
    """See Project.queue."""
    wanted = items(now).limit(limit)
    if after_rank is not None:
        wanted = wanted.where(schema.queue.c.rank > after_rank)
    return [item(row, annotator) for row in connection.execute(wanted)]


def next_for(connection: Connection, annotator: str, role: str, now: float, seconds: float) -> QueueItem | None:
    """See Project.next_for."""
    if role not in ROLES:
        raise ProjectError(f"the role is '{role}'; allowed: {', '.join(ROLES)}")
    statuses = ("queued",) if role == "annotate" else ("corrected", "flagged")
    taken = schema.leases.c.annotator
    wanted = items(now).where(schema.people.c.status.in_(statuses), or_(taken.is_(None), taken == annotator))
    if role == "review":  # one's own work is for somebody else to review
        wanted = wanted.where(_last_author() != annotator)
    row = connection.execute(wanted.limit(1)).first()
    if row is None:
        return None
    lease(connection, row.person_id, annotator, now, seconds)
    return replace(item(row, annotator), leased_by=annotator)


def lease(connection: Connection, person_id: int, annotator: str, now: float, seconds: float) -> Lease:
    """See Project.lease."""
    if not annotator or not seconds > 0:
        raise ProjectError("a lease needs the name of an annotator and a time above 0 s")
    if connection.scalar(select(schema.people.c.id).where(schema.people.c.id == person_id)) is None:
        raise ProjectError(f"there is no person {person_id} in this project")
    table = schema.leases
    held = connection.execute(select(table).where(table.c.person_id == person_id)).first()
    if held is not None and held.annotator != annotator and held.until > now:
        raise LeaseTaken(
            f"{held.annotator} is working on person {person_id} for {held.until - now:.0f} s more; take the next one",
            held.annotator,
            held.until,
        )
    connection.execute(delete(table).where(table.c.person_id == person_id))
    values = {"person_id": person_id, "annotator": annotator, "until": now + seconds}
    connection.execute(insert(table).values(values))
    return Lease(person_id, annotator, now + seconds)


def release(connection: Connection, person_id: int, annotator: str) -> None:
    """Give a lease back; nothing happens where it is not one's own."""
    table = schema.leases
    connection.execute(delete(table).where(table.c.person_id == person_id, table.c.annotator == annotator))
