"""Mitsuba's path tracer on the processor: the LLVM variant where that library is, else the scalar one."""

from importlib import import_module
from typing import Any

import numpy as np

from scenes.blender_scene import environment_of
from scenes.renderer import Camera, Material, MeshPart, Scene
from synthgen.bench.peer import Shot

# By name: the types these ship are narrower than what they take.
dr: Any = import_module("drjit")
mi: Any = import_module("mitsuba")

PATHS, SEGMENTS = 4, 3
LEAST_LLVM = 17
_MITSUBA_FROM_CV = np.diag([-1.0, -1.0, 1.0, 1.0])  # its cameras look along z with x to the left and y up
_ENVIRONMENT_FROM_WORLD = np.array([[0.0, 0, 1, 0], [0, 1, 0, 0], [-1, 0, 0, 0], [0, 0, 0, 1]])


def _choose() -> str:
    """A variant that computes on this machine; older LLVMs end the whole process on its code."""
    try:
        mi.set_variant("llvm_ad_rgb")
        found = int(dr.detail.llvm_version()[0])
    except (AttributeError, ImportError, IndexError, RuntimeError, TypeError, ValueError):
        found = 0
    if found < LEAST_LLVM:
        mi.set_variant("scalar_rgb")
    return str(mi.variant())


class PathTracer:
    """A scene whose vertices are replaced; its light stays."""

    helpers: tuple[int, ...] = ()

    def __init__(self, width: int, height: int) -> None:
        self._size = (width, height)
        self.variant = _choose()
        self.description = f"Mitsuba {mi.__version__}, {self.variant}"
        self._scene: Any = None
        self._known: dict[str, MeshPart] = {}

    def draw(self, scene: Scene) -> Shot:
        if self._scene is None:
            self._build(scene)
        else:
            self._move(scene)
        image = np.array(mi.render(self._scene, spp=PATHS, seed=0))[..., :3]
        depth, instance = self._exact(scene)
        shown = np.clip(image * scene.light.exposure, 0.0, 1.0) ** (1 / 2.2) * 255.0
        rgb = np.where((depth > 0)[..., None], shown.astype(np.uint8), scene.background)
        return Shot(rgb, depth, (instance > 0) & (instance < 100))

    check = draw

    def _build(self, scene: Scene) -> None:
        pictures: dict[int, Any] = {}
        content: dict[str, Any] = {
            "type": "scene",
            "integrator": {"type": "path", "max_depth": SEGMENTS},
            "sensor": _sensor(scene.camera),
            "sky": {
                "type": "envmap",
                "bitmap": mi.Bitmap(environment_of(scene.light)),
                "to_world": mi.ScalarTransform4f(np.linalg.inv(_ENVIRONMENT_FROM_WORLD)),
            },
        }
        if np.any(scene.light.sun_color > 0):
            content["sun"] = {
                "type": "directional",
                "direction": [float(-v) for v in scene.light.sun_direction],
                "irradiance": {"type": "rgb", "value": [float(v) for v in scene.light.sun_color]},
            }
        for number, part in enumerate(scene.parts):
            content[f"part{number}"] = _mesh(part, f"part{number}", pictures)
            self._known[f"part{number}"] = part
        self._scene = mi.load_dict(content, parallel=False)
        self._values = mi.traverse(self._scene)
        self._shapes = {shape.id(): shape for shape in self._scene.shapes()}
        self._numbers = {shape.id(): k for k, shape in enumerate(self._scene.shapes())}

    def _move(self, scene: Scene) -> None:
        for number, part in enumerate(scene.parts):
            name = f"part{number}"
            if self._known[name].vertices is not part.vertices:
                self._known[name] = part
                self._values[f"{name}.vertex_positions"] = part.vertices.astype(np.float32).ravel()
                self._values[f"{name}.vertex_normals"] = part.normals.astype(np.float32).ravel()
        self._values.update()

    def _exact(self, scene: Scene) -> tuple[np.ndarray, np.ndarray]:
        """Depth along z and instance ids by one ray through the centre of each pixel; holes of cut-outs are filled."""
        width, height = self._size
        camera = scene.camera
        v, u = np.mgrid[:height, :width] + 0.5
        pixels = np.stack([u, v], -1).reshape(-1, 2)
        world_from_cam = np.linalg.inv(camera.cam_from_world)
        eye = world_from_cam[:3, 3]
        rays = camera.unproject(pixels, np.ones(len(pixels))) - eye
        ids = np.array([part.instance_id for part in scene.parts])
        if self.variant.startswith("scalar"):
            return self._one_by_one(rays, eye, ids)
        origin = mi.Point3f(*(float(x) for x in eye))
        hit = self._scene.ray_intersect_preliminary(mi.Ray3f(origin, mi.Vector3f(rays.T.astype(np.float32))))
        distance = np.array(hit.t).reshape(height, width)
        where = np.isfinite(distance)
        order = {self._numbers[f"part{k}"]: k for k in range(len(ids))}
        found = np.array([ids[order[k]] for k in range(len(ids))])
        shape = np.minimum(np.array(hit.shape_index).reshape(height, width), len(ids) - 1)
        return np.where(where, distance, 0.0).astype(np.float32), np.where(where, found[shape], 0)

    def _one_by_one(self, rays: np.ndarray, eye: np.ndarray, ids: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        width, height = self._size
        depth, instance = np.zeros(len(rays), np.float32), np.zeros(len(rays), np.int64)
        known = {f"part{k}": int(i) for k, i in enumerate(ids)}
        origin = [float(x) for x in eye]
        for k, ray in enumerate(rays):
            hit = self._scene.ray_intersect(mi.Ray3f(origin, [float(x) for x in ray]))
            if hit.is_valid():
                depth[k], instance[k] = hit.t, known[hit.shape.id()]
        return depth.reshape(height, width), instance.reshape(height, width)

    def close(self) -> None:
        self._scene = None


def _sensor(camera: Camera) -> dict[str, Any]:
    k, width, height = camera.intrinsics, camera.width, camera.height
    return {
        "type": "perspective",
        "fov": float(np.degrees(2 * np.arctan(width / (2 * k[0, 0])))),
        "fov_axis": "x",
        "principal_point_offset_x": float(k[0, 2] / width - 0.5),
        "principal_point_offset_y": float(k[1, 2] / height - 0.5),
        "near_clip": 0.05,
        "to_world": mi.ScalarTransform4f(np.linalg.inv(camera.cam_from_world) @ np.linalg.inv(_MITSUBA_FROM_CV)),
        "film": {"type": "hdrfilm", "width": width, "height": height, "rfilter": {"type": "box"}},
        "sampler": {"type": "independent", "sample_count": PATHS},
    }


def _mesh(part: MeshPart, name: str, pictures: dict[int, Any]) -> Any:
    properties = mi.Properties()
    properties["bsdf"] = mi.load_dict(_look(part.material, part.uv is not None, pictures))
    properties.set_id(name)
    mesh = mi.Mesh(
        name,
        len(part.vertices),
        len(part.faces),
        has_vertex_normals=True,
        has_vertex_texcoords=part.uv is not None,
        props=properties,
    )
    values = mi.traverse(mesh)
    values["vertex_positions"] = part.vertices.astype(np.float32).ravel()
    values["vertex_normals"] = part.normals.astype(np.float32).ravel()
    values["faces"] = part.faces.astype(np.uint32).ravel()
    if part.uv is not None:
        values["vertex_texcoords"] = np.ascontiguousarray(part.uv * [1, -1] + [0, 1], np.float32).ravel()
    values.update()
    mesh.set_id(name)
    return mesh


def _look(look: Material, placed: bool, pictures: dict[int, Any]) -> dict[str, Any]:
    color: dict[str, Any] = {"type": "rgb", "value": [float(v) ** 2.2 for v in look.color]}
    source = look.texture if placed else None
    if source is not None:
        color = {"type": "bitmap", "bitmap": _picture(source[..., :3], pictures, id(source)), "raw": False}
    bsdf: dict[str, Any] = {"type": "principled", "base_color": color, "roughness": max(look.roughness, 0.05)}
    bsdf["specular"] = 0.5
    if look.double_sided or look.cutout:
        bsdf = {"type": "twosided", "nested": bsdf}
    if look.cutout and source is not None and source.shape[2] == 4:
        opacity = {"type": "bitmap", "bitmap": mi.Bitmap(np.array(source[..., 3:])), "raw": True}
        bsdf = {"type": "mask", "opacity": opacity, "nested": bsdf}
    return bsdf


def _picture(source: np.ndarray, pictures: dict[int, Any], key: int) -> Any:
    if key not in pictures:
        pictures[key] = mi.Bitmap(np.array(source))  # a copy: it takes no array that must not change
    return pictures[key]


def open_path(width: int, height: int) -> PathTracer:
    """On this processor."""
    return PathTracer(width, height)
