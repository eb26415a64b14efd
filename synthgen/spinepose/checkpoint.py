"""Checkpoints: our own format, and OpenMMLab's RTMPose files.

A file of ours is a torch archive of plain values and tensors only, so that it is read without running code from it:
{"format", "arch", "keypoints", "input_size", "branch", "plan", "trunk", "state", "meta", "training"}.
`meta` holds keypoint_names, sigmas and whatever the trainer records (config, data digests, step, best metric).
"""

import hashlib
import io
import os
import pickle
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from synthgen.keypoints import spinetrack
from synthgen.spinepose.errors import CheckpointError
from synthgen.spinepose.model import RTMPOSE, PoseModel, build_model
from synthgen.spinepose.unpickle import HARMLESS

FORMAT = "synthgen-spinepose/1"
# Weights with one row per keypoint: what changes hands by name when two models know different keypoints.
_ROWS = (
    "head.final_layer.weight",
    "head.final_layer.bias",
    "head.out.weight",
    "head.out.bias",
    "branch.out.weight",
    "branch.out.bias",
)
_FEET = ("left_big_toe", "left_small_toe", "left_heel", "right_big_toe", "right_small_toe", "right_heel")


def keypoint_names(count: int) -> tuple[str, ...]:
    """Names, in SpineTrack's words, of a head with 17 (COCO), 26 (Halpe), 37 (SpineTrack) or 133 (whole body) points.

    The face and hands of the last have names that SpineTrack does not know.
    """
    names = spinetrack().names
    if count in (17, 26, 37):
        return tuple(names[:count])
    if count == 133:
        return (*names[:17], *_FEET, *(f"whole_body_{i}" for i in range(23, 133)))
    raise CheckpointError(f"a head with {count} keypoints is of no known schema; known are 17, 26, 37 and 133")


def save_checkpoint(
    path: str | Path,
    model: PoseModel,
    *,
    meta: dict[str, Any],
    training: dict[str, Any] | None = None,
    half: bool = False,
    trunk_inside: bool = True,
) -> None:
    """Write a model in one step: the file is whole or not there.

    Args:
        path: of the file.
        model: what to save.
        meta: plain values. keypoint_names and sigmas are filled in for a 37-point model and needed for any other.
        training: state to resume from (optimiser, averaged weights, generators): plain values and tensors.
        half: weights in half precision, for publishing.
        trunk_inside: False leaves out a BlazePose trunk that is as the pack has it, and records its digest.

    Raises:
        CheckpointError: names do not fit the model, or the trunk to be left out was trained.
    """
    meta = dict(meta)
    if model.keypoints == len(spinetrack().names):
        meta.setdefault("keypoint_names", list(spinetrack().names))
        meta.setdefault("sigmas", [float(s) for s in spinetrack().sigmas])
    if len(meta.get("keypoint_names", ())) != model.keypoints:
        raise CheckpointError(
            f"a checkpoint of {model.keypoints} keypoints must name each of them in meta['keypoint_names']"
        )
    trunk = getattr(model, "trunk", None)
    state = {name: value.detach().cpu() for name, value in model.state_dict().items()}
    digest = None
    if not trunk_inside and trunk is not None:
        digest = _digest(trunk)
        if digest != _digest(build_model(model.arch, model.keypoints, model.input_size).trunk):  # type: ignore[arg-type]
            raise CheckpointError("the trunk has been trained, so it cannot be left out of the checkpoint")
        state = {name: value for name, value in state.items() if not name.startswith("trunk.")}
    if half:
        state = {name: v.half() if v.is_floating_point() else v for name, v in state.items()}
    record = {
        "format": FORMAT,
        "arch": model.arch,
        "keypoints": model.keypoints,
        "input_size": list(model.input_size),
        "branch": getattr(model, "branch", None) is not None,
        "plan": trunk.plan if trunk is not None else None,
        "trunk": digest,
        "state": state,
        "meta": meta,
        "training": training,
    }
    stream = io.BytesIO()  # torch writes the file's name into a file: equal models shall make equal files
    torch.save(record, stream)
    path = Path(path)
    scratch = path.with_name(f".{path.name}.part")
    scratch.write_bytes(stream.getbuffer())
    os.replace(scratch, path)


