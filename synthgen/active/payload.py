"""What the page may send: JSON of bounded size, read strictly, and every value checked before anything uses it."""

import json
from typing import Any

import numpy as np
from fastapi import Request

from synthgen.active.access import Refused
from synthgen.active.edits import SAVED
from synthgen.active.records import COUNT, ImageRow
from synthgen.keypoints import spinetrack

MOST_BYTES = 64 * 1024  # 37 points are 3 kB
MOST_COMMENT = 2000  # characters


async def json_body(request: Request) -> dict[str, Any]:
    """The JSON object a request carries.

    Raises:
        Refused: too long, not JSON, or no object. NaN and Infinity, which JSON lacks, are refused too.
    """
    kind = request.headers.get("content-type", "").split(";")[0].strip().lower()
    if kind != "application/json":
        raise Refused(415, f"the content type is {kind or 'not given'}; wanted: application/json")
    received = bytearray()
    async for chunk in request.stream():
        received += chunk
        if len(received) > MOST_BYTES:
            raise Refused(413, f"the request is longer than {MOST_BYTES // 1024} kB; 37 points and a comment fit in it")
    try:
        data = json.loads(received, parse_constant=_no_constant)
    except (ValueError, RecursionError):
        raise Refused(422, "the request is not valid JSON (NaN and Infinity are not JSON)") from None
    if not isinstance(data, dict):
        raise Refused(422, f"the request is a JSON {type(data).__name__}; wanted: an object")
    return data


def _no_constant(name: str) -> float:
    raise ValueError(name)


def points_of(data: dict[str, Any], image: ImageRow) -> np.ndarray:
    """The (37, 4) points of a request.

    Args:
        image: the picture they lie on; a point may lie outside by the picture's own size at most.

    Raises:
        Refused: anything else than 37 rows x, y, visibility, confidence; names the point. Also where `names`, sent
            along with the points, are not ours in our order.
    """
    names = spinetrack().names
    if data.get("names") != list(names):
        raise Refused(422, "the names of the points are missing or in another order; load the page again")
    rows = data.get("points")
    if not isinstance(rows, list) or len(rows) != COUNT:
        raise Refused(422, f"points must be a list of {COUNT} rows, one per name")
    for name, row in zip(names, rows, strict=True):
        fit = isinstance(row, list) and len(row) == 4
        if not fit or not all(type(v) in (int, float) and abs(v) < 1e9 for v in row):
            raise Refused(422, f"{name} must be four finite numbers: x, y, visibility, confidence")
        if row[2] not in (0, 1, 2):
            raise Refused(422, f"the visibility of {name} is {row[2]}; allowed: 0 (absent), 1 (hidden), 2 (visible)")
        if not 0 <= row[3] <= 1:
            raise Refused(422, f"the confidence of {name} is {row[3]}; allowed: 0 to 1")
        if not (
            abs(row[0] - image.width / 2) <= 1.5 * image.width and abs(row[1] - image.height / 2) <= 1.5 * image.height
        ):
            raise Refused(
                422, f"{name} lies at {row[0]:.0f}, {row[1]:.0f}, far outside the {image.width}x{image.height} picture"
            )
    return np.array(rows, dtype=np.float64)


def box_of(data: dict[str, Any]) -> np.ndarray:
    """The box of a request, (4,) left, top, width, height, px.

    Raises:
        Refused: not four finite numbers.
    """
    box = data.get("box")
    if not isinstance(box, list) or len(box) != 4 or not all(type(v) in (int, float) and abs(v) < 1e6 for v in box):
        raise Refused(422, "box must be four finite numbers: left, top, width, height")
    return np.array(box, dtype=np.float64)


def text_of(data: dict[str, Any], key: str, longest: int, default: str | None = None) -> str:
    """A string of a request.

    Raises:
        Refused: it is none, or too long.
    """
    value = data.get(key, default)
    if not isinstance(value, str) or len(value) > longest:
        raise Refused(422, f"{key} must be a text of at most {longest} characters")
    return value


def whole_of(data: dict[str, Any], key: str, default: int | None = None) -> int:
    """A whole number >= 0 of a request.

    Raises:
        Refused: it is none.
    """
    value = data.get(key, default)
    if type(value) is not int or not 0 <= value < 2**53:
        raise Refused(422, f"{key} must be a whole number, 0 or more")
    return value


def status_of(data: dict[str, Any], role: str) -> str:
    """The status to save with; only the role `review` may say reviewed.

    Raises:
        Refused: unknown, or not for this role.
    """
    status = text_of(data, "status", 20, "corrected")
    if status not in SAVED:
        raise Refused(422, f"status is {status!r}; allowed: {', '.join(SAVED)}")
    if status == "reviewed" and role != "review":
        raise Refused(403, "only users with the role review can accept a correction")
    return status
