"""What `synthgen status` says of a dataset: before, during, after; alive or dead."""

import json
import os
import time

import pytest
from fake_source import SOURCE
from typer.testing import CliRunner

from biomech.errors import DatasetError
from synthgen import folder, journal
from synthgen.cli import app
from synthgen.config import Config, with_values
from synthgen.journal import KEPT, Journal, read_progress
from synthgen.render import render_dataset
from synthgen.shards import plan, write_shard
from synthgen.status import SILENT, status, status_lines
from synthgen.store import store_at


@pytest.fixture
def config():
    return with_values(Config(), poses=12, width=64, height=48, poses_per_subject=2, shard_size=4)


@pytest.fixture
def begun(config, tmp_path):
    """A run that has finished one shard, runs another, and has seen a third fail."""
    folder.claim(tmp_path, folder.identity(config, ""), fresh=False)
    import fake_source

    shards = plan(config)
    write_shard(tmp_path, config, shards[0], lambda index: fake_source.make_sample(config, {"opened": True}, index))
    told = Journal.begun(store_at(tmp_path), "ray", 3, every=0.0)
    told.given(shards[0], "far:1")
    told.done(shards[0], "far:1")
    told.progress(len(shards[0]))
    told.given(shards[1], "far:2")
    told.given(shards[2], "far:3")
    told.failed_at(shards[2], "far:3", "sample 5: it broke", "Traceback\n  line\nValueError: it broke")
    return tmp_path, told, shards


def test_a_living_run(begun):
    root, _, shards = begun
    found = status(root)
    assert (found.state, found.done, found.total, found.executor) == ("running", len(shards[0]), 12, "ray")
    assert [one.state for one in found.shards][:3] == ["finished", "running", "failed"]
    assert found.count("waiting") == len(shards) - 3
    assert found.rate > 0 and found.eta is not None and found.eta > 0
    text = "\n".join(status_lines(found))
    for words in (
        "running, rendering",
        "2 of 12 (16.7%)",
        "far:2 for 0 s",
        "sample 5: it broke",
        "| ValueError: it broke",
    ):
        assert words in text, text
    assert "shard 00004" not in text and "shard 00004" in "\n".join(status_lines(found, every_shard=True))


def rewrite(root, **changes):
    path = root / journal.PROGRESS
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))


def test_a_run_that_died_is_not_taken_for_alive(begun):
    root, _, _ = begun
    process = os.fork()
    if process == 0:
        os._exit(0)
    os.waitpid(process, 0)
    rewrite(root, process=process)  # of this machine, and gone
    found = status(root)
    assert found.state == "stopped" and "died without a word" in found.said and found.count("running") == 0
    assert found.failures[0].log[-1] == "ValueError: it broke"
    rewrite(root, host="elsewhere", time=time.time())
    assert status(root).state == "running"
    rewrite(root, host="elsewhere", time=time.time() - 2 * SILENT)
    assert status(root).state == "stopped"


def test_a_run_that_ended_says_why(begun):
    root, told, _ = begun
    told.end("failed: sample 5: it broke")
    found = status(root)
    assert found.state == "stopped" and found.said.startswith("failed: sample 5: it broke")
    told.end("every shard is finished")
    assert status(root).said == "merging"


def test_the_next_run_remembers_failures_but_not_for_ever(begun):
    root, _, shards = begun
    told = Journal.begun(store_at(root), "local", None, every=0.0)
    assert told.runs == 2 and told.failures[0]["reason"] == "sample 5: it broke"
    for k in range(KEPT + 5):
        told.failed_at(None, "nobody", f"try {k}")
    found = status(root)
    assert len(found.failures) == KEPT and found.failures[-1].reason == f"try {KEPT + 4}" and found.runs == 2


def test_spoilt_and_missing_files(begun, tmp_path_factory):
    root, _, _ = begun
    for text in ("", "{", "[]", '{"time": 1}'):
        (root / journal.PROGRESS).write_text(text)
        assert read_progress(store_at(root)) is None
        found = status(root)
        assert found.state == "stopped" and found.done == 2 and "run the same command again" in found.said
    with pytest.raises(DatasetError, match="holds no synthgen dataset"):
        status(tmp_path_factory.mktemp("empty"))


def test_the_command(config, tmp_path):
    render_dataset(config, tmp_path / "d", workers=0, source=SOURCE)
    result = CliRunner().invoke(app, ["status", str(tmp_path / "d")])
    assert result.exit_code == 0 and "finished, digest" in result.output and "12 of 12 (100.0%)" in result.output
    data = json.loads(CliRunner().invoke(app, ["status", str(tmp_path / "d"), "--json"]).output)
    assert data["state"] == "finished" and data["total"] == 12
    result = CliRunner().invoke(app, ["status", str(tmp_path / "nothing")])
    assert result.exit_code == 2 and "holds no synthgen dataset" in result.output
