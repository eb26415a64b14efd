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
from synthgen.keypoints import BODY_IDS
from synthgen.spinepose.detect import Detector
from synthgen.spinepose.draw import draw
from synthgen.spinepose.estimator import Estimator, Pose, box_of
from synthgen.spinepose.metrics import oks
from synthgen.spinepose.offsets import per_keypoint, table_text
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
