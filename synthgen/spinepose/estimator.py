"""A trained model as a function: picture and boxes in, keypoints out. Runs our checkpoints and ONNX files.

K keypoints, W and H input size, N people.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from biomech.errors import ConfigError
from synthgen.keypoints import spinetrack
from synthgen.spinepose.crop import crop_from_box, to_image, warp
from synthgen.spinepose.errors import CheckpointError

WEIGHTS = Path(__file__).parent / "weights"
DEFAULT = "spinepose_default"
METADATA = "synthgen"  # key of the ONNX file's metadata that describes the model, as JSON
MEAN = np.array([123.675, 116.28, 103.53], np.float32)  # what callers of an RTMPose-style ONNX file subtract
STD = np.array([58.395, 57.12, 57.375], np.float32)
SEEN = 0.3  # least score of a keypoint that shapes a box
_MARGIN = 0.08  # of the longer side, round the keypoints: hands, hair and shoes reach beyond them
_LEAST = 6  # keypoints that make a box

# (B, H, W, 3) uint8 RGB -> simcc_x (B, K, 2W), simcc_y (B, K, 2H)
Runner = Callable[[np.ndarray], tuple[np.ndarray, np.ndarray]]


@dataclass(frozen=True, slots=True, eq=False)
class Pose:
    """One person in one picture.

    Attributes:
        points: (K, 2) px.
        scores: (K,) about 0..1; above 0.5 the point is called seen.
        box: (4,) left, top, width, height, px, that the pose was estimated in.
        track: number of the person in a video, or None.
    """

    points: np.ndarray
    scores: np.ndarray
    box: np.ndarray
    track: int | None = None

    @property
    def score(self) -> float:
        """0..1: the mean over the better half of the points, so that a half-hidden person still counts."""
        return float(np.sort(self.scores)[len(self.scores) // 2 :].mean())


def box_of(pose: Pose) -> np.ndarray:
    """(4,) x, y, w, h about the keypoints that are seen, with a margin; the pose's own box where too few are."""
    seen = pose.points[pose.scores >= SEEN]
    if len(seen) < _LEAST:
        return pose.box
    low, high = seen.min(0), seen.max(0)
    margin = max(_MARGIN * float((high - low).max()), 1.0)
    return np.concatenate([low - margin, high - low + 2 * margin])


def default_weights() -> Path:
    """The checkpoint that ships with the package.

    Raises:
        CheckpointError: there is none.
    """
    for suffix in (".onnx", ".pt"):
        path = WEIGHTS / (DEFAULT + suffix)
        if path.is_file():
            return path
    raise CheckpointError(
        f"this installation holds no default checkpoint ({WEIGHTS / DEFAULT}.onnx or .pt); "
        "name one with --weights, or train one with 'synthgen train'"
    )


