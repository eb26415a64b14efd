"""Which arithmetic a device is good at."""

import contextlib
from pathlib import Path

import torch

from biomech.errors import ConfigError

_TYPES = {"bf16": torch.bfloat16, "fp16": torch.float16}


def choose_device(name: str) -> torch.device:
    """auto, cpu or cuda -> device. ConfigError where there is no GPU but one is asked for."""
    if name == "cuda" and not torch.cuda.is_available():
        raise ConfigError("'run.device' is cuda but torch sees no GPU; use auto or cpu, or install torch's CUDA build")
    return torch.device("cuda" if name != "cpu" and torch.cuda.is_available() else "cpu")


def choose_precision(name: str, device: torch.device) -> str:
    """auto -> bf16 where the hardware computes it, else fp32; fp16 is for GPUs only."""
    if name == "fp16" and device.type != "cuda":
        raise ConfigError("'run.precision' fp16 needs a GPU; use auto, fp32 or bf16")
    if name != "auto":
        return name
    if device.type == "cuda":
        return "bf16" if torch.cuda.is_bf16_supported() else "fp16"
    return "bf16" if _cpu_has_bf16() else "fp32"


def autocast(device: torch.device, precision: str) -> contextlib.AbstractContextManager:
    """The context to run the forward pass in."""
    if precision == "fp32":
        return contextlib.nullcontext()
    return torch.autocast(device.type, _TYPES[precision])


def _cpu_has_bf16() -> bool:
    """Emulated bf16 is slower than fp32, so only CPUs that compute it count."""
    try:
        flags = Path("/proc/cpuinfo").read_text(encoding="ascii", errors="ignore")
    except OSError:
        return False
    return any(flag in flags for flag in ("avx512_bf16", "amx_bf16", " bf16"))
