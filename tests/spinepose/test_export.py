"""Exported files against the model, and against the packages that run such files."""

import importlib
import json

import numpy as np
import pytest
import spinepose_material

torch = pytest.importorskip("torch", reason="torch is not installed")
onnx = pytest.importorskip("onnx", reason="onnx is not installed")
for _name in ("onnxruntime", "onnxscript"):
    pytest.importorskip(_name, reason=f"{_name} is not installed")
cv2 = pytest.importorskip("cv2")

from biomech.errors import ConfigError  # noqa: E402
from synthgen.keypoints import spinetrack  # noqa: E402
from synthgen.spinepose.checkpoint import save_checkpoint  # noqa: E402
from synthgen.spinepose.codec import encode  # noqa: E402
from synthgen.spinepose.errors import CheckpointError  # noqa: E402
from synthgen.spinepose.estimator import MEAN, METADATA, STD, Estimator  # noqa: E402
from synthgen.spinepose.export import export_checkpoint, export_onnx, normalised, trace  # noqa: E402
from synthgen.spinepose.heatmap import Outputs, calibrate  # noqa: E402
from synthgen.spinepose.model import build_model  # noqa: E402

SIZE = (96, 128)
PACKAGES = ("rtmlib.tools.pose_estimation.rtmpose", "spinepose.tools.pose_estimation.rtmpose")


class Lamps(torch.nn.Module):
    """Sees keypoint k where the picture is reddest, greenest or bluest (k modulo 3): wrong channels cannot hide."""

    arch, keypoints, input_size = "lamps", 37, SIZE

    def __init__(self) -> None:
        super().__init__()
        share = torch.eye(3) * 1.5 - 0.5
        self.register_buffer("mix", share[torch.arange(37) % 3].view(37, 3, 1, 1))

    def forward(self, images):
        glow = torch.nn.functional.conv2d(images, self.mix).clamp(min=0) / 255
        glow = torch.nn.functional.avg_pool2d(glow, 9, 1, 4)
        rows = [
            torch.nn.functional.interpolate(glow.amax(2), scale_factor=2.0, mode="linear"),
            torch.nn.functional.interpolate(glow.amax(3), scale_factor=2.0, mode="linear"),
        ]
        return Outputs(*rows, None, decoded=True)


def lamp_picture():
    """(H, W, 3) BGR, and the places of its red, green and blue lamps."""
    image = np.full((300, 400, 3), 40, np.uint8)
    places = np.array([[150.0, 80.0], [230.0, 150.0], [180.0, 210.0]])
    for (x, y), colour in zip(places.astype(int).tolist(), ((0, 0, 255), (0, 255, 0), (255, 0, 0)), strict=True):
        cv2.circle(image, (x, y), 14, colour, -1)
    return cv2.GaussianBlur(image, (0, 0), 4), places


BOX = np.array([120.0, 40.0, 150.0, 210.0])


@pytest.fixture(scope="module")
def lamps(tmp_path_factory):
    folder = tmp_path_factory.mktemp("lamps")
    model = Lamps()
    graph = trace(model)
    for channels in ("native", "package"):
        export_onnx(model, folder / f"{channels}.onnx", channels, graph=graph)
    return folder


@pytest.fixture(scope="module")
def tiny():
    torch.manual_seed(0)
    return build_model("t", 37, SIZE).eval()


@pytest.fixture(scope="module")
def checkpoint(tiny, tmp_path_factory):
    path = tmp_path_factory.mktemp("checkpoint") / "tiny.pt"
    save_checkpoint(path, tiny, meta={"step": 3})
    return path


@pytest.fixture(scope="module")
def exported(tiny, tmp_path_factory):
    """The tiny model in every kind of file but int8, and its graph."""
    folder, graph = tmp_path_factory.mktemp("exported"), trace(tiny)
    kinds = {"native": ("native", "fp32"), "package": ("package", "fp32"), "half": ("native", "fp16")}
    files = {k: export_onnx(tiny, folder / f"{k}.onnx", *kind, graph=graph) for k, kind in kinds.items()}
    return files, graph


def session(path):
    import onnxruntime

    return onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])


@pytest.mark.parametrize("name", ["native", "package"])
def test_ours_finds_the_lamps_through_either_file(lamps, name):
    image, places = lamp_picture()
    (pose,) = Estimator(lamps / f"{name}.onnx")(image, [BOX])
    np.testing.assert_allclose(pose.points, places[np.arange(37) % 3], atol=3)
    assert (pose.scores > 0.5).all()


