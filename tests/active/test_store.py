"""The project: nothing saved is lost, nothing is overwritten unseen, nobody does another's work."""

import os
import signal
import sqlite3
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from annotation_project import Clock, first_person, person, pictures, project_with_people
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from synthgen.active.errors import Conflict, LeaseTaken, ProjectError
from synthgen.active.select import select_batch
from synthgen.active.store import create_project, open_project


def test_a_correction_is_kept_beside_what_the_model_said(tmp_path):
    project = project_with_people(tmp_path)
    number = first_person(project)
    before = project.person(number)
    assert before.corrected is None and before.revision == 0 and before.status == "proposed"
    points = person(99)
    points[3, :2] = (12.345678901, 7.0625)
    revision = project.save(number, points, "anna", 0, "hidden hand")
    after = project.person(number)
    assert np.array_equal(after.corrected, points)  # to the last bit: sub-pixel places are kept
    assert (after.revision, after.status, after.comment) == (revision, "corrected", "hidden hand")
    assert np.array_equal(after.model, before.model)
    assert [r.kind for r in project.history(number)] == ["model", "teacher", "corrected"]


def test_history_refuses_to_be_changed(tmp_path):
    project = project_with_people(tmp_path, 2)
    for statement in ("UPDATE revisions SET author = 'x'", "DELETE FROM revisions"):
        with pytest.raises(IntegrityError, match="never changed"), project.writing() as connection:
            connection.execute(text(statement))


def test_two_people_conflict_and_see_each_other(tmp_path):
    project = project_with_people(tmp_path)
    number = first_person(project)
    project.save(number, person(1), "anna", 0)
    with pytest.raises(Conflict, match="anna has saved") as caught:
        project.save(number, person(2), "ben", 0)
    assert np.array_equal(caught.value.view.corrected, person(1))
    again = project.save(number, person(2), "ben", caught.value.view.revision)
    assert [r.author for r in project.history(number)[2:]] == ["anna", "ben"]
    assert project.person(number).revision == again


def test_a_repeated_save_of_one_hand_is_one_revision(tmp_path):
    project = project_with_people(tmp_path)
    number = first_person(project)
    first = project.save(number, person(1), "anna", 0)
    assert project.save(number, person(1), "anna", 0) == first  # the answer got lost, the page tries again
    second = project.save(number, person(2), "anna", 0)  # and went on meanwhile
    assert second > first and len(project.history(number)) == 4


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda p: p[:36], r"shape \(36, 4\)"),
        (lambda p: np.where(np.arange(37)[:, None] == 5, np.nan, p), "left_shoulder"),
        (lambda p: p * [1, 1, 2, 1], "visibility 0, 1 or 2"),
        (lambda p: p * [1, 1, 1, 3], "confidence"),
        (lambda p: "words", "numbers"),
    ],
)
def test_points_that_do_not_fit_are_refused(tmp_path, change, said):
    project = project_with_people(tmp_path, 2)
    with pytest.raises(ProjectError, match=said):
        project.save(first_person(project), change(person(1)), "anna", 0)
    assert project.person(first_person(project)).corrected is None


def test_leases_end_and_are_renewed(tmp_path):
    clock = Clock()
    project = project_with_people(tmp_path, clock=clock)
    number = first_person(project)
    assert project.lease(number, "anna", 300).until == clock.now + 300
    with pytest.raises(LeaseTaken, match="anna is working"):
        project.lease(number, "ben")
    clock.now += 200
    project.lease(number, "anna", 300)
    clock.now += 200
    with pytest.raises(LeaseTaken):
        project.lease(number, "ben")
    clock.now += 101
    assert project.lease(number, "ben").annotator == "ben"
    project.release(number, "anna")  # not hers any more
    with pytest.raises(LeaseTaken):
        project.lease(number, "anna")


def test_the_queue_gives_everybody_somebody_else(tmp_path):
    clock = Clock()
    project = project_with_people(tmp_path, 6, clock=clock)
    select_batch(project, 4)
    anna, ben = project.next_for("anna", "annotate"), project.next_for("ben", "annotate")
    assert anna.person_id != ben.person_id and (anna.rank, ben.rank) == (1, 2)
    assert project.next_for("anna", "annotate").person_id == anna.person_id  # unfinished, so still hers
    project.save(anna.person_id, person(1), "anna", 0)
    assert project.next_for("anna", "annotate").rank == 3
    assert project.next_for("anna", "review") is None  # her own work is for somebody else
    project.release(anna.person_id, "anna")
    assert project.next_for("ben", "review").person_id == anna.person_id
    shown = project.queue("ben", limit=2)
    assert [i.rank for i in shown] == [1, 2] and shown[0].status == "corrected" and shown[0].leased_by == "ben"
    assert [i.rank for i in project.queue("ben", after_rank=2)] == [3, 4]
    clock.now += 10_000
    assert project.queue("ben")[0].leased_by is None


