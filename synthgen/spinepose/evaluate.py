"""Measure a model on annotated people: on the boxes of the annotations, or on those of a detections file.

N people, K = 37 keypoints, B batch, W and H input size in px.
"""

import json
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch

from biomech.errors import DatasetError
from synthgen.keypoints import SPINE_IDS, SUBSETS, spinetrack
from synthgen.spinepose import metrics
from synthgen.spinepose.average_precision import Detections, average_precision, without_doubles
from synthgen.spinepose.codec import average_flipped, decode
from synthgen.spinepose.crop import crop_from_box, to_image, warp
from synthgen.spinepose.heatmap import calibrate
from synthgen.spinepose.model import PoseModel
from synthgen.spinepose.precision import autocast
from synthgen.spinepose.sources import Source, read_image
from synthgen.spinepose.truth import Truth, angle_errors, errors_mm, load_truth, sizes_in_words

log = logging.getLogger(__name__)

MIN_SLICE = 5  # people; fewer say nothing


@dataclass(frozen=True, slots=True, eq=False)
class Predicted:
    """What a model says of people whose boxes are known.

    Attributes:
        points: (N, K, 2) picture px. scores: (N, K).
    """

    points: np.ndarray
    scores: np.ndarray


class CropCache:
    """Plain crops of people, kept in memory between the evaluations of a training run. Keys are (picture, box)."""

    def __init__(self, megabytes: int = 1024) -> None:
        self.left = megabytes * 2**20
        self.held: dict[tuple, np.ndarray] = {}

    def get(self, reference: str, box: np.ndarray, input_size: tuple[int, int]) -> np.ndarray:
        """(H, W, 3) uint8."""
        key = (reference, tuple(box.tolist()), tuple(input_size))
        if key not in self.held:
            image = warp(read_image(reference), crop_from_box(box, input_size), input_size)
            if self.left < image.nbytes:
                return image
            self.left -= image.nbytes
            self.held[key] = image
        return self.held[key]


@torch.inference_mode()
def predict_boxes(
    model: PoseModel,
    references: Sequence[str],
    boxes: np.ndarray,
    *,
    flip_test: bool = False,
    batch: int = 32,
    device: torch.device | None = None,
    precision: str = "fp32",
    cache: CropCache | None = None,
    progress: Callable[[int], None] | None = None,
) -> Predicted:
    """The model on one crop per box.

    Args:
        model: takes (B, 3, H, W) 0..255 and has `input_size`.
        references: (N,) pictures. boxes: (N, 4) x, y, width, height.
        flip_test: average with the mirrored crop.

    Raises:
        DatasetError: a picture does not decode.
    """
    device = device or next(model.parameters()).device
    size, flip = model.input_size, spinetrack().flip
    was_training = model.training
    model.eval()
    cache = cache or CropCache(0)
    points, scores = [], []
    for start in range(0, len(references), batch):
        rows = range(start, min(start + batch, len(references)))
        crops = np.stack([cache.get(references[i], boxes[i], size) for i in rows])
        images = torch.from_numpy(crops).permute(0, 3, 1, 2).to(device).float()
        with autocast(device, precision):
            outputs = model(images)
            pair = calibrate(outputs, size)
            if flip_test:
                mirrored = model(images.flip(-1))
                pair = average_flipped(pair, calibrate(mirrored, size), flip)
        inside, score = decode(*pair)
        points += [to_image(p, crop_from_box(boxes[i], size), size) for p, i in zip(inside, rows, strict=True)]
        scores.append(score)
        if progress:
            progress(len(rows))
    model.train(was_training)
    return Predicted(np.stack(points), np.concatenate(scores))


@dataclass(frozen=True, slots=True, eq=False)
class Evaluation:
    """Everything measured on one source.

    Attributes:
        source: its name. count: people.
        ap: subset -> AP, AP50 .. AR, ..; None where nobody is labelled in it.
        figures: name -> value; see metrics.accuracy, and mm and degrees where 3D is known.
        mean_pose: the same figures of the mean pose in the same boxes.
        slices: name -> rows {group, people, pck05, spine, spine_mm, oks}.
        keypoints: rows per keypoint {name, labelled, pck05, error, mm}.
        calibration: rows of score bins; ece: their mean gap.
        rows: (N,) evaluated records. points, scores: of the annotated boxes. oks: (N,) per person.
    """

    source: str
    count: int
    ap: dict[str, dict[str, float | None]]
    figures: dict[str, float]
    mean_pose: dict[str, float]
    slices: dict[str, list[dict]]
    keypoints: list[dict]
    calibration: list[dict]
    ece: float
    rows: np.ndarray
    points: np.ndarray
    scores: np.ndarray
    oks: np.ndarray
    notes: tuple[str, ...] = field(default=())

    def to_dict(self) -> dict[str, Any]:
        """Plain data, without the predictions; what is not a number is None."""
        names = ("source", "count", "ap", "figures", "mean_pose", "slices", "keypoints", "calibration", "ece", "notes")
        return _plain({name: getattr(self, name) for name in names})


def pick(source: Source, limit: int) -> np.ndarray:
    """Records to measure: all, or `limit` of them evenly spread."""
    if not limit or limit >= len(source):
        return np.arange(len(source))
    return np.unique(np.linspace(0, len(source) - 1, limit).round().astype(int))


