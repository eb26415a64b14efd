"""What the projected spine of generated people looks like, by view: to doubt, to draw, and to snap a curve by.

The chain is the nine spine points from the sacrum up (SPINE_IDS). It is looked at in a frame of its own: origin at the
sacrum, first axis towards the base of the neck (C7), second axis towards where the person faces, lengths over that
chord. The view follows from how wide shoulders and hips are beside it. N people, S = 9 points.
"""

import json
from dataclasses import asdict, dataclass
from importlib import resources
from pathlib import Path

import numpy as np

from synthgen.active.errors import ProjectError
from synthgen.keypoints import SPINE_IDS, spinetrack

VIEWS = ("frontal", "oblique", "side")
_WIDE = (0.5, 0.25)  # shoulders' or hips' width over the chord: above the first frontal, below the second side
_TOP = 6  # of the chain: the base of the neck
_LEAST_CHORD = 0.12  # of the box's longer side; a shorter one is seen end-on and says nothing
_PARTS = 5  # principal components kept
_REACH = 2.5  # standard deviations a snapped curve may lie from the mean
_LEVELS = (0.005, 0.025, 0.5, 0.975, 0.995)
_FEWEST = 60
_SAID = 4  # reasons at most
SHOULDERS, HIPS = (5, 6), (11, 12)  # left, right


@dataclass(frozen=True, slots=True)
class ViewPrior:
    """Statistics of one view; each list has a row per quantile of _LEVELS unless said otherwise.

    Attributes:
        share: of the chain's length that each of the 8 segments has. turn: deg, at each of the 7 inner points; positive
            where the chain bends forward. along, across: of each of the 9 points in the chain's frame.
        mean: (18,) along and across of the 9 points. parts: (5, 18) principal components. spread: (5,) their standard
            deviations. people: how many.
    """

    share: list[list[float]]
    turn: list[list[float]]
    along: list[list[float]]
    across: list[list[float]]
    mean: list[float]
    parts: list[list[float]]
    spread: list[float]
    people: int


@dataclass(frozen=True, slots=True, eq=False)
class Chain:
    """A chain in its own frame.

    Attributes:
        local: (9, 2) along, across. origin, axis: (2,) px; px = origin + along * axis + across * side.
    """

    local: np.ndarray
    origin: np.ndarray
    axis: np.ndarray
    side: np.ndarray
    view: str

    def to_picture(self, local: np.ndarray) -> np.ndarray:
        """(..., 2) of the chain's frame as px."""
        return self.origin + local[..., :1] * self.axis + local[..., 1:] * self.side


def chain_of(points: np.ndarray) -> Chain | None:
    """The chain of one person (37, 3 or more: x, y, visibility); None where a point is missing or it is seen end-on."""
    points = np.asarray(points, float)
    spine = points[list(SPINE_IDS)]
    if (spine[:, 2] <= 0).any():
        return None
    known = points[points[:, 2] > 0, :2]
    size = float(np.ptp(known, axis=0).max())
    origin, axis = spine[0, :2], spine[_TOP, :2] - spine[0, :2]
    chord = float(np.linalg.norm(axis))
    if chord < _LEAST_CHORD * size or chord <= 0:
        return None
    side = np.array([-axis[1], axis[0]])  # the person's left or right in the picture; turned to where he faces below
    width = 0.0
    for left, right in (SHOULDERS, HIPS):
        if points[left, 2] > 0 and points[right, 2] > 0:
            width = max(width, abs(float((points[left, :2] - points[right, :2]) @ side)) / chord**2)
    view = VIEWS[0] if width > _WIDE[0] else VIEWS[1] if width > _WIDE[1] else VIEWS[2]
    if _facing(points, side) < 0:
        side = -side
    offset = spine[:, :2] - origin
    return Chain(np.column_stack([offset @ axis, offset @ side]) / chord**2, origin, axis, side, view)


def _facing(points: np.ndarray, side: np.ndarray) -> float:
    """Positive where the person faces towards `side`: nose before ears, toes before heels."""
    total = 0.0
    for front, back in ((0, 3), (0, 4), (20, 24), (22, 25), (20, 15), (22, 16)):
        if points[front, 2] > 0 and points[back, 2] > 0:
            total += float((points[front, :2] - points[back, :2]) @ side)
    return total


