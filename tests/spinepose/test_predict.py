"""Prediction from pictures, folders and videos, with a stand-in for the model whose answer is known."""

import json
from dataclasses import replace

import numpy as np
import pytest

cv2 = pytest.importorskip("cv2")
from biomech.errors import ConfigError, DatasetError  # noqa: E402
from synthgen.keypoints import spinetrack  # noqa: E402
from synthgen.spinepose.crop import crop_from_box, to_image  # noqa: E402
from synthgen.spinepose.detect import Detection, person_box  # noqa: E402
from synthgen.spinepose.errors import CheckpointError  # noqa: E402
from synthgen.spinepose.estimator import Estimator, Pose, box_of  # noqa: E402
from synthgen.spinepose.given import parse_box, read_boxes  # noqa: E402
from synthgen.spinepose.predict import Options, predict, predict_image  # noqa: E402
from synthgen.spinepose.track import Tracker, distinct, overlap  # noqa: E402

SIZE = (96, 128)
# Where the stand-in sees the 37 points, px of its input: spread over a body in the middle.
PLACES = np.random.default_rng(0).integers([30, 20], [66, 108], (37, 2))


def stand_in(pictures):
    """Scores 0.9 at PLACES relative to the brightest blob of the crop; 0 where the crop is dark."""
    x, y = (
        np.zeros((len(pictures), 37, 2 * SIZE[0]), np.float32),
        np.zeros((len(pictures), 37, 2 * SIZE[1]), np.float32),
    )
    for n, picture in enumerate(pictures):
        if picture.max() < 128:
            continue
        x[n, np.arange(37), 2 * PLACES[:, 0]] = 0.9
        y[n, np.arange(37), 2 * PLACES[:, 1]] = 0.9
    return x, y


@pytest.fixture
def estimator():
    made = Estimator.__new__(Estimator)
    made._run, made.input_size, made.names, made.flip = stand_in, SIZE, spinetrack().names, False
    return made


class Finder:
    """A detector that sees each bright blob as a person."""

    def __call__(self, image, levels=()):
        count, _, stats, centres = cv2.connectedComponentsWithStats((image[..., 0] > 128).astype(np.uint8))
        people = []
        for n in range(1, count):
            hip, radius = centres[n], float(stats[n, cv2.CC_STAT_WIDTH])
            points = np.stack([hip, hip - (0, radius), hip, hip])
            people.append(Detection(person_box(points), 0.9, hip, hip, radius))
        return people


def blobs(*centres, shape=(240, 320)):
    image = np.zeros((*shape, 3), np.uint8)
    for centre in centres:
        cv2.circle(image, centre, 20, (255, 255, 255), -1)
    return image


def write_video(path, frames):
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*"mp4v"), 25, (frames[0].shape[1], frames[0].shape[0]))
    for frame in frames:
        writer.write(frame)
    writer.release()


def test_given_boxes_map_exactly(estimator):
    box = np.array([90.0, 40.0, 100.0, 150.0])
    (pose,) = predict_image(blobs((140, 110)), estimator, None, [box])
    np.testing.assert_allclose(pose.points, to_image(PLACES, crop_from_box(box, SIZE), SIZE))
    np.testing.assert_allclose(pose.scores, 0.9)


def test_given_boxes_keep_order_and_number(estimator):
    boxes = [[200, 50, 60, 90], [10, 10, 40, 80], [200, 50, 60, 90]]
    poses = predict_image(blobs((230, 100)), estimator, None, boxes)
    np.testing.assert_allclose([p.box for p in poses], boxes)
    assert predict_image(blobs(), estimator, None, np.zeros((0, 4))) == []


def test_found_people_are_kept_once_and_the_dark_is_nobody(estimator):
    assert len(predict_image(blobs((70, 110), (250, 110)), estimator, Finder())) == 2
    assert predict_image(blobs(), estimator, Finder()) == []
    with pytest.raises(ConfigError, match="boxes must be given"):
        predict_image(blobs(), estimator, None)


def test_flip_test_of_a_symmetric_model_changes_nothing(estimator):
    schema = spinetrack()

    def symmetric(pictures):  # a point's mirror image is its partner's place, for every picture
        x, y = np.zeros((len(pictures), 37, 192), np.float32), np.zeros((len(pictures), 37, 256), np.float32)
        for k in range(37):
            partner = schema.flip[k]
            x[:, k, 191 - 1 - 60 if partner < k else 60 if partner > k else 95] = 1
            y[:, k, 40 + min(k, partner)] = 1
        return x, y

    estimator._run = symmetric
    plain = estimator(blobs(), [[0, 0, 96, 128]])[0]
    estimator.flip = True
    flipped = estimator(blobs(), [[0, 0, 96, 128]])[0]
    np.testing.assert_allclose(flipped.points, plain.points)
    np.testing.assert_allclose(flipped.scores, plain.scores)


