"""The command line: reads options, calls the library, turns errors into one sentence and an exit code.

Exit codes: 0 done, 1 the data has problems, 2 the request or the machine has, 130 interrupted.
"""

import json
import logging
import shutil
from pathlib import Path
from typing import Annotated

import typer

from biomech.errors import ConfigError
from synthgen import __version__
from synthgen.cli_annotate import annotate_app
from synthgen.cli_assets import assets_app
from synthgen.cli_bench import add_bench
from synthgen.cli_errors import Debug, Quiet, one_sentence, say_violations
from synthgen.cli_model import model_app
from synthgen.cli_motion import motion_app
from synthgen.cli_plausibility import add_plausibility
from synthgen.cli_settings import size_settings, take_settings
from synthgen.cli_specs import render_specs
from synthgen.cli_spinepose import add_commands
from synthgen.cli_status import add_status, executor_options
from synthgen.cli_strip import add_strip

app = typer.Typer(
    name="synthgen",
    help="Synthetic people with a true spine: pictures, SpineTrack keypoints, 24 vertebrae, every angle checked.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,  # plain text: errors stay one sentence, in any terminal and log
)
app.add_typer(assets_app, name="assets")
app.add_typer(model_app, name="model")
app.add_typer(motion_app, name="motion")
app.add_typer(annotate_app, name="annotate")
add_commands(app)
add_plausibility(app)
add_status(app)
add_strip(app)
add_bench(app)

DatasetArgument = Annotated[Path, typer.Argument(metavar="DATASET", help="Folder that 'synthgen render' wrote.")]


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"synthgen {__version__}")
        raise typer.Exit


@app.callback()
def _main(
    version: Annotated[bool, typer.Option("--version", callback=_version, is_eager=True, help="Print it.")] = False,
) -> None:
    logging.basicConfig(level=logging.WARNING, format="%(name)s: %(message)s")


