"""Make a whole dataset: claim the folder, let workers write shards, merge once, write the record last."""

import contextlib
import json
import logging
import os
import platform
import shutil
import signal
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path

import yaml
from tqdm import tqdm

from biomech.errors import AssetError
from synthgen import folder, pool
from synthgen.coco import Merged, merge
from synthgen.config import Config, with_values
from synthgen.dataset import CHECKSUMS, checksums, files_digest
from synthgen.folder import DATASET
from synthgen.motions import resolve_motions
from synthgen.settings import digested, to_plain
from synthgen.shards import SHARDS, is_finished, plan, write_atomic
from synthgen.worker import peak_memory

log = logging.getLogger(__name__)

CONFIG = "config.yaml"
RUN = "run.json"


@dataclass(frozen=True, slots=True)
class RenderSummary:
    """What a run did. `rendered` counts this run's samples, `reused` those that were finished before it.

    Attributes:
        seconds: wall time from the first worker's start to the record.
        per_second: samples of this run per second of rendering, start-up included, merge excluded.
        memory: worker -> (peak after its first shard, peak at the end), bytes.
    """

    root: Path
    digest: str
    counts: dict[str, dict[str, int]]
    rendered: int = 0
    reused: int = 0
    seconds: float = 0.0
    per_second: float = 0.0
    workers: int = 0
    bytes: int = 0
    memory: dict[int, tuple[int, int]] = field(default_factory=dict)
    timings: dict[str, float] = field(default_factory=dict)


