"""BlazePose in torch against LiteRT: on a rendered person (figures kept) and, where it is installed, live."""

import os
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
import spinepose_material

torch = pytest.importorskip("torch", reason="torch is not installed")

from biomech.errors import AssetError  # noqa: E402
from synthgen.spinepose.bake_blazepose import bake_blazepose, read_tflite  # noqa: E402
from synthgen.spinepose.blazepose import (  # noqa: E402
    SIZES,
    BlazePose,
    BlazeTrunk,
    Graph,
    GraphModule,
    blazepose_pack,
    load_graph,
)

sys.path.insert(0, str(Path(__file__).parent))
from make_blazepose_reference import DETECTION, OUT, run, thin  # noqa: E402


@pytest.fixture(scope="module")
def pack():
    try:
        return blazepose_pack()
    except AssetError as error:
        pytest.skip(str(error))


@pytest.fixture(scope="module")
def reference():
    with np.load(OUT) as held:
        return dict(held)


def tensor(image):
    return torch.from_numpy(np.ascontiguousarray(image)).permute(2, 0, 1)[None].float()


@pytest.mark.parametrize("size", SIZES)
def test_landmarks_and_heatmaps_as_litert_gave_them(pack, reference, size):
    net = BlazePose(load_graph(size, pack)).eval()
    with torch.inference_mode():
        found = net(tensor(reference["image"]).repeat(2, 1, 1, 1) / 255)
    truth = reference[f"{size}_landmarks"]
    for row in range(2):  # a batch is many pictures, not one
        assert np.abs(found.points[row, :, :2].numpy() - truth[:, :2]).max() < 1e-2  # px
        assert np.abs(found.visibility[row].numpy() - truth[:, 3]).max() < 1e-2
        assert np.abs(thin(found.heatmaps[row].numpy()) - reference[f"{size}_heatmaps"]).max() < 1e-3
        assert found.person[row].item() == pytest.approx(reference[f"{size}_person"].item(), abs=1e-4)
    assert found.person[0] > 0.9


def test_the_detector_as_litert_gave_it(pack, reference):
    graph = load_graph("pose_detection", pack)
    net = GraphModule(graph, (graph.plan["outputs"]["boxes"], graph.plan["outputs"]["scores"])).eval()
    with torch.inference_mode():
        boxes, scores = net(tensor(cv2.resize(reference["image"], (224, 224)) / 127.5 - 1))
    assert np.abs(boxes[0, ::7].numpy() - reference["boxes"]).max() < 1e-2
    assert np.abs(scores[0, ::7].numpy() - reference["scores"]).max() < 1e-2


def test_against_litert_itself(reference, tmp_path):
    pytest.importorskip("ai_edge_litert", reason="ai-edge-litert is not installed")
    pytest.importorskip("tflite", reason="tflite is not installed")
    package = spinepose_material.blazepose_package()
    photos = Path(os.environ.get("SYNTHGEN_TEST_DATA", Path(__file__).parents[3] / "shared" / "data")) / "photos"
    pictures = [reference["image"]]  # photographs too, where there are any
    pictures += [cv2.resize(cv2.imread(str(p))[..., ::-1], (256, 256)) for p in sorted(photos.glob("*.jpg"))]
    bake_blazepose(package, tmp_path)
    for size in SIZES:
        net = BlazePose(load_graph(size, tmp_path)).eval()
        for image in pictures:
            truth = run(package / f"pose_landmark_{size}.tflite", image / 255)
            with torch.inference_mode():
                found = net(tensor(image) / 255)
            assert np.abs(found.points[0, :, :2].numpy() - truth[(195,)].reshape(39, 5)[:, :2]).max() < 1e-2
            maps = truth[64, 64, 39].transpose(2, 0, 1)  # logits, down to -100 and beyond
            np.testing.assert_allclose(found.heatmaps[0].numpy(), maps, atol=1e-3, rtol=1e-4)
    assert (package / DETECTION).is_file()


@pytest.mark.parametrize("size", ["lite", "full"])
def test_the_trunk_runs_at_other_sizes_and_builds_from_its_plan(pack, size):
    graph = load_graph(size, pack)
    trunk = BlazeTrunk(graph).eval()
    again = BlazeTrunk(Graph(graph.plan, {})).eval()
    assert all((p == 0).all() for p in again.parameters())
    again.load_state_dict(trunk.state_dict())
    picture = torch.rand(1, 3, 256, 192)
    with torch.inference_mode():
        maps, same = trunk(picture), again(picture)
    assert [tuple(m.shape[1:]) for m in maps] == [
        (trunk.channels[0], 64, 48), (trunk.channels[1], 16, 12), (trunk.channels[2], 8, 6)
    ]  # fmt: skip
    for one, other in zip(maps, same, strict=True):
        assert torch.equal(one, other)


def test_strangers_are_refused(tmp_path):
    pytest.importorskip("tflite", reason="tflite is not installed")
    (tmp_path / "x.tflite").write_bytes(b"\x00" * 64)
    with pytest.raises(AssetError, match="not one of BlazePose's networks"):
        read_tflite(tmp_path / "x.tflite")
    with pytest.raises(AssetError, match=r"holds no pose_landmark_lite\.tflite"):
        bake_blazepose(tmp_path, tmp_path)
    (tmp_path / "pose_landmark_full.npz").write_bytes(b"PK\x03\x04 nonsense")
    with pytest.raises(AssetError, match="not a converted BlazePose network"):
        load_graph("full", tmp_path)
    with pytest.raises(AssetError, match="install blazepose"):
        load_graph("heavy", tmp_path)
