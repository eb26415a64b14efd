"""`synthgen plausibility`: datasets, motions and folders of them; exit codes; one sentence per bad input."""

import json
import re

import fake_source
import numpy as np
import pytest
from typer.testing import CliRunner

from biomech.anatomy import COORDINATES, SPINE_SLICE
from biomech.motion import write_mot
from biomech.rhythm import distribute
from synthgen.cli import app
from synthgen.config import Config, with_values
from synthgen.render import render_dataset
from synthgen.review import read_material


@pytest.fixture(autouse=True)
def plain_figures(monkeypatch):
    """Plots take seconds and are tested with the page."""
    import collections

    import synthgen.report_figures

    monkeypatch.setattr(synthgen.report_figures, "figures", lambda report: collections.defaultdict(str))


def bow(frames=60, rate=50.0):
    times = np.arange(frames) / rate
    targets = np.zeros((frames, 9))
    targets[:, 0] = np.radians(-12 + 12 * np.cos(2 * times))
    q = np.zeros((frames, len(COORDINATES)))
    q[:, SPINE_SLICE] = distribute(targets)
    return times, q


def write(path, times, q, names=COORDINATES):
    write_mot(path, times, names, q)
    return path


def run(*words):
    return CliRunner().invoke(app, ["plausibility", *map(str, words)])


def one_sentence(result):
    lines = [line for line in result.output.splitlines() if line.strip()]
    assert result.exit_code == 2 and len(lines) == 1 and lines[0].startswith("error: "), result.output
    return lines[0]


def test_a_sound_motion(tmp_path):
    result = run(write(tmp_path / "bow.mot", *bow()), "--html", tmp_path / "out" / "page.html")
    assert result.exit_code == 0, result.output
    assert len(result.output.splitlines()) == 11 and "1 motion" in result.output
    data = json.loads((tmp_path / "out" / "page.json").read_text())
    assert data["report"]["motion"] and data["report"]["clips"][0]["usable"] and len(data["input"]["sha256"]) == 64


def test_a_broken_limit_is_exit_code_one_and_named(tmp_path):
    times, q = bow()
    q[20, COORDINATES.index("L4_L5_FE")] = np.radians(-40)
    path = write(tmp_path / "bad.mot", times, q)
    result = run(path, "--html", tmp_path / "page.html", "--json", tmp_path / "numbers.json", "--quiet")
    assert result.exit_code == 1 and "L4_L5_FE -40 deg, limit -17.8" in result.output
    assert json.loads((tmp_path / "numbers.json").read_text())["report"]["hard"][0]["where"] == "bad.mot at 0.400 s"


def test_the_default_page_stands_beside_the_input_else_here(tmp_path, monkeypatch):
    here, clips = tmp_path / "here", tmp_path / "clips"
    here.mkdir()
    clips.mkdir()
    write(clips / "bow.mot", *bow())
    monkeypatch.chdir(here)
    shown = run("../clips/bow.mot")
    assert shown.exit_code == 0 and shown.output.splitlines()[-1] == "../clips/bow.plausibility.html"
    assert run("../clips").exit_code == 0
    pages = {"bow.plausibility.html", "bow.plausibility.json", "plausibility.html", "plausibility.json"}
    assert {p.name for p in clips.iterdir()} == pages | {"bow.mot"} and not list(here.iterdir())
    clips.chmod(0o555)
    try:
        assert run("../clips").exit_code == 0
    finally:
        clips.chmod(0o755)
    assert sorted(p.name for p in here.iterdir()) == ["clips.plausibility.html", "clips.plausibility.json"]


def test_a_page_that_cannot_be_written_is_said_before_the_work(tmp_path, monkeypatch):
    path = write(tmp_path / "bow.mot", *bow())
    monkeypatch.setattr("synthgen.review.read_material", lambda *a: pytest.fail("read the input first"))
    said = one_sentence(run(path, "--html", path / "page.html", "--json", tmp_path / "n.json"))
    assert "bow.mot is no folder" in said and "can be written" in said
    assert "it is a folder" in one_sentence(run(path, "--html", tmp_path / "p.html", "--json", tmp_path))
    assert [p.name for p in tmp_path.iterdir()] == ["bow.mot"]


def test_a_folder_goes_on_past_a_bad_file_and_lists_it(tmp_path):
    folder = tmp_path / "clips"
    folder.mkdir()
    write(folder / "a.mot", *bow())
    write(folder / "b.sto", *bow(80))
    (folder / "c.mot").write_text("no motion at all\n")
    (folder / "notes.txt").write_text("not looked at")
    result = run(folder, "--html", tmp_path / "page.html")
    assert result.exit_code == 2 and "2 motions" in result.output
    assert re.search(r"error: not read: .*c\.mot", result.output) and "notes" not in result.output
    data = json.loads((tmp_path / "page.json").read_text())
    assert data["report"]["poses"] == 140 and "c.mot" in data["input"]["not read"]
    assert [c["name"] for c in data["report"]["clips"]] == ["a.mot", "b.sto"]


