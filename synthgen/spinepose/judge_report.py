"""A judgement as a page that prints, as JSON, as a sheet of the worst pictures, and as a few lines of text."""

import base64
import json
from pathlib import Path

import cv2
import numpy as np
from jinja2 import Environment, PackageLoader, StrictUndefined

from biomech.errors import DatasetError
from synthgen.shards import write_atomic
from synthgen.spinepose.blazepose import SIDE
from synthgen.spinepose.crop import crop_from_box, to_input, warp
from synthgen.spinepose.judge import SHARED, Judgement, concerns, figures
from synthgen.spinepose.judge_misses import POOR
from synthgen.spinepose.overlays import draw_person, jpeg, sheet
from synthgen.spinepose.sources import read_image

HTML, JSON, SHEET = "judge.html", "judge.json", "judge_worst.jpg"
WORST = 20
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
        "worst": [_entry(found, int(n)) for n in worst(found)],
        "people": [
            {"annotation_id": int(found.source.annotation_ids[row]), "oks": found.oks[n], "person": found.person[n]}
            for n, row in enumerate(found.rows)
        ],
    }
    return _plain(data)


def write_report(data: dict, found: Judgement, folder: Path) -> Path:
    """Write the page, the JSON and the sheet of `report`'s `data`; returns the path of the page.

    Raises:
        DatasetError: the folder cannot be written.
    """
    tiles = [tile(found, int(n)) for n in worst(found)]
    environment = Environment(
        loader=PackageLoader("synthgen.spinepose", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
    )
    environment.filters["figure"] = _figure
    environment.filters["percent"] = lambda value: "–" if value is None else f"{100 * value:+.1f}"
    pictures = ["data:image/jpeg;base64," + base64.b64encode(jpeg(t, 80)).decode() for t in tiles]
    page = environment.get_template("judge.html.j2").render(data=data, pictures=pictures, poor=POOR)
    files = {JSON: (json.dumps(data, indent=1, allow_nan=False) + "\n").encode(), HTML: page.encode()}
    if tiles:
        lines = [_captioned(t, e) for t, e in zip(tiles, data["worst"], strict=True)]
        files[SHEET] = jpeg(sheet(lines, 4), 85)
    try:
        for name, content in files.items():
            write_atomic(folder / name, content, durable=False)
    except OSError as error:
        raise DatasetError(f"cannot write the report to {folder}: {error.strerror}; choose another folder") from None
    return folder / HTML


def worst(found: Judgement, count: int = WORST) -> np.ndarray:
    """Places of the people with the least OKS, the worst first."""
    known = np.flatnonzero(np.isfinite(found.oks))
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
        ("OKS, COCO's 17 points", lambda d: _figure(d["oks"])),
        ("  of them those seen", lambda d: _figure(d["oks_seen"])),
        ("  who lies shown upright", lambda d: _figure(d["oks_upright"])),
        ("OKS, heels and big toes", lambda d: _figure(d["oks_feet"])),
        ("OKS, all 21 shared points", lambda d: _figure(d["oks_shared"])),
        ("OKS, whole and little hidden", lambda d: f"{_figure(d['oks_open'])} ({d['open_people']})"),
        ("share of OKS over .5", lambda d: _figure(d["over_half"])),
        ("labels seen / hidden, of the 17", lambda d: f"{d['labels']['seen']:.2f} / {d['labels']['hidden']:.2f}"),
        ("presence of a person, mean", lambda d: _figure(d["person"]["mean"])),
        ("  share under .5", lambda d: _figure(d["person"]["under_half"])),
    )
    lines += [f"{name:34s}" + "".join(f"{value(side):>13s}" for side in sides) for name, value in rows]
    poor = {kind: count for kind, count in data["rendered"]["misses"].items() if count}
    if poor:
        lines.append(f"OKS under {POOR:g}: " + ", ".join(f"{count} {kind}" for kind, count in poor.items()))
    return "\n".join(lines + [f"look at: {concern}" for concern in data["concerns"]])


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


def _figure(value, digits: int = 3) -> str:
    if value is None:
        return "–"
    return f"{value:.{digits}f}" if isinstance(value, float) else str(value)
