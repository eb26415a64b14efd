"""Teachers: the affine between crops, masks, backends that agree, the cache, refusals."""

import cv2
import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="torch is not installed")

from biomech.errors import AssetError  # noqa: E402
from synthgen.keypoints import spinetrack  # noqa: E402
from synthgen.spinepose import codec  # noqa: E402
from synthgen.spinepose.blazepose import blazepose_pack  # noqa: E402
from synthgen.spinepose.checkpoint import save_checkpoint  # noqa: E402
from synthgen.spinepose.crop import Crop, crop_from_box, to_input, warp  # noqa: E402
from synthgen.spinepose.errors import TeacherError  # noqa: E402
from synthgen.spinepose.fit import fit  # noqa: E402
from synthgen.spinepose.losses import BETA  # noqa: E402
from synthgen.spinepose.model import MEAN, STD, build_model  # noqa: E402
from synthgen.spinepose.teacher import BLAZEPOSE_POINTS, CheckpointTeacher, OnnxTeacher, make_teacher  # noqa: E402

SIZE = (192, 256)
NAMES = spinetrack().names


@pytest.fixture(scope="module")
def lite():
    try:
        blazepose_pack()
    except AssetError as error:
        pytest.skip(str(error))
    return make_teacher("blazepose", "lite")


@pytest.fixture(scope="module")
def scene():
    """A rendered person in a 400 x 300 picture, and the box around them."""
    from pathlib import Path

    with np.load(Path(__file__).parent / "data" / "blazepose_reference.npz") as held:
        image = held["image"]
    picture = np.zeros((300, 400, 3), np.uint8)
    picture[20:276, 70:326] = image
    rows, columns = np.nonzero(image.any(-1))
    return picture, (70 + columns.min() + 40, 20 + rows.min(), np.ptp(columns) - 80, np.ptp(rows))


def tensor(*images):
    return torch.from_numpy(np.stack(images)).permute(0, 3, 1, 2).float()


def small(count=37):
    torch.manual_seed(count)
    return build_model("t", count, (96, 128)).eval()


# The affine ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "student, teacher", [((192, 256), (256, 256)), ((288, 384), (256, 256)), ((96, 128), (192, 256))]
)
def test_points_go_there_and_back(student, teacher):
    there = fit(student, teacher)
    points = torch.rand(3, 37, 2) * torch.tensor(student)
    torch.testing.assert_close(there.to_student(there.to_teacher(points)), points, atol=1e-3, rtol=0)
    torch.testing.assert_close(there.to_teacher(torch.tensor(student) / 2), torch.tensor(teacher) / 2)
    corners = there.to_teacher(torch.tensor([[0.0, 0.0], list(map(float, student))]))
    assert (corners >= -1e-4).all() and (corners <= torch.tensor(teacher) + 1e-4).all()  # the whole crop is seen


@pytest.mark.parametrize("student, teacher", [((192, 256), (256, 256)), ((288, 384), (256, 256))])
def test_pixels_go_where_points_go(student, teacher):
    there = fit(student, teacher)
    image = np.zeros((student[1], student[0], 3), np.uint8)
    cv2.circle(image, (60, 170), 9, (255, 255, 255), -1)
    seen = there.images(tensor(image))[0, 0].numpy()
    assert seen.shape == teacher[::-1]
    rows, columns = np.indices(seen.shape)
    centre = np.array([(seen * columns).sum(), (seen * rows).sum()]) / seen.sum()
    np.testing.assert_allclose(centre, there.to_teacher(torch.tensor([60.0, 170.0])), atol=0.05)


def test_a_wider_view_holds_the_crop_in_its_middle():
    there = fit(SIZE, (256, 256))
    assert there.view == (256, 256)
    picture = np.random.default_rng(0).integers(0, 255, (400, 400, 3), dtype=np.uint8)
    crop = Crop(np.array([200.0, 200.0]), np.array([192.0, 256.0]))
    wide = Crop(crop.center, np.array([256.0, 256.0]))
    narrow, full = (
        there.images(tensor(warp(picture, crop, SIZE)))[0],
        there.images(tensor(warp(picture, wide, (256, 256))))[0],
    )
    torch.testing.assert_close(narrow[:, :, 33:223], full[:, :, 33:223], atol=0.1, rtol=0)
    assert narrow[:, :, :32].max() == 0 and full[:, :, :32].max() > 0
    with pytest.raises(TeacherError, match="less than the student's"):
        there.images(torch.zeros(1, 3, 128, 96))


