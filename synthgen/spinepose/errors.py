"""What the trainer and its models refuse; all derive from the packages' one root."""

from biomech.errors import SynthgenError


class SpinePoseError(SynthgenError):
    """A setting, an input or a file of the pose model does not fit."""


class CheckpointError(SpinePoseError):
    """A checkpoint cannot be read, or belongs to another model or schema."""


class TeacherError(SpinePoseError):
    """A teacher's file is missing, of another graph, or does not fit the student."""
