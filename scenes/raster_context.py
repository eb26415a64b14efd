"""Graphics-memory objects behind scenes.raster: pyrender's context, programs, textures and primitives, made to stay.

Imported only after scenes.raster has chosen a platform, because PyOpenGL binds to one at import. pyrender creates the
context, compiles the programs and owns the handles; the subclasses here change what it uploads and when.
"""

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
from scenes import raster_gl as gl
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

    def _bind(self) -> None:
        gl.glUseProgram(self._program_id)

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
            single = np.ascontiguousarray(value, np.float32)
            gl.glUniformMatrix4fv(at, 1, GL.GL_TRUE, gl.address(single))

    def vectors(self, name: str, value: np.ndarray) -> None:
        """Set an array (n, 3)."""
        if (at := self.location(name)) >= 0:
            single = np.ascontiguousarray(value, np.float32)
            gl.glUniform3fv(at, len(single), gl.address(single))

    def floats(self, name: str, *values: float) -> None:
        """Set a float or a vector of two to four."""
        if (at := self.location(name)) >= 0:
            gl.glUniform[len(values)](at, *values)

    def rotation(self, name: str, value: np.ndarray) -> None:
        """Set a mat3 to the rotation of a (4, 4) matrix."""
        if (at := self.location(name)) >= 0:
            single = np.ascontiguousarray(value[:3, :3], np.float32)
            gl.glUniformMatrix3fv(at, 1, GL.GL_TRUE, gl.address(single))

    def unit(self, name: str, value: int) -> None:
        """Point a sampler at a texture unit."""
        if (at := self.location(name)) >= 0:
            gl.glUniform1i(at, value)


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
        self.shape = levels[0].shape
        self.nbytes = sum(level.nbytes for level in levels)

    def _add_to_context(self) -> None:
        self._texid = gl.new(gl.glGenTextures)
        self.replace(self._levels)
        last = len(self._levels) - 1
        settings = {
            GL.GL_TEXTURE_MAX_LEVEL: last,
            GL.GL_TEXTURE_MAG_FILTER: GL.GL_LINEAR,
            GL.GL_TEXTURE_MIN_FILTER: GL.GL_LINEAR_MIPMAP_LINEAR if last else GL.GL_LINEAR,
            GL.GL_TEXTURE_WRAP_S: GL.GL_REPEAT if self._repeat else GL.GL_CLAMP_TO_EDGE,
            GL.GL_TEXTURE_WRAP_T: GL.GL_REPEAT if self._repeat else GL.GL_CLAMP_TO_EDGE,
        }
        for name, value in settings.items():
            gl.glTexParameteri(GL.GL_TEXTURE_2D, name, value)
        if last:
            gl.glTexParameterf(GL.GL_TEXTURE_2D, GL.GL_TEXTURE_LOD_BIAS, -0.5)  # crisper floors, without moire yet
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
        gl.glTexImage2D(GL.GL_TEXTURE_2D, number, inner, width, height, 0, layout, kind, gl.address(data))

    def replace(self, levels: list[np.ndarray]) -> None:
        """Hold other levels of the same sizes; the driver keeps the memory."""
        gl.glBindTexture(GL.GL_TEXTURE_2D, self._texid)
        gl.glPixelStorei(GL.GL_UNPACK_ALIGNMENT, 1)
        for number, level in enumerate(levels):
            self._upload(number, level)


class Grid3D(pyrender.Texture):
    """A volume of two channels that is replaced for every picture; outside it there is nothing."""

    def __init__(self) -> None:
        super().__init__(source=None, source_channels="RG", width=1, height=1)

    def _add_to_context(self) -> None:
        self._texid = gl.new(gl.glGenTextures)

    def replace(self, grid: np.ndarray) -> None:
        """Hold (z, y, x, 2) uint8."""
        gl.glBindTexture(GL.GL_TEXTURE_3D, self._texid)
        gl.glPixelStorei(GL.GL_UNPACK_ALIGNMENT, 1)
        depth, height, width = grid.shape[:3]
        data = np.ascontiguousarray(grid)
        gl.glTexImage3D(
            GL.GL_TEXTURE_3D, 0, GL.GL_RG8, width, height, depth, 0, GL.GL_RG, GL.GL_UNSIGNED_BYTE, gl.address(data)
        )
        for name in (GL.GL_TEXTURE_MIN_FILTER, GL.GL_TEXTURE_MAG_FILTER):
            gl.glTexParameteri(GL.GL_TEXTURE_3D, name, GL.GL_LINEAR)
        for name in (GL.GL_TEXTURE_WRAP_S, GL.GL_TEXTURE_WRAP_T, GL.GL_TEXTURE_WRAP_R):
            gl.glTexParameteri(GL.GL_TEXTURE_3D, name, GL.GL_CLAMP_TO_BORDER)


