"""How a part's material is drawn: the switches of its shader program, its uniforms, its textures.

Imported only by scenes.raster_passes, once a platform is chosen.
"""

from dataclasses import dataclass

import numpy as np
import pyrender
from OpenGL import GL

from scenes import raster_gl as gl
from scenes.raster_cache import Resident
from scenes.raster_context import Program, Programs
from scenes.raster_math import GLOSSY, sh_uniforms
from scenes.renderer import Light

UNIT_ALBEDO, UNIT_SHADOW, UNIT_ENVIRONMENT, UNIT_CONTACT, UNIT_RELIEF, UNIT_OCCLUSION = range(6)
_SAMPLERS = ("albedo_map", "shadow_map", "environment", "contact_map", "relief_map", "occlusion_map")
_TEXTURE_FROM_CLIP = np.array([[0.5, 0, 0, 0.5], [0, 0.5, 0, 0.5], [0, 0, 0.5, 0.5], [0, 0, 0, 1.0]])


@dataclass(frozen=True, slots=True, eq=False)
class Sight:
    """What all surfaces of one picture share.

    Attributes:
        projection: (4, 4) clip_from_world; cam_from_world: (4, 4).
        texture_from_world: (4, 4) into the shadow map, or None for no shadow; shadow_from_world: (4, 4) into its clip
            space; lift: m along the normal that keeps a surface from shading itself; texel: (2,) 1 / width and height
            of the map.
        contact_frame: (4,) of the contact map, or None.
        occlusion_frame: (7,) corner of the occlusion grid, 1 / its sides and the cell, m; or None.
    """

    projection: np.ndarray
    cam_from_world: np.ndarray
    light: Light
    shadow_from_world: np.ndarray | None
    texture_from_world: np.ndarray | None
    lift: float
    texel: tuple[float, float]
    contact_frame: np.ndarray | None
    occlusion_frame: np.ndarray | None


def least_side(used: int, most: int) -> int:
    """The least of `most` and its halves that holds so many texels, down to 64: the driver works in squares of 64."""
    while most > 64 and most // 2 >= used:
        most //= 2
    return most


def texture_from_clip(used: tuple[int, int], size: tuple[int, int]) -> np.ndarray:
    """(4, 4) clip space of a viewport of `used` texels in a map of `size` -> texture coordinates and depth."""
    shrink = np.diag([used[0] / size[0], used[1] / size[1], 1.0, 1.0])
    return shrink @ _TEXTURE_FROM_CLIP


def bind(unit: int, texture: pyrender.Texture) -> None:
    """Put a texture where samplers of this unit look."""
    gl.glActiveTexture(GL.GL_TEXTURE0 + unit)
    gl.glBindTexture(GL.GL_TEXTURE_2D, texture._texid)


def masked(resident: Resident) -> bool:
    """Whether the picture cuts holes into the part."""
    return resident.part.material.cutout and resident.texture is not None


def cull(resident: Resident) -> None:
    """Hide back faces, where the material has a back."""
    if resident.part.material.double_sided:
        gl.glDisable(GL.GL_CULL_FACE)
    else:
        gl.glEnable(GL.GL_CULL_FACE)
        gl.glFrontFace(GL.GL_CW)  # counter-clockwise, in an upside-down picture


@dataclass(frozen=True, slots=True)
class Reach:
    """Which of a picture's parts may lie in the view, in the shadow map and in the occlusion grid, by their corners."""

    view: np.ndarray
    shadow: np.ndarray
    occlusion: np.ndarray


def reach(residents: list[Resident], sight: Sight) -> Reach:
    """(P,) bool each, in the order of the parts."""
    corners = np.array([resident.corners for resident in residents]).reshape(-1, 8, 3)
    at = corners @ sight.projection[:, :3].T + sight.projection[:, 3]
    place, depth = at[..., :3], at[..., 3:]
    outside = (place > depth).all(1) | (place < -depth).all(1)
    shadow = occlusion = np.zeros(len(residents), bool)
    if sight.shadow_from_world is not None:
        at = corners @ sight.shadow_from_world[:3, :3].T + sight.shadow_from_world[:3, 3]
        shadow = (at.min(1)[:, :2] < 1).all(1) & (at.max(1)[:, :2] > -1).all(1) & (at[..., 2].max(1) > -1)
    if sight.occlusion_frame is not None:
        low, sides = sight.occlusion_frame[:3], 1.0 / sight.occlusion_frame[3:6]
        occlusion = (corners.max(1) > low).all(1) & (corners.min(1) < low + sides).all(1)
    return Reach(~outside.any(1), shadow, occlusion)