def test_a_motion_too_fast_names_the_published_maximum(tmp_path):
    times, q = bow()
    result = run(write(tmp_path / "fast.mot", times / 8.0, q))
    assert result.exit_code == 0
    assert re.search(r"lumbar_FE turns faster than published: \d+ deg/s in fast.mot \(at most 130\)", result.output)


def test_single_poses_in_a_file_are_no_motion(tmp_path):
    result = run(write(tmp_path / "poses.mot", *bow(rate=1.0)), "--html", tmp_path / "page.html")
    assert result.exit_code == 0 and "not a motion" in result.output


def test_coordinates_left_out_are_noted(tmp_path):
    times, q = bow()
    names = [name for name in COORDINATES if name.endswith("_FE")]
    rows = [COORDINATES.index(name) for name in names]
    found = read_material(write(tmp_path / "spine.mot", times, q[:, rows], tuple(names)))
    assert "coordinates are not in the file" in found.evidence.notes[0]
    np.testing.assert_allclose(found.poses.q[:, rows], q[:, rows], atol=1e-9)


def test_a_profile_changes_the_judge(tmp_path):
    times, q = bow()
    q[:, COORDINATES.index("L5_S1_FE")] = np.radians(-15.0)
    path = write(tmp_path / "bow.mot", times, q)
    assert run(path, "--html", tmp_path / "page.html").exit_code == 0
    result = run(path, "--html", tmp_path / "page.html", "--profile", "elder")
    assert result.exit_code == 1 and "L5_S1_FE" in result.output
    assert "unknown profile 'giant'" in one_sentence(run(path, "--profile", "giant"))


def test_a_dataset_and_its_report_are_one_thing(tmp_path):
    config = with_values(Config(), poses=4, width=64, height=48, poses_per_subject=4)
    root = render_dataset(config, tmp_path / "data", workers=0, source=fake_source.SOURCE).root
    result = run(root)
    assert result.exit_code == 0 and "not a motion" in result.output
    first = (root / "report" / "plausibility.html").read_bytes()
    assert CliRunner().invoke(app, ["report", str(root)]).exit_code == 0
    assert (root / "report" / "plausibility.html").read_bytes() == first
    (root / "dataset.json").unlink()
    assert "holds no synthgen dataset (no dataset.json)" in one_sentence(run(root))


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("gone.mot", None, "no file"),
        ("picture.png", "x", "no motion file; allowed: .mot"),
        ("cut.mot", "poses\nnRows=3\n", "endheader"),
        ("empty.mot", "a\nendheader\ntime\tL5_S1_FE\n", "no frame"),
        ("gap.mot", "a\ninDegrees=yes\nendheader\ntime\tL5_S1_FE\n0\t1\n1\tnan\n", "nan"),
        ("back.mot", "a\ninDegrees=yes\nendheader\ntime\tL5_S1_FE\n1\t1\n0\t1\n", "do not increase"),
        ("strange.mot", "a\ninDegrees=yes\nendheader\ntime\tangle_of_the_moon\n0\t1\n1\t1\n", "strange.mot"),
    ],
)
def test_bad_input_is_one_sentence(tmp_path, name, text, said):
    if text is not None:
        (tmp_path / name).write_text(text)
    assert said in one_sentence(run(tmp_path / name))


def test_a_folder_with_nothing_in_it(tmp_path):
    assert "neither a finished dataset nor motion files" in one_sentence(run(tmp_path))
    (tmp_path / "a.mot").write_text("x")
    (tmp_path / "b.mot").write_text("y")
    assert "none of the 2 motion files" in one_sentence(run(tmp_path))


def test_rom_table_lists_every_level():
    import rom_table

    from biomech.plausibility import assess

    report = assess(read_batch(), None)
    lines = rom_table.table(report).splitlines()
    assert len(lines) == 2 + 75 + 9 and lines[2].startswith("| C0-C1 | AR |")
    row = next(line for line in lines if line.startswith("| L4-L5 | FE"))
    assert "16 (9 to 21)" in row and "13 ± 4 (5 to 21) [secondary]" in row and row.endswith("| 0 |")


def read_batch():
    from biomech.activities import PoseBatch

    _, q = bow()
    return PoseBatch(q, COORDINATES, ("bow",) * len(q))
