"""A checkpoint on photographs that somebody labelled: OKS of each person, with the flip test, and overlays to look at.

    python scripts/photo_check.py [--weights FILE] [--data FOLDER] [--out FOLDER]

The folder holds photographs and person_keypoints_coco17.json (COCO); default: photos/ in $SYNTHGEN_TEST_DATA or in
../shared/data. Counted are people with at least five labelled points and a box at least 60 px high; boxes are the
labelled ones. Then the detector looks for the same people on its own.

The table of keypoints (with the flip test) shows what a mean hides: a point that the checkpoint puts elsewhere on the
body than the labels do misses in the same direction in everybody. `up` is towards the head along the labelled trunk,
`out` is away from the same point on the other side, both as medians; lengths are shares of the longer side of the box.
"""

import argparse
import json
import os
import sys
from pathlib import Path

import cv2
import numpy as np

from biomech.errors import SynthgenError
from synthgen.keypoints import BODY_IDS, spinetrack
from synthgen.spinepose.detect import Detector
from synthgen.spinepose.draw import draw
from synthgen.spinepose.estimator import Estimator, Pose, box_of
from synthgen.spinepose.metrics import oks, person_sizes
from synthgen.spinepose.predict import predict_image
from synthgen.spinepose.track import overlap

LEAST_POINTS, LEAST_HEIGHT = 5, 60
FOUND = 0.5  # least overlap of a found person's box with the labelled one


def data_folder() -> Path:
    """Where the labelled photographs are looked for."""
    return Path(os.environ.get("SYNTHGEN_TEST_DATA", "../shared/data")) / "photos"


def labelled_people(folder: Path) -> dict[str, list[dict]]:
    """Annotations that count, by file name; each with keypoints (17, 3), bbox (4,) and area."""
    data = json.loads((folder / "person_keypoints_coco17.json").read_text())
    names = {i["id"]: Path(i["file_name"]).name for i in data["images"]}
    people: dict[str, list[dict]] = {name: [] for name in sorted(names.values())}
    for a in data["annotations"]:
        points = np.array(a["keypoints"], float).reshape(-1, 3)
        if (points[:, 2] > 0).sum() >= LEAST_POINTS and a["bbox"][3] >= LEAST_HEIGHT:
            people[names[a["image_id"]]].append({"keypoints": points, "bbox": a["bbox"], "area": a["area"]})
    return people


def score(poses: list[Pose], people: list[dict]) -> np.ndarray:
    """(N,) OKS over the 17 points of COCO."""
    points = np.stack([p.points for p in poses])
    truth = np.zeros((len(people), 37, 3))
    truth[:, :17] = [p["keypoints"] for p in people]
    return oks(points, truth, np.array([p["area"] for p in people]), "body")


def _unit(vectors: np.ndarray, known: np.ndarray) -> np.ndarray:
    """(.., 2) of length 1; NaN where not `known` or where there is no direction."""
    length = np.linalg.norm(vectors, axis=-1, keepdims=True)
    return np.where(known[..., None] & (length > 0), vectors / np.maximum(length, 1e-9), np.nan)


