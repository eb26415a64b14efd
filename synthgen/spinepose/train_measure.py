"""Measuring while training: figures of the averaged weights beside those of the mean pose, and people drawn."""

import math

import numpy as np
import torch.distributed as dist

from synthgen.spinepose import metrics
from synthgen.spinepose.crop import crop_from_box, to_input, warp
from synthgen.spinepose.distributed import in_rank_order
from synthgen.spinepose.evaluate import pick, predict_boxes
from synthgen.spinepose.overlays import draw_person, jpeg, sheet
from synthgen.spinepose.sources import Source, read_image
from synthgen.spinepose.train_setup import Setup
from synthgen.spinepose.train_state import State
from synthgen.spinepose.truth import errors_mm, load_truth

PLATEAU = 0.8  # of the mean pose's error; a model above has not begun to look at the picture
SHOWN = 0.2  # least score of a point that is drawn
SIGN = {"oks": ("oks", 1.0), "spine": ("spine", -1.0), "pck": ("pck05", 1.0)}


def measure(state: State, setup: Setup) -> tuple[dict[str, dict[str, float]], list[str], bytes | None]:
    """Figures per source, warnings, and a sheet of drawn people (JPEG; leader only). All processes share the work."""
    team, model = setup.team, state.average.model
    if team.world > 1:  # each process has seen other pictures, so its running statistics differ
        for buffer in model.buffers():
            dist.broadcast(buffer, 0)
    figures: dict[str, dict[str, float]] = {}
    warnings: list[str] = []
    picture = None
    for source in setup.val:
        rows = pick(source, setup.config.evaluation.limit)
        mine = rows[team.rank :: team.world]
        points, scores = np.zeros((0, 37, 2)), np.zeros((0, 37))
        if len(mine):
            said = predict_boxes(
                model,
                [source.images[i] for i in mine],
                source.boxes[mine],
                flip_test=setup.config.evaluation.flip_test,
                device=setup.device,
                precision=setup.precision,
                cache=setup.crops,
            )
            points, scores = said.points, said.scores
        points = np.stack(in_rank_order(team.gather(list(points))))
        scores = np.stack(in_rank_order(team.gather(list(scores))))
        figures[source.name] = _figures(points, source, rows, setup)
        warnings += plateau(source.name, figures[source.name])
        if picture is None and team.leads and setup.config.run.overlays:
            picture = _drawn(source, rows, points, scores, setup)
    return figures, warnings, picture


def merit(figures: dict[str, float], best_by: str) -> float | None:
    """The figure that picks the best checkpoint, larger is better; None where it cannot be told."""
    name, sign = SIGN[best_by]
    value = figures.get(name, math.nan)
    if math.isnan(value) and name == "spine":
        value = figures.get("error", math.nan)
    return None if math.isnan(value) else sign * value


def plateau(name: str, figures: dict[str, float]) -> list[str]:
    """A warning where the model does little better than the mean pose in the same boxes."""
    for part, label in (("spine", "spine"), ("error", "all points")):
        ours, theirs = figures[part], figures[f"mean_pose_{part}"]
        if not (math.isnan(ours) or math.isnan(theirs)):
            if ours > PLATEAU * theirs:
                return [
                    f"on '{name}' the mean error ({label}: {ours:.3f} of the person's size) is hardly below "
                    "that of the mean "
                    f"pose ({theirs:.3f}): the model sits on the mean-pose plateau. "
                    "A fresh RTMPose leaves it late; start "
                    "from a checkpoint (model.init), use a blaze arch, keep model.heatmaps on, or train longer"
                ]
            return []
    return []


def _figures(points: np.ndarray, source: Source, rows: np.ndarray, setup: Setup) -> dict[str, float]:
    figures = metrics.accuracy(points, source, rows)
    pose = metrics.mean_pose_points(setup.pose, source, rows, setup.config.model.input_size)
    base = metrics.accuracy(pose, source, rows)
    figures |= {f"mean_pose_{name}": base[name] for name in ("pck05", "error", "spine", "oks")}
    truth = load_truth(source)
    if truth is not None:
        mm = errors_mm(points, source, rows, truth)
        figures |= {"mm": metrics.mean(mm), "spine_mm": metrics.mean(mm[:, list(metrics.SPINE_IDS)])}
    return figures


def _drawn(source: Source, rows: np.ndarray, points: np.ndarray, scores: np.ndarray, setup: Setup) -> bytes:
    size = setup.config.model.input_size
    chosen = np.unique(np.linspace(0, len(rows) - 1, min(len(rows), setup.config.run.overlays)).round().astype(int))
    pictures = []
    for place in chosen:
        row = rows[place]
        crop = crop_from_box(source.boxes[row], size)
        image = warp(read_image(source.images[row]), crop, size)
        pictures.append(draw_person(image, to_input(points[place], crop, size), scores[place] > SHOWN))
    return jpeg(sheet(pictures))
