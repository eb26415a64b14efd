"""Training: it learns, resumes bit for bit, stops on NaN, and says when it sits on the plateau."""

import csv
import math
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="torch is not installed")

from people_on_disk import edit, write_set  # noqa: E402

from biomech.errors import ConfigError, DatasetError  # noqa: E402
from synthgen import settings  # noqa: E402
from synthgen.spinepose import train as loop  # noqa: E402
from synthgen.spinepose.checkpoint import load_checkpoint  # noqa: E402
from synthgen.spinepose.ema import Average  # noqa: E402
from synthgen.spinepose.errors import CheckpointError  # noqa: E402
from synthgen.spinepose.schedule import optimiser, rate_at, trunk_learns  # noqa: E402
from synthgen.spinepose.train import TrainingError, train  # noqa: E402
from synthgen.spinepose.train_config import ScheduleConfig, commented_yaml, load_train_config  # noqa: E402
from synthgen.spinepose.train_measure import plateau  # noqa: E402

ROOT = Path(__file__).parents[2]
CONFIGS = sorted((ROOT / "configs").glob("spinepose_*.yaml"))


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    root = tmp_path_factory.mktemp("sets")
    return {name: write_set(root / name, 16, seed=seed) for seed, name in enumerate(("train", "val"))}


def config(data, out, *more):
    fixed = [
        f"out={out}", "data.store=", "data.workers=0", f"data.sources.a.annotations={data['train']}",
        f"data.val.b.annotations={data['val']}", "model.arch=t", "model.input_size=[64,64]", "schedule.batch=4",
        "schedule.epochs=2", "schedule.late_epochs=1", "schedule.epoch_size=12", "schedule.warmup_steps=1",
        "schedule.lr=1e-3", "run.precision=fp32", "run.threads=1", "run.tensorboard=false", "run.log_every=2",
        "run.device=cpu", "loss.structure=0.1",
    ]  # fmt: skip
    return load_train_config(None, [*fixed, *more])


@pytest.fixture(scope="module")
def whole(data, tmp_path_factory):
    out = tmp_path_factory.mktemp("runs") / "whole"
    lines = []
    return train(config(data, out), tell=lines.append), lines


def weights(path):
    return load_checkpoint(path)[0].state_dict()


def figures(out):
    with open(out / "metrics.csv", newline="") as file:
        return [r for r in csv.DictReader(file) if r["kind"] == "b"]


