"""A contact sheet to look at: each picture beside a close-up with everything that was labelled drawn on it.

Mask outline white; skeleton in SpineTrack's colours; the column as one curve in yellow; 24 vertebrae as small axes
(x forward red, y up green, z right blue). Filled keypoints are seen (2), hollow ones hidden (1).
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from biomech.errors import DatasetError
from synthgen.checks import load_coco
from synthgen.coco import camera_of
from synthgen.dataset import Dataset, read_dataset
from synthgen.keypoints import SPINE_IDS, spinetrack
from synthgen.shards import write_atomic

TILE = (400, 400)  # width, height of the close-up, px
AXIS = 0.03  # length of a vertebra's drawn axes, m
COLUMN = (40, 220, 255)  # BGR
AXES_BGR = ((60, 60, 255), (60, 220, 60), (255, 120, 60))


@dataclass(frozen=True, slots=True)
class _View:
    """Where a part of the picture lands in a tile: tile = (picture - origin) * scale."""

    origin: np.ndarray
    scale: float

    def __call__(self, points: np.ndarray) -> np.ndarray:
        """(..., 2) px -> (..., 2) int px of the tile, in the 1/8 px that OpenCV draws with."""
        return np.rint((points - self.origin) * self.scale * 8 - 4).astype(int)


def inspect_dataset(root: str | Path, out: str | Path | None = None, count: int = 40, split: str | None = None) -> Path:
    """Write the contact sheet of a finished dataset.

    Args:
        out: .jpg or .png file; default inspect/<split or all>.jpg inside the dataset.
        count: pictures, evenly spread over the dataset.
        split: only this split.

    Returns:
        The file written.

    Raises:
        DatasetError: no such dataset or split, or the file type is unknown.
    """
    import cv2

    dataset = read_dataset(root)
    if split is not None and split not in dataset.splits:
        raise DatasetError(f"there is no split '{split}' in {root}; it has {', '.join(dataset.splits)}")
    path = Path(out) if out is not None else dataset.root / "inspect" / f"{split or 'all'}.jpg"
    if path.suffix.lower() not in (".jpg", ".jpeg", ".png"):
        raise DatasetError(f"the contact sheet {path} must end in .jpg or .png")
    tiles = _tiles(dataset, max(1, count), split)
    if not tiles:
        raise DatasetError(f"there are no pictures in split '{split}' of {root}")
    columns = max(1, min(4, len(tiles)))
    blank = np.zeros_like(tiles[0])
    rows = [tiles[i : i + columns] for i in range(0, len(tiles), columns)]
    sheet = np.vstack([np.hstack(row + [blank] * (columns - len(row))) for row in rows])
    quality = [] if path.suffix.lower() == ".png" else [cv2.IMWRITE_JPEG_QUALITY, 88]
    done, data = cv2.imencode(path.suffix.lower(), sheet, quality)
    if not done:
        raise DatasetError(f"a sheet of {len(tiles)} pictures is too large for a {path.suffix} file; lower --count")
    try:
        write_atomic(path, data.tobytes())
    except OSError as error:
        raise DatasetError(f"cannot write {path}: {error.strerror}") from None
    return path


def _tiles(dataset: Dataset, count: int, split: str | None) -> list[np.ndarray]:
    table = dataset.table()
    row_of = {int(i): n for n, i in enumerate(table["annotation_id"])}
    entries = []
    for name in [split] if split else dataset.splits:
        coco = load_coco(dataset, name)
        entries += [(i["id"], name, i, coco.imgToAnns.get(i["id"], [])) for i in coco.dataset["images"]]
    entries.sort(key=lambda e: e[0])
    chosen = np.unique(np.linspace(0, max(len(entries) - 1, 0), min(count, len(entries))).round().astype(int))
    tiles = []
    for n in chosen:
        _, name, image, annotations = entries[n]
        tiles.append(_tile(dataset, name, image, annotations, table, [row_of[a["id"]] for a in annotations]))
    return tiles


def _tile(dataset: Dataset, split: str, image: dict, annotations: list, table: dict, rows: list[int]) -> np.ndarray:
    import cv2

    picture = cv2.imread(str(dataset.root / "images" / split / image["file_name"]))
    if picture is None:
        raise DatasetError(f"images/{split}/{image['file_name']} cannot be read; run 'synthgen validate' on it")
    view = _close_up(annotations, picture.shape)
    close = cv2.warpAffine(
        picture,
        np.array([[view.scale, 0, -view.origin[0] * view.scale], [0, view.scale, -view.origin[1] * view.scale]]),
        TILE,
        flags=cv2.INTER_AREA if view.scale < 1 else cv2.INTER_LINEAR,
    )
    for a, row in zip(annotations, rows, strict=True):
        _draw_mask(close, a, view)
        _draw_vertebrae(close, image, table["vertebrae_cam"][row].astype(float), view)
        _draw_skeleton(close, a, view)
    left = cv2.resize(picture, (TILE[1] * picture.shape[1] // picture.shape[0], TILE[1]), interpolation=cv2.INTER_AREA)
    text = f"{image['id']} {split} s{image['subject']} {' '.join(a['activity'] for a in annotations)}"
    cv2.putText(left, text, (6, 16), cv2.FONT_HERSHEY_SIMPLEX, 0.45, (0, 0, 0), 3, cv2.LINE_AA)
    cv2.putText(left, text, (6, 16), cv2.FONT_HERSHEY_SIMPLEX, 0.45, (255, 255, 255), 1, cv2.LINE_AA)
    return np.pad(np.hstack([left, close]), ((0, 4), (0, 4), (0, 0)))


def _close_up(annotations: list, shape: tuple[int, ...]) -> _View:
    """The union of the boxes with a margin, or the whole picture where nobody is labelled."""
    h, w = shape[:2]
    boxes = np.array([a["bbox"] for a in annotations] or [[0, 0, w, h]], float)
    low, high = boxes[:, :2].min(0), (boxes[:, :2] + boxes[:, 2:]).max(0)
    size = (high - low).max() * 1.12 + 8
    return _View((low + high) / 2 - size / 2 * np.array([1, TILE[1] / TILE[0]]), TILE[0] / size)


def _draw_mask(tile: np.ndarray, a: dict, view: _View) -> None:
    import cv2
    from pycocotools import mask as coco_mask

    code = {"size": a["segmentation"]["size"], "counts": a["segmentation"]["counts"].encode("ascii")}
    outlines, _ = cv2.findContours(coco_mask.decode(code), cv2.RETR_CCOMP, cv2.CHAIN_APPROX_NONE)
    for outline in outlines:
        cv2.polylines(tile, [view(outline[:, 0] + 0.5)], True, (255, 255, 255), 1, cv2.LINE_AA, 3)


def _draw_vertebrae(tile: np.ndarray, image: dict, poses: np.ndarray, view: _View) -> None:
    import cv2

    ends = np.concatenate([poses[:, :3, 3:], poses[:, :3, 3:] + poses[:, :3, :3] * AXIS], 2)  # (24, 3, 4)
    projected = camera_of(image).project(np.swapaxes(ends, 1, 2))
    if not np.isfinite(projected).all():
        return
    drawn = view(projected)
    for vertebra in drawn.tolist():
        for axis, color in enumerate(AXES_BGR):
            cv2.line(tile, vertebra[0], vertebra[axis + 1], color, 1, cv2.LINE_AA, 3)


def _draw_skeleton(tile: np.ndarray, a: dict, view: _View) -> None:
    import cv2

    schema = spinetrack()
    points = np.array(a["keypoints"], float).reshape(-1, 3)
    drawn, visibility = view(points[:, :2]).tolist(), points[:, 2]
    for link in schema.links:
        if visibility[link.start] and visibility[link.end]:
            cv2.line(tile, drawn[link.start], drawn[link.end], link.color[::-1], 1, cv2.LINE_AA, 3)
    spine = [i for i in SPINE_IDS if visibility[i]]
    if len(spine) > 2:
        cv2.polylines(tile, [view(_smooth(points[spine, :2]))], False, COLUMN, 2, cv2.LINE_AA, 3)
    for point, keypoint in zip(drawn, schema.keypoints, strict=True):
        if visibility[keypoint.id]:
            filled = visibility[keypoint.id] == 2
            cv2.circle(tile, point, 24, (0, 0, 0), -1 if filled else 2, cv2.LINE_AA, 3)
            cv2.circle(tile, point, 20, keypoint.color[::-1], -1 if filled else 1, cv2.LINE_AA, 3)


def _smooth(points: np.ndarray) -> np.ndarray:
    """(N, 2) -> (M, 2): a cubic curve through the points."""
    from scipy.interpolate import CubicSpline

    length = np.concatenate([[0], np.cumsum(np.linalg.norm(np.diff(points, axis=0), axis=1) + 1e-6)])
    return CubicSpline(length, points)(np.linspace(0, length[-1], 60))
