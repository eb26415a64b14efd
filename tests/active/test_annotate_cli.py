"""The commands: one sentence for every mistake, and what a user sees on the way round."""

import json

from annotation_project import FakeProposer, person, pictures
from typer.testing import CliRunner

from synthgen.active.propose import propose
from synthgen.active.store import open_project
from synthgen.cli import app
from synthgen.cli_annotate import round_lines


def run(*words: object):
    return CliRunner().invoke(app, ["annotate", *map(str, words)])


def test_from_init_to_merge(tmp_path):
    project = tmp_path / "project"
    said = run("init", project, "--images", pictures(tmp_path / "photos", 6))
    assert said.exit_code == 0 and "6 new pictures, 6 in all" in said.output
    propose(open_project(project), FakeProposer())
    said = run("select", project, "--budget", 3)
    assert said.exit_code == 0 and "3 people queued" in said.output and "person" in said.output
    out = tmp_path / "queue.json"
    assert "3 people" in run("export", project, out).output
    assert "3 people taken over, 0 of them new" in run("import", project, out, "--by", "anna").output
    said = run("merge", project)
    assert said.exit_code == 0 and "train: " in said.output
    data = json.loads((project / "merged" / "person_keypoints_train.json").read_text())
    assert data["annotations"][0]["provenance"]["kinds"][0] in ("imported", "accepted")
    said = run("status", project)
    assert "6 pictures, 6 people, 3 queued so far" in said.output and "3 corrected" in said.output


def test_mistakes_end_in_one_sentence_and_exit_code_2(tmp_path):
    photos, project = pictures(tmp_path / "photos", 1), tmp_path / "project"
    run("init", project, "--images", photos)
    for words, part in (
        (("init", tmp_path / "x", "--images", tmp_path / "nowhere"), "no folder, video or COCO"),
        (("init", photos, "--images", photos), "project and source at once"),
        (("init", project, "--images", photos, "--hold-out", "2"), "0 to below 1"),
        (("status", tmp_path / "nothing"), "begin one with"),
        (("select", project, "--budget", "3"), "run 'synthgen annotate propose'"),
        (("merge", project), "nobody has been corrected"),
        (("round", project), "nobody has been corrected"),
        (("propose", project, "--teacher", "huge"), "allowed: heavy"),
        (("export", project, tmp_path / "x.json", "--format", "yolo"), "allowed: coco"),
        (("import", project, tmp_path / "no.json", "--by", "a"), "cannot be read"),
    ):
        said = run(*words)
        assert said.exit_code == 2 and part in said.output and "Traceback" not in said.output, (words, said.output)
        assert len(said.output.strip().splitlines()) == 1


def test_the_table_of_rounds_marks_what_was_not_measured():
    lines = round_lines([{"round": 1, "people": 5, "held_people": 0}, {"round": 2, "people": 9, "spine_ap": 0.51234}])
    assert lines[1].split()[:4] == ["1", "5", "0", "-"] and "0.512" in lines[2]
    assert person(0).shape == (37, 4) and round_lines([]) == []
