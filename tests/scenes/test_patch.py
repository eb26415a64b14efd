"""Smoothing on a patch of the skin against smoothing all of it."""

import numpy as np
import pytest

from scenes.catalogue import Catalogue
from scenes.patch import flatten, smooth_over

CUTS = ("longsleeve", "hoodie", "trousers", "scalp")


@pytest.fixture(scope="module")
def atlas(body):
    return Catalogue(None, body).atlas


@pytest.mark.parametrize("cut", CUTS)
def test_a_patch_smooths_as_the_whole_skin_does(atlas, cut):
    rough = atlas.template + 0.003 * np.random.default_rng(0).normal(size=atlas.template.shape)
    patch, worn = atlas.patch(cut), atlas.vertex_field(cut) > -0.002
    assert worn[patch.vertices].sum() == worn.sum()
    here = worn[patch.vertices]
    once = smooth_over(rough[patch.vertices], patch.neighbours, 17)[here]
    assert np.array_equal(once, smooth_over(rough, atlas.neighbours, 17)[worn])
    flat = flatten(rough[patch.vertices], patch.neighbours, 24)[here]
    assert np.abs(flat - flatten(rough, atlas.neighbours, 24)[worn]).max() < 1e-9


def test_a_patch_of_two_cuts_holds_both_and_few_are_kept(atlas):
    both = atlas.patch("tank", "longsleeve")
    assert set(atlas.patch("tank").vertices) | set(atlas.patch("longsleeve").vertices) <= set(both.vertices)
    for cut in ("tee", "tank", "racer", "crop", "vneck", "scoop", "elbow", "hoodie", "tunic", "muscle", "halter"):
        atlas.patch(cut), atlas.patch(cut, "longsleeve")
    assert len(atlas._patches) <= 16
