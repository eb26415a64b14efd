"""A small real set to learn bodies from: people in public demo videos, labelled by BlazePose.

    python scripts/real_frames.py OUT [--with-single-person] [--longest PX] [--moved SHARE] [--teacher heavy]

Videos: the demo of the PyPI package sports2d (one camera, two people) to learn from, and pose2sim's Demo_SinglePerson
(four cameras, one person) to measure on; both BSD-3-Clause, fetched by pip into the cache folder. Writes
OUT/images/{train,val}/*.jpg, OUT/annotations/person_keypoints_{train,val}.json (COCO, the 37 keypoints of SpineTrack),
and OUT/labels_{train,val}.jpg to look at. Train on it, and measure on it, with

    'data.sources.demo={annotations: OUT, kind: real}' 'data.val.demo={annotations: OUT, split: val, kind: real}'

What is labelled: the 21 points BlazePose knows, where it is sure (synthgen/spinepose/pseudo_labels.py). Everything
else, the whole spine among it, has visibility 0 and is masked. Who is left out: people BlazePose sees differently in
the mirror, small ones, and who has hardly moved since last looked at. The two splits never share a video.

Nothing that scripts/multiview_check.py evaluates is learnt from. With --with-single-person three cameras of
Demo_SinglePerson are learnt from, too, in odd frames, and camera 2 is left to measure on: evaluate with
multiview_check.py --every 2 then, which takes the even frames, and expect flattery: neighbours are 1/60 s apart.
pose2sim's Demo_MultiPerson is not used: it is the same recording with a second person rendered into it.
"""

import argparse
import hashlib
import json
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import cv2
import numpy as np
import torch
from demo_videos import POSE2SIM, SPORTS2D, fetch

from biomech.errors import ConfigError, DatasetError, SynthgenError
from synthgen.keypoints import spinetrack
from synthgen.shards import write_atomic
from synthgen.spinepose.crop import crop_from_box, to_input, warp
from synthgen.spinepose.detect import LEVELS, Detector
from synthgen.spinepose.overlays import draw_person, jpeg, sheet
from synthgen.spinepose.pseudo_labels import Labeller, Rules, Sighting, keep, shrink
from synthgen.spinepose.sources import AREA_OF_BOX
from synthgen.spinepose.track import LEAST_OVERLAP, overlap

CAMERAS = ("cam01", "cam02", "cam03", "cam04")
HELD_OUT = "cam02"
SINGLE = "Pose2Sim/Demo_SinglePerson/videos/"
SPORTS = "Sports2D/Demo/demo.mp4"
SAME_PLACE = 0.5  # boxes that overlap more are of one person
THOROUGH = 8  # every so many frames the detector looks closer
SHEET, COLUMNS, TILE = 48, 12, (144, 192)


@dataclass(frozen=True, slots=True)
class Clip:
    """A video to take frames from.

    Attributes:
        name: of the video in the set. video: its file. package: where it comes from.
        first, step: frame to begin with, and how many on to the next.
        split: train or val.
    """

    name: str
    video: Path
    package: str
    first: int
    step: int
    split: str


@dataclass(frozen=True, slots=True, eq=False)
class Person:
    """A labelled person: keypoints (37, 3) and box (4,) px, and the median disagreement with the mirror image."""

    keypoints: np.ndarray
    box: np.ndarray
    apart: float


def clips(with_single: bool) -> list[Clip]:
    """The videos, fetched where they are not in the cache."""
    sports, pose2sim = fetch(SPORTS2D, (SPORTS,)), fetch(POSE2SIM, (SINGLE,))
    found = [Clip("sports2d", sports / SPORTS, SPORTS2D, 0, 3, "train")]
    for camera in CAMERAS:
        split = "train" if with_single and camera != HELD_OUT else "val"
        # Odd frames: the check can be told to take the even ones.
        found.append(Clip(f"single_{camera}", pose2sim / f"{SINGLE}{camera}.mp4", POSE2SIM, 1, 4, split))
    return found


def frames(video: Path, first: int, step: int) -> Iterator[tuple[int, np.ndarray]]:
    """Number and picture (H, W, 3) BGR of every step-th frame. DatasetError where the video does not open."""
    capture = cv2.VideoCapture(str(video))
    if not capture.isOpened():
        raise DatasetError(f"{video} cannot be read as a video; delete it and start again, it is fetched anew")
    number = 0
    while capture.grab():
        if number >= first and (number - first) % step == 0:
            yield number, capture.retrieve()[1]
        number += 1
    capture.release()


