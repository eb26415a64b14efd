"""What a user gets for bad input on the command line: exit code 2 and one sentence that says what to do."""

import json

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="torch is not installed")

from people_on_disk import edit, write_set  # noqa: E402
from typer.testing import CliRunner  # noqa: E402

from synthgen.cli import app  # noqa: E402
from synthgen.keypoints import spinetrack  # noqa: E402
from synthgen.spinepose.checkpoint import save_checkpoint  # noqa: E402
from synthgen.spinepose.model import build_model  # noqa: E402

TINY = (
    "data.store=", "data.workers=0", "model.arch=t", "model.input_size=[64,64]", "model.heatmaps=false",
    "schedule.batch=4", "schedule.epochs=1", "schedule.late_epochs=0", "schedule.epoch_size=8",
    "schedule.warmup_steps=0", "run.precision=fp32", "run.threads=1", "run.tensorboard=false", "run.device=cpu",
)  # fmt: skip


@pytest.fixture(scope="module")
def people(tmp_path_factory):
    return write_set(tmp_path_factory.mktemp("set") / "good", 8)


def fails(*arguments, code=2):
    """The sentence a command ends with."""
    done = CliRunner().invoke(app, [str(a) for a in arguments])
    assert done.exit_code == code, done.output
    lines = [line for line in done.output.splitlines() if line.startswith("error: ")]
    assert len(lines) == 1, done.output
    assert "Traceback" not in done.output and "unexpected" not in lines[0]
    return lines[0]


def train(annotations, tmp_path, *more):
    return ("train", *TINY, f"data.sources.a.annotations={annotations}", f"out={tmp_path / 'run'}", *more)


def test_missing_keypoints(tmp_path):
    def without(data):
        for a in data["annotations"]:
            del a["keypoints"]

    said = fails(*train(edit(write_set(tmp_path / "a", 4), without), tmp_path))
    assert "source 'a' holds nobody to learn from (4 no labelled keypoint)" in said and "'map'" in said


def test_some_missing_keypoints_are_no_error(tmp_path):
    def some(data):
        del data["annotations"][0]["keypoints"]
        data["annotations"][1]["keypoints"][2::3] = [0] * 30 + [2] * 7

    path = edit(write_set(tmp_path / "a", 6), some)
    done = CliRunner().invoke(app, list(train(path, tmp_path)))
    assert done.exit_code == 0, done.output


def test_wrong_number_of_keypoints(people, tmp_path):
    said = fails(*train(people, tmp_path, "data.sources.a.map=coco17"))
    assert "source 'a', annotation 1 has 37 keypoints, the map 'coco17' has 17; choose the map that fits" in said
    assert "did you mean 'coco17'" in fails(*train(people, tmp_path, "data.sources.a.map=coco18"))


@pytest.mark.parametrize("store", [True, False])
def test_pictures_that_do_not_decode(tmp_path, store):
    path = write_set(tmp_path / "a", 4)
    (tmp_path / "a" / "0002.jpg").write_bytes(b"\xff\xd8\xff\xe0 cut off")
    said = fails(*train(path, tmp_path, f"data.store={tmp_path / 'store' if store else ''}"))
    assert "0002.jpg does not decode; replace it or remove it from the annotations" in said


def test_pictures_that_are_not_there(tmp_path):
    path = write_set(tmp_path / "a", 4)
    (tmp_path / "a" / "0002.jpg").unlink()
    assert "0002.jpg" in fails(*train(path, tmp_path))


def test_empty_sources(people, tmp_path):
    assert "none is given" in fails("train", *TINY, f"out={tmp_path / 'run'}")
    assert "holds nobody to learn from (it lists no annotations)" in fails(
        *train(edit(write_set(tmp_path / "a", 2), lambda d: d.update(annotations=[])), tmp_path)
    )
    assert "no file matches" in fails(*train(tmp_path / "none-*.tar", tmp_path))
    assert "cannot read" in fails(*train(tmp_path / "none.json", tmp_path))
    (tmp_path / "text.json").write_text("people")
    assert "is not JSON" in fails(*train(tmp_path / "text.json", tmp_path))
    (tmp_path / "other.json").write_text(json.dumps({"people": []}))
    assert "is no COCO file" in fails(*train(tmp_path / "other.json", tmp_path))
    weight0 = fails(*train(people, tmp_path, "data.sources.a.weight=0"))
    assert "every source has weight 0" in weight0


