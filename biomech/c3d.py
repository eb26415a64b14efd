"""The points of a C3D file, the exchange format of motion laboratories (The C3D File Format, 2021, c3d.org).

Written here because ezc3d, the usual reader, cannot live in one process with OpenSim: both are SWIG bindings sharing a
type table, and once ezc3d is imported OpenSim no longer takes lists of names. Analog channels are skipped.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from biomech.errors import ModelError

_BLOCK = 512
_INTEL, _DEC, _MIPS = 84, 85, 86
_CHARACTERS, _FLOATS = -1, 4


@dataclass(frozen=True, slots=True, eq=False)
class C3dPoints:
    """T frames of M points, as the file has them."""

    labels: tuple[str, ...]  # (M,)
    positions: np.ndarray  # (T, M, 3) in `unit`; NaN where the point is marked invalid
    unit: str
    rate: float  # frames per second
    first_frame: int
    up: str  # axis the file calls vertical on its screen, with sign; "" if it does not say


def parse_c3d(content: bytes, source: str) -> C3dPoints:
    """Points of a C3D file of any processor type, integer or real.

    Raises:
        ModelError: not a C3D file, cut off, or parameters that contradict each other.
    """
    if len(content) < _BLOCK or content[1] != 0x50:
        raise ModelError(f"{source}: no C3D header (byte 2 is not hex 50); is it another kind of file?")
    start = (content[0] - 1) * _BLOCK
    if len(content) < start + 4:
        raise ModelError(f"{source}: cut off after {len(content)} bytes, before its parameters; export it again")
    processor = content[start + 3]
    if processor not in (_INTEL, _DEC, _MIPS):
        raise ModelError(f"{source}: processor type {processor} is unknown (84, 85 and 86 are); the file is damaged")
    order = ">" if processor == _MIPS else "<"
    count, analog, first, last = (int(v) for v in np.frombuffer(content, f"{order}u2", 4, 2))
    scale = float(_reals(content[12:16], processor)[0])
    block = int(np.frombuffer(content, f"{order}u2", 1, 16)[0])
    rate = float(_reals(content[20:24], processor)[0])
    try:
        groups = _parameters(content, start, processor)
    except (IndexError, ValueError) as error:
        raise ModelError(
            f"{source}: its parameters cannot be read; the file of {len(content)} bytes is cut off or damaged, copy or "
            "export it again"
        ) from error
    point, trial = groups.get("POINT", {}), groups.get("TRIAL", {})
    frames = last - first + 1
    if len(trial.get("ACTUAL_START_FIELD", ())) == 2 and len(trial.get("ACTUAL_END_FIELD", ())) == 2:
        # sixteen bits end at 65535 frames; the whole number is kept here in two halves
        first, last = (
            int(np.asarray(trial[f"ACTUAL_{end}_FIELD"]).astype(np.uint16) @ np.array([1, 65536]))
            for end in ("START", "END")
        )
        frames = last - first + 1
    labels = [label for key in ("LABELS", "LABELS2", "LABELS3", "LABELS4") for label in point.get(key, ())]
    rate = float(point["RATE"][0]) if len(point.get("RATE", ())) else rate
    if count < 1 or frames < 1 or rate <= 0.0 or not labels:
        raise ModelError(
            f"{source}: {count} points with {len(labels)} names, {frames} frames, {rate:g}/s; wanted some of each"
        )
    words = _words(content, (block - 1) * _BLOCK, frames, 4 * count + analog, scale < 0.0, processor, source)
    values = words[:, : 4 * count].reshape(frames, count, 4)
    positions = np.where(values[..., 3:] < 0.0, np.nan, values[..., :3] * (1.0 if scale < 0.0 else scale))
    shown = min(count, len(labels))
    return C3dPoints(
        tuple(labels[:shown]),
        positions[:, :shown],
        (point.get("UNITS") or ["mm"])[0] or "mm",
        rate,
        first,
        (point.get("Y_SCREEN") or [""])[0],
    )


def _words(content: bytes, at: int, frames: int, width: int, real: bool, processor: int, source: str) -> np.ndarray:
    """(frames, width) numbers of the data section."""
    size = 4 if real else 2
    wanted = at + frames * width * size
    if at < _BLOCK or len(content) < wanted:
        raise ModelError(
            f"{source}: cut off: {len(content)} bytes, but {frames} frames need {wanted}; copy or export it again"
        )
    data = content[at:wanted]
    if real:
        return _reals(data, processor).astype(np.float64).reshape(frames, width)
    return np.frombuffer(data, ">i2" if processor == _MIPS else "<i2").astype(np.float64).reshape(frames, width)


def _reals(data: bytes, processor: int) -> np.ndarray:
    """32-bit reals; DEC's are IEEE's with the halves swapped and an exponent two higher."""
    if processor == _MIPS:
        return np.frombuffer(data, ">f4")
    if processor == _INTEL:
        return np.frombuffer(data, "<f4")
    return np.frombuffer(data, "<u2").reshape(-1, 2)[:, ::-1].copy().view("<f4")[:, 0] / 4.0


def _parameters(content: bytes, start: int, processor: int) -> dict[str, dict[str, Any]]:
    """Parameters by group: lists of strings, or arrays of numbers."""
    order = ">" if processor == _MIPS else "<"
    end = start + content[start + 2] * _BLOCK
    names: dict[int, str] = {}
    found: list[tuple[int, str, Any]] = []
    at = start + 4
    while at + 2 < min(end, len(content)):
        length = abs(int(np.int8(np.uint8(content[at]))))
        group = int(np.int8(np.uint8(content[at + 1])))
        if not length or not group:
            break
        name = content[at + 2 : at + 2 + length].decode("latin-1").strip().upper()
        at += 2 + length
        onward = int(np.frombuffer(content, f"{order}i2", 1, at)[0])
        if group < 0:
            names[-group] = name
        else:
            found.append((group, name, _value(content, at + 2, processor)))
        if onward <= 0:
            break
        at += onward
    groups: dict[str, dict[str, Any]] = {name: {} for name in names.values()}
    for group, name, value in found:
        groups.setdefault(names.get(group, str(group)), {})[name] = value
    return groups


def _value(content: bytes, at: int, processor: int) -> Any:
    kind, rank = int(np.int8(np.uint8(content[at]))), content[at + 1]
    shape = tuple(content[at + 2 : at + 2 + rank])
    size = int(np.prod(shape, dtype=np.int64)) if shape else 1
    data = content[at + 2 + rank : at + 2 + rank + size * abs(kind)]
    if len(data) < size * abs(kind):
        raise ValueError("a parameter runs past the end")
    if kind == _CHARACTERS:
        text, length = data.decode("latin-1"), shape[0] if shape else 1
        return [text[i : i + length].strip(" \x00") for i in range(0, len(text), length)] if length else []
    if kind == _FLOATS:
        return _reals(data, processor)
    return np.frombuffer(data, {1: "u1", 2: ">i2" if processor == _MIPS else "<i2"}.get(kind, "u1"))