@pytest.mark.parametrize(
    "student, teacher", [((192, 256), (288, 384)), ((192, 256), (256, 256)), ((288, 384), (192, 256))]
)
def test_distributions_arrive_where_their_points_arrive(student, teacher):
    there = fit(student, teacher)
    points = torch.tensor([[[30.0, 41.0], [101.3, 207.7], [student[0] - 20.0, 9.0]]])
    theirs = codec.encode(there.to_teacher(points), torch.ones(1, 3), teacher)
    for axis in (0, 1):
        share = (theirs[axis] * BETA).softmax(-1)
        soft, inside = there.resample(share, axis, 0.0, 0.5, student[axis] * 2)
        torch.testing.assert_close(soft.sum(-1), torch.ones(1, 3), atol=1e-5, rtol=0)
        assert (soft.argmax(-1) / 2 - points[..., axis]).abs().max() <= 0.5
        assert inside.min() > 0.8


def test_mass_outside_the_student_is_not_trusted():
    there = fit((96, 256), (256, 256))
    share = torch.zeros(1, 1, 512)
    share[..., 20] = 1.0  # x = 10 of the square: left of the student's input, which begins at 80
    soft, inside = there.resample(share, 0, 0.0, 0.5, 192)
    assert inside.item() == 0
    torch.testing.assert_close(soft, torch.full_like(soft, 1 / 192))


# BlazePose ----------------------------------------------------------------------------------------


def test_blazepose_knows_its_points_and_no_spine(lite):
    assert set(lite.names) == set(BLAZEPOSE_POINTS) and len(lite.names) == 21
    assert not {"hip", "neck", "spine_01", "left_small_toe"} & set(lite.names)
    targets = lite.predict(torch.zeros(2, 3, 256, 192))
    assert targets.simcc_x.shape == (2, 37, 384) and targets.simcc_y.shape == (2, 37, 512)
    assert targets.mask.max() < 0.1  # nobody there
    unknown = [i for i, n in enumerate(NAMES) if n not in lite.names]
    assert targets.mask[:, unknown].abs().max() == 0


def test_blazepose_answers_move_with_the_crop(lite, scene):
    """The law of the affine: one person through two crops of other place, zoom and shape, one answer in the picture."""
    picture, box = scene
    crops = [
        crop_from_box(box, SIZE),
        crop_from_box((box[0] - 6, box[1] + 5, box[2] + 4, box[3] - 3), SIZE, padding=1.32),
    ]
    targets = lite.predict(tensor(*(warp(picture, c, SIZE) for c in crops)))
    sure = (targets.mask > 0.8).all(0).numpy()
    assert sure.sum() >= 15
    points, _ = codec.decode(targets.simcc_x, targets.simcc_y)
    inside = [to_input([crop.center], crop, SIZE) for crop in crops]
    assert np.allclose(inside, np.array(SIZE) / 2)
    first, second = (
        crop.center + (p - np.array(SIZE) / 2) * crop.scale / SIZE for crop, p in zip(crops, points, strict=True)
    )
    assert np.median(np.linalg.norm(first - second, axis=-1)[sure]) < 0.015 * box[3]


def test_blazepose_sees_mirror_images_alike(lite, scene):
    picture, box = scene
    image = warp(picture, crop_from_box(box, SIZE), SIZE)
    straight, mirrored = (lite.predict(tensor(i)) for i in (image, image[:, ::-1]))
    back_x, back_y = codec.unflip(mirrored.simcc_x, mirrored.simcc_y, spinetrack().flip)
    sure = (straight.mask[0] > 0.9).numpy()
    one, two = (codec.decode(*t)[0][0] for t in ((straight.simcc_x, straight.simcc_y), (back_x, back_y)))
    assert np.median(np.linalg.norm(one - two, axis=-1)[sure]) < 3
    assert abs(np.mean((one - two)[sure, 0])) < 1.5  # no shift to one side


