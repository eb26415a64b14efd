"""What the graphics driver itself needs for the same triangles and pixels: moderngl and nothing that is not needed.

One light with a shadow map, then colour, ids and depth in one pass, read back into arrays. Row 0 is the top: the
projection is upside down, as ours is.
"""

from importlib.metadata import version
from typing import Any

import moderngl
import numpy as np

from scenes.devices import device_index
from scenes.raster_math import clip_from_world, linear_depth, sh_uniforms, shadow_frame
from scenes.renderer import Material, MeshPart, Scene
from synthgen.bench.peer import Shot

SHADOW = 1024

_DEPTH_ONLY = """#version 330 core
in vec3 position;
uniform mat4 clip_from_world;
void main() { gl_Position = clip_from_world * vec4(position, 1.0); }
"""
_NOTHING = """#version 330 core
void main() {}
"""
_VERTEX = """#version 330 core
in vec3 position;
in vec3 normal;
in vec2 uv;
in float part;
uniform mat4 clip_from_world;
uniform mat4 map_from_world;
out vec3 v_normal;
out vec2 v_uv;
out vec3 v_map;
flat out float v_part;
void main() {
    gl_Position = clip_from_world * vec4(position, 1.0);
    vec4 at = map_from_world * vec4(position, 1.0);
    v_map = at.xyz * 0.5 + 0.5;
    v_normal = normal;
    v_uv = uv;
    v_part = part;
}
"""
_FRAGMENT = """#version 330 core
in vec3 v_normal;
in vec2 v_uv;
in vec3 v_map;
flat in float v_part;
uniform sampler2D albedo;
uniform sampler2DShadow shadow;
uniform vec3 base;
uniform vec3 sky[4];
uniform vec3 sun;
uniform vec3 sun_color;
uniform vec2 kind;     // cut-out, unlit
uniform float instance;
layout(location = 0) out vec4 color;
layout(location = 1) out vec4 ids;
void main() {
    vec4 texel = texture(albedo, v_uv);
    if (kind.x > 0.5 && texel.a < 0.5) discard;
    vec3 surface = texel.rgb * texel.rgb * base;
    vec3 n = normalize(gl_FrontFacing ? v_normal : -v_normal);
    float facing = max(dot(n, sun), 0.0);
    float lit = texture(shadow, v_map - vec3(0.0, 0.0, 0.004));
    vec3 light = max(sky[0] + sky[1] * n.y + sky[2] * n.z + sky[3] * n.x, vec3(0.0)) + sun_color * (facing * lit);
    color = vec4(sqrt(min(kind.y > 0.5 ? surface : surface * light, vec3(1.0))), 1.0);
    ids = vec4(instance / 255.0, v_part / 255.0, 0.0, 1.0);
}
"""


class _Mesh:
    """A part on the card; positions and normals are written again where they changed."""

    def __init__(self, context: Any, part: MeshPart, programs: tuple[Any, Any], texture: Any) -> None:
        self.part, self.texture = part, texture
        self._interleaved = np.empty((len(part.vertices), 6), np.float32)
        self._moving = context.buffer(reserve=self._interleaved.nbytes, dynamic=True)
        uv = np.zeros((len(part.vertices), 2)) if part.uv is None else part.uv
        fixed = context.buffer(np.column_stack([uv, part.part_id]).astype(np.float32).tobytes())
        faces = context.buffer(part.faces.astype(np.uint32).tobytes())
        surface, depth = programs
        self.drawn = context.vertex_array(
            surface, [(self._moving, "3f 3f", "position", "normal"), (fixed, "2f 1f", "uv", "part")], faces
        )
        self.shaded = context.vertex_array(depth, [(self._moving, "3f 12x", "position")], faces)
        self._upload(part)

    def move(self, part: MeshPart) -> None:
        if part.vertices is not self.part.vertices:
            self._upload(part)
        self.part = part

    def _upload(self, part: MeshPart) -> None:
        self._interleaved[:, :3], self._interleaved[:, 3:] = part.vertices, part.normals
        self._moving.write(self._interleaved)


