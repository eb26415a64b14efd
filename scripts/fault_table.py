"""Do harm to runs of synthgen and print the fault table: fault, times tried, samples lost, digest equal.

    python scripts/fault_table.py                            # real pictures of 96x64 px, minimal assets: an hour or two
    python scripts/fault_table.py --cardboard                # the stand-in of the tests instead of pictures: minutes
    python scripts/fault_table.py --tries 5 --only "kill"    # fewer tries; only faults whose name holds a text

Disks that fill and disks that turn read-only are memory disks of 128 MB, which only root may mount; elsewhere those
rows say so. Clock jumps need libfaketime; where it is absent that row says so.
"""

import argparse
import os
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import numpy as np

SUPPORT = Path(__file__).resolve().parents[1] / "tests" / "support"
sys.path.insert(0, str(SUPPORT))

import fault_lab as lab_module  # noqa: E402 - it lies with the tests, which do the same harm to stand-ins
from fault_lab import Broken, Lab  # noqa: E402
from moves import killed_before_moves, watch_moves  # noqa: E402

POSES = 16
FAKETIME = ("/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1", "/usr/lib/faketime/libfaketime.so.1")
Trial = Callable[[Lab, np.random.Generator, int], tuple[int, str]]


def arm() -> None:
    """In a worker: destroy the graphics context before the fifth picture, once for all workers (by a flag file)."""
    os.environ.setdefault("PYOPENGL_PLATFORM", "egl")
    from scenes.raster_offscreen import Offscreen

    flag, drawn, draw = Path(os.environ["FAULT_LOSE_CONTEXT"]), [0], Offscreen.draw

    def losing(self: Offscreen, scene):
        drawn[0] += 1
        if drawn[0] == 5 and not flag.exists():
            flag.touch()
            from OpenGL import EGL

            display = self._platform._egl_display
            # a context that is current would live on until another takes its place
            EGL.eglMakeCurrent(display, EGL.EGL_NO_SURFACE, EGL.EGL_NO_SURFACE, EGL.EGL_NO_CONTEXT)
            EGL.eglDestroyContext(display, self._platform._egl_context)
        return draw(self, scene)

    setattr(Offscreen, "draw", losing)  # noqa: B010


if os.environ.get("FAULT_LOSE_CONTEXT"):  # workers import this file afresh
    arm()


def render(out: Path) -> int:
    """The command under test: the library's render, with the command line's manners."""
    import typer

    from synthgen.cli_errors import one_sentence
    from synthgen.config import load_config
    from synthgen.render import render_dataset

    workers = 0 if watch_moves() else 2  # a process that works alone makes every move itself
    settings = ["width=96", "height=64", "poses_per_subject=4", "shard_size=4", f"poses={POSES}", "assets=minimal"]
    try:
        with one_sentence(False, out):
            render_dataset(load_config(None, settings), out, workers)
    except KeyboardInterrupt:
        print("stopped; run the same command again to go on", file=sys.stderr)
        return 130
    except typer.Exit as leave:
        return leave.exit_code
    return 0


