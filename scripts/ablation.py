"""Train the same recipe several times with one thing changed, measure every run alike, and print the table.

    python scripts/ablation.py losses --config configs/spinepose_t.yaml --out out/ablation \
        data.sources.generated.annotations=out/six_thousand data.val.generated.annotations=out/six_thousand
    python scripts/ablation.py data --config configs/spinepose_blaze.yaml ...     # generated only, real only, mixture

losses: distillation off and on, each without and with anatomical regularisation (structure and smoothness).
data: the three rows. Runs that are finished are not trained again, so that a stopped ablation goes on.
Writes OUT/ablation.csv and OUT/evaluation.html.
"""

import argparse
import csv
import sys
from pathlib import Path

from biomech.errors import SynthgenError
from synthgen.spinepose.checkpoint import load_checkpoint
from synthgen.spinepose.eval_report import Entry, learnt_from, write_report
from synthgen.spinepose.evaluate import evaluate_source
from synthgen.spinepose.precision import choose_device, choose_precision
from synthgen.spinepose.sources import load_source
from synthgen.spinepose.train import train
from synthgen.spinepose.train_config import TrainConfig, load_train_config

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


def rows(table: str) -> dict[str, tuple[str, ...]]:
    """Name of each run -> the settings that set it apart."""
    return TABLES[table]


def run_one(name: str, base: Path, settings: list[str], own: tuple[str, ...], out: Path) -> TrainConfig:
    """Train one run, or go on with it; its settings come back."""
    folder = out / name.replace(" ", "_")
    config = load_train_config(base, [*settings, *own, f"out={folder}"])
    started = (folder / "last.pt").is_file()
    print(f"== {name}: {folder}", flush=True)
    train(config, resume_run=started, tell=lambda line: print(f"   {line}", flush=True))
    return config


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("table", choices=sorted(TABLES))
    parser.add_argument("--config", type=Path, required=True)
    parser.add_argument("--out", type=Path, default=Path("out/ablation"))
    parser.add_argument("--only", help="train and measure this run alone")
    parser.add_argument("--limit", type=int, default=0, help="people to measure per set; 0: all")
    parser.add_argument("settings", nargs="*", metavar="KEY=VALUE")
    given = parser.parse_intermixed_args()
    device = choose_device("auto")
    entries: list[Entry] = []
    lines: list[dict] = []
    for name, own in rows(given.table).items():
        if given.only not in (None, name):
            continue
        config = run_one(name, given.config, given.settings, own, given.out)
        if name in ("distillation", "both") and config.teacher.backend == "none":
            raise SystemExit("error: this config has no teacher; add teacher.backend=blazepose teacher.path=heavy")
        folder = Path(config.out)
        best = folder / "best.pt" if (folder / "best.pt").is_file() else folder / "last.pt"
        model, meta = load_checkpoint(best)
        for source_name, source_config in config.data.val.items():
            source = load_source(source_name, source_config)
            precision = choose_precision("auto", device)
            found = evaluate_source(
                model.to(device), source, flip_test=True, limit=given.limit, device=device, precision=precision
            )
            entries.append(Entry(name, meta, source, found))
            line = {"run": name, "learnt_from": learnt_from(meta), "measured_on": source_name, "people": found.count}
            line |= {f"{s}_AP": found.ap[s]["AP"] for s in SUBSETS}
            line |= {k: found.figures[k] for k in ("pck05", "error", "spine", "oks", "spine_mm") if k in found.figures}
            lines.append(line | {"mean_pose_spine": found.mean_pose["spine"]})
    columns = list(dict.fromkeys(k for line in lines for k in line))
    with open(given.out / "ablation.csv", "w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, columns, restval="")
        writer.writeheader()
        writer.writerows(lines)
    for line in lines:
        print(
            " ".join(f"{k}={v:.4f}" if isinstance(v, float) else f"{k}={v}" for k, v in line.items() if v is not None)
        )
    print(write_report(entries, given.out))
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except SynthgenError as error:
        sys.exit(f"error: {error}")
