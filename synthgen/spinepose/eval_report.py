"""The evaluation as a page that prints, with the best and the worst people drawn, and the same figures as JSON."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from synthgen.spinepose import pages
from synthgen.spinepose.crop import crop_from_box, to_input, warp
from synthgen.spinepose.evaluate import Evaluation
from synthgen.spinepose.overlays import draw_person
from synthgen.spinepose.sources import Source, read_image

HTML, JSON = "evaluation.html", "evaluation.json"
EXTREMES = 20
_SIZE = (192, 256)
SHOWN = 0.2


@dataclass(frozen=True, slots=True, eq=False)
class Entry:
    """One model on one source, a row of the first table.

    Attributes:
        label: of the model. meta: of its checkpoint.
    """

    label: str
    meta: dict[str, Any]
    source: Source
    evaluation: Evaluation


def learnt_from(meta: dict[str, Any]) -> str:
    """The people a checkpoint was trained on, in words."""
    people, kinds = meta.get("people") or {}, meta.get("kinds") or {}
    if not people:
        return "not recorded"
    kind = {"generated": "generated only", "real": "real only"}
    found = set(kinds.values())
    row = kind[found.pop()] if len(found) == 1 else "mixture"
    return f"{row}: " + ", ".join(f"{count} {name}" for name, count in people.items())


def write_report(entries: Sequence[Entry], folder: Path) -> Path:
    """Write `evaluation.html` and `evaluation.json`; returns the path of the page.

    Raises:
        DatasetError: the folder cannot be written.
    """
    data = [
        {
            "model": e.label,
            "learnt_from": learnt_from(e.meta),
            "digests": e.meta.get("digests"),
            **e.evaluation.to_dict(),
        }
        for e in entries
    ]
    pictures = [extremes(e) for e in entries]
    page = pages.render("evaluation.html.j2", entries=list(zip(data, pictures, strict=True)))
    pages.write(folder, {JSON: pages.as_json(data), HTML: page})
    return folder / HTML


def extremes(entry: Entry, count: int = EXTREMES) -> dict[str, list[dict]]:
    """The best and worst people by OKS, as small pictures {src, text}; nobody is in both."""
    found = entry.evaluation
    order = np.argsort(-np.where(np.isfinite(found.oks), found.oks, -1), kind="stable")
    order = order[np.isfinite(found.oks[order])]
    count = min(count, len(order) // 2)
    return {
        "best": [_picture(entry, int(i)) for i in order[:count]],
        "worst": [_picture(entry, int(i)) for i in order[::-1][:count]],
    }


def _picture(entry: Entry, place: int) -> dict[str, str]:
    source, found = entry.source, entry.evaluation
    row = found.rows[place]
    crop = crop_from_box(source.boxes[row], _SIZE)
    image = warp(read_image(source.images[row]), crop, _SIZE)
    drawn = draw_person(image, to_input(found.points[place], crop, _SIZE), found.scores[place] > SHOWN, zoom=1)
    return {"src": pages.picture(drawn), "text": f"OKS {found.oks[place]:.2f} · image {source.image_ids[row]}"}