@app.command()
def render(
    poses: Annotated[int | None, typer.Option(help="How many pictures (config: poses).")] = None,
    out: Annotated[
        str, typer.Option(metavar="FOLDER|URL", help="Where the dataset goes; URLs like s3://bucket/name.")
    ] = "out/dataset",
    config: Annotated[Path | None, typer.Option(help="YAML file; see configs/default.yaml.")] = None,
    sets: Annotated[list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="A setting; repeatable.")] = None,
    workers: Annotated[int | None, typer.Option(help="Processes; default one per core, 0 for this one only.")] = None,
    seed: Annotated[int | None, typer.Option(help="Another seed, other data (config: seed).")] = None,
    size: Annotated[str | None, typer.Option(metavar="WxH", help="Picture size, px (config: width, height).")] = None,
    resume: Annotated[bool, typer.Option("--resume/--fresh", help="Go on in the folder, or start it over.")] = True,
    assets: Annotated[str | None, typer.Option(metavar="full|minimal", help="Which assets (config: assets).")] = None,
    motion: Annotated[
        list[Path] | None, typer.Option(metavar="FILE|FOLDER", help="Captured motion; repeatable (config: motion).")
    ] = None,
    views: Annotated[
        int | None, typer.Option(help="Calibrated cameras on each instant (config: capture.views).")
    ] = None,
    sequence: Annotated[
        int | None, typer.Option(metavar="FRAMES", help="Render movements of so many frames (config: capture.frames).")
    ] = None,
    fps: Annotated[float | None, typer.Option(help="Frames per second of movements (config: capture.fps).")] = None,
    renderer: Annotated[
        str | None, typer.Option(metavar="raster|blender", help="What draws (config: renderer.engine).")
    ] = None,
    specs: Annotated[
        Path | None, typer.Option(metavar="SCENES.JSONL", help="Draw a dataset's stored scenes again, into --out.")
    ] = None,
    index: Annotated[list[int] | None, typer.Option(help="With --specs: only this picture; repeatable.")] = None,
    backgrounds: Annotated[
        list[Path] | None,
        typer.Option(metavar="FOLDER|FILE", help="Your photos as backgrounds; repeatable (config: backdrop.photos)."),
    ] = None,
    executor: Annotated[
        str, typer.Option(metavar="local|ray|dask|slurm", help="Who runs the workers; changes no byte.")
    ] = "local",
    address: Annotated[str, typer.Option(help="Of a running Ray or dask cluster; default: one of this machine.")] = "",
    slurm: Annotated[
        list[str] | None, typer.Option(metavar="KEY=VALUE", help="For submitit: slurm_partition=…; repeatable.")
    ] = None,
    gpus: Annotated[
        str, typer.Option(metavar="0,1|all", help="Graphics devices that workers share; 'bench --devices' lists them.")
    ] = "",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Print the plan and the disk it needs.")] = False,
    quiet: Quiet = False,
    debug: Debug = False,
) -> None:
    """Render a dataset. Run the same command again to resume one that was stopped."""
    from synthgen import folder
    from synthgen.config import load_config
    from synthgen.motions import resolve_motions
    from synthgen.photos import resolve_photos
    from synthgen.remote import review_place
    from synthgen.render import progress_so_far, render_dataset, resolve_assets
    from synthgen.store import is_url

    place: Path | str = out if is_url(out) else Path(out)
    with one_sentence(debug, None if isinstance(place, str) else place):
        options = executor_options(executor, address, slurm or [], gpus)
        overrides = list(sets or [])
        for key, value in (("poses", poses), ("seed", seed), ("assets", assets), ("renderer.engine", renderer)):
            overrides += [f"{key}={value}"] if value is not None else []
        overrides += size_settings(size)
        overrides += take_settings(views, sequence, fps, sets or [])
        overrides += [f"motion.files={json.dumps([str(place) for place in motion])}"] if motion else []
        overrides += [f"backdrop.photos={json.dumps([str(place) for place in backgrounds])}"] if backgrounds else []
        if specs is not None or index:
            render_specs(specs, index or [], Path(out), config, overrides, quiet)
            return
        if workers is not None and not 0 <= workers <= 10_000:
            raise ConfigError(f"--workers is {workers}; allowed: 0 to 10000")
        with_motions, failed = resolve_motions(load_config(config, overrides))
        with_photos, unused = resolve_photos(with_motions)
        resolved, _, note = resolve_assets(with_photos)
        left_out = [f"motion left out: {one}" for one in failed] + [f"photo left out: {one}" for one in unused]
        for sentence in [*left_out, *([note] if note else [])]:
            typer.secho(f"note: {sentence}", fg=typer.colors.YELLOW, err=True)
        if dry_run:
            _print_plan(resolved, place, workers, progress_so_far(place, resolved))
            return
        try:
            summary = render_dataset(
                resolved, place, workers, not resume, quiet=quiet, executor=executor, options=options
            )
        except KeyboardInterrupt:
            done = progress_so_far(place, resolved)
            typer.echo(
                f"\nstopped; {done} of {resolved.poses} pictures are finished and kept. "
                "Run the same command again to go on.",
                err=True,
            )
            raise typer.Exit(130) from None
        verdict = review_place(place)
        if not quiet:
            _print_table(summary_lines(summary, verdict, folder.human))
        if say_violations(verdict):
            raise typer.Exit(1)


def summary_lines(summary, verdict, human) -> list[tuple[str, str]]:
    """(what, figure) pairs of the table at the end of a run."""
    total = {key: sum(c[key] for c in summary.counts.values()) for key in ("images", "annotations", "subjects")}
    splits = ", ".join(f"{split} {count['images']}" for split, count in summary.counts.items())
    lines = [
        ("dataset", str(summary.root)),
        ("pictures", f"{total['images']} ({splits})"),
        ("people", f"{total['annotations']} labelled, {total['subjects']} subjects"),
    ]
    if summary.rendered:
        lines.append(("this run", f"{summary.rendered} rendered, {summary.reused} kept, {summary.seconds:.0f} s"))
        lines.append(("speed", f"{summary.per_second:.2f} images/s with {summary.workers} workers"))
        if len(summary.course) > 1:
            (first, took, _), (before, since, _), (last, until, _) = (summary.course[k] for k in (0, -2, -1))
            pace = f"the first {first} at {first / took:.2f}, the last {last - before} of {last} at"
            lines.append(("pace", f"{pace} {(last - before) / (until - since):.2f} images/s"))
        lines.append(("size", human(summary.bytes)))
    if summary.drivers:
        lines.append(("drawn on", ", ".join(summary.drivers)))
    if summary.memory:
        lines.append(("memory", f"{human(max(peak for _, peak in summary.memory.values()))} per worker at most"))
    lines.append(("joint angles", f"{verdict.hard_violations} beyond hard, {verdict.typical_share:.1%} beyond typical"))
    return [*lines, ("report", str(verdict.report)), ("digest", summary.digest[:16])]


