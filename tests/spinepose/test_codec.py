"""SimCC: round trips, published widths, masks, flip test."""

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="torch is not installed")

from synthgen.keypoints import spinetrack  # noqa: E402
from synthgen.spinepose import codec  # noqa: E402

SIZE = (192, 256)


@pytest.fixture
def points():
    rng = np.random.default_rng(0)
    return torch.tensor(rng.uniform([0, 0], [191, 255], (4, 37, 2)))


def test_published_widths():
    assert codec.simcc_sigma((192, 256)) == (4.9, 5.66)
    assert codec.simcc_sigma((288, 384)) == (6.0, 6.93)


def test_decode_undoes_encode_to_a_quarter_pixel(points):
    labels = codec.encode(points, torch.ones(4, 37), SIZE)
    assert labels.x.shape == (4, 37, 384) and labels.y.shape == (4, 37, 512)
    found, scores = codec.decode(labels.x, labels.y)
    assert np.abs(found - points.numpy()).max() <= 0.25 + 1e-6
    np.testing.assert_allclose(scores, 1)


def test_half_pixels_are_kept_exactly():
    points = torch.arange(0, 180).repeat(2, 1).T[None] / 2.0
    found, _ = codec.decode(*codec.encode(points, torch.ones(1, 180), SIZE)[:2])
    np.testing.assert_array_equal(found, points.numpy())


@pytest.mark.parametrize("point, weight", [
    ((-7.0, 50), 1), ((-7.6, 50), 0), ((199.0, 50), 1), ((200.5, 50), 0), ((50, -8.2), 1), ((50, -9.0), 0),
    ((float("nan"), 5), 0),
])  # fmt: skip
def test_points_whose_window_leaves_the_input_weigh_nothing(point, weight):
    labels = codec.encode(torch.tensor([[point]]), torch.ones(1, 1), SIZE)
    assert labels.weights.item() == weight
    assert torch.isfinite(labels.x).all() and torch.isfinite(labels.y).all()


def test_the_mean_of_a_distribution_is_its_place_and_has_a_gradient(points):
    logits = (codec.encode(points, torch.ones(4, 37), SIZE).x * 10).requires_grad_()
    mean = codec.expectation(logits.softmax(-1))
    inside = (points[..., 0] > 8) & (points[..., 0] < 183)
    assert (mean.detach() - points[..., 0]).abs()[inside].max() < 1.5  # the floor of the softmax pulls a little
    mean.sum().backward()
    assert logits.grad.abs().sum() > 0


def test_flip_test_of_mirrored_labels_changes_nothing(points):
    flip = spinetrack().flip
    labels = codec.encode(points, torch.ones(4, 37), SIZE)
    mirrored = points[:, list(flip)].clone()
    mirrored[..., 0] = SIZE[0] - 1 - mirrored[..., 0]
    twin = codec.encode(mirrored, torch.ones(4, 37), SIZE)
    found, scores = codec.decode(*codec.average_flipped(labels[:2], twin[:2], flip))
    expected, _ = codec.decode(*labels[:2])
    assert np.abs(found - expected).max() <= 0.5  # rounding half up is not symmetric
    assert np.abs(found - expected).mean() < 0.02
    assert scores.min() > 0.98


def test_plain_reversal_would_be_half_a_pixel_off(points):
    """The negative of the law above: why `unflip` shifts by a bin."""
    x = codec.encode(points, torch.ones(4, 37), SIZE).x
    mirrored = points.clone()
    mirrored[..., 0] = SIZE[0] - 1 - mirrored[..., 0]
    plain = codec.encode(mirrored, torch.ones(4, 37), SIZE).x.flip(-1)
    assert ((plain.argmax(-1) - x.argmax(-1)).abs() >= 1).float().mean() > 0.9


def test_refine_finds_the_middle_of_a_ragged_peak():
    ragged = np.zeros((1, 1, 200), np.float32)
    ragged[..., 90:111] = 0.5
    ragged[..., 91] = ragged[..., 110] = 0.6
    assert codec.decode(ragged, ragged)[0][0, 0, 0] == 45.5
    assert codec.refine(ragged, 5.0).argmax() == pytest.approx(100, abs=1)
