"""Teachers: models that know some of the keypoints already, asked for soft targets on the student's own crops.

A teacher looks at crops of another shape than the student. The student's crop is laid into the teacher's input, whole
and centred, by a zoom and a shift (`Fit`); what the teacher says comes back through the same map, as a distribution per
axis over the student's bins. What the teacher sees beside the student's crop is black, unless it is given a wider view:
pictures larger than the student's input, of the same zoom and centre (`Teacher.view` is as much as it can use). That is
worth little: .722 or .727 OKS of BlazePose heavy on twelve photographed people. What costs is the zoom: in crops of its
own, a square around the box, it reaches .765. B batch, K the student's keypoints, W and H its input size.
"""

import hashlib
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from synthgen.keypoints import spinetrack
from synthgen.spinepose.blazepose import SIDE, SIZES, BlazePose, load_graph
from synthgen.spinepose.checkpoint import keypoint_names, load_checkpoint
from synthgen.spinepose.codec import SPLIT
from synthgen.spinepose.errors import TeacherError
from synthgen.spinepose.fit import fit
from synthgen.spinepose.heatmap import Outputs
from synthgen.spinepose.losses import axis_log_probabilities
from synthgen.spinepose.model import MEAN, STD
from synthgen.spinepose.soft_targets import Teacher, TeacherTargets, scatter
from synthgen.spinepose.teacher_cache import CachedTeacher

# SpineTrack name -> BlazePose landmark, where both mean the same place on the body. BlazePose's middle of the hips is
# not SpineTrack's sacrum, and its hand points have no counterpart.
BLAZEPOSE_POINTS = {
    "nose": 0, "left_eye": 2, "right_eye": 5, "left_ear": 7, "right_ear": 8,
    "left_shoulder": 11, "right_shoulder": 12, "left_elbow": 13, "right_elbow": 14, "left_wrist": 15, "right_wrist": 16,
    "left_hip": 23, "right_hip": 24, "left_knee": 25, "right_knee": 26, "left_ankle": 27, "right_ankle": 28,
    "left_heel": 29, "right_heel": 30, "left_big_toe": 31, "right_big_toe": 32,
}  # fmt: skip
_HEAT_SIDE = 64
_LEAST_SPREAD = 2.0  # px of the teacher's square: no teacher is surer than half a heatmap cell


class BlazePoseTeacher:
    """BlazePose: 21 of SpineTrack's points.

    The distribution of a point is a Gaussian around the regressed landmark, which is more exact than the heatmap's
    peak, as wide as the heatmap around that place; the mask is visibility times the probability of a person.

    Args:
        network: lite, full or heavy.
        keypoints: the student's. input_size: the student's W, H.
        folder: of the blazepose pack; the installed one when None.
    """

    def __init__(
        self,
        network: str = "heavy",
        keypoints: Sequence[str] | None = None,
        input_size: tuple[int, int] = (192, 256),
        folder: Path | None = None,
        device: torch.device | str = "cpu",
    ):
        if network not in SIZES:
            raise TeacherError(f"BlazePose comes as {', '.join(SIZES)}; got {network!r}")
        graph = load_graph(network, folder)
        self.net = BlazePose(graph).to(device).eval().requires_grad_(False)
        self.keypoints = tuple(keypoints or spinetrack().names)
        self.names = tuple(name for name in self.keypoints if name in BLAZEPOSE_POINTS)
        self.fit = fit(input_size, (SIDE, SIDE))
        self.view = self.fit.view
        self.input_size = input_size
        self.digest = _digest("blazepose", network, self.keypoints, input_size, *graph.weights.values())

    @torch.no_grad()
    def predict(self, images: Tensor) -> TeacherTargets:
        """See Teacher."""
        found = self.net(self.fit.images(images) / 255)
        rows = [BLAZEPOSE_POINTS[name] for name in self.names]
        # The network counts from the edge of the first pixel: pictures and their mirror images agree only so.
        points = found.points[:, rows, :2] - 0.5
        spread = _spread(found.heatmaps[:, rows], points)
        points, spread = self.fit.to_student(points), spread / self.fit.zoom
        trust = found.visibility[:, rows].sigmoid() * found.person[:, None]
        axes = []
        for axis, side in enumerate(self.input_size):
            bins = torch.arange(int(side * SPLIT), device=points.device) / SPLIT
            axes.append((-((bins - points[..., axis, None]) ** 2) / (2 * spread[..., axis, None] ** 2)).softmax(-1))
            trust = trust * ((points[..., axis] >= 0) & (points[..., axis] <= side - 1))
        return scatter(axes[0], axes[1], trust, self.names, self.keypoints)


