"""A judgement as a page that prints, as JSON, as sheets of the worst pictures, and as a few lines of text."""

import re
from pathlib import Path

import cv2
import numpy as np

from synthgen.spinepose import pages
from synthgen.spinepose.blazepose import SIDE
from synthgen.spinepose.crop import crop_from_box, to_input, warp
from synthgen.spinepose.judge import SHARED, Judgement, concerns, figures, flagged
from synthgen.spinepose.judge_misses import POOR
from synthgen.spinepose.overlays import draw_person, jpeg, sheet
from synthgen.spinepose.sources import read_image

HTML, JSON, SHEET = "judge.html", "judge.json", "judge_worst.jpg"
WORST = 20
LOOKED_AT = 24  # worst pictures of a slice below the floor
_SIZE = (SIDE, SIDE)
_DIGITS = 4
_NOTED = ("activity", "view", "framing", "size")  # groups that stand under a picture


def report(found: Judgement, reference: Judgement | None = None, expert: tuple[str, str] = ("", "")) -> dict:
    """Everything as plain data; what is not a number is None.

    Args:
        found: of the rendered people. reference: of photographs. expert: name and digest.
    """
    rendered = figures(found)
    data = {
        "expert": {"name": expert[0], "sha256": expert[1]},
        "rendered": rendered,
        "photographs": figures(reference) if reference is not None else None,
        "concerns": concerns(rendered),
        "flagged": [{"slice": name, **row, "sheet": sheet_name(name, row["group"])} for name, row in flagged(rendered)],
        "worst": [_entry(found, int(n)) for n in worst(found)],
        "people": [
            {"annotation_id": int(found.source.annotation_ids[row]), "oks": found.oks[n], "person": found.person[n]}
            for n, row in enumerate(found.rows)
        ],
    }
    return _plain(data)


def write_report(data: dict, found: Judgement, folder: Path) -> Path:
    """Write the page, the JSON, the sheet and one sheet per flagged slice of `report`'s `data`; the path of the page.

    Raises:
        DatasetError: the folder cannot be written.
    """
    places = worst(found)
    tiles = [tile(found, int(n)) for n in places]
    page = pages.render("judge.html.j2", data=data, pictures=[pages.picture(t) for t in tiles], poor=POOR)
    files = {JSON: pages.as_json(data), HTML: page}
    if tiles:
        files[SHEET] = _sheet(found, places, tiles)
    for row in data["flagged"]:
        looked_at = worst(found, LOOKED_AT, found.slices[row["slice"]] == row["group"])
        files[row["sheet"]] = _sheet(found, looked_at, [tile(found, int(n)) for n in looked_at])
    pages.write(folder, files)
    return folder / HTML


def sheet_name(name: str, group: str) -> str:
    """File of the worst pictures of a slice."""
    return f"judge_worst_{re.sub(r'[^a-z0-9]+', '-', f'{name} {group}'.lower()).strip('-')}.jpg"


def worst(found: Judgement, count: int = WORST, among: np.ndarray | None = None) -> np.ndarray:
    """Places of the people with the least OKS, the worst first; of those `among` (N,) bool says, where given."""
    known = np.flatnonzero(np.isfinite(found.oks) & (True if among is None else among))
    return known[np.argsort(found.oks[known], kind="stable")][:count]


def tile(found: Judgement, place: int) -> np.ndarray:
    """(256, 512, 3) uint8 RGB: the expert's crop with our labels on its points, and with its own answer."""
    source, row = found.source, int(found.rows[place])
    crop = crop_from_box(source.boxes[row], _SIZE)
    image = warp(read_image(source.images[row]), crop, _SIZE)
    shared = np.isin(np.arange(source.keypoints.shape[1]), SHARED)
    ours = to_input(source.keypoints[row, :, :2], crop, _SIZE)
    theirs = to_input(np.where(shared[:, None], found.points[place], 0.0), crop, _SIZE)
    left = draw_person(image, ours, shared & (source.keypoints[row, :, 2] > 0), zoom=1)
    return np.concatenate([left, draw_person(image, theirs, shared, zoom=1)], 1)