class DepthMap(pyrender.Texture):
    """A depth texture to draw into and to compare against; outside it nothing is in shadow."""

    def __init__(self, width: int, height: int) -> None:
        super().__init__(source_channels="D", width=width, height=height, data_format=GL.GL_FLOAT)
        self._size = (width, height)

    def _add_to_context(self) -> None:
        super()._add_to_context()
        gl.glBindTexture(GL.GL_TEXTURE_2D, self._texid)
        settings = {
            GL.GL_TEXTURE_MIN_FILTER: GL.GL_LINEAR,
            GL.GL_TEXTURE_MAG_FILTER: GL.GL_LINEAR,
            GL.GL_TEXTURE_WRAP_S: GL.GL_CLAMP_TO_BORDER,
            GL.GL_TEXTURE_WRAP_T: GL.GL_CLAMP_TO_BORDER,
            GL.GL_TEXTURE_COMPARE_MODE: GL.GL_COMPARE_REF_TO_TEXTURE,
            GL.GL_TEXTURE_COMPARE_FUNC: GL.GL_LEQUAL,
        }
        for name, value in settings.items():
            gl.glTexParameteri(GL.GL_TEXTURE_2D, name, value)

    def resize(self, width: int, height: int) -> None:
        """Forget what was drawn and take another size, texels; whatever draws into it goes on doing so."""
        if (width, height) == self._size:
            return
        self._size = (width, height)
        gl.glBindTexture(GL.GL_TEXTURE_2D, self._texid)
        layout = GL.GL_DEPTH_COMPONENT
        gl.glTexImage2D(GL.GL_TEXTURE_2D, 0, layout, width, height, 0, layout, GL.GL_FLOAT, None)


class PartPrimitive:
    """One part on the card: a buffer that moves (positions, then normals), one that stays (uv, part id, shade), and
    the faces."""

    def __init__(self, part: MeshPart) -> None:
        self.shape = (len(part.vertices), len(part.faces))
        stay = np.zeros((self.shape[0], 4), np.float32)
        if part.uv is not None:
            stay[:, :2] = part.uv
        stay[:, 2] = np.asarray(part.part_id, np.float32) / 255.0
        stay[:, 3] = 1.0 if part.shade is None else part.shade
        short = self.shape[0] <= 0xFFFF
        self._index = GL.GL_UNSIGNED_SHORT if short else GL.GL_UNSIGNED_INT
        faces = np.ascontiguousarray(part.faces, np.uint16 if short else np.uint32)
        # in the order of their first vertices, so that the card finds most of a face's vertices just lit
        first = np.minimum(np.minimum(faces[:, 0], faces[:, 1]), faces[:, 2])
        faces = faces[np.argsort(first, kind="stable")]
        half = 12 * self.shape[0]  # bytes of the positions, and of the normals
        self.nbytes = 2 * half + stay.nbytes + faces.nbytes
        self._vertex_array = gl.new(gl.glGenVertexArrays)
        gl.glBindVertexArray(self._vertex_array)
        self._buffers = [gl.new(gl.glGenBuffers) for _ in range(3)]
        for buffer, size, data, usage, stride, fields in (
            (self._buffers[0], 2 * half, None, GL.GL_DYNAMIC_DRAW, 12, ((0, 3, 0), (1, 3, half))),
            (self._buffers[1], stay.nbytes, stay, GL.GL_STATIC_DRAW, 16, ((2, 2, 0), (3, 1, 8), (4, 1, 12))),
        ):
            gl.glBindBuffer(GL.GL_ARRAY_BUFFER, buffer)
            gl.glBufferData(GL.GL_ARRAY_BUFFER, size, None if data is None else gl.address(data), usage)
            for slot, width, offset in fields:
                gl.glVertexAttribPointer(slot, width, GL.GL_FLOAT, GL.GL_FALSE, stride, offset)
                gl.glEnableVertexAttribArray(slot)
        gl.glBindBuffer(GL.GL_ELEMENT_ARRAY_BUFFER, self._buffers[2])
        gl.glBufferData(GL.GL_ELEMENT_ARRAY_BUFFER, faces.nbytes, gl.address(faces), GL.GL_STATIC_DRAW)
        gl.glBindVertexArray(0)

    def move(self, vertices: np.ndarray, normals: np.ndarray) -> None:
        """Put new positions and normals where the old ones were."""
        gl.glBindBuffer(GL.GL_ARRAY_BUFFER, self._buffers[0])
        for number, values in enumerate((vertices, normals)):
            data = np.ascontiguousarray(values, np.float32)
            gl.glBufferSubData(GL.GL_ARRAY_BUFFER, number * data.nbytes, data.nbytes, gl.address(data))

    def draw(self) -> None:
        """Issue the draw call with whatever program is bound."""
        gl.glBindVertexArray(self._vertex_array)
        gl.glDrawElements(GL.GL_TRIANGLES, 3 * self.shape[1], self._index, None)

    def delete(self) -> None:
        """Free the buffers."""
        gl.free(gl.glDeleteVertexArrays, self._vertex_array)
        gl.free(gl.glDeleteBuffers, *self._buffers)


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
