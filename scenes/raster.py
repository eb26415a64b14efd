"""The picture maker: scenes.renderer.Scene -> Frame with pyrender over EGL or OSMesa, on a processor or a card.

Only scenes/raster*.py import pyrender or OpenGL, and only once a renderer is created.
"""

import ctypes
import ctypes.util
import os
import sys
from typing import Any

from biomech.errors import RenderError
from scenes.lens import through_lens
from scenes.renderer import Frame, Scene, check_size

_LIBRARIES = {"egl": ("EGL", "libEGL.so.1"), "osmesa": ("OSMesa", "libOSMesa.so.8")}
_ADVICE = (
    "install 'libegl1 libgl1-mesa-dri' for EGL or 'libosmesa6' for OSMesa (apt-get install ...), "
    "then choose platform egl, osmesa or auto"
)


def available_platforms() -> tuple[str, ...]:
    """Platforms whose system library is present and, for EGL, shows at least one device; best first."""
    return tuple(name for name in _LIBRARIES if _usable(name))


def _usable(name: str) -> bool:
    library = _load(name)
    if library is None or name != "egl":
        return library is not None
    library.eglGetProcAddress.restype = ctypes.c_void_p
    address = library.eglGetProcAddress(b"eglQueryDevicesEXT")
    if not address:
        return True  # an EGL too old to list devices; the attempt will tell
    count = ctypes.c_int(0)
    query = ctypes.CFUNCTYPE(ctypes.c_uint, ctypes.c_int, ctypes.c_void_p, ctypes.POINTER(ctypes.c_int))(address)
    return bool(query(0, None, ctypes.byref(count))) and count.value > 0


def _load(name: str) -> ctypes.CDLL | None:
    short, exact = _LIBRARIES[name]
    for candidate in (exact, ctypes.util.find_library(short)):
        try:
            if candidate:
                return ctypes.CDLL(candidate)
        except OSError:
            continue
    return None


def _bound_platform() -> str | None:
    """Platform PyOpenGL took when it was imported, None if it was not; "glx" and the like cannot draw off screen."""
    module = sys.modules.get("OpenGL.platform")
    if module is None:
        return None
    return type(module.PLATFORM).__name__.removesuffix("Platform").lower()


def _choose(platform: str) -> str:
    if platform not in ("auto", *_LIBRARIES):
        raise RenderError(f"platform {platform!r} is not known; choose egl, osmesa or auto")
    bound = _bound_platform()
    if bound is not None:
        if bound not in _LIBRARIES or platform not in ("auto", bound):
            raise RenderError(
                f"this process has already bound PyOpenGL to {bound}, which happens once; "
                f"draw through {platform} in a new process that creates its renderer before importing OpenGL"
            )
        return bound
    found = available_platforms()
    wanted = found if platform == "auto" else tuple(name for name in found if name == platform)
    if not wanted:
        raise RenderError(f"no OpenGL platform for {platform!r} (found: {', '.join(found) or 'none'}); {_ADVICE}")
    return wanted[0]


class PyrenderRenderer:
    """Owns a graphics context; one per worker process.

    The picture is a pure function of the scene. On a software driver LP_NUM_THREADS=1 in the environment keeps each
    worker to one core; it is set here unless it already is.

    Args:
        width: picture width, px.
        height: picture height, px.
        platform: "egl", "osmesa" or "auto" (EGL where there is one).
        memory_limit: bytes of vertex buffers and textures kept for later pictures.

    Raises:
        RenderError: no platform gives a context.
    """

    def __init__(self, width: int, height: int, platform: str = "auto", memory_limit: int = 96 * 2**20) -> None:
        if width < 1 or height < 1:
            raise RenderError(f"a picture of {width}x{height} px cannot be drawn; give a positive width and height")
        self.width, self.height = width, height
        self.platform = _choose(platform)
        os.environ["PYOPENGL_PLATFORM"] = self.platform
        os.environ.setdefault("LP_NUM_THREADS", "1")
        try:
            from scenes.raster_offscreen import Offscreen

            self._offscreen: Any = Offscreen(width, height, memory_limit)
        except RenderError:
            raise
        except Exception as error:  # drivers fail in every way there is
            raise RenderError(f"{self.platform} gives no OpenGL context ({error!r}); {_ADVICE}") from error
        self.description = self._offscreen.description

    def render(self, scene: Scene) -> Frame:
        """Draw a scene.

        Raises:
            RenderError: the camera or background size is not the renderer's, or a part is malformed.
        """
        if self._offscreen is None:
            raise RenderError("this renderer was closed; create a new one")
        check_size(scene, self.width, self.height)
        keys = [part.key for part in scene.parts]
        if len(set(keys)) != len(keys):
            twice = next(key for key in keys if keys.count(key) > 1)
            raise RenderError(f"two parts share the key {twice!r}; every part of a scene needs its own")
        if any(scene.camera.distortion):
            return through_lens(scene, self._offscreen.draw)
        return self._offscreen.draw(scene)

    @property
    def resident_bytes(self) -> int:
        """Bytes of vertex buffers and textures now kept for later pictures."""
        return self._offscreen.resident_bytes

    def start_timing(self) -> dict[str, float]:
        """Seconds per pass, summed over the pictures from here on; passes are made to finish one by one."""
        return self._offscreen.start_timing()

    def close(self) -> None:
        """Free the context; a second call does nothing."""
        if self._offscreen is not None:
            self._offscreen.delete()
            self._offscreen = None
