"""What stays on the card between pictures: parts by key, textures by content, the oldest leave first."""

import hashlib
import weakref
from collections import OrderedDict
from dataclasses import dataclass, field
from itertools import count

import numpy as np

from scenes.extent import bounds
from scenes.raster_context import Image2D, PartPrimitive
from scenes.raster_math import mip_levels, relief_levels
from scenes.renderer import MeshPart

_CORNERS = np.array([[(k >> axis) & 1 for axis in range(3)] for k in range(8)], bool)

_BY_OBJECT = b"object "
"""What the name of a texture begins with that is known by its object, not by its content."""

_SPARE = 8 << 20
"""Most bytes of textures kept for others of their size."""


@dataclass(slots=True)
class Relief:
    """A surface's detail on the card: its picture, the slope that full scale stands for, and what it was made of."""

    image: Image2D
    gain: float
    digest: bytes
    source: weakref.ref


@dataclass(slots=True)
class Resident:
    """A part of the current scene with its graphics objects."""

    current: MeshPart | None
    primitive: PartPrimitive
    texture: Image2D | None
    digest: bytes
    source: weakref.ref | None
    linear_color: tuple[float, ...]
    relief: "Relief | None" = None
    is_ground: bool = False
    corners: np.ndarray = field(default_factory=lambda: np.zeros((8, 3)))

    @property
    def part(self) -> MeshPart:
        """The part as the scene in work gives it."""
        if self.current is None:
            raise RuntimeError("a part was used outside of its scene")
        return self.current

    @property
    def lost(self) -> bool:
        """Whether a picture it shows was given up by everybody, so that no part can ask for it again."""
        relief = self.relief
        return _given_up(self.source, self.digest) or (relief is not None and _given_up(relief.source, relief.digest))

    def settle(self, part: MeshPart) -> None:
        """Take the part's new vertices and factors."""
        self.current = part
        self.linear_color = _linear(part.material.color)
        self.primitive.move(part.vertices, part.normals)
        low, high = bounds(part.vertices)
        self.is_ground = part.instance_id == 0 and bool(low[1] > -0.05 and high[1] < 0.05)
        self.corners = np.where(_CORNERS, high, low).astype(np.float64)


