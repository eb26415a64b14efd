"""The one root of every error the three packages raise on purpose.

A message says what was given, what is allowed and what to do next.
"""


class SynthgenError(Exception):
    """Root of all deliberate errors."""


class ConfigError(SynthgenError):
    """A setting is unknown, of the wrong type or out of range."""


class AssetError(SynthgenError):
    """An asset pack is missing, incomplete or altered."""


class ModelError(SynthgenError):
    """A skeletal model or its coordinates do not fit."""


class MotionError(ModelError):
    """A motion file cannot be read, or what it holds cannot be put on the skeleton."""


class DatasetError(SynthgenError):
    """A dataset folder cannot be written, resumed or read."""


class RenderError(SynthgenError):
    """No graphics context, or the picture could not be drawn."""


class GraphicsLost(RenderError):
    """The graphics driver gave up in the middle of its work; a new process may well succeed."""
