"""The commands `synthgen annotate ..`: read options, call synthgen.active. SQLAlchemy and torch load when needed."""

from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

from biomech.errors import SynthgenError
from synthgen.active.serve_command import add_serve
from synthgen.cli_errors import Quiet, guarded

annotate_app = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode=None,
    help="Label real photographs by correcting a model's proposals, round by round.",
)
ProjectArgument = Annotated[Path, typer.Argument(metavar="PROJECT", help="Folder of the project.")]
Weights = Annotated[Path | None, typer.Option(help=".pt or .onnx; default: the last round's, else the shipped one.")]


def _command(name: str) -> Callable:
    return lambda command: annotate_app.command(name)(guarded(command, "annotation", "annotate,train"))


@_command("init")
def init(
    project: ProjectArgument,
    images: Annotated[
        list[Path], typer.Option(metavar="FOLDER|VIDEO|COCO.json", help="What to label; repeatable, also later.")
    ],
    pictures: Annotated[Path | None, typer.Option(help="Folder of a COCO file's pictures; default: beside it.")] = None,
    hold_out: Annotated[float, typer.Option(help="Share of photographs and videos only measured on.")] = 0.2,
    moved: Annotated[float, typer.Option(help="Videos: share of the picture that moves between frames taken.")] = 0.03,
    apart: Annotated[int, typer.Option(help="Videos: least frames between two taken.")] = 3,
    most: Annotated[int, typer.Option(help="Videos: most frames of one.")] = 300,
    quiet: Quiet = False,
) -> None:
    """Begin a project, or add pictures to it. Pictures stay where they are."""
    from synthgen.active.store import create_project
    from synthgen.active.video import Sampling

    tell = (lambda _: None) if quiet else typer.echo
    sampling = Sampling(moved, apart, most)
    create_project(project, images, pictures=pictures, hold_out=hold_out, sampling=sampling, tell=tell).close()


@_command("propose")
def propose(
    project: ProjectArgument,
    weights: Weights = None,
    teacher: Annotated[str, typer.Option(metavar="heavy|full|lite|none", help="BlazePose beside it.")] = "heavy",
    person: Annotated[float, typer.Option(help="Least score of a person found.")] = 0.3,
    limit: Annotated[int | None, typer.Option(min=1, help="Pictures in this run.")] = None,
    threads: Annotated[int | None, typer.Option(min=1, help="Of the CPU.")] = None,
    quiet: Quiet = False,
) -> None:
    """Find people and propose their 37 keypoints. Run again to go on, or after a round with its model."""
    from tqdm import tqdm

    from synthgen.active.prior import load_prior
    from synthgen.active.propose import PRIOR_FILE, Proposer, pending
    from synthgen.active.propose import propose as run
    from synthgen.active.rounds import WEIGHTS
    from synthgen.active.store import open_project

    opened = open_project(project)
    if weights is None and opened.about(WEIGHTS):
        weights = Path(opened.about(WEIGHTS) or "")
    if teacher not in ("heavy", "full", "lite", "none"):
        raise SynthgenError(f"--teacher is '{teacher}'; allowed: heavy, full, lite, none")
    proposer = Proposer(weights, teacher, person, load_prior(project / PRIOR_FILE), threads)
    total = len(pending(opened, proposer.digest)[0])
    with tqdm(total=min(total, limit or total), desc="propose", unit="img", disable=quiet, leave=False) as bar:
        done = run(opened, proposer, limit=limit, progress=bar.update)
    for sentence in done.failed:
        typer.secho(f"left out: {sentence}", fg=typer.colors.YELLOW, err=True)
    if not quiet:
        typer.echo(f"{done.people} people in {done.images} pictures; {done.kept} pictures were done before")


@_command("select")
def select(
    project: ProjectArgument,
    budget: Annotated[int, typer.Option(help="How many people to queue.")],
    strategy: Annotated[str, typer.Option(metavar="uncertainty|random", help="random is the control.")] = "uncertainty",
    held: Annotated[float, typer.Option(help="Share of the budget drawn by lot from held-out pictures.")] = 0.2,
    seed: Annotated[int, typer.Option(help="Of the lots.")] = 0,
    quiet: Quiet = False,
) -> None:
    """Queue the people whose correction should teach most."""
    from synthgen.active.select import select_batch
    from synthgen.active.store import open_project

    opened = open_project(project)
    chosen = select_batch(opened, budget, strategy, seed, held)
    if not quiet:
        for number in chosen[:10]:
            typer.echo(f"person {number}: {'; '.join(opened.person(number).reasons)}")
        typer.echo(f"{len(chosen)} people queued" + (", the first ten above" if len(chosen) > 10 else ""))


@_command("merge")
def merge(
    project: ProjectArgument,
    out: Annotated[Path | None, typer.Option(help="Folder; default: merged in the project.")] = None,
    reviewed_only: Annotated[bool, typer.Option("--reviewed-only", help="Only who was reviewed.")] = False,
) -> None:
    """Write what is corrected so far as COCO files, with where each point comes from."""
    from synthgen.active.merge import merge as run
    from synthgen.active.store import open_project

    merged = run(open_project(project), out, reviewed_only)
    for split, file in merged.files.items():
        typer.echo(f"{split}: {merged.people[split]} people in {merged.pictures[split]} pictures: {file}")


