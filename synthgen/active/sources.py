"""Where the pictures of a project come from: a folder, a video, or a COCO file with boxes.

Pictures stay where they are. Two kinds are written below the project: frames taken out of videos, and upright copies
of photographs that carry a turn in their EXIF tag.
"""

import hashlib
import json
import os
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from sqlalchemy import Connection, insert, select

from synthgen.active import schema
from synthgen.active.errors import ProjectError
from synthgen.active.images import TYPES, inside, measure, upright_copy, write_jpeg
from synthgen.active.records import pack
from synthgen.active.video import VIDEOS, Sampling, frames, moving_frames, rate
from synthgen.keypoints import spinetrack

FRAMES, UPRIGHT = "frames", "upright"
TRAIN, HELD = "train", "held"
_MOST_PICTURES = 1_000_000


@dataclass(slots=True)
class Found:
    """A picture on its way into the database; group: what must not be split (a video, or the picture itself)."""

    path: str
    width: int
    height: int
    group: str
    video: str | None = None
    frame: int | None = None
    seconds: float | None = None
    people: list[dict] = field(default_factory=list)


@dataclass(slots=True)
class Batch:
    """One source with its pictures; root as the database keeps it. left_out: sentences."""

    kind: str
    origin: Path
    root: str
    pictures: list[Found]
    left_out: list[str]


def gather(
    source: Path, project: Path, images: Path | None = None, sampling: Sampling | None = None,
    tell: Callable[[str], object] = lambda _: None,
) -> list[Batch]:  # fmt: skip
    """What a folder, a video or a COCO file holds.

    Args:
        project: folder for frames and upright copies. images: folder of a COCO file's pictures; beside it when None.

    Raises:
        ProjectError: there is nothing to label.
    """
    sampling = sampling or Sampling()
    if source.is_dir():
        batches = _folder(source, project, sampling, tell)
    elif source.suffix.lower() in VIDEOS and source.is_file():
        batches = [_video(source, project, sampling, tell)]
    elif source.suffix.lower() == ".json" and source.is_file():
        batches = [_coco(source, project, images)]
    elif source.suffix.lower() in TYPES and source.is_file():
        batches = [_pictures(source.parent, [source], project)]
    else:
        raise ProjectError(f"{source} is no folder, video or COCO .json; give one of these")
    if not any(batch.pictures for batch in batches):
        reasons = [reason for batch in batches for reason in batch.left_out]
        why = reasons[0] if reasons else f"wanted: {' '.join((*TYPES, *VIDEOS))}"
        raise ProjectError(f"there is nothing to label in {source}; {why}")
    return batches


def store(connection: Connection, batches: list[Batch], hold_out: float) -> int:
    """Write them; returns how many pictures are new. Those that the project has already are passed over.

    The share held out is taken from all of them together: of four videos one, not a share of each.
    """
    new = 0
    splits = split(sorted({f"{b.root}/{p.group}" for b in batches for p in _fresh(connection, b)}), hold_out)
    for batch in batches:
        if not batch.pictures:  # a source is also a permission to read below its root
            continue
        row = connection.execute(
            select(schema.sources.c.id).where(schema.sources.c.kind == batch.kind, schema.sources.c.root == batch.root)
        ).first()
        if row is None:
            row_values = {"kind": batch.kind, "origin": str(batch.origin.resolve()), "root": batch.root}
            source_id = schema.add_row(connection, schema.sources, row_values)
        else:
            source_id = row.id
        fresh = _fresh(connection, batch)
        for picture in fresh:
            values: dict = {
                name: getattr(picture, name) for name in ("path", "width", "height", "video", "frame", "seconds")
            }
            values |= {"source_id": source_id, "split": splits[f"{batch.root}/{picture.group}"]}
            image_id = schema.add_row(connection, schema.images, values)
            for person in picture.people:
                _person(connection, image_id, person, str(batch.origin.name))
        new += len(fresh)
    return new


def _fresh(connection: Connection, batch: Batch) -> list[Found]:
    """The pictures of a batch that the project does not have yet."""
    sources = schema.sources.c
    same = (sources.kind == batch.kind) & (sources.root == batch.root)
    joined = schema.images.join(schema.sources, sources.id == schema.images.c.source_id)
    known = set(connection.scalars(select(schema.images.c.path).select_from(joined).where(same)))
    return [p for p in batch.pictures if p.path not in known]


def split(groups: list[str], hold_out: float) -> dict[str, str]:
    """Group -> train or held: by the order of their digests, so that it depends on nothing else.

    Of two groups or more at least one is held out, unless the share is 0; a single one is never.
    """
    if not 0 <= hold_out < 1:
        raise ProjectError(f"the share held out is {hold_out:g}; allowed: 0 to below 1")
    ordered = sorted(groups, key=lambda g: hashlib.sha256(g.encode()).hexdigest())
    count = min(round(hold_out * len(ordered)), len(ordered) - 1)
    count = max(count, 1) if hold_out > 0 and len(ordered) > 1 else max(count, 0)
    return {group: HELD if i < count else TRAIN for i, group in enumerate(ordered)}


