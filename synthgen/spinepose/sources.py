"""Annotated people from COCO-style files, generated sets and WebDataset shards, all as SpineTrack's 37 keypoints.

N people, K = 37 keypoints. Coordinates are picture pixels, x right and y down.
"""

import hashlib
import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import cv2
import numpy as np
import simplejpeg

from biomech.errors import DatasetError
from scenes.guarded import MOST_PIXELS, is_bomb
from synthgen.spinepose import tars
from synthgen.spinepose.entries import check_entries, is_number
from synthgen.spinepose.keypoint_maps import KeypointMap, load_map, source_names
from synthgen.spinepose.outlines import Outline, outline_of

AREA_OF_BOX = 0.53  # mean share of a person's box that the person covers; the usual stand-in where there is no area
TABLE = "kinematics.parquet"  # beside the annotations of a generated set


@dataclass(frozen=True, slots=True)
class SourceConfig:
    """One source of annotated people."""

    annotations: str = ""
    images: str = ""
    split: str = "train"
    map: str = "spinetrack37"
    kind: Literal["generated", "real"] = "generated"
    weight: float = 1.0
    limit: int = 0


@dataclass(frozen=True, slots=True, eq=False)
class Record:
    """One annotated person.

    Attributes:
        image: path of the picture, or "shard.tar::member".
        box: (4,) x, y, width, height.
        keypoints: (37, 3) x, y, visibility (0 unlabelled, 1 hidden, 2 seen).
        weights: (37,) 0 where unlabelled.
        area: of the person, px^2.
    """

    source: str
    image: str
    image_id: int
    annotation_id: int
    box: np.ndarray
    keypoints: np.ndarray
    weights: np.ndarray
    area: float


@dataclass(frozen=True, slots=True, eq=False)
class Source:
    """The people of one source, as arrays.

    Attributes:
        name: as in the settings.
        config: where it comes from.
        map: its keypoint scheme.
        images: (N,) picture of each person.
        image_ids, annotation_ids: (N,) as in the annotation file.
        boxes: (N, 4) x, y, width, height.
        keypoints: (N, 37, 3) x, y, visibility.
        weights: (N, 37) loss weights, 0 where unlabelled.
        areas: (N,) px^2, from the annotation.
        sizes: (N, 2) width and height of the picture, 0 where the file does not say.
        crowd: (N,) bool; crowds are kept only where `crowds` was asked for.
        root: folder of the generated set, None for anything else.
        digest: sha256 of the annotations.
        skipped: reason -> annotations left out.
        doubts: names in the file that contradict the map.
        outlines: (N,) silhouette of each person, empty where the file has none.
    """

    name: str
    config: SourceConfig
    map: KeypointMap
    images: tuple[str, ...]
    image_ids: np.ndarray
    annotation_ids: np.ndarray
    boxes: np.ndarray
    keypoints: np.ndarray
    weights: np.ndarray
    areas: np.ndarray
    sizes: np.ndarray
    root: Path | None
    digest: str
    skipped: dict[str, int]
    doubts: tuple[str, ...]
    outlines: tuple[Outline, ...]

    def __len__(self) -> int:
        return len(self.images)

    def record(self, index: int) -> Record:
        i = index
        ids = int(self.image_ids[i]), int(self.annotation_ids[i])
        points = self.keypoints[i], self.weights[i]
        return Record(self.name, self.images[i], *ids, self.boxes[i], *points, float(self.areas[i]))


def load_source(name: str, config: SourceConfig) -> Source:
    """Read a source.

    Raises:
        DatasetError: nothing to read, another number of keypoints than the map has, a labelled point that is no
            number, or nobody left.
    """
    keypoint_map = load_map(config.map)
    data, images, root, digest = _annotations(name, config)
    check_entries(name, data)
    by_id = {i["id"]: i for i in data["images"]}
    people = data["annotations"]
    skipped: Counter[str] = Counter()
    rows: list[tuple] = []
    for a in people:
        image = by_id.get(a.get("image_id"))
        if image is None:
            skipped["picture not listed"] += 1
        elif a.get("iscrowd"):
            skipped["crowd"] += 1
        elif not _usable(a.get("bbox")):
            skipped["no box"] += 1
        else:
            points = _points(name, a, keypoint_map)
            if keypoint_map.points and not (points[:, 2] > 0).any():
                skipped["no labelled keypoint"] += 1
                continue
            box = np.asarray(a["bbox"], np.float32)
            area = float(a.get("area") or AREA_OF_BOX * box[2] * box[3])
            rows.append((image, a, box, points, area))
            if config.limit and len(rows) == config.limit:
                break
    if not rows:
        why = ", ".join(f"{n} {reason}" for reason, n in skipped.items()) or "it lists no annotations"
        raise DatasetError(f"source '{name}' holds nobody to learn from ({why}); check its 'annotations' and 'map'")
    keypoints = np.stack([r[3] for r in rows])
    category = (data.get("categories") or [{}])[0]
    return Source(
        name=name,
        config=config,
        map=keypoint_map,
        images=tuple(_reference(images, r[0]["file_name"]) for r in rows),
        image_ids=np.array([r[0]["id"] for r in rows]),
        annotation_ids=np.array([r[1].get("id", i + 1) for i, r in enumerate(rows)]),
        boxes=np.stack([r[2] for r in rows]),
        keypoints=keypoints,
        weights=np.where(keypoints[..., 2] > 0, keypoint_map.trust, 0.0).astype(np.float32),
        areas=np.array([r[4] for r in rows]),
        sizes=np.array([(r[0].get("width", 0), r[0].get("height", 0)) for r in rows]),
        root=root,
        digest=digest,
        skipped=dict(skipped),
        doubts=tuple(source_names(keypoint_map, category.get("keypoints") or ())),
        outlines=tuple(outline_of(r[1].get("segmentation")) for r in rows),
    )


