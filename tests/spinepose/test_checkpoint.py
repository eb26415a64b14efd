"""Checkpoints: round trips, RTMPose files of mmpose, keypoints by name, refusals, and no code run from a file."""

import os
import pickle

import pytest

torch = pytest.importorskip("torch", reason="torch is not installed")

from biomech.errors import AssetError  # noqa: E402
from synthgen.keypoints import spinetrack  # noqa: E402
from synthgen.spinepose.checkpoint import (  # noqa: E402
    initialise,
    keypoint_names,
    load_checkpoint,
    load_training,
    save_checkpoint,
)
from synthgen.spinepose.errors import CheckpointError  # noqa: E402
from synthgen.spinepose.model import build_model  # noqa: E402

NAMES = spinetrack().names
SIZE = (96, 128)


@pytest.fixture
def model():
    torch.manual_seed(0)
    return build_model("t", 37, SIZE).eval()


def same(one, two):
    a, b = one.state_dict(), two.state_dict()
    return a.keys() == b.keys() and all(torch.equal(a[k], b[k]) for k in a)


def mmpose_file(path, count, **more):
    """A file as mmpose writes it: weights under `state_dict`, classes of its own beside them."""
    torch.manual_seed(count)
    source = build_model("t", count, SIZE)
    state = dict(source.state_dict())
    torch.save({"meta": {"epoch": 3}, "state_dict": state} | more, path)
    return source


def test_round_trip(model, tmp_path):
    meta = {"config": {"lr": 1e-3}, "digests": ["a", "b"], "step": 12, "best": {"spine": 0.5}}
    save_checkpoint(tmp_path / "a.pt", model, meta=meta)
    again, found = load_checkpoint(tmp_path / "a.pt", expect=NAMES)
    assert same(model, again) and not again.training
    assert (again.arch, again.keypoints, again.input_size) == ("t", 37, SIZE)
    assert found["keypoint_names"] == list(NAMES) and found["sigmas"] == [float(s) for s in spinetrack().sigmas]
    assert {k: found[k] for k in meta} == meta and found["arch"] == "t"
    assert [p.name for p in tmp_path.iterdir()] == ["a.pt"]


def test_equal_models_make_equal_files(model, tmp_path):
    for name in ("a.pt", "b.pt"):
        save_checkpoint(tmp_path / name, model, meta={"step": 1})
    assert (tmp_path / "a.pt").read_bytes() == (tmp_path / "b.pt").read_bytes()


def test_training_state_comes_back(model, tmp_path):
    optimiser = torch.optim.AdamW(model.parameters(), lr=1e-3)
    model(torch.rand(2, 3, 128, 96)).simcc_x.sum().backward()
    optimiser.step()
    training = {"optimiser": optimiser.state_dict(), "generator": torch.get_rng_state(), "numpy": {"state": 2**100}}
    save_checkpoint(tmp_path / "a.pt", model, meta={}, training=training)
    found = load_training(tmp_path / "a.pt")
    assert found["numpy"] == {"state": 2**100} and torch.equal(found["generator"], training["generator"])
    again = torch.optim.AdamW(model.parameters(), lr=1e-3)
    again.load_state_dict(found["optimiser"])
    assert torch.equal(again.state_dict()["state"][0]["exp_avg"], optimiser.state_dict()["state"][0]["exp_avg"])
    save_checkpoint(tmp_path / "b.pt", model, meta={})
    with pytest.raises(CheckpointError, match="no training state"):
        load_training(tmp_path / "b.pt")


def test_half_precision_halves_the_file_and_hardly_moves_the_answer(model, tmp_path):
    save_checkpoint(tmp_path / "full.pt", model, meta={})
    save_checkpoint(tmp_path / "half.pt", model, meta={}, half=True)
    full, half = ((tmp_path / n).stat().st_size for n in ("full.pt", "half.pt"))
    assert half < 0.6 * full
    again, _ = load_checkpoint(tmp_path / "half.pt")
    images = torch.rand(1, 3, 128, 96) * 255
    with torch.inference_mode():
        torch.testing.assert_close(again(images).simcc_x, model(images).simcc_x, atol=2e-2, rtol=2e-2)


def test_the_branch_travels(tmp_path):
    net = build_model("t", 37, SIZE, heatmaps=True)
    save_checkpoint(tmp_path / "a.pt", net, meta={})
    assert same(net, load_checkpoint(tmp_path / "a.pt")[0])


def test_blazepose_trunks_travel_inside_or_stay_in_the_pack(tmp_path):
    try:
        net = build_model("blaze-lite", 37, SIZE)
    except AssetError as error:
        pytest.skip(str(error))
    save_checkpoint(tmp_path / "in.pt", net, meta={})
    save_checkpoint(tmp_path / "out.pt", net, meta={}, trunk_inside=False)
    assert (tmp_path / "out.pt").stat().st_size < 0.5 * (tmp_path / "in.pt").stat().st_size
    (tmp_path / "empty").mkdir()
    assert same(net, load_checkpoint(tmp_path / "in.pt", pack=tmp_path / "empty")[0])  # needs no pack
    assert same(net, load_checkpoint(tmp_path / "out.pt")[0])
    with pytest.raises(AssetError, match="install blazepose"):
        load_checkpoint(tmp_path / "out.pt", pack=tmp_path / "empty")
    with torch.no_grad():
        net.trunk_parameters()[0].add_(1)
    with pytest.raises(CheckpointError, match="has been trained"):
        save_checkpoint(tmp_path / "no.pt", net, meta={}, trunk_inside=False)