# Models with SimCC of their own -------------------------------------------------------------------


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """One small model as checkpoint and as ONNX."""
    pytest.importorskip("onnx", reason="onnx is not installed")
    pytest.importorskip("onnxruntime", reason="onnxruntime is not installed")
    folder = tmp_path_factory.mktemp("teacher")
    model = small()
    save_checkpoint(folder / "t.pt", model, meta={})

    class Normalised(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.model = model

        def forward(self, x):
            return self.model(x * self.model.std + self.model.mean)[:2]

    example = torch.zeros(1, 3, 128, 96)
    torch.onnx.export(Normalised(), (example,), str(folder / "t.onnx"), input_names=["input"],
                      output_names=["simcc_x", "simcc_y"], dynamo=False)  # fmt: skip
    return folder


def test_checkpoint_and_onnx_say_the_same(files):
    assert MEAN[0] > MEAN[2] and len(STD) == 3  # RGB order
    images = torch.rand(2, 3, 256, 192) * 255
    own = CheckpointTeacher(files / "t.pt", input_size=SIZE).predict(images)
    other = OnnxTeacher(files / "t.onnx", input_size=SIZE).predict(images)
    for one, two in zip(own, other, strict=True):
        torch.testing.assert_close(one, two, atol=1e-4, rtol=1e-3)
    torch.testing.assert_close(own.simcc_x.sum(-1), torch.ones(2, 37), atol=1e-4, rtol=0)


def test_a_teacher_with_fewer_keypoints_masks_the_others(tmp_path):
    save_checkpoint(tmp_path / "t.pt", small(17), meta={"keypoint_names": list(NAMES[:17])})
    teacher = CheckpointTeacher(tmp_path / "t.pt", input_size=(96, 128))
    assert teacher.names == NAMES[:17] and teacher.view == (96, 128)
    assert teacher.predict(torch.rand(1, 3, 128, 96) * 255).mask[:, 17:].abs().max() == 0


def test_the_teachers_own_size_is_passed_through_unchanged(files):
    teacher = CheckpointTeacher(files / "t.pt", input_size=(96, 128))
    images = torch.rand(1, 3, 128, 96) * 255
    with torch.no_grad():
        out = teacher.model(images)
    soft = teacher.predict(images)
    torch.testing.assert_close(soft.simcc_x, (out.simcc_x * BETA).softmax(-1), atol=1e-4, rtol=1e-3)


def test_targets_can_be_learnt_from(files):
    """Made without a graph of their own, and usable in one."""
    soft = CheckpointTeacher(files / "t.pt", input_size=(96, 128)).predict(torch.rand(1, 3, 128, 96) * 255)
    assert not soft.simcc_x.requires_grad
    weight = torch.ones(1, requires_grad=True)
    (soft.simcc_x * weight).sum().backward()
    assert weight.grad is not None


# Cache, refusals ----------------------------------------------------------------------------------


def test_the_cache_answers_the_same_without_the_teacher(files, tmp_path):
    images = (torch.rand(3, 3, 128, 96) * 255).round()
    cached = make_teacher("checkpoint", files / "t.pt", input_size=(96, 128), cache=tmp_path)
    first = cached.predict(images)
    assert (cached.hits, cached.misses) == (0, 3)
    cached.teacher = None  # would fail if asked
    second = cached.predict(images[[2, 0]])
    assert (cached.hits, cached.misses) == (2, 3)
    assert all(torch.equal(one[[2, 0]], two) for one, two in zip(first, second, strict=True))
    plain = CheckpointTeacher(files / "t.pt", input_size=(96, 128)).predict(images)
    torch.testing.assert_close(first.simcc_x, plain.simcc_x, atol=2e-3, rtol=2e-3)


def test_another_pixel_is_another_crop_and_damage_is_mended(files, tmp_path):
    images = (torch.rand(1, 3, 128, 96) * 255).round()
    cached = make_teacher("checkpoint", files / "t.pt", input_size=(96, 128), cache=tmp_path)
    cached.predict(images)
    changed = images.clone()
    changed[0, 0, 0, 0] = (changed[0, 0, 0, 0] + 1) % 256
    cached.predict(changed)
    assert cached.misses == 2
    for path in tmp_path.rglob("*.npz"):
        path.write_bytes(path.read_bytes()[:50])
    cached.predict(images)
    assert cached.misses == 3 and not list(tmp_path.rglob(".*"))


def test_refusals(tmp_path, files):
    from synthgen.spinepose.errors import CheckpointError

    assert make_teacher("none") is None
    with pytest.raises(
        TeacherError, match="no teacher is called 'vitpose'; there are: none, blazepose, onnx, checkpoint"
    ):
        make_teacher("vitpose")
    with pytest.raises(TeacherError, match="lite, full, heavy; got 'huge'"):
        make_teacher("blazepose", "huge")
    with pytest.raises(TeacherError, match="there is no teacher"):
        make_teacher("onnx", tmp_path / "no.onnx")
    (tmp_path / "bad.onnx").write_bytes(b"nonsense")
    with pytest.raises(TeacherError, match="not an ONNX model"):
        make_teacher("onnx", tmp_path / "bad.onnx")
    with pytest.raises(TeacherError, match="37 keypoints, and 36 names"):
        OnnxTeacher(files / "t.onnx", names=NAMES[:36])
    with pytest.raises(CheckpointError, match="there is no checkpoint"):
        make_teacher("checkpoint", tmp_path / "no.pt")
    with pytest.raises(TeacherError, match="none of the student's keypoints"):
        make_teacher("checkpoint", files / "t.pt", keypoints=["tail"])


def test_an_onnx_file_of_another_graph_is_refused(tmp_path):
    pytest.importorskip("onnx", reason="onnx is not installed")
    pytest.importorskip("onnxruntime", reason="onnxruntime is not installed")
    torch.onnx.export(torch.nn.Conv2d(3, 37, 3), (torch.zeros(1, 3, 128, 96),), str(tmp_path / "c.onnx"), dynamo=False)
    with pytest.raises(TeacherError, match="of another graph"):
        OnnxTeacher(tmp_path / "c.onnx")
