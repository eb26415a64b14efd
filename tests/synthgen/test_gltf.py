"""glTF: a reader that is not ours skins the file's own vertices and finds the picture's people, joints and points."""

import json

import numpy as np
import pytest
from real_dataset import real_dataset

from biomech.anatomy import BODIES, VERTEBRAE
from biomech.errors import ConfigError, SynthgenError
from scenes.rig import DRIVERS, skin, skin_transforms
from synthgen.cast import open_assets
from synthgen.dataset import read_dataset
from synthgen.exchange.export import export_dataset
from synthgen.exchange.glb import Glb, placement
from synthgen.exchange.gltf import GLTF_FROM_WORLD
from synthgen.exchange.gltf_skin import fitted, largest_weights, skinned
from synthgen.specs import scene_from_plain
from synthgen.stage import stage

pygltflib = pytest.importorskip("pygltflib", reason="reads the files back: pip install 'synthgen[exchange]'")

TYPES = {5121: np.uint8, 5123: np.uint16, 5125: np.uint32, 5126: np.float32}
WIDTHS = {"SCALAR": 1, "VEC2": 2, "VEC3": 3, "VEC4": 4, "MAT4": 16}


class Reader:
    """A .glb through pygltflib, with glTF's own rules for transforms and skins."""

    def __init__(self, path):
        self.path = path
        self.file = pygltflib.GLTF2().load(str(path))
        self.blob = self.file.binary_blob()
        self.parent = {child: i for i, node in enumerate(self.file.nodes) for child in node.children or ()}

    def array(self, accessor):
        accessor = self.file.accessors[accessor]
        view = self.file.bufferViews[accessor.bufferView]
        start = view.byteOffset + (accessor.byteOffset or 0)
        width = WIDTHS[accessor.type]
        values = np.frombuffer(self.blob, TYPES[accessor.componentType], accessor.count * width, start)
        return values.reshape(accessor.count, width) if width > 1 else values

    def world(self, index):
        node = self.file.nodes[index]
        matrix = np.eye(4)
        if node.rotation:
            x, y, z, w = node.rotation
            matrix[:3, :3] = [
                [1 - 2 * (y * y + z * z), 2 * (x * y - z * w), 2 * (x * z + y * w)],
                [2 * (x * y + z * w), 1 - 2 * (x * x + z * z), 2 * (y * z - x * w)],
                [2 * (x * z - y * w), 2 * (y * z + x * w), 1 - 2 * (x * x + y * y)],
            ]
        matrix[:3, 3] = node.translation or (0, 0, 0)
        return self.world(self.parent[index]) @ matrix if index in self.parent else matrix

    def skinned(self, node):
        """(V, 3) of a skinned mesh node: glTF 2.0, section 3.7.3."""
        skin = self.file.skins[node.skin]
        bind = self.array(skin.inverseBindMatrices).reshape(-1, 4, 4).transpose(0, 2, 1).astype(float)
        joints = np.stack([self.world(j) for j in skin.joints]) @ bind
        primitive = self.file.meshes[node.mesh].primitives[0].attributes
        points = self.array(primitive.POSITION).astype(float)
        out = np.zeros_like(points)
        for which, share in (("JOINTS_0", "WEIGHTS_0"), ("JOINTS_1", "WEIGHTS_1")):
            if getattr(primitive, which, None) is None:
                continue
            indices, weights = self.array(getattr(primitive, which)), self.array(getattr(primitive, share))
            blended = np.einsum("vk,vkij->vij", weights.astype(float), joints[indices, :3])
            out += np.einsum("vij,vj->vi", blended[..., :3], points) + blended[..., 3]
        return out

    def named(self, name):
        return next(i for i, node in enumerate(self.file.nodes) if node.name == name)


@pytest.fixture(scope="module")
def dataset(assets):
    return read_dataset(real_dataset())


@pytest.fixture(scope="module", params=[4, 8])
def exported(request, dataset, tmp_path_factory):
    """Influences, and per picture: reader, spec's actors, camera."""
    out = tmp_path_factory.mktemp("gltf") / "out"
    export_dataset(dataset.root, "gltf", out, indices=[0, 2], influences=request.param)
    opened = open_assets(dataset.config)
    lines = {line["index"]: scene_from_plain(line["spec"]) for line in dataset.scenes()}
    files = {path.stem: Reader(path) for path in sorted(out.rglob("*.glb"))}
    assert sorted(files) == ["000000", "000002"]
    return request.param, [(files[f"{i:06d}"], lines[i], stage(lines[i], opened)) for i in (0, 2)]


def people(reader):
    """Nodes of the skinned meshes of each person in order."""
    groups = {}
    for node in reader.file.nodes:
        if node.skin is not None:
            groups.setdefault(node.skin, []).append(node)
    return [groups[skin] for skin in sorted(groups)]


def test_skinning_the_file_gives_the_pictures_vertices(exported):
    influences, scenes = exported
    for reader, _, actors in scenes:
        report = reader.file.asset.extras["weights_mm"]
        assert len(people(reader)) == len(actors) == len(report)
        for actor, nodes, stated in zip(actors, people(reader), report, strict=True):
            wanted = actor.posed.vertices @ GLTF_FROM_WORLD[:3, :3].T
            person = actor.cast.person
            worst, misses = 0.0, []
            for node, layer, start in zip(nodes, person.layers, person.starts[:-1], strict=True):
                miss = np.linalg.norm(reader.skinned(node) - wanted[start + layer.render_to_welded], axis=1) * 1000
                worst = max(worst, miss.max())
                misses.append(miss)
            assert worst <= stated["max"] + 0.1
            share = np.mean(np.concatenate(misses) < 0.1)
            assert share > {4: 0.85, 8: 0.95}[influences]