def load_sources(configs: dict[str, SourceConfig]) -> tuple[Source, ...]:
    """Every source in the order given."""
    return tuple(load_source(name, config) for name, config in configs.items())


def read_image(reference: str) -> np.ndarray:
    """A picture as (H, W, 3) uint8 RGB. DatasetError where it is missing or does not decode."""
    data = tars.read_bytes(reference)
    if is_bomb(data):
        raise DatasetError(f"the picture {reference} is larger than {MOST_PIXELS >> 20} megapixels; make it smaller")
    try:
        if simplejpeg.is_jpeg(data):
            return simplejpeg.decode_jpeg(data, "RGB")
    except ValueError:
        pass
    image = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR) if data else None
    if image is None:
        raise DatasetError(f"the picture {reference} does not decode; replace it or remove it from the annotations")
    return cv2.cvtColor(image, cv2.COLOR_BGR2RGB)


def _annotations(name: str, config: SourceConfig) -> tuple[dict, Path | None, Path | None, str]:
    """(COCO data, folder of the pictures, root of a generated set, digest)."""
    if not config.annotations:
        raise DatasetError(
            f"source '{name}' has no 'annotations'; give a COCO file, a rendered set's folder or .tar shards"
        )
    path = Path(config.annotations)
    if config.annotations.endswith(".tar"):
        shards = tars.shards_of(config.annotations)
        if not shards:
            raise DatasetError(f"source '{name}': no file matches {config.annotations}")
        data = tars.coco_from_shards(shards)
        return data, None, None, hashlib.sha256(json.dumps(data, sort_keys=True).encode()).hexdigest()
    root = path if path.is_dir() else None
    images = Path(config.images) if config.images else None
    if root is not None:
        path = root / "annotations" / f"person_keypoints_{config.split}.json"
        images = images or root / "images" / config.split
    try:
        raw = path.read_bytes()
        data = json.loads(raw)
    except OSError as error:
        raise DatasetError(f"source '{name}': cannot read {path}: {error.strerror}") from None
    except (ValueError, RecursionError):
        raise DatasetError(f"source '{name}': {path} is not JSON") from None
    if isinstance(data, list):
        data = _mpii(name, data)
    if not isinstance(data, dict) or not all(isinstance(data.get(k), list) for k in ("images", "annotations")):
        raise DatasetError(f"source '{name}': {path} is no COCO file (it needs the lists 'images' and 'annotations')")
    if root is None and (path.parents[1] / TABLE).is_file():
        root = path.parents[1]
        images = images or root / "images" / path.stem.removeprefix("person_keypoints_")
    if images is None:
        images = path.parent
    generated = root if root is not None and (root / TABLE).is_file() else None
    return data, images, generated, hashlib.sha256(raw).hexdigest()


def _reference(images: Path | None, file_name: str) -> str:
    return file_name if images is None else str(images / file_name)


def _usable(box: Any) -> bool:
    return isinstance(box, Sequence) and len(box) == 4 and all(map(is_number, box)) and box[2] > 1 and box[3] > 1


def _points(name: str, annotation: dict, keypoint_map: KeypointMap) -> np.ndarray:
    values: list = []
    for field in keypoint_map.fields:
        values += list(annotation.get(field) or [])
    wanted = len(keypoint_map.points)
    if wanted == 0:
        return np.zeros((len(keypoint_map.trust), 3), np.float32)
    who = f"source '{name}', annotation {annotation.get('id')}"
    if not values:
        return np.zeros((len(keypoint_map.trust), 3), np.float32)
    if len(values) != 3 * wanted:
        raise DatasetError(
            f"{who} has {len(values) / 3:g} keypoints, the map '{keypoint_map.name}' has {wanted}; "
            "choose the map that fits"
        )
    try:
        triplets = np.asarray(values, np.float32).reshape(wanted, 3)
    except (TypeError, ValueError, OverflowError):
        raise DatasetError(f"{who} has keypoints that are no numbers; correct them") from None
    labelled = triplets[:, 2] > 0
    if not np.isfinite(triplets[labelled]).all() or not np.isfinite(triplets[:, 2]).all():
        raise DatasetError(f"{who} has a labelled keypoint that is not a number; correct it or set its visibility to 0")
    return keypoint_map.lift(triplets)


def _mpii(name: str, people: list) -> dict:
    """The list form in which MPII is passed around (image, joints, joints_vis, center, scale) as COCO.

    The box is the square of side 200 * scale around the centre, as users of MPII take it; there are no areas.
    """
    images: dict[str, int] = {}
    annotations = []
    for i, p in enumerate(people):
        try:
            points = np.column_stack([np.asarray(p["joints"], float), 2 * np.asarray(p["joints_vis"], float)])
            (x, y), side = p["center"], 200.0 * p["scale"]
            image = images.setdefault(p["image"], len(images))
            box = [x - side / 2, y - side / 2, side, side]
        except (KeyError, TypeError, ValueError):
            raise DatasetError(
                f"source '{name}': entry {i} is neither COCO nor MPII (image, joints, joints_vis ..)"
            ) from None
        flat = points.reshape(-1).tolist()
        annotations.append({"id": i + 1, "image_id": image, "bbox": box, "keypoints": flat, "category_id": 1})
    return {"images": [{"id": v, "file_name": k} for k, v in images.items()], "annotations": annotations}
