"""Labels in and out of a project, whatever the file: people by picture and name of point, put where they belong.

Order is never trusted: points find their rows by their names. Who of the project is meant is told by a number that our
own files carry, else by the overlap of boxes. Only who is in the file is touched, so that partial batches merge.
"""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import numpy as np
from scipy.optimize import linear_sum_assignment
from sqlalchemy import Connection, select, update

from synthgen.active import edits, schema
from synthgen.active.errors import ProjectError
from synthgen.active.merge import common_root
from synthgen.active.records import ImageRow, checked_points
from synthgen.active.store import Project
from synthgen.keypoints import spinetrack
from synthgen.spinepose.track import overlap

FORMATS = ("coco", "cvat-coco", "cvat-xml", "label-studio")
_LEAST = 0.3  # overlap of two boxes that are the same person
_UPLOADED = re.compile(r"^[0-9a-f]{8}(__|-)")  # what Label Studio puts before the name of an uploaded file
_FEWEST = 2  # labelled points that make a person


@dataclass(frozen=True, slots=True, eq=False)
class Person:
    """Somebody in a file.

    Attributes:
        points: (37, 4). box: (4,) px. number: of the project, or None. comment: what was written beside.
    """

    points: np.ndarray
    box: np.ndarray
    number: int | None = None
    comment: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class Picture:
    """A picture of a file: its name there, its size (0 where the file does not say) and its people."""

    name: str
    width: int
    height: int
    people: tuple[Person, ...]


@dataclass(frozen=True, slots=True)
class Imported:
    """What an import did: revisions added, people that were new, and what it could not place."""

    people: int
    new: int
    left_out: tuple[str, ...]


def reader(format_name: str) -> Callable[[Path], list[Picture]]:
    """Reads a file of the format."""
    from synthgen.active import exchange_coco, exchange_cvat, exchange_label_studio

    table = {
        "coco": exchange_coco.read,
        "cvat-coco": exchange_coco.read,
        "cvat-xml": exchange_cvat.read,
        "label-studio": exchange_label_studio.read,
    }
    return table[_known(format_name)]


def writer(format_name: str) -> Callable[..., None]:
    """Writes pictures to a file of the format: (pictures, path, final, model)."""
    from synthgen.active import exchange_coco, exchange_cvat, exchange_label_studio

    table = {
        "coco": exchange_coco.write,
        "cvat-coco": exchange_coco.write_for_cvat,
        "cvat-xml": exchange_cvat.write,
        "label-studio": exchange_label_studio.write,
    }
    return table[_known(format_name)]


def _known(format_name: str) -> str:
    if format_name not in FORMATS:
        raise ProjectError(f"the format is '{format_name}'; allowed: {', '.join(FORMATS)}")
    return format_name


def export_labels(project: Project, path: Path, format_name: str, what: str = "queue") -> int:
    """Write people with their latest points.

    Args:
        path: file; a .zip for cvat-coco. what: queue (who is queued, for labelling elsewhere), done, or all.

    Returns:
        how many people.

    Raises:
        ProjectError: nobody is there to be written.
    """
    statuses = {"queue": ("queued",), "done": ("corrected", "reviewed"), "all": None}
    if what not in statuses:
        raise ProjectError(f"people to export are '{what}'; allowed: {', '.join(statuses)}")
    write, people = writer(format_name), schema.people.c
    wanted = select(people.id, people.image_id).order_by(people.image_id, people.id)
    kept = statuses[what]
    wanted = wanted.where(people.status.in_(kept) if kept else people.status != "removed")
    by_image: dict[int, list[Person]] = {}
    with project.reading() as connection:
        for row in connection.execute(wanted).all():
            view = edits.view(connection, row.id)
            if view.start is not None:
                person = Person(view.start, view.bbox, row.id, view.comment)
                by_image.setdefault(row.image_id, []).append(person)
        model = connection.scalar(select(schema.signals.c.model).limit(1)) or "synthgen"
    if not by_image:
        raise ProjectError(f"nobody to export ({what}); run 'synthgen annotate propose' and 'select' first")
    rows = project.images(list(by_image))
    root = common_root([row.path for row in project.images()])
    pictures = [
        Picture(row.path.absolute().relative_to(root).as_posix(), row.width, row.height, tuple(by_image[row.id]))
        for row in rows
    ]
    write(pictures, path, what == "done", model)
    return sum(len(p.people) for p in pictures)