def shares_and_turns(local: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(..., 8) shares of the chain's length and (..., 7) turns, deg, of chains (..., 9, 2) in their own frame."""
    steps = np.diff(local, axis=-2)
    lengths = np.linalg.norm(steps, axis=-1)
    shares = lengths / np.maximum(lengths.sum(-1, keepdims=True), 1e-9)
    angle = np.arctan2(steps[..., 1], steps[..., 0])
    turns = np.degrees(np.diff(angle, axis=-1))
    return shares, (turns + 180) % 360 - 180


@dataclass(frozen=True, slots=True)
class SpinePrior:
    """The statistics of all views, and of whom they were taken."""

    views: dict[str, ViewPrior]
    source: str = ""

    def unlikely(self, points: np.ndarray) -> tuple[float, tuple[str, ...]]:
        """How far the spine of points (37, 3 or more) lies outside of what generated people have: 0 inside of the range
        of 99 %, towards 1 outside; and sentences that say where. 0 and none where the chain cannot be judged."""
        chain = chain_of(points)
        if chain is None or chain.view not in self.views:
            return 0.0, ()
        prior, names = self.views[chain.view], [spinetrack().names[i] for i in SPINE_IDS]
        shares, turns = shares_and_turns(chain.local)
        found: list[tuple[float, str]] = []
        for i, excess in enumerate(_excess(shares, prior.share)):
            if excess > 0:
                low, high = 100 * prior.share[0][i], 100 * prior.share[-1][i]
                text = f"{names[i]} to {names[i + 1]} is {100 * shares[i]:.0f} % of the spine; generated people: "
                found.append((excess, f"{text}{low:.0f} to {high:.0f} %"))
        for i, excess in enumerate(_excess(turns, prior.turn)):
            if excess > 0:
                text = f"the spine turns {turns[i]:.0f} degrees at {names[i + 1]}; generated people: "
                found.append((excess, f"{text}{prior.turn[0][i]:.0f} to {prior.turn[-1][i]:.0f}"))
        found.sort(key=lambda pair: -pair[0])
        return float(1 - np.exp(-2 * sum(e for e, _ in found))), tuple(text for _, text in found[:_SAID])

    def snap(self, points: np.ndarray) -> np.ndarray:
        """The points with the spine drawn to the nearest curve that generated people have; sacrum and base of the neck
        stay. Unchanged where the chain cannot be judged."""
        points = np.array(points, float)
        chain = chain_of(points)
        if chain is None or chain.view not in self.views:
            return points
        prior = self.views[chain.view]
        parts, mean = np.array(prior.parts), np.array(prior.mean)
        spread = np.array(prior.spread)
        weights = np.clip(parts @ (chain.local.reshape(-1) - mean), -_REACH * spread, _REACH * spread)
        local = (mean + weights @ parts).reshape(-1, 2)
        local[0], local[_TOP] = (0, 0), (1, 0)
        points[list(SPINE_IDS), :2] = chain.to_picture(local)
        return points

    def range_curve(self, points: np.ndarray) -> tuple[np.ndarray, np.ndarray] | None:
        """Two polylines (9, 2) px between which the spines of 95 % of generated people run, laid on this person's
        sacrum and neck; None where the chain cannot be judged."""
        chain = chain_of(points)
        if chain is None or chain.view not in self.views:
            return None
        prior = self.views[chain.view]
        along = np.array(prior.along[2])
        low, high = (chain.to_picture(np.column_stack([along, prior.across[row]])) for row in (1, 3))
        return low, high


def _excess(values: np.ndarray, quantiles: list[list[float]]) -> np.ndarray:
    """How far beyond the outer quantiles, in widths of the range between them."""
    low, high = np.array(quantiles[0]), np.array(quantiles[-1])
    width = np.maximum(high - low, 1e-6)
    return np.maximum(np.maximum(low - values, values - high), 0) / width


def measure_prior(keypoints: np.ndarray, source: str = "") -> SpinePrior:
    """Statistics of labelled people, best of generated ones.

    Args:
        keypoints: (N, 37, 3) px and visibility. source: what they are, for the record.

    Raises:
        ProjectError: fewer than 60 whole spines in some view.
    """
    chains = [chain for chain in map(chain_of, np.asarray(keypoints, float)) if chain is not None]
    views = {}
    for view in VIEWS:
        local = np.array([chain.local for chain in chains if chain.view == view]).reshape(-1, len(SPINE_IDS), 2)
        if len(local) < _FEWEST:
            raise ProjectError(
                f"only {len(local)} people with a whole spine are seen {view}; a prior needs {_FEWEST} in each view: "
                "give a larger generated set"
            )
        shares, turns = shares_and_turns(local)
        flat = local.reshape(len(local), -1)
        inner = (
            np.abs(flat - np.median(flat, 0)) <= np.quantile(np.abs(flat - np.median(flat, 0)), 0.995, axis=0) + 1e-9
        )
        trusted = flat[inner.all(1)]
        mean = trusted.mean(0)
        _, strengths, parts = np.linalg.svd(trusted - mean, full_matrices=False)
        parts = parts[:_PARTS] * np.sign(parts[:_PARTS, np.abs(parts[:_PARTS]).argmax(1)].diagonal())[:, None]
        views[view] = ViewPrior(
            share=_plain(np.quantile(shares, _LEVELS, axis=0)),
            turn=_plain(np.quantile(turns, _LEVELS, axis=0), 2),
            along=_plain(np.quantile(local[..., 0], _LEVELS, axis=0)),
            across=_plain(np.quantile(local[..., 1], _LEVELS, axis=0)),
            mean=_plain(mean),
            parts=_plain(parts, 5),
            spread=_plain(strengths[:_PARTS] / np.sqrt(len(trusted)), 5),
            people=len(local),
        )
    return SpinePrior(views, source)


def _plain(values: np.ndarray, digits: int = 4) -> list:
    return np.round(values, digits).tolist()


def write_prior(prior: SpinePrior, path: Path) -> None:
    """As JSON."""
    path.write_text(json.dumps(asdict(prior), separators=(",", ":")) + "\n", encoding="ascii")


def load_prior(path: Path | None = None) -> SpinePrior:
    """A prior from a file; the one that ships when None or where there is no such file.

    Raises:
        ProjectError: the file is no prior.
    """
    try:
        shipped = resources.files("synthgen.active") / "data" / "spine_prior.json"
        text = path.read_text() if path is not None and path.is_file() else shipped.read_text(encoding="ascii")
        data = json.loads(text)
        return SpinePrior({view: ViewPrior(**values) for view, values in data["views"].items()}, data["source"])
    except (ValueError, KeyError, TypeError, OSError) as error:
        raise ProjectError(
            f"{path} is no prior of spines ({error}); make one: synthgen annotate prior DATASET"
        ) from None
