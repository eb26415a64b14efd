"""Learning rates over a run, which weights learn when, and the groups of the optimiser."""

import math

import torch
from torch import nn

from synthgen.spinepose.model import PoseModel
from synthgen.spinepose.train_config import ScheduleConfig


def rate_at(step: int, total: int, config: ScheduleConfig) -> float:
    """Factor on the learning rate: linear warm-up, flat, then a cosine down to `final_lr`."""
    warm = min(config.warmup_steps, total)
    if step < warm:
        return config.warmup_start + (1 - config.warmup_start) * step / warm
    flat = max(warm, int(config.flat_share * total))
    if step < flat or total <= flat:
        return 1.0
    done = min(1.0, (step - flat) / max(1, total - 1 - flat))
    return config.final_lr + (1 - config.final_lr) * 0.5 * (1 + math.cos(math.pi * done))


def unfreeze_step(total: int, config: ScheduleConfig) -> int:
    """First step in which the trunk learns; `total` or more where it never does."""
    return math.ceil(config.frozen_share * total)


def trunk_learns(step: int, total: int, config: ScheduleConfig) -> bool:
    return step >= unfreeze_step(total, config)


def set_trunk(model: PoseModel, learns: bool, config: ScheduleConfig) -> None:
    """Freeze the trunk, or let it learn from the configured stride on."""
    if not learns:
        model.freeze_trunk(0)
    elif config.learn_from_stride:
        model.freeze_trunk(config.learn_from_stride)
    else:
        for parameter in model.trunk_parameters():
            parameter.requires_grad_(True)


def optimiser(model: PoseModel, config: ScheduleConfig) -> torch.optim.AdamW:
    """AdamW in four groups, head and trunk, with and without weight decay; their order never changes.

    Norms, biases and other vectors do not decay. Each group keeps its largest rate under "base_lr".
    """
    trunk = {id(p) for p in model.trunk_parameters()}
    groups: dict[tuple[bool, bool], list[nn.Parameter]] = {}
    for parameter in model.parameters():
        groups.setdefault((id(parameter) in trunk, parameter.ndim > 1), []).append(parameter)
    made = []
    for in_trunk, decays in ((False, True), (False, False), (True, True), (True, False)):
        members = groups.get((in_trunk, decays), [])
        if members:
            lr = config.trunk_lr if in_trunk and config.trunk_lr > 0 else config.lr
            decay = config.weight_decay if decays else 0.0
            made.append({"params": members, "lr": lr, "base_lr": lr, "weight_decay": decay})
    return torch.optim.AdamW(made, lr=config.lr)


def set_rate(optimizer: torch.optim.Optimizer, factor: float) -> None:
    for group in optimizer.param_groups:
        group["lr"] = group["base_lr"] * factor