def _spread(heatmaps: Tensor, points: Tensor) -> Tensor:
    """(B, k, 2) standard deviation along each axis of the heatmap's mass within four cells of the points, px."""
    cell = torch.arange(_HEAT_SIDE, device=points.device, dtype=torch.float32)
    place = (points + 0.5) * _HEAT_SIDE / SIDE  # measured: the landmarks lie a cell's corner away from its centre
    near = ((cell - place[..., None]).abs() <= 4).float()  # (B, k, 2, 64)
    share = heatmaps.float().sigmoid() * near[:, :, 1, :, None] * near[:, :, 0, None, :]
    spreads = []
    for other in (2, 3):
        mass = share.sum(other)
        mass = mass / mass.sum(-1, keepdim=True).clamp(min=1e-6)
        mean = (mass * cell).sum(-1, keepdim=True)
        spreads.append((mass * (cell - mean) ** 2).sum(-1).sqrt())
    return (torch.stack(spreads, -1) * SIDE / _HEAT_SIDE).clamp(min=_LEAST_SPREAD)


class CheckpointTeacher:
    """A model of ours, or an RTMPose of mmpose, as teacher; it runs at its own input size."""

    def __init__(
        self,
        path: str | Path,
        keypoints: Sequence[str] | None = None,
        input_size: tuple[int, int] = (192, 256),
        device: torch.device | str = "cpu",
    ):
        model, meta = load_checkpoint(path)
        self.model = model.to(device).requires_grad_(False)
        self.soft = _SimCCTeacher(meta["keypoint_names"], keypoints, input_size, model.input_size, path)
        self.keypoints, self.names, self.view = self.soft.keypoints, self.soft.names, self.soft.fit.view
        self.digest = _digest(
            "checkpoint", self.keypoints, input_size, *(v.cpu().numpy() for v in model.state_dict().values())
        )

    @torch.no_grad()
    def predict(self, images: Tensor) -> TeacherTargets:
        """See Teacher."""
        return self.soft.targets(self.model(self.soft.fit.images(images)))


