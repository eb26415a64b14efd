"""Everything about a finished dataset that can be checked without making it again.

Each check yields sentences; none means clean.
"""

import contextlib
import io
import itertools
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np

from synthgen.coco import MOTION, camera_of, coco_file
from synthgen.dataset import Dataset, read_dataset
from synthgen.keypoints import spinetrack
from synthgen.replay import replay
from synthgen.shards import DEPTH_SCALE, sample_files
from synthgen.verify import differences
from synthgen.visibility import shows

SHOWN = 5  # problems named per check; the rest are counted
REPROJECTION = 0.01  # px
BOX_SLACK = 1.0  # px a seen keypoint may lie outside the box of the seen pixels
BUILD = 1.3  # times the tissue depth of the reference build: the files do not say how stout a person is


def validate(root: str | Path, on_progress: Callable[[int], object] | None = None, opensim: bool = False) -> list[str]:
    """Check a finished dataset.

    Args:
        on_progress: called with 1 per picture.
        opensim: have OpenSim replay people's poses, too (synthgen.replay).

    Returns:
        One sentence per problem, at most a few per kind; empty where all is well.

    Raises:
        DatasetError: the folder holds no finished dataset.
    """
    dataset = read_dataset(root)
    problems: list[str] = []
    for check in (_files, _counts, _splits, _motion):
        problems += _few(_readable(check, dataset))
    if not problems:  # what follows reads those very files
        problems += _few(_labels(dataset))
        if opensim:
            problems += _few(replay(dataset))
        problems += _few(_pictures(dataset, on_progress or (lambda _: None)))
    return problems


def _readable(check: Callable[[Dataset], Iterator[str]], dataset: Dataset) -> Iterator[str]:
    """What a check finds; where the files are too damaged for it to go on, that is one more finding."""
    try:
        yield from check(dataset)
    except Exception as error:
        yield f"the labels cannot be read ({type(error).__name__}: {(str(error).splitlines() or [''])[0]})"


def _few(found: Iterator[str]) -> list[str]:
    first = list(itertools.islice(found, SHOWN))
    rest = sum(1 for _ in found)
    return [*first, f"... and {rest} more of this kind"] if rest else first


def _files(dataset: Dataset) -> Iterator[str]:
    """Presence and digest of every file."""
    yield from differences(dataset, lambda _: None)


def load_coco(dataset: Dataset, split: str):
    """The split as a pycocotools COCO object, without the chatter."""
    from pycocotools.coco import COCO

    with contextlib.redirect_stdout(io.StringIO()):
        return COCO(str(coco_file(dataset.root, split)))


def _counts(dataset: Dataset) -> Iterator[str]:
    """COCO files load, ids are unique, the table has one row per annotation, and every index is there once."""
    ids: list[int] = []
    images: list[int] = []
    for split in dataset.splits:
        try:
            coco = load_coco(dataset, split)
        except Exception as error:  # whatever pycocotools trips over is the finding
            yield f"pycocotools cannot load {coco_file(dataset.root, split).name}: {error}"
            return
        ids += [a["id"] for a in coco.dataset["annotations"]]
        images += [i["id"] for i in coco.dataset["images"]]
        known = set(coco.imgs)
        yield from (
            f"annotation {a['id']} of {split} names image {a['image_id']}, which is not there"
            for a in coco.dataset["annotations"]
            if a["image_id"] not in known
        )
    if sorted(images) != list(range(dataset.config.poses)):
        yield f"the splits hold {len(images)} images, not each of 0..{dataset.config.poses - 1} once"
    if sorted(ids) != list(range(1, len(ids) + 1)):
        yield "annotation ids are not 1..N, each once"
    rows = dataset.table()["annotation_id"]
    if sorted(rows) != sorted(ids):
        yield f"the table has {len(rows)} rows for {len(ids)} annotations"
    scenes = [scene["index"] for scene in dataset.scenes()]
    if scenes != list(range(dataset.config.poses)):
        yield f"scenes.jsonl has {len(scenes)} lines for {dataset.config.poses} samples"


def _splits(dataset: Dataset) -> Iterator[str]:
    """No subject is in two splits."""
    table = dataset.table()
    seen: dict[int, str] = {}
    for subject, split in zip(table["subject"].tolist(), table["split"].tolist(), strict=True):
        if seen.setdefault(subject, split) != split:
            yield f"subject {subject} is in {seen[subject]} and in {split}"


def _motion(dataset: Dataset) -> Iterator[str]:
    """poses.mot has one line per annotation."""
    with open(dataset.root / MOTION, encoding="ascii") as lines:
        body = list(itertools.dropwhile(lambda line: line.strip() != "endheader", lines))
    rows, wanted = len(body) - 2, len(dataset.table()["annotation_id"])
    if rows != wanted:
        yield f"{MOTION} has {rows} poses for {wanted} annotations"


