"""One round: train on generated and all corrected people, measure on the held-out corrected ones, write it down.

The held-out people grow from round to round, so each row measures the model before and the model after on the same
people. The last weights of a run are measured, never the best on the held-out people: that would be choosing by them.
"""

import csv
import io
import json
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from sqlalchemy import func, insert, select

from synthgen.active import schema
from synthgen.active.errors import ProjectError
from synthgen.active.images import read_image
from synthgen.active.merge import Merged, merge
from synthgen.active.sources import HELD, TRAIN
from synthgen.active.store import Project
from synthgen.keypoints import SUBSETS
from synthgen.shards import write_atomic
from synthgen.spinepose.estimator import Estimator, default_weights

WEIGHTS = "weights"  # note of the project: the checkpoint of the last round
TABLE = "rounds.csv"
REAL, GENERATED = "corrected", "generated"
COLUMNS = (
    "round", "people", "pictures", "held_people", "weights", "spine_ap", "spine_ap_before", "all_ap", "all_ap_before",
    "spine_error", "spine_error_before",
)  # fmt: skip
# A head on BlazePose's frozen trunk: what learns from few pictures, on any machine.
_DEFAULTS = ("model.arch=blaze-full", "schedule.frozen_share=1", "schedule.batch=16")
_GENTLE = ("schedule.lr=0.0005",)  # for a model that knows its work already
START = "start.pt"  # the shipped checkpoint, made trainable
_MEASURED_ON = 64  # people, for that


def run_round(
    project: Project,
    *,
    config: Path | None = None,
    settings: Sequence[str] = (),
    generated: Sequence[Path] = (),
    init: Path | None = None,
    tell: Callable[[str], None] = lambda _: None,
) -> dict:
    """Merge, train, measure; a round that was stopped goes on.

    Args:
        config: of the training, YAML; see configs/spinepose_*.yaml. settings: "key=value" on top.
        generated: rendered sets to train on beside the corrected people.
        init: checkpoint to start from; when None the last round's, else the shipped one, where it fits the config.

    Returns:
        the new row of the table.

    Raises:
        ProjectError: nobody is corrected, or there is nothing to train on.
    """
    from synthgen.spinepose.train import train
    from synthgen.spinepose.train_state import LAST

    merged = merge(project)
    if not merged.people[TRAIN]:
        raise ProjectError("everybody corrected so far is held out; correct somebody of the queue's other people first")
    number = 1 + len(rows(project))
    out = project.folder / "rounds" / f"round_{number:02d}"
    before = Path(project.about(WEIGHTS) or default_weights())
    start = init
    if init is None and not any(s.startswith("model.") for s in settings):
        start = _start(before, merged, out.parent / START)
        start = start if config is None or _fits(start, config) else None
    run = training(config, settings, generated, merged, start, out)
    tell(
        f"round {number}: {merged.people[TRAIN]} corrected people in {merged.pictures[TRAIN]} pictures"
        f"{f', {len(generated)} generated sets' if generated else ''}; {merged.people[HELD]} held out to measure on"
    )
    train(run, resume_run=(out / LAST).is_file(), tell=tell)
    after = out / LAST
    row: dict = {"round": number, "people": merged.people[TRAIN], "pictures": merged.pictures[TRAIN]}
    row |= {"held_people": merged.people[HELD], "weights": str(after), "arch": run.model.arch}
    if merged.people[HELD]:
        for weights, suffix in ((before, "_before"), (after, "")):
            figures = measure(weights, merged)
            row |= {f"{name}{suffix}": value for name, value in figures.items()}
    else:
        tell("nobody held out has been corrected, so this round cannot be measured")
    row["strategies"] = strategies(project)
    with project.writing() as connection:
        connection.execute(
            insert(schema.rounds).values(number=number, created=project.clock(), figures=json.dumps(row))
        )
    project.note(WEIGHTS, str(after.absolute()))
    write_table(project)
    return row


def training(
    config: Path | None,
    settings: Sequence[str],
    generated: Sequence[Path],
    merged: Merged,
    init: Path | None,
    out: Path,
):
    """The training's settings with the sources of this round in them."""
    from synthgen.spinepose.train_config import load_train_config

    given = [] if config else [*_DEFAULTS, *(_GENTLE if init is not None else ())]
    if init is not None and not any(s.startswith("model.init") for s in settings):
        given += _like(init, config)
    real = {"images": str(merged.images), "kind": "real"}
    for folder in generated:
        name = GENERATED if len(generated) == 1 else f"{GENERATED}_{folder.name}"
        given.append(f"data.sources.{name}={json.dumps({'annotations': str(folder)})}")
    given.append(f"data.sources.{REAL}={json.dumps(real | {'annotations': str(merged.files[TRAIN])})}")
    if merged.people[HELD]:
        given.append(f"data.val.{HELD}={json.dumps(real | {'annotations': str(merged.files[HELD])})}")
    given += [f"out={json.dumps(str(out))}", f"data.store={json.dumps(str(out / 'store'))}"]
    return load_train_config(config, [*given, *settings])