def test_progress_and_agreement(tmp_path):
    project = project_with_people(tmp_path, 3)
    number = first_person(project)
    assert project.agreement()["pairs"] == 0
    base = project.save(number, person(1), "anna", 0)
    project.save(number, person(1, shift=3.0), "ben", base)
    found = project.progress()
    assert (found["images"], found["people"], found["done"]) == (3, 3, 1)
    assert found["annotators"] == {"anna": {"edits": 1, "people": 1}, "ben": {"edits": 1, "people": 1}}
    size = project.person(number).bbox[2:].max()
    agree = project.agreement()
    assert agree["pairs"] == 1 and agree["mean"] == pytest.approx(3.0 / size)
    assert agree["keypoints"]["spine_03"] == pytest.approx(3.0 / size)


def test_users(tmp_path):
    project = project_with_people(tmp_path, 2)
    project.add_user("anna", "correct horse", "annotate")
    assert project.check_user("anna", "correct horse") == "annotate"
    assert project.check_user("anna", "wrong horse") is None and project.check_user("eve", "correct horse") is None
    assert b"correct horse" not in (tmp_path / "project" / "project.sqlite").read_bytes()
    for name, password, role in (
        ("b", "short", "annotate"),
        ("b", "long enough", "boss"),
        (" b", "long enough", "review"),
    ):
        with pytest.raises(ProjectError):
            project.add_user(name, password, role)
    with pytest.raises(ProjectError, match="may annotate, not review"):
        project.save(first_person(project), person(1), "anna", 0, status="reviewed")


def test_what_is_no_project_is_refused(tmp_path):
    with pytest.raises(ProjectError, match="no project"):
        open_project(tmp_path)
    (tmp_path / "project.sqlite").write_bytes(b"not a database at all, but long enough to look like one" * 20)
    with pytest.raises(ProjectError, match="not a project's database"):
        open_project(tmp_path)


def test_a_newer_project_and_other_keypoints_are_refused(tmp_path):
    create_project(tmp_path / "project", pictures(tmp_path / "photos", 1)).close()
    file = tmp_path / "project" / "project.sqlite"
    with sqlite3.connect(file) as raw:
        raw.execute("""UPDATE about SET value = '["nose"]' WHERE key = 'keypoints'""")
    with pytest.raises(ProjectError, match="other keypoints"):
        open_project(tmp_path / "project")
    with sqlite3.connect(file) as raw:
        raw.execute("PRAGMA user_version = 99")
    with pytest.raises(ProjectError, match="newer version"):
        open_project(tmp_path / "project")


_SAVER = """
import sys
sys.path.insert(0, {support!r})
from annotation_project import person
from synthgen.active.store import open_project
project = open_project({folder!r})
for i in range(100_000):
    print(project.save({number}, person(i), "anna", 10**9), flush=True)
"""


def test_killed_in_the_middle_nothing_acknowledged_is_lost(tmp_path):
    project = project_with_people(tmp_path, 2)
    number = first_person(project)
    support = str(Path(__file__).parents[1] / "support")
    code = _SAVER.format(support=support, folder=str(tmp_path / "project"), number=number)
    child = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    heard = [int(child.stdout.readline()) for _ in range(25)]  # then somewhere inside of the next save
    os.kill(child.pid, signal.SIGKILL)
    heard += [int(line) for line in child.stdout.read().split("\n")[:-1]]
    child.wait()
    child.stdout.close()
    kept = {r.id: r.points for r in project.history(number) if r.kind == "corrected"}
    assert set(heard) <= set(kept)
    for i, revision in enumerate(heard):
        assert np.array_equal(kept[revision], person(i))
    with sqlite3.connect(tmp_path / "project" / "project.sqlite") as raw:
        assert raw.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        assert raw.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    assert project.save(number, person(5), "anna", project.person(number).revision) > max(heard)


def test_every_connection_syncs_fully(tmp_path):
    project = project_with_people(tmp_path, 1)
    with project.reading() as connection:
        assert connection.execute(text("PRAGMA synchronous")).scalar() == 2
        assert connection.execute(text("PRAGMA foreign_keys")).scalar() == 1
