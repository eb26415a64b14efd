"""An exported model made trainable again, so that a project's first round begins from the checkpoint that ships.

An ONNX file of ours holds every weight of a BlazePose-trunk model under its own name, but its exporter has folded most
batch norms into the convolutions before them. Those are rebuilt from what the convolutions give on real crops: the
norm gets the measured mean and spread and undoes both again, so that the model answers as before, also while training.
"""

import json
from pathlib import Path

import numpy as np

from synthgen.active.errors import ProjectError
from synthgen.spinepose.estimator import METADATA, Estimator

_FOLDED = {"wide": "norm_wide", "mix": "norm_mix"}  # convolutions of a context block, and the norm behind each
_CHECKED = 8  # crops
_AGREE = 0.02  # largest difference of a score, from 16-bit weights


def reopen(path: Path, crops: np.ndarray, out: Path) -> Path:
    """Write the model of an ONNX file as a checkpoint.

    Args:
        path: .onnx of ours with a BlazePose trunk, fp32 or fp16. crops: (N, H, W, 3) uint8 RGB of people.
        out: the .pt file to write.

    Raises:
        ProjectError: the file cannot be made trainable; give a .pt with --init instead.
        AssetError: the blazepose pack is not installed.
    """
    import onnx
    import torch
    from onnx import numpy_helper

    from synthgen.spinepose.checkpoint import save_checkpoint
    from synthgen.spinepose.model import build_model

    instead = "; name a .pt checkpoint to start from with --init"
    proto = onnx.load(str(path))
    about = json.loads({p.key: p.value for p in proto.metadata_props}.get(METADATA, "{}"))
    arch, precision = str(about.get("arch", "")), about.get("precision")
    if not arch.startswith("blaze-") or precision not in ("fp32", "fp16") or about.get("channels") != "rgb":
        what = f"architecture '{arch}', precision '{precision}', channels '{about.get('channels')}'"
        raise ProjectError(
            f"{path} ({what}) cannot be made trainable; allowed are a BlazePose trunk, fp32 or fp16, rgb{instead}"
        )
    width, height = about["input_size"]
    model = build_model(arch, len(about["keypoints"]), (width, height)).eval()
    state = model.state_dict()
    given = {i.name.removesuffix(".half"): numpy_helper.to_array(i).astype(np.float32) for i in proto.graph.initializer}
    for name, value in given.items():
        key = name.removeprefix("model.")
        if key in state and not key.startswith("marginals."):
            state[key] = torch.tensor(value)
    missing = [key for key in state if f"model.{key}" not in given and not _rebuilt(key)]
    if missing:
        raise ProjectError(f"{path} lacks {len(missing)} weights ({', '.join(missing[:3])}){instead}")
    model.load_state_dict(state)
    _unfold(model, given, torch.from_numpy(np.ascontiguousarray(crops.transpose(0, 3, 1, 2))).float())
    meta = {"origin": path.name, "keypoint_names": list(about["keypoints"])}
    out.parent.mkdir(parents=True, exist_ok=True)
    scratch = out.with_name(f"unchecked_{out.name}")
    save_checkpoint(scratch, model, meta=meta)
    few = crops[:_CHECKED]
    pairs = zip(Estimator(path).simcc(few), Estimator(scratch).simcc(few), strict=True)
    apart = max(float(np.abs(a - b).max()) for a, b in pairs)
    if apart > _AGREE:
        scratch.unlink()
        raise ProjectError(f"{path} made trainable answers otherwise than before, by {apart:.3f}{instead}")
    scratch.replace(out)
    return out


def _rebuilt(key: str) -> bool:
    """Whether a weight is not in the file and need not be."""
    return any(f".{norm}." in key for norm in _FOLDED.values()) or key.endswith("num_batches_tracked")


def _unfold(model, given: dict[str, np.ndarray], images) -> None:
    """Give the folded norms their numbers. A folded convolution and its bias answer y = w x + b; its norm now has the
    mean m and the variance v of w x, the factor sqrt(v) and the offset b + m, which is the same y."""
    import torch

    found: dict = {}
    hooks = []
    for name, module in model.named_modules():
        for conv, norm in _FOLDED.items():
            if not name.endswith(f".{norm}"):
                continue
            bias = torch.tensor(given[f"model.{name.removesuffix(norm)}{conv}.weight_bias"])
            module.running_mean.zero_()
            module.running_var.fill_(1 - module.eps)
            module.weight.data.fill_(1.0)
            module.bias.data.copy_(bias)
            found[name] = module
            hooks.append(module.register_forward_pre_hook(_noted))
    with torch.inference_mode():
        model(images)
    for hook in hooks:
        hook.remove()
    for module in found.values():
        mean, variance = module.noted.clone()
        del module.noted
        module.bias.data.add_(mean)
        module.weight.data.copy_(torch.sqrt(variance + module.eps))
        module.running_mean.copy_(mean)
        module.running_var.copy_(variance)


def _noted(module, inputs) -> None:
    """Keep mean and variance per channel of what goes into a norm."""
    import torch

    values = inputs[0].transpose(0, 1).flatten(1)
    module.noted = torch.stack([values.mean(1), values.var(1)])
