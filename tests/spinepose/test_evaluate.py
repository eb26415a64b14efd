"""Evaluation: the published metric to the digit, lengths in mm, and a report."""

import contextlib
import io
import json

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="torch is not installed")

from people_on_disk import write_set  # noqa: E402

from biomech.errors import DatasetError  # noqa: E402
from synthgen.keypoints import SPINE_IDS, SUBSETS, spinetrack  # noqa: E402
from synthgen.spinepose import metrics  # noqa: E402
from synthgen.spinepose.average_precision import FIGURES, Detections, average_precision, without_doubles  # noqa: E402
from synthgen.spinepose.crop import affine, crop_from_box, transform  # noqa: E402
from synthgen.spinepose.eval_report import Entry, learnt_from, write_report  # noqa: E402
from synthgen.spinepose.evaluate import evaluate_source, predict_boxes  # noqa: E402
from synthgen.spinepose.heatmap import Outputs  # noqa: E402
from synthgen.spinepose.sources import SourceConfig, load_source  # noqa: E402
from synthgen.spinepose.truth import REGIONS, spine_angles  # noqa: E402


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    return load_source("people", SourceConfig(str(write_set(tmp_path_factory.mktemp("set"), 24))))


class Oracle(torch.nn.Module):
    """Knows the labels by the picture's order, mirrored or not, and is off by a given number of input px."""

    def __init__(self, source, size=(192, 256), off=0.0):
        super().__init__()
        self.input_size, self.off, self.seen = size, off, {}
        self.weight = torch.nn.Parameter(torch.zeros(1))
        for i in range(len(source)):
            from synthgen.spinepose.loader import plain_crop

            crop = plain_crop(source, i, size)
            points = transform(affine(crop.crop, size), source.keypoints[i, :, :2])
            self.seen[self._key(crop.image)] = points
            mirrored = points[spinetrack().flip].copy()
            mirrored[:, 0] = size[0] - 1 - mirrored[:, 0]
            self.seen[self._key(crop.image[:, ::-1])] = mirrored

    def _key(self, image):
        return np.ascontiguousarray(image).tobytes()

    def forward(self, images):
        points = (
            np.stack([self.seen[self._key(i.permute(1, 2, 0).numpy().astype(np.uint8))] for i in images]) + self.off
        )
        axes = []
        for axis, side in enumerate(self.input_size):
            bins = torch.arange(2 * side) / 2
            axes.append(torch.exp(-((bins - torch.tensor(points[..., axis, None])) ** 2) / 8))
        return Outputs(*axes)


def reference_ap(source, found, subset):
    """COCOeval as a user would run it by hand, on files."""
    from pycocotools.coco import COCO
    from pycocotools.cocoeval import COCOeval

    ids = list(SUBSETS[subset])
    with contextlib.redirect_stdout(io.StringIO()):
        truth = COCO()
        annotations = []
        for i in range(len(source)):
            k = source.keypoints[i][ids]
            annotations.append({
                "id": i + 1, "image_id": int(source.image_ids[i]), "category_id": 1, "iscrowd": 0,
                "area": float(source.areas[i]), "bbox": source.boxes[i].tolist(), "keypoints": k.reshape(-1).tolist(),
                "num_keypoints": int((k[:, 2] > 0).sum()),
            })  # fmt: skip
        images = [{"id": int(i)} for i in source.image_ids]
        truth.dataset = {"images": images, "annotations": annotations, "categories": [{"id": 1}], "info": {}}
        truth.createIndex()
        scores = [np.mean(s[s > 0.2]) if (s > 0.2).any() else 0 for s in found.scores]
        results = [
            {
                "image_id": int(i), "category_id": 1, "score": float(s),
                "keypoints": np.c_[p[ids], np.ones(len(ids))].reshape(-1).tolist(),
            }
            for i, p, s in zip(found.image_ids, found.points, scores, strict=True)
        ]  # fmt: skip
        e = COCOeval(truth, truth.loadRes(results), "keypoints")
        e.params.kpt_oks_sigmas = spinetrack().sigmas[ids]
        e.evaluate()
        e.accumulate()
        e.summarize()
    return e.stats


