"""`synthgen status`: how far a dataset is and what failed; and the executor options of `render`."""

import dataclasses
import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from biomech.errors import ConfigError
from synthgen.cli_errors import Debug, one_sentence

if TYPE_CHECKING:
    from synthgen.executors.job import Options


def executor_options(executor: str, address: str, slurm: Sequence[str], gpus: str = "") -> "Options":
    """Options of an executor from the command line.

    Raises:
        ConfigError: no such executor, its package is missing, or an option that it has no use for.
        RenderError: --gpus names a device that is not there.
    """
    from scenes.devices import choose_devices
    from synthgen.executors import executor_named
    from synthgen.executors.job import Options

    executor_named(executor)
    if address and executor not in ("ray", "dask"):
        raise ConfigError(f"--address is for --executor ray or dask, not {executor}; leave it out")
    if slurm and executor != "slurm":
        raise ConfigError(f"--slurm is for --executor slurm, not {executor}; leave it out")
    if gpus and executor != "local":
        raise ConfigError(f"--gpus is for --executor local, not {executor}; set EGL_DEVICE_ID where its workers start")
    pairs = [text.partition("=") for text in slurm]
    for text, (key, sign, _) in zip(slurm, pairs, strict=True):
        if not key or not sign:
            raise ConfigError(f"--slurm is '{text}'; write KEY=VALUE, for example slurm_partition=cpu")
    return Options(address, {key: value for key, _, value in pairs}, choose_devices(gpus) if gpus else ())


def add_status(app: typer.Typer) -> None:
    """Hang the command on the app."""
    app.command("status")(status_command)


def status_command(
    place: Annotated[str, typer.Argument(metavar="FOLDER|URL", help="Where 'synthgen render' writes to.")],
    shards: Annotated[bool, typer.Option("--shards", help="A line for every shard.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Everything, for programs.")] = False,
    debug: Debug = False,
) -> None:
    """Say how far a dataset is, how fast it goes, and what failed; also after its run died."""
    from synthgen.status import status, status_lines

    with one_sentence(debug):
        found = status(place)
        if as_json:
            typer.echo(json.dumps(dataclasses.asdict(found), indent=1, sort_keys=True))
        else:
            typer.echo("\n".join(status_lines(found, shards)))
