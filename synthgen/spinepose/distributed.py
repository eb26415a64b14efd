"""One process or several under torchrun: who am I, what do the others have."""

import gc
import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
import torch.distributed as dist
from torch import nn


@dataclass(frozen=True, slots=True)
class Team:
    """The processes of a run.

    Attributes:
        rank: mine. world: how many. local: mine on this machine.
    """

    rank: int = 0
    world: int = 1
    local: int = 0

    @property
    def leads(self) -> bool:
        """True in the one process that writes."""
        return self.rank == 0

    def wait(self) -> None:
        if self.world > 1:
            dist.barrier()

    def gather(self, value: Any) -> list[Any]:
        """Everybody's value, in rank order, to everybody."""
        if self.world == 1:
            return [value]
        values: list[Any] = [None] * self.world
        dist.all_gather_object(values, value)
        return values

    def share(self, value: Any) -> Any:
        """The leader's value, to everybody."""
        if self.world == 1:
            return value
        box = [value]
        dist.broadcast_object_list(box, src=0)
        return box[0]


def join(device: torch.device) -> Team:
    """The team that torchrun describes in the environment; a team of one without it."""
    world = int(os.environ.get("WORLD_SIZE", "1"))
    if world == 1:
        return Team()
    if not dist.is_initialized():
        dist.init_process_group("nccl" if device.type == "cuda" else "gloo")
    local = int(os.environ.get("LOCAL_RANK", "0"))
    if device.type == "cuda":
        torch.cuda.set_device(local)
    return Team(dist.get_rank(), dist.get_world_size(), local)


def leave() -> None:
    """End the team; to be called when nothing of it is under way.

    Wrapped models must be gone before: one that outlives the group joins the group's threads only when the interpreter
    is torn down, and can then hang the process at its end.
    """
    if dist.is_initialized():
        gc.collect()
        dist.destroy_process_group()


def others_ended(error: RuntimeError) -> bool:
    """Whether an error only says that another process of the team is gone; that one has said why."""
    text = str(error)
    return int(os.environ.get("WORLD_SIZE", "1")) > 1 and (
        isinstance(error, dist.DistBackendError | dist.DistNetworkError)
        or ("gloo" in text and ("closed by peer" in text or "reset by peer" in text))
    )


def wrap(model: nn.Module, team: Team, device: torch.device) -> nn.Module:
    """The model as the team trains it; wrap again after weights were frozen or unfrozen."""
    if team.world == 1:
        return model
    if not any(p.requires_grad for p in model.parameters()):
        return model
    ids = [team.local] if device.type == "cuda" else None
    return nn.parallel.DistributedDataParallel(model, device_ids=ids, find_unused_parameters=False)


def in_rank_order(parts: Sequence[Sequence[Any]]) -> list[Any]:
    """Undo `items[rank::world]`: the items in their order."""
    out: list[Any] = [None] * sum(len(p) for p in parts)
    for rank, part in enumerate(parts):
        out[rank :: len(parts)] = part
    return out
