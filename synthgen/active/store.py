"""A project: one folder, one SQLite file, everything that was proposed, selected and corrected in it.

Any number of threads and processes may hold the same project; each call is one transaction. What `save` has answered
is on the disk.
"""

import contextlib
import json
import os
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from sqlalchemy import Connection, Engine, delete, func, insert, select

from synthgen.active import edits, schema, sources, tally, users, work
from synthgen.active.errors import Conflict, LeaseTaken, ProjectError
from synthgen.active.records import ImageRow, Lease, PersonView, QueueItem, Revision
from synthgen.active.video import Sampling
from synthgen.keypoints import spinetrack

__all__ = ["Conflict", "LeaseTaken", "Project", "ProjectError", "create_project", "open_project"]

LEASE_S = 300.0
HOLD_OUT = 0.2


def create_project(
    folder: str | Path,
    source: str | Path | Sequence[str | Path],
    *,
    pictures: Path | None = None,
    hold_out: float = HOLD_OUT,
    sampling: Sampling | None = None,
    tell: Callable[[str], object] = lambda _: None,
) -> "Project":
    """Begin a project, or add a source to one.

    Args:
        folder: of the project; made where missing.
        source: a folder of photographs and videos, a video, a photograph, or a COCO file with boxes; or several.
        pictures: folder of a COCO file's pictures; beside the file when None.
        hold_out: share of the photographs and videos named here that is only measured on; whole videos, and fixed.
        sampling: of videos.
        tell: gets a line now and then, also of files left out.

    Raises:
        ProjectError: there is nothing to label, or the folder holds something else.
    """
    folder, named = Path(folder), [Path(s) for s in ([source] if isinstance(source, str | Path) else source)]
    path = folder / schema.FILE
    if not path.is_file() and folder.is_dir() and any(folder.resolve() == one.resolve() for one in named):
        raise ProjectError(f"{folder} cannot be project and source at once; name another folder for the project")
    batches = [batch for one in named for batch in sources.gather(one, folder, pictures, sampling, tell)]
    for batch in batches:
        for sentence in batch.left_out:
            tell(f"left out: {sentence}")
    if not path.is_file():
        _begin(path)
    project = open_project(folder)
    with project.writing() as connection:
        new = sources.store(connection, batches, hold_out)
    tell(f"{new} new pictures, {project.image_count()} in all")
    return project


def _begin(path: Path) -> None:
    """An empty database, whole or not there."""
    path.parent.mkdir(parents=True, exist_ok=True)
    scratch = path.with_name(f".{path.name}.{os.getpid()}.part")
    scratch.unlink(missing_ok=True)
    engine = schema.open_engine(scratch, log=False)
    schema.create_tables(engine)
    with schema.begin(engine) as connection:
        values = {"schema": spinetrack().name, "keypoints": json.dumps(spinetrack().names)}
        connection.execute(insert(schema.about), [{"key": k, "value": v} for k, v in values.items()])
    engine.dispose()
    os.replace(scratch, path)


def open_project(folder: str | Path, clock: Callable[[], float] = time.time) -> "Project":
    """A project that exists.

    Args:
        clock: seconds since 1970; leases and histories go by it.

    Raises:
        ProjectError: there is none, it is of a newer version, or its keypoints are in another order.
    """
    path = Path(folder) / schema.FILE
    if not path.is_file():
        raise ProjectError(
            f"there is no project in {folder}; begin one with 'synthgen annotate init {folder} --images ..'"
        )
    project = Project(Path(folder), schema.open_engine(path), clock)
    if tuple(json.loads(project.about("keypoints") or "[]")) != spinetrack().names:
        project.close()
        raise ProjectError(
            f"{path} is of other keypoints than the {len(spinetrack().names)} of SpineTrack in their order"
        )
    return project


