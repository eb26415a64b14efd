"""Stream a finished dataset picture by picture, with its people, in index order and with checked bytes.

Nothing is held but the picture at hand: the COCO file is read line by line, once for the pictures and once for the
people, the Parquet table and the list of checksums run along.
"""

import hashlib
import json
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

import pyarrow.parquet as pq

from biomech.errors import DatasetError
from synthgen.coco import TABLE, coco_file
from synthgen.dataset import CHECKSUMS, Dataset
from synthgen.keypoints import spinetrack

BEGIN, TURN = '"images":[', '],"annotations":['  # how synthgen.coco lays its lines
MAPS = {"depth": "depth_file", "instances": "instance_file", "parts": "part_file"}
ROUNDING_3D = 4  # decimals of a metre


@dataclass(frozen=True, slots=True, eq=False)
class Picture:
    """One picture and everybody in it.

    Attributes:
        split: it belongs to.
        image: COCO's entry, without the names of maps.
        people: COCO's annotations, each with `keypoints_cam`: 37 x (x right, y down, z forward), m.
        data: the picture's file.
        maps: "depth", "instances", "parts" -> the file, where asked for and present.
    """

    split: str
    image: dict[str, Any]
    people: list[dict[str, Any]]
    data: bytes
    maps: dict[str, bytes]

    @property
    def name(self) -> str:
        return self.image["file_name"]

    @property
    def stem(self) -> str:
        return PurePosixPath(self.name).stem


@dataclass(frozen=True, slots=True)
class Split:
    """What a split's COCO file says before its pictures: its header and how many there are."""

    name: str
    header: dict[str, Any]
    images: int


def read_split(dataset: Dataset, name: str) -> Split:
    """Head and size of a split; DatasetError where its file is no COCO file with SpineTrack's 37 keypoints."""
    path = coco_file(dataset.root, name)
    with _reading(path):
        header, images, _ = _scan(path)
        found = tuple(header["categories"][0]["keypoints"])
    if found != spinetrack().names:
        raise DatasetError(f"{path} names {len(found)} keypoints that are not SpineTrack's 37, in their order")
    return Split(name, header, images)


def pictures(dataset: Dataset, split: str, maps: bool = False) -> Iterator[Picture]:
    """The pictures of a split in the order of its COCO file.

    Raises:
        DatasetError: a label that fits no picture, or a picture that is missing or was altered.
    """
    path = coco_file(dataset.root, split)
    sums = {kind: _checksums(dataset.root, f"{kind}/{split}/") for kind in ("images", *(MAPS if maps else ()))}
    space = _in_space(dataset.root / TABLE)
    with _reading(path):
        people = _annotations(path)
        waiting = next(people, None)
        for image in _images(path):
            here = []
            while waiting is not None and waiting["image_id"] == image["id"]:
                if len(waiting["keypoints"]) != 3 * len(spinetrack().names):
                    raise DatasetError(f"{path}: annotation {waiting['id']} has not 37 keypoints")
                if len(waiting["bbox"]) != 4:
                    raise DatasetError(
                        f"{path}: annotation {waiting['id']} has a box of {len(waiting['bbox'])} numbers"
                    )
                here.append({**waiting, "keypoints_cam": _until(space, waiting["id"], dataset.root / TABLE)})
                waiting = next(people, None)
            files = {"images": f"images/{split}/{image['file_name']}"}
            files |= {kind: image[key] for kind, key in MAPS.items() if maps and key in image}
            data = {kind: _checked(dataset.root, name, sums[kind]) for kind, name in files.items()}
            plain = {key: value for key, value in image.items() if key not in MAPS.values()}
            yield Picture(split, plain, here, data.pop("images"), data)
        if waiting is not None:
            raise DatasetError(f"{path}: annotation {waiting['id']} is of no picture listed, or out of index order")


