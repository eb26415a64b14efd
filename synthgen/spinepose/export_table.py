"""Several exports of one checkpoint, measured side by side: size, speed, and how far the points move."""

import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from biomech.errors import ConfigError, DatasetError
from synthgen.spinepose.crop import crop_from_box, warp
from synthgen.spinepose.estimator import Estimator
from synthgen.spinepose.export import Exported, export_onnx, load_for_export, trace

_RUNS = 20


@dataclass(frozen=True, slots=True)
class Row:
    """One exported file, measured.

    Attributes:
        file: what was written.
        milliseconds: median per picture, batch of one, on one thread and on two.
        moved: mean and 95th percentile of how far points lie from the checkpoint's own, px of the crop; over points
            that the checkpoint scores above 0.5, or all where there are none.
    """

    file: Exported
    milliseconds: tuple[float, float]
    moved: tuple[float, float]


def export_all(
    checkpoint: Path,
    out: Path | None,
    channels: tuple[str, ...],
    precisions: tuple[str, ...],
    calibration: np.ndarray | None,
) -> list[Row]:
    """Export every combination and measure it.

    Args:
        out: the file, where there is one combination; else its name gets _CHANNELS and _PRECISION added.
        calibration: (N, H, W, 3) uint8 RGB crops, or None: noise is used to measure, and int8 is refused.
    """
    base = out if out is not None else Path(checkpoint).with_suffix(".onnx")
    single = out is not None and len(channels) * len(precisions) == 1
    model, facts = load_for_export(checkpoint)
    graph = trace(model)
    own, rows = Estimator(checkpoint), []
    width, height = own.input_size
    pictures = calibration
    if pictures is None:
        pictures = np.random.default_rng(0).integers(0, 256, (4, height, width, 3), np.uint8)
    wanted, scores = own.run(pictures)
    sure = scores > 0.5 if (scores > 0.5).any() else np.ones_like(scores, bool)
    for precision in precisions:
        for kind in channels:
            name = base if single else base.with_name(f"{base.stem}_{kind}_{precision}.onnx")
            file = export_onnx(model, name, kind, precision, calibration, facts, graph)
            points, _ = Estimator(file.path).run(pictures)
            apart = np.linalg.norm(points - wanted, axis=-1)[sure]
            times = (_milliseconds(file.path, pictures[:1], 1), _milliseconds(file.path, pictures[:1], 2))
            rows.append(Row(file, times, (float(apart.mean()), float(np.quantile(apart, 0.95)))))
    return rows


def table(rows: list[Row]) -> str:
    """The rows as text, for a terminal or Markdown."""
    lines = [
        "| file | precision | MB | ms, 1 thread | ms, 2 threads | moved, mean px | moved, 95 % px |",
        "|---|---|--:|--:|--:|--:|--:|",
    ]
    for r in rows:
        lines.append(
            f"| {r.file.path.name} | {r.file.precision} | {r.file.size / 1e6:.1f} | {r.milliseconds[0]:.1f} "
            f"| {r.milliseconds[1]:.1f} | {r.moved[0]:.2f} | {r.moved[1]:.2f} |"
        )
    return "\n".join(lines)


def calibration_crops(folder: Path, checkpoint: Path, count: int) -> np.ndarray:
    """Crops of people for int8 (N, H, W, 3) uint8 RGB: the detector finds them in a folder's pictures.

    Raises:
        DatasetError: no people found. ConfigError: count is not positive.
    """
    import cv2

    from synthgen.spinepose.detect import Detector
    from synthgen.spinepose.predict import PHOTOS, predict_image

    if count < 1:
        raise ConfigError(f"--crops is {count}; allowed: 1 or more")
    estimator, crops = Estimator(checkpoint), []
    files = sorted(p for p in Path(folder).rglob("*") if p.suffix.lower() in PHOTOS)
    detector = Detector() if files else None
    for path in files[:: max(1, len(files) // count)]:
        image = cv2.imread(str(path))
        if image is None:
            continue
        for pose in predict_image(image, estimator, detector):
            crop = crop_from_box(pose.box, estimator.input_size)
            crops.append(warp(image, crop, estimator.input_size)[..., ::-1])
        if len(crops) >= count:
            break
    if not crops:
        raise DatasetError(f"no people were found in the pictures of {folder}; int8 needs some to calibrate on")
    return np.stack(crops[:count])


def _milliseconds(path: Path, pictures: np.ndarray, threads: int) -> float:
    estimator = Estimator(path, threads=threads)
    times = []
    for _ in range(_RUNS):
        started = time.perf_counter()
        estimator.run(pictures)
        times.append(time.perf_counter() - started)
    return float(np.median(times)) * 1e3
