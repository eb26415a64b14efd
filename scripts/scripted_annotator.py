"""A scripted annotator for the annotation page: where its better points come from, and its hands on mouse and keys.

No person looks. Two sources of points that are better than one proposal:

- Four calibrated cameras see the same instant: a point is where at least three cameras' proposals meet in space
  (`Consensus`); the fourth is corrected by it, and so is everybody's scatter. What all cameras get wrong alike stays.
- One camera: the median of the model's answers over five consecutive frames (`Steady`). What stays wrong for a sixth
  of a second stays.
"""

from collections import Counter
from dataclasses import dataclass, field
from itertools import combinations, product
from pathlib import Path

import cv2
import numpy as np
from multiview_check import View, aligned, triangulate

from synthgen.active.records import PersonView
from synthgen.active.store import Project
from synthgen.keypoints import SPINE_IDS, spinetrack
from synthgen.spinepose.estimator import Estimator, Pose

AGREE = 0.025  # of the person's size: cameras whose proposals lie nearer to the common point than this agree
OFF = 0.01  # of the person's size: a point farther from the better one than this is dragged there
BAD = 0.6  # a swap of left and right is taken back where it leaves more than this share of the distance
FEWEST = 12  # points with a second opinion; a person with fewer is flagged, one with none is skipped
UNSURE = 0.25  # score below which a point without a second opinion is called absent
NOBODY = 0.6  # score of a person whom one camera alone sees, below which the script sees nobody
BEYOND = 0.04  # of the person's size: a snap that moves the spine by more is undone
LIMBS = ((13, 14, 15, 16, 20, 21, 22, 23, 24, 25), (7, 8, 9, 10))  # legs and arms, whose sides a view may confuse
SAVED = "#saved[data-state=saved]"


def main_people(project: Project) -> dict[tuple[str, int], PersonView]:
    """(camera, frame) -> the largest person of each picture that is a frame of a camera's video."""
    found = {}
    for image in project.images():
        people = [project.person(i) for i in project.people(image.id)]
        if image.video and people:
            camera = image.video.rpartition("-")[0]
            found[camera, image.frame] = max(people, key=lambda p: float(np.prod(p.bbox[2:])))
    return found


class Consensus:
    """Better points of the person whom calibrated cameras see, from everybody's latest proposals."""

    def __init__(self, project: Project, cameras: list[View]) -> None:
        self.people, names = main_people(project), [c.name for c in cameras]
        frames = sorted({t for camera, t in self.people if camera in names})
        whole = [t for t in frames if all((n, t) in self.people for n in names)]
        poses = [[_pose(self.people[n, t]) for t in whole] for n in names]
        self.cameras = aligned(cameras, poses)  # the demo's calibration is off by some px; see multiview_check.py
        self.targets: dict[int, np.ndarray] = {}
        for row, t in enumerate(whole):
            points = self._meet([track[row] for track in poses])
            for camera, n in zip(self.cameras, names, strict=True):
                here = camera.project(points)
                self.targets[self.people[n, t].person_id] = np.where(np.isfinite(points).all(1)[:, None], here, np.nan)

    def _meet(self, poses: list[Pose]) -> np.ndarray:
        """(37, 3) m; NaN where fewer than three cameras agree."""
        sizes = np.array([p.box[2:].max() for p in poses])
        pixels = np.stack([p.points for p in poses])
        for limbs in LIMBS:
            pixels = self._sided(pixels, np.stack([p.scores for p in poses]), sizes, list(limbs))
        best, most = np.full((pixels.shape[1], 3), np.nan), np.full(pixels.shape[1], 2)
        agreed: dict[int, tuple[int, ...]] = {}
        for pair in combinations(range(len(self.cameras)), 2):
            points = triangulate([self.cameras[c] for c in pair], pixels[list(pair)], rounds=1)
            back = np.stack([c.project(points) for c in self.cameras])
            near = np.linalg.norm(back - pixels, axis=-1) / sizes[:, None] < AGREE
            for k in np.flatnonzero(near.sum(0) > most):
                most[k], agreed[k] = near[:, k].sum(), tuple(np.flatnonzero(near[:, k]))
        for k, views in agreed.items():
            best[k] = triangulate([self.cameras[c] for c in views], pixels[list(views), k : k + 1])[0]
        return best

    def _sided(self, pixels: np.ndarray, scores: np.ndarray, sizes: np.ndarray, limbs: list[int]) -> np.ndarray:
        """The pixels (C, 37, 2) with left and right of these limbs exchanged in the cameras where that makes all four
        meet best; who is right, the exchanged ones or the others, is told by the larger sum of scores (C, 37)."""
        swapped = pixels.copy()
        swapped[:, limbs] = pixels[:, spinetrack().flip[limbs]]
        best, least = None, np.inf
        for others in product((False, True), repeat=len(pixels) - 1):
            which = np.array([False, *others])
            tried = np.where(which[:, None, None], swapped, pixels)[:, limbs]
            points = triangulate(self.cameras, tried, rounds=0)
            back = np.stack([c.project(points) for c in self.cameras])
            miss = np.minimum(np.linalg.norm(back - tried, axis=-1) / sizes[:, None], 4 * AGREE).mean()
            if miss < least:
                best, least = which, miss
        assert best is not None
        trust = scores[:, limbs].sum(1)
        if trust[best].sum() > trust[~best].sum():
            best = ~best
        return np.where(best[:, None, None], swapped, pixels)

    def __call__(self, person: PersonView) -> np.ndarray | None:
        """(37, 2) px, NaN where there is no second opinion; None where there is none at all."""
        return self.targets.get(person.person_id)


