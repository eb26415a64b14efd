"""The passes of one picture: sun shadow, then colour with ids and depth. A pyrender Renderer that draws our parts.

Imported only by scenes.raster once a platform is chosen. Row 0 of every buffer is the top of the picture: the
projection is upside down, so that nothing is flipped after reading back.
"""

import time
from collections import OrderedDict
from collections.abc import Callable

import cv2
import numpy as np
import pyrender
from OpenGL import GL
from pyrender.renderer import Renderer as BaseRenderer

from scenes import raster_gl as gl
from scenes.raster_cache import PartCache, Resident
from scenes.raster_context import DepthMap, Grid3D, Image2D, Programs, Target, frame_target
from scenes.raster_edges import antialias
from scenes.raster_math import clip_from_world, contact_map, environment_levels, linear_depth, shadow_frame
from scenes.raster_occlusion import occlusion_grid
from scenes.raster_surface import (
    UNIT_ALBEDO,
    UNIT_CONTACT,
    UNIT_ENVIRONMENT,
    UNIT_OCCLUSION,
    UNIT_SHADOW,
    Sight,
    Surfaces,
    bind,
    cull,
    least_side,
    masked,
    texture_from_clip,
)
from scenes.renderer import Frame, Light, Scene

SHADOW_SIZE = 1024
CONTACT_SIZE = 192
_ENVIRONMENTS = 8