def default_workers() -> int:
    """One per core this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def resolve_assets(config: Config) -> tuple[Config, str, str]:
    """Settle which assets a dataset uses, so that a later run cannot silently use others.

    Returns:
        the config with "full" or "minimal" in place of "auto", a fingerprint of the installed packs, and a sentence on
        what is missing ("" where nothing is).

    Raises:
        AssetError: the body, or a pack that "full" needs, is not installed.
    """
    from synthgen.assets import assets_digest, list_packs

    missing = [state.pack for state in list_packs() if not state.installed]
    names = ", ".join(pack.name for pack in missing)
    if any(pack.name == "body" for pack in missing):
        raise AssetError("the body is not installed; run 'synthgen assets install' once")
    if missing and config.assets == "full":
        raise AssetError(f"not installed: {names}; run 'synthgen assets install', or render with --assets minimal")
    note = ""
    if missing and config.assets == "auto":
        gone = "; ".join(f"{pack.name} ({pack.gives})" for pack in missing)
        note = f"rendering with procedural assets, not installed: {gone}. 'synthgen assets install' gets them"
    kind = "minimal" if missing or config.assets == "minimal" else "full"
    return with_values(config, assets=kind), assets_digest(), note


def render_dataset(
    config: Config,
    out: str | Path,
    workers: int | None = None,
    fresh: bool = False,
    source: pool.Source | None = None,
    quiet: bool = True,
) -> RenderSummary:
    """Render a dataset into `out`, or finish one begun there with the same config.

    Args:
        workers: processes, default one per core; 0 works in this process. Does not change a byte.
        fresh: delete a dataset already in the folder.
        source: where samples come from, default the installed assets; tests bring their own.
        quiet: no progress bars.

    Raises:
        DatasetError: the folder cannot be used, or the disk is too small.
        AssetError: the body, or packs the config asks for, are not installed.
        MotionError: none of the motion files can be used.
        synthgen.pool.WorkerFailed: a sample could not be made.
    """
    root = Path(out)
    assets_digest = ""
    config, failed = resolve_motions(config)
    for sentence in failed:
        log.warning(sentence)
    if source is None:
        config, assets_digest, note = resolve_assets(config)
        source = pool.Source()
        if note:
            log.warning(note)
    wanted = folder.identity(config, assets_digest)
    folder.check_room(root, folder.estimate_bytes(config) * (1 - progress_so_far(root, config) / config.poses))
    with folder.locked(root), _terminated_is_interrupted():
        folder.claim(root, wanted, fresh)
        if (root / DATASET).is_file():
            shutil.rmtree(root / SHARDS, ignore_errors=True)
            return _finished_before(root)
        shards = plan(config)
        todo = [s for s in shards if not is_finished(root, s)]
        waiting = sum(len(s) for s in todo)
        begin = time.perf_counter()
        count = default_workers() if workers is None else workers
        with _bar(waiting, "render", quiet) as bar:
            stats = pool.run(root, config, todo, count, source, bar.update) if todo else pool.PoolStats()
        rendering = time.perf_counter() - begin
        merged = _merge(root, config, quiet)
        digest = _write_record(root, config, wanted, merged)
        shutil.rmtree(root / SHARDS)
    summary = RenderSummary(
        root=root,
        digest=digest,
        counts=_plain_counts(merged),
        rendered=stats.samples,
        reused=config.poses - waiting,
        seconds=time.perf_counter() - begin,
        per_second=stats.samples / rendering if stats.samples else 0.0,
        workers=count,
        bytes=sum((root / name).stat().st_size for name in merged.files),
        memory={w: (stats.early_memory[w], peak) for w, peak in sorted(stats.peak_memory.items())},
        timings={k: stats.timings[k] / stats.samples for k in sorted(stats.timings)},
    )
    _write_run(root, summary)
    return summary


def _merge(root: Path, config: Config, quiet: bool) -> Merged:
    coordinates = import_module("biomech.anatomy").COORDINATES
    write_mot = import_module("biomech.motion").write_mot
    pool.clean_temporaries(root)
    with _bar(config.poses, "merge", quiet) as bar:
        return merge(root, config, plan(config), coordinates, write_mot, bar.update)


def _write_record(root: Path, config: Config, identity: dict, merged: Merged) -> str:
    """config.yaml, the checksums and last dataset.json, whose presence means: finished."""
    text = yaml.safe_dump(digested(config), sort_keys=False, default_flow_style=None, width=100)
    files = {**merged.files, CONFIG: write_atomic(root / CONFIG, text.encode())}
    digest = files_digest(files)
    write_atomic(root / CHECKSUMS, checksums(files).encode())
    record = {**identity, "counts": _plain_counts(merged), "files": len(files), "digest": digest}
    write_atomic(root / DATASET, (json.dumps(record, indent=1, sort_keys=True) + "\n").encode())
    return digest


def _plain_counts(merged: Merged) -> dict[str, dict[str, int]]:
    return {
        split: {"images": c.images, "annotations": c.annotations, "subjects": len(c.subjects)}
        for split, c in merged.counts.items()
    }


def _finished_before(root: Path) -> RenderSummary:
    info = json.loads((root / DATASET).read_bytes())
    return RenderSummary(root, info["digest"], info["counts"], reused=info["config"]["poses"])


def _write_run(root: Path, summary: RenderSummary) -> None:
    """What this run measured; outside the dataset's digest because it never repeats."""
    data = {
        **to_plain(summary),
        "root": root.name,
        "finished": time.strftime("%Y-%m-%dT%H:%M:%S%z"),
        "machine": {"cores": default_workers(), "processor": platform.machine(), "python": sys.version.split()[0]},
        "parent_peak_memory": peak_memory(),
    }
    write_atomic(root / RUN, (json.dumps(data, indent=1, sort_keys=True) + "\n").encode())


def _bar(total: int, what: str, quiet: bool) -> tqdm:
    return tqdm(total=total, desc=what, unit="img", disable=quiet, dynamic_ncols=True, smoothing=0.05)


@contextlib.contextmanager
def _terminated_is_interrupted() -> Iterator[None]:
    """SIGTERM ends a run the way Ctrl-C does: workers stopped, nothing half-written under a final name."""

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    try:
        before: Callable | int | None = signal.signal(signal.SIGTERM, interrupt)
    except ValueError:  # not the main thread
        yield
        return
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before or signal.SIG_DFL)


def progress_so_far(out: str | Path, config: Config) -> int:
    """Samples whose shards are finished."""
    root = Path(out)
    if (root / DATASET).is_file():
        return config.poses
    return sum(len(s) for s in plan(config) if is_finished(root, s))

