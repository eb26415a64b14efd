"""The checkpoint that ships, made trainable: it answers as before, also with the norms in training mode."""

import shutil
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("sqlalchemy")
pytest.importorskip("torch")
pytest.importorskip("onnx")

import onnx
import torch
from annotation_project import reviewed_project

from biomech.errors import AssetError
from synthgen.active import rounds
from synthgen.active.errors import ProjectError
from synthgen.active.reopen import reopen
from synthgen.spinepose.blazepose import blazepose_pack
from synthgen.spinepose.checkpoint import load_checkpoint
from synthgen.spinepose.estimator import METADATA, Estimator, default_weights


@pytest.fixture(scope="module", autouse=True)
def pack():
    try:
        return blazepose_pack()
    except AssetError as error:
        pytest.skip(str(error))


def crops(count: int, seed: int = 0) -> np.ndarray:
    """Smooth random pictures at the model's size."""
    rng = np.random.default_rng(seed)
    coarse = rng.integers(0, 255, (count, 16, 12, 3), np.uint8)
    return coarse.repeat(16, 1).repeat(16, 2)


def test_it_answers_as_before_and_hardly_otherwise_while_training(tmp_path):
    path = reopen(default_weights(), crops(24), tmp_path / "start.pt")
    assert [p.name for p in tmp_path.iterdir()] == ["start.pt"]
    new = crops(4, seed=1)
    given, wanted = Estimator(path).simcc(new), Estimator(default_weights()).simcc(new)
    for a, b in zip(given, wanted, strict=True):
        assert np.abs(a - b).max() < 1e-3
    model, meta = load_checkpoint(path)
    assert meta["arch"] == "blaze-full" and meta["origin"] == default_weights().name
    images = torch.from_numpy(np.ascontiguousarray(crops(24).transpose(0, 3, 1, 2))).float()
    norms = [m for name, m in model.named_modules() if name.endswith(("norm_wide", "norm_mix"))]
    assert len(norms) == 8
    with torch.no_grad():
        still = model.eval()(images).heatmaps
        for norm in norms:  # the others came out of the file as they were, and know nothing of such pictures
            norm.train()
        learning = model(images).heatmaps
    assert float((still - learning).abs().mean() / still.std()) < 0.02  # norms left at identity: 0.5 and more


def test_what_cannot_be_made_trainable_is_said(tmp_path):
    proto = onnx.load(str(default_weights()))
    about = next(p for p in proto.metadata_props if p.key == METADATA)
    whole = about.value
    about.value = whole.replace('"precision": "fp16"', '"precision": "int8"')
    onnx.save(proto, str(tmp_path / "int8.onnx"))
    about.value = whole
    del proto.graph.initializer[3]
    onnx.save(proto, str(tmp_path / "lacking.onnx"))
    for name, said in (("int8", "cannot be made trainable"), ("lacking", "lacks 1 weights")):
        with pytest.raises(ProjectError, match=f"{said}.*--init"):
            reopen(tmp_path / f"{name}.onnx", crops(2), tmp_path / "start.pt")
    assert not (tmp_path / "start.pt").exists()


def test_the_first_round_begins_with_the_shipped_checkpoint(tmp_path, monkeypatch):
    from synthgen.spinepose import train as training

    project = reviewed_project(tmp_path, 4)
    runs = []

    def pretend(config, resume_run, tell):
        runs.append(config)
        Path(config.out).mkdir(parents=True, exist_ok=True)
        shutil.copy(config.model.init, f"{config.out}/last.pt")

    monkeypatch.setattr(rounds, "measure", lambda weights, merged: {})
    monkeypatch.setattr(training, "train", pretend)
    rounds.run_round(project)
    start = tmp_path / "project" / "rounds" / rounds.START
    model = runs[0].model
    assert (model.init, model.arch, list(model.input_size)) == (str(start), "blaze-full", [192, 256])
    assert runs[0].schedule.lr < 2e-3 and start.is_file()