class Bare:
    """A context, two programs, two targets."""

    helpers: tuple[int, ...] = ()

    def __init__(self, width: int, height: int) -> None:
        make: Any = moderngl.create_context  # its stub knows no backends
        context = make(standalone=True, backend="egl", require=330, device_index=device_index())
        self.context, self.size = context, (width, height)
        self.description = f"moderngl {version('moderngl')}, {context.info['GL_RENDERER']}"
        self._surface = context.program(_VERTEX, _FRAGMENT)
        self._depth = context.program(_DEPTH_ONLY, _NOTHING)
        self._map = context.depth_texture((SHADOW, SHADOW))
        self._map.compare_func, self._map.repeat_x, self._map.repeat_y = "<=", False, False
        self._shadow = context.framebuffer(depth_attachment=self._map)
        colors = [context.renderbuffer((width, height), 4) for _ in range(2)]
        self._target = context.framebuffer(colors, context.depth_texture((width, height)))
        self._images = [np.empty((height, width, 4), np.uint8) for _ in range(2)]
        self._z = np.empty((height, width), np.float32)
        self._meshes: dict[str, _Mesh] = {}
        self._textures: dict[int, Any] = {}
        self._white = context.texture((1, 1), 4, b"\xff" * 4)
        context.enable(moderngl.DEPTH_TEST)

    def draw(self, scene: Scene) -> Shot:
        for part in scene.parts:
            if part.key in self._meshes:
                self._meshes[part.key].move(part)
            else:
                programs = (self._surface, self._depth)
                self._meshes[part.key] = _Mesh(self.context, part, programs, self._texture(part.material))
        meshes = [self._meshes[part.key] for part in scene.parts]
        into_map = self._cast(scene, meshes)
        near, far = self._light(scene, meshes, into_map)
        width, height = self.size
        for number, image in enumerate(self._images):
            self._target.read_into(image, components=4, attachment=number)
        self._target.read_into(self._z, attachment=-1, dtype="f4")
        rgba, ids = self._images
        covered = rgba[..., 3:] > 0
        rgb = np.where(covered, rgba[..., :3], scene.background)
        instance = ids[..., 0].copy()
        return Shot(rgb, linear_depth(self._z, near, far), (instance > 0) & (instance < 100))

    check = draw

    def _cast(self, scene: Scene, meshes: list[_Mesh]) -> np.ndarray:
        """Draw the shadow map; returns (4, 4) map_from_world."""
        casters = [mesh for mesh in meshes if mesh.part.casts_shadow]
        matrix, _, used = shadow_frame([m.part.vertices for m in casters], scene.light.sun_direction, SHADOW)
        self._shadow.use()
        self._shadow.viewport = (0, 0, *used)
        self._shadow.clear()
        _write(self._depth, "clip_from_world", matrix)
        self.context.disable(moderngl.CULL_FACE)
        for mesh in casters:
            mesh.shaded.render()
        share = np.array(used) / SHADOW
        shrink = np.diag([share[0], share[1], 1.0, 1.0])
        shrink[:2, 3] = share - 1.0
        return shrink @ matrix

    def _light(self, scene: Scene, meshes: list[_Mesh], into_map: np.ndarray) -> tuple[float, float]:
        """Draw the surfaces; returns near and far, m."""
        light, program = scene.light, self._surface
        projection, near, far = clip_from_world(scene)
        self._target.use()
        self._target.clear(0.0, 0.0, 0.0, 0.0)
        _write(program, "clip_from_world", projection)
        _write(program, "map_from_world", into_map)
        sky = sh_uniforms(light.irradiance_sh)[:4] * light.exposure
        program["sky"].write(sky.astype(np.float32).tobytes())
        program["sun"].value = tuple(map(float, light.sun_direction))
        program["sun_color"].value = tuple(float(v) * light.exposure / np.pi for v in light.sun_color)
        program["albedo"].value, program["shadow"].value = 0, 1
        self._map.use(1)
        self.context.front_face = "cw"  # counter-clockwise, in an upside-down picture
        for mesh in meshes:
            material = mesh.part.material
            (self.context.disable if material.double_sided else self.context.enable)(moderngl.CULL_FACE)
            mesh.texture.use(0)
            program["base"].value = tuple(float(v) ** 2 for v in material.color)
            program["kind"].value = (float(material.cutout), float(material.unlit))
            program["instance"].value = float(mesh.part.instance_id)
            mesh.drawn.render()
        return near, far

    def _texture(self, material: Material) -> Any:
        source = material.texture
        if source is None:
            return self._white
        if id(source) not in self._textures:
            made = self.context.texture(source.shape[1::-1], source.shape[2], source[::-1].tobytes(), alignment=1)
            made.build_mipmaps()
            self._textures[id(source)] = made
        return self._textures[id(source)]

    def close(self) -> None:
        self.context.release()


def _write(program: Any, name: str, matrix: np.ndarray) -> None:
    program[name].write(np.ascontiguousarray(matrix.T, np.float32).tobytes())


def open_bare(width: int, height: int) -> Bare:
    """On the device this process was given."""
    return Bare(width, height)
