"""A run of synthgen to do harm to, and the harm: shared by tests/faults and scripts/fault_table.py.

A lab knows how to start "the same command" again and again in one folder. A fault starts it, spoils something, and ends
with the command having finished; what is left is compared with an undisturbed run.
"""

import json
import os
import re
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from synthgen.dataset import dataset_digest
from synthgen.folder import DATASET
from synthgen.shards import MANIFEST, SHARDS

PATIENCE = 600.0  # s; a run that takes longer hangs


class Broken(AssertionError):
    """The law that a fault was to test does not hold."""


@dataclass(slots=True)
class Ended:
    """How a run ended: exit code (negative for a signal) and what it said on stderr."""

    code: int
    said: str

    def sentence(self) -> str:
        """What an orderly failure said. Broken where there was a traceback, silence or no failure."""
        lines = [line for line in self.said.splitlines() if line.strip()]
        if self.code <= 0 or "Traceback" in self.said or not lines:
            raise Broken(f"exit code {self.code}, and on stderr:\n{self.said[-2000:]}")
        return next((line for line in lines if line.startswith("error:")), lines[-1])


@dataclass(slots=True)
class Lab:
    """Where runs take place.

    Attributes:
        command: the folder's path is added to it.
        poses: samples of a whole dataset.
        base: folder for the datasets of the faults.
        seconds: an undisturbed run took.
        digest: of its dataset.
    """

    command: list[str]
    poses: int
    base: Path
    environment: dict[str, str] = field(default_factory=dict)
    seconds: float = 0.0
    digest: str = ""

    def start(self, out: Path, **environment: str) -> subprocess.Popen:
        """The command, in a session of its own so that nothing of it outlives a test."""
        return subprocess.Popen(
            [*self.command, str(out)],
            env={**os.environ, **self.environment, **environment},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )

    def end(self, process: subprocess.Popen, patience: float = PATIENCE) -> Ended:
        """Wait for it; Broken where it hangs."""
        try:
            said = process.communicate(timeout=patience)[1].decode(errors="replace")
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            raise Broken(f"the run did not end within {patience:.0f} s") from None
        return Ended(process.returncode, said)

    def run(self, out: Path, **environment: str) -> Ended:
        return self.end(self.start(out, **environment))

    def undisturbed(self) -> None:
        """Fill `seconds` and `digest`."""
        begin = time.monotonic()
        self.finish(self.base / "undisturbed", compare=False)
        self.seconds = time.monotonic() - begin
        self.digest = dataset_digest(self.base / "undisturbed")

    def finish(self, out: Path, compare: bool = True) -> int:
        """Run the command to its end. Returns the number of samples that the dataset lacks: 0, or Broken."""
        ended = self.run(out)
        if ended.code:
            raise Broken(f"the same command ended with {ended.code}:\n{ended.said[-2000:]}")
        found = json.loads((out / DATASET).read_bytes())
        samples = sum(count["images"] for count in found["counts"].values())
        digest = dataset_digest(out)
        if digest != found["digest"] or (compare and digest != self.digest):
            raise Broken(f"the digest is {digest[:16]}, recorded {found['digest'][:16]}, wanted {self.digest[:16]}")
        if samples != self.poses:
            raise Broken(f"{self.poses - samples} samples are lost")
        return self.poses - samples

    def until(self, process: subprocess.Popen, out: Path, holds: Callable[[Path], bool]) -> bool:
        """Wait until something holds of the folder, or the run is over (False)."""
        for _ in range(int(PATIENCE / 0.02)):
            if holds(out):
                return True
            if process.poll() is not None:
                return False
            time.sleep(0.02)
        raise Broken("nothing happened")


def some_finished(out: Path) -> bool:
    """Whether a shard of a dataset under way is finished."""
    return any((out / SHARDS).glob(f"*/{MANIFEST}"))


