"""The commands `synthgen train`, `synthgen train check-data` and `synthgen evaluate`: read options, call the library.

`app` holds all of them, to be added to the command line under no name of its own. Errors leave as SynthgenError; the
caller's command line turns them into one sentence.
"""

import json
from pathlib import Path
from typing import Annotated

import typer
import typer.core


class _TrainGroup(typer.core.TyperGroup):
    """`train check-data ..` checks; everything else after `train` belongs to training itself."""

    def parse_args(self, ctx, args: list[str]) -> list[str]:
        if not args or (args[0] not in self.commands and args[0] != "--help"):
            args = ["run", *args]
        return super().parse_args(ctx, args)


app = typer.Typer(no_args_is_help=True, rich_markup_mode=None)
train_app = typer.Typer(
    cls=_TrainGroup,
    rich_markup_mode=None,
    help="Train a spine pose model: synthgen train --config FILE [KEY=VALUE]... [--resume]. See 'train run --help'.",
)
app.add_typer(train_app, name="train")

Config = Annotated[Path | None, typer.Option("--config", help="YAML file; see configs/spinepose_*.yaml.")]
Settings = Annotated[list[str] | None, typer.Argument(metavar="[KEY=VALUE]...", help="Settings on top of the file's.")]
Quiet = Annotated[bool, typer.Option("--quiet", help="Only warnings and the end.")]


@train_app.command("run")
def run(
    settings: Settings = None,
    config: Config = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on from last.pt in the run's folder.")] = False,
    quiet: Quiet = False,
) -> None:
    """Train; the word 'run' may be left out."""
    from synthgen.spinepose.train import train
    from synthgen.spinepose.train_config import load_train_config

    def tell(line: str) -> None:
        if line.startswith("warning"):
            typer.secho(line, fg=typer.colors.YELLOW, err=True)
        elif not quiet:
            typer.echo(line)

    train(load_train_config(config, settings or ()), resume_run=resume, tell=tell)


@train_app.command("check-data")
def check(
    settings: Settings = None,
    config: Config = None,
    out: Annotated[Path, typer.Option(help="Folder for the drawn batch.")] = Path("out/check-data"),
) -> None:
    """Print what each source holds and draw the first batch; exit code 1 where something must be mended."""
    from synthgen.spinepose.check_data import check_data
    from synthgen.spinepose.train_config import load_train_config

    found = check_data(load_train_config(config, settings or ()), out)
    for line in found.lines:
        typer.echo(line)
    for doubt in found.doubts:
        typer.secho(f"look at: {doubt}", fg=typer.colors.YELLOW)
    for problem in found.problems:
        typer.secho(f"problem: {problem}", fg=typer.colors.RED)
    if found.picture is not None:
        typer.echo(f"first batch with its labels: {found.picture}")
    if found.problems:
        raise typer.Exit(1)


@app.command()
def evaluate(
    checkpoints: Annotated[list[Path], typer.Argument(metavar="CHECKPOINT...", help="One row of the table each.")],
    data: Annotated[
        list[str] | None,
        typer.Option(help="Rendered set, COCO file or .tar shards; repeatable. Default: the run's 'val'."),
    ] = None,
    split: Annotated[str, typer.Option(help="Split of rendered sets.")] = "val",
    images: Annotated[str, typer.Option(help="Folder of the pictures, where not beside the annotations.")] = "",
    keypoint_map: Annotated[str, typer.Option("--map", help="Keypoint map of the data.")] = "spinetrack37",
    boxes: Annotated[
        Path | None, typer.Option(help="COCO detections for the AP; default: the annotated boxes.")
    ] = None,
    flip: Annotated[bool, typer.Option("--flip/--no-flip", help="Average with the mirrored picture.")] = True,
    limit: Annotated[int, typer.Option(min=0, help="People per set; 0: all.")] = 0,
    out: Annotated[Path, typer.Option(help="Folder of the report.")] = Path("out/evaluation"),
    threads: Annotated[int, typer.Option(min=0, help="Of torch; 0: as it chooses.")] = 0,
    quiet: Quiet = False,
) -> None:
    """Measure models: OKS AP and AR by subset, PCK, mm, angles, slices, calibration; writes an HTML report."""
    import torch

    from synthgen.keypoints import spinetrack
    from synthgen.spinepose.checkpoint import load_checkpoint
    from synthgen.spinepose.eval_report import Entry, learnt_from, write_report
    from synthgen.spinepose.evaluate import evaluate_source
    from synthgen.spinepose.precision import choose_device, choose_precision
    from synthgen.spinepose.sources import SourceConfig, load_source
    from synthgen.spinepose.train_config import train_config_from_plain

    if threads:
        torch.set_num_threads(threads)
    device = choose_device("auto")
    precision = choose_precision("auto", device)
    entries = []
    for path in checkpoints:
        model, meta = load_checkpoint(path, expect=spinetrack().names)
        model = model.to(device).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        if data:
            configs = {
                Path(d).stem if len(data) > 1 else Path(d).name: SourceConfig(d, images, split, keypoint_map)
                for d in data
            }
        else:
            configs = train_config_from_plain(meta.get("config")).data.val
        for name, config in configs.items():
            source = load_source(name, config)
            found = evaluate_source(
                model, source, detections=boxes, limit=limit, flip_test=flip, device=device, precision=precision
            )
            label = path.parent.name if path.stem in ("best", "last") and path.parent.name else path.stem
            entries.append(Entry(label, meta, source, found))
            if not quiet:
                typer.echo(_row(label, learnt_from(meta), name, found))
    if not entries:
        from biomech.errors import ConfigError

        raise ConfigError("there is nothing to measure on; give --data")
    typer.echo(str(write_report(entries, out)))


def _row(label: str, learnt: str, name: str, found) -> str:
    ap = " ".join(f"{s} {row['AP']:.3f}/{row['AR']:.3f}" for s, row in found.ap.items() if row["AP"] is not None)
    names = ("pck05", "spine", "oks", "spine_mm")
    rest = {n: round(v, 4) for n, v in found.figures.items() if n in names and v == v}
    base = found.mean_pose["spine"]
    better = f", {base / found.figures['spine']:.1f} times nearer than the mean pose" if base == base else ""
    return f"{label} ({learnt}) on {name}, {found.count} people: AP/AR {ap}; {json.dumps(rest)}{better}"