def _print_table(lines: list[tuple[str, str]]) -> None:
    width = max(len(what) for what, _ in lines)
    for what, figure in lines:
        typer.echo(f"  {what:<{width}}  {figure}")


def _print_plan(config, out: Path | str, workers: int | None, finished: int) -> None:
    from synthgen import folder
    from synthgen.config import split_of
    from synthgen.motion_poses import motion_lines
    from synthgen.published import plan_lines
    from synthgen.render import default_workers
    from synthgen.shards import plan

    subjects = -(-config.poses // config.poses_per_subject)
    names = [split_of(config, subject) for subject in range(min(subjects, 100_000))]
    shares = ", ".join(f"{split} {names.count(split)}" for split in config.splits)
    free = "unknown"
    if isinstance(out, Path):
        place = next(p for p in [out.absolute(), *out.absolute().parents] if p.exists())
        free = folder.human(shutil.disk_usage(place).free)
    _print_table(
        [
            ("folder", str(out)),
            ("pictures", f"{config.poses} of {config.width}x{config.height}, {finished} already finished"),
            ("subjects", f"{subjects} ({shares})"),
            ("assets", config.assets),
            *plan_lines(config.model),
            *motion_lines(config),
            ("shards", str(len(plan(config)))),
            ("workers", str(default_workers() if workers is None else workers)),
            ("disk needed", f"about {folder.human(folder.estimate_bytes(config))}"),
            ("disk free", free),
            ("config digest", config.digest[:16]),
        ]
    )


@app.command()
def inspect(
    dataset: DatasetArgument,
    count: Annotated[int, typer.Option(min=1, help="Pictures on the sheet.")] = 40,
    split: Annotated[str | None, typer.Option(help="Only this split.")] = None,
    out: Annotated[Path | None, typer.Option(help="File to write (.jpg or .png).")] = None,
    debug: Debug = False,
) -> None:
    """Draw a contact sheet: skeleton, spine curve, mask and 24 vertebrae over the pictures."""
    from synthgen.inspect_sheet import inspect_dataset

    with one_sentence(debug):
        typer.echo(str(inspect_dataset(dataset, out, count, split)))


@app.command()
def validate(
    dataset: DatasetArgument,
    opensim: Annotated[
        bool,
        typer.Option("--opensim", help="Have OpenSim replay the poses of up to 50 people."),
    ] = False,
    quiet: Quiet = False,
    debug: Debug = False,
) -> None:
    """Check files, digests, boxes, masks, projection, depth and splits of a dataset."""
    from tqdm import tqdm

    from synthgen.checks import validate as check
    from synthgen.dataset import read_dataset

    with one_sentence(debug):
        total = read_dataset(dataset).config.poses
        with tqdm(total=total, desc="validate", unit="img", disable=quiet, leave=False) as bar:
            problems = check(dataset, bar.update, opensim)
        for problem in problems:
            typer.echo(f"problem: {problem}")
        if problems:
            raise typer.Exit(1)
        if not quiet:
            typer.echo(f"clean: {total} pictures, their labels and files agree")


@app.command()
def verify(dataset: DatasetArgument, quiet: Quiet = False, debug: Debug = False) -> None:
    """Hash every file of a dataset and name those that differ from its list; exit code 1 where any does."""
    from tqdm import tqdm

    from synthgen.dataset import read_dataset
    from synthgen.verify import differences

    with one_sentence(debug):
        found = read_dataset(dataset)
        count = 0
        with tqdm(total=found.info["files"], desc="verify", unit="file", disable=quiet, dynamic_ncols=True) as bar:
            for sentence in differences(found, bar.update):
                bar.clear()
                typer.echo(sentence)
                count += 1
        if count:
            raise typer.Exit(1)
        typer.echo(f"{found.info['files']} files are as they were written, digest {found.info['digest'][:16]}")


@app.command()
def report(dataset: DatasetArgument, debug: Debug = False) -> None:
    """Write the plausibility report of a dataset again; exit code 1 where a hard limit is violated."""
    from synthgen.review import review

    with one_sentence(debug):
        verdict = review(dataset)
        typer.echo(f"{verdict.hard_violations} beyond hard limits {verdict.first}".rstrip())
        typer.echo(str(verdict.report))
        if verdict.hard_violations:
            raise typer.Exit(1)


def main() -> None:
    """Console entry point."""
    try:
        app()
    except KeyboardInterrupt:  # outside of a render there is nothing to keep
        raise SystemExit(130) from None


if __name__ == "__main__":
    main()