def damage(lab: Lab, rng: np.random.Generator, tries: int) -> tuple[int, str]:
    done = 0
    spoilers = lab_module.spoilers()
    for name in rng.permutation(sorted(spoilers))[: max(1, tries // 2)]:
        done += lab_module.damaged(lab, lab.base / f"damaged {name}", spoilers[name])
    return done, ""


def disk_fills(lab: Lab, rng: np.random.Generator, tries: int) -> tuple[int, str]:
    """Another program fills the disk while the run writes; then it lets go."""
    said = ""
    for number in range(max(1, tries // 10)):
        with lab_module.small_disk(lab.base / f"full-{number}", 128) as disk:
            out = disk / "d"
            process = lab.start(out)
            lab.until(process, out, lab_module.some_finished)
            with suppress(OSError), open(disk / "ballast", "wb") as ballast:
                while True:
                    ballast.write(b"\0" * 65536)
                    ballast.flush()
            said = lab.end(process).sentence()
            if not lab_module.is_unfinished(out):
                raise Broken("a dataset cut short by a full disk passes for whole")
            (disk / "ballast").unlink()
            lab.finish(out)
    return max(1, tries // 10), said


def read_only(lab: Lab, rng: np.random.Generator, tries: int) -> tuple[int, str]:
    """The disk turns read-only while the run writes, as after an error of the device."""
    import subprocess

    with lab_module.small_disk(lab.base / "read-only", 128) as disk:
        out = disk / "d"
        process = lab.start(out)
        lab.until(process, out, lab_module.some_finished)
        # a plain remount is refused while files are open; this one sees to later writes
        os.killpg(process.pid, signal.SIGSTOP)
        done = subprocess.run(["mount", "-o", "remount,ro", str(disk)], capture_output=True, check=False)
        os.killpg(process.pid, signal.SIGCONT)
        if done.returncode:  # a file was open for writing: let it end, then try with nothing open
            os.killpg(process.pid, signal.SIGKILL)
        first = lab.end(process)
        subprocess.run(["mount", "-o", "remount,ro", str(disk)], check=True)
        said = lab.run(out).sentence() if done.returncode else first.sentence()
        subprocess.run(["mount", "-o", "remount,rw", str(disk)], check=True)
        lab.finish(out)
    return 1, said


def bad_asset(lab: Lab, rng: np.random.Generator, tries: int) -> tuple[int, str]:
    """A file of the body is cut short, or one bit of it flips, between two runs."""
    from synthgen.assets import cache_folder

    copy, out, said, done = lab.base / "assets", lab.base / "asset", "", 0
    shutil.copytree(cache_folder() / "body", copy / "body")
    for name in ("anny.npz", "blendshapes.npy"):
        for cut in (True, False):
            whole = (copy / "body" / name).read_bytes()
            half = len(whole) // 2
            spoilt = whole[:half] if cut else whole[:half] + bytes([whole[half] ^ 1]) + whole[half + 1 :]
            (copy / "body" / name).write_bytes(spoilt)
            said = lab.run(out, SYNTHGEN_ASSETS=str(copy)).sentence()
            (copy / "body" / name).write_bytes(whole)
            done += 1
    lab.environment["SYNTHGEN_ASSETS"] = str(copy)
    lab.finish(out)
    del lab.environment["SYNTHGEN_ASSETS"]
    return done, said


def context_lost(lab: Lab, rng: np.random.Generator, tries: int) -> tuple[int, str]:
    for number in range(max(1, tries // 10)):
        flag, out = lab.base / f"lost-{number}", lab.base / f"context-{number}"
        ended = lab.run(out, FAULT_LOSE_CONTEXT=str(flag))
        if ended.code or not flag.exists():
            raise Broken(f"context lost: {flag.exists()}; the run ended with {ended.code}: {ended.said[-2000:]}")
        lab.finish(out)
    return max(1, tries // 10), "none: another worker takes over"


def clock_jumps(lab: Lab, rng: np.random.Generator, tries: int) -> tuple[int, str]:
    """The clock of the day jumps by up to five years, forwards and back, every half second."""
    library = next((path for path in FAKETIME if Path(path).exists()), None)
    if library is None:
        raise OSError("libfaketime is not installed")
    stamp, jumps = lab.base / "clock", 0
    stamp.write_text("+0")
    settings = {"LD_PRELOAD": library, "FAKETIME_TIMESTAMP_FILE": str(stamp), "FAKETIME_NO_CACHE": "1"}
    out = lab.base / "clock-run"
    process = lab.start(out, **settings, FAKETIME_DONT_FAKE_MONOTONIC="1")
    while process.poll() is None:
        stamp.write_text(f"{rng.integers(-1800, 1800):+d}d")
        jumps += 1
        time.sleep(0.5)
    ended = lab.end(process)
    if ended.code:
        raise Broken(ended.said[-2000:])
    lab.finish(out)
    return jumps, "none"


def two_at_once(lab: Lab, rng: np.random.Generator, tries: int) -> tuple[int, str]:
    """While one run writes, the same command is refused, also the second time it is tried."""
    out = lab.base / "two"
    first = lab.start(out)
    lab.until(first, out, lambda place: (place / ".synthgen.lock").exists())
    refused = [lab.run(out) for _ in range(2)]
    if first.poll() is not None:
        raise Broken("the first run was over before the second began; ask for more poses")
    if lab.end(first).code:
        raise Broken("the first run suffered from the second")
    lab.finish(out)
    return 2, [ended.sentence() for ended in refused][0]


FAULTS: dict[str, Trial] = {
    "kill -9 of a worker": lab_module.killed_workers,
    "kill -9 of the parent": lab_module.killed_parent,
    "SIGTERM to the parent": lambda lab, rng, tries: lab_module.killed_parent(
        lab, rng, max(1, tries // 5), signal.SIGTERM
    ),
    "kill -9 before a file is moved into place": killed_before_moves,
    "the disk fills": disk_fills,
    "the disk turns read-only": read_only,
    "a file of a finished shard is damaged": damage,
    "an asset file is damaged": bad_asset,
    "the graphics context is lost": context_lost,
    "the clock jumps": clock_jumps,
    "two runs in one folder": two_at_once,
}


def main() -> None:
    """Print a row per fault as it is done; exit code 1 where one broke something."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tries", type=int, default=30)
    parser.add_argument("--only", default="")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--cardboard", action="store_true")
    parser.add_argument("--render", type=Path, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.render:
        raise SystemExit(render(given.render))
    failed = 0
    with tempfile.TemporaryDirectory(prefix="faults-") as name:
        command = [sys.executable, __file__, "--render"]
        environment = {"PYTHONPATH": os.pathsep.join([str(SUPPORT.parents[1]), str(SUPPORT)])}
        if given.cardboard:
            from forked import ForkLab

            lab: Lab = ForkLab([], 48, Path(name), {**environment, "FAKE_SLOW": "0.05"}, workers=2)
        else:
            lab = Lab(command, POSES, Path(name), environment)
        lab.undisturbed()
        print(f"undisturbed: {lab.poses} samples, {lab.seconds:.1f} s, digest {lab.digest[:16]}\n", flush=True)
        print("| fault | times tried | samples lost | digest equal | what was said |", flush=True)
        print("|---|---|---|---|---|", flush=True)
        for number, (fault, trial) in enumerate(FAULTS.items()):
            if given.only not in fault or (given.cardboard and trial in (bad_asset, context_lost)):
                continue
            try:
                done, said = trial(lab, np.random.default_rng([given.seed, number]), given.tries)
                row = [str(done), "0", "yes", said.replace(name, "…")]
            except Broken as error:
                failed += 1
                row = ["", "", "NO", str(error)]
            except OSError as error:
                row = ["0", "", "not tried", str(error)]
            print(f"| {fault} | {' | '.join(row)} |", flush=True)
    raise SystemExit(bool(failed))


if __name__ == "__main__":
    main()
