"""Open3D's off-screen renderer, which is Filament."""

import os
from dataclasses import replace
from typing import Any

os.environ.setdefault("EGL_PLATFORM", "surfaceless")
os.environ.setdefault("OPEN3D_CPU_RENDERING", "true")

import numpy as np
import open3d as o3d

from scenes.raster_math import clip_from_world
from scenes.renderer import MeshPart, Scene
from synthgen.bench.peer import Shot

rendering = o3d.visualization.rendering
LUX = 60_000.0


class Filament:
    """One renderer, one scene; moved parts are taken out and put in again, since its meshes cannot be changed."""

    helpers: tuple[int, ...] = ()

    def __init__(self, width: int, height: int) -> None:
        self._renderer = rendering.OffscreenRenderer(width, height)
        self.description = f"Open3D {o3d.__version__}"
        self._known: dict[str, MeshPart] = {}
        self._looks: dict[str, Any] = {}

    def draw(self, scene: Scene) -> Shot:
        if not self._known:
            light = scene.light
            self._renderer.scene.scene.set_sun_light([float(-v) for v in light.sun_direction], [1.0, 1.0, 1.0], LUX)
            self._renderer.scene.scene.enable_sun_light(True)
            self._renderer.scene.scene.enable_indirect_light(True)
            _, near, far = clip_from_world(scene)
            k, camera = scene.camera.intrinsics, scene.camera
            self._renderer.setup_camera(k, camera.cam_from_world, camera.width, camera.height)
        for part in scene.parts:
            self._put(part)
        rgb = np.asarray(self._renderer.render_to_image())
        depth = np.asarray(self._renderer.render_to_depth_image(z_in_view_space=True))
        depth = np.where(np.isfinite(depth), depth, 0.0).astype(np.float32)
        return Shot(np.where((depth > 0)[..., None], rgb[..., :3], scene.background), depth, None)

    def check(self, scene: Scene) -> Shot:
        """The silhouette is where the depth changes when the people are taken away."""
        shot = self.draw(scene)
        people = [part.key for part in scene.parts if 0 < part.instance_id < 100]
        for key in people:
            self._renderer.scene.remove_geometry(key)
            del self._known[key]
        rest = replace(scene, parts=tuple(part for part in scene.parts if part.key not in people))
        without = self.draw(rest).depth
        assert shot.depth is not None and without is not None
        return replace(shot, people=np.abs(shot.depth - without) > 1e-3)

    def _put(self, part: MeshPart) -> None:
        if part.key in self._known:
            if self._known[part.key].vertices is part.vertices:
                return
            self._renderer.scene.remove_geometry(part.key)
        self._known[part.key] = part
        mesh = o3d.geometry.TriangleMesh(
            o3d.utility.Vector3dVector(part.vertices.astype(float)), o3d.utility.Vector3iVector(part.faces.astype(int))
        )
        mesh.vertex_normals = o3d.utility.Vector3dVector(part.normals.astype(float))
        if part.uv is not None:
            mesh.triangle_uvs = o3d.utility.Vector2dVector(part.uv[part.faces].reshape(-1, 2).astype(float))
        self._renderer.scene.add_geometry(part.key, mesh, self._look(part))

    def _look(self, part: MeshPart) -> Any:
        if part.key not in self._looks:
            look, record = part.material, rendering.MaterialRecord()
            record.shader = "defaultUnlit" if look.unlit else "defaultLit"
            record.base_color = [*(float(v) for v in look.color), 1.0]
            record.base_roughness, record.base_metallic = float(look.roughness), 0.0
            if look.texture is not None and part.uv is not None:
                record.albedo_img = o3d.geometry.Image(np.ascontiguousarray(look.texture[..., :3]))
            self._looks[part.key] = record
        return self._looks[part.key]

    def close(self) -> None:
        del self._renderer


def open_filament(width: int, height: int) -> Filament:
    """As the package comes."""
    return Filament(width, height)