def test_joints_are_the_vertebrae_of_the_labels(exported, dataset):
    table = dataset.table()
    for reader, _, actors in exported[1]:
        for actor, nodes in zip(actors, people(reader), strict=True):
            names = [reader.file.nodes[j].name for j in reader.file.skins[nodes[0].skin].joints]
            assert set(VERTEBRAE) | {"pelvis", "sacrum", "skull", "femur_l", "hand_r"} <= set(names)
            assert names[: len(BODIES)] == list(BODIES) and len(set(names)) == len(names) >= len(DRIVERS)
            for body in (*VERTEBRAE, "skull", "hand_l", "toes_r"):
                joint = reader.file.skins[nodes[0].skin].joints[names.index(body)]
                wanted = GLTF_FROM_WORLD @ actor.posed.world_from_body[BODIES.index(body)]
                np.testing.assert_allclose(reader.world(joint), wanted, atol=1e-6)
        main = np.flatnonzero(np.all(np.isclose(table["vertebrae_world"][:, 0], actors[0].posed.world_from_body[
            BODIES.index(VERTEBRAE[0])], atol=1e-5), axis=(1, 2)))  # fmt: skip
        assert len(main) == 1, "the person of the file is the one of the table"


def test_the_files_camera_projects_the_keypoints(exported):
    for reader, spec, actors in exported[1]:
        index = reader.named("camera")
        extras = reader.file.nodes[index].extras
        camera = reader.file.cameras[reader.file.nodes[index].camera].perspective
        k = np.array(extras["intrinsics"])
        assert camera.yfov == pytest.approx(2 * np.arctan(extras["height"] / 2 / k[1, 1]))
        focal = extras["height"] / 2 / np.tan(camera.yfov / 2)
        for position in range(len(actors)):
            about = reader.file.nodes[reader.named(f"person_{position + 1}")].extras["keypoints"]
            points = np.c_[np.array(about["position"]), np.ones(37)] @ np.linalg.inv(reader.world(index)).T
            x = k[0, 2] + focal * points[:, 0] / -points[:, 2]
            y = k[1, 2] + focal * points[:, 1] / points[:, 2]
            front = points[:, 2] < -0.1
            assert front.any()
            if not any(extras["distortion"]):
                stated = np.array(about["pixel"], float)[front]
                np.testing.assert_allclose(np.stack([x, y], 1)[front], stated, atol=0.01)
            assert spec.camera.focal_px == pytest.approx(focal)


def test_pixels_are_those_of_the_coco_file(exported, dataset):
    known = []
    for path in (dataset.root / "annotations").iterdir():
        known += [np.array(a["keypoints"]).reshape(-1, 3) for a in json.loads(path.read_text())["annotations"]]
    for reader, _, _ in exported[1]:
        about = reader.file.nodes[reader.named("person_1")].extras["keypoints"]
        stated = np.array([p if p[0] is not None else (0, 0) for p in about["pixel"]], float)
        inside = [k[:, 2] > 0 for k in known]
        miss = [np.abs(stated - k[:, :2])[seen].max() for k, seen in zip(known, inside, strict=True) if seen.sum() > 5]
        assert min(miss) < 0.01


def test_the_same_scene_gives_the_same_bytes(exported, dataset, tmp_path):
    influences, scenes = exported
    again = export_dataset(dataset.root, "gltf", tmp_path / "again", indices=[2], influences=influences).path
    (path,) = again.rglob("*.glb")
    assert path.stem == "000002" and path.read_bytes() == scenes[1][0].path.read_bytes()


def test_eight_weights_miss_less_than_four_and_fitting_helps(exported):
    _, scenes = exported
    actor = scenes[0][2][0]
    person, posed, pose = actor.cast.person, actor.local, actor.spec.pose
    transforms = skin_transforms(person.subject.rig, posed.world_from_body, pose.hands)
    wanted = skin(person.weights, person.vertices, transforms)
    miss = {}
    for count in (4, 8):
        cut = largest_weights(person.weights, count)
        np.testing.assert_allclose(cut.weights.sum(1), 1.0)
        better = fitted(cut, person.vertices, transforms, wanted)
        np.testing.assert_allclose(better.weights.sum(1), 1.0)
        assert better.weights.min() >= 0
        for name, each in (("cut", cut), ("fitted", better)):
            miss[name, count] = np.linalg.norm(skinned(each, person.vertices, transforms) - wanted, axis=1).mean()
    assert miss["cut", 8] < miss["cut", 4] and all(miss["fitted", k] < 0.7 * miss["cut", k] for k in (4, 8))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"indices": [6]}, "--index 6: .* holds pictures 0 to 5"),
        ({"influences": 5}, "--influences is 5; allowed: 4 or 8"),
        ({"maps": True}, "--maps is for"),
    ],
)
def test_options_that_make_no_sense(options, message, dataset, tmp_path):
    with pytest.raises(SynthgenError, match=message):
        export_dataset(dataset.root, "gltf", tmp_path / "out", **options)


def test_other_formats_take_no_index(dataset, tmp_path):
    with pytest.raises(ConfigError, match="--index and --influences are for gltf; yolo takes the whole dataset"):
        export_dataset(dataset.root, "yolo", tmp_path / "out", indices=[0])


def test_what_glb_cannot_hold():
    with pytest.raises(SynthgenError, match="no array of float64"):
        Glb("test").add_array(np.zeros((2, 3)))
    with pytest.raises(SynthgenError, match="rigid frames only"):
        placement(np.diag([2.0, 1, 1, 1]))
