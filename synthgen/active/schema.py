"""The database of a project: one SQLite file, its tables and how it is opened.

Write-ahead log with synchronous=FULL: what a save has acknowledged is on the disk, whatever is killed afterwards.
History is append-only; triggers refuse to change or remove a revision.
"""

import contextlib
from collections.abc import Iterator
from pathlib import Path

from sqlalchemy import (
    Column,
    Connection,
    Engine,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    UniqueConstraint,
    create_engine,
    event,
    insert,
)
from sqlalchemy.exc import DatabaseError

from synthgen.active.errors import ProjectError

VERSION = 1
FILE = "project.sqlite"
_BUSY_MS = 15_000  # how long a writer waits for another

metadata = MetaData()


def _table(name: str, *columns) -> Table:
    return Table(name, metadata, *columns)


about = _table("about", Column("key", String, primary_key=True), Column("value", String, nullable=False))
sources = _table(
    "sources",
    Column("id", Integer, primary_key=True),
    Column("kind", String, nullable=False),  # folder | video | coco
    Column("origin", String, nullable=False),  # what the user named
    Column("root", String, nullable=False),  # folder that its pictures lie below; beginning with "./": in the project
)
images = _table(
    "images",
    Column("id", Integer, primary_key=True),
    Column("source_id", ForeignKey("sources.id"), nullable=False),
    Column("path", String, nullable=False),  # below the source's root, "/" between folders
    Column("width", Integer, nullable=False),
    Column("height", Integer, nullable=False),
    Column("video", String),
    Column("frame", Integer),
    Column("seconds", Float),
    Column("split", String, nullable=False),  # train | held
    Column("seen_by", String),  # digest of the model that proposed here, for resuming
    UniqueConstraint("source_id", "path"),
)
people = _table(
    "people",
    Column("id", Integer, primary_key=True),
    Column("image_id", ForeignKey("images.id"), nullable=False, index=True),
    Column("x", Float, nullable=False),
    Column("y", Float, nullable=False),
    Column("w", Float, nullable=False),
    Column("h", Float, nullable=False),
    Column("origin", String, nullable=False),  # detector | coco | imported | added
    Column("status", String, nullable=False, index=True),
    Column("comment", String, nullable=False, default=""),
)
neighbours = _table(
    "neighbours",
    Column("person_id", ForeignKey("people.id"), primary_key=True),
    Column("other_id", ForeignKey("people.id"), primary_key=True),
)
revisions = Table(
    "revisions",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("person_id", ForeignKey("people.id"), nullable=False),
    Column("kind", String, nullable=False),
    Column("author", String, nullable=False),
    Column("created", Float, nullable=False),
    Column("comment", String, nullable=False),
    Column("status", String, nullable=False),
    Column("points", LargeBinary, nullable=False),
    Index("of_person", "person_id", "id"),
    sqlite_autoincrement=True,
)
signals = _table(
    "signals",
    Column("person_id", ForeignKey("people.id"), primary_key=True),
    Column("model", String, nullable=False),
    Column("figures", String, nullable=False),  # JSON: signal -> value or list per keypoint
    Column("embedding", LargeBinary, nullable=False),  # little-endian float32
)
queue = _table(
    "queue",
    Column("person_id", ForeignKey("people.id"), primary_key=True),
    Column("rank", Integer, nullable=False, unique=True),
    Column("batch", Integer, nullable=False),
    Column("strategy", String, nullable=False),
    Column("score", Float, nullable=False),
    Column("reasons", String, nullable=False),  # JSON list of sentences
)
leases = _table(
    "leases",
    Column("person_id", ForeignKey("people.id"), primary_key=True),
    Column("annotator", String, nullable=False),
    Column("until", Float, nullable=False),
)
users = _table(
    "users",
    Column("name", String, primary_key=True),
    Column("role", String, nullable=False),
    Column("salt", LargeBinary, nullable=False),
    Column("password", LargeBinary, nullable=False),
)
rounds = _table(
    "rounds",
    Column("number", Integer, primary_key=True),
    Column("created", Float, nullable=False),
    Column("figures", String, nullable=False),  # JSON
)

_TRIGGERS = tuple(
    f"CREATE TRIGGER IF NOT EXISTS history_is_kept_{verb} BEFORE {verb} ON revisions "
    "BEGIN SELECT RAISE(ABORT, 'history is never changed'); END"
    for verb in ("UPDATE", "DELETE")
)


def create_tables(engine: Engine) -> None:
    """Make every table and the triggers that keep the history."""
    with begin(engine) as connection:
        metadata.create_all(connection)
        for statement in _TRIGGERS:
            connection.exec_driver_sql(statement)
        connection.exec_driver_sql(f"PRAGMA user_version={VERSION}")


def open_engine(path: Path, log: bool = True) -> Engine:
    """The database in a file, made where there is none.

    Args:
        log: write ahead; False while a project is being made under another name.

    Raises:
        ProjectError: the file is no project, or one of a newer version.
    """
    engine = create_engine(f"sqlite:///{path}", connect_args={"timeout": _BUSY_MS / 1000, "check_same_thread": False})

    @event.listens_for(engine, "connect")
    def _settings(connection, _) -> None:
        connection.isolation_level = None  # we begin ourselves: sqlite3's own habit begins too late
        cursor = connection.cursor()
        cursor.execute(f"PRAGMA journal_mode={'WAL' if log else 'DELETE'}")
        cursor.execute("PRAGMA synchronous=FULL")
        cursor.execute("PRAGMA foreign_keys=ON")
        cursor.close()

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        write = connection.get_execution_options().get("write", False)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if write else "BEGIN")

    try:
        with engine.connect() as connection:
            version = connection.exec_driver_sql("PRAGMA user_version").scalar_one()
    except DatabaseError as error:
        engine.dispose()
        raise ProjectError(f"{path} is not a project's database ({error.orig}); name another folder") from None
    if version > VERSION:
        engine.dispose()
        raise ProjectError(f"{path} was written by a newer version of synthgen ({version}, this one reads {VERSION})")
    return engine


@contextlib.contextmanager
def begin(engine: Engine) -> Iterator[Connection]:
    """A writing transaction: all of it is stored, or nothing. Writers follow one another."""
    with engine.connect().execution_options(write=True) as connection, connection.begin():
        yield connection


def add_row(connection: Connection, table: Table, values: dict) -> int:
    """Insert a row; returns its id."""
    key = connection.execute(insert(table).values(values)).inserted_primary_key
    assert key is not None
    return int(key[0])