def load_checkpoint(
    path: str | Path, *, expect: Sequence[str] | None = None, pack: Path | None = None
) -> tuple[PoseModel, dict[str, Any]]:
    """A model in evaluation mode, and its meta (with arch, input_size and keypoint_names in it).

    Args:
        path: a checkpoint of ours, or an RTMPose file of mmpose.
        expect: keypoint names the model must have, in this order.
        pack: folder of the blazepose pack, for checkpoints without their trunk.

    Raises:
        CheckpointError: unreadable, damaged, of another kind or of another schema.
    """
    record = _read(Path(path))
    model, meta = (_ours if record.get("format") == FORMAT else _of_mmpose)(record, Path(path), pack)
    names = list(meta["keypoint_names"])
    if expect is not None and list(expect) != names:
        odd = [n for n in names if n not in expect] or [n for n in expect if n not in names] or ["the order"]
        raise CheckpointError(
            f"{path} has {len(names)} keypoints of another schema than the {len(expect)} asked for "
            f"({', '.join(odd[:4])} differs); "
            "use it with its own schema, or as the initial weights of a new model"
        )
    meta |= {"arch": model.arch, "input_size": list(model.input_size)}
    return model.eval(), meta


def load_training(path: str | Path) -> dict[str, Any]:
    """What `save_checkpoint` was given as `training`; CheckpointError where there is nothing to resume from."""
    training = _read(Path(path)).get("training")
    if not isinstance(training, dict):
        raise CheckpointError(
            f"{path} holds no training state to resume from; start from it as initial weights instead"
        )
    return training


def initialise(model: PoseModel, names: Sequence[str], path: str | Path) -> tuple[str, ...]:
    """Take over the weights of a checkpoint; those of one keypoint go to the keypoint of the same name.

    Args:
        model: of the checkpoint's architecture and input size; keeps its own rows for keypoints that are new to it.
        names: (K,) its keypoints.

    Returns:
        the keypoints that were known to the checkpoint.

    Raises:
        CheckpointError: another architecture or input size, or no keypoint in common.
    """
    source, meta = load_checkpoint(path)
    if (source.arch, source.input_size) != (model.arch, model.input_size):
        raise CheckpointError(
            f"{path} is a {source.arch!r} for {source.input_size}; the model to start is a {model.arch!r} for "
            f"{model.input_size}: give both the same architecture and input size"
        )
    theirs = {name: row for row, name in enumerate(meta["keypoint_names"])}
    shared = [name for name in names if name in theirs]
    if not shared:
        raise CheckpointError(f"{path} knows none of the model's keypoints ({', '.join(list(names)[:4])}, ...)")
    state, given = model.state_dict(), source.state_dict()
    to, of = [list(names).index(name) for name in shared], [theirs[name] for name in shared]
    for key, value in given.items():
        if key in _ROWS and key in state:
            state[key][to] = value[of]
        elif key in state:
            state[key].copy_(value)
    return tuple(shared)


def _ours(record: dict, path: Path, pack: Path | None) -> tuple[PoseModel, dict]:
    try:
        trunk: Any = pack
        if record["plan"] is not None and record["trunk"] is None:
            from synthgen.spinepose.blazepose import Graph

            trunk = Graph(record["plan"], {})
        size = (int(record["input_size"][0]), int(record["input_size"][1]))
        model = build_model(record["arch"], record["keypoints"], size, heatmaps=record["branch"], trunk=trunk)
        outside = {k for k in model.state_dict() if k.startswith("trunk.")} if record["trunk"] is not None else set()
        found = model.load_state_dict(record["state"], strict=False)
        wrong = [*found.unexpected_keys, *(k for k in found.missing_keys if k not in outside)]
        meta = dict(record["meta"])
        if wrong or len(meta["keypoint_names"]) != model.keypoints:
            raise KeyError(", ".join(wrong[:3]) or "keypoint_names")
    except (KeyError, TypeError, IndexError, RuntimeError) as error:
        raise CheckpointError(f"{path} is damaged or was written by another version ({error})") from error
    if record["trunk"] is not None and _digest(model.trunk) != record["trunk"]:  # type: ignore[arg-type]
        raise CheckpointError(f"{path} was trained on another BlazePose than the installed pack; install the pack anew")
    return model, meta