@pytest.mark.parametrize("count", [17, 26, 133])
def test_mmpose_files_load_and_start_a_spine_model(count, tmp_path):
    source = mmpose_file(tmp_path / "rtm.pth", count)
    loaded, meta = load_checkpoint(tmp_path / "rtm.pth")
    assert same(source, loaded) and loaded.input_size == SIZE and len(meta["keypoint_names"]) == count
    torch.manual_seed(9)
    student = build_model("t", 37, SIZE)
    fresh = student.head.final_layer.weight.detach().clone()
    shared = initialise(student, NAMES, tmp_path / "rtm.pth")
    assert len(shared) == {17: 17, 26: 26, 133: 23}[count]
    for row, name in enumerate(NAMES):
        theirs = source.head.final_layer.weight[meta["keypoint_names"].index(name)] if name in shared else fresh[row]
        assert torch.equal(student.head.final_layer.weight[row], theirs), name
    assert torch.equal(student.backbone.stem[0].conv.weight, source.backbone.stem[0].conv.weight)
    assert torch.equal(student.head.cls_x.weight, source.head.cls_x.weight)


def test_whole_body_feet_are_found_by_name_not_by_place():
    names = keypoint_names(133)
    assert names[17:23] == (
        "left_big_toe",
        "left_small_toe",
        "left_heel",
        "right_big_toe",
        "right_small_toe",
        "right_heel",
    )
    assert names.index("right_big_toe") != NAMES.index("right_big_toe")


def test_prefixes_and_averaged_weights_of_mmpose(tmp_path):
    source = mmpose_file(tmp_path / "plain.pth", 26)
    averaged = {f"module.{k}": v + 1 if v.is_floating_point() else v for k, v in source.state_dict().items()}
    mmpose_file(tmp_path / "ema.pth", 26, ema_state_dict=averaged | {"steps": torch.tensor(5)})
    loaded, _ = load_checkpoint(tmp_path / "ema.pth")
    torch.testing.assert_close(loaded.head.cls_x.weight, source.head.cls_x.weight + 1)


class Danger:
    """Runs a command when unpickled by an ordinary reader."""

    def __init__(self, path):
        self.path = str(path)

    def __reduce__(self):
        return os.system, (f"touch {self.path}",)


def test_foreign_classes_are_neither_needed_nor_run(tmp_path):
    source = mmpose_file(tmp_path / "rtm.pth", 17, message_hub=Danger(tmp_path / "ran"))
    loaded, _ = load_checkpoint(tmp_path / "rtm.pth")
    assert same(source, loaded) and not (tmp_path / "ran").exists()
    pickle.loads(pickle.dumps(Danger(tmp_path / "ran")))  # the danger is real
    assert (tmp_path / "ran").exists()


def test_refusals(model, tmp_path):
    path = tmp_path / "a.pt"
    save_checkpoint(path, model, meta={})
    with pytest.raises(CheckpointError, match=r"37 keypoints of another schema than the 17 asked for \(head"):
        load_checkpoint(path, expect=NAMES[:17])
    with pytest.raises(CheckpointError, match="the order differs"):
        load_checkpoint(path, expect=NAMES[::-1])
    with pytest.raises(CheckpointError, match="must name each"):
        save_checkpoint(tmp_path / "b.pt", build_model("t", 5, SIZE), meta={})
    with pytest.raises(CheckpointError, match="there is no checkpoint"):
        load_checkpoint(tmp_path / "none.pt")
    path.write_bytes(path.read_bytes()[:5000])
    with pytest.raises(CheckpointError, match="not a checkpoint, or was cut off"):
        load_checkpoint(path)
    for content, message in (
        ([1, 2], "holds a list"),
        ({"a": 1}, "neither a checkpoint of synthgen nor an RTMPose"),
        ({"format": "synthgen-spinepose/1", "arch": "t"}, "damaged or was written by another version"),
    ):
        torch.save(content, path)
        with pytest.raises(CheckpointError, match=message):
            load_checkpoint(path)


def test_a_start_from_another_architecture_or_schema_is_refused(model, tmp_path):
    save_checkpoint(tmp_path / "a.pt", model, meta={})
    with pytest.raises(CheckpointError, match="the same architecture and input size"):
        initialise(build_model("t", 37, (192, 256)), NAMES, tmp_path / "a.pt")
    with pytest.raises(CheckpointError, match="knows none of the model's keypoints"):
        initialise(build_model("t", 1, SIZE), ["tail"], tmp_path / "a.pt")


def test_other_heads_of_mmpose_are_refused(tmp_path):
    source = mmpose_file(tmp_path / "rtm.pth", 17)
    torch.save(
        {"state_dict": {k: v for k, v in source.state_dict().items() if ".gau." not in k}}, tmp_path / "no_gau.pth"
    )
    with pytest.raises(CheckpointError, match="not an RTMPose with SimCC head"):
        load_checkpoint(tmp_path / "no_gau.pth")
    mmpose_file(tmp_path / "odd.pth", 21)
    with pytest.raises(CheckpointError, match="21 keypoints is of no known schema"):
        load_checkpoint(tmp_path / "odd.pth")
