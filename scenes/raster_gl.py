"""The OpenGL calls that are made hundreds of times a picture, without PyOpenGL's work around each.

PyOpenGL converts every argument and asks the driver for an error after every call, which costs more than most calls
do. Here numbers and addresses go straight to the driver; its error flag stays up until `check` asks for it, once a
picture. Imported only once a context exists.
"""

import ctypes
from collections.abc import Callable
from ctypes import c_float, c_int, c_ssize_t, c_ubyte, c_uint, c_void_p

import numpy as np
from OpenGL import GL
from OpenGL.error import GLError
from OpenGL.platform import PLATFORM


def _function(name: str, *arguments) -> Callable[..., None]:
    address = PLATFORM.getExtensionProcedure(name.encode())
    prototype = ctypes.CFUNCTYPE(None, *arguments)
    return prototype(address) if address else prototype((name, PLATFORM.GL))


glActiveTexture = _function("glActiveTexture", c_uint)
glBindBuffer = _function("glBindBuffer", c_uint, c_uint)
glBindFramebuffer = _function("glBindFramebuffer", c_uint, c_uint)
glBindTexture = _function("glBindTexture", c_uint, c_uint)
glBindVertexArray = _function("glBindVertexArray", c_uint)
glBlendFunc = _function("glBlendFunc", c_uint, c_uint)
glBufferData = _function("glBufferData", c_uint, c_ssize_t, c_void_p, c_uint)
glBufferSubData = _function("glBufferSubData", c_uint, c_ssize_t, c_ssize_t, c_void_p)
glClear = _function("glClear", c_uint)
glClearColor = _function("glClearColor", c_float, c_float, c_float, c_float)
glColorMaski = _function("glColorMaski", c_uint, c_ubyte, c_ubyte, c_ubyte, c_ubyte)
glDeleteBuffers = _function("glDeleteBuffers", c_int, c_void_p)
glDeleteTextures = _function("glDeleteTextures", c_int, c_void_p)
glDeleteVertexArrays = _function("glDeleteVertexArrays", c_int, c_void_p)
glDepthFunc = _function("glDepthFunc", c_uint)
glDepthMask = _function("glDepthMask", c_ubyte)
glDisable = _function("glDisable", c_uint)
glDrawElements = _function("glDrawElements", c_uint, c_int, c_uint, c_void_p)
glEnable = _function("glEnable", c_uint)
glEnableVertexAttribArray = _function("glEnableVertexAttribArray", c_uint)
glFrontFace = _function("glFrontFace", c_uint)
glGenBuffers = _function("glGenBuffers", c_int, c_void_p)
glGenTextures = _function("glGenTextures", c_int, c_void_p)
glGenVertexArrays = _function("glGenVertexArrays", c_int, c_void_p)
glPixelStorei = _function("glPixelStorei", c_uint, c_int)
glPolygonOffset = _function("glPolygonOffset", c_float, c_float)
glReadBuffer = _function("glReadBuffer", c_uint)
glReadPixels = _function("glReadPixels", c_int, c_int, c_int, c_int, c_uint, c_uint, c_void_p)
glTexImage2D = _function("glTexImage2D", c_uint, *[c_int] * 5, c_uint, c_uint, c_void_p)
glTexImage3D = _function("glTexImage3D", c_uint, *[c_int] * 6, c_uint, c_uint, c_void_p)
glTexParameterf = _function("glTexParameterf", c_uint, c_uint, c_float)
glTexParameteri = _function("glTexParameteri", c_uint, c_uint, c_int)
glUniform1i = _function("glUniform1i", c_int, c_int)
glUniform3fv = _function("glUniform3fv", c_int, c_int, c_void_p)
glUniformMatrix3fv = _function("glUniformMatrix3fv", c_int, c_int, c_ubyte, c_void_p)
glUniformMatrix4fv = _function("glUniformMatrix4fv", c_int, c_int, c_ubyte, c_void_p)
glUniform = {n: _function(f"glUniform{n}f", c_int, *[c_float] * n) for n in (1, 2, 3, 4)}
glUseProgram = _function("glUseProgram", c_uint)
glVertexAttribPointer = _function("glVertexAttribPointer", c_uint, c_int, c_uint, c_ubyte, c_int, c_void_p)
glViewport = _function("glViewport", c_int, c_int, c_int, c_int)


def new(generate: Callable[..., None]) -> int:
    """The name of one new object, from glGenBuffers or another of its kind."""
    name = c_uint()
    generate(1, ctypes.addressof(name))
    return name.value


def free(delete: Callable[..., None], *names: int) -> None:
    """Give names back, to glDeleteBuffers or another of its kind."""
    held = (c_uint * len(names))(*names)
    delete(len(names), ctypes.addressof(held))


def address(array: np.ndarray) -> int:
    """Where a contiguous array lies; the caller keeps it alive."""
    return array.__array_interface__["data"][0]


def check() -> None:
    """GLError where any call since the last check went wrong."""
    code = GL.glGetError()
    if code:
        raise GLError(code, description=b"in one of the calls for a picture")
