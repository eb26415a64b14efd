"""Look at the data before training: what each source holds, whether it can be right, and the first batch drawn.

Problems (training would fail or learn nonsense) and doubts (worth a look) are sentences. N people, K = 37 keypoints.
"""

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from biomech.errors import DatasetError, SynthgenError
from synthgen.keypoints import spinetrack
from synthgen.shards import write_atomic
from synthgen.spinepose.loader import Batch
from synthgen.spinepose.overlays import draw_person, jpeg, sheet
from synthgen.spinepose.sources import Source, load_source, read_image
from synthgen.spinepose.train_config import TrainConfig
from synthgen.spinepose.train_setup import make_maker

SAMPLE = 64  # pictures decoded per source
FEW_FRONTAL = 10  # people whose face shows, needed to judge left and right
PICTURE = "first_batch.jpg"


@dataclass(frozen=True, slots=True)
class Check:
    """What was found.

    Attributes:
        lines: what each source holds, for people to read.
        problems: what must be mended. doubts: what to look at.
        picture: the first batch with its labels; None where there is no batch to draw.
    """

    lines: tuple[str, ...]
    problems: tuple[str, ...]
    doubts: tuple[str, ...]
    picture: Path | None


def check_data(config: TrainConfig, out: Path) -> Check:
    """Check every source of a run, trained on or measured on, and draw its first batch into `out`."""
    lines: list[str] = []
    problems: list[str] = []
    doubts: list[str] = []
    sources: list[Source] = []
    val: list[Source] = []
    for group, configs in (("train", config.data.sources), ("val", config.data.val)):
        for name, given in configs.items():
            try:
                source = load_source(name, given)
            except SynthgenError as error:
                problems.append(f"{group}: {error}")
                continue
            lines += describe(source, group)
            wrong, odd = judge(source)
            problems += wrong
            doubts += odd
            if group == "val":
                val.append(source)
            elif config.data.use in ("all", given.kind):
                sources.append(source)
    doubts += _shared(sources, val)
    picture = None
    if not sources:
        problems.append("no source is left to train on; see 'data.sources' and 'data.use'")
    elif not problems:
        picture, more = _first_batch(config, tuple(sources), out)
        problems += more
    return Check(tuple(lines), tuple(problems), tuple(doubts), picture)


def describe(source: Source, group: str = "train") -> list[str]:
    """What a source holds."""
    labelled = source.keypoints[..., 2] > 0
    seen = (source.keypoints[..., 2] > 1) & labelled
    left_out = ", ".join(f"{count} {reason}" for reason, count in source.skipped.items()) or "none"
    lines = [
        f"{group} '{source.name}' ({source.config.kind}, map {source.map.name}): {len(source)} people in "
        f"{len(set(source.images))} pictures; left out: {left_out}; annotations {source.digest[:12]}",
        f"  labelled points per person {labelled.sum(1).mean():.1f} of {labelled.shape[1]}, hidden "
        f"{1 - seen.sum() / max(1, labelled.sum()):.0%}; box height median {np.median(source.boxes[:, 3]):.0f} px",
    ]
    share = labelled.mean(0)
    rows = [f"{name} {value:.0%}" for name, value in zip(spinetrack().names, share, strict=True) if value > 0]
    missing = [name for name, value in zip(spinetrack().names, share, strict=True) if value == 0]
    lines.append("  labelled: " + (", ".join(rows) or "nothing"))
    if missing:
        lines.append(f"  never labelled, so masked: {', '.join(missing)}")
    return lines


def judge(source: Source) -> tuple[list[str], list[str]]:
    """(problems, doubts) of one source."""
    problems = [f"'{source.name}': {doubt}; wrong map?" for doubt in source.doubts]
    doubts: list[str] = []
    labelled = source.keypoints[..., 2] > 0
    if source.map.points and not labelled.any():
        problems.append(
            f"'{source.name}' has no labelled keypoint at all; is 'map' right, are the visibilities above 0?"
        )
    zero = labelled & (source.keypoints[..., :2] == 0).all(-1)
    if zero.any():
        problems.append(
            f"'{source.name}': {int(zero.sum())} points at exactly (0, 0) are marked as labelled; "
            "unlabelled points need "
            "visibility 0"
        )
    problems += left_and_right(source)
    wrong, odd = _boxes(source)
    problems += wrong
    doubts += odd
    problems += _pictures(source)
    return problems, doubts


