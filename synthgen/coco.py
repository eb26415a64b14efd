"""Merge finished shards, once, into the files people use: COCO per split, a Parquet table, scene specs and motion.

Reads one shard at a time, so memory does not grow with the dataset. Everything is written in index order and holds no
time stamps: equal shards give equal bytes.
"""

import hashlib
import json
import os
import shutil
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

import numpy as np

from biomech.motion import mot_head, mot_rows
from scenes.distortion import NONE
from scenes.renderer import Camera
from synthgen.config import Config
from synthgen.keypoints import coco_category
from synthgen.listing import Listing
from synthgen.published import table_notes
from synthgen.settings import canonical_json
from synthgen.shards import Shard, read_shard
from synthgen.table import TableWriter

ANNOTATIONS = "annotations"
TABLE = "kinematics.parquet"
SCENES = "scenes.jsonl"
MOTION = "poses.mot"

MOST_PEOPLE = 64
"""More than a take can hold; a person's track id in a take is take * MOST_PEOPLE + instance id."""


@dataclass(slots=True)
class SplitCount:
    """How much of a dataset one split holds."""

    images: int = 0
    annotations: int = 0
    subjects: set[int] = field(default_factory=set)


@dataclass(frozen=True, slots=True)
class Merged:
    """Result of a merge: counts per split, and the list of files, still open for more."""

    counts: dict[str, SplitCount]
    listing: Listing


class _CocoFile:
    """One person_keypoints_<split>.json, written while the shards stream by.

    Images go to the file itself, annotations to a side file that is appended at the end.
    """

    def __init__(self, path: Path, header: dict) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self.path = path
        self.temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
        self.side = path.with_name(f".{path.name}.annotations.{os.getpid()}.tmp")
        self.images: IO[str] = open(self.temporary, "w", encoding="ascii")
        self.annotations: IO[str] = open(self.side, "w", encoding="ascii")
        self.images.write(canonical_json(header)[:-1] + ',"images":[')
        self.counts = [0, 0]

    def add_image(self, image: dict) -> None:
        self._add(self.images, 0, image)

    def add_annotation(self, annotation: dict) -> None:
        self._add(self.annotations, 1, annotation)

    def _add(self, file: IO[str], which: int, item: dict) -> None:
        file.write((",\n" if self.counts[which] else "\n") + canonical_json(item))
        self.counts[which] += 1

    def close(self) -> None:
        self.annotations.close()
        self.images.write('\n],"annotations":[')
        with open(self.side, encoding="ascii") as side:
            shutil.copyfileobj(side, self.images)
        self.images.write("\n]}\n")
        self.images.flush()
        os.fsync(self.images.fileno())
        self.images.close()
        self.side.unlink()
        os.replace(self.temporary, self.path)


def coco_file(root: Path, split: str) -> Path:
    return root / ANNOTATIONS / f"person_keypoints_{split}.json"


