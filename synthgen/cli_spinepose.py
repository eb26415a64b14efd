"""The model's commands: train, evaluate, judge, predict, export; torch is imported only when one of them runs."""

import typer

from synthgen.cli_errors import guarded
from synthgen.spinepose import cli_judge, cli_out, cli_train


def add_commands(app: typer.Typer) -> None:
    """Hang the model's commands on `app`."""
    for registered in cli_train.train_app.registered_commands:
        if registered.callback is not None:
            registered.callback = guarded(registered.callback, "the model", "train")
    app.add_typer(cli_train.train_app, name="train")
    for command in (cli_train.evaluate, cli_judge.judge, cli_out.predict, cli_out.export):
        app.command()(guarded(command, "the model", "train"))