@pytest.mark.parametrize("subset", SUBSETS)
def test_average_precision_is_that_of_pycocotools(source, subset):
    rng = np.random.default_rng(5)
    noise = rng.normal(0, 1, (len(source), 37, 2)) * rng.uniform(0, 9, (len(source), 1, 1))
    scores = rng.uniform(0, 1, (len(source), 37))
    found = Detections(source.image_ids, source.keypoints[..., :2] + noise, scores, np.ones(len(source)))
    ours, theirs = average_precision(source, found, subset), reference_ap(source, found, subset)
    assert 0.1 < ours["AP"] < 0.95
    for name, value in zip(FIGURES, theirs, strict=True):
        assert ours[name] is None if value < 0 else ours[name] == pytest.approx(value, abs=1e-9)


def test_a_subset_without_labels_has_no_figure(tmp_path):
    body = load_source("c", SourceConfig(str(write_set(tmp_path, 6, 17)), map="coco17", kind="real"))
    exact = Detections(body.image_ids, body.keypoints[..., :2], np.ones((6, 37)), np.ones(6))
    assert average_precision(body, exact, "spine")["AP"] is None
    assert average_precision(body, exact, "body")["AP"] == pytest.approx(1)
    assert average_precision(body, exact, "all")["AP"] == pytest.approx(1)  # counts the labelled points only


def test_oks_by_hand(source):
    points = source.keypoints[..., :2].copy()
    points[0, 19] += (3.0, 4.0)
    value = metrics.oks(points, source.keypoints, source.areas, "spine")
    sigma = spinetrack().sigmas[19]
    assert value[0] == pytest.approx((8 + np.exp(-25 / (2 * (2 * sigma) ** 2 * source.areas[0]))) / 9)
    assert value[1] == 1


def test_accuracy_counts_only_what_is_labelled(source):
    points = source.keypoints[..., :2].copy()
    size = metrics.person_sizes(source.boxes)
    points[:, list(SPINE_IDS), 0] += 0.07 * size[:, None]
    found = metrics.accuracy(points, source)
    assert found["spine"] == pytest.approx(0.07) and found["spine05"] == 0
    assert (
        found["pck05"] == pytest.approx(28 / 37)
        and found["pck10"] == 1
        and found["error"] == pytest.approx(0.07 * 9 / 37)
    )


def test_auc_by_hand():
    assert metrics.auc(np.zeros((1, 1))) == pytest.approx(0.95)  # 0 < 0 is false for the first of 20 thresholds
    assert metrics.auc(np.full((1, 1), 15.0)) == pytest.approx(9 / 20)
    assert metrics.auc(np.full((1, 1), 31.0)) == 0


def test_the_mean_pose_ignores_what_is_unlabelled(source):
    pose = metrics.mean_pose([source], (192, 256))
    crops = [
        transform(affine(crop_from_box(b, (192, 256)), (192, 256)), k[:, :2])
        for b, k in zip(source.boxes, source.keypoints, strict=True)
    ]
    assert np.allclose(pose, np.mean(crops, 0), atol=1e-3)


def test_calibration_of_a_truthful_and_a_boastful_model():
    rng = np.random.default_rng(0)
    scores = rng.uniform(0, 1, (4000, 1))
    near = rng.uniform(0, 1, scores.shape) < scores
    _, honest = metrics.calibration(scores, np.where(near, 0.01, 0.2))
    _, boastful = metrics.calibration(np.full_like(scores, 0.99), np.where(near, 0.01, 0.2))
    assert honest < 0.05 and boastful > 0.4


@pytest.mark.parametrize("flip", [False, True])
def test_a_perfect_model_is_perfect(source, flip):
    found = evaluate_source(Oracle(source), source, flip_test=flip)
    assert found.ap["all"]["AP"] == pytest.approx(1) and found.figures["pck05"] == 1
    errors = metrics.point_errors(found.points, source.keypoints)
    assert np.nanmax(errors) < 0.75  # half a bin, in picture px
    assert found.mean_pose["spine"] > 3 * found.figures["spine"]


