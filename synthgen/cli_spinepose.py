"""The model's commands: train, evaluate, judge, predict, export; torch is imported only when one of them runs."""

import functools
from collections.abc import Callable

import typer

from biomech.errors import SynthgenError
from synthgen.cli_errors import one_sentence
from synthgen.spinepose import cli_judge, cli_out, cli_train


def _guarded(command: Callable) -> Callable:
    """The same command, whose errors end in one sentence."""

    @functools.wraps(command)
    def run(*args, **kwargs):
        with one_sentence(False):
            try:
                return command(*args, **kwargs)
            except ModuleNotFoundError as error:
                raise SynthgenError(
                    f"the model needs the package {error.name}; install it with: pip install 'synthgen[train]'"
                ) from error

    return run


def add_commands(app: typer.Typer) -> None:
    """Hang the model's commands on `app`."""
    for registered in cli_train.train_app.registered_commands:
        if registered.callback is not None:
            registered.callback = _guarded(registered.callback)
    app.add_typer(cli_train.train_app, name="train")
    for command in (cli_train.evaluate, cli_judge.judge, cli_out.predict, cli_out.export):
        app.command()(_guarded(command))