def _labels(dataset: Dataset) -> Iterator[str]:
    """Boxes, visibility, projection, run-length areas."""
    from pycocotools import mask as coco_mask

    table = dataset.table()
    row_of = {int(i): n for n, i in enumerate(table["annotation_id"])}
    width, height = dataset.config.width, dataset.config.height
    for split in dataset.splits:
        coco = load_coco(dataset, split)
        for a in coco.dataset["annotations"]:
            name, row = f"annotation {a['id']}", row_of[a["id"]]
            points = np.array(a["keypoints"], float).reshape(-1, 3)
            x, y, w, h = a["bbox"]
            if x < 0 or y < 0 or w <= 0 or h <= 0 or x + w > width or y + h > height:
                yield f"{name}: box {a['bbox']} is empty or leaves the {width}x{height} picture"
            labelled, seen = points[:, 2] > 0, points[:, 2] == 2
            xy = points[:, :2]
            if not ((xy[labelled] >= 0) & (xy[labelled] <= [width, height])).all():
                yield f"{name}: a labelled keypoint lies outside the picture"
            low, high = np.array([x, y]) - BOX_SLACK, np.array([x + w, y + h]) + BOX_SLACK
            outside = seen & ~((xy >= low) & (xy <= high)).all(1)
            if outside.any():
                yield f"{name}: the box does not hold the seen keypoint {_name(outside)}"
            if a["num_keypoints"] != int(labelled.sum()):
                yield f"{name}: num_keypoints is {a['num_keypoints']}, {int(labelled.sum())} are labelled"
            if abs(float(coco_mask.area(_rle(a))) - a["area"]) > 0.5:
                yield f"{name}: area {a['area']} is not the {coco_mask.area(_rle(a))} px of its mask"
            yield from _reprojection(name, coco.imgs[a["image_id"]], table, row, points)


def _reprojection(name: str, image: dict, table: dict[str, np.ndarray], row: int, points: np.ndarray) -> Iterator[str]:
    camera, cam_from_world = camera_of(image), np.array(image["cam_from_world"])
    in_cam = table["keypoints_world"][row] @ cam_from_world[:3, :3].T + cam_from_world[:3, 3]
    labelled = points[:, 2] > 0
    for what, cam in (("world", in_cam), ("camera", table["keypoints_cam"][row].astype(float))):
        error = np.abs(camera.project(cam[labelled]) - points[labelled, :2])
        if labelled.any() and not error.max() <= REPROJECTION:
            yield f"{name}: 3D keypoints ({what}) project {error.max():.3f} px from the 2D ones"
    vertebrae = cam_from_world @ table["vertebrae_world"][row]
    if not np.abs(vertebrae - table["vertebrae_cam"][row]).max() < 1e-4:
        yield f"{name}: vertebrae in camera and world do not agree"


def _pictures(dataset: Dataset, tell: Callable[[int], object]) -> Iterator[str]:
    """Pictures decode at the right size; depth and ids agree with the labels."""
    import cv2

    table = dataset.table()
    row_of = {int(i): n for n, i in enumerate(table["annotation_id"])}
    shape = (dataset.config.height, dataset.config.width)
    flags = {
        "images": cv2.IMREAD_COLOR,
        "depth": cv2.IMREAD_UNCHANGED,
        "instances": -1,
        "parts": -1,
        "normals": cv2.IMREAD_COLOR,
    }
    kinds = {"images": np.uint8, "depth": np.uint16, "instances": np.uint8, "parts": np.uint8, "normals": np.uint8}
    for split in dataset.splits:
        coco = load_coco(dataset, split)
        for image in coco.dataset["images"]:
            maps: dict[str, np.ndarray] = {}
            for kind, name in sample_files(dataset.config, split, image["id"]).items():
                decoded = cv2.imread(str(dataset.root / name), flags[kind])
                if decoded is None or decoded.shape[:2] != shape or decoded.dtype != kinds[kind]:
                    yield f"{name} does not decode to {shape[1]}x{shape[0]} {np.dtype(kinds[kind])}"
                else:
                    maps[kind] = decoded
            for a in coco.imgToAnns.get(image["id"], []):
                if "instances" in maps:
                    yield from _mask_agrees(a, maps["instances"])
                if "depth" in maps:
                    yield from _depth_agrees(a, maps["depth"] / DEPTH_SCALE, table["keypoints_cam"][row_of[a["id"]]])
            tell(1)


def _mask_agrees(a: dict, instances: np.ndarray) -> Iterator[str]:
    from pycocotools import mask as coco_mask

    own = np.isin(instances, a.get("crowd_ids") or [a["instance_id"]])
    differing = int((coco_mask.decode(_rle(a)).astype(bool) != own).sum())
    if differing:
        yield f"annotation {a['id']}: mask and instance map differ in {differing} pixels"


def _depth_agrees(a: dict, depth: np.ndarray, cam: np.ndarray) -> Iterator[str]:
    """A seen keypoint lies on the person's drawn surface, or behind it by no more than its tissue: some pixel of his
    near it says so. At a silhouette the pixel of the point itself may show what is far behind."""
    from pycocotools import mask as coco_mask

    schema = spinetrack()
    own = coco_mask.decode(_rle(a)).astype(bool)
    points = np.array(a["keypoints"], float).reshape(-1, 3)
    for k in np.flatnonzero(points[:, 2] == 2):
        tissue = float(schema.tissue_depths[k]) * BUILD
        if not shows(points[k, :2], float(cam[k, 2]), tissue, depth, own):
            column, row = np.minimum(points[k, :2].astype(int), (own.shape[1] - 1, own.shape[0] - 1))
            there = own[row, column] and depth[row, column] > 0
            gap = f"{1000 * (cam[k, 2] - depth[row, column]):.0f} mm behind the surface" if there else "off the body"
            yield f"annotation {a['id']}: {schema.names[k]} is marked seen but lies {gap}"


def _rle(a: dict) -> dict:
    return {"size": a["segmentation"]["size"], "counts": a["segmentation"]["counts"].encode("ascii")}


def _name(which: np.ndarray) -> str:
    return spinetrack().names[int(np.flatnonzero(which)[0])]
