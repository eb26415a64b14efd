"""Skin tones: even from light to dark, never orange."""

import numpy as np
import pytest

from scenes.tones import RANGES, draw_tone, lab_of, mean_tone, skin_at, srgb_of, to_linear, toned


def test_lab_and_back():
    for color in ((0.2, 0.4, 0.6), (0.9, 0.7, 0.55), (0.0, 0.0, 0.0), (1.0, 1.0, 1.0)):
        np.testing.assert_allclose(srgb_of(lab_of(color)), color, atol=2e-4)
    np.testing.assert_allclose(lab_of((1.0, 1.0, 1.0)), [100, 0, 0], atol=0.02)


def test_tones_are_spread_evenly():
    rng = np.random.default_rng(0)
    origins = list(RANGES)
    lightness = [lab_of(draw_tone(rng, {origins[k % 3]: 1.0}, 0.06))[0] for k in range(1500)]
    share = np.histogram(lightness, np.linspace(27, 77, 6))[0] / len(lightness)
    assert share.min() > 0.12 and share.max() < 0.30, share


def test_no_tone_is_orange():
    rng = np.random.default_rng(1)
    for _ in range(300):
        _, a, b = lab_of(draw_tone(rng, dict(zip(RANGES, rng.dirichlet([0.5] * 3), strict=True)), 0.06))
        hue, chroma = np.degrees(np.arctan2(b, a)), np.hypot(a, b)
        assert 38 < hue < 72 and 8 < chroma < 27


def test_a_mixed_person_lies_between():
    pure = [lab_of(draw_tone(np.random.default_rng(5), {name: 1.0}, 0.0))[0] for name in ("african", "caucasian")]
    mixed = lab_of(draw_tone(np.random.default_rng(5), {"african": 0.5, "caucasian": 0.5}, 0.0))[0]
    assert pure[0] < mixed < pure[1]


@pytest.mark.parametrize("lightness", [32.0, 50.0, 70.0])
def test_a_picture_takes_the_tone_and_keeps_its_detail(lightness):
    rng = np.random.default_rng(2)
    picture = np.clip(rng.normal([190, 120, 70], [20, 16, 12], (64, 64, 3)), 0, 255).astype(np.uint8)
    mask, wanted = np.ones((64, 64), bool), skin_at(lightness)
    out = toned(picture, mean_tone(picture, mask), wanted)
    np.testing.assert_allclose(mean_tone(out, mask), wanted, atol=0.02)
    before, after = (to_linear(p[..., 1] / 255.0).ravel() for p in (picture, out))
    assert np.corrcoef(before, after)[0, 1] > 0.85
