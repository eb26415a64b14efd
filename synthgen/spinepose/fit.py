"""One model's input laid into another's: the affine between a student's crop and its teacher's."""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from synthgen.spinepose.codec import SPLIT
from synthgen.spinepose.errors import TeacherError


@dataclass(frozen=True, slots=True)
class Fit:
    """The student's input laid into the teacher's: teacher px = zoom * student px + shift.

    Attributes:
        zoom, shift: of the map. student, size: W, H of the student's and of the teacher's input.
    """

    zoom: float
    shift: tuple[float, float]
    student: tuple[int, int]
    size: tuple[int, int]

    @property
    def view(self) -> tuple[int, int]:
        """W, H of all the teacher sees, in student px; at least the student's input, and centred on it."""
        width, height = (
            s + 2 * max(0, round((t / self.zoom - s) / 2)) for s, t in zip(self.student, self.size, strict=True)
        )
        return width, height

    def to_teacher(self, points: Tensor) -> Tensor:
        """(..., 2) px of the student's input as px of the teacher's."""
        return points * self.zoom + points.new_tensor(self.shift)

    def to_student(self, points: Tensor) -> Tensor:
        """(..., 2) undoes `to_teacher`."""
        return (points - points.new_tensor(self.shift)) / self.zoom

    def images(self, images: Tensor) -> Tensor:
        """The student's crop, or a larger view around it, as the teacher sees it: bilinear, black around.

        Raises:
            TeacherError: the pictures are smaller than the student's input.
        """
        margin = [
            (given - own) / 2 for given, own in zip((images.shape[3], images.shape[2]), self.student, strict=True)
        ]
        if min(margin) < 0:
            raise TeacherError(
                f"a teacher was given pictures of {tuple(images.shape[2:])}, "
                f"less than the student's {self.student[::-1]}"
            )
        width, height = self.size
        x = (torch.arange(width, device=images.device) - self.shift[0]) / self.zoom + margin[0]
        y = (torch.arange(height, device=images.device) - self.shift[1]) / self.zoom + margin[1]
        # grid_sample's own coordinates, with the centre of the first and last pixel at -1 and 1.
        grid = torch.stack(
            torch.meshgrid(2 * x / (images.shape[3] - 1) - 1, 2 * y / (images.shape[2] - 1) - 1, indexing="xy"), -1
        )
        grid = grid.to(torch.float32).expand(len(images), -1, -1, -1)
        return nn.functional.grid_sample(images.float(), grid, mode="bilinear", align_corners=True)

    def resample(self, share: Tensor, axis: int, first: float, step: float, bins: int) -> tuple[Tensor, Tensor]:
        """A distribution along an axis of the teacher's input over the student's bins.

        Args:
            share: (B, K, n) probability of each cell. axis: 0 for x, 1 for y.
            first, step: centre of the first cell and distance of cells, teacher px.
            bins: of the student.

        Returns:
            (B, K, bins) distributions, and (B, K) the part of the mass that lies inside the student's input.
        """
        at = (
            torch.arange(bins, device=share.device, dtype=torch.float32) / SPLIT * self.zoom + self.shift[axis] - first
        ) / step
        cell = torch.arange(share.shape[-1], device=share.device, dtype=torch.float32)
        # Linear between cell centres; the outermost half cells keep their density.
        weight = torch.relu(1 - (at.clamp(0, len(cell) - 1) - cell[:, None]).abs())
        weight = weight * ((at > -0.5 - 1e-4) & (at < len(cell) - 0.5 + 1e-4))
        density = share.float() @ weight
        total = density.sum(-1, keepdim=True)
        inside = (total.squeeze(-1) * self.zoom / SPLIT / step).clamp(0, 1)
        uniform = torch.full_like(density, 1.0 / bins)
        return torch.where(total > 1e-6, density / total.clamp(min=1e-6), uniform), inside


def fit(student: tuple[int, int], teacher: tuple[int, int]) -> Fit:
    """The map that lays the student's input, whole and centred, into the teacher's; sizes are W, H."""
    zoom = min(teacher[0] / student[0], teacher[1] / student[1])
    shift = tuple(t / 2 - zoom * s / 2 for s, t in zip(student, teacher, strict=True))
    return Fit(zoom, (shift[0], shift[1]), student, teacher)