def import_labels(
    project: Project, path: Path, format_name: str, annotator: str, status: str = "corrected"
) -> Imported:
    """Take over labels that were made elsewhere, as revisions of the kind `imported`.

    Raises:
        ProjectError: the file cannot be read, or nothing in it belongs to the project.
    """
    if status not in ("corrected", "reviewed", "queued"):
        raise ProjectError(f"the status is '{status}'; allowed: corrected, reviewed, queued")
    if not annotator:
        raise ProjectError("say who made the labels: --by NAME")
    found = reader(format_name)(path)
    finder = _Finder(project.images())
    count, new, left_out = 0, 0, []
    now = project.clock()
    with project.writing() as connection:
        for picture in found:
            image = finder(picture.name)
            if image is None:
                left_out.append(f"{picture.name} is no picture of this project")
                continue
            if (picture.width or image.width, picture.height or image.height) != (image.width, image.height):
                size = f"{picture.width} x {picture.height} in the file, {image.width} x {image.height} here"
                left_out.append(f"{picture.name} is {size}")
                continue
            people = [p for p in picture.people if (p.points[:, 2] > 0).sum() >= _FEWEST]
            for person, number in zip(people, _meant(connection, image.id, people), strict=True):
                if number is None:
                    number, new = _add(connection, image.id, person), new + 1
                points = checked_points(person.points)
                edits.add(connection, number, "imported", annotator, points, now, status, person.comment)
                connection.execute(
                    update(schema.people)
                    .where(schema.people.c.id == number)
                    .values(status=status, comment=person.comment)
                )
                count += 1
    if not count:
        why = left_out[0] if left_out else "it names nobody with at least two labelled points"
        raise ProjectError(f"nothing of {path} could be taken over: {why}")
    return Imported(count, new, tuple(left_out))


class _Finder:
    """Finds the picture that a name in a file means: the same place, or else the only one whose path ends so."""

    def __init__(self, images: Iterable[ImageRow]) -> None:
        self._by_tail: dict[tuple[str, ...], ImageRow | None] = {}
        for image in images:
            parts = PurePosixPath(image.path.absolute().as_posix()).parts
            for length in range(1, len(parts) + 1):
                tail = parts[-length:]
                self._by_tail[tail] = None if tail in self._by_tail else image

    def __call__(self, name: str) -> ImageRow | None:
        parts = [p for p in PurePosixPath(name.replace("\\", "/")).parts if p != "/"]
        for length in range(len(parts), 0, -1):
            tail = parts[-length:]
            image = self._by_tail.get(tuple(tail)) or self._by_tail.get((*tail[:-1], _UPLOADED.sub("", tail[-1])))
            if image is not None:
                return image
        return None


def _meant(connection: Connection, image_id: int, people: list[Person]) -> list[int | None]:
    """Numbers of the project's people who are meant; None for who is new."""
    table = schema.people.c
    rows = connection.execute(
        select(table.id, table.x, table.y, table.w, table.h).where(table.image_id == image_id)
    ).all()
    here = {row.id for row in rows}
    meant = [p.number if p.number in here else None for p in people]
    free = [row for row in rows if row.id not in meant]
    lost = [i for i, number in enumerate(meant) if number is None]
    shared = overlap(np.array([people[i].box for i in lost]), np.array([[r.x, r.y, r.w, r.h] for r in free]))
    for i, j in zip(*linear_sum_assignment(-shared), strict=True):
        if shared[i, j] >= _LEAST:
            meant[lost[i]] = free[j].id
    return meant


def _add(connection: Connection, image_id: int, person: Person) -> int:
    x, y, w, h = (float(v) for v in person.box)
    values = {"image_id": image_id, "x": x, "y": y, "w": max(w, 2.0), "h": max(h, 2.0), "origin": "imported"}
    values |= {"status": "new", "comment": ""}
    return schema.add_row(connection, schema.people, values)


def box_about(points: np.ndarray) -> np.ndarray:
    """(4,) about the labelled points of (37, 3 or more)."""
    known = points[points[:, 2] > 0, :2]
    if not len(known):
        return np.array([0.0, 0.0, 2.0, 2.0])
    low, high = known.min(0), known.max(0)
    margin = 0.08 * float((high - low).max())
    return np.concatenate([low - margin, high - low + 2 * margin])


def row_of(name: str) -> int | None:
    """Row of a point by its name; blanks, hyphens and capitals do not matter."""
    wanted = name.strip().lower().replace(" ", "_").replace("-", "_")
    names = spinetrack().names
    return names.index(wanted) if wanted in names else None