@_command("round")
def round_(
    project: ProjectArgument,
    settings: Annotated[
        list[str] | None, typer.Argument(metavar="[KEY=VALUE]...", help="Settings of the training; see 'train'.")
    ] = None,
    config: Annotated[Path | None, typer.Option(help="YAML of the training; see configs/spinepose_*.yaml.")] = None,
    generated: Annotated[list[Path] | None, typer.Option(metavar="DATASET", help="Rendered set; repeatable.")] = None,
    init: Annotated[Path | None, typer.Option(help="Checkpoint to start from; default: the last round's.")] = None,
    quiet: Quiet = False,
) -> None:
    """Train on generated and corrected people, measure on the held-out ones, add a row to the table."""
    from synthgen.active.rounds import run_round
    from synthgen.active.store import open_project

    tell = (lambda _: None) if quiet else typer.echo
    row = run_round(
        open_project(project), config=config, settings=settings or (), generated=generated or (), init=init, tell=tell
    )
    for line in round_lines([row]):
        typer.echo(line)


@_command("status")
def status(project: ProjectArgument) -> None:
    """How far the project is, how well its annotators agree, and what each round bought."""
    from synthgen.active.rounds import rows
    from synthgen.active.store import open_project

    opened = open_project(project)
    found, agree = opened.progress(), opened.agreement()
    typer.echo(f"{found['images']} pictures, {found['people']} people, {found['in_queue']} queued so far")
    typer.echo(
        ", ".join(f"{count} {name}" for name, count in found["status"].items() if count) or "nothing proposed yet"
    )
    for split, counts in found["split"].items():
        typer.echo(f"{split}: {sum(counts.values())} people, {counts['corrected'] + counts['reviewed']} done")
    for name, work in found["annotators"].items():
        typer.echo(f"{name}: {work['edits']} edits of {work['people']} people")
    if agree["pairs"]:
        typer.echo(f"{agree['people']} people corrected twice: {agree['mean']:.2%} of the person's size apart")
    for line in round_lines(rows(opened)):
        typer.echo(line)


Format = Annotated[str, typer.Option("--format", metavar="coco|cvat-coco|cvat-xml|label-studio", help="Of the file.")]


@_command("export")
def export(
    project: ProjectArgument,
    out: Annotated[Path, typer.Argument(metavar="FILE", help="To write; a .zip for cvat-coco.")],
    format_name: Format = "coco",
    what: Annotated[str, typer.Option(metavar="queue|done|all", help="Whom.")] = "queue",
) -> None:
    """Write people with their latest points for another tool; Label Studio also gets its interface."""
    from synthgen.active.exchange import export_labels
    from synthgen.active.store import open_project

    typer.echo(f"{export_labels(open_project(project), out, format_name, what)} people: {out}")


@_command("import")
def import_(
    project: ProjectArgument,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="As the other tool exported it.")],
    by: Annotated[str, typer.Option(help="Who made the labels.")],
    format_name: Format = "coco",
    status: Annotated[str, typer.Option(metavar="corrected|reviewed|queued", help="What they count as.")] = "corrected",
) -> None:
    """Take over labels made in another tool; only who is in the file is touched."""
    from synthgen.active.exchange import import_labels
    from synthgen.active.store import open_project

    done = import_labels(open_project(project), file, format_name, by, status)
    for sentence in done.left_out:
        typer.secho(f"left out: {sentence}", fg=typer.colors.YELLOW, err=True)
    typer.echo(f"{done.people} people taken over, {done.new} of them new")


@_command("prior")
def prior(
    dataset: Annotated[Path, typer.Argument(metavar="DATASET", help="Rendered set, or a COCO file of 37 keypoints.")],
    project: Annotated[Path | None, typer.Option(help="Project that shall use it.")] = None,
    out: Annotated[Path | None, typer.Option(help="File to write; default: prior.json in the project.")] = None,
    split: Annotated[str, typer.Option(help="Split of a rendered set.")] = "train",
) -> None:
    """Measure what spines look like in a generated set, for doubting, drawing and snapping."""
    from synthgen.active.prior import measure_prior, write_prior
    from synthgen.active.propose import PRIOR_FILE
    from synthgen.spinepose.sources import SourceConfig, load_source

    target = out or (project / PRIOR_FILE if project else Path(PRIOR_FILE))
    source = load_source("prior", SourceConfig(str(dataset), split=split))
    found = measure_prior(source.keypoints, f"{len(source)} people of {dataset.name}")
    write_prior(found, target)
    typer.echo(", ".join(f"{view.people} {name}" for name, view in found.views.items()) + f": {target}")


def round_lines(rows: list[dict]) -> list[str]:
    """The table of rounds as text."""
    if not rows:
        return []
    names = ("round", "people", "held_people", "spine_ap_before", "spine_ap", "all_ap_before", "all_ap")
    heads = ("round", "corrected", "held out", "spine AP before", "after", "all AP before", "after")
    cells = [
        ["-" if row.get(n) is None else f"{row[n]:.3f}" if "ap" in n else str(row[n]) for n in names] for row in rows
    ]
    widths = [max(len(h), *(len(c[i]) for c in cells)) for i, h in enumerate(heads)]
    return ["  ".join(text.rjust(w) for text, w in zip(line, widths, strict=True)) for line in [heads, *cells]]


add_serve(annotate_app)
