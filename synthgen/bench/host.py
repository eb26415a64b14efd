"""An engine in a process of its own: what it breaks stays there, and nobody shares graphics state with it."""

import contextlib
import multiprocessing
import os
import sys
import time
from collections.abc import Iterable
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from scenes.renderer import Scene
from synthgen.bench.peer import Engine, Peer, Shot
from synthgen.worker import child_environment, die_with_parent, load, sentence

PATIENCE = 900.0
"""Seconds that a picture may take."""


@dataclass(frozen=True, slots=True)
class Cost:
    """Seconds of one picture: on the clock, and of all processors together."""

    wall: float
    processor: float


class EngineFailed(Exception):
    """One sentence on why an engine gave no picture."""


class Host:
    """Owns the process of one engine.

    Raises:
        EngineFailed: from every method, where the engine does not start or draw.
    """

    def __init__(self, peer: Peer, size: tuple[int, int], scenes: tuple[Scene, ...]) -> None:
        context = multiprocessing.get_context("spawn")
        self._pipe, theirs = context.Pipe()
        self._process: Any = context.Process(target=_serve, args=(theirs, peer.opens, size, scenes), daemon=False)
        with child_environment():
            self._process.start()
        theirs.close()
        self.description: str = self._hear("ready")

    def draw(self, number: int) -> Cost:
        """Draw a scene and measure it."""
        self._say(("draw", number))
        return self._hear("drawn")

    def check(self, number: int) -> Shot:
        """Draw a scene, not measured, with depth and people."""
        self._say(("check", number))
        return self._hear("shot")

    def _say(self, message: tuple) -> None:
        try:
            self._pipe.send(message)
        except OSError:
            self._ended()

    def _hear(self, wanted: str) -> Any:
        try:
            if not self._pipe.poll(PATIENCE):
                self.close()
                raise EngineFailed(f"no answer in {PATIENCE:.0f} s")
            kind, content = self._pipe.recv()
        except (EOFError, OSError):
            self._ended()
        if kind != wanted:
            raise EngineFailed(str(content))
        return content

    def _ended(self) -> None:
        self._process.join(timeout=10)
        raise EngineFailed(f"its process ended by itself (exit code {self._process.exitcode})") from None

    def close(self) -> None:
        """End the process; a second call does nothing."""
        with contextlib.suppress(OSError):
            self._pipe.send(None)
        self._process.join(timeout=20)
        if self._process.exitcode is None:
            self._process.kill()
            self._process.join()
        self._pipe.close()


def processor_seconds(others: Iterable[int] = ()) -> float:
    """Processor time of this process and of others, s."""
    total = time.process_time()
    for number in others:
        with contextlib.suppress(OSError, ValueError, IndexError):
            fields = (
                Path(f"/proc/{number}/stat").read_text(encoding="ascii", errors="replace").rsplit(")", 1)[1].split()
            )
            total += (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    return total


def _serve(pipe: Connection, opens: str, size: tuple[int, int], scenes: tuple[Scene, ...]) -> None:
    """The engine's process."""
    die_with_parent()
    _quiet()
    _settle(scenes)
    try:
        engine: Engine = load(opens)(*size)
        pipe.send(("ready", engine.description))
        while (message := pipe.recv()) is not None:
            kind, number = message
            if kind == "check":
                pipe.send(("shot", engine.check(scenes[number])))
                continue
            begin, spent = time.perf_counter(), processor_seconds(engine.helpers)
            engine.draw(scenes[number])
            wall, processor = time.perf_counter() - begin, processor_seconds(engine.helpers) - spent
            pipe.send(("drawn", Cost(wall, processor)))
        engine.close()
    except (EOFError, BrokenPipeError, KeyboardInterrupt):
        return
    except Exception as error:  # noqa: BLE001 - engines fail in every way there is; the table shows how
        with contextlib.suppress(OSError):
            pipe.send(("failed", " ".join(sentence(error).split())[:200]))


def _quiet() -> None:
    """Engines talk a lot; the table is ours."""
    sys.stdout.flush()
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for stream in (1, 2):
        os.dup2(nowhere, stream)
    os.close(nowhere)


def _settle(scenes: tuple[Scene, ...]) -> None:
    """Shared pictures cannot change, which spares our renderer comparing them; travelling has made them writable."""
    for scene in scenes:
        for part in scene.parts:
            for picture in (part.material.texture, part.material.detail):
                if picture is not None:
                    picture.setflags(write=False)
