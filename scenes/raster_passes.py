"""The passes of one picture: sun shadow, identity with depth, colour. A pyrender Renderer that draws our parts.

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

from scenes.raster_cache import PartCache, Resident
from scenes.raster_context import DepthMap, Image2D, Program, Programs, Target, frame_target
from scenes.raster_math import (
    clip_from_world,
    contact_map,
    environment_levels,
    linear_depth,
    sh_uniforms,
    shadow_frame,
)
from scenes.renderer import Frame, Light, Scene

SHADOW_SIZE = 1024
CONTACT_SIZE = 192
SAMPLES = 4
_ENVIRONMENTS = 64
_GLOSSY = 0.5  # smoother surfaces look their reflection up, rougher ones take it from the irradiance
_UNIT_ALBEDO, _UNIT_SHADOW, _UNIT_ENVIRONMENT, _UNIT_CONTACT = range(4)


class PassRenderer(BaseRenderer):
    """Draws scenes.renderer.Scene; pyrender's own Scene graph is not used."""

    def __init__(self, width: int, height: int, memory_limit: int) -> None:
        super().__init__(width, height)
        self._program_cache = Programs()
        self._cache = PartCache(memory_limit)
        self._environments: OrderedDict[str, Image2D] = OrderedDict()
        self.samples = min(SAMPLES, int(GL.glGetIntegerv(GL.GL_MAX_SAMPLES)))
        self._scale = 1 if self.samples > 1 else 2  # without multisampling the picture is drawn twice as large
        size = (width * self._scale, height * self._scale)
        self._color = frame_target(size, GL.GL_RGBA8, GL.GL_DEPTH_COMPONENT24, self.samples if self._scale == 1 else 0)
        self._resolved = frame_target(size, GL.GL_RGBA8, None, 0) if self._scale == 1 else self._color
        self._ids = frame_target((width, height), GL.GL_RG8, GL.GL_DEPTH_COMPONENT32F, 0)
        self._shadow_map = DepthMap(SHADOW_SIZE)
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
        shadow_from_world, texel_metres = self._timed("shadow", self._shadow_pass, residents, scene.light)
        contact_frame = self._timed("contact", self._contact, residents)
        projection, near, far = clip_from_world(scene)
        ids, depth = self._timed("ids", self._ids_pass, residents, projection, near, far)
        rgba = self._timed(
            "colour", self._color_pass, residents, scene, projection, shadow_from_world, texel_metres, contact_frame
        )
        rgb = self._timed("composite", composite, rgba, scene.background)
        self._cache.release()
        return Frame(rgb, depth, np.ascontiguousarray(ids[..., 0]), np.ascontiguousarray(ids[..., 1]))

    # --- passes -------------------------------------------------------------------------------------------------

    def _begin(self, target: Target, width: int, height: int, clear: int) -> None:
        GL.glBindFramebuffer(GL.GL_FRAMEBUFFER, target.buffer)
        GL.glViewport(0, 0, width, height)
        GL.glEnable(GL.GL_DEPTH_TEST)
        GL.glDepthMask(GL.GL_TRUE)
        GL.glDepthFunc(GL.GL_LESS)
        GL.glDisable(GL.GL_BLEND)
        GL.glDisable(GL.GL_DITHER)
        GL.glClearColor(0.0, 0.0, 0.0, 0.0)
        GL.glClear(clear)

    def _cull(self, resident: Resident) -> None:
        if resident.part.material.double_sided:
            GL.glDisable(GL.GL_CULL_FACE)
        else:
            GL.glEnable(GL.GL_CULL_FACE)
            GL.glFrontFace(GL.GL_CW)  # counter-clockwise, in an upside-down picture

    def _bind(self, unit: int, texture: pyrender.Texture) -> None:
        GL.glActiveTexture(GL.GL_TEXTURE0 + unit)
        GL.glBindTexture(GL.GL_TEXTURE_2D, texture._texid)

    def _masked(self, resident: Resident) -> bool:
        return resident.part.material.cutout and resident.texture is not None

    def _shadow_pass(self, residents: list[Resident], light: Light) -> tuple[np.ndarray | None, float]:
        casters = [r for r in residents if r.part.casts_shadow]
        if not casters or not np.any(light.sun_color > 0):
            return None, 0.0
        matrix, texel = shadow_frame([r.part.vertices for r in casters], light.sun_direction, SHADOW_SIZE)
        self._begin(self._shadow, SHADOW_SIZE, SHADOW_SIZE, GL.GL_DEPTH_BUFFER_BIT)
        GL.glEnable(GL.GL_POLYGON_OFFSET_FILL)
        GL.glPolygonOffset(1.5, 2.0)
        for resident in casters:
            masked = self._masked(resident)
            program = self._program_cache.variant("shadow", *(["CUTOUT"] if masked else []))
            program._bind()
            program.matrix("clip_from_world", matrix)
            if masked:
                program.unit("albedo_map", _UNIT_ALBEDO)
                self._bind(_UNIT_ALBEDO, resident.texture)
            # cloth is a closed shell to the sun: its far side need not be drawn; strands and leaves are single sheets
            (GL.glDisable if masked else GL.glEnable)(GL.GL_CULL_FACE)
            GL.glFrontFace(GL.GL_CCW)
            resident.primitive.draw()
        GL.glDisable(GL.GL_POLYGON_OFFSET_FILL)
        return matrix, texel

    def _contact(self, residents: list[Resident]) -> np.ndarray | None:
        bodies = [r.part.vertices for r in residents if r.part.instance_id > 0 and r.part.casts_shadow]
        if not bodies or not any(r.is_ground for r in residents):
            return None
        image, frame = contact_map(bodies, CONTACT_SIZE)
        if frame is not None:
            self._contact_texture.replace(image)
        return frame

    def _ids_pass(
        self, residents: list[Resident], projection: np.ndarray, near: float, far: float
    ) -> tuple[np.ndarray, np.ndarray]:
        width, height = self.viewport_width, self.viewport_height
        self._begin(self._ids, width, height, GL.GL_COLOR_BUFFER_BIT | GL.GL_DEPTH_BUFFER_BIT)
        for resident in residents:
            masked = self._masked(resident)
            program = self._program_cache.variant("ids", *(["CUTOUT"] if masked else []))
            program._bind()
            program.matrix("clip_from_world", projection)
            program.scalar("instance", resident.part.instance_id / 255.0)
            if masked:
                program.unit("albedo_map", _UNIT_ALBEDO)
                self._bind(_UNIT_ALBEDO, resident.texture)
            self._cull(resident)
            resident.primitive.draw()
        GL.glPixelStorei(GL.GL_PACK_ALIGNMENT, 1)
        ids = np.empty((height, width, 2), np.uint8)
        GL.glReadPixels(0, 0, width, height, GL.GL_RG, GL.GL_UNSIGNED_BYTE, ids)
        depth = np.empty((height, width), np.float32)
        GL.glReadPixels(0, 0, width, height, GL.GL_DEPTH_COMPONENT, GL.GL_FLOAT, depth)
        return ids, linear_depth(depth, near, far)

    def _color_pass(
        self,
        residents: list[Resident],
        scene: Scene,
        projection: np.ndarray,
        shadow_from_world: np.ndarray | None,
        texel_metres: float,
        contact_frame: np.ndarray | None,
    ) -> np.ndarray:
        width, height = self.viewport_width * self._scale, self.viewport_height * self._scale
        self._begin(self._color, width, height, GL.GL_COLOR_BUFFER_BIT | GL.GL_DEPTH_BUFFER_BIT)
        light = scene.light
        self._bind(_UNIT_ENVIRONMENT, self._environment(light))
        self._bind(_UNIT_SHADOW, self._shadow_map)
        self._bind(_UNIT_CONTACT, self._contact_texture)
        sh = sh_uniforms(light.irradiance_sh) * light.exposure
        sun = np.asarray(light.sun_color, np.float64) * light.exposure / np.pi
        world_from_cam = np.linalg.inv(scene.camera.cam_from_world)
        ready: set[Program] = set()
        for resident in residents:
            part = resident.part
            switches = self._switches(resident, shadow_from_world, contact_frame)
            program = self._program_cache.variant("surface", *switches)
            program._bind()
            if program not in ready:
                ready.add(program)
                program.matrix("clip_from_world", projection)
                program.vectors("eye", world_from_cam[:3, 3])
                program.vectors("sh", sh)
                program.vectors("sun_direction", light.sun_direction)
                program.vectors("sun_color", sun)
                program.scalar("exposure", light.exposure)
                if shadow_from_world is not None:
                    program.matrix("shadow_from_world", _TEXTURE_FROM_CLIP @ shadow_from_world)
                    program.scalar("shadow_texel", 1.0 / SHADOW_SIZE)
                if contact_frame is not None:
                    program.vectors("contact_frame", contact_frame)
                for name, unit in (("albedo_map", 0), ("shadow_map", 1), ("environment", 2), ("contact_map", 3)):
                    program.unit(name, unit)
            material = part.material
            wrap = 0.12 if part.instance_id > 0 else 0.0
            lift = 2.0 * texel_metres + 0.002
            program.vectors("surface", np.array([max(material.roughness, 0.08), material.specular, wrap, lift]))
            program.scalar("env_level", 4.0 * min(max(material.roughness, 0.0), 1.0))
            program.vectors("base_color", resident.linear_color)
            if "FADING" in switches:
                program.vectors("fade", np.array(material.fade))
            if resident.texture is not None:
                self._bind(_UNIT_ALBEDO, resident.texture)
            self._cull(resident)
            soft = "COVERAGE" in switches
            if soft:
                GL.glEnable(GL.GL_SAMPLE_ALPHA_TO_COVERAGE)
                GL.glEnable(GL.GL_SAMPLE_ALPHA_TO_ONE)
            resident.primitive.draw()
            if soft:
                GL.glDisable(GL.GL_SAMPLE_ALPHA_TO_COVERAGE)
                GL.glDisable(GL.GL_SAMPLE_ALPHA_TO_ONE)
        rgba = np.empty((height, width, 4), np.uint8)
        if self._scale == 1:
            GL.glBindFramebuffer(GL.GL_READ_FRAMEBUFFER, self._color.buffer)
            GL.glBindFramebuffer(GL.GL_DRAW_FRAMEBUFFER, self._resolved.buffer)
            area = (0, 0, width, height)
            GL.glBlitFramebuffer(*area, *area, GL.GL_COLOR_BUFFER_BIT, GL.GL_NEAREST)
            GL.glBindFramebuffer(GL.GL_READ_FRAMEBUFFER, self._resolved.buffer)
        GL.glReadPixels(0, 0, width, height, GL.GL_RGBA, GL.GL_UNSIGNED_BYTE, rgba)
        if self._scale > 1:
            size = (self.viewport_width, self.viewport_height)
            rgba = cv2.resize(rgba, size, interpolation=cv2.INTER_AREA)
        return rgba

    def _switches(
        self, resident: Resident, shadow_from_world: np.ndarray | None, contact_frame: np.ndarray | None
    ) -> list[str]:
        material, switches = resident.part.material, []
        if resident.texture is not None:
            switches.append("TEXTURED")
        if self._masked(resident):
            switches.append("CUTOUT")
            if self._scale == 1:
                switches.append("COVERAGE")
        if material.fade is not None:
            switches.append("FADING")
        if material.unlit:
            return [*switches, "UNLIT"]
        if material.roughness < _GLOSSY:
            switches.append("GLOSSY")
        if material.double_sided:
            switches.append("DOUBLE_SIDED")
        if shadow_from_world is not None and resident.reached_by(shadow_from_world):
            switches.append("SHADOWED")
        if contact_frame is not None and resident.is_ground:
            switches.append("CONTACT")
        return switches

    def _environment(self, light: Light) -> Image2D:
        if light.key in self._environments:
            self._environments.move_to_end(light.key)
            return self._environments[light.key]
        GL.glActiveTexture(GL.GL_TEXTURE0 + _UNIT_ENVIRONMENT)
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
        textures: list[pyrender.Texture] = [self._shadow_map, self._contact_texture, *self._environments.values()]
        for texture in textures:
            texture.delete()
        self._environments.clear()
        for target in {id(t): t for t in (self._color, self._resolved, self._ids, self._shadow)}.values():
            GL.glDeleteFramebuffers(1, [target.buffer])
            if target.stores:
                GL.glDeleteRenderbuffers(len(target.stores), target.stores)
        self._program_cache.clear()


_TEXTURE_FROM_CLIP = np.array([[0.5, 0, 0, 0.5], [0, 0.5, 0, 0.5], [0, 0, 0.5, 0.5], [0, 0, 0, 1.0]])


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
