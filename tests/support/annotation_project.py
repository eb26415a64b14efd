"""Small annotation projects without a model: drawn pictures, made-up proposals, a clock that the test turns."""

from pathlib import Path

import cv2
import numpy as np

from synthgen.active import schema
from synthgen.active.propose import Proposal
from synthgen.active.store import Project, create_project, open_project

SIZE = (96, 128)  # height, width of a picture


class Clock:
    """Seconds that pass when told."""

    def __init__(self, now: float = 1000.0) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now


def pictures(folder: Path, count: int, seed: int = 0) -> Path:
    """Write `count` small pictures."""
    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(seed)
    for i in range(count):
        cv2.imwrite(str(folder / f"photo_{i:02d}.png"), rng.integers(0, 255, (*SIZE, 3), np.uint8))
    return folder


def video(path: Path, steps: list[int], size: tuple[int, int] = (120, 160)) -> Path:
    """Write a video of a bright square that moves right by `steps` px from frame to frame."""
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), 10.0, (size[1], size[0]))
    x = 5
    for step in [0, *steps]:
        x += step
        frame = np.full((*size, 3), 40, np.uint8)
        frame[30:90, x : x + 40] = 220
        writer.write(frame)
    writer.release()
    return path


def person(seed: int = 0, shift: float = 0.0) -> np.ndarray:
    """(37, 4) points of somebody, no two alike."""
    rng = np.random.default_rng([7, seed])
    points = np.column_stack([rng.uniform(10, 110, 37), rng.uniform(10, 80, 37), np.full(37, 2.0), np.full(37, 0.9)])
    points[:, 0] += shift
    return points


class FakeProposer:
    """Proposes `each` people per picture without looking."""

    def __init__(self, each: int = 1, digest: str = "first") -> None:
        self.each, self.digest, self.name, self.teacher = each, digest, f"fake {digest}", "fake teacher"
        self.looked = 0

    def find(self, image: np.ndarray) -> np.ndarray:
        return np.array([[5.0 + 40 * i, 10.0, 40.0, 60.0] for i in range(self.each)]).reshape(-1, 4)

    def propose(self, image: np.ndarray, boxes: np.ndarray, ids) -> list[Proposal]:
        self.looked += 1
        found = []
        for box, number in zip(boxes, ids, strict=True):
            rng = np.random.default_rng([self.looked, int(box[0])])
            figures: dict = {name: rng.uniform(0, 0.2, 37).tolist() for name in ("spread", "flip", "scale", "teacher")}
            figures |= {"scores": [0.9] * 37, "unlikely": 0.0, "said": []}
            points = person(self.looked)
            found.append(Proposal(number, box, points, points + [1, 0, 0, 0], figures, rng.normal(size=8)))
        return found


def project_with_people(folder: Path, count: int = 6, each: int = 1, clock: Clock | None = None, **how) -> Project:
    """A project of drawn pictures on which people are proposed."""
    from synthgen.active.propose import propose

    create_project(folder / "project", pictures(folder / "photos", count), **how).close()
    project = open_project(folder / "project", clock or Clock())
    propose(project, FakeProposer(each))
    return project


def reviewed_project(folder: Path, count: int) -> Project:
    """A project with one person in each picture whom somebody has looked at."""
    project = project_with_people(folder, count)
    for image in project.images():
        number = project.people(image.id)[0]
        project.save(number, project.person(number).model, "anna", 0)
    return project


def first_person(project: Project) -> int:
    """Somebody's number."""
    from sqlalchemy import select

    with project.reading() as connection:
        return int(connection.scalar(select(schema.people.c.id).order_by(schema.people.c.id)) or 0)
