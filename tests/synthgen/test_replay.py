"""OpenSim as the judge of a dataset: it finds the labelled vertebrae, and notices a model that is another."""

import re
import shutil
from types import SimpleNamespace

import numpy as np
import pytest
from typer.testing import CliRunner

from biomech.anatomy import VERTEBRAE
from synthgen import replay as judge
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
    swapped = {"pelvis_tx": "pelvis_tz", "pelvis_tz": "pelvis_tx"}
    file.write_text(re.sub("pelvis_t[xz]", lambda name: swapped[name[0]], text))
    (found,) = replay(read_dataset(root))
    assert "as a model of this project (OpenSim lists " in found and "in another order" in found
    subjects = np.unique(read_dataset(root).table()["subject"])
    for subject in subjects:
        (root / f"subjects/{subject:06d}.osim").write_text("<OpenSimDocument/>")
    found = list(replay(read_dataset(root)))
    assert len(found) == len(subjects) > 1  # one that does not load keeps nobody else from being replayed
    for subject, sentence in zip(subjects, found, strict=True):
        stem = f"subjects/{subject:06d}.osim does not load in OpenSim as a model of this project ("
        assert sentence.startswith(stem)


def test_the_worst_label_of_each_person_is_named_with_its_distance(good):
    told = read_dataset(good).table()
    numbers, subjects = told["annotation_id"].tolist(), told["subject"].tolist()

    def found_where(moves):
        table = {**told, "vertebrae_world": told["vertebrae_world"].copy()}
        for row, vertebra, axis, metres in moves:
            table["vertebrae_world"][row, vertebra, axis, 3] += metres
        return list(replay(SimpleNamespace(root=good, table=lambda: table)))

    def sentence(row, millimetres):
        model = f"subjects/{subjects[row]:06d}.osim"
        return f"annotation {numbers[row]}: OpenSim puts the vertebrae of {model} {millimetres} mm from their labels"

    for row in range(len(numbers)):
        assert found_where([(row, row % len(VERTEBRAE), row % 3, -0.02)]) == [sentence(row, "20.00")]
    assert found_where([(3, 0, 1, 1e-4)]) == [sentence(3, "0.10")]  # one number of all, by a tenth of a millimetre
    assert found_where([(3, 0, 1, np.nan)]) == [sentence(3, "nan")]
    last = [row for row, subject in enumerate(subjects) if subject == subjects[-1]]
    assert found_where([(row, 5, 2, 0.01) for row in last] + [(last[1], 9, 0, 0.03)]) == [sentence(last[1], "30.00")]
    everybody = found_where([(row, 0, 0, 0.01) for row in range(len(numbers))])
    assert len(everybody) == len(set(subjects))


def test_as_many_people_as_asked_are_replayed_spread_evenly(good, monkeypatch):
    told, loaded = read_dataset(good).table(), []

    def load(text):
        loaded.append(text)
        raise RuntimeError("not this time")

    monkeypatch.setattr(judge, "OpenSimHandle", load)
    monkeypatch.setattr(judge, "MOST", 3)
    rows = np.arange(7) % len(told["subject"])
    table = {name: column[rows] for name, column in told.items()}
    table["subject"] = np.arange(10, 17)

    class Folder:
        def __truediv__(self, name):
            return SimpleNamespace(read_text=lambda encoding: name)

    found = list(replay(SimpleNamespace(root=Folder(), table=lambda: table)))
    assert loaded == [f"subjects/{subject:06d}.osim" for subject in (10, 13, 16)] and len(found) == 3


def test_validate_tells_what_opensim_finds_only_where_it_is_asked(good, monkeypatch):
    monkeypatch.setattr("synthgen.checks.replay", lambda dataset: iter([f"{dataset.root.name} moved"]))
    assert validate(good) == [] and validate(good, opensim=True) == ["d moved"]
    said = CliRunner().invoke(app, ["validate", str(good), "--opensim"])
    assert said.exit_code == 1 and "problem: d moved" in said.output
    assert CliRunner().invoke(app, ["validate", str(good)]).exit_code == 0