def test_a_run_leaves_what_it_promises(whole, data):
    summary, lines = whole
    out = summary.out
    names = ("last.pt", "best.pt", "config.yaml", "metrics.csv", "overlays/first_batch.jpg", "overlays/epoch_0002.jpg")
    assert all((out / name).is_file() for name in names)
    _, meta = load_checkpoint(out / "last.pt")
    assert meta["step"] == 6 and len(meta["keypoint_names"]) == 37 == len(meta["sigmas"])
    assert set(meta["digests"]) == {"a"} and meta["people"] == {"a": 16}
    assert meta["config"] == settings.to_plain(config(data, out))
    with open(out / "metrics.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [r["step"] for r in rows if r["kind"] == "b"] == ["3", "6"]
    assert all(float(r["mean_pose_spine"]) > 0 for r in rows if r["kind"] == "b")
    assert any("left" in line for line in lines)
    assert load_train_config(out / "config.yaml") == config(data, out)  # the recorded settings are complete


def test_tensorboard_reads_the_figures_of_a_run(data, tmp_path):
    pytest.importorskip("tensorboard", reason="tensorboard is not installed")
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    out = train(config(data, tmp_path / "run", "run.tensorboard=true", "run.log_every=1", "schedule.epochs=1")).out
    events = EventAccumulator(str(out / "tensorboard")).Reload()
    with open(out / "metrics.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    for kind, name, count in (("train", "total", 3), ("train", "lr", 3), ("b", "mean_pose_spine", 1)):
        shown = [(e.step, e.value) for e in events.Scalars(f"{kind}/{name}")]
        written = [(int(r["step"]), float(r[name])) for r in rows if r["kind"] == kind]
        assert len(written) == count and np.allclose(shown, written, rtol=1e-5)


def test_resumed_training_continues_bit_for_bit(whole, data, tmp_path):
    train(config(data, tmp_path / "half"), stop_after=2)
    summary = train(config(data, tmp_path / "half"), resume_run=True)
    assert summary.steps == 6
    ours, theirs = weights(tmp_path / "half" / "last.pt"), weights(whole[0].out / "last.pt")
    assert all(torch.equal(ours[k], theirs[k]) for k in theirs)
    one, other = (figures(p)[-1] for p in (tmp_path / "half", whole[0].out))
    assert one == other  # the figures of the last epoch, too


def test_torch_s_random_numbers_go_on_where_they_stopped(data, tmp_path, monkeypatch):
    """No shipped model draws from torch while it learns; one with drop-out does, so each step draws a number here."""
    real, drawn = loop.total_loss, []

    def drawing(*args):
        drawn.append(torch.rand(1).item())
        return real(*args)

    monkeypatch.setattr(loop, "total_loss", drawing)
    train(config(data, tmp_path / "whole", "schedule.epochs=1"))
    whole = drawn.copy()
    assert len(set(whole)) == len(whole) == 3
    drawn.clear()
    train(config(data, tmp_path / "half", "schedule.epochs=1"), stop_after=1)
    torch.manual_seed(99)
    train(config(data, tmp_path / "half", "schedule.epochs=1"), resume_run=True)
    assert drawn == whole


def test_another_seed_is_another_run(whole, data, tmp_path):
    train(config(data, tmp_path / "s", "seed=1"), stop_after=1)
    ours, theirs = weights(tmp_path / "s" / "last.pt"), weights(whole[0].out / "last.pt")
    assert any(not torch.equal(ours[k], theirs[k]) for k in theirs)


def test_what_may_not_be_resumed(whole, data, tmp_path):
    out = whole[0].out
    with pytest.raises(ConfigError, match="holds a run already"):
        train(config(data, out))
    with pytest.raises(ConfigError, match=r"schedule\.lr: 0\.001 then, 0\.002 now"):
        train(config(data, out, "schedule.lr=2e-3"), resume_run=True)
    with pytest.raises(CheckpointError, match="nothing to resume"):
        train(config(data, tmp_path / "none"), resume_run=True)
    assert train(config(data, out, "run.log_every=1", "data.workers=0"), resume_run=True).steps == 6  # these may differ


def test_resume_notices_other_annotations(data, tmp_path):
    path = write_set(tmp_path / "set", 8)
    mine = {"train": path, "val": data["val"]}
    train(config(mine, tmp_path / "run"), stop_after=1)

    def shift(d):
        d["annotations"][0]["keypoints"][0] += 1

    edit(path, shift)
    with pytest.raises(DatasetError, match="source 'a' holds other annotations"):
        train(config(mine, tmp_path / "run"), resume_run=True)


def test_nan_loss_stops_with_the_batch_saved(data, tmp_path, monkeypatch):
    real, calls = loop.total_loss, []

    def spoiled(*args):
        loss, terms = real(*args)
        calls.append(1)
        return (loss * math.nan if len(calls) == 2 else loss), terms

    monkeypatch.setattr(loop, "total_loss", spoiled)
    with pytest.raises(TrainingError, match="loss of step 1 is not a number"):
        train(config(data, tmp_path / "run", "run.log_every=1"))
    with open(tmp_path / "run" / "metrics.csv", newline="") as file:
        assert [r["step"] for r in csv.DictReader(file)] == ["1"]  # what went before is written down
    held = torch.load(tmp_path / "run" / "bad_batch.pt")
    assert held["step"] == 1 and held["images"].shape == (4, 3, 64, 64) and held["people"][0][0] == "a"


def test_the_model_learns_what_it_sees(data, tmp_path):
    off = [f"augment.{k}=0" for k in ("flip", "half_body", "rotation_share", "shift_share", "dropout", "occluder")]
    fast = [
        "schedule.epochs=20",
        "schedule.epoch_size=16",
        "schedule.batch=8",
        "schedule.late_epochs=0",
        "augment.scale=[1,1]",
    ]
    lines: list[str] = []
    train(config(data, tmp_path / "r", *off, *fast, "evaluation.every=20"), tell=lines.append)
    with open(tmp_path / "r" / "metrics.csv", newline="") as file:
        losses = [float(r["total"]) for r in csv.DictReader(file) if r["kind"] == "train"]
    assert np.mean(losses[-3:]) < 0.7 * np.mean(losses[:3])


def test_the_plateau_is_told_by_the_mean_pose():
    good = {"spine": 0.02, "mean_pose_spine": 0.14, "error": 0.03, "mean_pose_error": 0.15}
    assert plateau("x", good) == []
    (warning,) = plateau("x", good | {"spine": 0.13})
    assert "mean-pose plateau" in warning and "0.130" in warning and "0.140" in warning
    nan = float("nan")  # a set without spine labels is judged by all points
    assert plateau("x", good | {"spine": nan, "mean_pose_spine": nan}) == []
    assert plateau("x", {"spine": nan, "mean_pose_spine": nan, "error": 0.14, "mean_pose_error": 0.15})


def test_the_learning_rate():
    c = ScheduleConfig(warmup_steps=10, warmup_start=0.1, flat_share=0.5, final_lr=0.05)
    rates = [rate_at(s, 100, c) for s in range(100)]
    assert rates[0] == pytest.approx(0.1) and rates[10] == rates[49] == 1 and rates[-1] == pytest.approx(0.05)
    assert np.all(np.diff(rates[:11]) > 0) and np.all(np.diff(rates[50:]) <= 0)
    assert not trunk_learns(59, 100, ScheduleConfig(frozen_share=0.6)) and trunk_learns(
        60, 100, ScheduleConfig(frozen_share=0.6)
    )
    assert not trunk_learns(99, 100, ScheduleConfig(frozen_share=1.0))


def test_norms_and_biases_do_not_decay_and_the_trunk_has_its_rate():
    from synthgen.spinepose.model import build_model

    model = build_model("t", 37, (64, 64))
    groups = optimiser(model, ScheduleConfig(lr=1e-3, trunk_lr=1e-4, weight_decay=0.05)).param_groups
    assert sum(len(g["params"]) for g in groups) == len(list(model.parameters()))
    assert {(g["base_lr"], g["weight_decay"]) for g in groups} == {(1e-3, 0.05), (1e-3, 0), (1e-4, 0.05), (1e-4, 0)}
    assert all(p.ndim > 1 for g in groups for p in g["params"] if g["weight_decay"])


def test_the_average_follows():
    model = torch.nn.Linear(2, 2)
    average = Average(model, 0.01)
    with torch.no_grad():
        model.weight.fill_(1.0)
    for _ in range(300):
        average.update(model)
    assert torch.allclose(average.model.weight, model.weight, atol=1e-3) and average.model is not model
    assert Average(model, 0).model is model


@pytest.mark.parametrize("path", CONFIGS, ids=lambda p: p.stem)
def test_shipped_configs_are_complete_and_commented(path):
    text = path.read_text()
    read = load_train_config(path)
    about = "\n".join(line.removeprefix("# ").removeprefix("#") for line in text.split("\n\n")[0].splitlines())
    assert commented_yaml(read, about) == text
    assert read.model.arch.removeprefix("blaze-") in (path.stem.split("_")[1], "full")


def test_there_are_six_recipes():
    assert [p.stem for p in CONFIGS] == [f"spinepose_{s}" for s in ("blaze", "l", "m", "s", "t", "x")]


def test_settings_are_strict():
    with pytest.raises(ConfigError, match="schedule.lrr.*did you mean 'lr'"):
        load_train_config(None, ["schedule.lrr=1"])
    with pytest.raises(ConfigError, match="multiples of 32"):
        load_train_config(None, ["model.input_size=[100,128]"])
    with pytest.raises(ConfigError, match=r"data\.sources\.a\.weight"):
        load_train_config(None, ["data.sources.a.weight=-1"])
    with pytest.raises(ConfigError, match="'data.use' is real"):
        load_train_config(None, ["data.sources.a.annotations=x", "data.use=real"]).training_sources()
    with pytest.raises(ConfigError, match="model.arch"):
        load_train_config(None, ["model.arch=xxl"])