class PartCache:
    """Parts and textures on the card, at most `limit` bytes of them besides those in use."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._parts: OrderedDict[str, Resident] = OrderedDict()
        self._textures: dict[bytes, list] = {}  # digest -> [texture, users]
        self._spare: list[Image2D] = []
        self._gains: dict[bytes, float] = {}
        self._known: dict[int, tuple[weakref.ref, bytes]] = {}
        self._numbers = count()
        self.nbytes = 0

    def update(self, parts: tuple[MeshPart, ...]) -> list[Resident]:
        """Bring every part of a scene to the card; opaque before cut-out, people before scenery.

        That order lets the depth test reject hidden fragments before they are shaded.
        """
        for part in parts:
            resident = self._parts.get(part.key)
            if resident is not None and not self._still_fits(resident, part):
                self._drop(part.key)
                resident = None
            if resident is None:
                resident = self._add(part)
            self._parts.move_to_end(part.key)
            resident.settle(part)
        using = {part.key for part in parts}
        for key in [key for key, resident in self._parts.items() if resident.lost and key not in using]:
            self._drop(key)
        while self.nbytes > self._limit and len(self._parts) > len(using):
            self._drop(next(key for key in self._parts if key not in using))
        found = [self._parts[part.key] for part in parts]
        return sorted(found, key=lambda r: (r.part.material.cutout, r.part.instance_id == 0))

    def _still_fits(self, resident: Resident, part: MeshPart) -> bool:
        """A guard for callers that reuse a key: sizes must agree, and a texture object not seen before is compared."""
        if resident.primitive.shape != (len(part.vertices), len(part.faces)):
            return False
        texture = part.material.texture if part.uv is not None else None
        detail = part.material.detail if part.uv is not None else None
        if (texture is None) != (resident.source is None) or (detail is None) != (resident.relief is None):
            return False
        if texture is not None and resident.source is not None and resident.source() is not texture:
            if self._digest_of(texture) != resident.digest:
                return False
            resident.source = weakref.ref(texture)
        if detail is not None and resident.relief is not None and resident.relief.source() is not detail:
            if self._digest_of(detail) != resident.relief.digest:
                return False
            resident.relief.source = weakref.ref(detail)
        return True

    def _add(self, part: MeshPart) -> Resident:
        texture, digest = None, b""
        if part.material.texture is not None and part.uv is not None:
            digest = self._digest_of(part.material.texture)
            if digest not in self._textures:
                self._textures[digest] = [self._on_card(mip_levels(part.material.texture)), 0]
            self._textures[digest][1] += 1
            texture = self._textures[digest][0]
        primitive = PartPrimitive(part)
        self.nbytes += primitive.nbytes
        source = None if texture is None else weakref.ref(part.material.texture)
        resident = Resident(part, primitive, texture, digest, source, _linear(part.material.color), self._relief(part))
        self._parts[part.key] = resident
        return resident

    def _relief(self, part: MeshPart) -> Relief | None:
        height = part.material.detail
        if height is None or part.uv is None:
            return None
        digest = self._digest_of(height)
        if digest not in self._textures:
            levels, gain = relief_levels(height)
            self._textures[digest] = [self._on_card(levels), 0]
            self._gains[digest] = gain
        self._textures[digest][1] += 1
        return Relief(self._textures[digest][0], self._gains[digest], digest, weakref.ref(height))

    def _on_card(self, levels: list[np.ndarray]) -> Image2D:
        """A texture, in the place of one of its size that left where there is one.

        A software driver takes its textures from the process's heap, aligned; the hole that one leaves is too small
        for the next of the same size, aligned anew, and a worker would end up with a third more than it uses.
        """
        image = next((spare for spare in self._spare if spare.shape == levels[0].shape), None)
        if image is None:
            image = Image2D(levels, repeat=True)
            image._add_to_context()
        else:
            self._spare.remove(image)
            image.replace(levels)
        self.nbytes += image.nbytes
        return image

    def _digest_of(self, texture: np.ndarray) -> bytes:
        """What names a texture: its object where that cannot change, otherwise its content."""
        if texture.flags.writeable:
            return _digest(texture)
        known = self._known.get(id(texture))
        if known is not None and known[0]() is texture:
            return known[1]
        self._known[id(texture)] = (weakref.ref(texture), _BY_OBJECT + b"%d" % next(self._numbers))
        if len(self._known) > 4096:
            self._known = {k: v for k, v in self._known.items() if v[0]() is not None}
        return self._known[id(texture)][1]

    def _drop(self, key: str) -> None:
        resident = self._parts.pop(key)
        resident.primitive.delete()
        self.nbytes -= resident.primitive.nbytes
        if resident.texture is not None:
            self._unuse(resident.digest)
        if resident.relief is not None:
            self._unuse(resident.relief.digest)

    def _unuse(self, digest: bytes) -> None:
        entry = self._textures[digest]
        entry[1] -= 1
        if entry[1] == 0:
            self.nbytes -= entry[0].nbytes
            self._spare.append(entry[0])
            while sum(image.nbytes for image in self._spare) > _SPARE:
                self._spare.pop(0).delete()
            del self._textures[digest]
            self._gains.pop(digest, None)

    def release(self) -> None:
        """Let go of the caller's arrays; only the card's copies stay."""
        for resident in self._parts.values():
            resident.current = None

    def clear(self) -> None:
        """Free everything."""
        for key in list(self._parts):
            self._drop(key)
        while self._spare:
            self._spare.pop().delete()


def _given_up(source: weakref.ref | None, digest: bytes) -> bool:
    return source is not None and source() is None and digest.startswith(_BY_OBJECT)


def _linear(color: tuple[float, float, float]) -> tuple[float, ...]:
    return tuple(c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in map(float, color))


def _digest(texture: np.ndarray) -> bytes:
    body = np.ascontiguousarray(texture)
    return hashlib.blake2b(body.data, digest_size=16, person=str(body.shape).encode()[:16]).digest()
