"""What an annotation project refuses; all derive from the packages' one root."""

from typing import TYPE_CHECKING

from biomech.errors import SynthgenError

if TYPE_CHECKING:
    from synthgen.active.records import PersonView


class ProjectError(SynthgenError):
    """A project, a picture or a request does not fit."""


class Conflict(ProjectError):
    """Somebody else has saved this person meanwhile.

    Attributes:
        view: the person as it is now.
    """

    def __init__(self, message: str, view: "PersonView") -> None:
        super().__init__(message)
        self.view = view


class LeaseTaken(ProjectError):
    """Somebody else is working on this person.

    Attributes:
        by: who. until: when the lease ends, seconds since 1970.
    """

    def __init__(self, message: str, by: str, until: float) -> None:
        super().__init__(message)
        self.by, self.until = by, until
