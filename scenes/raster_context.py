"""Graphics-memory objects behind scenes.raster: pyrender's context, programs, textures and primitives, made to stay.

Imported only after scenes.raster has chosen a platform, because PyOpenGL binds to one at import. pyrender creates the
context, compiles the programs and owns the handles; the subclasses here change what it uploads and when.
"""

import ctypes
from dataclasses import dataclass
from pathlib import Path

import numpy as np

if not hasattr(np, "infty"):  # pyrender 0.1.45 predates numpy 2
    setattr(np, "infty", np.inf)  # noqa: B010

import pyrender
from OpenGL import GL
from OpenGL.GL import shaders
from pyrender.shader_program import ShaderProgram, ShaderProgramCache

from biomech.errors import RenderError
from scenes.renderer import MeshPart

SHADERS = Path(__file__).parent / "shaders"


class Program(ShaderProgram):
    """A shader program that looks every uniform up once and reports none twice."""

    def __init__(self, *args, **kwargs) -> None:
        super().__init__(*args, **kwargs)
        self._locations: dict[str, int] = {}

    def _add_to_context(self) -> None:
        # not validated here, as pyrender does: samplers of several kinds all point at unit 0 until they are set
        kinds = ((self.vertex_shader, GL.GL_VERTEX_SHADER), (self.fragment_shader, GL.GL_FRAGMENT_SHADER))
        stages = [shaders.compileShader(self._load(path), kind) for path, kind in kinds]
        self._program_id = shaders.compileProgram(*stages, validate=False)

    def _remove_from_context(self) -> None:
        if self._program_id is not None:
            GL.glDeleteProgram(self._program_id)
            self._program_id = None

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

    def rotation(self, name: str, value: np.ndarray) -> None:
        """Set a mat3 to the rotation of a (4, 4) matrix."""
        if (at := self.location(name)) >= 0:
            GL.glUniformMatrix3fv(at, 1, GL.GL_TRUE, np.ascontiguousarray(value[:3, :3], np.float32))

    def pair(self, name: str, first: float, second: float) -> None:
        """Set a vec2."""
        if (at := self.location(name)) >= 0:
            GL.glUniform2f(at, float(first), float(second))

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


class Grid3D(pyrender.Texture):
    """A volume of two channels that is replaced for every picture; outside it there is nothing."""

    def __init__(self) -> None:
        super().__init__(source=None, source_channels="RG", width=1, height=1)

    def _add_to_context(self) -> None:
        self._texid = GL.glGenTextures(1)

    def replace(self, grid: np.ndarray) -> None:
        """Hold (z, y, x, 2) uint8."""
        GL.glBindTexture(GL.GL_TEXTURE_3D, self._texid)
        GL.glPixelStorei(GL.GL_UNPACK_ALIGNMENT, 1)
        depth, height, width = grid.shape[:3]
        GL.glTexImage3D(GL.GL_TEXTURE_3D, 0, GL.GL_RG8, width, height, depth, 0, GL.GL_RG, GL.GL_UNSIGNED_BYTE, grid)
        for name in (GL.GL_TEXTURE_MIN_FILTER, GL.GL_TEXTURE_MAG_FILTER):
            GL.glTexParameteri(GL.GL_TEXTURE_3D, name, GL.GL_LINEAR)
        for name in (GL.GL_TEXTURE_WRAP_S, GL.GL_TEXTURE_WRAP_T, GL.GL_TEXTURE_WRAP_R):
            GL.glTexParameteri(GL.GL_TEXTURE_3D, name, GL.GL_CLAMP_TO_BORDER)


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


class PartPrimitive(pyrender.Primitive):
    """One part on the card: a buffer that moves (position, normal), one that stays (uv, part id, shade), the faces."""

    def __init__(self, part: MeshPart) -> None:
        super().__init__(positions=np.zeros((1, 3), np.float32))
        self._stay = np.zeros((len(part.vertices), 4), np.float32)
        if part.uv is not None:
            self._stay[:, :2] = part.uv
        self._stay[:, 2] = np.asarray(part.part_id, np.float32) / 255.0
        self._stay[:, 3] = 1.0 if part.shade is None else part.shade
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
            (self._buffers[1], self._stay, GL.GL_STATIC_DRAW, ((2, 2, 0), (3, 1, 8), (4, 1, 12))),
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


def frame_target(size: tuple[int, int], colors: tuple[int, ...], depth: int) -> Target:
    """A framebuffer with these colour formats, one output of the shader each, and this depth format."""
    target = Target(int(GL.glGenFramebuffers(1)), [])
    GL.glBindFramebuffer(GL.GL_FRAMEBUFFER, target.buffer)
    places = [GL.GL_COLOR_ATTACHMENT0 + k for k in range(len(colors))]
    for kind, place in (*zip(colors, places, strict=True), (depth, GL.GL_DEPTH_ATTACHMENT)):
        store = int(GL.glGenRenderbuffers(1))
        GL.glBindRenderbuffer(GL.GL_RENDERBUFFER, store)
        GL.glRenderbufferStorage(GL.GL_RENDERBUFFER, kind, *size)
        GL.glFramebufferRenderbuffer(GL.GL_FRAMEBUFFER, place, GL.GL_RENDERBUFFER, store)
        target.stores.append(store)
    GL.glDrawBuffers(len(places), places)
    if GL.glCheckFramebufferStatus(GL.GL_FRAMEBUFFER) != GL.GL_FRAMEBUFFER_COMPLETE:
        raise RenderError(f"the graphics driver refuses a frame buffer of {size[0]}x{size[1]} px")
    return target