class Steady:
    """Better points in one camera's video: medians over five frames."""

    def __init__(self, project: Project, video: Path, estimator: Estimator) -> None:
        self.estimator, self.video = estimator, video
        self.at = {i.id: i.frame for i in project.images() if i.video and i.video.startswith(f"{video.stem}-")}

    def __call__(self, person: PersonView) -> np.ndarray | None:
        """(37, 2) px, NaN where the frames do not agree; None for somebody of another video, and for hardly anybody."""
        t = self.at.get(person.image_id)
        if t is None or person.model is None or np.sort(person.model[:, 3])[18:].mean() < NOBODY:
            return None
        capture, near = cv2.VideoCapture(str(self.video)), []
        for number in range(t + 3):  # seeking is not exact in every format; decoding is cheap
            if capture.grab() and number >= t - 2:
                near.append(capture.retrieve()[1])
        capture.release()
        answers = np.stack([self.estimator(image, person.bbox[None])[0].points for image in near])
        middle = np.median(answers, 0)
        spread = np.median(np.linalg.norm(answers - middle, axis=-1), 0) / person.bbox[2:].max()
        return np.where((spread < AGREE)[:, None], middle, np.nan)


def _pose(person: PersonView) -> Pose:
    assert person.model is not None
    return Pose(person.model[:, :2], person.model[:, 3], person.bbox)