def test_a_teacher_of_another_graph(people, tmp_path):
    for name in ("onnx", "onnxruntime"):
        pytest.importorskip(name, reason=f"{name} is not installed")
    file = tmp_path / "c.onnx"
    torch.onnx.export(torch.nn.Conv2d(3, 37, 3), (torch.zeros(1, 3, 64, 64),), str(file), dynamo=False)
    onnx = ("teacher.backend=onnx", f"teacher.path={file}")
    assert "c.onnx is of another graph: a teacher takes one picture" in fails(*train(people, tmp_path, *onnx))
    file.write_bytes(b"nothing of the kind")
    assert "c.onnx is not an ONNX model that can run" in fails(*train(people, tmp_path, *onnx))
    file.unlink()
    assert "there is no teacher" in fails(*train(people, tmp_path, *onnx))
    assert "'teacher.path' is empty" in fails(*train(people, tmp_path, "teacher.backend=onnx"))
    said = fails(*train(people, tmp_path, "teacher.backend=blazepose", "teacher.path=huge"))
    assert "lite, full, heavy; got 'huge'" in said


@pytest.fixture(scope="module")
def coco_checkpoint(tmp_path_factory):
    path = tmp_path_factory.mktemp("checkpoints") / "coco.pt"
    names = list(spinetrack().names[:17])
    save_checkpoint(path, build_model("t", 17, (64, 64)), meta={"keypoint_names": names, "sigmas": [0.1] * 17})
    return path


@pytest.mark.parametrize("command", ["evaluate", "export", "predict", "resume", "teacher"])
def test_a_checkpoint_of_another_schema(coco_checkpoint, people, tmp_path, command):
    if command == "evaluate":
        said = fails("evaluate", coco_checkpoint, "--data", people, "--out", tmp_path / "e")
    elif command == "export":
        said = fails("export", coco_checkpoint, "--out", tmp_path / "x.onnx")
    elif command == "predict":
        photo = people.parent / "0000.jpg"
        box = ("--box", "10,10,100,150")
        said = fails("predict", photo, "--weights", coco_checkpoint, *box, "--out", tmp_path / "p")
    elif command == "resume":
        (tmp_path / "run").mkdir()
        (tmp_path / "run" / "last.pt").write_bytes(coco_checkpoint.read_bytes())
        said = fails(*train(people, tmp_path, "--resume"))
    else:  # a teacher may know fewer points, but not none
        odd = tmp_path / "odd.pt"
        save_checkpoint(odd, build_model("t", 1, (64, 64)), meta={"keypoint_names": ["tail"], "sigmas": [0.1]})
        said = fails(*train(people, tmp_path, "teacher.backend=checkpoint", f"teacher.path={odd}"))
        assert "knows none of the student's keypoints" in said
        return
    assert "17 keypoints" in said and "coco.pt" in said or "last.pt" in said


@pytest.mark.parametrize("command", ["init", "evaluate", "export", "resume"])
def test_a_file_that_is_no_checkpoint(people, tmp_path, command):
    bad = tmp_path / "run" / "last.pt"
    bad.parent.mkdir()
    bad.write_bytes(b"PK\x03\x04 cut off")
    arguments = {
        "init": train(people, tmp_path / "other", f"model.init={bad}"),
        "evaluate": ("evaluate", bad, "--data", people),
        "export": ("export", bad),
        "resume": train(people, tmp_path, "--resume"),
    }[command]
    assert "last.pt is not a checkpoint, or was cut off" in fails(*arguments)


def test_resuming_with_other_settings_or_from_nothing(people, tmp_path):
    assert "there is nothing to resume" in fails(*train(people, tmp_path, "--resume"))
    assert CliRunner().invoke(app, list(train(people, tmp_path))).exit_code == 0
    assert "holds a run already; go on with --resume" in fails(*train(people, tmp_path))
    said = fails(*train(people, tmp_path, "--resume", "schedule.lr=1e-3", "schedule.batch=2"))
    assert "schedule.lr: 0.002 then, 0.001 now" in said and "schedule.batch: 4 then, 2 now" in said
    assert "model.init=" in said  # what to do instead


def test_a_loss_that_is_no_number_stops_with_the_batch_saved(people, tmp_path):
    said = fails(*train(people, tmp_path, "schedule.lr=10", "schedule.clip=1000000", "schedule.epoch_size=400"))
    assert "is not a number; the batch is in" in said and "Lower 'schedule.lr'" in said
    held = torch.load(tmp_path / "run" / "bad_batch.pt")
    assert held["images"].shape == (4, 3, 64, 64) and len(held["people"]) == 4
    assert np.isfinite(held["keypoints"].numpy()).all()  # the data were not to blame
