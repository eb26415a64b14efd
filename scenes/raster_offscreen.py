"""pyrender's off-screen renderer with its scene-graph renderer exchanged for scenes.raster_passes."""

import ctypes
import os
from typing import Any

import pyrender
from OpenGL import GL
from OpenGL.error import Error as AnyGLError

from biomech.errors import GraphicsLost
from scenes.devices import check_device, note_driver
from scenes.raster_passes import PassRenderer
from scenes.renderer import Frame, Scene


class Offscreen(pyrender.OffscreenRenderer):
    """A context that draws scenes.renderer.Scene."""

    _platform: Any
    _renderer: Any

    def __init__(self, width: int, height: int, memory_limit: int) -> None:
        self._memory_limit = memory_limit
        super().__init__(width, height)
        self.description = bytes(GL.glGetString(GL.GL_RENDERER)).decode()
        note_driver(self.description)

    def _create(self) -> None:
        if os.environ.get("PYOPENGL_PLATFORM") == "osmesa":
            _complete_osmesa()
        else:
            check_device()
        super()._create()
        self._renderer = PassRenderer(self.viewport_width, self.viewport_height, self._memory_limit)

    def draw(self, scene: Scene) -> Frame:
        """Draw with this context current, so that several renderers may share a process."""
        try:
            self._platform.make_current()
            return self._renderer.draw_scene(scene)
        except AnyGLError as error:
            said = " ".join(str(error).split())[:200]
            raise GraphicsLost(f"the graphics driver failed ({type(error).__name__}: {said})") from error

    @property
    def resident_bytes(self) -> int:
        """Bytes kept on the card."""
        return self._renderer.resident_bytes

    def start_timing(self) -> dict[str, float]:
        """See scenes.raster.PyrenderRenderer.start_timing."""
        self._renderer.timings = {}
        return self._renderer.timings

    def delete(self) -> None:
        """Free the card's memory and this context, but leave the display to other renderers of the process."""
        if self._platform is None:
            return
        self._platform.make_current()
        self._renderer.delete()
        display, context = getattr(self._platform, "_egl_display", None), getattr(self._platform, "_egl_context", None)
        if display is None:
            self._platform.delete_context()
        else:
            # pyrender would terminate the display, which takes every other context of the process with it
            from OpenGL import EGL

            self._platform.make_uncurrent()
            EGL.eglDestroyContext(display, context)
            self._platform._egl_display = self._platform._egl_context = None
        self._renderer = self._platform = None


def _complete_osmesa() -> None:
    """Add what pyrender needs of OSMesa and PyOpenGL 3.1.0, which pyrender pins, lacks: contexts by attribute."""
    from OpenGL import osmesa, platform

    if hasattr(osmesa, "OSMesaCreateContextAttribs"):
        return
    context = osmesa.OSMesaContext
    # PyOpenGL keeps its data in a dictionary by context, and these pointers cannot be hashed
    context.__hash__ = _address
    context.__eq__ = lambda a, b: _address(a) == _address(b)
    create = platform.PLATFORM.OSMesa.OSMesaCreateContextAttribs
    create.restype, create.argtypes = osmesa.OSMesaContext, [ctypes.POINTER(ctypes.c_int), osmesa.OSMesaContext]
    osmesa.OSMesaCreateContextAttribs = lambda wanted, shared: create((ctypes.c_int * len(wanted))(*wanted), shared)
    names = {"FORMAT": 0x22, "DEPTH_BITS": 0x30, "PROFILE": 0x33, "CORE_PROFILE": 0x34}
    names |= {"CONTEXT_MAJOR_VERSION": 0x36, "CONTEXT_MINOR_VERSION": 0x37}
    for name, value in names.items():  # from GL/osmesa.h
        setattr(osmesa, f"OSMESA_{name}", value)


def _address(pointer: Any) -> int:
    return ctypes.cast(pointer, ctypes.c_void_p).value or 0
