"""Small COCO-style sets of stick people, written to a folder: enough to train, check and measure on."""

import json
from pathlib import Path

import cv2
import numpy as np

from synthgen.keypoints import spinetrack

WIDTH, HEIGHT = 160, 200


def standing(rng: np.random.Generator) -> np.ndarray:
    """(37, 3) a person who faces the camera: the left side on the picture's right."""
    x, y, s = rng.uniform(60, 100), rng.uniform(20, 35), rng.uniform(120, 145)
    place = {
        "nose": (0, 0.06), "left_eye": (0.02, 0.04), "left_ear": (0.04, 0.05), "left_shoulder": (0.11, 0.19),
        "left_elbow": (0.14, 0.34), "left_wrist": (0.15, 0.48), "left_hip": (0.06, 0.52), "left_knee": (0.07, 0.74),
        "left_ankle": (0.07, 0.95), "head": (0, 0), "neck": (0, 0.17), "hip": (0, 0.5), "left_big_toe": (0.09, 1.0),
        "left_small_toe": (0.11, 1.0), "left_heel": (0.07, 0.98), "spine_01": (0, 0.45), "spine_02": (0, 0.4),
        "spine_03": (0, 0.35), "spine_04": (0, 0.28), "spine_05": (0, 0.22), "left_latissimus": (0.08, 0.3),
        "left_clavicle": (0.04, 0.18), "neck_02": (0, 0.13), "neck_03": (0, 0.1),
    }  # fmt: skip
    out = np.zeros((37, 3))
    for k in spinetrack().keypoints:
        side = -1 if k.name.startswith("right_") else 1
        dx, dy = place[k.name.replace("right_", "left_")]
        out[k.id] = x + side * dx * s, y + dy * s, 2
    out[:, :2] += rng.normal(0, 1.0, (37, 2))
    return out


def draw(points: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """(HEIGHT, WIDTH, 3) uint8 the person as coloured links on a plain ground."""
    image = np.full((HEIGHT, WIDTH, 3), rng.integers(30, 120), np.uint8)
    for link in spinetrack().links:
        a, b = (np.round(points[i, :2]).astype(int).tolist() for i in (link.start, link.end))
        cv2.line(image, a, b, link.color, 3)
    return image


def write_set(folder: Path, count: int = 12, keypoints: int = 37, seed: int = 0, ending: str = "jpg") -> Path:
    """Write `count` pictures of one person each; returns the annotation file. The first `keypoints` are labelled."""
    rng = np.random.default_rng(seed)
    folder.mkdir(parents=True, exist_ok=True)
    images, annotations = [], []
    for i in range(count):
        points = standing(rng)
        name = f"{i:04d}.{ending}"
        cv2.imwrite(str(folder / name), draw(points, rng)[:, :, ::-1])
        low, high = points[:, :2].min(0) - 4, points[:, :2].max(0) + 4
        images.append({"id": i, "file_name": name, "width": WIDTH, "height": HEIGHT})
        annotations.append(
            {
                "id": i + 1,
                "image_id": i,
                "category_id": 1,
                "iscrowd": 0,
                "bbox": [*low.tolist(), *(high - low).tolist()],
                "area": float(0.4 * np.prod(high - low)),
                "keypoints": points[:keypoints].reshape(-1).tolist(),
                "num_keypoints": keypoints,
            }
        )
    path = folder / "people.json"
    path.write_text(
        json.dumps({"images": images, "annotations": annotations, "categories": [{"id": 1, "name": "person"}]})
    )
    return path


def edit(path: Path, change) -> Path:
    """Apply `change(data)` to an annotation file."""
    data = json.loads(path.read_text())
    change(data)
    path.write_text(json.dumps(data))
    return path