class Estimator:
    """A model ready to run.

    Args:
        weights: .pt checkpoint or .onnx file; the one that ships with the package when None.
        flip: average with the mirrored picture: slower, steadier.
        threads: of the CPU; the library's choice when None.

    Attributes:
        names: the K keypoints. input_size: W, H, px. path: of the weights.

    Raises:
        CheckpointError: the file is missing, unreadable, or not a pose model of the 37 keypoints.
    """

    def __init__(self, weights: str | Path | None = None, flip: bool = False, threads: int | None = None) -> None:
        self.path = Path(weights) if weights is not None else default_weights()
        if not self.path.is_file():
            raise CheckpointError(f"there is no file {self.path}; give a .pt checkpoint or an .onnx file")
        if threads is not None and threads < 1:
            raise ConfigError(f"threads is {threads}; allowed: 1 or more")
        loaders = {".onnx": _load_onnx, ".pt": _load_torch, ".pth": _load_torch}
        if self.path.suffix.lower() not in loaders:
            raise CheckpointError(f"{self.path} is neither a .pt checkpoint nor an .onnx file")
        self._run, self.input_size, self.names = loaders[self.path.suffix.lower()](self.path, threads)
        expected = spinetrack().names
        if self.names != expected:
            raise CheckpointError(f"{self.path} predicts {len(self.names)} keypoints; the 37 of SpineTrack are needed")
        self.flip = flip

    def __call__(self, image: np.ndarray, boxes) -> list[Pose]:
        """Poses in a picture, one per box.

        Args:
            image: (H, W, 3) uint8 BGR, as OpenCV reads.
            boxes: (N, 4) left, top, width, height, px.

        Raises:
            SpinePoseError: a box is empty or not finite.
        """
        boxes = np.asarray(boxes, float).reshape(-1, 4)
        if not len(boxes):
            return []
        crops = [crop_from_box(box, self.input_size) for box in boxes]
        pictures = np.stack([warp(image, crop, self.input_size)[..., ::-1] for crop in crops])
        points, scores = self.run(pictures)
        return [
            Pose(to_image(p, crop, self.input_size), s, box)
            for p, s, crop, box in zip(points, scores, crops, boxes, strict=True)
        ]

    def run(self, pictures: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Points (B, K, 2) in input px and scores (B, K) of crops (B, H, W, 3) uint8 RGB."""
        simcc = self.simcc(pictures)
        if self.flip:
            x, y = self.mirrored_simcc(pictures)
            simcc = (simcc[0] + x) / 2, (simcc[1] + y) / 2
        return decode(*simcc)

    def simcc(self, pictures: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The answers themselves, (B, K, 2W) and (B, K, 2H), for crops (B, H, W, 3) uint8 RGB."""
        return self._run(pictures)

    def mirrored_simcc(self, pictures: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The answers for the mirrored crops, put back the right way round."""
        return _unflip(*self._run(np.ascontiguousarray(pictures[:, :, ::-1])))


def decode(simcc_x: np.ndarray, simcc_y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The highest bin of each axis, bins of half a pixel, and the mean of the two heights; torch-free codec.decode."""
    points = np.stack([simcc_x.argmax(-1), simcc_y.argmax(-1)], -1) / 2
    return points, (simcc_x.max(-1) + simcc_y.max(-1)) / 2


def _unflip(x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """codec.unflip without torch: bin i of the picture is bin 2W - 2 - i of its mirror image."""
    flip = spinetrack().flip
    mirrored = x[:, flip, ::-1]
    return np.concatenate([mirrored[..., 1:], mirrored[..., -1:]], -1), y[:, flip]


def _load_onnx(path: Path, threads: int | None) -> tuple[Runner, tuple[int, int], tuple[str, ...]]:
    try:
        import onnxruntime
    except ImportError:
        raise CheckpointError(f"{path.name} needs onnxruntime; install it: pip install 'synthgen[train]'") from None
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads or 0
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")  # the detector needs the cores in between
    options.log_severity_level = 3
    try:
        session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    except Exception as error:  # noqa: BLE001 - its errors share no class; all mean the file is unusable
        first = str(error).strip().splitlines()[0]
        raise CheckpointError(f"{path} cannot be loaded as an ONNX model: {first}") from None
    shapes = [output.shape for output in session.get_outputs()]
    numbers = len(shapes) == 2 and all(len(s) == 3 and all(isinstance(n, int) for n in s[1:]) for s in shapes)
    if not numbers or len(session.get_inputs()) != 1:
        raise CheckpointError(
            f"{path} is not an RTMPose-style model: outputs must be simcc_x and simcc_y; got {shapes}"
        )
    about = json.loads(session.get_modelmeta().custom_metadata_map.get(METADATA, "{}"))
    names = tuple(about.get("keypoints", spinetrack().names if shapes[0][1] == 37 else [""] * shapes[0][1]))
    swap = about.get("channels") == "bgr"
    name, batch = session.get_inputs()[0].name, session.get_inputs()[0].shape[0]

    def run(pictures: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        ready = (((pictures[..., ::-1] if swap else pictures) - MEAN) / STD).astype(np.float32)
        ready = np.ascontiguousarray(ready.transpose(0, 3, 1, 2))
        parts = [ready] if isinstance(batch, str) or batch is None else np.split(ready, len(ready))
        answers = [session.run(None, {name: part}) for part in parts]
        return np.concatenate([a[0] for a in answers]), np.concatenate([a[1] for a in answers])

    return run, (shapes[0][2] // 2, shapes[1][2] // 2), names


def _load_torch(path: Path, threads: int | None) -> tuple[Runner, tuple[int, int], tuple[str, ...]]:
    try:
        import torch
    except ImportError:
        raise CheckpointError(f"{path.name} needs torch; install it: pip install 'synthgen[train]'") from None
    from synthgen.spinepose.checkpoint import load_checkpoint
    from synthgen.spinepose.heatmap import calibrate

    if threads is not None:
        torch.set_num_threads(threads)
    model, meta = load_checkpoint(path)
    model.eval().to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # torch types lack it

    def run(pictures: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        with torch.inference_mode():
            images = torch.from_numpy(np.ascontiguousarray(pictures)).permute(0, 3, 1, 2).float()
            x, y = calibrate(model(images), model.input_size)
        return x.numpy(), y.numpy()

    return run, model.input_size, tuple(meta["keypoint_names"])
