"""Where fuzzed input is tried: in a forked process that may crash or hang without taking the test along.

A call is good when it returns or raises SynthgenError. Whatever else it raises is a traceback that a user would see; a
process that dies is a crash; one that uses more processor time than it is given hangs (time on the clock is not
counted: machines are busy).
"""

import os
import resource
import signal
import traceback
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

from biomech.errors import SynthgenError

SECONDS = 30  # of processor time for one example
MEMORY = 6 * 2**30  # bytes of address space beyond what the process has
GOOD = ("accepted", "refused")


@dataclass(slots=True)
class Cage:
    """Runs `work(example)`; counts how it went and keeps the first example of each kind of failure."""

    work: Callable[[bytes], object]
    counts: Counter = field(default_factory=Counter)
    findings: dict[str, bytes] = field(default_factory=dict)
    child: int = 0
    ask: int = -1
    answer: int = -1

    def try_(self, example: bytes) -> str:
        """ "accepted", "refused", or what went wrong."""
        if not self.child:
            self._fork()
        os.write(self.ask, len(example).to_bytes(8, "little"))
        sent = 0
        try:
            while sent < len(example):
                sent += os.write(self.ask, example[sent : sent + 65536])
        except BrokenPipeError:
            pass
        said = self._read()
        if said is None:
            _, status = os.waitpid(self.child, 0)
            os.close(self.ask), os.close(self.answer)
            self.child = 0
            code = os.waitstatus_to_exitcode(status)
            said = "hang" if code == -signal.SIGXCPU else f"crash: {code}"
        self.counts[said if said in GOOD else said.split(":")[0]] += 1
        if said not in GOOD:
            self.findings.setdefault(said, example)
        return said

    def close(self) -> None:
        if self.child:
            os.close(self.ask), os.close(self.answer)
            os.waitpid(self.child, 0)
            self.child = 0

    def _read(self) -> str | None:
        data = b""
        while not data.endswith(b"\0"):
            piece = os.read(self.answer, 65536)
            if not piece:
                return None
            data += piece
        return data[:-1].decode()

    def _fork(self) -> None:
        theirs_in, self.ask = os.pipe()
        self.answer, theirs_out = os.pipe()
        self.child = os.fork()
        if self.child:
            os.close(theirs_in), os.close(theirs_out)
            return
        os.close(self.ask), os.close(self.answer)
        null = os.open(os.devnull, os.O_WRONLY)
        os.dup2(null, 1), os.dup2(null, 2)
        try:
            self._serve(theirs_in, theirs_out)
        finally:
            os._exit(0)

    def _serve(self, source: int, sink: int) -> None:
        stream = os.fdopen(source, "rb")
        signal.signal(signal.SIGXCPU, signal.SIG_DFL)
        used_bytes = int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize()
        resource.setrlimit(resource.RLIMIT_AS, (used_bytes + MEMORY, resource.RLIM_INFINITY))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        while head := stream.read(8):
            example = stream.read(int.from_bytes(head, "little"))
            used = resource.getrusage(resource.RUSAGE_SELF)
            most = int(used.ru_utime + used.ru_stime) + SECONDS
            resource.setrlimit(resource.RLIMIT_CPU, (most, resource.RLIM_INFINITY))
            os.write(sink, self._outcome(example).encode(errors="replace") + b"\0")

    def _outcome(self, example: bytes) -> str:
        try:
            self.work(example)
        except SynthgenError:
            return "refused"
        except BaseException as error:
            frames = [f for f in traceback.extract_tb(error.__traceback__) if "/site-packages/" not in f.filename]
            places = [f"{os.path.basename(f.filename)}:{f.lineno}" for f in frames[1:][-3:]]
            return f"traceback: {type(error).__name__}: {str(error)[:120]} at {' '.join(places)}".replace("\0", "")
        return "accepted"