def _of_mmpose(record: dict, path: Path, pack: Path | None) -> tuple[PoseModel, dict]:
    """An RTMPose file: parameter names are the same as ours, sizes tell the architecture."""
    state = record.get("ema_state_dict") or record.get("state_dict") or record
    if not isinstance(state, dict):
        raise CheckpointError(f"{path} holds no weights; give a checkpoint of synthgen or of mmpose's RTMPose")
    state = {_plain(key): value for key, value in state.items() if isinstance(value, Tensor)}
    try:
        width = state["backbone.stem.2.conv.weight"].shape[0] / 64
        depth = 1 + max(int(k.split(".")[4]) for k in state if k.startswith("backbone.stage2.1.blocks."))
        count = state["head.final_layer.weight"].shape[0]
        size = tuple(state[f"head.cls_{axis}.weight"].shape[0] // 2 for axis in "xy")
    except (KeyError, IndexError, ValueError) as error:
        raise CheckpointError(
            f"{path} is neither a checkpoint of synthgen nor an RTMPose of mmpose (no {error})"
        ) from error
    known = {(wide, max(round(6 * deep), 1)): arch for arch, (deep, wide, _) in RTMPOSE.items()}
    if (width, depth) not in known:
        raise CheckpointError(
            f"{path} is an RTMPose of no known size (width {width:g}, {depth} blocks in its second stage)"
        )
    names = keypoint_names(count)
    model = build_model(known[width, depth], count, (size[0], size[1]))
    state = {key: value for key, value in state.items() if key.startswith(("backbone.", "head."))}
    try:
        found = model.load_state_dict(state, strict=False)
    except RuntimeError as error:
        raise CheckpointError(
            f"{path} does not fit RTMPose-{model.arch}: {str(error).splitlines()[-1].strip()}"
        ) from error
    missing = [key for key in found.missing_keys if not key.endswith("num_batches_tracked")]
    if missing or found.unexpected_keys:
        raise CheckpointError(
            f"{path} is not an RTMPose with SimCC head: {len(missing)} weights are missing, "
            f"{len(found.unexpected_keys)} are unknown ({', '.join([*missing, *found.unexpected_keys][:3])})"
        )
    by_name = dict(zip(spinetrack().names, spinetrack().sigmas, strict=True))
    return model, {
        "keypoint_names": list(names),
        "sigmas": [float(by_name.get(n, 0.035)) for n in names],
        "origin": "mmpose",
    }


def _plain(key: str) -> str:
    """A parameter's name without what wrappers (DDP, compile, weight averaging) put before it."""
    parts = [part for part in key.split(".") if part not in ("module", "_orig_mod")]
    return ".".join(parts)


def _read(path: Path) -> dict:
    if not path.is_file():
        raise CheckpointError(f"there is no checkpoint {path}")
    try:
        record = torch.load(path, map_location="cpu", weights_only=False, pickle_module=HARMLESS)
    except (
        OSError,
        RuntimeError,
        EOFError,
        KeyError,
        ValueError,
        TypeError,
        AttributeError,
        pickle.UnpicklingError,
    ) as error:
        raise CheckpointError(f"{path} is not a checkpoint, or was cut off ({type(error).__name__})") from error
    if not isinstance(record, dict):
        raise CheckpointError(f"{path} holds a {type(record).__name__}, not a checkpoint")
    return record


def _digest(module: torch.nn.Module) -> str:
    total = hashlib.sha256()
    for name, value in sorted(module.state_dict().items()):
        total.update(name.encode() + value.detach().cpu().float().numpy().tobytes())
    return total.hexdigest()