def test_a_folder_gives_every_file_the_formats_promise(tmp_path, estimator):
    source, out = tmp_path / "in", tmp_path / "out"
    source.mkdir()
    cv2.imwrite(str(source / "one.png"), blobs((70, 110), (250, 110)))
    cv2.imwrite(str(source / "none.jpg"), blobs())
    summary = predict(source, out, estimator, Finder())
    assert (summary.frames, summary.people) == (2, 2)

    one = json.loads((out / "openpose" / "one.json").read_text())
    assert one["version"] == 1.0 and len(one["people"]) == 2
    assert all(len(p["pose_keypoints_2d"]) == 3 * 37 for p in one["people"])
    assert json.loads((out / "openpose" / "none.json").read_text()) == {"version": 1.0, "people": []}
    assert (out / "one.jpg").is_file() and (out / "none.jpg").is_file()

    from pycocotools.coco import COCO

    coco = COCO(str(out / "keypoints.json"))
    names = {i["file_name"]: i["id"] for i in coco.dataset["images"]}
    assert set(names) == {"one.png", "none.jpg"}
    (first, _) = coco.imgToAnns[names["one.png"]]
    assert first["num_keypoints"] == 37 and len(first["keypoints"]) == 111
    np.testing.assert_allclose(
        np.array(first["keypoints"]).reshape(-1, 3)[:, :2],
        np.array(one["people"][0]["pose_keypoints_2d"]).reshape(-1, 3)[:, :2],
        atol=0.01,
    )


def test_a_video_keeps_its_people_apart(tmp_path, estimator):
    frames = [blobs((60 + 3 * n, 110), (250, 120)) for n in range(12)]
    write_video(tmp_path / "two.mp4", frames)

    summary = predict(tmp_path / "two.mp4", tmp_path / "out", estimator, Finder(), Options(every=1))
    assert summary.frames == 12
    files = sorted((tmp_path / "out" / "openpose" / "two").glob("frame_*.json"))
    assert [f.name for f in files][:2] == ["frame_00001.json", "frame_00002.json"] and len(files) == 12
    first = json.loads(files[0].read_text())["people"]
    assert sorted(p["person_id"][0] for p in first) == [1, 2]
    capture = cv2.VideoCapture(str(tmp_path / "out" / "two.mp4"))
    assert int(capture.get(cv2.CAP_PROP_FRAME_COUNT)) == 12
    capture.release()


def test_frames_can_be_limited_and_outputs_left_out(tmp_path, estimator):
    write_video(tmp_path / "v.mp4", [blobs((100, 100))] * 6)
    options = Options(limit=2, overlay=False, json=False)
    assert predict(tmp_path / "v.mp4", tmp_path / "out", estimator, Finder(), options).frames == 2
    assert not (tmp_path / "out").exists()


def body(x, score=0.9, track=None):
    return Pose(PLACES + (x, 0.0), np.full(37, score), np.array([x, 0.0, 96.0, 128.0]), track)


def test_tracking_follows_overlap_and_remembers():
    tracker = Tracker(patience=3)
    first = tracker.update([body(0), body(300)])
    assert [p.track for p in first] == [1, 2]
    assert [p.track for p in tracker.update([body(295), body(4)])] == [2, 1]  # order does not matter
    tracker.update([body(295)])
    assert len(tracker.boxes) == 1  # the lost one is not looked for
    assert [p.track for p in tracker.update([body(5), body(295)])] == [1, 2]  # but known when seen again
    for _ in range(4):
        tracker.update([])
    assert [p.track for p in tracker.update([body(5)])] == [3]


def test_of_twins_the_surer_stays():
    kept = distinct([body(0, 0.6), body(200), body(1, 0.9)])
    assert [p.score for p in kept] == pytest.approx([0.9, 0.9])
    np.testing.assert_allclose([p.box[0] for p in kept], [200, 1])


def shrunk(factor, score):
    """A smaller body about the middle of `body(0)`."""
    whole = body(0)
    middle = whole.points.mean(0)
    return Pose(middle + (whole.points - middle) * factor, np.full(37, score), whole.box)


