"""What changes during a run: written to `last.pt`, and read back so that the next step is as it would have been."""

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import nn

from biomech.errors import ConfigError, DatasetError
from synthgen import __version__
from synthgen.keypoints import spinetrack
from synthgen.settings import to_plain
from synthgen.spinepose.checkpoint import load_checkpoint, load_training, save_checkpoint
from synthgen.spinepose.ema import Average
from synthgen.spinepose.errors import CheckpointError
from synthgen.spinepose.model import PoseModel
from synthgen.spinepose.train_config import changed_keys
from synthgen.spinepose.train_setup import Setup

LAST, BEST = "last.pt", "best.pt"


@dataclass(slots=True, eq=False)
class State:
    """What changes during a run.

    Attributes:
        model: the weights that learn. wrapped: the same for several processes.
        average: the weights that are measured and saved.
        step: steps done.
        best: the best figure so far, larger is better; None before the first measurement.
        figures: of the last measurement: source -> name -> value.
    """

    model: PoseModel
    wrapped: nn.Module
    average: Average
    optimizer: torch.optim.Optimizer
    scaler: Any
    step: int = 0
    best: float | None = None
    figures: dict[str, dict[str, float]] = field(default_factory=dict)


def meta_of(state: State, setup: Setup) -> dict[str, Any]:
    """What a checkpoint says about itself."""
    schema = spinetrack()
    return {
        "config": to_plain(setup.config),
        "keypoint_names": list(schema.names),
        "sigmas": [float(s) for s in schema.sigmas],
        "digests": setup.digests,
        "people": {s.name: len(s) for s in setup.sources},
        "kinds": {s.name: s.config.kind for s in setup.sources},
        "step": state.step,
        "epoch": state.step / setup.epoch,
        "best": state.best,
        "best_by": setup.config.evaluation.best_by,
        "figures": state.figures,
        "prior": setup.prior.to_dict() if setup.prior is not None else None,
        "version": __version__,
        "torch": str(torch.__version__),
    }


def save(state: State, setup: Setup, name: str) -> None:
    """Write a checkpoint; `last.pt` also holds what resuming needs."""
    training = None
    if name == LAST:
        training = {
            "step": state.step,
            "best": state.best,
            "model": {k: v.detach().cpu() for k, v in state.model.state_dict().items()},
            "optimizer": state.optimizer.state_dict(),
            "scaler": state.scaler.state_dict() if state.scaler is not None else None,
            "average_steps": state.average.steps,
            "rng": torch.get_rng_state(),
            "figures": json.dumps(state.figures),
        }
    save_checkpoint(setup.out / name, state.average.model, meta=meta_of(state, setup), training=training)


def resume(state: State, setup: Setup) -> None:
    """Continue from `last.pt`.

    Raises:
        CheckpointError: there is none, or it is of another schema.
        ConfigError: settings that shape the result differ; they are named.
        DatasetError: a source holds other annotations than before.
    """
    path = setup.out / LAST
    if not path.is_file():
        raise CheckpointError(f"there is nothing to resume: no {path}; start without --resume")
    model, meta = load_checkpoint(path, expect=spinetrack().names)
    refuse_change(meta, setup, path)
    training = load_training(path)
    state.model.load_state_dict(training["model"])
    if state.average.model is not state.model:
        state.average.model.load_state_dict(model.state_dict())
    state.average.steps = training["average_steps"]
    state.optimizer.load_state_dict(training["optimizer"])
    if state.scaler is not None and training["scaler"]:
        state.scaler.load_state_dict(training["scaler"])
    state.step, state.best = training["step"], training["best"]
    state.figures = json.loads(training["figures"])
    torch.set_rng_state(training["rng"])


def refuse_change(meta: dict[str, Any], setup: Setup, path: Path) -> None:
    """Errors that name what differs between a checkpoint's run and this one."""
    changes = changed_keys(meta["config"], setup.config)
    if changes:
        lines = "; ".join(f"{key}: {json.dumps(then)} then, {json.dumps(now)} now" for key, then, now in changes)
        raise ConfigError(
            f"{path} was trained with other settings ({lines}); use those to resume, or start a new run with "
            f"model.init={path} and another 'out'"
        )
    for name, digest in setup.digests.items():
        if meta["digests"].get(name) != digest:
            raise DatasetError(
                f"source '{name}' holds other annotations than when {path} was written; "
                "restore them, or start a new run "
                f"with model.init={path}"
            )