class Finder:
    """People in the frames of one video: whom the detector finds, and who was there before."""

    def __init__(self, detector: Detector, labeller: Labeller, least: float) -> None:
        self.detector, self.labeller, self.least = detector, labeller, least
        self.before: list[Sighting] = []
        self.count = 0

    def __call__(self, image: np.ndarray) -> list[Sighting]:
        levels = LEVELS["photo"] if self.count % THOROUGH == 0 else LEVELS["frame"]
        self.count += 1
        people = [self.labeller.sight(image, s.box) for s in self.before]
        for rough in (d.box for d in self.detector(image, levels)):
            if not people or overlap(rough[None], np.array([s.box for s in people])).max() < LEAST_OVERLAP:
                # From a rough box the small network misses; from its own it does not.
                people.append(self.labeller.sight(image, self.labeller.sight(image, rough).box))
        self.before = once([s for s in people if s.person >= self.least])
        return self.before


def once(sightings: list[Sighting]) -> list[Sighting]:
    """Each person once: of boxes alike, the surest."""
    kept: list[Sighting] = []
    for s in sorted(sightings, key=lambda s: -s.person):
        if not kept or overlap(s.box[None], np.array([k.box for k in kept])).max() < SAME_PLACE:
            kept.append(s)
    return kept


def motion(now: Sighting, before: Sighting) -> float:
    """Mean way of the points, over the person's size."""
    return float(np.linalg.norm(now.points - before.points, axis=1).mean() / now.box[2:].max())


def collect(
    clip: Clip, finder: Finder, labeller: Labeller, rules: Rules, moved: float, tally: Counter
) -> Iterator[tuple[int, np.ndarray, list[Person]]]:
    """Frames with the people to learn from; `tally` counts who is left out, and why.

    Args:
        moved: least motion since a person was last looked at.
    """
    last: list[Sighting] = []
    for number, image in frames(clip.video, clip.first, clip.step):
        height, width = image.shape[:2]
        people = finder(image)
        new = []
        for sighting in people:
            near = [i for i, s in enumerate(last) if overlap(sighting.box[None], s.box[None])[0, 0] >= LEAST_OVERLAP]
            if any(motion(sighting, last[i]) < moved for i in near):
                tally["hardly moved"] += 1
                continue
            last = [s for i, s in enumerate(last) if i not in near] + [sighting]
            opinion = labeller(image, sighting.box)
            labels, why = keep(opinion, (width, height), rules)
            if labels is None:
                tally[why] += 1
                continue
            low = np.maximum(opinion.box[:2], 0)
            box = np.concatenate([low, np.minimum(opinion.box[:2] + opinion.box[2:], (width, height)) - low])
            new.append(Person(labels, box, float(np.nanmedian(opinion.apart))))
        if new:
            yield number, image, new


def write_set(out: Path, clip_list: list[Clip], labeller: Labeller, rules: Rules, by: dict, options) -> dict:
    """Write both splits; returns what each holds."""
    detector = Detector()
    names = list(spinetrack().names)
    links = [[link.start + 1, link.end + 1] for link in spinetrack().links]
    category = {"id": 1, "name": "person", "keypoints": names, "skeleton": links}
    said: dict = {}
    for split in ("train", "val"):
        tally: Counter[str] = Counter()
        images: list[dict] = []
        people: list[dict] = []
        tiles = []
        videos = [c for c in clip_list if c.split == split]
        for clip in videos:
            finder = Finder(detector, labeller, rules.person)
            for number, image, new in collect(clip, finder, labeller, rules, options.moved, tally):
                small, factor = shrink(image, options.longest)
                name = f"{clip.name}_{number:04d}.jpg"
                write_atomic(out / "images" / split / name, jpeg(small[..., ::-1], 92), durable=False)
                size = {"height": small.shape[0], "width": small.shape[1]}
                images.append({"id": len(images) + 1, "file_name": name, **size, "video": clip.name, "frame": number})
                for person in (scaled(p, factor) for p in new):
                    people.append(annotation(person, len(people) + 1, len(images)))
                    tiles.append(tile(small, person))
        if not people:
            raise DatasetError(
                f"nobody is left in the {split} part; videos there: {', '.join(c.name for c in videos) or 'none'}"
            )
        info = {
            "description": "People in public demo videos, labelled by a model and by nobody else",
            "labelled_by": by,
            "left_out": dict(sorted(tally.items())),
            "videos": [source_of(c) for c in videos],
        }
        data = {"info": info, "images": images, "annotations": people, "categories": [category]}
        text = json.dumps(data, separators=(",", ":"), allow_nan=False)
        write_atomic(out / "annotations" / f"person_keypoints_{split}.json", (text + "\n").encode())
        picked = np.unique(np.linspace(0, len(tiles) - 1, SHEET).round().astype(int))
        write_atomic(out / f"labels_{split}.jpg", jpeg(sheet([tiles[i] for i in picked], COLUMNS)), durable=False)
        said[split] = {"videos": [c.name for c in videos], "pictures": len(images), "people": len(people)}
        said[split] |= {"keypoints": sum(a["num_keypoints"] for a in people), "left out": info["left_out"]}
    return said