def _person(connection: Connection, image_id: int, person: dict, name: str) -> None:
    x, y, w, h = (float(v) for v in person["bbox"])
    values = {"image_id": image_id, "x": x, "y": y, "w": w, "h": h, "origin": "coco", "status": "new", "comment": ""}
    person_id = schema.add_row(connection, schema.people, values)
    points = person.get("points")
    if points is not None:
        revision = {"person_id": person_id, "kind": "imported", "author": name, "created": 0.0, "comment": ""}
        connection.execute(insert(schema.revisions).values(revision | {"status": "new", "points": pack(points)}))


def _folder(folder: Path, project: Path, sampling: Sampling, tell: Callable[[str], object]) -> list[Batch]:
    files = []
    for place, folders, names in os.walk(folder):
        if Path(place).resolve() == project.resolve():
            folders.clear()
            continue
        folders.sort()
        files += [Path(place) / name for name in sorted(names) if not name.startswith(".")]
        if len(files) > _MOST_PICTURES:
            raise ProjectError(f"{folder} holds more than {_MOST_PICTURES} files; give a smaller folder")
    photos = [f for f in files if f.suffix.lower() in TYPES]
    batches = [_pictures(folder, photos, project)] if photos else []
    return batches + [_video(f, project, sampling, tell) for f in files if f.suffix.lower() in VIDEOS]


def _pictures(folder: Path, files: list[Path], project: Path) -> Batch:
    found, turned, left_out = [], [], []
    for file in files:
        name = file.relative_to(folder).as_posix()
        try:
            inside(file, [folder])
            width, height, upright = measure(file)
        except ProjectError as error:
            left_out.append(str(error))
            continue
        if upright:
            found.append(Found(name, width, height, name))
        else:
            turned.append((file, name))
    batch = Batch("folder", folder, str(folder.resolve()), found, left_out)
    for file, name in turned:
        batch.pictures.append(_upright(file, name, project, batch.root))
    return batch


def _upright(file: Path, name: str, project: Path, root: str) -> Found:
    """A photograph whose EXIF tag turns it, as a plain copy below the project."""
    place = Path(UPRIGHT) / hashlib.sha256(root.encode()).hexdigest()[:12] / f"{name}.jpg"
    upright_copy(file, project / place)
    width, height, _ = measure(project / place)
    return Found(f"./{place.as_posix()}", width, height, name)


def _video(path: Path, project: Path, sampling: Sampling, tell: Callable[[str], object]) -> Batch:
    tell(f"looking for motion in {path.name}")
    try:
        wanted = moving_frames(path, sampling)
    except ProjectError as error:
        return Batch("video", path, str(path.resolve()), [], [str(error)])
    name = f"{path.stem}-{hashlib.sha256(str(path.resolve()).encode()).hexdigest()[:8]}"
    left, speed, found = set(wanted), rate(path), []
    for number, image in frames(path):
        if number not in left:
            continue
        place = f"{FRAMES}/{name}/frame_{number:06d}.jpg"
        write_jpeg(project / place, image)
        height, width = image.shape[:2]
        found.append(Found(f"./{place}", width, height, name, name, number, number / speed))
        left.discard(number)
        if not left:
            break
    return Batch("video", path, str(path.resolve()), found, [])


def _coco(path: Path, project: Path, images: Path | None) -> Batch:
    try:
        data = json.loads(path.read_bytes())
        pictures = {i["id"]: i for i in data["images"]}
        annotations = data["annotations"]
    except (ValueError, KeyError, TypeError):
        raise ProjectError(f"{path} is no COCO file: it needs the lists 'images' and 'annotations'") from None
    folder = images or path.parent
    if not folder.is_dir():
        raise ProjectError(f"there is no folder {folder} with the pictures of {path.name}; name it with --pictures")
    batch, by_id = Batch("coco", path, str(folder.resolve()), [], []), {}
    for image_id, entry in pictures.items():
        file = folder / str(entry.get("file_name", ""))
        try:
            width, height, upright = measure(inside(file, [folder]))
        except ProjectError as error:
            batch.left_out.append(str(error))
            continue
        if not upright:
            batch.left_out.append(f"{file} is turned by its EXIF tag, and boxes may count either way; store it upright")
            continue
        video = entry.get("video")
        group = str(video) if video else str(entry["file_name"])
        frame = entry.get("frame")
        by_id[image_id] = Found(
            Path(entry["file_name"]).as_posix(), width, height, group, str(video) if video else None,
            int(frame) if frame is not None else None,
        )  # fmt: skip
    names = next((c.get("keypoints") for c in data.get("categories", []) if c.get("keypoints")), None)
    for a in annotations:
        box = a.get("bbox")
        if a.get("image_id") not in by_id or a.get("iscrowd") or not box or len(box) != 4 or min(box[2:]) <= 1:
            continue
        points = named_points(a.get("keypoints"), names)
        by_id[a["image_id"]].people.append({"bbox": box, "points": points})
    batch.pictures = list(by_id.values())
    return batch


def named_points(flat, names) -> np.ndarray | None:
    """(37, 4) of COCO's flat list, each point put where its name belongs; None where no known point is labelled."""
    if not flat or not names or len(flat) != 3 * len(names):
        return None
    ours = {name: i for i, name in enumerate(spinetrack().names)}
    points = np.zeros((len(ours), 4))
    for name, row in zip(names, np.asarray(flat, float).reshape(-1, 3), strict=True):
        if name in ours and row[2] > 0 and np.isfinite(row).all():
            points[ours[name]] = (row[0], row[1], min(int(row[2]), 2), 1.0)
    return points if (points[:, 2] > 0).any() else None
