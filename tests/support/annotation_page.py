"""The annotation page for tests: a project whose people wait in the queue, its server, and a browser to drive."""

import contextlib
import json
import shutil
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import uvicorn
from annotation_project import Clock, project_with_people
from sqlalchemy import insert, select, update

from synthgen.active import schema
from synthgen.active.access import Door
from synthgen.active.prior import load_prior
from synthgen.active.server import create_app
from synthgen.active.store import Project, open_project

TOKEN = "a-token-for-tests"
PASSWORDS = {
    "anna": ("annas password", "annotate"),
    "ben": ("bens password", "annotate"),
    "rita": ("ritas pass", "review"),
}


def queued_project(folder: Path, count: int = 4) -> Project:
    """`count` pictures with one person each, all in the queue, and three users."""
    project = project_with_people(folder, count, hold_out=0.0)
    with project.writing() as connection:
        ids = connection.scalars(select(schema.people.c.id).order_by(schema.people.c.id)).all()
        for rank, number in enumerate(ids, 1):
            reasons = json.dumps([f"reason <b>{rank}</b>"])
            values = {"person_id": number, "rank": rank, "batch": 1, "strategy": "uncertainty", "score": 1.0}
            connection.execute(insert(schema.queue).values(values | {"reasons": reasons}))
        connection.execute(update(schema.people).values(status="queued"))
    for name, (password, role) in PASSWORDS.items():
        project.add_user(name, password, role)
    return project


def copied_project(made: Path, folder: Path) -> Project:
    """A copy of a project and its pictures, to spoil: faster than to make another."""
    for name in ("project", "photos"):
        shutil.copytree(made / name, folder / name)
    project = open_project(folder / "project", Clock())
    with project.writing() as connection:
        connection.execute(update(schema.sources).values(root=str(folder / "photos")))
    return project


class Served:
    """A server in a thread; `stop` and `start` are the lost connection."""

    def __init__(self, project: Project, door: Door) -> None:
        self.app, self.project = create_app(project, door, load_prior()), project
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}/"
        self.start()

    def start(self) -> None:
        listener = socket.create_server(("127.0.0.1", self.port))
        self.server = uvicorn.Server(uvicorn.Config(self.app, log_level="error", timeout_graceful_shutdown=1))
        self.thread = threading.Thread(target=self.server.run, kwargs={"sockets": [listener]}, daemon=True)
        self.thread.start()

    def stop(self) -> None:
        self.server.should_exit = True
        self.thread.join(20)


@contextlib.contextmanager
def served(project: Project, passwords: bool = False) -> Iterator[Served]:
    """Serve a project with the token, or with passwords."""
    door = Door(check_user=project.check_user) if passwords else Door(name="anna", role="annotate", token=TOKEN)
    server = Served(project, door)
    try:
        yield server
    finally:
        server.stop()


def browser_path() -> str | None:
    """A Chromium on this system."""
    names = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
    return next((found for name in names if (found := shutil.which(name))), None)


__all__ = ["PASSWORDS", "TOKEN", "Served", "browser_path", "copied_project", "queued_project", "served"]
