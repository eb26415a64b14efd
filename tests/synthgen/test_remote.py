"""A dataset at a URL has the bytes of one in a folder; only labels come back; what was uploaded is not made again."""

import collections
import json
import uuid

import pytest
from fake_source import SOURCE

from biomech.errors import DatasetError
from synthgen import pool, report_figures
from synthgen.config import Config, with_values
from synthgen.remote import review_place
from synthgen.render import progress_so_far, render_dataset
from synthgen.status import status
from synthgen.store import Bucket, is_url, store_at

fsspec = pytest.importorskip("fsspec", reason="needs the extra 'remote'")
POSES = 12


@pytest.fixture(scope="module")
def config():
    sizes = {"poses": POSES, "width": 64, "height": 48, "poses_per_subject": 2, "shard_size": 2}
    return with_values(Config(), **sizes, splits={"train": 0.5, "val": 0.5})


@pytest.fixture(scope="module")
def reference(config, tmp_path_factory):
    return render_dataset(config, tmp_path_factory.mktemp("reference"), workers=0, source=SOURCE)


@pytest.fixture
def url():
    """A fresh place in this process's memory."""
    place = "memory://bucket/data"
    yield place
    Bucket("memory://bucket").remove()


@pytest.fixture
def s3(monkeypatch):
    """An S3 server of this process with an empty bucket; workers reach it, too."""
    pytest.importorskip("s3fs", reason="needs the extra 'remote'")
    pytest.importorskip("flask_cors", reason="needs the extra 'dev'")
    moto = pytest.importorskip("moto.server", reason="needs the extra 'dev'")
    server = moto.ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    for name, value in {
        "AWS_ENDPOINT_URL": f"http://{host}:{port}",
        "AWS_ACCESS_KEY_ID": "key",
        "AWS_SECRET_ACCESS_KEY": "secret",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_EC2_METADATA_DISABLED": "true",
    }.items():
        monkeypatch.setenv(name, value)
    bucket = uuid.uuid4().hex  # the server's memory outlives it
    fsspec.filesystem("s3", skip_instance_cache=True).mkdir(bucket)
    yield f"s3://{bucket}/data"
    fsspec.get_filesystem_class("s3").clear_instance_cache()
    server.stop()


def content(place: str) -> dict[str, bytes]:
    """Name -> bytes of everything but what a run measured."""
    store = Bucket(place)
    store.fs.invalidate_cache()
    found = {path[path.index(store.base) + len(store.base) + 1 :]: path for path in store.fs.find(store.base)}
    return {name: store.fs.cat_file(path) for name, path in found.items() if name != "run.json"}


def local_content(root) -> dict[str, bytes]:
    files = (path for path in root.rglob("*") if path.is_file() and path.name != "run.json")
    return {path.relative_to(root).as_posix(): path.read_bytes() for path in files}


def test_urls_and_folders():
    assert is_url("s3://a/b") and is_url("memory://x") and not is_url("/data/a") and not is_url("out/a")
    assert store_at("out/a").place == "out/a"


def test_the_same_bytes_as_in_a_folder(config, reference, url):
    summary = render_dataset(config, url, workers=0, source=SOURCE)
    assert summary.digest == reference.digest and summary.root == url and summary.rendered == POSES
    assert content(url) == local_content(reference.root)
    assert summary.bytes == reference.bytes
    assert status(url).state == "finished"
    again = render_dataset(config, url, workers=0, source=SOURCE)
    assert again.reused == POSES and again.rendered == 0 and again.digest == reference.digest


def test_what_was_uploaded_is_not_made_again(config, reference, url, monkeypatch):
    monkeypatch.setenv("FAKE_RAISE", "7")
    with pytest.raises(ArithmeticError):  # in this process nothing wraps it
        render_dataset(config, url, workers=0, source=SOURCE)
    done = progress_so_far(url, config)
    assert 0 < done <= 7
    found = status(url)
    assert (found.state, found.done, found.total) == ("stopped", done, POSES) and "circle" in found.said
    monkeypatch.delenv("FAKE_RAISE")
    summary = render_dataset(config, url, workers=0, source=SOURCE)
    assert summary.reused == done and summary.rendered == POSES - done
    assert content(url) == local_content(reference.root)


def test_only_labels_come_back(config, url, monkeypatch):
    fetched = []
    original = Bucket.download
    monkeypatch.setattr(Bucket, "download", lambda self, name, to: (fetched.append(name), original(self, name, to)))
    render_dataset(config, url, workers=0, source=SOURCE)
    assert fetched and {name.split("/")[0] for name in fetched} == {"shards"}


def test_the_manifest_is_uploaded_last(config, url, monkeypatch):
    """An upload that breaks off leaves no shard that counts as finished."""
    original, uploads = Bucket.upload, []

    def breaks(self, root, names):
        names = list(names)
        uploads.append(names)
        if len(uploads) == 2:
            raise ConnectionError("the line is dead")
        original(self, root, names)

    monkeypatch.setattr(Bucket, "upload", breaks)
    with pytest.raises(ConnectionError):
        render_dataset(config, url, workers=0, source=SOURCE)
    assert any(name.startswith("images/") for name in uploads[0])
    assert progress_so_far(url, config) == 0


def test_a_strangers_place_and_other_settings_are_refused(config, url):
    Bucket(url).put("holiday.jpg", b"x")
    with pytest.raises(DatasetError, match=r"not empty and holds no synthgen dataset \(it has holiday.jpg\)"):
        render_dataset(config, url, workers=0, fresh=True, source=SOURCE)
    Bucket(url).remove("holiday.jpg")
    render_dataset(config, url, workers=0, source=SOURCE)
    with pytest.raises(DatasetError, match="seed: 0 there, 5 now"):
        render_dataset(with_values(config, seed=5), url, workers=0, source=SOURCE)
    other = render_dataset(with_values(config, seed=5), url, workers=0, fresh=True, source=SOURCE)
    assert json.loads(Bucket(url).read("dataset.json"))["digest"] == other.digest


def test_no_such_bucket_is_a_sentence(config, s3):
    with pytest.raises(DatasetError, match=r"cannot write to s3://nowhere/data \(.*AWS_ENDPOINT_URL"):
        render_dataset(config, "s3://nowhere/data", workers=0, source=SOURCE)


def test_worker_processes_upload_to_s3_and_one_may_die(config, reference, s3, tmp_path, monkeypatch):
    monkeypatch.setenv("FAKE_KILL", f"5:{tmp_path / 'died'}")
    summary = render_dataset(config, s3, workers=2, source=SOURCE)
    assert (tmp_path / "died").exists() and summary.digest == reference.digest
    assert content(s3) == local_content(reference.root)


def test_a_failed_worker_is_told_in_the_status(config, s3, monkeypatch):
    monkeypatch.setenv("FAKE_RAISE", "7")
    with pytest.raises(pool.WorkerFailed):
        render_dataset(config, s3, workers=1, source=SOURCE)
    found = status(s3)
    assert found.state == "stopped" and found.failures[-1].reason.startswith("sample 7: ArithmeticError")
    assert any("the spine is a circle" in line for line in found.failures[-1].log)


def test_the_report_is_made_beside_the_data(config, url, monkeypatch):
    monkeypatch.setattr(report_figures, "figures", lambda report: collections.defaultdict(str))
    render_dataset(config, url, workers=0, source=SOURCE)
    verdict = review_place(url)
    assert verdict.hard_violations == 0 and verdict.report == f"{url}/report/plausibility.html"
    assert Bucket(url).read("report/plausibility.html").startswith(b"<!doctype html>")
