"""How each keypoint misses: how far, and in which direction on the body.

A mean hides what this shows: a point that one labeller puts elsewhere on the body than another does misses in the same
direction in everybody. `up` is towards the head along the labelled trunk, `out` is away from the same point on the
other side, both as medians; lengths are shares of the longer side of the box. N people, k points.
"""

from collections.abc import Sequence

import numpy as np

from synthgen.keypoints import BODY_IDS, spinetrack
from synthgen.spinepose.metrics import person_sizes


def _unit(vectors: np.ndarray, known: np.ndarray) -> np.ndarray:
    """(.., 2) of length 1; NaN where not `known` or where there is no direction."""
    length = np.linalg.norm(vectors, axis=-1, keepdims=True)
    return np.where(known[..., None] & (length > 0), vectors / np.maximum(length, 1e-9), np.nan)


def directions(truth: np.ndarray, ids: Sequence[int] = BODY_IDS) -> tuple[np.ndarray, np.ndarray]:
    """Which way is up and out for each labelled point.

    Args:
        truth: (N, k, 3) labels of the points `ids`, which hold shoulders, hips and both sides of every pair.

    Returns:
        up (N, k, 2): from the middle of the hips to the middle of the shoulders, the same for all points of a person;
        out (N, k, 2): from the point's counterpart on the other side to it. Unit vectors, NaN where labels lack.
    """
    schema, place = spinetrack(), {int(k): at for at, k in enumerate(ids)}
    shoulders, hips = (
        [place[schema.id_of(f"{side}_{part}")] for side in ("left", "right")] for part in ("shoulder", "hip")
    )
    places, known = truth[..., :2], truth[..., 2] > 0
    trunk = places[:, shoulders].mean(1) - places[:, hips].mean(1)
    up = _unit(trunk, np.asarray(known[:, shoulders + hips].all(1)))
    mate = np.array([place[int(schema.flip[k])] for k in ids])
    paired = np.array([int(m) != at for at, m in enumerate(mate)])
    out = _unit(places - places[:, mate], known & known[:, mate] & paired)
    return np.broadcast_to(up[:, None], out.shape), out


def per_keypoint(
    points: np.ndarray,
    truth: np.ndarray,
    boxes: np.ndarray,
    areas: np.ndarray,
    ids: Sequence[int] = BODY_IDS,
    counted: np.ndarray | None = None,
) -> list[dict]:
    """How each point misses, over the people in whom it is labelled.

    Args:
        points: (N, k, 2) predicted. truth: (N, k, 3) labels. boxes: (N, 4) and areas: (N,) of the people.
        ids: the k points; see `directions`. counted: (N, k) labels to look at; all when None.

    Returns:
        A row per point: name, count, error (mean distance), oks (mean term), up, out (median offsets: one limb taken
        for another must not hide them), up_spread, out_spread (median distances from those medians). Lengths over the
        longer side of the box; NaN where nothing is known.
    """
    known = truth[..., 2] > 0
    if counted is not None:
        known = known & counted
    miss = np.where(known[..., None], points - truth[..., :2], np.nan)  # (N, k, 2) px
    squared = (miss**2).sum(-1)
    sigmas = 2 * spinetrack().sigmas[list(ids)]
    sizes = person_sizes(boxes)[:, None]
    parts = {"error": np.sqrt(squared) / sizes, "oks": np.exp(-squared / (2 * sigmas**2 * areas[:, None]))}
    parts |= {n: (miss * d).sum(-1) / sizes for n, d in zip(("up", "out"), directions(truth, ids), strict=True)}
    table = []
    for at, k in enumerate(ids):
        row: dict = {"name": spinetrack().names[k], "count": int(known[:, at].sum())}
        for name, values in parts.items():
            column = values[np.isfinite(values[:, at]), at]
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
