"""The models: published parameter counts, shapes, gradients, decoding, refusals."""

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="torch is not installed")

from biomech.errors import AssetError  # noqa: E402
from synthgen.spinepose import codec  # noqa: E402
from synthgen.spinepose.errors import SpinePoseError  # noqa: E402
from synthgen.spinepose.heatmap import TARGET_SIGMA, Marginals, cells  # noqa: E402
from synthgen.spinepose.model import ARCHITECTURES, build_model, parameter_count  # noqa: E402

# Millions of parameters as published: RTMPose with Halpe's 26 points, SpinePose with 37. The tiny SpinePose was never
# published; its figure follows from the same architecture.
PUBLISHED = {"t": (3.51, 3.71), "s": (5.70, 5.98), "m": (13.93, 14.34), "l": (28.11, 28.66), "x": (50.00, 50.69)}


def blaze(arch="blaze-lite", **given):
    try:
        return build_model(arch, **given)
    except AssetError as error:
        pytest.skip(str(error))


@pytest.mark.parametrize("arch", PUBLISHED)
def test_parameter_counts_equal_the_published_ones(arch):
    with torch.device("meta"):  # the shapes alone: no memory, no drawing of numbers
        counts = [parameter_count(build_model(arch, k)) for k in (26, 37)]
        with_branch = parameter_count(build_model(arch, 37, heatmaps=True))
    # Cut or rounded to two digits: 5.975 million is published as 5.98, 5.6987 as 5.70.
    assert [round(n / 1e6, 2) for n in counts] == pytest.approx(PUBLISHED[arch], abs=0.0051)
    assert with_branch == counts[1]


@pytest.mark.parametrize("size", [(192, 256), (96, 128)])
def test_shapes_and_gradients(size):
    torch.manual_seed(0)
    net = build_model("t", 37, size, heatmaps=True)
    images = torch.rand(2, 3, size[1], size[0]) * 255
    out = net(images)
    assert out.simcc_x.shape == (2, 37, 2 * size[0]) and out.simcc_y.shape == (2, 37, 2 * size[1])
    assert out.heatmaps.shape == (2, 37, size[1] // 4, size[0] // 4) and not out.decoded
    (out.simcc_x.square().mean() + out.simcc_y.square().mean() + out.heatmaps.square().mean()).backward()
    assert all(p.grad is not None and torch.isfinite(p.grad).all() for p in net.parameters())
    with torch.inference_mode():
        assert net.eval()(images).heatmaps is None


def test_a_picture_does_not_depend_on_its_batch():
    torch.manual_seed(0)
    net = build_model("t", 37, (96, 128)).eval()
    images = torch.rand(3, 3, 128, 96) * 255
    with torch.inference_mode():
        together, alone = net(images).simcc_x[1], net(images[1:2]).simcc_x[0]
    torch.testing.assert_close(together, alone, rtol=1e-4, atol=1e-4)


def test_marginals_of_the_taught_heatmap_peak_at_one_in_the_right_place():
    size = (192, 256)
    points = torch.tensor(np.random.default_rng(1).uniform([12, 12], [179, 243], (1, 37, 2)), dtype=torch.float32)
    place = cells(points)
    y, x = torch.meshgrid(torch.arange(64.0), torch.arange(48.0), indexing="ij")
    taught = -((x - place[..., 0, None, None]) ** 2 + (y - place[..., 1, None, None]) ** 2) / (2 * TARGET_SIGMA**2)
    simcc_x, simcc_y = Marginals(size)(taught)
    assert simcc_x.shape == (1, 37, 384) and simcc_y.shape == (1, 37, 512)
    found, scores = codec.decode(simcc_x, simcc_y)
    assert np.abs(found - points.numpy()).max() <= 0.3
    assert scores.min() > 0.97 and scores.max() < 1.03
    with torch.autocast("cpu", torch.bfloat16):
        assert np.array_equal(codec.decode(*Marginals(size)(taught))[0], found)
    unsure, _ = Marginals(size)(taught / 100)
    assert unsure.amax(-1).max() < 0.3  # a smear scores low


def test_the_head_on_blazepose_learns_and_the_frozen_trunk_does_not():
    net = blaze(keypoints=37, input_size=(96, 128))
    out = net(torch.rand(2, 3, 128, 96) * 255)
    assert out.decoded and out.heatmaps.shape == (2, 37, 32, 24) and out.simcc_y.shape == (2, 37, 256)
    net.freeze_trunk()
    assert not any(p.requires_grad for p in net.trunk_parameters())
    net.freeze_trunk(8)
    learning = [p for p in net.trunk_parameters() if p.requires_grad]
    assert 0 < len(learning) < len(net.trunk_parameters())
    net(torch.rand(2, 3, 128, 96) * 255).simcc_x.sum().backward()
    assert {p.grad is not None for p in learning} == {True}
    assert all(p.grad is None for p in net.trunk_parameters() if not p.requires_grad)
    assert all(p.requires_grad for p in net.head.parameters())


def test_rtmpose_freezes_by_stride():
    net = build_model("t", 37, (96, 128))
    net.freeze_trunk(16)
    learning = {n.split(".")[1] for n, p in net.named_parameters() if n.startswith("backbone") and p.requires_grad}
    assert learning == {"stage3", "stage4"}


@pytest.mark.parametrize("given, message", [
    ({"arch": "xl"}, "no architecture is called 'xl'; there are: t, s"),
    ({"arch": "t", "input_size": (190, 256)}, "multiples of 32"),
    ({"arch": "t", "keypoints": 0}, "at least one keypoint"),
])  # fmt: skip
def test_refusals(given, message):
    with pytest.raises(SpinePoseError, match=message):
        build_model(**given)


def test_a_missing_pack_is_said(tmp_path):
    with pytest.raises(AssetError, match="synthgen assets install blazepose"):
        build_model("blaze-full", trunk=tmp_path)
    assert "blaze-full" in ARCHITECTURES


@pytest.mark.parametrize("size", [(64, 64), (32, 128), (96, 96)])
def test_gradients_in_bfloat16_depend_on_no_stray_memory(size):
    """torch's own gradient of the head's wide kernel over few cells did: now and then a first step came out as NaN."""
    torch.manual_seed(0)
    model = build_model("t", 37, size).train()
    images = torch.randint(0, 256, (4, 3, size[1], size[0])).float()
    found = []
    for _ in range(3):
        model.zero_grad(set_to_none=True)
        counts = (100, 1000, 10_000, 50_000, 200_000, 500_000)  # what is freed here is handed out again below
        held = [torch.full((n,), float("nan"), dtype=torch.bfloat16) for n in counts for _ in range(6)]
        del held
        with torch.autocast("cpu", torch.bfloat16):
            outputs = model(images)
        (outputs.simcc_x.float().square().mean() + outputs.simcc_y.float().square().mean()).backward()
        found.append([p.grad.clone() for p in model.parameters()])
    for first, *others in zip(*found, strict=True):
        assert torch.isfinite(first).all() and all(torch.equal(first, other) for other in others)
