"""The command `synthgen judge`: reads options and calls the library. Errors leave as SynthgenError."""

from pathlib import Path
from typing import Annotated

import typer


def judge(
    dataset: Annotated[Path, typer.Argument(metavar="DATASET", help="Folder of a rendered set.")],
    reference: Annotated[
        Path | None, typer.Option(help="Folder of photographs with person_keypoints_coco17.json to compare with.")
    ] = None,
    split: Annotated[str, typer.Option(help="Of the set.")] = "val",
    limit: Annotated[int, typer.Option(min=0, help="People, evenly spread; 0: all.")] = 0,
    network: Annotated[str, typer.Option(metavar="lite|full|heavy", help="BlazePose to ask.")] = "heavy",
    out: Annotated[Path | None, typer.Option(help="Folder of the report; default: report/judge in the set.")] = None,
    threads: Annotated[int, typer.Option(min=0, help="Of torch; 0: as it chooses.")] = 0,
    quiet: Annotated[bool, typer.Option("--quiet", help="No progress, no table.")] = False,
) -> None:
    """Ask an expert that learnt from photographs where the rendered people's joints are; writes an HTML report."""
    import torch

    from synthgen.spinepose.judge import judge as run
    from synthgen.spinepose.judge import reference_source, rendered_source
    from synthgen.spinepose.judge_report import report, summary, write_report
    from synthgen.spinepose.pseudo_labels import Labeller

    if threads:
        torch.set_num_threads(threads)
    source = rendered_source(dataset, split)
    photographs = reference_source(reference) if reference is not None else None
    expert = Labeller(network)

    def progress(done: int, of: int) -> None:
        if not quiet and done % 50 == 0:
            typer.echo(f"{done} of {of} people", err=True)

    found = run(source, expert, limit, progress)
    data = report(found, run(photographs, expert) if photographs is not None else None, (expert.name, expert.digest))
    page = write_report(data, found, out or dataset / "report" / "judge")
    if not quiet:
        typer.echo(summary(data))
    typer.echo(str(page))