@dataclass(slots=True)
class Hands:
    """What a person would do on the page: keys and mouse, counted.

    Attributes:
        page: of playwright, open on the annotation page. project: the same, to see what was stored.
    """

    page: object
    project: Project
    done: Counter = field(default_factory=Counter)

    @property
    def person(self) -> int:
        return int(self.page.get_attribute("body", "data-person"))

    def press(self, *keys: str, what: str = "") -> None:
        for key in keys:
            self.page.keyboard.press(key)
        self.done[what or keys[-1]] += 1

    def points(self) -> np.ndarray:
        """(37, 4) as stored, once everything is."""
        self.page.wait_for_selector(SAVED)
        view = self.project.person(self.person)
        return view.corrected if view.corrected is not None else view.start

    def correct(self, target: np.ndarray, shot: Path | None = None) -> None:
        """Everything this annotator does to one person, up to but not with the key that goes on."""
        size = float(self.project.person(self.person).bbox[2:].max())
        if shot is not None:
            self.page.screenshot(path=shot.with_suffix(".before.png"))
        self._sides(target)
        self._spine(target, size)
        for k in np.flatnonzero(self._off(target) > OFF * size):
            self._to(int(k), target[k])
        points = self.points()
        for k in np.flatnonzero(~np.isfinite(target).all(1) & (points[:, 3] < UNSURE) & (points[:, 2] > 0)):
            self._select(int(k))
            self.press("0", what="visibility key")
        if not np.isfinite(target[list(SPINE_IDS)]).all():
            self._snap(size)
        self.page.wait_for_selector(SAVED)
        if shot is not None:
            self.page.keyboard.press("m")
            self.page.screenshot(path=shot.with_suffix(".after.png"))
            self.page.keyboard.press("m")

    def _off(self, target: np.ndarray) -> np.ndarray:
        return np.nan_to_num(np.linalg.norm(self.points()[:, :2] - target, axis=1))

    def _sides(self, target: np.ndarray) -> None:
        known = np.isfinite(target).all(1)
        points, flip = self.points()[:, :2], spinetrack().flip
        now, swapped = (np.linalg.norm(p - target, axis=1)[known].sum() for p in (points, points[flip]))
        if swapped < BAD * now:
            self.press("w", what="swap of left and right")

    def _spine(self, target: np.ndarray, size: float) -> None:
        """The chain as a whole, then its handles; single points are dragged with the others afterwards."""
        spine = np.array(SPINE_IDS)
        if not np.isfinite(target[spine]).all():
            return
        shift = (target[spine] - self.points()[spine, :2]).mean(0)
        if np.linalg.norm(shift) > OFF * size:
            self.press("c", what="spine tool")
            self._select(int(spine[4]))
            self._drag(*self._spot(int(spine[4])), shift)
            self.done["drag of the whole spine"] += 1
        for share in np.linspace(0, 1, 5):
            points = self.points()[spine, :2]
            along = np.r_[0, np.cumsum(np.linalg.norm(np.diff(points, axis=0), axis=1))]
            move = [np.interp(share, along / along[-1], (target[spine] - points)[:, axis]) for axis in (0, 1)]
            if np.linalg.norm(move) <= OFF * size:
                continue
            self.press("s", what="bend tool")
            box = self.page.locator("#overlay .handle").nth(round(4 * share)).bounding_box()
            self._drag(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2, move)
            self.done["drag of a spine handle"] += 1
        self.press("j", what="joint tool")

    def _snap(self, size: float) -> None:
        """Ask for the anatomical range where the page calls the spine odd; undone where that moves it far."""
        if not self.page.locator("#spine-reasons li").count():
            return
        before = self.points()
        self.press("p", what="snap to the anatomical range")
        self.page.locator("#hint", has_text="spine").wait_for(state="attached")
        if np.linalg.norm(self.points() - before, axis=1).max() > BEYOND * size:
            self.press("z", what="undo")

    def _select(self, k: int) -> None:
        self.page.keyboard.press("g")
        self.page.keyboard.type(str(k))
        self.page.keyboard.press("Enter")

    def _spot(self, k: int) -> tuple[float, float]:
        box = self.page.locator(f"#overlay .markers [data-id='{k}'] .ring").bounding_box()
        return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2

    def _to(self, k: int, place: np.ndarray) -> None:
        """Drag a point; one that is missing is added first."""
        if self.points()[k, 2] == 0:
            self._select(k)
            self.press("2", what="visibility key")
        self._select(k)
        self._drag(*self._spot(k), place - self.points()[k, :2])
        self.done["drag of a point"] += 1

    def _drag(self, x: float, y: float, by) -> None:
        """Drag by so many px of the picture."""
        scale = self.page.evaluate(
            "document.querySelector('#picture').style.transform.match(/scale\\(([\\d.]+)\\)/)[1] * 1"
        )
        mouse, (dx, dy) = self.page.mouse, np.asarray(by) * scale
        mouse.move(x, y)
        mouse.down()
        mouse.move(x + dx / 2, y + dy / 2)
        mouse.move(x + dx, y + dy)
        mouse.up()
