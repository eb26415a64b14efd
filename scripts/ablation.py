"""Train the same recipe several times with one thing changed, measure every run alike, and print the table.

    python scripts/ablation.py losses --config configs/spinepose_t.yaml --out out/ablation \
        data.sources.generated.annotations=out/six_thousand data.val.generated.annotations=out/six_thousand
    python scripts/ablation.py data --config configs/spinepose_blaze.yaml ...     # generated only, real only, mixture

losses: distillation off and on, each without and with anatomical regularisation (structure and smoothness).
data: the three rows, generated only, real only and mixture, each measured on generated and on real people. All three
take the same number of steps (schedule.epoch_size is that of the mixture unless it is given), and the weights measured
are those of the last step: picking the best by one set would take sides.

Every line says how many pictures and people it stands on, and whether those taught the spine at all. What a set has no
labels for is "no labels", never a figure. Runs that are finished are not trained again, so that a stopped ablation goes
on. Writes OUT/ablation.csv and OUT/evaluation.html.
"""

import argparse
import csv
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from biomech.errors import ConfigError, SynthgenError
from synthgen.keypoints import SPINE_IDS
from synthgen.spinepose.checkpoint import load_checkpoint
from synthgen.spinepose.eval_report import Entry, write_report
from synthgen.spinepose.evaluate import Evaluation, evaluate_source
from synthgen.spinepose.precision import choose_device, choose_precision
from synthgen.spinepose.sources import Source, load_source, load_sources
from synthgen.spinepose.train import train
from synthgen.spinepose.train_config import TrainConfig, load_train_config
from synthgen.spinepose.train_state import BEST, LAST

OFF_DISTILLATION = ("loss.distillation=0",)
OFF_REGULARISATION = ("loss.structure=0", "loss.smoothness=0")
TABLES: dict[str, dict[str, tuple[str, ...]]] = {
    "losses": {
        "labels only": (*OFF_DISTILLATION, *OFF_REGULARISATION),
        "distillation": OFF_REGULARISATION,
        "regularisation": OFF_DISTILLATION,
        "both": (),
    },
    "data": {"generated only": ("data.use=generated",), "real only": ("data.use=real",), "mixture": ("data.use=all",)},
}
SUBSETS = ("body", "feet", "spine", "all")
NO_LABELS = "no labels"


def rows(table: str) -> dict[str, tuple[str, ...]]:
    """Name of each run -> the settings that set it apart."""
    return TABLES[table]


def plan(table: str, base: Path, settings: list[str], out: Path) -> dict[str, TrainConfig]:
    """The settings of every run, before any of them is trained.

    Raises:
        ConfigError, DatasetError: a run cannot be trained, or the table could not be filled.
    """
    configs = {}
    same = [] if table != "data" else _same_steps(load_train_config(base, settings))
    for name, own in rows(table).items():
        config = load_train_config(base, [*settings, *same, *own, f"out={out / name.replace(' ', '_')}"])
        config.training_sources()
        if name in ("distillation", "both") and config.teacher.backend == "none":
            raise ConfigError("this config has no teacher; add teacher.backend=blazepose teacher.path=heavy")
        configs[name] = config
    kinds = {source.kind for source in config.data.val.values()}
    if table == "data" and kinds != {"generated", "real"}:
        raise ConfigError(
            f"the data table is measured on generated and real people; data.val holds {' and '.join(kinds) or 'none'}"
            ": add data.val.NAME={annotations: .., split: val, kind: ..}"
        )
    return configs


def _same_steps(config: TrainConfig) -> list[str]:
    if config.schedule.epoch_size:
        return []
    return [f"schedule.epoch_size={sum(len(s) for s in load_sources(config.data.sources))}"]


def stands_on(sources: Sequence[Source]) -> dict[str, object]:
    """What a run learns from: columns of its lines."""
    counts = [f"{s.name} ({s.config.kind}): {len(set(s.images))} pictures, {len(s)} people" for s in sources]
    spine = sum(int((s.weights[:, list(SPINE_IDS)] > 0).any(1).sum()) for s in sources)
    return {
        "learnt_from": "; ".join(counts),
        "pictures": sum(len(set(s.images)) for s in sources),
        "learnt_people": sum(len(s) for s in sources),
        "learnt_spines": spine,
    }


def line_of(name: str, stands: dict[str, object], source: Source, found: Evaluation) -> dict[str, object]:
    """A run measured on a set, as a line of the table; None where the set has no labels for a figure."""
    pictures = len({source.images[i] for i in found.rows})
    line = {"run": name, **stands, "measured_on": f"{source.name} ({source.config.kind})"}
    line |= {"measured_pictures": pictures, "measured_people": found.count}
    line |= {f"{s}_AP": found.ap[s]["AP"] for s in SUBSETS}
    line |= {k: found.figures[k] for k in ("pck05", "error", "spine", "oks", "spine_mm") if k in found.figures}
    line["mean_pose_spine"] = found.mean_pose["spine"]
    return {k: None if isinstance(v, float) and not np.isfinite(v) else v for k, v in line.items()}


def as_text(line: dict[str, object]) -> dict[str, str]:
    """A line as it is written."""
    return {k: NO_LABELS if v is None else f"{v:.4f}" if isinstance(v, float) else str(v) for k, v in line.items()}


def run_one(name: str, config: TrainConfig) -> None:
    """Train one run, or go on with it."""
    folder = Path(config.out)
    print(f"== {name}: {folder}", flush=True)
    started = (folder / LAST).is_file()
    train(config, resume_run=started, tell=lambda line: print(f"   {line}", flush=True))


def weights_of(table: str, folder: Path) -> Path:
    """The checkpoint of a run that is measured."""
    best = folder / BEST
    return best if table != "data" and best.is_file() else folder / LAST


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("table", choices=sorted(TABLES))
    parser.add_argument("--config", type=Path, required=True)
    parser.add_argument("--out", type=Path, default=Path("out/ablation"))
    parser.add_argument("--only", help="train and measure this run alone")
    parser.add_argument("--limit", type=int, default=0, help="people to measure per set; 0: all")
    parser.add_argument("settings", nargs="*", metavar="KEY=VALUE")
    given = parser.parse_intermixed_args()
    if given.only not in (None, *rows(given.table)):
        raise ConfigError(f"there is no run {given.only!r} in this table; there are: {', '.join(rows(given.table))}")
    device = choose_device("auto")
    precision = choose_precision("auto", device)
    entries: list[Entry] = []
    lines: list[dict[str, object]] = []
    for name, config in plan(given.table, given.config, given.settings, given.out).items():
        if given.only not in (None, name):
            continue
        run_one(name, config)
        model, meta = load_checkpoint(weights_of(given.table, Path(config.out)))
        stands = stands_on(load_sources(config.training_sources()))
        for source_name, source_config in config.data.val.items():
            source = load_source(source_name, source_config)
            found = evaluate_source(
                model.to(device), source, flip_test=True, limit=given.limit, device=device, precision=precision
            )
            entries.append(Entry(name, meta, source, found))
            lines.append(line_of(name, stands, source, found))
    texts = [as_text(line) for line in lines]
    columns = list(dict.fromkeys(k for line in texts for k in line))
    with open(given.out / "ablation.csv", "w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, columns, restval=NO_LABELS)
        writer.writeheader()
        writer.writerows(texts)
    for text in texts:
        print(" | ".join(f"{k} {v}" for k, v in text.items()))
    print(write_report(entries, given.out))
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except SynthgenError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(2)