class _reading:
    """What a damaged file raises becomes one DatasetError that names the file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: type | None, error: BaseException | None, _: object) -> None:
        damaged = isinstance(error, OSError) and error.errno is None  # so Arrow says it; a disk's failures are numbered
        wrong = (ValueError, KeyError, TypeError, IndexError, RecursionError, FileNotFoundError)
        if damaged or isinstance(error, wrong):
            what = "it is missing" if isinstance(error, FileNotFoundError) else " ".join(str(error).split())
            raise DatasetError(f"{self.path} cannot be read ({what}); see 'synthgen validate'") from None


def _scan(path: Path) -> tuple[dict[str, Any], int, int]:
    """Header, number of pictures, and where in the file the annotations begin: -1 for a file laid out otherwise."""
    with open(path, "rb") as file:
        first = file.readline().decode("ascii", "replace").rstrip()
        if not first.endswith(BEGIN):
            data = json.loads(path.read_bytes())
            return {k: v for k, v in data.items() if k not in ("images", "annotations")}, len(data["images"]), -1
        count = 0
        while line := file.readline():
            if line.startswith(TURN.encode()):
                return {k: v for k, v in json.loads(first + "]}").items() if k != "images"}, count, file.tell()
            count += 1
    raise ValueError("it ends early")


def _images(path: Path) -> Iterator[dict[str, Any]]:
    if _scan(path)[2] < 0:
        yield from sorted(json.loads(path.read_bytes())["images"], key=lambda image: image["id"])
        return
    with open(path, encoding="ascii") as file:
        file.readline()
        for line in file:
            if line.startswith(TURN):
                return
            yield json.loads(line.rstrip().removesuffix(","))


def _annotations(path: Path) -> Iterator[dict[str, Any]]:
    start = _scan(path)[2]
    if start < 0:
        yield from sorted(json.loads(path.read_bytes())["annotations"], key=lambda a: (a["image_id"], a["id"]))
        return
    with open(path, "rb") as file:
        file.seek(start)
        while line := file.readline():
            text = line.decode("ascii").strip().removesuffix(",")
            if text == "]}":
                return
            if text:
                yield json.loads(text)
    raise ValueError("it ends early")


def _in_space(table: Path) -> Iterator[tuple[int, list[list[float]]]]:
    """(annotation id, 37 x 3 m in the camera's frame), in the order of the table."""
    with _reading(table), pq.ParquetFile(table) as file:
        for batch in file.iter_batches(256, columns=["annotation_id", "keypoints_cam"]):
            points = batch.column("keypoints_cam").flatten().to_numpy().reshape(len(batch), -1, 3)
            for number, one in zip(batch.column("annotation_id").to_pylist(), points.astype(float), strict=True):
                yield number, [[round(v, ROUNDING_3D) for v in row] for row in one.tolist()]


def _until(rows: Iterator[tuple[int, Any]], wanted: int, source: Path) -> Any:
    for number, value in rows:
        if number == wanted:
            return value
    raise DatasetError(f"{source} has no row for annotation {wanted}, or not in its order")


def _checksums(root: Path, prefix: str) -> Iterator[tuple[str, str]]:
    """(relative path, sha256) of the files under `prefix`, sorted by name."""
    path = root / CHECKSUMS
    if not path.is_file():
        raise DatasetError(f"{root} has no {CHECKSUMS}; run the command that made it once more")
    with open(path, encoding="utf-8") as lines:
        for line in lines:
            digest, _, name = line.rstrip("\n").partition("  ")
            if name.startswith(prefix):
                yield name, digest


def _checked(root: Path, name: str, sums: Iterator[tuple[str, str]]) -> bytes:
    """The file's bytes. Only names that the list of checksums has are opened: no path leads out of the dataset."""
    wanted = next((digest for listed, digest in sums if listed == name), None)
    if wanted is None or ".." in PurePosixPath(name).parts:
        raise DatasetError(f"{name} is not listed in {root / CHECKSUMS}, or not in index order")
    try:
        data = (root / name).read_bytes()
    except FileNotFoundError:
        raise DatasetError(f"{root / name} is missing; render the dataset again, or take the picture out") from None
    if hashlib.sha256(data).hexdigest() != wanted:
        raise DatasetError(f"{root / name} was altered since it was rendered; 'synthgen validate' names all such files")
    return data


def picture_bytes(dataset: Dataset, splits: Sequence[str], maps: bool) -> int:
    """Bytes of the pictures (and maps) to copy, for the check of the disk."""
    kinds = ("images", *(MAPS if maps else ()))
    total = 0
    for folder in (dataset.root / kind / split for kind in kinds for split in splits):
        if folder.is_dir():
            with os.scandir(folder) as files:
                total += sum(file.stat().st_size for file in files)
    return total
