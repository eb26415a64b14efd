"""Files are moved into place one by one: count the moves of a run, and kill it just before any one of them.

`watch_moves` is called in the process of the run, which then does its work alone; the rest is for who harms it.
"""

import os
import signal
from pathlib import Path

import fault_lab
import numpy as np
from fault_lab import Broken, Lab

from synthgen.folder import DATASET
from synthgen.journal import PROGRESS
from synthgen.verify import verify


def watch_moves() -> bool:
    """Whether moves are watched in this process, as its environment may ask.

    FAKE_MOVES: a file, which gets the name of each file that is moved. FAKE_DIE_AT_MOVE: number of the move that is not
    lived to see. The journal is left out: how often it is written depends on the time.
    """
    told, fatal, move = os.environ.get("FAKE_MOVES"), int(os.environ.get("FAKE_DIE_AT_MOVE", -1)), os.replace
    made = 0

    def replace(source, target, **options):
        nonlocal made
        name = Path(target).name
        if name != Path(PROGRESS).name:
            if made == fatal:
                os.kill(os.getpid(), signal.SIGKILL)
            made += 1
            if told:
                with open(told, "a") as file:
                    file.write(f"{name}\n")
        move(source, target, **options)

    if told or fatal >= 0:
        os.replace = replace
        return True
    return False


def moves_of(lab: Lab) -> list[str]:
    """What an undisturbed run moves into place, in order."""
    noted = lab.base / "moves"
    if not noted.exists() and (ended := lab.run(lab.base / "counted", FAKE_MOVES=str(noted))).code:
        raise Broken(ended.said[-2000:])
    return noted.read_text().split()


def killed_before(lab: Lab, out: Path, number: int, name: str) -> None:
    """Have a run die before move `number`, which is of `name`, and finish it. Broken where something suffered."""
    ended = lab.run(out, FAKE_DIE_AT_MOVE=str(number))
    if ended.code != -signal.SIGKILL:
        raise Broken(f"nobody died before move {number} ({name}): exit code {ended.code}: {ended.said[-2000:]}")
    whole = not fault_lab.is_unfinished(out)
    if whole != (number > moves_of(lab).index(DATASET)):
        raise Broken(f"killed before move {number} ({name}), and the folder says finished: {whole}")
    if whole and (found := list(verify(out))):  # all but its run.json is there
        raise Broken(f"killed before move {number} ({name}), it passes for whole, but {found[0]}")
    lab.finish(out)
    if left := [path.name for path in out.rglob(".*.tmp")]:
        raise Broken(f"killed before move {number} ({name}), {left[0]} was never cleaned up")


def killed_before_moves(lab: Lab, rng: np.random.Generator, tries: int) -> tuple[int, str]:
    """The last twelve moves and some of the others; each run in a folder of its own. Returns (tries, "")."""
    moves = moves_of(lab)
    last = range(max(0, len(moves) - 12), len(moves))
    others = rng.permutation(last.start)[: max(0, tries - len(last))]
    for number in sorted([*(int(k) for k in others), *last]):
        killed_before(lab, lab.base / f"move-{number}", number, moves[number])
    return len(others) + len(last), f"nothing; {len(moves)} files are moved in all"