class Project:
    """Owns the connection to a project's database. Get one from `create_project` or `open_project`."""

    def __init__(self, folder: Path, engine: Engine, clock: Callable[[], float]) -> None:
        self.folder, self.engine, self.clock = folder, engine, clock

    def close(self) -> None:
        """Let go of the file."""
        self.engine.dispose()

    @contextlib.contextmanager
    def reading(self) -> Iterator[Connection]:
        """A transaction that sees one state of the database."""
        with self.engine.connect() as connection, connection.begin():
            yield connection

    def writing(self) -> contextlib.AbstractContextManager[Connection]:
        """A transaction that is stored whole or not at all."""
        return schema.begin(self.engine)

    # --- pictures ---------------------------------------------------------------------------------------------------

    def image(self, image_id: int) -> ImageRow:
        """ProjectError where there is none."""
        return self.images([image_id])[0]

    def images(self, ids: list[int] | None = None) -> list[ImageRow]:
        """Pictures by their ids, in that order; all when None."""
        table = schema.images.join(schema.sources, schema.sources.c.id == schema.images.c.source_id)
        wanted = select(schema.images, schema.sources.c.root).select_from(table).order_by(schema.images.c.id)
        with self.reading() as connection:
            if ids is None:
                return [self._image(row) for row in connection.execute(wanted)]
            found = []
            for number in ids:
                row = connection.execute(wanted.where(schema.images.c.id == number)).first()
                if row is None:
                    raise ProjectError(f"there is no picture {number} in this project")
                found.append(self._image(row))
            return found

    def _image(self, row) -> ImageRow:
        place = self.folder / row.path if row.path.startswith("./") else Path(row.root) / row.path
        return ImageRow(row.id, place, row.width, row.height, row.video, row.frame, row.split)

    def image_count(self) -> int:
        with self.reading() as connection:
            return int(connection.scalar(select(func.count(schema.images.c.id))) or 0)

    def roots(self) -> list[Path]:
        """Folders that pictures may be read from."""
        with self.reading() as connection:
            roots = connection.scalars(select(schema.sources.c.root).distinct().order_by(schema.sources.c.root)).all()
        own = [self.folder / sources.FRAMES, self.folder / sources.UPRIGHT]
        return [*(Path(r) for r in roots if Path(r).is_dir()), *own]

    # --- the queue --------------------------------------------------------------------------------------------------

    def queue(self, annotator: str, limit: int = 200, after_rank: int | None = None) -> list[QueueItem]:
        """Who was selected, in order of rank, whatever their status; `after_rank` turns the page."""
        with self.reading() as connection:
            return work.queue(connection, annotator, limit, after_rank, self.clock())

    def next_for(self, annotator: str, role: str, seconds: float = LEASE_S) -> QueueItem | None:
        """The first person with work for the role (annotate: queued; review: corrected by somebody else, or flagged)
        whom nobody else has on lease; leased to the caller. None where there is nothing left to do."""
        with self.writing() as connection:
            return work.next_for(connection, annotator, role, self.clock(), seconds)

    def lease(self, person_id: int, annotator: str, seconds: float = LEASE_S) -> Lease:
        """Reserve a person, or renew one's lease. LeaseTaken where somebody else has a live one."""
        with self.writing() as connection:
            return work.lease(connection, person_id, annotator, self.clock(), seconds)

    def release(self, person_id: int, annotator: str) -> None:
        """Give a lease back."""
        with self.writing() as connection:
            work.release(connection, person_id, annotator)

    # --- people -----------------------------------------------------------------------------------------------------

    def person(self, person_id: int) -> PersonView:
        """The person as of now."""
        with self.reading() as connection:
            return edits.view(connection, person_id)

    def people(self, image_id: int) -> list[int]:
        """Ids of the people in a picture."""
        table = schema.people.c
        with self.reading() as connection:
            return list(connection.scalars(select(table.id).where(table.image_id == image_id).order_by(table.id)))

    def save(
        self, person_id: int, points, annotator: str, base_revision: int, comment: str = "", status: str = "corrected"
    ) -> int:
        """Add a correction to a person's history.

        Args:
            points: (37, 4). base_revision: `PersonView.revision` that the correction began from.
            status: corrected, reviewed, skipped, flagged, or queued for unfinished work.

        Returns:
            id of the new revision, on disk. The same content saved twice by the same hand is one revision.

        Raises:
            Conflict: somebody else has saved since; it carries their version. ProjectError: the points do not fit.
        """
        with self.writing() as connection:
            return edits.save(connection, person_id, points, annotator, base_revision, comment, status, self.clock())

    def history(self, person_id: int) -> list[Revision]:
        """Everything that was ever said of a person, oldest first."""
        with self.reading() as connection:
            return edits.history(connection, person_id)

    def propagate(self, person_id: int, to_person_id: int, annotator: str) -> int:
        """Carry a correction over to the same person in a neighbouring frame, to be checked there; its revision."""
        with self.writing() as connection:
            return edits.propagate(connection, person_id, to_person_id, annotator, self.clock())

    # --- figures and people who work --------------------------------------------------------------------------------

    def progress(self) -> dict:
        """See synthgen.active.tally."""
        with self.reading() as connection:
            return tally.progress(connection)

    def agreement(self) -> dict:
        """See synthgen.active.tally."""
        with self.reading() as connection:
            return tally.agreement(connection)

    def add_user(self, name: str, password: str, role: str) -> None:
        """See synthgen.active.users."""
        with self.writing() as connection:
            users.add_user(connection, name, password, role)

    def check_user(self, name: str, password: str) -> str | None:
        """Role of who gives the right password, else None."""
        with self.reading() as connection:
            return users.check_user(connection, name, password)

    def users(self) -> dict[str, str]:
        """Name -> role."""
        with self.reading() as connection:
            return users.names(connection)

    def about(self, key: str) -> str | None:
        """A note kept with the project."""
        with self.reading() as connection:
            return connection.scalar(select(schema.about.c.value).where(schema.about.c.key == key))

    def note(self, key: str, value: str) -> None:
        """Keep a note with the project."""
        with self.writing() as connection:
            connection.execute(delete(schema.about).where(schema.about.c.key == key))
            connection.execute(insert(schema.about).values(key=key, value=value))