def children(pid: int) -> list[int]:
    """Worker processes of a run."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            parent = int(stat.read_text().rpartition(")")[2].split()[1])
            words = (stat.parent / "cmdline").read_bytes()
        except (OSError, ValueError, IndexError):
            continue
        if parent == pid and b"spawn_main" in words:
            found.append(int(stat.parent.name))
    return found


def is_unfinished(out: Path) -> bool:
    """A disturbed folder must never pass for whole: either it is, or there is no record of it."""
    return not (out / DATASET).is_file()


def killed_parent(lab: Lab, rng: np.random.Generator, tries: int, how: int = signal.SIGKILL) -> tuple[int, str]:
    """Stop the run at random moments, run it again, stop that one too, ... Returns (tries, what it said)."""
    done, said, folder = 0, "", 0
    out = lab.base / f"parent-{how}-0"
    while done < tries:
        process = lab.start(out)
        time.sleep(float(rng.uniform(0.0, lab.seconds)))
        workers = children(process.pid)
        if process.poll() is None:
            os.kill(process.pid, how)
            done += 1
        ended = lab.end(process)
        if how != signal.SIGKILL and ended.code > 0:
            said = ended.sentence()
        if any(alive(pid) for pid in workers):
            raise Broken("a worker outlived its parent")
        if not is_unfinished(out):  # also one that was stopped after the record was written
            lab.finish(out)
            folder += 1
            out = lab.base / f"parent-{how}-{folder}"
    lab.finish(out)
    return done, said


def alive(pid: int, patience: float = 300.0) -> bool:
    """Whether a process still runs after some time."""
    for _ in range(int(patience / 0.05)):
        try:
            if Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z":
                return False
        except OSError:
            return False
        time.sleep(0.05)
    return True


def killed_workers(lab: Lab, rng: np.random.Generator, tries: int, how: int = signal.SIGKILL) -> tuple[int, str]:
    """Kill one worker after another at random moments. A shard that took three lives ends the run, which goes on."""
    done, said, folder = 0, "", 0
    while done < tries:
        out = lab.base / f"worker-{how}-{folder}"
        process = lab.start(out)
        while process.poll() is None and done < tries:
            time.sleep(float(rng.uniform(0.0, lab.seconds / 3)))
            workers = children(process.pid)
            if workers:
                try:
                    os.kill(int(rng.choice(workers)), how)
                except ProcessLookupError:
                    continue
                done += 1
        ended = lab.end(process)
        if ended.code:
            said = ended.sentence()
            if not is_unfinished(out):
                raise Broken("a run that failed left a record of a whole dataset")
        lab.finish(out)
        folder += 1
    return done, said


def damaged(lab: Lab, out: Path, spoil: Callable[[Path], None], holds: Callable[[Path], bool] = some_finished) -> bool:
    """Stop a run when something holds of its folder, spoil the folder, run again. False where it was too quick."""
    process = lab.start(out)
    lab.until(process, out, holds)
    if process.poll() is None:
        os.kill(process.pid, signal.SIGKILL)
    lab.end(process)
    early = is_unfinished(out)
    if early:
        spoil(out)
    lab.finish(out)
    return early


def spoilers() -> dict[str, Callable[[Path], None]]:
    """Name -> what it does to the folder of an unfinished dataset."""

    def cut(path: Path) -> None:
        os.truncate(path, path.stat().st_size // 2)

    def flip(path: Path) -> None:
        data = bytearray(path.read_bytes())
        data[len(data) // 2] ^= 0x40
        path.write_bytes(bytes(data))

    def empty(path: Path) -> None:
        os.truncate(path, 0)

    def gone(path: Path) -> None:
        path.unlink()

    def at(name: str, harm: Callable[[Path], None]) -> Callable[[Path], None]:
        def spoil(out: Path) -> None:
            folder = sorted((out / SHARDS).glob(f"*/{MANIFEST}"))[0].parent
            if name == "picture":
                harm(out / sorted(json.loads((folder / MANIFEST).read_bytes())["files"])[0])
            else:
                harm(out / SHARDS / name if name.startswith("plan") else folder / name)

        return spoil

    names = (MANIFEST, "records.jsonl", "arrays.npz", "picture")
    harms = {"truncated": cut, "a bit flipped": flip, "emptied": empty, "deleted": gone}
    found = {f"{name} {what}": at(name, harm) for name in names for what, harm in harms.items()}
    return found | {"plan.json truncated": at("plan.json", cut)}


@contextmanager
def small_disk(place: Path, megabytes: int) -> Iterator[Path]:
    """A memory disk of that size mounted at `place`. OSError where this user may not mount."""
    place.mkdir(parents=True)
    done = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={megabytes}m", "none", str(place)], capture_output=True, check=False
    )
    if done.returncode:
        raise OSError(re.sub(r"\s+", " ", done.stderr.decode()) or "mount failed")
    try:
        yield place
    finally:
        subprocess.run(["umount", "--lazy", str(place)], check=True)
