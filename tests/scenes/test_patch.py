"""Smoothing on a patch of the skin against smoothing all of it."""

import numpy as np
import pytest

from scenes.catalogue import Catalogue
from scenes.patch import PAST_HEM, flatten, smooth_over

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


@pytest.mark.parametrize("cut", CUTS)
def test_a_patch_holds_what_hangs_past_a_hem_and_averages_to_its_rim(atlas, cut):
    """Six rounds smooth what hangs; at the rim a vertex has fewer neighbours, and still the mean of those it has."""
    patch, hangs = atlas.patch(cut), atlas.vertex_field(cut) > -PAST_HEM
    assert hangs[patch.vertices].sum() == hangs.sum()
    moved = np.random.default_rng(1).normal(size=atlas.template.shape)
    found = smooth_over(moved[patch.vertices], patch.neighbours, 6)[hangs[patch.vertices]]
    np.testing.assert_array_equal(found, smooth_over(moved, atlas.neighbours, 6)[hangs])
    assert len(patch.vertices) < len(atlas.template)
    np.testing.assert_allclose(patch.neighbours.sum(1), 1.0, atol=1e-12)


def test_a_patch_of_two_cuts_holds_both_and_few_are_kept(atlas):
    both = atlas.patch("tank", "longsleeve")
    assert set(atlas.patch("tank").vertices) | set(atlas.patch("longsleeve").vertices) <= set(both.vertices)
    for cut in ("tee", "tank", "racer", "crop", "vneck", "scoop", "elbow", "hoodie", "tunic", "muscle", "halter"):
        atlas.patch(cut), atlas.patch(cut, "longsleeve")
        assert atlas.patch("tank", "longsleeve") is both  # what is asked for again and again is not made again
    assert len(atlas._patches) <= 16
