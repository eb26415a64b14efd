"""Make a whole dataset: claim the folder, let workers write shards, merge once, write the record last."""

import contextlib
import json
import logging
import platform
import shutil
import signal
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import Any

import yaml
from tqdm import tqdm

from biomech.errors import AssetError
from synthgen import folder, pool
from synthgen.coco import Merged, merge
from synthgen.config import Config, with_values
from synthgen.executors import executor_named, run_shards
from synthgen.executors.job import Job, Options
from synthgen.folder import DATASET
from synthgen.intact import kept_shards
from synthgen.journal import Journal
from synthgen.listing import listed
from synthgen.motions import resolve_motions
from synthgen.photos import resolve_photos
from synthgen.pool import default_workers
from synthgen.settings import digested, to_plain
from synthgen.shards import SHARDS, Shard, is_finished, plan, write_atomic
from synthgen.store import is_url, store_at
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
        drivers: GL_RENDERER of this machine's workers, each once.
        course: how the run went from thousand to thousand, see PoolStats.
    """

    root: Path | str  # folder or URL
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
    drivers: tuple[str, ...] = ()
    course: tuple[tuple[int, float, int], ...] = ()


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


def refuse_altered_assets() -> None:
    """AssetError where a file of an installed pack is not what it was when it was installed: it may still load."""
    from synthgen.assets import PACKS, verify_packs

    for state in verify_packs(pack.name for pack in PACKS):
        if state.installed and not state.intact:
            broken = [*state.altered, *state.missing]
            raise AssetError(
                f"{len(broken)} files of the pack {state.pack.name} were altered or are missing ({broken[0]}); "
                f"run 'synthgen assets install {state.pack.name} --force' and the same command again"
            )


def render_dataset(
    config: Config,
    out: str | Path,
    workers: int | None = None,
    fresh: bool = False,
    source: pool.Source | None = None,
    quiet: bool = True,
    executor: str = "local",
    options: Options | None = None,
) -> RenderSummary:
    """Render a dataset into `out`, or finish one begun there with the same config.

    Args:
        out: folder, or an fsspec URL such as s3://bucket/dataset.
        workers: processes, default one per core; 0 works in this process. Does not change a byte.
        executor: who runs the workers: local, ray, dask or slurm. Does not change a byte.
        options: of the executor.
        fresh: delete a dataset already in the folder.
        source: where samples come from, default the installed assets; tests bring their own.
        quiet: no progress bars.

    Raises:
        DatasetError: the folder cannot be used, or the disk is too small.
        AssetError: the body, or packs the config asks for, are not installed.
        MotionError: none of the motion files can be used.
        synthgen.pool.WorkerFailed: a sample could not be made.
    """
    executor_named(executor)
    assets_digest = ""
    config, failed = resolve_motions(config)
    config, unused = resolve_photos(config)
    for sentence in [*failed, *unused]:
        log.warning(sentence)
    if source is None:
        config, assets_digest, note = resolve_assets(config)
        source = pool.Source()
        if note:
            log.warning(note)
    wanted = folder.identity(config, assets_digest)
    if is_url(out):
        from synthgen.remote import render_url

        job = Job(str(out), config, source, wanted)
        return render_url(job, workers, fresh, quiet, executor, options or Options())
    root = Path(out)
    folder.check_room(root, folder.estimate_bytes(config) * (1 - progress_so_far(root, config) / config.poses))
    with folder.locked(root), terminated_is_interrupted():
        folder.claim(root, wanted, fresh)
        if (root / DATASET).is_file():
            shutil.rmtree(root / SHARDS, ignore_errors=True)
            folder.clean_temporaries(root, deep=False)  # of a run killed while it wrote run.json
            return _finished_before(root)
        shards = plan(config)
        kept = set(kept_shards(root, shards))
        todo = [s for s in shards if s not in kept]
        waiting = sum(len(s) for s in todo)
        if todo and assets_digest:
            refuse_altered_assets()
        begin = time.perf_counter()
        job = Job(str(root.absolute()), config, source, wanted)
        journal = Journal.begun(store_at(root), executor, workers)
        with bar_of(waiting, "render", quiet) as bar:
            stats = run_shards(executor, job, todo, workers, journal, bar.update, options or Options())
        rendering = time.perf_counter() - begin
        folder.clean_temporaries(root)
        merged = merge_shards(root, config, shards, quiet)
        digest, size = write_record(root, config, wanted, merged)
        shutil.rmtree(root / SHARDS)
    summary = RenderSummary(
        root=root,
        digest=digest,
        counts=plain_counts(merged),
        reused=config.poses - waiting,
        seconds=time.perf_counter() - begin,
        bytes=size,
        **worked(stats, rendering, workers),
    )
    write_run(root, summary)
    return summary


def worked(stats: pool.PoolStats, seconds: float, workers: int | None) -> dict[str, Any]:
    """What a summary says of the workers, who took `seconds` in all."""
    return {
        "rendered": stats.samples,
        "per_second": stats.samples / seconds if stats.samples else 0.0,
        "workers": default_workers() if workers is None else workers,
        "memory": {w: (stats.early_memory[w], peak) for w, peak in sorted(stats.peak_memory.items())},
        "drivers": tuple(stats.drivers),
        "course": tuple(stats.course),
        "timings": {k: stats.timings[k] / stats.samples for k in sorted(stats.timings)},
    }


def merge_shards(root: Path, config: Config, shards: Iterable[Shard], quiet: bool) -> Merged:
    """Write the label files from the shards that are in `root`, or come there while they are asked for."""
    coordinates = import_module("biomech.anatomy").COORDINATES
    with bar_of(config.poses, "merge", quiet) as bar:
        return merge(root, config, shards, coordinates, bar.update)


def write_record(root: Path, config: Config, identity: dict, merged: Merged) -> tuple[str, int]:
    """config.yaml, the checksums and last dataset.json, whose presence means: finished. Returns digest and bytes."""
    text = yaml.safe_dump(digested(config), sort_keys=False, default_flow_style=None, width=100)
    merged.listing.add(CONFIG, write_atomic(root / CONFIG, text.encode()))
    count, digest = merged.listing.finish()
    size = 0
    for name, _ in listed(root):
        with contextlib.suppress(FileNotFoundError):  # pictures at a URL
            size += (root / name).stat().st_size
    record = {**identity, "counts": plain_counts(merged), "files": count, "digest": digest}
    write_atomic(root / DATASET, (json.dumps(record, indent=1, sort_keys=True) + "\n").encode())
    return digest, size


def plain_counts(merged: Merged) -> dict[str, dict[str, int]]:
    """How much each split holds, as plain data."""
    return {
        split: {"images": c.images, "annotations": c.annotations, "subjects": len(c.subjects)}
        for split, c in merged.counts.items()
    }


def _finished_before(root: Path) -> RenderSummary:
    info = json.loads((root / DATASET).read_bytes())
    return RenderSummary(root, info["digest"], info["counts"], reused=info["config"]["poses"])


def write_run(root: Path, summary: RenderSummary) -> None:
    """What this run measured; outside the dataset's digest because it never repeats."""
    data = {
        **to_plain(summary),
        "root": str(summary.root).rstrip("/").rsplit("/", 1)[-1],
        "finished": time.strftime("%Y-%m-%dT%H:%M:%S%z"),
        "machine": {"cores": default_workers(), "processor": platform.machine(), "python": sys.version.split()[0]},
        "parent_peak_memory": peak_memory(),
    }
    write_atomic(root / RUN, (json.dumps(data, indent=1, sort_keys=True) + "\n").encode())


def bar_of(total: int, what: str, quiet: bool) -> tqdm:
    """Counts pictures on stderr where somebody watches."""
    return tqdm(total=total, desc=what, unit="img", disable=quiet, dynamic_ncols=True, smoothing=0.05)


@contextlib.contextmanager
def terminated_is_interrupted() -> Iterator[None]:
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
    if is_url(out):
        store = store_at(out)
        done = store.finished(plan(config))
        return config.poses if store.read(DATASET) else sum(len(s) for s in plan(config) if s.number in done)
    root = Path(out)
    if (root / DATASET).is_file():
        return config.poses
    return sum(len(s) for s in plan(config) if is_finished(root, s))
