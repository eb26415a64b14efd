"""Boxes that the user gives instead of the detector's."""

import json
from pathlib import Path, PurePath

import numpy as np

from biomech.errors import ConfigError

_LAYOUT = 'a COCO file with "images" and "annotations", or {"picture.jpg": [[x, y, width, height], ...]}'


def parse_box(text: str) -> np.ndarray:
    """(4,) from "x,y,width,height" in px.

    Raises:
        ConfigError: not four numbers, or an empty box.
    """
    try:
        box = np.array([float(part) for part in text.split(",")])
    except ValueError:
        box = np.zeros(0)
    if box.shape != (4,) or not np.isfinite(box).all() or (box[2:] <= 0).any():
        raise ConfigError(f"a box is '{text}'; write x,y,width,height in pixels, for example 120,40,200,480")
    return box


def read_boxes(path: Path) -> dict[str, np.ndarray]:
    """File name of each picture -> (N, 4) boxes, x y w h px.

    Raises:
        ConfigError: the file cannot be read or has another layout.
    """
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ConfigError(f"the boxes in {path} cannot be read: {error}; give {_LAYOUT}") from None
    try:
        if "annotations" in data:
            names = {i["id"]: PurePath(i["file_name"]).name for i in data["images"]}
            table: dict[str, list] = {name: [] for name in names.values()}
            for annotation in data["annotations"]:
                table[names[annotation["image_id"]]].append(annotation["bbox"])
        else:
            table = {PurePath(name).name: list(boxes) for name, boxes in data.items()}
        boxes = {name: np.array(rows, float).reshape(-1, 4) for name, rows in table.items()}
    except (KeyError, TypeError, ValueError, AttributeError):
        raise ConfigError(f"the boxes in {path} have another layout; give {_LAYOUT}") from None
    for name, rows in boxes.items():
        if not np.isfinite(rows).all() or (rows[:, 2:] <= 0).any():
            raise ConfigError(f"{path} holds an empty or infinite box for {name}")
    return boxes
