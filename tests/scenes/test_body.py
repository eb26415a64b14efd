"""The baked body: its shape parameters, and agreement with Anny itself."""

import numpy as np
import pytest

from biomech.errors import AssetError
from scenes.body import Phenotype, load_body, shape_coefficients, solve_stature, stature


def test_missing_bake_says_how_to_make_it(tmp_path):
    with pytest.raises(AssetError, match="synthgen assets install body"):
        load_body(tmp_path)


@pytest.mark.parametrize(("sex", "target"), [(0.0, 1.75), (1.0, 1.52), (0.0, 1.92)])
def test_stature_is_what_was_asked(body, sex, target):
    phenotype = solve_stature(body, Phenotype(sex=sex), target)
    assert stature(body.rest_vertices(shape_coefficients(body, phenotype))) == pytest.approx(target, abs=1e-4)


def test_impossible_stature_is_clamped_to_the_body(body):
    phenotype = solve_stature(body, Phenotype(), 3.0)
    assert phenotype.height == 1.0


def test_axes_are_forward_up_right(body):
    heads = dict(zip(body.bone_names, body.bone_heads, strict=True))
    assert heads["eye.L"][0] > heads["head"][0]  # eyes in front
    assert heads["head"][1] > heads["neck01"][1] > heads["upperleg01.L"][1]
    assert heads["wrist.R"][2] > 0.3 > -0.3 > heads["wrist.L"][2]


def test_weights_are_a_partition_of_unity(body):
    np.testing.assert_allclose(np.asarray(body.weights.sum(1)), 1.0, atol=1e-5)


def test_agrees_with_anny(body):
    """Outside reference: Anny's own torch model, where the bake extra is installed and its cache is warm."""
    pytest.importorskip("anny", reason="the extra [bake] is not installed")
    import os

    if "ANNY_CACHE_DIR" not in os.environ:
        pytest.skip("set ANNY_CACHE_DIR to a warm cache; building it takes minutes (the bake itself compares too)")
    import anny
    import torch

    from scenes.bake_anny import OURS_FROM_ANNY

    model = anny.Anny(topology="makehuman-full", phenotypes="all")
    for phenotype in (Phenotype(sex=0.3, age=0.95, weight=0.9, asian=1.0), Phenotype(sex=1.0, age=0.4, muscle=0.9)):
        with torch.no_grad():
            output = model(
                phenotype_kwargs={k: torch.tensor([v]) for k, v in phenotype.as_anny().items()},
                pose_parameters=torch.eye(4, dtype=model.dtype).repeat(1, model.bone_count, 1, 1),
            )
        theirs = output["rest_vertices"][0].numpy() @ OURS_FROM_ANNY.T
        np.testing.assert_allclose(body.rest_vertices(shape_coefficients(body, phenotype)), theirs, atol=1e-4)
        heads = output["rest_bone_heads"][0].numpy() @ OURS_FROM_ANNY.T
        np.testing.assert_allclose(body.rest_bone_heads(shape_coefficients(body, phenotype)), heads, atol=1e-4)
