"""A lab whose runs are forks of the test's own process: no interpreter to start, so harm can be done many times."""

import os
import signal
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import fake_run
import typer
from fault_lab import Lab


class Forked:
    """As much of subprocess.Popen as a lab uses."""

    def __init__(self, work, folder: Path) -> None:
        self.stderr = folder / f".stderr-{time.monotonic_ns()}"
        self.returncode: int | None = None
        self.pid = os.fork()
        if self.pid == 0:
            self._child(work)

    def _child(self, work) -> None:
        code = 70
        try:
            os.setsid()
            handle = os.open(self.stderr, os.O_WRONLY | os.O_CREAT)
            os.dup2(handle, 2)
            os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
            sys.stderr = os.fdopen(2, "w", buffering=1, closefd=False)
            signal.signal(signal.SIGINT, signal.default_int_handler)
            try:
                work()
                code = 0
            except typer.Exit as leave:
                code = leave.exit_code
        except BaseException:
            sys.excepthook(*sys.exc_info())
        finally:
            os._exit(code)

    def poll(self) -> int | None:
        if self.returncode is None:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                self.returncode = os.waitstatus_to_exitcode(status)
        return self.returncode

    def communicate(self, timeout: float) -> tuple[None, bytes]:
        for _ in range(int(timeout / 0.01)):
            if self.poll() is not None:
                return None, self.stderr.read_bytes() if self.stderr.exists() else b""
            time.sleep(0.01)
        os.killpg(self.pid, signal.SIGKILL)
        raise AssertionError("the run hangs")


@dataclass(slots=True)
class ForkLab(Lab):
    """Runs cardboard people in forks, in one process each."""

    workers: int = 0

    def start(self, out: Path, **environment: str) -> Forked:  # type: ignore[override]
        def work() -> None:
            os.environ.update({**self.environment, **environment})
            fake_run.main(self.poses, self.workers, out)

        return Forked(work, self.base)
