"""Trained models as ONNX files that RTMPose programs run unchanged.

Input: (B, 3, H, W) float, normalised by the caller with RTMPose's constants in RGB order. Outputs: simcc_x (B, K, 2W)
and simcc_y (B, K, 2H), whose peaks are scores: about 1 where a point is surely seen. Two kinds of file:

- native: the caller feeds RGB, as the constants mean it.
- package: the caller feeds BGR as OpenCV reads it, normalised with the RGB constants. The programs in circulation do
  that; the graph undoes their mix before anything else.
"""

import json
import logging
import warnings
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from biomech.errors import ConfigError
from synthgen.keypoints import spinetrack
from synthgen.spinepose.checkpoint import load_checkpoint
from synthgen.spinepose.errors import CheckpointError, SpinePoseError
from synthgen.spinepose.estimator import MEAN, METADATA, STD
from synthgen.spinepose.heatmap import calibrate
from synthgen.spinepose.model import PoseModel

CHANNELS = ("native", "package")
PRECISIONS = ("fp32", "fp16", "int8")
_OPSET = 18
_AGREE = 2e-3  # largest difference of an exported score from the model's own


@dataclass(frozen=True, slots=True)
class Exported:
    """A file written: where, how large (bytes), and the largest difference of its scores from the model's."""

    path: Path
    channels: str
    precision: str
    size: int
    difference: float


class Deployed(nn.Module):
    """A model behind the interface of an RTMPose ONNX file: normalised RGB in, scores out."""

    mean: Tensor
    std: Tensor

    def __init__(self, model: PoseModel) -> None:
        super().__init__()
        self.model, self.input_size = model, model.input_size
        self.register_buffer("mean", torch.from_numpy(MEAN).view(1, 3, 1, 1), persistent=False)
        self.register_buffer("std", torch.from_numpy(STD).view(1, 3, 1, 1), persistent=False)

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        return calibrate(self.model(images * self.std + self.mean), self.input_size)


def export_checkpoint(
    checkpoint: str | Path,
    out: str | Path,
    channels: str = "native",
    precision: str = "fp32",
    calibration: np.ndarray | None = None,
) -> Exported:
    """Export a checkpoint to one file.

    Args:
        checkpoint: .pt file of ours.
        out: the .onnx file to write.
        channels, precision, calibration: see export_onnx.

    Raises:
        CheckpointError: the checkpoint cannot be read, or has other than the 37 keypoints.
        ConfigError, SpinePoseError: see export_onnx.
    """
    model, facts = load_for_export(checkpoint)
    return export_onnx(model, out, channels, precision, calibration, facts)


def load_for_export(checkpoint: str | Path) -> tuple[PoseModel, dict]:
    """A model of the 37 keypoints, and what its file should say of it. Raises as export_checkpoint does."""
    model, meta = load_checkpoint(Path(checkpoint))
    names = tuple(meta["keypoint_names"])
    if names != spinetrack().names:
        raise CheckpointError(f"{checkpoint} predicts {len(names)} keypoints; only the 37 of SpineTrack are exported")
    return model, {key: meta[key] for key in ("step", "best_metric", "data_digests") if key in meta}


def export_onnx(
    model: PoseModel,
    out: str | Path,
    channels: str = "native",
    precision: str = "fp32",
    calibration: np.ndarray | None = None,
    facts: dict | None = None,
    graph=None,
) -> Exported:
    """Write a model as ONNX, and check the file against the model.

    Args:
        model: RGB 0..255 to Outputs, with arch, keypoints, input_size.
        out: the .onnx file to write.
        channels: "native" (RGB) or "package" (what programs that feed BGR need).
        precision: "fp32"; "fp16" stores the weights in half the bytes and computes as before; "int8" computes
            convolutions in 8 bits.
        calibration: (N, H, W, 3) uint8 RGB crops of people; int8 measures its ranges on them.
        facts: more to say in the file's metadata; plain data.
        graph: what `trace` made of the model, to save the time of tracing it again.

    Raises:
        ConfigError: an option is unknown, or int8 has no calibration crops.
        SpinePoseError: a library is missing, or the written file does not agree with the model.
    """
    out = Path(out)
    if channels not in CHANNELS:
        raise ConfigError(f"channels is '{channels}'; allowed: {', '.join(CHANNELS)}")
    if precision not in PRECISIONS:
        raise ConfigError(f"precision is '{precision}'; allowed: {', '.join(PRECISIONS)}")
    if out.suffix.lower() != ".onnx":
        raise ConfigError(f"the exported file {out} must end in .onnx")
    if calibration is None and precision == "int8":
        raise ConfigError("int8 needs crops of people to measure its ranges on; give --calibrate FOLDER")
    _require_libraries()
    import onnx

    from synthgen.spinepose.quantise import half_weights, quantise

    proto = onnx.ModelProto()
    proto.CopyFrom(trace(model) if graph is None else graph)
    if channels == "package":
        _accept_bgr(proto)
    if precision == "fp16":
        half_weights(proto)
    elif precision == "int8":
        proto = quantise(proto, normalised(np.asarray(calibration), channels))
    about = {
        "keypoints": list(spinetrack().names),
        "schema": spinetrack().name,
        "channels": "bgr" if channels == "package" else "rgb",
        "precision": precision,
        "arch": model.arch,
        "input_size": list(model.input_size),
    }
    _strip_traces(proto)
    onnx.helper.set_model_props(proto, {METADATA: json.dumps(about | (facts or {}), default=str)})
    onnx.checker.check_model(proto)
    out.parent.mkdir(parents=True, exist_ok=True)
    temporary = out.with_name(f".{out.name}.tmp")
    onnx.save(proto, str(temporary))
    try:
        difference = _difference(temporary, model, calibration, channels)
        if precision == "fp32" and difference > _AGREE:
            raise SpinePoseError(f"the exported graph differs from the model by {difference:.4f}; it was not kept")
        temporary.replace(out)
    finally:
        temporary.unlink(missing_ok=True)
    return Exported(out, channels, precision, out.stat().st_size, difference)