class PassRenderer(BaseRenderer):
    """Draws scenes.renderer.Scene; pyrender's own Scene graph is not used."""

    def __init__(self, width: int, height: int, memory_limit: int) -> None:
        super().__init__(width, height)
        self._program_cache = Programs()
        self._cache = PartCache(memory_limit)
        self._environments: OrderedDict[str, Image2D] = OrderedDict()
        self._picture = frame_target((width, height), (GL.GL_RGBA8, GL.GL_RGBA8), GL.GL_DEPTH_COMPONENT32F)
        self._normals: Target | None = None
        self._shadow_map = DepthMap(SHADOW_SIZE, SHADOW_SIZE)
        self._shadow_map._add_to_context()
        self._shadow = Target(int(GL.glGenFramebuffers(1)), [])
        GL.glBindFramebuffer(GL.GL_FRAMEBUFFER, self._shadow.buffer)
        GL.glFramebufferTexture2D(
            GL.GL_FRAMEBUFFER, GL.GL_DEPTH_ATTACHMENT, GL.GL_TEXTURE_2D, self._shadow_map._texid, 0
        )
        GL.glDrawBuffer(GL.GL_NONE)
        GL.glReadBuffer(GL.GL_NONE)
        self._contact_texture = Image2D([np.zeros((CONTACT_SIZE, CONTACT_SIZE), np.uint8)], repeat=False)
        self._contact_texture._add_to_context()
        self._occlusion_map = Grid3D()
        self._occlusion_map._add_to_context()
        self.timings: dict[str, float] | None = None

    def _timed(self, name: str, work: Callable, *args):
        if self.timings is None:
            return work(*args)
        start = time.perf_counter()
        result = work(*args)
        GL.glFinish()
        self.timings[name] = self.timings.get(name, 0.0) + time.perf_counter() - start
        return result

    def draw_scene(self, scene: Scene) -> Frame:
        """Draw one scene; the caller made the context current."""
        residents = self._timed("upload", self._cache.update, scene.parts)
        shadow = self._timed("shadow", self._shadow_pass, residents, scene.light)
        contact_frame = self._timed("contact", self._contact, residents)
        occlusion_frame = self._timed("occlusion", self._occlusion, residents)
        projection, near, far = clip_from_world(scene)
        light, cam_from_world = scene.light, scene.camera.cam_from_world
        matrix, into_map, lift, texel = shadow
        sight = Sight(projection, cam_from_world, light, matrix, into_map, lift, texel, contact_frame, occlusion_frame)
        self._timed("colour", self._surface_pass, residents, sight)
        rgba, ids, depth = self._timed("read", self._read, near, far)
        gl.check()
        rgb = self._timed("composite", composite, rgba, scene.background)
        rgb = self._timed("edges", antialias, rgb, ids[..., 2], depth)
        normals = self._timed("normals", self._normals_pass, residents, sight) if scene.normals else None
        self._cache.release()
        instance, part = (np.ascontiguousarray(ids[..., k]) for k in (0, 1))
        return Frame(rgb, depth, instance, part, normals)

    # --- passes -------------------------------------------------------------------------------------------------

    def _begin(self, target: Target, width: int, height: int, clear: int) -> None:
        gl.glBindFramebuffer(GL.GL_FRAMEBUFFER, target.buffer)
        gl.glViewport(0, 0, width, height)
        gl.glEnable(GL.GL_DEPTH_TEST)
        gl.glDepthMask(GL.GL_TRUE)
        gl.glDepthFunc(GL.GL_LESS)
        gl.glDisable(GL.GL_BLEND)
        gl.glDisable(GL.GL_DITHER)
        gl.glClearColor(0.0, 0.0, 0.0, 0.0)
        gl.glClear(clear)

    def _shadow_pass(
        self, residents: list[Resident], light: Light
    ) -> tuple[np.ndarray | None, np.ndarray | None, float, tuple[float, float]]:
        """What scenes.raster_surface.Sight holds of the shadow."""
        casters = [r for r in residents if r.part.casts_shadow]
        if not casters or not np.any(light.sun_color > 0):
            return None, None, 0.0, (0.0, 0.0)
        matrix, metres, used = shadow_frame([r.part.vertices for r in casters], light.sun_direction, SHADOW_SIZE)
        # clearing is most of what an empty texel costs; halving is exact, so that the size moves no bit of a shadow
        size = (least_side(used[0], SHADOW_SIZE), least_side(used[1], SHADOW_SIZE))
        self._shadow_map.resize(*size)
        self._begin(self._shadow, *used, GL.GL_DEPTH_BUFFER_BIT)
        gl.glEnable(GL.GL_POLYGON_OFFSET_FILL)
        gl.glPolygonOffset(1.5, 2.0)
        for resident in casters:
            holes = masked(resident)
            program = self._program_cache.variant("shadow", *(["CUTOUT"] if holes else []))
            program._bind()
            program.matrix("clip_from_world", matrix)
            if holes:
                program.unit("albedo_map", UNIT_ALBEDO)
                bind(UNIT_ALBEDO, resident.texture)
            # cloth is a closed shell to the sun: its far side need not be drawn; strands and leaves are single sheets
            (gl.glDisable if holes else gl.glEnable)(GL.GL_CULL_FACE)
            gl.glFrontFace(GL.GL_CCW)
            resident.primitive.draw()
        gl.glDisable(GL.GL_POLYGON_OFFSET_FILL)
        into_map = texture_from_clip(used, size) @ matrix
        return matrix, into_map, 1.4 * metres + 0.002, (1.0 / size[0], 1.0 / size[1])

    def _contact(self, residents: list[Resident]) -> np.ndarray | None:
        bodies = [r.part.vertices for r in residents if r.part.instance_id > 0 and r.part.casts_shadow]
        if not bodies or not any(r.is_ground for r in residents):
            return None
        image, frame = contact_map(bodies, CONTACT_SIZE)
        if frame is not None:
            self._contact_texture.replace([image])
        return frame

    def _occlusion(self, residents: list[Resident]) -> np.ndarray | None:
        # people only: they have a vertex in every cell, and things may be as long as a fence
        found = occlusion_grid([r.part.vertices for r in residents if 0 < r.part.instance_id < 100])
        if found is None:
            return None
        grid, corner, cell = found
        gl.glActiveTexture(GL.GL_TEXTURE0 + UNIT_OCCLUSION)
        self._occlusion_map.replace(grid)
        return np.array([*corner, *(1.0 / (cell * np.array(grid.shape[2::-1]))), cell])

    def _surface_pass(self, residents: list[Resident], sight: Sight) -> None:
        """Colour, ids and depth at pixel centres; the soft rims of cut-outs are blended in last, colour only."""
        width, height = self.viewport_width, self.viewport_height
        self._begin(self._picture, width, height, GL.GL_COLOR_BUFFER_BIT | GL.GL_DEPTH_BUFFER_BIT)
        bind(UNIT_ENVIRONMENT, self._environment(sight.light))
        bind(UNIT_SHADOW, self._shadow_map)
        bind(UNIT_CONTACT, self._contact_texture)
        surfaces = Surfaces(self._program_cache, sight, residents)
        for index in range(len(residents)):
            surfaces.draw(index)
        soft = [index for index, resident in enumerate(residents) if masked(resident)]
        if not soft:
            return
        gl.glDepthMask(GL.GL_FALSE)
        gl.glColorMaski(1, GL.GL_FALSE, GL.GL_FALSE, GL.GL_FALSE, GL.GL_FALSE)
        gl.glEnable(GL.GL_BLEND)
        gl.glBlendFunc(GL.GL_ONE, GL.GL_ONE_MINUS_SRC_ALPHA)
        for index in soft:
            surfaces.draw(index, "FRINGE")
        gl.glDisable(GL.GL_BLEND)
        gl.glColorMaski(1, GL.GL_TRUE, GL.GL_TRUE, GL.GL_TRUE, GL.GL_TRUE)
        gl.glDepthMask(GL.GL_TRUE)

    def _read(self, near: float, far: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        width, height = self.viewport_width, self.viewport_height
        gl.glPixelStorei(GL.GL_PACK_ALIGNMENT, 1)
        images = []
        for place in (GL.GL_COLOR_ATTACHMENT0, GL.GL_COLOR_ATTACHMENT1):
            gl.glReadBuffer(place)
            images.append(np.empty((height, width, 4), np.uint8))
            gl.glReadPixels(0, 0, width, height, GL.GL_RGBA, GL.GL_UNSIGNED_BYTE, gl.address(images[-1]))
        depth = np.empty((height, width), np.float32)
        gl.glReadPixels(0, 0, width, height, GL.GL_DEPTH_COMPONENT, GL.GL_FLOAT, gl.address(depth))
        return images[0], images[1], linear_depth(depth, near, far)

    def _normals_pass(self, residents: list[Resident], sight: Sight) -> np.ndarray:
        """(H, W, 3) float32; front faces and, where there is none, the turned back faces of double-sided parts."""
        width, height = self.viewport_width, self.viewport_height
        if self._normals is None:
            self._normals = frame_target((width, height), (GL.GL_RGBA32F,), GL.GL_DEPTH_COMPONENT32F)
        self._begin(self._normals, width, height, GL.GL_COLOR_BUFFER_BIT | GL.GL_DEPTH_BUFFER_BIT)
        for resident in residents:
            names = ["CUTOUT"] if masked(resident) else []
            if resident.part.material.double_sided:
                names.append("DOUBLE_SIDED")
            program = self._program_cache.variant("normals", *names)
            program._bind()
            program.matrix("clip_from_world", sight.projection)
            program.rotation("cam_from_world", sight.cam_from_world)
            program.floats("cam_origin", *sight.cam_from_world[:3, 3])
            if masked(resident):
                program.unit("albedo_map", UNIT_ALBEDO)
                bind(UNIT_ALBEDO, resident.texture)
            cull(resident)
            resident.primitive.draw()
        image = np.empty((height, width, 4), np.float32)
        gl.glReadBuffer(GL.GL_COLOR_ATTACHMENT0)
        gl.glReadPixels(0, 0, width, height, GL.GL_RGBA, GL.GL_FLOAT, gl.address(image))
        return np.ascontiguousarray(image[..., :3])

    def _environment(self, light: Light) -> Image2D:
        if light.key in self._environments:
            self._environments.move_to_end(light.key)
            return self._environments[light.key]
        gl.glActiveTexture(GL.GL_TEXTURE0 + UNIT_ENVIRONMENT)
        texture = Image2D(environment_levels(light.environment), repeat=True)
        texture._add_to_context()
        self._environments[light.key] = texture
        if len(self._environments) > _ENVIRONMENTS:
            self._environments.popitem(last=False)[1].delete()
        return texture

    @property
    def resident_bytes(self) -> int:
        """Bytes of vertex buffers and textures now on the card."""
        return self._cache.nbytes

    def delete(self) -> None:
        """Free everything this renderer put on the card."""
        self._cache.clear()
        textures: list[pyrender.Texture] = [
            self._shadow_map,
            self._contact_texture,
            self._occlusion_map,
            *self._environments.values(),
        ]
        for texture in textures:
            texture.delete()
        self._environments.clear()
        for target in (self._picture, self._normals, self._shadow):
            if target is None:
                continue
            GL.glDeleteFramebuffers(1, [target.buffer])
            if target.stores:
                GL.glDeleteRenderbuffers(len(target.stores), target.stores)
        self._program_cache.clear()


def composite(rgba: np.ndarray, background: np.ndarray) -> np.ndarray:
    """(H, W, 4) uint8 premultiplied over (H, W, 3) uint8 -> (H, W, 3) uint8.

    The cleared buffer is transparent black, so averaging samples has already multiplied colour by coverage.
    """
    alpha = rgba[..., 3]
    rgb = cv2.cvtColor(rgba, cv2.COLOR_RGBA2RGB)
    if alpha.min() == 255:
        return rgb
    hole = cv2.cvtColor(255 - alpha, cv2.COLOR_GRAY2RGB)
    return cv2.add(rgb, cv2.multiply(np.ascontiguousarray(background), hole, scale=1.0 / 255.0))
