"""The training loop: batches in, an averaged model, its figures and pictures out.

Batch t is a function of (seed, t), the state of step t is in `last.pt`: a run that was stopped goes on as if it had
not been, bit for bit on a CPU.
"""

import contextlib
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch
import torch.distributed as dist

from biomech.errors import ConfigError
from synthgen.shards import write_atomic
from synthgen.spinepose.distributed import leave, others_ended, wrap
from synthgen.spinepose.ema import Average
from synthgen.spinepose.errors import SpinePoseError
from synthgen.spinepose.loader import Batch, batches
from synthgen.spinepose.losses import LossWeights, Targets, total_loss
from synthgen.spinepose.overlays import draw_person, jpeg, sheet
from synthgen.spinepose.precision import autocast
from synthgen.spinepose.runlog import Clock, RunLog, in_words
from synthgen.spinepose.schedule import optimiser, rate_at, set_rate, set_trunk, trunk_learns
from synthgen.spinepose.train_config import TrainConfig, commented_yaml
from synthgen.spinepose.train_measure import measure, merit
from synthgen.spinepose.train_setup import Setup, make_model, prepare
from synthgen.spinepose.train_state import BEST, LAST, State, resume, save

log = logging.getLogger(__name__)

BAD_BATCH = "bad_batch.pt"


class TrainingError(SpinePoseError):
    """Training cannot go on."""


@dataclass(frozen=True, slots=True)
class Summary:
    """What a run came to.

    Attributes:
        out: its folder. steps: done in all. seconds: of this call. per_second: people trained on per second.
        figures: last measurement: source -> name -> value.
        warnings: what to look at.
    """

    out: Path
    steps: int
    seconds: float
    per_second: float
    figures: dict[str, dict[str, float]]
    warnings: tuple[str, ...]


def train(
    config: TrainConfig,
    *,
    resume_run: bool = False,
    stop_after: int | None = None,
    tell: Callable[[str], None] = log.info,
) -> Summary:
    """Train a model.

    Args:
        resume_run: go on from `last.pt` in the run's folder.
        stop_after: stop, saved, once so many steps of the run are done.
        tell: gets a line now and then, in the leading process.

    Raises:
        ConfigError, DatasetError, CheckpointError: the run cannot begin as asked.
        TrainingError: the loss or its gradient is no number (the batch lies in `bad_batch.pt`), or another process of
            the team has ended.
    """
    out = Path(config.out)
    if (out / LAST).is_file() and not resume_run:
        raise ConfigError(f"{out} holds a run already; go on with --resume, or choose another 'out'")
    state: State | None = None
    try:
        setup = prepare(config)
        state = _begin(setup)
        return _run(state, setup, resume_run, stop_after, tell if setup.team.leads else lambda _: None)
    except RuntimeError as error:
        if not others_ended(error):
            raise
        raise TrainingError("another process of this run has ended, so this one stops; its message says why") from error
    finally:
        if state is not None:
            state.wrapped = state.model  # what is wrapped must not outlive the team, whatever ends the run
        leave()


def _run(state: State, setup: Setup, resume_run: bool, stop_after: int | None, tell: Callable[[str], None]) -> Summary:
    config, team = setup.config, setup.team
    if resume_run:
        resume(state, setup)
    book = RunLog(setup.out, config.run.tensorboard, state.step if resume_run else None) if team.leads else None
    if team.leads:
        _write_start(setup)
    end = setup.total if stop_after is None else min(stop_after, setup.total)
    clock, start, first = Clock(state.step, end), time.monotonic(), state.step
    warnings: list[str] = []
    sums: dict[str, torch.Tensor] = {}
    count, since = 0, time.monotonic()
    tell(
        f"{config.model.arch} on {setup.device.type}, {setup.precision}: "
        f"{setup.total} steps of {config.schedule.batch}, "
        f"{sum(len(s) for s in setup.sources)} people in {len(setup.sources)} sources, from step {state.step}"
    )
    learns: bool | None = None
    noted = contextlib.closing(book) if book is not None else contextlib.nullcontext()  # also what a failed run did
    with noted, contextlib.closing(batches(setup.maker, state.step, end, config.data.workers)) as stream:
        for batch in stream:
            now = trunk_learns(state.step, setup.total, config.schedule)
            if now != learns:
                learns = now
                set_trunk(state.model, learns, config.schedule)
                state.wrapped = wrap(state.model, team, setup.device)
            terms = _step(state, setup, batch)
            for name, value in terms.items():
                sums[name] = sums.get(name, 0.0) + value
            state.step += 1
            count += 1
            if team.leads and (count == config.run.log_every or state.step == end):
                means = {name: float(value) / count for name, value in sums.items()}
                speed = count * config.schedule.batch / max(1e-9, time.monotonic() - since)
                rate = rate_at(state.step - 1, setup.total, config.schedule) * config.schedule.lr
                assert book is not None
                book.add(state.step, "train", means | {"lr": rate, "people_per_second": speed})
                text = " ".join(f"{name} {value:.3f}" for name, value in means.items())
                tell(f"step {state.step}/{setup.total} {text} | {speed:.0f}/s, {clock.left(state.step)} left")
            if count == config.run.log_every:
                sums, count, since = {}, 0, time.monotonic()
            if state.step % setup.epoch == 0:
                paused = time.monotonic()
                warnings = _end_of_epoch(state, setup, book, tell)
                since += time.monotonic() - paused
            elif state.step == end or (config.run.save_every and state.step % config.run.save_every == 0):
                if team.leads:
                    save(state, setup, LAST)
                    assert book is not None
                    book.flush()
    team.wait()
    seconds = time.monotonic() - start
    done = (state.step - first) * config.schedule.batch
    tell(f"{state.step} steps done in {in_words(seconds)}; {setup.out / LAST}")
    return Summary(setup.out, state.step, seconds, done / max(seconds, 1e-9), state.figures, tuple(warnings))