def left_and_right(source: Source) -> list[str]:
    """Whether left is left: who shows the face has the left side on the picture's right."""
    schema, points = spinetrack(), source.keypoints
    found = []
    nose, eyes = schema.id_of("nose"), (schema.id_of("left_eye"), schema.id_of("right_eye"))
    frontal = (points[:, [nose, *eyes], 2] > 1).all(1)
    for name in ("eye", "shoulder", "hip", "knee", "ankle", "clavicle"):
        left, right = schema.id_of(f"left_{name}"), schema.id_of(f"right_{name}")
        wide = np.abs(points[:, left, 0] - points[:, right, 0]) > 0.05 * source.boxes[:, 2]
        known = frontal & (points[:, [left, right], 2] > 0).all(1) & wide
        if known.sum() >= FEW_FRONTAL:
            right_way = float((points[known, left, 0] > points[known, right, 0]).mean())
            if right_way < 0.5:
                found.append(
                    f"'{source.name}': left and right {name} are swapped on {1 - right_way:.0%} of "
                    f"{int(known.sum())} people "
                    "who face the camera; flips would be learnt wrongly. Is it a mirrored picture or a wrong map?"
                )
    return found


def check_batch(batch: Batch, input_size: tuple[int, int]) -> list[str]:
    """Problems of a finished batch."""
    problems = []
    points, weights = batch.keypoints.numpy(), batch.weights.numpy()
    if batch.keypoints.shape[1] != len(spinetrack().names):
        problems.append(f"the batch has {batch.keypoints.shape[1]} keypoints, the schema has {len(spinetrack().names)}")
    if not (np.isfinite(points).all() and np.isfinite(weights).all()):
        problems.append("the batch holds points or weights that are not a number")
    outside = (weights > 0) & ((points < 0) | (points > np.array(input_size) - 1)).any(-1)
    if outside.any():
        problems.append(f"{int(outside.sum())} points of the batch count although they lie outside the crop")
    if not (weights > 0).any():
        problems.append("not one labelled keypoint is visible in the whole first batch")
    return problems


def _boxes(source: Source) -> tuple[list[str], list[str]]:
    known = (source.sizes > 0).all(1)
    low, high = source.boxes[:, :2], source.boxes[:, :2] + source.boxes[:, 2:]
    away = known & ((high <= 0) | (low >= source.sizes)).any(1)
    over = known & ~away & ((low < -2) | (high > source.sizes + 2)).any(1)
    center = source.boxes[:, None, :2] + source.boxes[:, None, 2:] / 2
    labelled = source.keypoints[..., 2] > 0
    inside = (np.abs(source.keypoints[..., :2] - center) <= 0.75 * source.boxes[:, None, 2:]).all(-1)
    count = labelled.sum(1)
    empty = (count > 0) & ((inside & labelled).sum(1) < 0.5 * count)
    problems, doubts = [], []
    if away.any():
        problems.append(
            f"'{source.name}': {int(away.sum())} boxes lie outside their picture; are they x, y, width, height?"
        )
    if empty.mean() > 0.05:
        problems.append(
            f"'{source.name}': most keypoints of {int(empty.sum())} people lie outside their box; "
            "are boxes x, y, width, "
            "height in pixels?"
        )
    elif empty.any():
        doubts.append(f"'{source.name}': most keypoints of {int(empty.sum())} people lie outside their box")
    if over.any():
        doubts.append(f"'{source.name}': {int(over.sum())} boxes reach over the edge of their picture")
    return problems, doubts


def _pictures(source: Source) -> list[str]:
    """The first picture that does not decode or has another size than the annotations say, among an even sample."""
    picked = np.unique(np.linspace(0, len(source) - 1, SAMPLE).round().astype(int))
    for row in picked:
        try:
            height, width = read_image(source.images[row]).shape[:2]
        except DatasetError as error:
            return [f"'{source.name}': {error}"]
        size = source.sizes[row]
        if size.all() and tuple(size) != (width, height):
            return [
                f"'{source.name}': {source.images[row]} is {width} x {height}, the annotations say "
                f"{size[0]} x {size[1]}; "
                "the keypoints would be off"
            ]
    return []


def _shared(train: list[Source], val: list[Source]) -> list[str]:
    """Pictures both learnt from and measured on."""
    found = []
    for measured in val:
        for learnt in train:
            both = set(measured.images) & set(learnt.images)
            if both:
                found.append(
                    f"{len(both)} pictures of '{measured.name}', which is measured on, are also learnt from in "
                    f"'{learnt.name}': the figures will flatter"
                )
    return found


def _first_batch(config: TrainConfig, sources: tuple[Source, ...], out: Path) -> tuple[Path | None, list[str]]:
    no_store = replace(config, data=replace(config.data, store=""))
    try:
        maker, _ = make_maker(no_store, sources)
        batch = maker[0]
    except SynthgenError as error:
        return None, [str(error)]
    pictures = [
        draw_person(image.permute(1, 2, 0).numpy(), points.numpy(), weights.numpy())
        for image, points, weights in zip(batch.images[:24], batch.keypoints[:24], batch.weights[:24], strict=True)
    ]
    path = out / PICTURE
    write_atomic(path, jpeg(sheet(pictures, 6)), durable=False)
    return path, check_batch(batch, config.model.input_size)
