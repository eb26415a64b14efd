"""A program that renders cardboard people: `python fake_run.py POSES WORKERS OUT`, with the manners of the real one.

With FAKE_MOVES it writes into that file how often it moved a file into place, and with FAKE_DIE_AT_MOVE it is killed
just before that move.
"""

import os
import signal
import sys
from pathlib import Path

import typer
from fake_source import SOURCE

from synthgen.cli_errors import one_sentence
from synthgen.config import Config, with_values
from synthgen.render import render_dataset


def main(poses: int, workers: int, out: Path) -> None:
    """Render, or fail in one sentence."""
    config = with_values(Config(), poses=poses, width=64, height=48, poses_per_subject=2, shard_size=4)
    moves = _counted_moves()
    with one_sentence(False, out):
        try:
            render_dataset(config, out, workers, source=SOURCE)
        except KeyboardInterrupt:
            print("stopped; run the same command again to go on", file=sys.stderr)
            raise typer.Exit(130) from None
    if "FAKE_MOVES" in os.environ:
        Path(os.environ["FAKE_MOVES"]).write_text(str(len(moves)))


def _counted_moves() -> list[str]:
    """Have this process note what it moves into place, and die where it was told to."""
    fatal, move, made = int(os.environ.get("FAKE_DIE_AT_MOVE", 0)), os.replace, []

    def replace(source, target, **options):
        made.append(str(target))
        if len(made) == fatal:
            os.kill(os.getpid(), signal.SIGKILL)
        move(source, target, **options)

    os.replace = replace
    return made


if __name__ == "__main__":
    try:
        main(int(sys.argv[1]), int(sys.argv[2]), Path(sys.argv[3]))
    except typer.Exit as leave:
        raise SystemExit(leave.exit_code) from None