def _begin(setup: Setup) -> State:
    config = setup.config
    model = make_model(config).to(setup.device)
    if config.run.channels_last:
        model = model.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    if setup.team.world > 1 and setup.device.type == "cuda":
        model = torch.nn.SyncBatchNorm.convert_sync_batchnorm(model)
    scaler = torch.amp.GradScaler("cuda") if setup.precision == "fp16" else None
    return State(model, model, Average(model, config.ema), optimiser(model, config.schedule), scaler)


def _step(state: State, setup: Setup, batch: Batch) -> dict[str, torch.Tensor]:
    """One update; returns the terms of the loss."""
    config = setup.config
    on_device = batch.to(setup.device)
    set_rate(state.optimizer, rate_at(state.step, setup.total, config.schedule))
    state.wrapped.train()
    taught = None
    if setup.teacher is not None and on_device.clean is not None:
        with torch.no_grad():
            said = setup.teacher.predict(on_device.clean.float())
            taught = type(said)(*(value.clone() for value in said))  # autograd refuses tensors made in inference mode
    with autocast(setup.device, setup.precision):
        outputs = state.wrapped(on_device.images.float())
    targets = Targets(on_device.keypoints, on_device.weights, on_device.person)
    weights = LossWeights(**{name: getattr(config.loss, name) for name in LossWeights.__dataclass_fields__})
    loss, terms = total_loss(outputs, targets, taught, weights, setup.prior)
    _refuse_nan(loss, "loss", setup, batch)
    state.optimizer.zero_grad(set_to_none=True)
    learning = [p for p in state.model.parameters() if p.requires_grad]
    limit = config.schedule.clip or float("inf")
    if state.scaler is not None:
        state.scaler.scale(loss).backward()
        state.scaler.unscale_(state.optimizer)
        torch.nn.utils.clip_grad_norm_(learning, limit)
        state.scaler.step(state.optimizer)
        state.scaler.update()
    else:
        loss.backward()
        _refuse_nan(torch.nn.utils.clip_grad_norm_(learning, limit), "gradient", setup, batch)
        state.optimizer.step()
    state.average.update(state.model)
    return terms


def _refuse_nan(value: torch.Tensor, what: str, setup: Setup, batch: Batch) -> None:
    """Stop every process where the value of one is no number."""
    bad = ~torch.isfinite(value.detach())
    if setup.team.world > 1:
        flag = bad.float()
        dist.all_reduce(flag)
        anywhere = bool(flag > 0)
    else:
        anywhere = bool(bad)
    if not anywhere:
        return
    path = setup.out / BAD_BATCH
    if bool(bad):
        if setup.team.world > 1:
            path = path.with_stem(f"{path.stem}_{setup.team.rank}")
        people = [(setup.sources[s].name, setup.sources[s].images[r]) for s, r in batch.people]
        held = {"step": batch.step, "images": batch.images, "keypoints": batch.keypoints, "weights": batch.weights}
        setup.out.mkdir(parents=True, exist_ok=True)
        torch.save(held | {"people": people}, path)
    raise TrainingError(
        f"the {what} of step {batch.step} is not a number; the batch is in {path}. "
        "Lower 'schedule.lr', check the data with "
        "'synthgen train check-data', or set run.precision=fp32"
    )


def _end_of_epoch(state: State, setup: Setup, book: RunLog | None, tell: Callable[[str], None]) -> list[str]:
    """Measure, draw, save. Every process takes part; the leader writes."""
    epoch = state.step // setup.epoch
    due = epoch % setup.config.evaluation.every == 0 or state.step == setup.total
    warnings: list[str] = []
    better = False
    if due and setup.val:
        state.figures, warnings, picture = measure(state, setup)
        value = merit(state.figures[setup.val[0].name], setup.config.evaluation.best_by)
        better = value is not None and (state.best is None or value > state.best)
        state.best = value if better else state.best
        if book is not None:
            for name, figures in state.figures.items():
                book.add(state.step, name, figures)
                tell(f"epoch {epoch} {name}: " + _in_short(figures))
            if picture is not None:
                write_atomic(setup.out / "overlays" / f"epoch_{epoch:04d}.jpg", picture, durable=False)
        for warning in warnings:
            tell(f"warning: {warning}")
    if setup.team.leads:
        save(state, setup, LAST)
        if better:
            save(state, setup, BEST)
        assert book is not None
        book.flush()
    setup.team.wait()
    return warnings


def _in_short(figures: dict[str, float]) -> str:
    names = ("pck05", "spine", "mean_pose_spine", "oks", "spine_mm")
    return " ".join(f"{n} {figures[n]:.3f}" for n in names if n in figures and figures[n] == figures[n])


def _write_start(setup: Setup) -> None:
    """The settings, and the first batch with its labels drawn in."""
    about = "The settings of this run, complete. Go on with it: synthgen train --config config.yaml --resume"
    write_atomic(setup.out / "config.yaml", commented_yaml(setup.config, about).encode(), durable=False)
    batch = setup.maker[0]
    pictures = [
        draw_person(image.permute(1, 2, 0).numpy(), points.numpy(), weights.numpy())
        for image, points, weights in zip(batch.images[:12], batch.keypoints[:12], batch.weights[:12], strict=True)
    ]
    write_atomic(setup.out / "overlays" / "first_batch.jpg", jpeg(sheet(pictures, 6)), durable=False)