def scaled(person: Person, factor: float) -> Person:
    """The person in the picture made smaller; the centre of the first pixel is at 0."""
    points = person.keypoints.copy()
    on = points[:, 2] > 0
    points[on, :2] = (points[on, :2] + 0.5) * factor - 0.5
    return Person(points, person.box * factor, person.apart)


def annotation(person: Person, number: int, image: int) -> dict:
    """The person as COCO writes it."""
    return {
        "id": number,
        "image_id": image,
        "category_id": 1,
        "iscrowd": 0,
        "bbox": [round(float(v), 2) for v in person.box],
        "area": round(float(AREA_OF_BOX * np.prod(person.box[2:])), 1),
        "keypoints": [round(float(v), 2) for v in person.keypoints.reshape(-1)],
        "num_keypoints": int((person.keypoints[:, 2] > 0).sum()),
        "apart": round(person.apart, 4),
    }


def tile(image: np.ndarray, person: Person) -> np.ndarray:
    """The person with his labels, RGB."""
    crop = crop_from_box(person.box, TILE)
    points = to_input(person.keypoints[:, :2], crop, TILE)
    return draw_person(warp(image, crop, TILE)[..., ::-1], points, person.keypoints[:, 2], zoom=1)


def source_of(clip: Clip) -> dict:
    """Where a video comes from."""
    digest = hashlib.sha256(clip.video.read_bytes()).hexdigest()
    file = f"{clip.video.parent.name}/{clip.video.name}"
    return {"name": clip.name, "package": clip.package, "file": file, "sha256": digest, "licence": "BSD-3-Clause"}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path, help="folder to write, new or empty")
    parser.add_argument("--with-single-person", action="store_true", help="learn from Demo_SinglePerson, too")
    parser.add_argument("--longest", type=int, default=1280, help="longer side of the pictures written, px")
    parser.add_argument("--moved", type=float, default=0.04, help="least motion since last taken, over their size")
    parser.add_argument("--teacher", default="heavy", help="lite, full or heavy")
    options = parser.parse_args()
    rules = Rules()
    # Boxes follow from boxes, frame after frame: what two threads add up in another order would grow.
    torch.set_num_threads(1)
    try:
        if options.out.exists() and any(options.out.iterdir()):
            raise ConfigError(f"{options.out} is not empty; name a new folder")
        labeller = Labeller(options.teacher)
        by = {"model": labeller.name, "weights": labeller.digest, "mirror_averaged": True, "rules": asdict(rules)}
        by |= {"least_motion": options.moved, "points": [spinetrack().names[i] for i in labeller.ids]}
        found = clips(options.with_single_person)
        said = write_set(options.out, found, labeller, rules, by, options)
    except SynthgenError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    for split, what in said.items():
        left_out = ", ".join(f"{n} {why}" for why, n in what["left out"].items()) or "nobody"
        print(
            f"{split}: {what['pictures']} pictures, {what['people']} people, {what['keypoints']} labelled keypoints, "
            f"from {', '.join(what['videos'])}; left out: {left_out}"
        )
    print(f"labels by {labeller.name}, and by nobody else; look at {options.out}/labels_train.jpg and labels_val.jpg")
    return 0


if __name__ == "__main__":
    sys.exit(main())