def test_a_model_that_is_off_is_off_by_that_much(source):
    said = predict_boxes(Oracle(source, off=4.0), source.images, source.boxes)
    scale = np.array([crop_from_box(b, (192, 256)).scale[0] / 192 for b in source.boxes])
    errors = metrics.point_errors(said.points, source.keypoints) / scale[:, None]
    assert np.nanmean(errors) == pytest.approx(np.hypot(4, 4), abs=0.1)


def test_detections_instead_of_annotated_boxes(source, tmp_path):
    class Steady(Oracle):
        def forward(self, images):
            middle = [torch.zeros(len(images), 37, 2 * s) for s in self.input_size]
            for m in middle:
                m[..., m.shape[-1] // 2] = 1
            return Outputs(*middle)

    boxes = [
        {"image_id": int(i), "bbox": b.tolist(), "score": 0.9}
        for i, b in zip(source.image_ids, source.boxes, strict=True)
    ]
    (tmp_path / "d.json").write_text(json.dumps(boxes + boxes[:5]))
    found = evaluate_source(Steady(source), source, detections=tmp_path / "d.json")
    assert found.notes == ("AP on 24 boxes of d.json",)  # the five doubles are one person each
    (tmp_path / "e.json").write_text("[]")
    with pytest.raises(DatasetError, match="no box on any picture"):
        evaluate_source(Steady(source), source, detections=tmp_path / "e.json")
    (tmp_path / "f.json").write_text("{}x")
    with pytest.raises(DatasetError, match="must be a JSON list"):
        evaluate_source(Steady(source), source, detections=tmp_path / "f.json")


def test_doubles_go_and_neighbours_stay():
    points = np.random.default_rng(0).uniform(0, 100, (1, 37, 2))
    three = np.concatenate([points, points + 0.1, points + 300])
    kept = without_doubles(
        Detections(np.zeros(3, int), three, np.array([[0.5], [0.9], [0.4]]) * np.ones(37), np.ones(3))
    )
    assert kept.points[:, 0, 0].tolist() == [three[1, 0, 0], three[2, 0, 0]]


def test_spine_angles_know_their_signs():
    """A trunk upright before the camera; the upper lumbar segment tilted forward is flexion, negative."""
    ids = [spinetrack().id_of(n) for n in REGIONS["lumbar"]]
    axes = np.eye(3)[None]  # camera axes = forward, up, right: only differences matter
    points = np.zeros((1, 37, 3))
    points[0, ids] = [[0, 0, 0], [0, 1, 0], [0, 2, 0], [np.sin(0.3), 2 + np.cos(0.3), 0]]
    assert spine_angles(points, axes)["lumbar FE"][0] == pytest.approx(-0.3)
    points[0, ids[3]] = [0, 2 + np.cos(0.2), np.sin(0.2)]
    assert spine_angles(points, axes)["lumbar LB"][0] == pytest.approx(0.2)


def test_the_report_shows_everything(source, tmp_path):
    entries = []
    for label, off in (("good", 0.0), ("poor", 9.0)):
        model = Oracle(source, off=off)
        meta = {
            "people": {"gen": 100, "coco": 20},
            "kinds": {"gen": "generated", "coco": "real"},
            "digests": {"gen": "ab"},
        }
        entries.append(Entry(label, meta, source, evaluate_source(model, source)))
    page = write_report(entries, tmp_path).read_text()
    assert page.count("<img") == 2 * 2 * 12  # 24 people: twelve best, twelve worst, of two models
    assert "mixture: 100 gen, 20 coco" in page and "good on people" in page and "nan" not in page
    data = json.loads((tmp_path / "evaluation.json").read_text())
    assert data[0]["ap"]["spine"]["AP"] > data[1]["ap"]["spine"]["AP"]
    assert learnt_from({"people": {"a": 5}, "kinds": {"a": "generated"}}) == "generated only: 5 a"
