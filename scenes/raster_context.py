"""Graphics-memory objects behind scenes.raster: pyrender's context, programs, textures and primitives, made to stay.

Imported only after scenes.raster has chosen a platform, because PyOpenGL binds to one at import. pyrender creates the
context, compiles the programs and owns the handles; the subclasses here change what it uploads and when.
"""

import ctypes
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

if not hasattr(np, "infty"):  # pyrender 0.1.45 predates numpy 2
    setattr(np, "infty", np.inf)  # noqa: B010

import pyrender
from OpenGL import GL
from pyrender.shader_program import ShaderProgram, ShaderProgramCache

from biomech.errors import RenderError
from scenes.renderer import MeshPart

SHADERS = Path(__file__).parent / "shaders"
_LEVEL = np.arange(256) / 255.0
_LINEAR = np.where(_LEVEL <= 0.04045, _LEVEL / 12.92, ((_LEVEL + 0.055) / 1.055) ** 2.4)
_SQRT_LINEAR = np.round(np.sqrt(_LINEAR) * 255.0).astype(np.uint8)  # decoded by one multiplication in the shader


class Program(ShaderProgram):
    """A shader program that looks every uniform up once and reports none twice."""

    def __init__(self, *args, **kwargs) -> None:
        super().__init__(*args, **kwargs)
        self._locations: dict[str, int] = {}

    def location(self, name: str) -> int:
        """Location of a uniform; -1 where this variant does not use it."""
        if name not in self._locations:
            self._locations[name] = GL.glGetUniformLocation(self._program_id, name)
        return self._locations[name]

    def matrix(self, name: str, value: np.ndarray) -> None:
        """Set a (4, 4) row-major matrix."""
        if (at := self.location(name)) >= 0:
            GL.glUniformMatrix4fv(at, 1, GL.GL_TRUE, np.ascontiguousarray(value, np.float32))

    def vectors(self, name: str, value: np.ndarray) -> None:
        """Set one (3,) or (4,) vector or an array (n, 3) of them."""
        if (at := self.location(name)) >= 0:
            value = np.ascontiguousarray(value, np.float32)
            send = GL.glUniform3fv if value.shape[-1] == 3 else GL.glUniform4fv
            send(at, value.size // value.shape[-1], value)

    def scalar(self, name: str, value: float) -> None:
        """Set a float."""
        if (at := self.location(name)) >= 0:
            GL.glUniform1f(at, float(value))

    def unit(self, name: str, value: int) -> None:
        """Point a sampler at a texture unit."""
        if (at := self.location(name)) >= 0:
            GL.glUniform1i(at, value)


class Programs(ShaderProgramCache):
    """pyrender's program cache over this package's shaders."""

    def __init__(self) -> None:
        super().__init__(shader_dir=str(SHADERS))

    def variant(self, name: str, *defines: str) -> Program:
        """The compiled program of shaders/<name>.vert and .frag with these switches on."""
        key = (name, *sorted(defines))
        if key not in self._program_cache:
            paths = [str(SHADERS / f"{name}.{stage}") for stage in ("vert", "frag")]
            program = Program(*paths, defines=dict.fromkeys(sorted(defines), 1))
            program._add_to_context()
            self._program_cache[key] = program
        return self._program_cache[key]


class Image2D(pyrender.Texture):
    """A texture given as finished mip levels, finest first, rows in upload order."""

    def __init__(self, levels: list[np.ndarray], repeat: bool, compare: bool = False) -> None:
        super().__init__(source=None, source_channels="RGBA", width=levels[0].shape[1], height=levels[0].shape[0])
        self._levels, self._repeat, self._compare = levels, repeat, compare
        self.nbytes = sum(level.nbytes for level in levels)

    def _add_to_context(self) -> None:
        self._texid = GL.glGenTextures(1)
        GL.glBindTexture(GL.GL_TEXTURE_2D, self._texid)
        GL.glPixelStorei(GL.GL_UNPACK_ALIGNMENT, 1)
        for number, level in enumerate(self._levels):
            self._upload(number, level)
        last = len(self._levels) - 1
        settings = {
            GL.GL_TEXTURE_MAX_LEVEL: last,
            GL.GL_TEXTURE_MAG_FILTER: GL.GL_LINEAR,
            GL.GL_TEXTURE_MIN_FILTER: GL.GL_LINEAR_MIPMAP_LINEAR if last else GL.GL_LINEAR,
            GL.GL_TEXTURE_WRAP_S: GL.GL_REPEAT if self._repeat else GL.GL_CLAMP_TO_EDGE,
            GL.GL_TEXTURE_WRAP_T: GL.GL_REPEAT if self._repeat else GL.GL_CLAMP_TO_EDGE,
        }
        for name, value in settings.items():
            GL.glTexParameteri(GL.GL_TEXTURE_2D, name, value)
        if last:
            GL.glTexParameterf(GL.GL_TEXTURE_2D, GL.GL_TEXTURE_LOD_BIAS, -0.5)  # crisper floors, without moire yet
        self._levels = []  # the driver holds its own copy

    @staticmethod
    def _upload(number: int, level: np.ndarray) -> None:
        height, width = level.shape[:2]
        channels = 1 if level.ndim == 2 else level.shape[2]
        layout = {1: GL.GL_RED, 3: GL.GL_RGB, 4: GL.GL_RGBA}[channels]
        if level.dtype == np.uint8:
            inner, kind = {1: GL.GL_R8, 3: GL.GL_RGB8, 4: GL.GL_RGBA8}[channels], GL.GL_UNSIGNED_BYTE
        else:
            inner, kind = {1: GL.GL_R32F, 3: GL.GL_RGB32F, 4: GL.GL_RGBA32F}[channels], GL.GL_FLOAT
        data = np.ascontiguousarray(level)
        GL.glTexImage2D(GL.GL_TEXTURE_2D, number, inner, width, height, 0, layout, kind, data)

    def replace(self, level: np.ndarray) -> None:
        """Overwrite the only level with an image of the same size."""
        GL.glBindTexture(GL.GL_TEXTURE_2D, self._texid)
        GL.glPixelStorei(GL.GL_UNPACK_ALIGNMENT, 1)
        self._upload(0, level)


class DepthMap(pyrender.Texture):
    """A square depth texture to draw into and to compare against; outside it nothing is in shadow."""

    def __init__(self, size: int) -> None:
        super().__init__(source_channels="D", width=size, height=size, data_format=GL.GL_FLOAT)

    def _add_to_context(self) -> None:
        super()._add_to_context()
        GL.glBindTexture(GL.GL_TEXTURE_2D, self._texid)
        settings = {
            GL.GL_TEXTURE_MIN_FILTER: GL.GL_LINEAR,
            GL.GL_TEXTURE_MAG_FILTER: GL.GL_LINEAR,
            GL.GL_TEXTURE_WRAP_S: GL.GL_CLAMP_TO_BORDER,
            GL.GL_TEXTURE_WRAP_T: GL.GL_CLAMP_TO_BORDER,
            GL.GL_TEXTURE_COMPARE_MODE: GL.GL_COMPARE_REF_TO_TEXTURE,
            GL.GL_TEXTURE_COMPARE_FUNC: GL.GL_LEQUAL,
        }
        for name, value in settings.items():
            GL.glTexParameteri(GL.GL_TEXTURE_2D, name, value)


def mip_levels(texture: np.ndarray) -> list[np.ndarray]:
    """(h, w, 3 or 4) uint8 sRGB, first row at v = 1 -> RGBA levels in square-root linear light, last row first.

    Made here because the driver's own filter is slow in software and bleeds the colour of transparent texels, which
    would give hair a rim: colour is averaged by coverage, and where nothing covers, coarser levels fill in.
    """
    color: np.ndarray = cv2.LUT(np.ascontiguousarray(texture[::-1, :, :3]), _SQRT_LINEAR)
    opaque = texture.shape[2] == 3
    alpha = np.full(color.shape[:2], 255, np.uint8) if opaque else np.ascontiguousarray(texture[::-1, :, 3])
    levels = [np.dstack([color, alpha])]
    weight: np.ndarray = alpha.astype(np.float32) / np.float32(255.0)
    weighted: np.ndarray = color.astype(np.float32) * weight[..., None]
    while max(levels[-1].shape[:2]) > 1:
        size = tuple(max(side // 2, 1) for side in levels[-1].shape[1::-1])
        if opaque:
            levels.append(cv2.resize(levels[-1], size, interpolation=cv2.INTER_AREA).reshape(size[1], size[0], 4))
            continue
        weighted = cv2.resize(weighted, size, interpolation=cv2.INTER_AREA).reshape(size[1], size[0], 3)
        weight = cv2.resize(weight, size, interpolation=cv2.INTER_AREA).reshape(size[1], size[0])
        color = weighted / np.maximum(weight, 1e-4)[..., None]
        levels.append(np.round(np.dstack([color, weight * 255.0])).clip(0, 255).astype(np.uint8))
    if not opaque:
        for fine, coarse in zip(levels[-2::-1], levels[:0:-1], strict=True):
            filler = cv2.resize(coarse[..., :3], fine.shape[1::-1], interpolation=cv2.INTER_LINEAR)
            bare = fine[..., 3] < 16
            fine[bare, :3] = filler.reshape(*fine.shape[:2], 3)[bare]
    return levels


class PartPrimitive(pyrender.Primitive):
    """One part on the card: a buffer that moves (position, normal), one that stays (uv, part id), and the faces."""

    def __init__(self, part: MeshPart) -> None:
        super().__init__(positions=np.zeros((1, 3), np.float32))
        self._stay = np.zeros((len(part.vertices), 3), np.float32)
        if part.uv is not None:
            self._stay[:, :2] = part.uv
        self._stay[:, 2] = np.asarray(part.part_id, np.float32) / 255.0
        self._faces = np.ascontiguousarray(part.faces, np.uint32)
        self.shape = (len(part.vertices), len(part.faces))
        self._moving = np.empty((self.shape[0], 6), np.float32)
        self.nbytes = 2 * self._moving.nbytes + self._stay.nbytes + self._faces.nbytes

    def _add_to_context(self) -> None:
        self._vaid = GL.glGenVertexArrays(1)
        GL.glBindVertexArray(self._vaid)
        self._buffers = [int(b) for b in GL.glGenBuffers(3)]
        for buffer, data, usage, fields in (
            (self._buffers[0], self._moving, GL.GL_DYNAMIC_DRAW, ((0, 3, 0), (1, 3, 12))),
            (self._buffers[1], self._stay, GL.GL_STATIC_DRAW, ((2, 2, 0), (3, 1, 8))),
        ):
            GL.glBindBuffer(GL.GL_ARRAY_BUFFER, buffer)
            GL.glBufferData(GL.GL_ARRAY_BUFFER, data.nbytes, data, usage)
            for slot, size, offset in fields:
                GL.glVertexAttribPointer(
                    slot, size, GL.GL_FLOAT, GL.GL_FALSE, data.shape[1] * 4, ctypes.c_void_p(offset)
                )
                GL.glEnableVertexAttribArray(slot)
        GL.glBindBuffer(GL.GL_ELEMENT_ARRAY_BUFFER, self._buffers[2])
        GL.glBufferData(GL.GL_ELEMENT_ARRAY_BUFFER, self._faces.nbytes, self._faces, GL.GL_STATIC_DRAW)
        GL.glBindVertexArray(0)
        del self._stay, self._faces  # the driver holds its own copy

    def move(self, vertices: np.ndarray, normals: np.ndarray) -> None:
        """Put new positions and normals where the old ones were."""
        self._moving[:, :3] = vertices
        self._moving[:, 3:] = normals
        GL.glBindBuffer(GL.GL_ARRAY_BUFFER, self._buffers[0])
        GL.glBufferSubData(GL.GL_ARRAY_BUFFER, 0, self._moving.nbytes, self._moving)

    def draw(self) -> None:
        """Issue the draw call with whatever program is bound."""
        GL.glBindVertexArray(self._vaid)
        GL.glDrawElements(GL.GL_TRIANGLES, 3 * self.shape[1], GL.GL_UNSIGNED_INT, None)

    def delete(self) -> None:
        """Free the buffers; pyrender would also touch the bounds and material it never needed here."""
        if self._vaid is not None:
            GL.glDeleteVertexArrays(1, [self._vaid])
            GL.glDeleteBuffers(len(self._buffers), self._buffers)
            self._vaid, self._buffers = None, []


@dataclass(slots=True)
class Target:
    """A framebuffer with its renderbuffers."""

    buffer: int
    stores: list[int]


def frame_target(size: tuple[int, int], color: int, depth: int | None, samples: int) -> Target:
    """A framebuffer of this colour and depth format; 0 samples for none but the pixel centre."""
    target = Target(int(GL.glGenFramebuffers(1)), [])
    GL.glBindFramebuffer(GL.GL_FRAMEBUFFER, target.buffer)
    for kind, place in ((color, GL.GL_COLOR_ATTACHMENT0), (depth, GL.GL_DEPTH_ATTACHMENT)):
        if kind is None:
            continue
        store = int(GL.glGenRenderbuffers(1))
        GL.glBindRenderbuffer(GL.GL_RENDERBUFFER, store)
        GL.glRenderbufferStorageMultisample(GL.GL_RENDERBUFFER, samples, kind, *size)
        GL.glFramebufferRenderbuffer(GL.GL_FRAMEBUFFER, place, GL.GL_RENDERBUFFER, store)
        target.stores.append(store)
    if GL.glCheckFramebufferStatus(GL.GL_FRAMEBUFFER) != GL.GL_FRAMEBUFFER_COMPLETE:
        raise RenderError(f"the graphics driver refuses a {size[0]}x{size[1]} frame buffer with {samples} samples")
    return target
