"""What one worker process does: open the assets, write the shards it is given, report."""

import contextlib
import ctypes
import errno
import logging
import multiprocessing
import os
import resource
import signal
import sys
import traceback
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib import import_module
from multiprocessing.connection import Connection
from pathlib import Path

from threadpoolctl import threadpool_limits

from biomech.errors import GraphicsLost, SynthgenError
from scenes.devices import driver
from synthgen.config import Config
from synthgen.sample_types import Sample
from synthgen.shards import write_shard
from synthgen.store import store_at

log = logging.getLogger(__name__)

# Several processes share the cores, so each library inside one keeps to one thread. Read at import, hence set before.
ONE_THREAD = {
    "LP_NUM_THREADS": "1",
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "OPENCV_FOR_THREADS_NUM": "1",
}


@dataclass(frozen=True, slots=True)
class Source:
    """Where samples come from, as "module:function" names that a fresh process can import.

    Attributes:
        open_assets: (config) -> assets: whatever the other two need, built once per worker; closed with `.close()`
            where it has one.
        make_sample: (config, assets, index) -> Sample, a pure function of config and index.
        subject_osim: (config, assets, subject) -> OpenSim model text, or "" to write no models.
    """

    open_assets: str = "synthgen.sample:open_assets"
    make_sample: str = "synthgen.sample:make_sample"
    subject_osim: str = "synthgen.sample:subject_osim"


def load(name: str) -> Callable:
    """ "module:function" -> the function."""
    module, _, attribute = name.partition(":")
    return getattr(import_module(module), attribute)


@contextlib.contextmanager
def opened(source: Source, config: Config) -> Iterator[tuple[Callable[[int], Sample], Callable[[int], str] | None]]:
    """(make, subject_osim) bound to freshly opened assets, which are closed afterwards.

    Meanwhile matrix products keep to one thread also where the environment was read too early to say so: how they are
    cut up among threads shows in the last bits of poses.
    """
    make_sample = load(source.make_sample)
    assets = load(source.open_assets)(config)
    osim = load(source.subject_osim) if source.subject_osim else None
    close = getattr(assets, "close", None)
    try:
        with threadpool_limits(1, "blas"):
            yield (
                lambda index: make_sample(config, assets, index),
                (lambda subject: osim(config, assets, subject)) if osim else None,
            )
    except GraphicsLost:
        close = None  # it needs the driver that is gone
        raise
    finally:
        try:
            if close:
                close()
        except Exception as error:  # must neither hide what ended the work nor fail a run whose files are all there
            log.warning("the assets could not be closed (%s)", sentence(error))


@contextlib.contextmanager
def child_environment() -> Iterator[None]:
    """One thread per library, and Ctrl-C left to the parent: both are inherited at the moment of the start."""
    before = {key: os.environ.get(key) for key in ONE_THREAD}
    os.environ.update(ONE_THREAD)
    try:
        handler = signal.signal(signal.SIGINT, signal.SIG_IGN)
    except ValueError:  # not the main thread
        handler = None
    try:
        yield
    finally:
        if handler is not None:
            signal.signal(signal.SIGINT, handler)
        for key, value in before.items():
            if value is None:
                del os.environ[key]
            else:
                os.environ[key] = value


def peak_memory() -> int:
    """Bytes this process had resident at most.

    Linux hands ru_maxrss on from the parent through fork and exec, so the process's own high-water mark is read.
    """
    with contextlib.suppress(OSError):
        for line in Path("/proc/self/status").read_text(encoding="ascii").splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


HAND_BACK = 16
"""Shards after which holes are given back: every page of them is missed once, so it is not done all the time."""


def hand_back_memory(written: int) -> None:
    """After every HAND_BACK shards that a worker has written, give the holes of the heap back to the system; glibc does
    so by itself only with those at its end.

    Arrays that stay and arrays that pass leave holes between them, ever more over a long run. Other C libraries are
    left to themselves.
    """
    if written % HAND_BACK == 0:
        with contextlib.suppress(OSError, AttributeError):
            ctypes.CDLL(None).malloc_trim(0)


PR_SET_PDEATHSIG = 1  # linux/prctl.h


def die_with_parent() -> None:
    """Have the kernel kill this process when its parent dies, however that happens.

    Without it, a worker whose parent was killed would finish its sample and put it into a folder that a new run may
    have started over by then. Where the kernel cannot (not Linux), the broken pipe ends the worker one sample later.
    """
    parent = multiprocessing.parent_process()
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if parent is not None and parent.pid != os.getppid():  # it died before the kernel knew
        os._exit(1)


def serve(pipe: Connection, root: str, config: Config, source: Source) -> None:
    """A worker's life: say ready, write the shards it is given, leave when given None or when the parent is gone."""
    where, told = "opening the assets", False

    def done(timings: dict[str, float]) -> None:
        nonlocal told
        if not told:
            pipe.send(("driver", driver()))
            told = True
        pipe.send(("sample", timings))

    try:
        die_with_parent()
        store = store_at(root)
        with opened(source, config) as (make, osim):

            def tracked(index: int) -> Sample:
                nonlocal where
                where = f"sample {index}"
                return make(index)

            pipe.send(("ready",))
            written = 0
            while (shard := pipe.recv()) is not None:
                with store.place_for(shard) as place:
                    write_shard(place, config, shard, tracked, osim, done)
                written += 1
                hand_back_memory(written)
                pipe.send(("done", peak_memory()))
    except (EOFError, BrokenPipeError, ConnectionResetError):
        os._exit(1)  # the parent is gone
    except GraphicsLost as error:  # nothing in this process can be trusted to draw again: a new one takes over
        pipe.send(("lost", f"{where}: {error}"))
        os._exit(1)
    except Exception as error:
        pipe.send(("error", where, sentence(error), traceback.format_exc()))


def sentence(error: Exception) -> str:
    """An error in one sentence."""
    if isinstance(error, SynthgenError):
        return str(error)
    if isinstance(error, OSError) and error.errno == errno.ENOSPC:
        return "the disk is full; what is finished stays. Make room and run the same command again"
    if isinstance(error, OSError) and error.strerror:
        return f"{error.strerror} ({error.filename})" if error.filename else error.strerror
    first = str(error).strip().splitlines()
    return f"{type(error).__name__}: {first[0]}" if first else type(error).__name__
