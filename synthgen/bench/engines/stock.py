"""pyrender as it comes: with buffers kept between pictures, and with everything made anew for each."""

import os
from importlib.metadata import version
from typing import Any

import numpy as np

if not hasattr(np, "infty"):  # pyrender 0.1.45 predates numpy 2
    setattr(np, "infty", np.inf)  # noqa: B010

os.environ.setdefault("PYOPENGL_PLATFORM", "egl")

import pyrender
from OpenGL import GL
from pyrender import RenderFlags

from scenes.raster_math import clip_from_world
from scenes.renderer import Camera, Light, MeshPart, Scene
from synthgen.bench.peer import Shot

_GL_FROM_CV = np.diag([1.0, -1.0, -1.0, 1.0])
_COLOR = RenderFlags.RGBA | RenderFlags.SHADOWS_DIRECTIONAL


class Built:
    """A pyrender scene of ours."""

    def __init__(self, scene: Scene) -> None:
        ambient = np.maximum(scene.light.irradiance_sh[0] * 0.282095, 0.0) * scene.light.exposure
        self.scene = pyrender.Scene(bg_color=[0.0, 0.0, 0.0, 0.0], ambient_light=ambient[:3].tolist())
        textures: dict[int, Any] = {}
        self.nodes = {part.key: self.scene.add(_mesh(part, textures)) for part in scene.parts}
        self.parts = {part.key: part for part in scene.parts}
        self.scene.add(_sun(scene.light), pose=_light_pose(scene.light))
        _, near, far = clip_from_world(scene)
        self.scene.add(_camera(scene.camera, near, far), pose=np.linalg.inv(scene.camera.cam_from_world) @ _GL_FROM_CV)
        self.ids = {self.nodes[part.key]: (part.instance_id, 0, 0) for part in scene.parts}

    def move(self, scene: Scene, renderer: Any) -> None:
        """Write new vertices into the buffers on the card."""
        for part in scene.parts:
            if self.parts[part.key].vertices is part.vertices:
                continue
            self.parts[part.key] = part
            mesh = self.nodes[part.key].mesh
            primitive = mesh.primitives[0]
            columns = [part.vertices, part.normals]
            if primitive.texcoord_0 is not None:
                columns.append(primitive.texcoord_0)
            data = np.ascontiguousarray(np.hstack(columns), np.float32)
            renderer._platform.make_current()
            GL.glBindBuffer(GL.GL_ARRAY_BUFFER, int(primitive._buffers[0]))
            GL.glBufferSubData(GL.GL_ARRAY_BUFFER, 0, data.nbytes, data)
            primitive.positions = part.vertices
            primitive._bounds = mesh._bounds = self.scene._bounds = None


def _mesh(part: MeshPart, textures: dict[int, Any]) -> Any:
    look, source = part.material, part.material.texture if part.uv is not None else None
    texture = None
    if source is not None:
        if id(source) not in textures:
            channels = "RGBA" if source.shape[2] == 4 else "RGB"
            sampler = pyrender.Sampler(magFilter=9729, minFilter=9987, wrapS=10497, wrapT=10497)
            textures[id(source)] = pyrender.Texture(source=source, source_channels=channels, sampler=sampler)
        texture = textures[id(source)]
    material = pyrender.MetallicRoughnessMaterial(
        baseColorFactor=[*(float(v) ** 2.2 for v in look.color), 1.0],
        baseColorTexture=texture,
        metallicFactor=0.0,
        roughnessFactor=float(look.roughness),
        alphaMode="BLEND" if look.cutout else "OPAQUE",
        doubleSided=look.double_sided,
    )
    primitive = pyrender.Primitive(
        positions=part.vertices,
        normals=part.normals,
        texcoord_0=None if texture is None or part.uv is None else part.uv.astype(np.float32),
        indices=part.faces,
        material=material,
        mode=4,
    )
    return pyrender.Mesh([primitive])


def _sun(light: Light) -> Any:
    peak = max(float(np.max(light.sun_color)), 1e-6)
    color = np.asarray(light.sun_color) / peak
    return pyrender.DirectionalLight(color=color, intensity=peak * light.exposure)


def _light_pose(light: Light) -> np.ndarray:
    """(4, 4) world_from_light, which shines along its -z."""
    away = np.asarray(light.sun_direction, float)
    side = np.cross([0.0, 1.0, 0.0] if abs(away[1]) < 0.99 else [1.0, 0.0, 0.0], away)
    side /= np.linalg.norm(side)
    pose = np.eye(4)
    pose[:3, :3] = np.stack([side, np.cross(away, side), away], 1)
    pose[:3, 3] = 5.0 * away
    return pose


def _camera(camera: Camera, near: float, far: float) -> Any:
    k = camera.intrinsics
    return pyrender.IntrinsicsCamera(k[0, 0], k[1, 1], k[0, 2], k[1, 2], znear=near, zfar=far)


def _shoot(renderer: Any, built: Built, background: np.ndarray) -> Shot:
    color, depth = renderer.render(built.scene, flags=_COLOR)
    ids, _ = renderer.render(built.scene, flags=RenderFlags.SEG, seg_node_map=built.ids)
    hole = (255 - color[..., 3:]).astype(np.uint16)
    rgb = color[..., :3] + (background * hole >> 8).astype(np.uint8)
    return Shot(rgb, depth, (ids[..., 0] > 0) & (ids[..., 0] < 100))


class Kept:
    """One renderer, one scene; only vertices are written again."""

    helpers: tuple[int, ...] = ()

    def __init__(self, width: int, height: int) -> None:
        self._renderer = pyrender.OffscreenRenderer(width, height)
        self.description = f"pyrender {version('pyrender')}, {bytes(GL.glGetString(GL.GL_RENDERER)).decode()}"
        self._built: Built | None = None

    def draw(self, scene: Scene) -> Shot:
        if self._built is None:
            self._built = Built(scene)
        else:
            self._built.move(scene, self._renderer)
        return _shoot(self._renderer, self._built, scene.background)

    check = draw

    def close(self) -> None:
        self._renderer.delete()


class Naive:
    """Nothing is kept."""

    helpers: tuple[int, ...] = ()

    def __init__(self, width: int, height: int) -> None:
        self._size = (width, height)
        self.description = f"pyrender {version('pyrender')}"

    def draw(self, scene: Scene) -> Shot:
        renderer = pyrender.OffscreenRenderer(*self._size)
        try:
            return _shoot(renderer, Built(scene), scene.background)
        finally:
            renderer.delete()

    check = draw

    def close(self) -> None: ...


def open_kept(width: int, height: int) -> Kept:
    """Buffers in place."""
    return Kept(width, height)


def open_naive(width: int, height: int) -> Naive:
    """Everything new."""
    return Naive(width, height)
