"""COCO keypoints, and what CVAT calls "COCO Keypoints 1.0": the same JSON inside of an archive.

CVAT counts people anew and drops what it does not know; names of points and of pictures come through.
"""

import io
import json
import zipfile
from pathlib import Path

import numpy as np

from synthgen.active.errors import ProjectError
from synthgen.active.exchange import Person, Picture, box_about, row_of
from synthgen.keypoints import coco_category
from synthgen.shards import write_atomic
from synthgen.spinepose.sources import AREA_OF_BOX

NUMBER = "synthgen_person"  # our field: number of the person in the project
IN_ARCHIVE = "annotations/person_keypoints_default.json"
_MOST_BYTES = 2_000_000_000


def write(pictures: list[Picture], path: Path, final: bool, model: str) -> None:
    """A COCO file; scores of the model go along as `keypoint_scores`."""
    write_atomic(path, text(pictures).encode())


def write_for_cvat(pictures: list[Picture], path: Path, final: bool, model: str) -> None:
    """The archive that CVAT takes as "COCO Keypoints 1.0"."""
    if path.suffix.lower() != ".zip":
        raise ProjectError(f"CVAT takes COCO keypoints as an archive; name a .zip, not {path.name}")
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(zipfile.ZipInfo(IN_ARCHIVE), text(pictures), zipfile.ZIP_DEFLATED)
    write_atomic(path, buffer.getvalue())


def text(pictures: list[Picture]) -> str:
    """The JSON."""
    images: list[dict] = []
    annotations: list[dict] = []
    for number, picture in enumerate(pictures, 1):
        images.append({"id": number, "file_name": picture.name, "width": picture.width, "height": picture.height})
        for person in picture.people:
            points = np.where(person.points[:, 2:3] > 0, person.points[:, :3], 0.0)
            entry: dict = {
                "id": len(annotations) + 1,
                "image_id": number,
                "category_id": 1,
                "iscrowd": 0,
                "bbox": [round(float(v), 4) for v in person.box],
                "area": round(float(AREA_OF_BOX * np.prod(person.box[2:])), 2),
                "keypoints": [int(v) if i % 3 == 2 else round(float(v), 4) for i, v in enumerate(points.reshape(-1))],
                "num_keypoints": int((points[:, 2] > 0).sum()),
                "keypoint_scores": [round(float(v), 4) for v in person.points[:, 3]],
            }
            if person.number is not None:
                entry[NUMBER] = person.number
            annotations.append(entry | ({"comment": person.comment} if person.comment else {}))
    data = {"images": images, "annotations": annotations, "categories": [coco_category()]}
    return json.dumps({"info": {}, "licenses": []} | data, separators=(",", ":"), allow_nan=False) + "\n"


def read(path: Path) -> list[Picture]:
    """People of a COCO file, or of the first such file in an archive of CVAT's.

    Raises:
        ProjectError: not such a file, or no category names keypoints of ours.
    """
    try:
        data = json.loads(_bytes(path))
        images = {i["id"]: i for i in data["images"]}
        names = {c["id"]: c["keypoints"] for c in data["categories"] if c.get("keypoints")}
        people: dict = {number: [] for number in images}
        rows = {c: [row_of(str(name)) for name in those] for c, those in names.items()}
        if not any(row is not None for those in rows.values() for row in those):
            raise ProjectError(f"{path} names none of our 37 keypoints in its categories")
        for a in data["annotations"]:
            if a.get("category_id") in rows and a["image_id"] in people and a.get("keypoints"):
                people[a["image_id"]].append(_person(a, rows[a["category_id"]]))
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ProjectError(f"{path} is no COCO keypoint file ({type(error).__name__}: {error})") from None
    return [
        Picture(str(i["file_name"]), int(i.get("width") or 0), int(i.get("height") or 0), tuple(people[number]))
        for number, i in images.items()
    ]


def _person(a: dict, rows: list[int | None]) -> Person:
    points, flat = np.zeros((37, 4)), np.asarray(a["keypoints"], float)
    if len(flat) != 3 * len(rows):
        raise ValueError(f"annotation {a.get('id')} has {len(flat) / 3:g} keypoints, its category names {len(rows)}")
    scores = a.get("keypoint_scores") or [1.0] * len(rows)
    for row, (x, y, seen), score in zip(rows, flat.reshape(-1, 3), scores, strict=True):
        if row is not None and seen > 0:
            points[row] = (x, y, min(int(seen), 2), min(max(float(score), 0.0), 1.0))
    box = a.get("bbox")
    usable = box is not None and len(box) == 4 and min(box[2:]) > 1
    number = a.get(NUMBER)
    return Person(
        points,
        np.asarray(box, float) if usable else box_about(points),
        number if isinstance(number, int) else None,
        str(a.get("comment", "")),
    )


def _bytes(path: Path) -> bytes:
    try:
        if path.suffix.lower() != ".zip":
            return path.read_bytes()
        with zipfile.ZipFile(path) as archive:
            names = [n for n in archive.namelist() if n.endswith(".json") and "person_keypoints" in n]
            if not names:
                raise ProjectError(f"{path} holds no person_keypoints_*.json; export as 'COCO Keypoints 1.0'")
            if archive.getinfo(names[0]).file_size > _MOST_BYTES:
                raise ProjectError(f"{names[0]} in {path} unpacks to more than {_MOST_BYTES // 10**9} GB; refused")
            return archive.read(names[0])
    except (OSError, zipfile.BadZipFile) as error:
        raise ProjectError(f"{path} cannot be read ({error})") from None
