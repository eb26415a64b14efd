"""The container of glTF 2.0: arrays, pictures and materials into one .glb file, bytes equal for equal content.

Written after the Khronos specification (https://registry.khronos.org/glTF/specs/2.0/glTF-2.0.html).
"""

import struct
from typing import Any

import cv2
import numpy as np

from biomech.errors import SynthgenError
from scenes.renderer import Material
from synthgen.settings import canonical_json

ARRAY_BUFFER, ELEMENT_ARRAY_BUFFER = 34962, 34963
_COMPONENTS = {"uint8": 5121, "uint16": 5123, "uint32": 5125, "float32": 5126}
_SHAPES = {(): "SCALAR", (2,): "VEC2", (3,): "VEC3", (4,): "VEC4", (4, 4): "MAT4"}


class Glb:
    """A file in the making. Every `add_*` and `node` returns the index that other parts of the file refer to."""

    def __init__(self, generator: str, copyright: str = "") -> None:
        asset = {"version": "2.0", "generator": generator} | ({"copyright": copyright} if copyright else {})
        self.root: dict[str, Any] = {"asset": asset, "scene": 0, "scenes": [{"nodes": []}]}
        self._blobs: list[bytes] = []
        self._size = 0
        self._pictures: dict[int, tuple[np.ndarray, int]] = {}  # id -> (kept alive, texture)

    def append(self, key: str, item: dict[str, Any]) -> int:
        """Put an object into a list of the root and name the extensions it uses."""
        self.root.setdefault(key, []).append(item)
        for name in item.get("extensions", {}):
            self.use(name)
        return len(self.root[key]) - 1

    def use(self, extension: str) -> None:
        """Declare an extension; none is required to open the file."""
        used = self.root.setdefault("extensionsUsed", [])
        if extension not in used:
            used.append(extension)

    def add_array(self, values: np.ndarray, target: int | None = None, bounds: bool = False) -> int:
        """An accessor. Matrices are (n, 4, 4) as numpy has them; glTF's column order is made here.

        Args:
            target: ARRAY_BUFFER for vertex data, ELEMENT_ARRAY_BUFFER for faces, None for the rest.
            bounds: state least and largest values, which positions must have.
        """
        values = np.ascontiguousarray(values)
        shape = values.shape[1:]
        if values.dtype.name not in _COMPONENTS or shape not in _SHAPES:
            raise SynthgenError(
                f"glTF holds no array of {values.dtype.name} {values.shape}; allowed: {', '.join(_COMPONENTS)}, one "
                "number, vector of 2 to 4 or 4x4 matrix per row"
            )
        accessor: dict[str, Any] = {
            "componentType": _COMPONENTS[values.dtype.name],
            "count": len(values),
            "type": _SHAPES[shape],
        }
        if bounds:
            accessor |= {"min": values.min(0).tolist(), "max": values.max(0).tolist()}
        data = values.transpose(0, 2, 1).tobytes() if shape == (4, 4) else values.tobytes()
        accessor["bufferView"] = self._view(data, target)
        return self.append("accessors", accessor)

    def _view(self, data: bytes, target: int | None = None) -> int:
        view: dict[str, Any] = {"buffer": 0, "byteOffset": self._size, "byteLength": len(data)}
        if target is not None:
            view["target"] = target
        padded = data + b"\0" * (-len(data) % 4)
        self._blobs.append(padded)
        self._size += len(padded)
        return self.append("bufferViews", view)

    def add_picture(self, pixels: np.ndarray) -> int:
        """A texture of an sRGB picture (h, w, 3 or 4) uint8, stored as PNG; the same array is stored once."""
        known = self._pictures.get(id(pixels))
        if known is not None:
            return known[1]
        order = cv2.COLOR_RGBA2BGRA if pixels.shape[2] == 4 else cv2.COLOR_RGB2BGR
        done, data = cv2.imencode(".png", cv2.cvtColor(np.ascontiguousarray(pixels), order))
        if not done:
            raise SynthgenError(f"a texture of shape {pixels.shape} {pixels.dtype} could not be encoded as PNG")
        image = self.append("images", {"bufferView": self._view(data.tobytes()), "mimeType": "image/png"})
        if "samplers" not in self.root:  # smooth, with mip levels, repeated
            self.append("samplers", {"magFilter": 9729, "minFilter": 9987, "wrapS": 10497, "wrapT": 10497})
        texture = self.append("textures", {"sampler": 0, "source": image})
        self._pictures[id(pixels)] = (pixels, texture)
        return texture

    def add_material(self, name: str, material: Material) -> int:
        """A metallic-roughness material; reflectance at normal incidence goes into KHR_materials_ior."""
        pbr: dict[str, Any] = {
            "baseColorFactor": [*linear(material.color), 1.0],
            "metallicFactor": 0.0,
            "roughnessFactor": float(material.roughness),
        }
        if material.texture is not None:
            pbr["baseColorTexture"] = {"index": self.add_picture(material.texture)}
        out: dict[str, Any] = {"name": name, "pbrMetallicRoughness": pbr}
        if material.cutout:
            out |= {"alphaMode": "MASK", "alphaCutoff": 0.5}
        if material.double_sided:
            out["doubleSided"] = True
        root = float(np.sqrt(material.specular))
        out["extensions"] = (
            {"KHR_materials_unlit": {}} if material.unlit else {"KHR_materials_ior": {"ior": (1 + root) / (1 - root)}}
        )
        return self.append("materials", out)

    def node(self, name: str, world: np.ndarray | None = None, **fields: Any) -> int:
        """A node; `world` (4, 4) is its rigid placement in the parent."""
        item: dict[str, Any] = {"name": name, **fields}
        if world is not None:
            item |= placement(world)
        return self.append("nodes", item)

    def encode(self, top: list[int]) -> bytes:
        """The file's bytes; `top` are the scene's nodes."""
        self.root["scenes"][0]["nodes"] = top
        self.root["buffers"] = [{"byteLength": self._size}]
        text = canonical_json(self.root).encode()
        text += b" " * (-len(text) % 4)
        body = b"".join(self._blobs)
        size = 12 + 8 + len(text) + 8 + len(body)
        head = struct.pack("<4sII", b"glTF", 2, size) + struct.pack("<I4s", len(text), b"JSON")
        return head + text + struct.pack("<I4s", len(body), b"BIN\0") + body


def linear(color: tuple[float, float, float]) -> list[float]:
    """sRGB in [0, 1] -> linear."""
    c = np.asarray(color, float)
    return np.where(c <= 0.04045, c / 12.92, ((c + 0.055) / 1.055) ** 2.4).tolist()


def placement(matrix: np.ndarray) -> dict[str, list[float]]:
    """A rigid (4, 4) as translation and rotation (quaternion x, y, z, w).

    Raises:
        SynthgenError: the matrix scales or shears.
    """
    from scipy.spatial.transform import Rotation

    turn = matrix[:3, :3]
    if not np.allclose(turn @ turn.T, np.eye(3), atol=1e-6) or np.linalg.det(turn) < 0:
        raise SynthgenError("a bone or camera is scaled, sheared or mirrored; glTF nodes here hold rigid frames only")
    return {"translation": matrix[:3, 3].tolist(), "rotation": Rotation.from_matrix(turn).as_quat().tolist()}
