"""glTF 2.0: the people of a picture as .glb, dressed, textured and skinned, with camera and sun; opens posed.

Axes: glTF has y up and looks at a model's front along -z, so our x (forward) becomes z, y stays, our z (right)
becomes -x: a rotation by -90 degrees about y. Metres in both.
"""

from pathlib import Path
from typing import Any

import numpy as np

from biomech.anatomy import COORDINATES, VERTEBRAE
from scenes.expression import express_layers
from scenes.person import smooth_normals
from scenes.props import placed
from scenes.renderer import Camera, Light, MeshPart, Scene
from scenes.rig import skin_transforms
from synthgen import __version__
from synthgen.config import split_of
from synthgen.exchange.export import Job, write_about
from synthgen.exchange.glb import ARRAY_BUFFER, ELEMENT_ARRAY_BUFFER, Glb
from synthgen.exchange.gltf_skin import Influences, Skeleton, build_skeleton, fitted, largest_weights, skinned
from synthgen.keypoints import spinetrack
from synthgen.sample import open_assets
from synthgen.settings import canonical_json, to_plain
from synthgen.shards import stem, write_atomic
from synthgen.specs import scene_from_plain
from synthgen.stage import Actor, build, stage

GLTF_FROM_WORLD = np.array([[0.0, 0, -1, 0], [0, 1, 0, 0], [1, 0, 0, 0], [0, 0, 0, 1]])
_GL_FROM_CV = np.diag([1.0, -1.0, -1.0, 1.0])  # a glTF camera looks along -z with y up
LUX = 683.0  # per W/m2, as importers undo it

GUIDE = """# glTF

One .glb per picture: every person with skin, clothes, hair and textures, skinned to a skeleton whose joints are named
after the bodies of the OpenSim model (pelvis, sacrum, L5 .. C1, skull, femur_r ...). It opens in the pose of the
picture; the bind pose is the anatomical position. Joints have the axes of their OpenSim bodies: x forward, y up,
z right.

```python
import bpy

bpy.ops.import_scene.gltf(filepath="{name}")
```

Axes: y up, people at rest look along +z, metres. `extras` of a person: activity, joint angles, 37 keypoints in space
and in the picture. `extras` of the camera: intrinsics (px), distortion, size; glTF's own camera has no principal point.
`extras` of the file: how far, in mm, weights cut to {influences} joints per vertex move the skin against the picture.
Joints that are no bodies carry skin only: fingers and parts of a limb's twist (upperarm, forearm, thigh,
radius_r_skin ...).
"""


def write(job: Job, place: Path) -> None:
    """Fill the folder `place`: <split>/NNNNNN.glb."""
    config, wanted = job.dataset.config, set(job.indices)
    assets = open_assets(config)
    worst, names = [], []
    try:
        for line in job.dataset.scenes():
            if line["index"] not in wanted:
                continue
            spec = scene_from_plain(line["spec"])
            actors = stage(spec, assets)
            data, report = encode_scene(actors, build(spec, assets, actors), job.influences)
            name = f"{split_of(config, spec.actors[0].number)}/{stem(config, line['index'])}.glb"
            write_atomic(place / name, data, durable=False)
            names.append(name)
            worst.append({"file": name, "weights_mm": report})
            job.on_picture()
    finally:
        assets.close()
    place.mkdir(parents=True, exist_ok=True)
    write_about(job, "gltf", place, GUIDE.format(name=names[0], influences=job.influences))
    (place / "weights.json").write_text(canonical_json(worst) + "\n", encoding="ascii")


def encode_scene(actors: tuple[Actor, ...], scene: Scene, influences: int) -> tuple[bytes, list[dict[str, float]]]:
    """A .glb of everyone in a scene with seats and things, without the place around them.

    Returns:
        the file, and per person how far the cut weights move the skin: mean, p99 and max, mm.
    """
    glb = Glb(f"synthgen {__version__}")
    light, camera = scene.light, scene.camera
    top, report = [], []
    for position, actor in enumerate(actors):
        node, misses = _add_person(glb, actor, position, camera, influences)
        top.append(node)
        report.append(misses)
    top += [_add_still(glb, part) for part in scene.parts if part.instance_id > len(actors)]
    top.append(_add_camera(glb, camera))
    if np.any(light.sun_color):
        top.append(_add_sun(glb, light))
    glb.root["asset"]["extras"] = {
        "influences": influences,
        "weights_mm": report,
        "gltf_from_world": GLTF_FROM_WORLD.tolist(),
        "irradiance_sh": np.asarray(light.irradiance_sh, float).tolist(),
        "exposure": float(light.exposure),
    }
    return glb.encode(top), report


