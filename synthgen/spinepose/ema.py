"""Averaged weights: what is measured and saved. They forget at a fixed rate, slowly once training has warmed up."""

import copy

import torch

from synthgen.spinepose.model import PoseModel


class Average:
    """Exponential moving average of a model, running statistics included.

    Args:
        momentum: what a step contributes; 0 makes the average the model itself. Early steps contribute more
            (1 / (1 + step / 10)), so that the random start is forgotten at once.
    """

    def __init__(self, model: PoseModel, momentum: float) -> None:
        self.momentum, self.steps = momentum, 0
        self.model = model if momentum == 0 else copy.deepcopy(model).requires_grad_(False)

    @torch.no_grad()
    def update(self, model: PoseModel) -> None:
        self.steps += 1
        if self.momentum == 0:
            return
        rate = max(self.momentum, 10.0 / (10.0 + self.steps))
        floats, news = [], []
        for old, new in zip(self.model.state_dict().values(), model.state_dict().values(), strict=True):
            if old.dtype.is_floating_point:
                floats.append(old)
                news.append(new.detach())
            else:
                old.copy_(new)
        torch._foreach_lerp_(floats, news, rate)
