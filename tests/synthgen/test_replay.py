"""OpenSim as the judge of a dataset: it finds the labelled vertebrae, and notices a model that is another."""

import re
import shutil

import pytest
from typer.testing import CliRunner

from synthgen.checks import validate
from synthgen.cli import app
from synthgen.config import load_config
from synthgen.dataset import read_dataset
from synthgen.render import render_dataset
from synthgen.replay import replay

SMALL = ["width=96", "height=64", "poses=8", "poses_per_subject=4", "assets=minimal", 'crowd.people={"2": 1}']


@pytest.fixture(scope="module")
def good(tmp_path_factory, assets):
    root = tmp_path_factory.mktemp("replay") / "d"
    render_dataset(load_config(None, SMALL), root, workers=0, quiet=True)
    return root


def test_opensim_finds_the_labelled_vertebrae(good):
    assert len(set(read_dataset(good).table()["subject"])) > 1
    assert list(replay(read_dataset(good))) == []
    assert validate(good, opensim=True) == []
    said = CliRunner().invoke(app, ["validate", str(good), "--opensim"])
    assert said.exit_code == 0 and "clean: 8 pictures" in said.output


def test_another_or_broken_model_is_named(good, tmp_path):
    root = tmp_path / "d"
    shutil.copytree(good, root)
    file = root / "subjects/000000.osim"
    text = file.read_text()
    pattern = re.compile(r'(name="T8_T9_parent".*?<translation>)[^<]*', re.DOTALL)
    file.write_text(pattern.sub(r"\g<1>0.002 0.01 0", text, count=1))
    (found,) = replay(read_dataset(root))
    assert re.fullmatch(r"annotation \d+: OpenSim puts the vertebrae of subjects/000000.osim [\d.]+ mm from .*", found)
    file.write_text("<OpenSimDocument/>")
    (found,) = replay(read_dataset(root))
    assert found.startswith("subjects/000000.osim does not load in OpenSim as a model of this project (")
