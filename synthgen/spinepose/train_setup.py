"""Everything a training run stands on, made from its settings before the first step."""

import logging
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from biomech.errors import ConfigError
from synthgen.keypoints import spinetrack
from synthgen.spinepose.distributed import Team, join
from synthgen.spinepose.evaluate import CropCache
from synthgen.spinepose.loader import BatchMaker, build_stores
from synthgen.spinepose.metrics import mean_pose
from synthgen.spinepose.mixture import Mixture, shares
from synthgen.spinepose.model import PoseModel, build_model
from synthgen.spinepose.precision import choose_device, choose_precision
from synthgen.spinepose.prior import SpinePrior, spine_prior
from synthgen.spinepose.sources import Source, load_sources
from synthgen.spinepose.train_config import TrainConfig

log = logging.getLogger(__name__)

FEWEST_FOR_PRIOR = 20  # people with a whole spine; below, labels alone carry the regularisation


@dataclass(frozen=True, slots=True, eq=False)
class Setup:
    """What does not change during a run.

    Attributes:
        sources, val: people to learn from and to measure on.
        maker: makes the batches.
        epoch, total: steps.
        prior: statistics of the spine, None where there is no generated data.
        pose: (K, 2) mean pose of the training people in a plain crop, input px.
        teacher: or None.
        crops: of the people measured on.
    """

    config: TrainConfig
    out: Path
    team: Team
    device: torch.device
    precision: str
    sources: tuple[Source, ...]
    val: tuple[Source, ...]
    maker: BatchMaker
    epoch: int
    total: int
    prior: SpinePrior | None
    pose: np.ndarray
    teacher: Any
    crops: CropCache

    @property
    def digests(self) -> dict[str, str]:
        """Source -> sha256 of its annotations."""
        return {s.name: s.digest for s in self.sources}


def prepare(config: TrainConfig) -> Setup:
    """Read the data, fill the stores, start the teacher.

    Raises:
        ConfigError, DatasetError, SpinePoseError: what is wrong, in one sentence.
    """
    device = choose_device(config.run.device)
    precision = choose_precision(config.run.precision, device)
    if config.run.threads:
        torch.set_num_threads(config.run.threads)
    team = join(device)
    if config.schedule.batch % team.world:
        raise ConfigError(
            f"'schedule.batch' is {config.schedule.batch}, which {team.world} processes cannot share evenly"
        )
    if device.type == "cuda":
        device = torch.device("cuda", team.local)
    sources, val = load_sources(config.training_sources()), load_sources(config.data.val)
    size = config.model.input_size
    maker, epoch = make_maker(config, sources, team)
    total = epoch * config.schedule.epochs
    teacher = make_teacher(config, device)
    return Setup(
        config=config,
        out=Path(config.out),
        team=team,
        device=device,
        precision=precision,
        sources=sources,
        val=val,
        maker=maker,
        epoch=epoch,
        total=total,
        prior=_prior(config, sources),
        pose=mean_pose(sources, size),
        teacher=teacher,
        crops=CropCache(),
    )


def make_maker(config: TrainConfig, sources: tuple[Source, ...], team: Team | None = None) -> tuple[BatchMaker, int]:
    """The maker of batches, and the steps of an epoch."""
    team, data, schedule = team or Team(), config.data, config.schedule
    weights = [s.config.weight for s in sources]
    parts = shares(weights, [s.config.kind == "real" for s in sources], data.body_share)
    mixture = Mixture([len(s) for s in sources], parts, schedule.batch, config.seed)
    people = schedule.epoch_size or sum(len(s) for s in sources)
    epoch = max(1, round(people / schedule.batch))
    size, folder = config.model.input_size, Path(data.store) if data.store else None
    budget = int(data.store_gb * 1e9)
    threads = max(1, config.data.workers)
    if team.leads:
        stores = build_stores(sources, size, folder, budget, threads, _progress)
        team.wait()
    else:
        team.wait()
        stores = build_stores(sources, size, folder, budget, build=False)
    late = epoch * max(0, schedule.epochs - schedule.late_epochs)
    stages = [(0, config.augment)] + ([(late, config.late)] if schedule.late_epochs else [])
    clean = config.teacher.backend != "none" and config.loss.distillation > 0
    views = config.teacher.views if clean else 0
    return BatchMaker(sources, stores, mixture, size, stages, clean, views, team.rank, team.world), epoch


def make_model(config: TrainConfig) -> PoseModel:
    """The model with its first weights: fresh from the seed, or those of `model.init`."""
    torch.manual_seed(config.seed)
    wants_branch = config.model.heatmaps and config.loss.heatmap > 0 and not config.model.arch.startswith("blaze")
    names = spinetrack().names
    model = build_model(config.model.arch, len(names), config.model.input_size, heatmaps=wants_branch)
    if config.model.init:
        from synthgen.spinepose.checkpoint import initialise

        known = initialise(model, names, config.model.init)
        log.info("started from %s, which knows %d of %d keypoints", config.model.init, len(known), len(names))
    return model


def make_teacher(config: TrainConfig, device: torch.device) -> Any:
    """The teacher the settings name, or None."""
    if config.teacher.backend == "none" or config.loss.distillation == 0:
        return None
    from synthgen.spinepose import teacher

    cache = config.teacher.cache or None
    size = config.model.input_size
    return teacher.make_teacher(
        config.teacher.backend, config.teacher.path, input_size=size, device=device, cache=cache
    )


def _prior(config: TrainConfig, sources: tuple[Source, ...]) -> SpinePrior | None:
    if not (config.loss.structure or config.loss.smoothness):
        return None
    generated = [s.keypoints for s in sources if s.config.kind == "generated"]
    whole = sum(int((k[:, 26:31, 2] > 0).all(1).sum()) for k in generated)
    if whole < FEWEST_FOR_PRIOR:
        log.warning("no spine prior: the generated sources show fewer than %d whole spines", FEWEST_FOR_PRIOR)
        return None
    return spine_prior(np.concatenate(generated))


def _progress(name: str, done: int, total: int) -> None:
    if done == total or done % 1024 < 64:
        log.info("stored %d of %d people of '%s'", done, total, name)