def turned(points: np.ndarray) -> np.ndarray:
    """(..., 3) points or directions of our world -> glTF's."""
    return points @ GLTF_FROM_WORLD[:3, :3].T


def _add_person(glb: Glb, actor: Actor, position: int, camera: Camera, influences: int) -> tuple[int, dict[str, float]]:
    """Node of a person and everything below it, and how far the cut weights move his skin, mm."""
    person, posed = actor.cast.person, actor.local
    rig = person.subject.rig
    transforms = skin_transforms(rig, posed.world_from_body, actor.spec.pose.hands)
    rest = express_layers(person.face, person.vertices, actor.spec.pose.face)
    cut = largest_weights(person.weights, influences)
    if cut.kept.min() < 1.0:
        cut = fitted(cut, rest, transforms, posed.vertices)
    misses = np.linalg.norm(skinned(cut, rest, transforms) - posed.vertices, axis=1) * 1000
    skeleton = build_skeleton(rig, posed.world_from_body, transforms)
    joints = _add_joints(glb, skeleton)
    world_bind = GLTF_FROM_WORLD @ skeleton.bind
    skin_index = glb.append(
        "skins",
        {
            "name": f"person_{position + 1}",
            "joints": joints,
            "skeleton": joints[0],
            "inverseBindMatrices": glb.add_array(np.linalg.inv(world_bind).astype(np.float32)),
        },
    )
    normals = smooth_normals(person, rest)
    meshes = []
    for layer, start in zip(person.layers, person.starts[:-1], strict=True):
        index = start + layer.render_to_welded
        attributes = _attributes(glb, rest[index], normals[index], layer.uv)
        attributes |= _add_weights(glb, cut, index, skeleton)
        primitive = {
            "attributes": attributes,
            "indices": glb.add_array(layer.faces.astype(np.uint32).reshape(-1), ELEMENT_ARRAY_BUFFER),
            "material": glb.add_material(layer.key, layer.material),
        }
        mesh = glb.append("meshes", {"name": layer.key, "primitives": [primitive]})
        meshes.append(glb.node(layer.key, mesh=mesh, skin=skin_index))
    node = glb.node(
        f"person_{position + 1}",
        GLTF_FROM_WORLD @ placed(*actor.spec.place),
        children=[joints[0]],
        extras=_about(actor, camera),
    )
    # Skinned meshes stand beside the skeleton: their own node's placement counts for nothing.
    group = glb.node(f"person_{position + 1}_group", children=[node, *meshes])
    summary = {"mean": misses.mean(), "p99": np.percentile(misses, 99), "max": misses.max()}
    return group, {name: round(float(value), 4) for name, value in summary.items()}


def _attributes(glb: Glb, points: np.ndarray, normals: np.ndarray, uv: np.ndarray | None) -> dict[str, int]:
    """Positions, normals and texture coordinates, whose v grows downwards in glTF."""
    out = {
        "POSITION": glb.add_array(turned(points).astype(np.float32), ARRAY_BUFFER, bounds=True),
        "NORMAL": glb.add_array(_unit(turned(normals)).astype(np.float32), ARRAY_BUFFER),
    }
    if uv is not None:
        out["TEXCOORD_0"] = glb.add_array((uv * [1, -1] + [0, 1]).astype(np.float32), ARRAY_BUFFER)
    return out


def _unit(normals: np.ndarray) -> np.ndarray:
    length = np.linalg.norm(normals, axis=1, keepdims=True)
    return np.where(length > 0.5, normals / np.maximum(length, 1e-9), [0.0, 1.0, 0.0])


