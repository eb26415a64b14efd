"""A small .bvh written for a test: a standing skeleton with Mixamo's names."""

from __future__ import annotations

import numpy as np

# name, parent, offset in cm, y up, facing z (so the person's right is -x)
JOINTS = (
    ("Hips", "", (0, 0, 0)), ("Spine", "Hips", (0, 10, 0)), ("Spine1", "Spine", (0, 12, 0)),
    ("Spine2", "Spine1", (0, 14, 0)), ("Neck", "Spine2", (0, 16, 0)), ("Head", "Neck", (0, 10, 0)),
    *(
        row
        for side, s in (("Left", 1), ("Right", -1))
        for row in (
            (f"{side}Arm", "Spine2", (18 * s, 12, 0)), (f"{side}ForeArm", f"{side}Arm", (28 * s, 0, 0)),
            (f"{side}Hand", f"{side}ForeArm", (26 * s, 0, 0)), (f"{side}UpLeg", "Hips", (9 * s, 0, 0)),
            (f"{side}Leg", f"{side}UpLeg", (0, -43, 0)), (f"{side}Foot", f"{side}Leg", (0, -43, 0)),
            (f"{side}ToeBase", f"{side}Foot", (0, -5, 13)),
        )
    ),
)  # fmt: skip


def bvh_text(
    turns: dict[str, tuple[float, float, float]] | None = None,
    frames: int = 3,
    *,
    order: str = "ZXY",
    z_up: bool = False,
    scale: float = 1.0,
    rename: dict[str, str] | None = None,
    travel: float = 0.0,
    rate: float = 30.0,
) -> str:
    """The file's text.

    Args:
        turns: joint -> degrees about x, y, z of the file's own axes, applied in `order`; constant over the frames.
        travel: cm a frame, forward.
        z_up: turn the whole file so that z points up and the person faces -y.
    """
    turns, rename = turns or {}, rename or {}
    axes = np.array([[1.0, 0, 0], [0, 0, -1.0], [0, 1.0, 0]]) if z_up else np.eye(3)
    lines, row = ["HIERARCHY"], []

    def write(name: str, depth: int) -> None:
        _, parent, offset = next(j for j in JOINTS if j[0] == name)
        pad = "  " * depth
        place = (axes @ np.array(offset, dtype=float)) * scale
        lines.append(f"{pad}{'JOINT' if parent else 'ROOT'} {rename.get(name, name)}")
        lines.append(f"{pad}{{")
        lines.append(f"{pad}  OFFSET {place[0]:.6f} {place[1]:.6f} {place[2]:.6f}")
        shifts = "" if parent else "Xposition Yposition Zposition "
        lines.append(f"{pad}  CHANNELS {3 if parent else 6} {shifts}{' '.join(f'{a}rotation' for a in order)}")
        row.append(name)
        children = [j[0] for j in JOINTS if j[1] == name]
        for child in children:
            write(child, depth + 1)
        if not children:
            tip = (axes @ np.array([0.0, 0.0, 5.0])) * scale
            end = f"OFFSET {tip[0]:.6f} {tip[1]:.6f} {tip[2]:.6f}"
            lines.append(f"{pad}  End Site\n{pad}  {{\n{pad}    {end}\n{pad}  }}")
        lines.append(f"{pad}}}")

    write("Hips", 0)
    lines += ["MOTION", f"Frames: {frames}", f"Frame Time: {1.0 / rate:.8f}"]
    for t in range(frames):
        place = axes @ np.array([0.0, 91.0, travel * t]) * scale
        words = [f"{v:.6f}" for v in place]
        for name in row:
            angles = dict(zip("XYZ", turns.get(name, (0.0, 0.0, 0.0)), strict=True))
            if z_up:  # the same turn about the turned axes: x stays, y becomes z, z becomes -y
                angles = {"X": angles["X"], "Y": -angles["Z"], "Z": angles["Y"]}
            words += [f"{angles[a]:.6f}" for a in order]
        lines.append(" ".join(words))
    return "\n".join(lines) + "\n"
