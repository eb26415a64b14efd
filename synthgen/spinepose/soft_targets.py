"""What a teacher is and what it gives. B batch, K the student's keypoints, W and H its input size."""

from collections.abc import Sequence
from typing import NamedTuple, Protocol

from torch import Tensor


class TeacherTargets(NamedTuple):
    """What a teacher says of a batch.

    Attributes:
        simcc_x: (B, K, 2W) distributions, uniform where the teacher knows nothing. simcc_y: (B, K, 2H).
        mask: (B, K) 0..1, how much to trust each.
    """

    simcc_x: Tensor
    simcc_y: Tensor
    mask: Tensor


class Teacher(Protocol):
    """Anything that gives soft targets.

    Attributes:
        keypoints: the student's. names: those of them that it knows.
        view: width and height of the widest pictures it can use, in the student's zoom, px.
        digest: of its weights and settings, for the cache.
    """

    keypoints: tuple[str, ...]
    names: tuple[str, ...]
    view: tuple[int, int]
    digest: str

    def predict(self, images: Tensor) -> TeacherTargets:
        """Targets for (B, 3, H, W) RGB 0..255 crops of the student's shape, or larger ones of its zoom and centre."""
        ...


def scatter(x: Tensor, y: Tensor, mask: Tensor, names: Sequence[str], keypoints: Sequence[str]) -> TeacherTargets:
    """Rows of the known points among all of the student's; the others uniform, with mask 0."""
    rows = [list(keypoints).index(name) for name in names]
    whole = []
    for value in (x, y):
        full = value.new_full((len(value), len(keypoints), value.shape[-1]), 1.0 / value.shape[-1])
        full[:, rows] = value
        whole.append(full)
    trust = mask.new_zeros(len(mask), len(keypoints))
    trust[:, rows] = mask
    return TeacherTargets(whole[0], whole[1], trust)
