"""Every failure is one sentence and exit code 2; a run ends with a table."""

import errno
import functools
import os
import re
import subprocess
import sys
from pathlib import Path

import fake_source
import pytest
from typer.testing import CliRunner

import synthgen.render
import synthgen.review
from synthgen import __version__, pool
from synthgen.cli import app
from synthgen.review import Verdict

ROOT = Path(__file__).parents[2]


@pytest.fixture
def run(monkeypatch, tmp_path):
    """Runs a command line against the fake source and a made-up verdict; returns (exit code, all output)."""
    original = synthgen.render.render_dataset
    verdict = Verdict(0, 0.01, "", Path("report/report.html"))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(synthgen.render, "render_dataset", functools.partial(original, source=fake_source.SOURCE))
    monkeypatch.setattr(synthgen.render, "resolve_assets", lambda config: (config, "", ""))
    monkeypatch.setattr(synthgen.review, "review", lambda root: verdict)

    def call(*arguments: str) -> tuple[int, str]:
        result = CliRunner().invoke(app, [str(a) for a in arguments])
        assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
        return result.exit_code, result.output

    return call


SMALL = ("--poses", "8", "--size", "64x48", "--workers", "0")


def test_render_validate_inspect(run, tmp_path):
    command = ("render", *SMALL, "--out", tmp_path / "d", "--seed", "3", "--set", "poses_per_subject=2")
    code, text = run(*command)
    assert code == 0, text
    for words in ("8 (train", "4 subjects", "images/s", "0 beyond hard", "digest"):
        assert words in text, text
    assert run("validate", tmp_path / "d", "--quiet") == (0, "")
    code, text = run("inspect", tmp_path / "d", "--count", "3")
    assert code == 0 and Path(text.strip()).is_file()
    assert run(*command, "--quiet") == (0, "")


def test_validate_exits_1_and_names_the_problem(run, tmp_path):
    run("render", *SMALL, "--out", tmp_path / "d")
    next((tmp_path / "d/images").rglob("*.jpg")).unlink()
    code, text = run("validate", tmp_path / "d")
    assert code == 1 and "problem: images/" in text and "is missing" in text


def test_dry_run_writes_nothing(run, tmp_path):
    command = ("render", "--poses", "1000", "--out", tmp_path / "d", "--dry-run", "--set", "poses_per_subject=4")
    code, text = run(*command)
    assert code == 0 and "1000 of 640x480, 0 already finished" in text and "disk needed" in text
    assert re.search(r"subjects +250 \(train 225, val 25\)", text)
    assert not (tmp_path / "d").exists()


def test_hard_violation_exits_1(run, tmp_path, monkeypatch):
    bad = Verdict(1, 0.01, "L4_L5_FE 40 deg, limit 20", Path("report.html"))
    monkeypatch.setattr(synthgen.review, "review", lambda root: bad)
    code, text = run("render", *SMALL, "--out", tmp_path / "d")
    assert code == 1 and "L4_L5_FE 40 deg" in text


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("--set", "people.agee=[1,2]"), "unknown key 'people.agee'; did you mean 'age'?"),
        (("--set", "people.age=[50,20]"), "an empty range"),
        (("--set", "width=wide"), "must be a whole number"),
        (("--poses", "0"), "'poses' is 0; allowed: 1 to"),
        (("--poses", "-3"), "'poses' is -3"),
        (("--size", "640"), "--size is '640'; write width x height"),
        (("--size", "5x5"), "'width' is 5; allowed: 32 to 4096"),
        (("--assets", "some"), "'assets' is \"some\""),
        (("--config", "absent.yaml"), "cannot read the config file absent.yaml"),
        (("--workers", "-1"), "--workers is -1; allowed: 0 to 10000"),
        (("--seed", "-1"), "'seed' is -1"),
    ],
)
def test_wrong_requests(run, tmp_path, arguments, sentence):
    code, text = run("render", "--out", tmp_path / "d", *arguments)
    assert code == 2 and sentence in text and "Traceback" not in text
    assert text.startswith("error: ") and not (tmp_path / "d").exists()


def test_wrong_types_are_refused_by_the_parser(run):
    code, text = run("render", "--poses", "many")
    assert code == 2 and "--poses" in text and "Traceback" not in text


def test_other_config_in_the_same_folder(run, tmp_path):
    assert run("render", *SMALL, "--out", tmp_path / "d")[0] == 0
    code, text = run("render", *SMALL, "--out", tmp_path / "d", "--seed", "4")
    assert code == 2 and "seed: 0 there, 4 now" in text
    assert run("render", *SMALL, "--out", tmp_path / "d", "--seed", "4", "--fresh")[0] == 0


def test_worker_errors_go_to_the_log(run, tmp_path, monkeypatch):
    monkeypatch.setenv("FAKE_RAISE", "1")
    command = ("render", "--poses", "8", "--size", "64x48", "--workers", "1", "--out", tmp_path / "d")
    code, text = run(*command)
    assert code == 2 and "sample 1: ArithmeticError: the spine is a circle" in text and "Traceback" not in text
    log = tmp_path / "d/logs/error.log"
    assert str(log) in text.replace("\n", "") and "Traceback" in log.read_text()
    assert "Traceback" in run(*command, "--debug")[1]
    monkeypatch.delenv("FAKE_RAISE")
    assert run(*command)[0] == 0


def test_no_log_in_a_folder_that_is_not_ours(run, tmp_path, monkeypatch):
    def broken(*_, **__):
        raise ArithmeticError("boom")

    monkeypatch.setattr(synthgen.render, "render_dataset", broken)
    code, text = run("render", *SMALL, "--out", tmp_path)
    assert code == 2 and "unexpected ArithmeticError: boom" in text and not (tmp_path / "logs").exists()


def test_full_disk_in_the_middle(run, tmp_path, monkeypatch):
    def full(*_, **__):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(pool, "write_shard", full)
    code, text = run("render", *SMALL, "--out", tmp_path / "d")
    assert code == 2 and "the disk is full; what is finished stays" in text


def test_missing_library(run, tmp_path, monkeypatch):
    def missing(*_):
        raise ModuleNotFoundError("No module named 'opensim'")

    monkeypatch.setattr(pool, "write_shard", missing)
    code, text = run("render", *SMALL, "--out", tmp_path / "d")
    assert code == 2 and "a library is missing or broken: No module named 'opensim'" in text


def test_interrupt_tells_how_to_go_on(run, tmp_path, monkeypatch):
    def interrupt(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(pool, "run", interrupt)
    code, text = run("render", *SMALL, "--out", tmp_path / "d")
    assert code == 130 and "0 of 8 pictures are finished and kept. Run the same command again" in text


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_unwritable_folder(run, tmp_path):
    (tmp_path / "d").mkdir(mode=0o500)
    code, text = run("render", *SMALL, "--out", tmp_path / "d")
    assert code == 2 and "choose another folder with --out" in text


def test_missing_datasets(run, tmp_path):
    for command in ("validate", "inspect"):
        code, text = run(command, tmp_path / "absent")
        assert code == 2 and "there is no folder" in text


def test_version_and_help(run):
    assert run("--version") == (0, f"synthgen {__version__}\n")
    for command in ("render", "inspect", "validate", "report"):
        assert run(command, "--help")[0] == 0


def test_start_is_quick_and_draws_nothing_heavy_in():
    code = "import sys, synthgen.cli; print([m for m in ('opensim', 'cv2', 'scipy', 'pyrender') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