@pytest.mark.parametrize(
    ("other", "kept"),
    [
        (shrunk(0.3, 0.6), 1),  # an arm taken for a person
        (shrunk(0.3, 0.88), 2),  # a child in front, well seen
        (shrunk(0.5, 0.6), 2),  # as large as a person may be
        (replace(shrunk(0.3, 0.6), points=shrunk(0.3, 0.6).points + 200), 2),  # somebody small elsewhere
    ],
)
def test_a_limb_is_no_person(other, kept):
    assert len(distinct([other, body(0)])) == kept


def test_overlap_is_symmetric_and_bounded():
    boxes = np.array([[0, 0, 10, 10], [5, 0, 10, 10], [50, 50, 1, 1]])
    table = overlap(boxes, boxes)
    np.testing.assert_allclose(table, table.T)
    np.testing.assert_allclose(np.diag(table), 1)
    assert table[0, 1] == pytest.approx(1 / 3) and table[0, 2] == 0


def test_a_box_holds_its_points_and_falls_back():
    pose = body(10)
    low, size = box_of(pose)[:2], box_of(pose)[2:]
    assert (pose.points >= low).all() and (pose.points <= low + size).all()
    np.testing.assert_allclose(box_of(body(10, 0.1)), pose.box)


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda p: p / "nothing.jpg", "no file or folder"),
        (lambda p: p, "no picture and no video"),
        (lambda p: (p / "a.txt").write_text("x") and p / "a.txt", "no picture or video this reads"),
        (lambda p: (p / "a.jpg").write_bytes(b"not a picture") and p / "a.jpg", "cannot be decoded"),
        (lambda p: (p / "e.png").write_bytes(b"") or p / "e.png", "cannot be decoded"),
        (lambda p: (p / "a.mp4").write_bytes(b"not a video") and p / "a.mp4", "cannot be opened|not one frame"),
    ],
)
def test_bad_sources_say_so_in_one_sentence(tmp_path, estimator, make, says):
    with pytest.raises(DatasetError, match=says) as caught:
        predict(make(tmp_path), tmp_path / "out", estimator, Finder())
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("text", ["1,2,3", "a,b,c,d", "0,0,0,5", "0,0,nan,5", ""])
def test_bad_boxes(text):
    with pytest.raises(ConfigError, match="x,y,width,height"):
        parse_box(text)


def test_boxes_files(tmp_path, estimator):
    (tmp_path / "b.json").write_text(json.dumps({"folder/one.png": [[1, 2, 30, 40]]}))
    np.testing.assert_allclose(read_boxes(tmp_path / "b.json")["one.png"], [[1, 2, 30, 40]])
    coco = {"images": [{"id": 7, "file_name": "x.jpg"}], "annotations": [{"image_id": 7, "bbox": [1, 2, 3, 4]}]}
    (tmp_path / "c.json").write_text(json.dumps(coco))
    np.testing.assert_allclose(read_boxes(tmp_path / "c.json")["x.jpg"], [[1, 2, 3, 4]])
    for wrong in ("[", "[1]", '{"a": [[1,2,3]]}', '{"annotations": [{}], "images": []}', '{"a": [[0,0,0,0]]}'):
        (tmp_path / "w.json").write_text(wrong)
        with pytest.raises(ConfigError, match=r"w\.json"):
            read_boxes(tmp_path / "w.json")
    cv2.imwrite(str(tmp_path / "two.png"), blobs())
    with pytest.raises(DatasetError, match=r"no entry for two\.png"):
        predict(tmp_path / "two.png", tmp_path / "o", estimator, None, boxes={"one.png": np.zeros((0, 4))})


def test_weights_that_cannot_serve(tmp_path, monkeypatch):
    from synthgen.spinepose import estimator as module

    monkeypatch.setattr(module, "WEIGHTS", tmp_path)
    with pytest.raises(CheckpointError, match="no default checkpoint"):
        Estimator()
    with pytest.raises(CheckpointError, match="there is no file"):
        Estimator(tmp_path / "x.pt")
    (tmp_path / "x.bin").write_bytes(b"x")
    with pytest.raises(CheckpointError, match="neither"):
        Estimator(tmp_path / "x.bin")
    pytest.importorskip("onnxruntime", reason="onnxruntime is not installed")
    (tmp_path / "x.onnx").write_bytes(b"x")
    with pytest.raises(CheckpointError, match="cannot be loaded"):
        Estimator(tmp_path / "x.onnx")


@pytest.mark.parametrize("wrong", [{"person": 2}, {"shown": -1}, {"every": 0}, {"limit": 0}])
def test_options_out_of_range(wrong):
    with pytest.raises(ConfigError):
        Options(**wrong)