@pytest.mark.parametrize("package", PACKAGES)
def test_packages_run_the_package_file_unchanged(lamps, package):
    tool = _package(package)
    image, places = lamp_picture()
    theirs = tool(onnx_model=str(lamps / "package.onnx"), model_input_size=SIZE)
    points, scores = theirs(image, bboxes=[[*BOX[:2], *(BOX[:2] + BOX[2:])]])
    (ours,) = Estimator(lamps / "package.onnx")(image, [BOX])
    np.testing.assert_allclose(points[0], ours.points, atol=0.5)
    np.testing.assert_allclose(scores[0], ours.scores, atol=0.01)
    np.testing.assert_allclose(points[0], places[np.arange(37) % 3], atol=3)
    assert (scores > 0.5).all()


@pytest.mark.parametrize("package", PACKAGES)
def test_packages_need_rgb_for_the_native_file(lamps, package):
    tool = _package(package)
    image, places = lamp_picture()
    theirs = tool(onnx_model=str(lamps / "native.onnx"), model_input_size=SIZE)
    corners = [[*BOX[:2], *(BOX[:2] + BOX[2:])]]
    right, _ = theirs(np.ascontiguousarray(image[..., ::-1]), bboxes=corners)
    np.testing.assert_allclose(right[0], places[np.arange(37) % 3], atol=3)
    wrong, _ = theirs(image, bboxes=corners)
    assert np.abs(wrong[0] - places[np.arange(37) % 3]).max() > 20


@pytest.mark.parametrize("package", PACKAGES)
def test_packages_agree_on_photographs_with_the_shipped_checkpoint(package, tmp_path):
    import photo_check

    tool, photos = _package(package), spinepose_material.labelled_photos()
    weights = spinepose_material.shipped_weights()
    file = tmp_path / "package.onnx"
    if weights.suffix == ".pt":
        export_checkpoint(weights, file, "package")
    else:
        file = weights
    ours = Estimator(file)
    theirs = tool(onnx_model=str(file), model_input_size=ours.input_size)
    about = json.loads(session(file).get_modelmeta().custom_metadata_map[METADATA])
    for name, people in photo_check.labelled_people(photos).items():
        image = cv2.imread(str(photos / name))
        for person in people:
            x, y, w, h = person["bbox"]
            (pose,) = ours(image, [person["bbox"]])
            given = image if about["channels"] == "bgr" else np.ascontiguousarray(image[..., ::-1])
            points, scores = theirs(given, bboxes=[[x, y, x + w, y + h]])
            apart = np.abs(points[0] - pose.points)[pose.scores > 0.3]
            assert apart.max(initial=0) <= 0.5
            assert np.median(apart) == pytest.approx(0, abs=0.01)
            np.testing.assert_allclose(scores[0], pose.scores, atol=0.02)
            if person["area"] > 10000:
                seen = person["keypoints"][:, 2] == 2
                assert np.median(scores[0][:17][seen]) > 0.5


def test_the_file_is_what_rtmpose_programs_expect(checkpoint, tiny, tmp_path):
    done = export_checkpoint(checkpoint, tmp_path / "t.onnx", "native")
    assert done.difference < 1e-4 and done.size == (tmp_path / "t.onnx").stat().st_size
    loaded = session(done.path)
    assert [o.name for o in loaded.get_outputs()] == ["simcc_x", "simcc_y"]
    for count in (1, 2, 5):
        x, y = loaded.run(None, {loaded.get_inputs()[0].name: np.zeros((count, 3, 128, 96), np.float32)})
        assert x.shape == (count, 37, 192) and y.shape == (count, 37, 256)
    about = json.loads(loaded.get_modelmeta().custom_metadata_map[METADATA])
    assert about["keypoints"] == list(spinetrack().names) and about["channels"] == "rgb" and about["step"] == 3


def test_the_file_says_nothing_of_the_machine_it_was_made_on(checkpoint, tmp_path):
    export_checkpoint(checkpoint, tmp_path / "model.onnx", channels="native")
    data = (tmp_path / "model.onnx").read_bytes()
    assert str(tmp_path).encode() not in data
    assert b"stack_trace" not in data and b".py" not in data


def test_native_and_package_differ_only_in_the_channels(exported):
    files, _ = exported
    pictures = np.random.default_rng(0).integers(0, 256, (3, 128, 96, 3), np.uint8)
    native, package = (
        session(files[k].path).run(None, {"input": normalised(pictures, k)}) for k in ("native", "package")
    )
    for a, b in zip(native, package, strict=True):
        np.testing.assert_allclose(a, b, atol=1e-5)
    # What a package does with BGR is what `normalised` says it does.
    bgr = (pictures[0][..., ::-1].astype(float) - MEAN) / STD
    np.testing.assert_allclose(normalised(pictures, "package")[0], bgr.transpose(2, 0, 1), atol=1e-5)


