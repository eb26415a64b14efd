"""A program that renders cardboard people: `python fake_run.py POSES WORKERS OUT`, with the manners of the real one.

FAKE_MOVES and FAKE_DIE_AT_MOVE: see `moves.watch_moves`.
"""

import sys
from pathlib import Path

import typer
from fake_source import SOURCE
from moves import watch_moves

from synthgen.cli_errors import one_sentence
from synthgen.config import Config, with_values
from synthgen.render import render_dataset


def main(poses: int, workers: int, out: Path) -> None:
    """Render, or fail in one sentence."""
    config = with_values(Config(), poses=poses, width=64, height=48, poses_per_subject=2, shard_size=4)
    workers = 0 if watch_moves() else workers  # a process that works alone makes every move itself
    with one_sentence(False, out):
        try:
            render_dataset(config, out, workers, source=SOURCE)
        except KeyboardInterrupt:
            print("stopped; run the same command again to go on", file=sys.stderr)
            raise typer.Exit(130) from None


if __name__ == "__main__":
    try:
        main(int(sys.argv[1]), int(sys.argv[2]), Path(sys.argv[3]))
    except typer.Exit as leave:
        raise SystemExit(leave.exit_code) from None