def merge(
    root: Path,
    config: Config,
    shards: Iterable[Shard],
    coordinates: Sequence[str],
    on_progress: Callable[[int], object] | None = None,
) -> Merged:
    """Write the dataset's label files from its shards.

    Args:
        coordinates: names of the columns of q.
        on_progress: called with the number of samples after each shard.

    Raises:
        DatasetError: a shard was altered.
    """
    listing = Listing(root)
    counts = {split: SplitCount() for split in config.splits}
    header = {
        "info": {"description": "synthgen: synthetic people with SpineTrack keypoints", "config": config.digest},
        "licenses": [],
        "categories": [coco_category()],
    }
    motion_rows = root / f".{MOTION}.rows.{os.getpid()}.tmp"
    scenes_temporary = root / f".{SCENES}.{os.getpid()}.tmp"
    with ExitStack() as stack:
        coco = {split: _CocoFile(coco_file(root, split), header) for split in config.splits}
        table = stack.enter_context(TableWriter(root / TABLE, coordinates, table_notes(config.model)))
        scenes = stack.enter_context(open(scenes_temporary, "w", encoding="ascii"))
        motion = stack.enter_context(open(motion_rows, "w", encoding="ascii"))
        row = 0
        for shard in shards:
            manifest, records, arrays = read_shard(root, shard)
            for name, digest in sorted(manifest["files"].items()):
                listing.add(name, digest)
            for record in records:
                split = record["split"]
                coco[split].add_image(_image(config, record))
                counts[split].images += 1
                for annotation in _annotations(config, record, arrays, row):
                    coco[split].add_annotation(annotation)
                    counts[split].annotations += 1
                    counts[split].subjects.add(annotation["subject"])
                scenes.write(canonical_json({"index": record["index"], "spec": record["spec"]}) + "\n")
            table.add(records, arrays, row)
            count = len(arrays["q"])
            if count:
                motion.write(mot_rows(np.arange(row, row + count, dtype=float), tuple(coordinates), arrays["q"]))
            row += count
            if on_progress:
                on_progress(len(records))
        for file in coco.values():
            file.close()
    os.replace(scenes_temporary, root / SCENES)
    motion_temporary = root / f".{MOTION}.{os.getpid()}.tmp"
    with open(motion_temporary, "wb") as whole, open(motion_rows, "rb") as rows:
        whole.write(mot_head(row, tuple(coordinates)).encode())
        shutil.copyfileobj(rows, whole)
    motion_rows.unlink()
    os.replace(motion_temporary, root / MOTION)
    for path in [*(coco_file(root, split) for split in config.splits), root / TABLE, root / SCENES, root / MOTION]:
        listing.add(path.relative_to(root).as_posix(), file_digest(path))
    return Merged(counts, listing)


def file_digest(path: Path) -> str:
    """sha256 of a file, read in pieces."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _image(config: Config, record: dict) -> dict:
    files = record["files"]
    image = {
        "id": record["index"],
        "file_name": Path(files["images"]).name,
        "width": config.width,
        "height": config.height,
        "subject": record["subject"],
        "intrinsics": record["intrinsics"],
        "cam_from_world": record["cam_from_world"],
    }
    if any(record["distortion"]):
        image["distortion"] = record["distortion"]
    if record["objects"]:
        image["objects"] = record["objects"]
    if config.take > 1:
        image |= dict(zip(("take", "frame", "view"), record["take"], strict=True))
    for kind in ("depth", "instances", "parts", "normals"):
        if kind in files:
            image[f"{kind.removesuffix('s')}_file"] = files[kind]
    return image


def _annotations(config: Config, record: dict, arrays: dict[str, np.ndarray], shard_row: int) -> Iterator[dict]:
    for offset, a in enumerate(record["annotations"]):
        row = record["first_row"] + offset
        points = arrays["keypoints"][row]
        yield {
            "id": shard_row + row + 1,  # never 0: COCOeval takes 0 for "no match"
            "image_id": record["index"],
            "category_id": 1,
            "instance_id": a["instance_id"],
            "subject": a["subject"],
            "activity": a["activity"],
            "bbox": [round(v, 3) for v in a["bbox"]],
            "area": a["area"],
            "segmentation": a["segmentation"],
            "iscrowd": int(bool(a["crowd"])),
            **({"crowd_ids": a["crowd"]} if a["crowd"] else {}),
            **({"track_id": record["take"][0] * MOST_PEOPLE + a["instance_id"]} if config.take > 1 else {}),
            "keypoints": flat_keypoints(points),
            "num_keypoints": int((points[:, 2] > 0).sum()),
            **({"condition": a["condition"]} if a["condition"]["pathology"] else {}),
            **({"motion": a["motion"], "motion_frame": a["frame"]} if a["motion"] else {}),
        }


def camera_of(image: dict) -> Camera:
    """The camera of a picture, in its own frame, from its entry in a COCO file of ours."""
    distortion = tuple(float(v) for v in image.get("distortion", NONE))
    return Camera(np.array(image["intrinsics"]), np.eye(4), image["width"], image["height"], distortion)


def flat_keypoints(points: np.ndarray) -> list[float]:
    """(K, 3) px and visibility -> COCO's flat list, to a thousandth of a pixel; 0, 0, 0 where not labelled."""
    flat: list[float] = []
    for x, y, v in points.tolist():
        flat += [round(x, 3), round(y, 3), int(v)] if v > 0 else [0.0, 0.0, 0]
    return flat


def read_coco(root: Path, split: str) -> dict:
    """The COCO file of a split as plain data."""
    return json.loads(coco_file(root, split).read_bytes())