def summary(data: dict) -> str:
    """The short table for the terminal."""
    sides = [data["rendered"]] + ([data["photographs"]] if data["photographs"] else [])
    lines = [f"{'':34s}" + "".join(f"{name:>13s}" for name in ("rendered", "photographs")[: len(sides)])]
    rows = (
        ("people", lambda d: str(d["people"])),
        ("OKS, COCO's 17 points", lambda d: pages.figure(d["oks"])),
        ("  of them those seen", lambda d: pages.figure(d["oks_seen"])),
        ("  who lies shown upright", lambda d: pages.figure(d["oks_upright"])),
        ("OKS, heels and big toes", lambda d: pages.figure(d["oks_feet"])),
        ("OKS, all 21 shared points", lambda d: pages.figure(d["oks_shared"])),
        ("OKS, unoccluded people", lambda d: f"{pages.figure(d['oks_open'])} ({d['open_people']})"),
        ("share of OKS over .5", lambda d: pages.figure(d["over_half"])),
        ("labels seen / hidden, of the 17", lambda d: f"{d['labels']['seen']:.2f} / {d['labels']['hidden']:.2f}"),
        ("presence of a person, mean", lambda d: pages.figure(d["person"]["mean"])),
        ("  share under .5", lambda d: pages.figure(d["person"]["under_half"])),
    )
    lines += [f"{name:34s}" + "".join(f"{value(side):>13s}" for side in sides) for name, value in rows]
    poor = {kind: count for kind, count in data["rendered"]["misses"].items() if count}
    if poor:
        lines.append(f"OKS under {POOR:g}: " + ", ".join(f"{count} {kind}" for kind, count in poor.items()))
    lines += [f"look at: {concern}" for concern in data["concerns"]]
    return "\n".join(lines + [f"its worst {LOOKED_AT} are in {row['sheet']}" for row in data["flagged"]])


def _entry(found: Judgement, place: int) -> dict:
    source, row = found.source, int(found.rows[place])
    return {
        "image": Path(source.images[row]).name,
        "image_id": int(source.image_ids[row]),
        "annotation_id": int(source.annotation_ids[row]),
        "oks": found.oks[place],
        "person": found.person[place],
        "miss": str(found.miss[place]),
        "groups": {name: str(values[place]) for name, values in found.slices.items()},
    }


def _sheet(found: Judgement, places: np.ndarray, tiles: list[np.ndarray]) -> bytes:
    lines = [_captioned(t, _plain(_entry(found, int(n)))) for t, n in zip(tiles, places, strict=True)]
    return jpeg(sheet(lines, 4), 85)


def _captioned(picture: np.ndarray, entry: dict) -> np.ndarray:
    """The tile with two lines of text below it."""
    canvas = cv2.copyMakeBorder(picture, 0, 38, 0, 6, cv2.BORDER_CONSTANT, value=(24, 28, 34))
    noted = ", ".join(entry["groups"][name] for name in _NOTED if name in entry["groups"])
    first = f"{Path(entry['image']).stem}: OKS {entry['oks']:.2f}, person {entry['person']:.2f}"
    first += f", {entry['miss']}" if entry["miss"] else ""
    for at, text in ((14, first), (31, noted)):
        place = (4, picture.shape[0] + at)
        cv2.putText(canvas, text, place, cv2.FONT_HERSHEY_SIMPLEX, 0.42, (235, 235, 235), 1, cv2.LINE_AA)
    return canvas


def _plain(value):
    """Floats rounded, so that the last bits of another processor do not show; NaN as None."""
    if isinstance(value, dict):
        return {str(k): _plain(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(v) for v in value]
    if isinstance(value, (float, np.floating)):
        return round(float(value), _DIGITS) if np.isfinite(value) else None
    return int(value) if isinstance(value, np.integer) else value
