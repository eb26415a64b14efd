"""A dataset at an fsspec URL: workers upload shards, this process merges the labels and uploads the result.

Only labels ever come back: the merge fetches a few shards ahead, reads them one by one, and forgets them.
"""

import json
import shutil
import tempfile
import time
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from biomech.errors import DatasetError
from synthgen import folder
from synthgen import review as reviewing
from synthgen.coco import SCENES, TABLE
from synthgen.executors import run_shards
from synthgen.executors.job import Job, Options
from synthgen.folder import DATASET, PLAN, refuse_difference
from synthgen.journal import Journal
from synthgen.render import (
    CONFIG,
    RUN,
    RenderSummary,
    bar_of,
    merge_shards,
    plain_counts,
    refuse_altered_assets,
    terminated_is_interrupted,
    worked,
    write_record,
    write_run,
)
from synthgen.review import REPORT, Verdict
from synthgen.settings import canonical_json
from synthgen.shards import MANIFEST, SHARDS, Shard, plan, shard_folder
from synthgen.store import LABELS, Bucket, is_url, nothing_there, recorded

AHEAD = 16  # shards fetched before the merge needs them
BEAT = 10.0  # s between two writings of the journal
LABEL_BYTES = 60_000  # of a picture's merged labels, with those under way


def render_url(
    job: Job, workers: int | None, fresh: bool, quiet: bool, executor: str, options: Options
) -> RenderSummary:
    """See `synthgen.render.render_dataset`.

    Two runs at once with the same settings write the same bytes, so they need no lock; other settings are refused.
    """
    store = Bucket(job.place)
    config = job.config
    claim_url(store, job.identity, fresh)
    if store.read(DATASET) is not None:
        store.remove(SHARDS)
        info = json.loads(store.read(DATASET) or b"{}")
        return RenderSummary(job.place, info["digest"], info["counts"], reused=config.poses)
    shards = plan(config)
    before = store.finished(shards)
    todo = [shard for shard in shards if shard.number not in before]
    if todo and job.identity["assets_digest"]:
        refuse_altered_assets()
    begin = time.perf_counter()
    with terminated_is_interrupted(), tempfile.TemporaryDirectory(prefix="synthgen-merge-") as scratch:
        work = Path(scratch)
        folder.check_room(work, config.poses * LABEL_BYTES)
        journal = Journal.begun(store, executor, workers, BEAT)
        waiting = sum(map(len, todo))
        with bar_of(waiting, "render", quiet) as bar:
            stats = run_shards(executor, job, todo, workers, journal, bar.update, options)
        rendering = time.perf_counter() - begin
        pictures: list[int] = []  # bytes per shard
        merged = merge_shards(work, config, fetched(store, work, shards, pictures), quiet)
        digest, labels = write_record(work, config, job.identity, merged)
        names = sorted(path.relative_to(work).as_posix() for path in work.rglob("*") if path.is_file())
        store.upload(work, [name for name in names if name != DATASET])
        store.put(DATASET, (work / DATASET).read_bytes())
        summary = RenderSummary(
            root=job.place,
            digest=digest,
            counts=plain_counts(merged),
            reused=config.poses - waiting,
            seconds=time.perf_counter() - begin,
            bytes=labels + sum(pictures),
            **worked(stats, rendering, workers),
        )
        write_run(work, summary)
        store.put(RUN, (work / RUN).read_bytes())
    store.remove(SHARDS)
    return summary


def claim_url(store: Bucket, wanted: dict, fresh: bool) -> None:
    """Make the place ours to write: see `synthgen.folder.claim`.

    Raises:
        DatasetError: it cannot be reached, or holds something else or a dataset of other settings.
    """
    try:
        there = store.names()
        before = recorded(store)
        if before is None and there:
            raise DatasetError(
                f"{store.place} is not empty and holds no synthgen dataset (it has {', '.join(there[:3])}); "
                "choose a new place with --out"
            )
        if before is not None and fresh:
            for name in sorted(there, key=lambda name: (name in (SHARDS, DATASET), name)):
                store.remove(name)
            before = None
        if before is not None:
            refuse_difference(Path(store.place), before, wanted)
            return
        store.put(f"{SHARDS}/{PLAN}", canonical_json(wanted).encode())
    except DatasetError:
        raise
    except Exception as error:  # every file system has errors of its own
        first = (str(error).strip().splitlines() or [""])[0]
        raise DatasetError(
            f"cannot write to {store.place} ({type(error).__name__}: {first}); look at its name, the keys and the "
            "endpoint (for s3:// AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_ENDPOINT_URL)"
        ) from error


def fetched(store: Bucket, work: Path, shards: Sequence[Shard], pictures: list[int]) -> Iterator[Shard]:
    """The shards in order, each with its labels in `work` until the next one is asked for.

    Args:
        pictures: bytes of each shard's pictures are added to it.
    """

    def fetch(shard: Shard) -> Shard:
        own = shard_folder(work, shard)
        for name in LABELS:
            store.download(f"{SHARDS}/{own.name}/{name}", own / name)
        return shard

    with ThreadPoolExecutor(AHEAD) as readers:
        coming = iter(shards)
        under_way = deque(readers.submit(fetch, shard) for shard, _ in zip(coming, range(AHEAD), strict=False))
        while under_way:
            shard = under_way.popleft().result()
            if (following := next(coming, None)) is not None:
                under_way.append(readers.submit(fetch, following))
            pictures.append(json.loads((shard_folder(work, shard) / MANIFEST).read_bytes()).get("bytes", 0))
            yield shard
            shutil.rmtree(shard_folder(work, shard))


def review_place(place: str | Path) -> Verdict:
    """Judge the dataset in a folder or at a URL."""
    return review_url(str(place)) if is_url(place) else reviewing.review(place)


def review_url(url: str) -> Verdict:
    """Judge a dataset at a URL: fetches its table and scenes, and puts the report beside them."""
    store = Bucket(url)
    if store.read(DATASET) is None:
        raise nothing_there(url)
    with tempfile.TemporaryDirectory(prefix="synthgen-review-") as scratch:
        work = Path(scratch)
        for name in (DATASET, CONFIG, TABLE, SCENES):
            store.download(name, work / name)
        found = reviewing.review(work)
        store.upload(work, [path.relative_to(work).as_posix() for path in sorted((work / REPORT).rglob("*.*"))])
        page = f"{store.place}/{Path(found.report).relative_to(work).as_posix()}"
    return Verdict(found.hard_violations, found.typical_share, found.first, page, found.findings, found.unread)