def directions(truth: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Which way is up and out for each labelled point.

    Args:
        truth: (N, 17, 3) labels.

    Returns:
        up (N, 17, 2): from the middle of the hips to the middle of the shoulders, the same for all points of a person;
        out (N, 17, 2): from the point's counterpart on the other side to it. Unit vectors, NaN where labels lack.
    """
    schema = spinetrack()
    shoulders, hips = ([schema.id_of(f"{side}_{part}") for side in ("left", "right")] for part in ("shoulder", "hip"))
    places, known = truth[..., :2], truth[..., 2] > 0
    trunk = places[:, shoulders].mean(1) - places[:, hips].mean(1)
    up = _unit(trunk, known[:, shoulders + hips].all(1))
    mate = schema.flip[list(BODY_IDS)]
    out = _unit(places - places[:, mate], known & known[:, mate] & (mate != np.array(BODY_IDS)))
    return np.broadcast_to(up[:, None], out.shape), out


def per_keypoint(points: np.ndarray, truth: np.ndarray, boxes: np.ndarray, areas: np.ndarray) -> list[dict]:
    """How each of COCO's points misses, over the people in whom it is labelled.

    Args:
        points: (N, 17, 2) predicted. truth: (N, 17, 3) labels. boxes: (N, 4) and areas: (N,) of the people.

    Returns:
        A row per point: name, count, error (mean distance), oks (mean term), up, out (median offsets, see
        `directions`: one limb taken for another must not hide them), up_spread, out_spread (median distances from
        those medians). Lengths over the longer side of the box; NaN where nothing is known.
    """
    known = truth[..., 2] > 0
    miss = np.where(known[..., None], points - truth[..., :2], np.nan)  # (N, 17, 2) px
    squared = (miss**2).sum(-1)
    sigmas = 2 * spinetrack().sigmas[list(BODY_IDS)]
    sizes = person_sizes(boxes)[:, None]
    parts = {"error": np.sqrt(squared) / sizes, "oks": np.exp(-squared / (2 * sigmas**2 * areas[:, None]))}
    parts |= {n: (miss * d).sum(-1) / sizes for n, d in zip(("up", "out"), directions(truth), strict=True)}
    table = []
    for k in BODY_IDS:
        row: dict = {"name": spinetrack().names[k], "count": int(known[:, k].sum())}
        for name, values in parts.items():
            column = values[np.isfinite(values[:, k]), k]
            offset = name in ("up", "out")
            row[name] = float((np.median if offset else np.mean)(column)) if len(column) else float("nan")
            if offset:
                row[f"{name}_spread"] = float(np.median(np.abs(column - row[name]))) if len(column) else float("nan")
        table.append(row)
    return table


def table_text(table: list[dict]) -> str:
    """The rows of `per_keypoint`, lengths in percent of the person's size."""
    lines = [f"{'':14s} people  error %  OKS term    up % (spread)   out % (spread)"]
    for row in table:
        up, out, spreads = 100 * row["up"], 100 * row["out"], (100 * row["up_spread"], 100 * row["out_spread"])
        lines.append(
            f"{row['name']:14s} {row['count']:6d} {100 * row['error']:8.2f} {row['oks']:9.3f}"
            f"  {up:+6.2f} ({spreads[0]:5.2f})  {out:+6.2f} ({spreads[1]:5.2f})"
        )
    return "\n".join(lines).replace("+nan", " nan")


def check(folder: Path, weights: Path | None, out: Path | None) -> dict[str, float]:
    """Print a line per person and the table of keypoints; return the means."""
    plain, flipped = Estimator(weights), Estimator(weights, flip=True)
    detector = Detector()
    rows, found, extra = [], [], 0
    everybody: list[tuple[np.ndarray, dict]] = []
    for name, people in labelled_people(folder).items():
        image = cv2.imread(str(folder / name))
        boxes = np.array([p["bbox"] for p in people])
        single, double = score(plain(image, boxes), people), score(poses := flipped(image, boxes), people)
        everybody += [(pose.points[: len(BODY_IDS)], person) for pose, person in zip(poses, people, strict=True)]
        seen = predict_image(image, flipped, detector)
        table = overlap(boxes, np.array([box_of(p) for p in seen]).reshape(-1, 4))
        mates = [int(row.argmax()) if row.size and row.max() >= FOUND else None for row in table]
        extra += len(seen) - len({m for m in mates if m is not None})
        for number, (person, one, two, mate) in enumerate(zip(people, single, double, mates, strict=True)):
            own = float("nan") if mate is None else float(score([seen[mate]], [person])[0])
            rows.append((one, two))
            found.append(own)
            box = "x".join(f"{v:.0f}" for v in person["bbox"][2:])
            print(f"{name} person {number} ({box} px): OKS {one:.3f}, flip test {two:.3f}, own box {own:.3f}")
        if out is not None:
            out.mkdir(parents=True, exist_ok=True)
            sheet = np.hstack([draw(image, poses, 0.3), draw(image, seen, 0.3)])
            cv2.imwrite(str(out / f"{Path(name).stem}.png"), sheet)
    means = np.mean(rows, 0)
    result = {
        "people": len(rows),
        "oks": float(means[0]),
        "oks_flip": float(means[1]),
        "found": int(np.isfinite(found).sum()),
        "oks_found": float(np.nanmean(found)) if np.isfinite(found).any() else float("nan"),
        "extra": extra,
    }
    truth, boxes, areas = (np.array([p[key] for _, p in everybody]) for key in ("keypoints", "bbox", "area"))
    print(table_text(per_keypoint(np.array([points for points, _ in everybody]), truth, boxes, areas)))
    print(
        f"{result['people']} people: mean OKS {result['oks']:.3f}, with flip test {result['oks_flip']:.3f}; "
        f"the detector finds {result['found']} (OKS {result['oks_found']:.3f}) and {extra} not labelled"
    )
    return result


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--weights", type=Path, help=".pt or .onnx; default: the checkpoint that ships")
    parser.add_argument("--data", type=Path, default=None)
    parser.add_argument("--out", type=Path, default=None, help="folder for overlays: labelled boxes left, found right")
    options = parser.parse_args()
    folder = options.data or data_folder()
    if not (folder / "person_keypoints_coco17.json").is_file():
        print(f"there are no labelled photographs in {folder}; give --data or set SYNTHGEN_TEST_DATA", file=sys.stderr)
        return 2
    try:
        check(folder, options.weights, options.out)
    except SynthgenError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
