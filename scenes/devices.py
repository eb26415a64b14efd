"""Which graphics card a process draws on: the devices EGL lists, and the one this process was given.

Needs only the system's EGL library, so that devices can be listed before anything is drawn. Numbers are positions in
EGL's own list, which is what pyrender's EGL_DEVICE_ID means too; they need not be CUDA's.
"""

import ctypes
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from biomech.errors import RenderError

VARIABLE = "EGL_DEVICE_ID"  # what pyrender reads when it makes a context
_EXTENSIONS, _RENDERER, _DRM_FILE = 0x3055, 0x335F, 0x3233  # from EGL/egl.h and eglext.h
_SOFTWARE = ("llvmpipe", "softpipe", "swrast", "software rasterizer", "swiftshader")
_MOST = 64


@dataclass(frozen=True, slots=True)
class Device:
    """A device as EGL describes it.

    Attributes:
        number: its place in EGL's list.
        name: what the driver calls it, or its device file; "" where it says neither.
        software: whether it draws with the processor.
    """

    number: int
    name: str
    software: bool

    def __str__(self) -> str:
        what = "software, no graphics card" if self.software else "graphics card"
        return f"{self.number}: {self.name} ({what})" if self.name else f"{self.number}: {what}"


def list_devices() -> tuple[Device, ...]:
    """Every device of this machine; empty without EGL, or with one too old to list them."""
    try:
        library = ctypes.CDLL("libEGL.so.1")
        library.eglGetProcAddress.restype = ctypes.c_void_p
    except (OSError, AttributeError):
        return ()
    query = _function(library, "eglQueryDevicesEXT", ctypes.c_uint, ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p)
    text = _function(library, "eglQueryDeviceStringEXT", ctypes.c_char_p, ctypes.c_void_p, ctypes.c_int)
    if query is None or text is None:
        return ()
    handles, count = (ctypes.c_void_p * _MOST)(), ctypes.c_int(0)
    if not query(_MOST, handles, ctypes.byref(count)):
        return ()
    return tuple(_described(number, handles[number], text) for number in range(count.value))


def _function(library, name: str, result, *arguments):
    address = library.eglGetProcAddress(name.encode())
    return ctypes.CFUNCTYPE(result, *arguments)(address) if address else None


def _described(number: int, handle: int | None, text) -> Device:
    extensions = (text(handle, _EXTENSIONS) or b"").decode("ascii", "replace").split()
    name = b""
    if "EGL_EXT_device_query_name" in extensions:
        name = text(handle, _RENDERER) or b""
    if not name and "EGL_EXT_device_drm" in extensions:
        name = text(handle, _DRM_FILE) or b""
    shown = name.decode("ascii", "replace")
    return Device(number, shown, "EGL_MESA_device_software" in extensions or is_software(shown))


def is_software(renderer: str) -> bool:
    """Whether a GL_RENDERER string names a driver that draws with the processor."""
    return any(word in renderer.lower() for word in _SOFTWARE)


def device_index() -> int:
    """The device this process draws on."""
    text = os.environ.get(VARIABLE, "0")
    if not text.isdigit():
        raise RenderError(f"the environment variable {VARIABLE} is '{text}'; give a device's number, or leave it unset")
    return int(text)


def choose_devices(text: str, devices: Sequence[Device] | None = None) -> tuple[int, ...]:
    """The devices that "0,1" or "all" names, in that order; "all" is every graphics card.

    Args:
        devices: those there are; None to ask EGL.

    Raises:
        RenderError: no such device, one twice, or not written like that.
    """
    found = list_devices() if devices is None else tuple(devices)
    there = "; ".join(str(device) for device in found) or "none: EGL lists no device here"
    if text.strip().lower() == "all":
        cards = tuple(device.number for device in found if not device.software)
        if not cards:
            raise RenderError(f"there is no graphics card to draw on; devices are {there}. Leave --gpus out")
        return cards
    words = [word.strip() for word in text.split(",")]
    if not all(word.isdigit() for word in words):
        raise RenderError(f"--gpus is '{text}'; write numbers of devices, like 0,1, or all. Devices are {there}")
    wanted = tuple(int(word) for word in words)
    twice = sorted({number for number in wanted if wanted.count(number) > 1})
    if twice:
        raise RenderError(f"--gpus names device {twice[0]} twice; name each once, --workers says how many share it")
    missing = sorted(set(wanted) - {device.number for device in found})
    if missing:
        names = ", ".join(map(str, missing))
        raise RenderError(f"there is no device {names}; devices are {there}")
    return wanted


def check_device() -> None:
    """RenderError where the environment asks for a device that EGL does not list."""
    if os.environ.get(VARIABLE):
        found, number = list_devices(), device_index()
        if found and number >= len(found):
            there = "; ".join(str(device) for device in found)
            raise RenderError(f"{VARIABLE} is {number} and there is no such device; devices are {there}")


_driver = ""


def note_driver(renderer: str) -> None:
    """Remember what this process draws on, its GL_RENDERER; a process has one graphics context."""
    global _driver
    _driver = renderer


def driver() -> str:
    """The GL_RENDERER this process draws on; "" before the first picture, or where it does not draw with OpenGL."""
    return _driver


@contextmanager
def drawing_on(device: int | None) -> Iterator[None]:
    """Processes started meanwhile draw on this device; None leaves the choice to the environment."""
    if device is None:
        yield
        return
    before = os.environ.get(VARIABLE)
    os.environ[VARIABLE] = str(device)
    try:
        yield
    finally:
        if before is None:
            del os.environ[VARIABLE]
        else:
            os.environ[VARIABLE] = before