def evaluate_source(
    model: PoseModel,
    source: Source,
    *,
    pose: np.ndarray | None = None,
    detections: Path | None = None,
    limit: int = 0,
    **predict: Any,
) -> Evaluation:
    """Measure a model on a source.

    Args:
        pose: (K, 2) the mean pose to compare with, input px; that of this source itself when None.
        detections: COCO result file of boxes (image_id, bbox, score) for the AP; the annotated boxes when None. All
            figures besides AP always stand on the annotated boxes.
        limit: people; 0 for all.
        predict: see predict_boxes.

    Raises:
        DatasetError: a picture does not decode, or the detections file does not fit.
    """
    rows = pick(source, limit)
    references = [source.images[i] for i in rows]
    said = predict_boxes(model, references, source.boxes[rows], **predict)
    found = Detections(source.image_ids[rows], said.points, said.scores, np.ones(len(rows)))
    notes: list[str] = []
    if detections is not None:
        found = _detected(model, source, rows, detections, **predict)
        notes.append(f"AP on {len(found.image_ids)} boxes of {detections.name}")
    pose = metrics.mean_pose([source], model.input_size) if pose is None else pose
    baseline = metrics.accuracy(metrics.mean_pose_points(pose, source, rows, model.input_size), source, rows)
    truth = load_truth(source)
    figures = metrics.accuracy(said.points, source, rows)
    if truth is not None:
        figures |= _in_3d(said.points, source, rows, truth)
    relative = (
        metrics.point_errors(said.points, source.keypoints[rows]) / metrics.person_sizes(source.boxes[rows])[:, None]
    )
    mm = errors_mm(said.points, source, rows, truth) if truth is not None else np.full_like(relative, np.nan)
    oks = metrics.oks(said.points, source.keypoints[rows], source.areas[rows])
    table, ece = metrics.calibration(said.scores, relative)
    return Evaluation(
        source=source.name,
        count=len(rows),
        ap={subset: average_precision(source, found, subset, rows) for subset in SUBSETS},
        figures=figures,
        mean_pose=baseline,
        slices=_slices(source, rows, truth, relative, mm, oks),
        keypoints=_per_keypoint(relative, mm),
        calibration=table,
        ece=ece,
        rows=rows,
        points=said.points,
        scores=said.scores,
        oks=oks,
        notes=tuple(notes),
    )


def read_detections(path: Path) -> list[dict]:
    """Boxes of a COCO result file. DatasetError where it is none."""
    try:
        entries = json.loads(path.read_bytes())
        return [{"image_id": e["image_id"], "bbox": e["bbox"], "score": float(e["score"])} for e in entries]
    except OSError as error:
        raise DatasetError(f"cannot read the detections {path}: {error.strerror}") from None
    except (ValueError, KeyError, TypeError):
        raise DatasetError(f"{path} must be a JSON list of boxes with image_id, bbox and score") from None


def _detected(model: PoseModel, source: Source, rows: np.ndarray, path: Path, **predict: Any) -> Detections:
    reference = {int(source.image_ids[i]): source.images[i] for i in rows}
    entries = [e for e in read_detections(path) if e["image_id"] in reference and min(e["bbox"][2:]) > 1]
    if not entries:
        raise DatasetError(f"{path} has no box on any picture of '{source.name}'; the image_ids must be the same")
    boxes = np.array([e["bbox"] for e in entries], float)
    said = predict_boxes(model, [reference[e["image_id"]] for e in entries], boxes, **predict)
    ids, box_scores = np.array([e["image_id"] for e in entries]), np.array([e["score"] for e in entries])
    return without_doubles(Detections(ids, said.points, said.scores, box_scores))


def _in_3d(points: np.ndarray, source: Source, rows: np.ndarray, truth: Truth) -> dict[str, float]:
    mm = errors_mm(points, source, rows, truth)
    figures = {"mm": metrics.mean(mm), "spine_mm": metrics.mean(mm[:, list(SPINE_IDS)])}
    return figures | {f"{name} deg": value for name, value in angle_errors(points, source, rows, truth).items()}


def _slices(
    source: Source, rows: np.ndarray, truth: Truth | None, relative: np.ndarray, mm: np.ndarray, oks: np.ndarray
) -> dict[str, list[dict]]:
    groups = truth.slices if truth is not None else {"size": sizes_in_words(source)}
    spine = list(SPINE_IDS)
    tables = {}
    for name, labels in groups.items():
        table = []
        for group in sorted(set(labels[rows].tolist())):
            of = labels[rows] == group
            if of.sum() < MIN_SLICE:
                continue
            near = relative[of]
            with np.errstate(invalid="ignore"):
                pck = metrics.share(near < metrics.NEAR, np.isfinite(near))
            line = {"group": group, "people": int(of.sum()), "pck05": pck, "spine": metrics.mean(near[:, spine])}
            table.append(line | {"spine_mm": metrics.mean(mm[of][:, spine]), "oks": metrics.mean(oks[of])})
        tables[name] = table
    return tables


def _per_keypoint(relative: np.ndarray, mm: np.ndarray) -> list[dict]:
    table = []
    for k, name in enumerate(spinetrack().names):
        column = relative[:, k]
        known = np.isfinite(column)
        with np.errstate(invalid="ignore"):
            pck = metrics.share(column < metrics.NEAR, known)
        line = {"name": name, "labelled": int(known.sum()), "pck05": pck, "error": metrics.mean(column)}
        table.append(line | {"mm": metrics.mean(mm[:, k])})
    return table


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {str(k): _plain(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(v) for v in value]
    if isinstance(value, (float, np.floating)):
        return float(value) if np.isfinite(value) else None
    return int(value) if isinstance(value, np.integer) else value