class OnnxTeacher:
    """An RTMPose-style ONNX file: one normalised RGB picture in, simcc_x and simcc_y out.

    Args:
        path: of the file.
        names: of its keypoints; by their number (17, 26, 37 or 133) when None.
        keypoints, input_size: the student's.

    Raises:
        TeacherError: onnxruntime is missing, the file is unreadable or of another graph.
    """

    def __init__(
        self,
        path: str | Path,
        keypoints: Sequence[str] | None = None,
        input_size: tuple[int, int] = (192, 256),
        names: Sequence[str] | None = None,
    ):
        try:
            import onnxruntime
        except ImportError as error:
            raise TeacherError("An ONNX teacher needs onnxruntime: pip install 'synthgen[train]'.") from error
        if not Path(path).is_file():
            raise TeacherError(f"there is no teacher {path}")
        try:
            self.session = onnxruntime.InferenceSession(str(path), providers=onnxruntime.get_available_providers())
        except Exception as error:
            raise TeacherError(f"{path} is not an ONNX model that can run ({str(error).splitlines()[0]})") from error
        inputs = self.session.get_inputs()
        shape = inputs[0].shape
        if (
            len(inputs) != 1
            or len(self.session.get_outputs()) != 2
            or len(shape) != 4
            or not all(isinstance(n, int) for n in shape[1:])
        ):
            raise TeacherError(
                f"{path} is of another graph: a teacher takes one picture (N, 3, H, W) and gives simcc_x and simcc_y"
            )
        self.input, self.one = inputs[0].name, shape[0] == 1
        own = (shape[3], shape[2])
        x, y = self._run(np.zeros((1, *shape[1:]), np.float32))
        if (
            x.ndim != 3
            or y.ndim != 3
            or (x.shape[2], y.shape[2]) != (own[0] * SPLIT, own[1] * SPLIT)
            or x.shape[1] != y.shape[1]
        ):
            raise TeacherError(
                f"{path} is of another graph: for a picture of {own} its outputs are {x.shape} and {y.shape}"
            )
        if names is not None and len(names) != x.shape[1]:
            raise TeacherError(f"{path} has {x.shape[1]} keypoints, and {len(names)} names were given")
        self.soft = _SimCCTeacher(names or keypoint_names(x.shape[1]), keypoints, input_size, own, path)
        self.keypoints, self.names, self.view = self.soft.keypoints, self.soft.names, self.soft.fit.view
        self.digest = _digest("onnx", self.keypoints, input_size, np.frombuffer(Path(path).read_bytes(), np.uint8))

    def _run(self, images: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        batches = images[:, None] if self.one else images[None]
        rows = [self.session.run(None, {self.input: batch}) for batch in batches]
        return np.concatenate([r[0] for r in rows]), np.concatenate([r[1] for r in rows])

    @torch.no_grad()
    def predict(self, images: Tensor) -> TeacherTargets:
        """See Teacher."""
        mean, std = (images.new_tensor(v, dtype=torch.float32).view(1, 3, 1, 1) for v in (MEAN, STD))
        x, y = self._run(((self.soft.fit.images(images) - mean) / std).cpu().numpy())
        return self.soft.targets(Outputs(torch.from_numpy(x).to(images.device), torch.from_numpy(y).to(images.device)))


class _SimCCTeacher:
    """What teachers with SimCC of their own share: names, fit, and the way back to the student's bins."""

    def __init__(self, theirs, keypoints, student: tuple[int, int], own: tuple[int, int], path):
        self.keypoints = tuple(keypoints or spinetrack().names)
        theirs = list(theirs)
        self.names = tuple(name for name in self.keypoints if name in theirs)
        if not self.names:
            raise TeacherError(f"{path} knows none of the student's keypoints ({', '.join(self.keypoints[:4])}, ...)")
        self.rows = [theirs.index(name) for name in self.names]
        self.student, self.fit = student, fit(student, own)

    def targets(self, outputs: Outputs) -> TeacherTargets:
        shares = [p.exp()[:, self.rows] for p in axis_log_probabilities(outputs)]
        peak = (outputs.simcc_x[:, self.rows].amax(-1) + outputs.simcc_y[:, self.rows].amax(-1)) / 2
        trust = peak.float().clamp(0, 1)
        axes = []
        for axis, side in enumerate(self.student):
            soft, inside = self.fit.resample(shares[axis], axis, 0.0, 1 / SPLIT, int(side * SPLIT))
            axes.append(soft)
            trust = trust * inside
        return scatter(axes[0], axes[1], trust, self.names, self.keypoints)


def make_teacher(
    backend: str,
    path: str | Path = "",
    keypoints: Sequence[str] | None = None,
    input_size: tuple[int, int] = (192, 256),
    device: torch.device | str = "cpu",
    cache: str | Path | None = None,
) -> Teacher | None:
    """A teacher by name.

    Args:
        backend: none, blazepose, onnx or checkpoint.
        path: lite, full or heavy for blazepose; a file for the others.
        keypoints: the student's, SpineTrack's when None. input_size: the student's W, H.
        cache: folder to remember crops in.
    """
    if backend == "none":
        return None
    makers: dict[str, Callable[[], Teacher]] = {
        "blazepose": lambda: BlazePoseTeacher(str(path or "heavy"), keypoints, input_size, device=device),
        "onnx": lambda: OnnxTeacher(path, keypoints, input_size),
        "checkpoint": lambda: CheckpointTeacher(path, keypoints, input_size, device),
    }
    if backend not in makers:
        raise TeacherError(f"no teacher is called {backend!r}; there are: none, {', '.join(makers)}")
    teacher = makers[backend]()
    return CachedTeacher(teacher, cache) if cache else teacher


def _digest(*parts) -> str:
    total = hashlib.sha256()
    for part in parts:
        total.update(np.ascontiguousarray(part).tobytes() if isinstance(part, np.ndarray) else repr(part).encode())
    return total.hexdigest()[:16]