def _start(before: Path, merged: Merged, out: Path) -> Path:
    """What training can begin from: a checkpoint as it is, an exported model made trainable on the project's people."""
    from synthgen.active.reopen import reopen
    from synthgen.spinepose.crop import crop_from_box, warp
    from synthgen.spinepose.sources import SourceConfig, load_source

    if before.suffix == ".pt" or out.is_file():
        return before if before.suffix == ".pt" else out
    size = Estimator(before).input_size
    source = load_source(TRAIN, SourceConfig(str(merged.files[TRAIN]), str(merged.images), kind="real"))
    rows = np.unique(np.linspace(0, len(source) - 1, _MEASURED_ON).round().astype(int))
    crops = [warp(read_image(Path(source.images[i])), crop_from_box(source.boxes[i], size), size) for i in rows]
    return reopen(before, np.stack(crops)[..., ::-1], out)


def _fits(checkpoint: Path, config: Path) -> bool:
    """Whether a training config asks for the checkpoint's architecture and input size."""
    from synthgen.spinepose.checkpoint import load_checkpoint
    from synthgen.spinepose.train_config import load_train_config

    _, meta = load_checkpoint(checkpoint)
    model = load_train_config(config).model
    return (model.arch, list(model.input_size)) == (meta["arch"], list(meta["input_size"]))


def _like(init: Path, config: Path | None) -> list[str]:
    """Settings that begin with a checkpoint, and are of its architecture where no config says another."""
    from synthgen.spinepose.checkpoint import load_checkpoint

    _, meta = load_checkpoint(init)
    found = [f"model.init={json.dumps(str(init))}"]
    if config is None:
        found += [f"model.arch={meta['arch']}", f"model.input_size={json.dumps(list(meta['input_size']))}"]
    return found


def measure(weights: Path, merged: Merged) -> dict[str, float | None]:
    """AP of each subset and mean errors, shares of the person's size, of a checkpoint on the held-out people."""
    from synthgen.spinepose import metrics
    from synthgen.spinepose.average_precision import Detections, average_precision
    from synthgen.spinepose.sources import SourceConfig, load_source

    estimator = Estimator(weights)
    source = load_source(HELD, SourceConfig(str(merged.files[HELD]), str(merged.images), kind="real"))
    points, scores = np.zeros((len(source), 37, 2)), np.zeros((len(source), 37))
    for name in sorted(set(source.images)):
        at = [i for i, image in enumerate(source.images) if image == name]
        for i, pose in zip(at, estimator(read_image(Path(name)), source.boxes[at]), strict=True):
            points[i], scores[i] = pose.points, pose.scores
    found = Detections(source.image_ids, points, scores, np.ones(len(source)))
    figures: dict[str, float | None] = {}
    for subset in SUBSETS:
        figures[f"{subset}_ap"] = average_precision(source, found, subset)["AP"]
    accuracy = metrics.accuracy(points, source)
    figures |= {"error": accuracy["error"], "spine_error": accuracy["spine"]}
    return {k: None if v is None or not np.isfinite(v) else round(float(v), 5) for k, v in figures.items()}


def strategies(project: Project) -> dict[str, int]:
    """How many of the queue were selected by which strategy."""
    with project.reading() as connection:
        table = schema.queue.c
        found = connection.execute(
            select(table.strategy, func.count()).group_by(table.strategy).order_by(table.strategy)
        )
        return {row[0]: row[1] for row in found}


def rows(project: Project) -> list[dict]:
    """The table of rounds."""
    with project.reading() as connection:
        found = connection.scalars(select(schema.rounds.c.figures).order_by(schema.rounds.c.number))
        return [json.loads(text) for text in found]


def write_table(project: Project) -> Path:
    """The table as CSV beside the database."""
    text = io.StringIO()
    writer = csv.DictWriter(text, COLUMNS, extrasaction="ignore", lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows(project))
    path = project.folder / TABLE
    write_atomic(path, text.getvalue().encode())
    return path