def switches(resident: Resident, sight: Sight, shadowed: bool, occluded: bool) -> list[str]:
    """Names defined in the shader for this part, where the shadow map and the occlusion grid may reach it or not."""
    material, found = resident.part.material, []
    if resident.texture is not None:
        found += ["TEXTURED", "PLACED"]
    if masked(resident):
        found.append("CUTOUT")
    if material.fade is not None:
        found.append("FADING")
    if material.unlit and not material.shadow_catcher:
        return [*found, "UNLIT"]
    if material.roughness < GLOSSY:
        found.append("GLOSSY")
    if material.double_sided:
        found.append("DOUBLE_SIDED")
    if shadowed:
        found.append("SHADOWED")
        if material.subsurface > 0:
            found.append("BLEEDING")
    if sight.contact_frame is not None and resident.is_ground:
        found.append("CONTACT")
    if occluded and not resident.is_ground:
        found.append("OCCLUDED")
    if material.shadow_catcher:
        found.append("CATCHER")
    elif resident.relief is not None:
        found.append("RELIEF")
    if resident.texture is None and "RELIEF" in found:
        found.append("PLACED")
    return found


class Surfaces:
    """Sets programs up for the parts of one picture."""

    def __init__(self, programs: Programs, sight: Sight, residents: list[Resident]) -> None:
        self._programs, self._sight, self._residents = programs, sight, residents
        self._reach = reach(residents, sight)
        self._sh = sh_uniforms(sight.light.irradiance_sh) * sight.light.exposure
        self._sun = np.asarray(sight.light.sun_color, np.float64) * sight.light.exposure / np.pi
        self._eye = np.linalg.inv(sight.cam_from_world)[:3, 3]
        self._ready: set[Program] = set()

    def _shared(self, program: Program) -> None:
        sight = self._sight
        program.matrix("clip_from_world", sight.projection)
        program.rotation("cam_from_world", sight.cam_from_world)
        program.floats("eye", *self._eye)
        program.vectors("sh", self._sh)
        program.floats("sun_direction", *sight.light.sun_direction)
        program.floats("sun_color", *self._sun)
        program.floats("exposure", sight.light.exposure)
        if sight.texture_from_world is not None:
            program.matrix("shadow_from_world", sight.texture_from_world)
            program.floats("shadow_texel", *sight.texel)
        if sight.contact_frame is not None:
            program.floats("contact_frame", *sight.contact_frame)
        if sight.occlusion_frame is not None:
            program.floats("occlusion_corner", *sight.occlusion_frame[:3])
            program.floats("occlusion_size", *sight.occlusion_frame[3:])
        for unit, name in enumerate(_SAMPLERS):
            program.unit(name, unit)

    def draw(self, index: int, *extra: str) -> None:
        """Draw the part at `index`, as the surface of the next number, unless it is out of view."""
        if not self._reach.view[index]:
            return
        resident = self._residents[index]
        self._use(resident, index, *extra)
        resident.primitive.draw()

    def _use(self, resident: Resident, index: int, *extra: str) -> None:
        part, material = resident.part, resident.part.material
        reached = bool(self._reach.shadow[index]), bool(self._reach.occlusion[index])
        program = self._programs.variant("surface", *switches(resident, self._sight, *reached), *extra)
        program._bind()
        if program not in self._ready:
            self._ready.add(program)
            self._shared(program)
        rough = min(max(material.roughness, 0.0), 1.0)
        wrap = 0.12 if part.instance_id > 0 else 0.0
        program.floats("surface", max(rough, 0.08), material.specular, wrap, self._sight.lift)
        program.floats("env_level", 4.0 * rough)
        program.floats("flesh", material.subsurface, material.sheen)
        program.floats("bleeding", material.subsurface)
        program.floats("base_color", *resident.linear_color)
        program.floats("identity", part.instance_id / 255.0, (1 + index % 255) / 255.0)
        if material.fade is not None:
            program.floats("fade", *material.fade)
        if resident.texture is not None:
            bind(UNIT_ALBEDO, resident.texture)
        if resident.relief is not None:
            slope = resident.relief.gain * material.detail_depth
            program.floats("relief", *material.detail_scale, slope, material.detail_gloss)
            bind(UNIT_RELIEF, resident.relief.image)
        cull(resident)