def _add_weights(glb: Glb, cut: Influences, index: np.ndarray, skeleton: Skeleton) -> dict[str, int]:
    """JOINTS_0, WEIGHTS_0 and, beyond four, JOINTS_1, WEIGHTS_1."""
    weights = cut.weights[index].astype(np.float32)
    joints = np.where(weights > 0, skeleton.joint_of_driver[cut.drivers[index]], 0).astype(np.uint8)
    out = {}
    for group in range(weights.shape[1] // 4):
        columns = slice(4 * group, 4 * group + 4)
        out[f"JOINTS_{group}"] = glb.add_array(joints[:, columns], ARRAY_BUFFER)
        out[f"WEIGHTS_{group}"] = glb.add_array(weights[:, columns], ARRAY_BUFFER)
    return out


def _add_joints(glb: Glb, skeleton: Skeleton) -> list[int]:
    """Nodes of the joints; children are named once all exist."""
    first = len(glb.root.get("nodes", []))
    for name, frame in zip(skeleton.names, skeleton.local(), strict=True):
        glb.node(name, frame)
    for joint, parent in enumerate(skeleton.parents):
        if parent >= 0:
            glb.root["nodes"][first + parent].setdefault("children", []).append(first + joint)
    return list(range(first, first + len(skeleton.names)))


def _add_still(glb: Glb, part: MeshPart) -> int:
    """A part that does not move with anybody, where it stands."""
    primitive = {
        "attributes": _attributes(glb, part.vertices, part.normals, part.uv),
        "indices": glb.add_array(part.faces.astype(np.uint32).reshape(-1), ELEMENT_ARRAY_BUFFER),
        "material": glb.add_material(part.key, part.material),
    }
    return glb.node(part.key, mesh=glb.append("meshes", {"name": part.key, "primitives": [primitive]}))


def _add_camera(glb: Glb, camera: Camera) -> int:
    fx, fy = float(camera.intrinsics[0, 0]), float(camera.intrinsics[1, 1])
    perspective = {
        "yfov": float(2 * np.arctan2(camera.height / 2, fy)),
        "aspectRatio": camera.width / fx / (camera.height / fy),
        "znear": 0.05,
        "zfar": 200.0,
    }
    extras: dict[str, Any] = {
        "intrinsics": np.asarray(camera.intrinsics, float).tolist(),
        "width": camera.width,
        "height": camera.height,
        "distortion": list(camera.distortion),
    }
    index = glb.append("cameras", {"type": "perspective", "perspective": perspective, "extras": extras})
    world = GLTF_FROM_WORLD @ np.linalg.inv(camera.cam_from_world) @ _GL_FROM_CV
    return glb.node("camera", world, camera=index, extras=extras)


def _add_sun(glb: Glb, light: Light) -> int:
    """The sun as a directional light, which shines along its node's -z."""
    peak = float(np.max(light.sun_color))
    sun = {
        "type": "directional",
        "name": "sun",
        "color": (np.asarray(light.sun_color) / peak).tolist(),
        "intensity": peak * float(light.exposure) * LUX,
    }
    glb.use("KHR_lights_punctual")
    glb.root.setdefault("extensions", {})["KHR_lights_punctual"] = {"lights": [sun]}
    back = turned(np.asarray(light.sun_direction, float))
    side = np.cross([0.0, 1, 0] if abs(back[1]) < 0.99 else [1.0, 0, 0], back)
    side /= np.linalg.norm(side)
    frame = np.eye(4)
    frame[:3, :3] = np.stack([side, np.cross(back, side), back], 1)
    return glb.node("sun", frame, extensions={"KHR_lights_punctual": {"light": 0}})


def _about(actor: Actor, camera: Camera) -> dict[str, Any]:
    """What the labels know of a person, in glTF's axes."""
    pose, posed = actor.spec.pose, actor.posed
    return {
        "subject": actor.spec.number,
        "activity": pose.activity,
        "phase": pose.phase,
        "person": to_plain(actor.spec.person.subject),
        "coordinates": dict(zip(COORDINATES, map(float, posed.q), strict=True)),
        "vertebrae": list(VERTEBRAE),
        "keypoints": {
            "names": list(spinetrack().names),
            "position": turned(posed.keypoints).tolist(),
            "pixel": [[float(v) if np.isfinite(v) else None for v in at] for at in camera.project(posed.keypoints)],
        },
    }