def test_checkpoint_and_export_give_the_same_scores(checkpoint, exported):
    pictures = np.random.default_rng(1).integers(0, 256, (2, 128, 96, 3), np.uint8)
    _, scores = Estimator(checkpoint).run(pictures)
    for kind in ("native", "package"):
        np.testing.assert_allclose(Estimator(exported[0][kind].path).run(pictures)[1], scores, atol=1e-4)


def test_half_precision_halves_the_file_and_keeps_the_answer(exported):
    files, _ = exported
    assert files["half"].size < 0.55 * files["native"].size
    assert files["half"].difference < 0.01


def test_int8_shrinks_the_file_and_keeps_the_answer(tiny, exported, tmp_path):
    files, graph = exported
    pictures = np.random.default_rng(0).integers(0, 256, (4, 128, 96, 3), np.uint8)
    done = export_onnx(tiny, tmp_path / "q.onnx", "package", "int8", pictures, graph=graph)
    assert done.size < 0.6 * files["native"].size
    assert done.difference < 0.1
    assert "QuantizeLinear" in {n.op_type for n in onnx.load(str(done.path)).graph.node}


def test_scores_are_one_where_the_model_learnt_its_labels():
    points = torch.tensor([[[30.0, 40.0], [60.0, 100.0]]])
    labels = encode(points, torch.ones(1, 2), SIZE)
    constant = torch.tensor([[[7.0], [-3.0]]])  # what the loss leaves free
    x, y = calibrate(Outputs(labels.x + constant, labels.y - constant), SIZE)
    np.testing.assert_allclose(x.amax(-1), 1, atol=0.01)
    np.testing.assert_allclose(y.amax(-1), 1, atol=0.01)
    flat, _ = calibrate(Outputs(torch.full((1, 2, 192), 9.0), labels.y), SIZE)
    assert flat.max() < 0.1


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ({"channels": "rgb"}, "allowed: native, package"),
        ({"precision": "fp8"}, "allowed: fp32, fp16, int8"),
        ({"precision": "int8"}, "int8 needs crops"),
    ],
)
def test_bad_requests(tiny, tmp_path, arguments, says):
    with pytest.raises(ConfigError, match=says):
        export_onnx(tiny, tmp_path / "x.onnx", **arguments)
    with pytest.raises(ConfigError, match="must end in"):
        export_onnx(tiny, tmp_path / "x.pt")


def test_other_schemas_are_refused(tmp_path):
    names = list(spinetrack().names[:17])
    model = build_model("t", 17, SIZE)
    save_checkpoint(tmp_path / "coco.pt", model, meta={"keypoint_names": names, "sigmas": [0.1] * 17})
    with pytest.raises(CheckpointError, match="17 keypoints"):
        export_checkpoint(tmp_path / "coco.pt", tmp_path / "x.onnx")
    with pytest.raises(CheckpointError, match="17 keypoints"):
        Estimator(tmp_path / "coco.pt")


def test_the_commands_work_end_to_end(checkpoint, lamps, tmp_path):
    from typer.testing import CliRunner

    from synthgen.spinepose.cli_out import app

    wanted = ["--channels", "package", "--out", str(tmp_path / "e.onnx")]
    run = CliRunner().invoke(app, ["export", str(checkpoint), *wanted])
    assert run.exit_code == 0, run.output
    assert (tmp_path / "e.onnx").is_file()
    assert "ms, 2 threads" in run.output
    image, places = lamp_picture()
    cv2.imwrite(str(tmp_path / "lamps.png"), image)
    box = ",".join(str(v) for v in BOX)
    arguments = [str(tmp_path / "lamps.png"), "--weights", str(lamps / "package.onnx"), "--box", box]
    run = CliRunner().invoke(app, ["predict", *arguments, "--out", str(tmp_path / "p")])
    assert run.exit_code == 0, run.output
    (person,) = json.loads((tmp_path / "p" / "openpose" / "lamps.json").read_text())["people"]
    points = np.array(person["pose_keypoints_2d"]).reshape(37, 3)
    np.testing.assert_allclose(points[:, :2], places[np.arange(37) % 3], atol=3)


def _package(name: str):
    """Class RTMPose of an installed package; used as a tool, nothing of it is copied."""
    top = name.split(".")[0]
    pytest.importorskip(top, reason=f"{top} is not installed; pip install --no-deps {top}")
    try:
        return importlib.import_module(name).RTMPose
    except ImportError as error:
        pytest.skip(f"{top} lacks {error.name}")