def normalised(pictures: np.ndarray, channels: str) -> np.ndarray:
    """(N, 3, H, W) what a caller feeds for crops (N, H, W, 3) uint8 RGB."""
    ordered = pictures[..., ::-1] if channels == "package" else pictures
    return np.ascontiguousarray(((ordered - MEAN) / STD).astype(np.float32).transpose(0, 3, 1, 2))


def _require_libraries() -> None:
    try:
        import onnx  # noqa: F401
        import onnxruntime  # noqa: F401
        import onnxscript  # noqa: F401
    except ImportError as error:
        raise SpinePoseError(f"exporting needs {error.name}; install it: pip install 'synthgen[train]'") from None


def trace(model: PoseModel):
    """ModelProto of a model in its native form, with a free batch size.

    Raises:
        SpinePoseError: a library is missing.
    """
    _require_libraries()
    width, height = model.input_size
    example = torch.zeros(2, 3, height, width)
    deployed = Deployed(model).eval().cpu()
    levels = {name: logging.getLogger(name).level for name in ("torch.onnx", "onnxscript", "onnx_ir")}
    for name in levels:
        logging.getLogger(name).setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of the exporter about itself
            program = torch.onnx.export(
                deployed,
                (example,),
                input_names=["input"],
                output_names=["simcc_x", "simcc_y"],
                dynamic_shapes={"images": {0: torch.export.Dim("batch", min=1, max=4096)}},
                opset_version=_OPSET,
                dynamo=True,
                optimize=True,
                verbose=False,
            )
    finally:
        for name, level in levels.items():
            logging.getLogger(name).setLevel(level)
    assert program is not None  # None only where it writes the file itself
    return program.model_proto


def _strip_traces(proto) -> None:
    """Drop what the exporter notes of the machine it ran on: source paths and stack traces of every node."""
    graph = proto.graph
    for part in (proto, graph, *graph.node, *graph.initializer, *graph.value_info, *graph.input, *graph.output):
        part.ClearField("metadata_props")
        part.ClearField("doc_string")
    for function in proto.functions:
        for part in (function, *function.node, *function.value_info):
            part.ClearField("metadata_props")
            part.ClearField("doc_string")


def _accept_bgr(proto) -> None:
    """Put before a native graph what turns BGR, normalised with the constants of RGB, into normalised RGB.

    Three steps of their own: folded into the first convolution they would be wrong at the border, where it pads zeros.
    """
    from onnx import helper, numpy_helper

    name = proto.graph.input[0].name
    for node in proto.graph.node:
        node.input[:] = [f"{name}.rgb" if value == name else value for value in node.input]
    order = np.array([2, 1, 0])
    constants = {
        "order": order,
        "factor": (STD[order] / STD).reshape(1, 3, 1, 1).astype(np.float32),
        "offset": ((MEAN[order] - MEAN) / STD).reshape(1, 3, 1, 1).astype(np.float32),
    }
    proto.graph.initializer.extend(numpy_helper.from_array(v, f"{name}.{k}") for k, v in constants.items())
    steps = [
        helper.make_node("Gather", [name, f"{name}.order"], [f"{name}.swapped"], f"{name}.swap", axis=1),
        helper.make_node("Mul", [f"{name}.swapped", f"{name}.factor"], [f"{name}.scaled"], f"{name}.scale"),
        helper.make_node("Add", [f"{name}.scaled", f"{name}.offset"], [f"{name}.rgb"], f"{name}.shift"),
    ]
    nodes = list(proto.graph.node)
    del proto.graph.node[:]
    proto.graph.node.extend(steps + nodes)


def _difference(path: Path, model: PoseModel, calibration: np.ndarray | None, channels: str) -> float:
    """Largest difference between the file's scores and the model's, on three crops or on noise."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    if calibration is not None and len(calibration):
        pictures = calibration[:3]
    else:
        width, height = model.input_size
        pictures = np.random.default_rng(0).integers(0, 256, (3, height, width, 3), np.uint8)
    name = session.get_inputs()[0].name
    with torch.inference_mode():
        images = torch.from_numpy(np.ascontiguousarray(pictures)).permute(0, 3, 1, 2).float()
        wanted = [o.numpy() for o in calibrate(model.eval()(images), model.input_size)]
    given = session.run(None, {name: normalised(pictures, channels)})
    return max(float(np.abs(a - b).max()) for a, b in zip(given, wanted, strict=True))
