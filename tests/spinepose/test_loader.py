"""Loader: the batch of a step depends on seed and step alone, shares are kept, stores change nothing but speed."""

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="torch is not installed")

from people_on_disk import edit, write_set  # noqa: E402

from biomech.errors import ConfigError, DatasetError  # noqa: E402
from synthgen.keypoints import spinetrack  # noqa: E402
from synthgen.spinepose.augment import AugmentConfig  # noqa: E402
from synthgen.spinepose.loader import BatchMaker, batches, build_stores, measure  # noqa: E402
from synthgen.spinepose.mixture import Mixture, shares  # noqa: E402
from synthgen.spinepose.sources import SourceConfig, load_source  # noqa: E402

SIZE = (64, 96)


@pytest.fixture(scope="module")
def sources(tmp_path_factory):
    root = tmp_path_factory.mktemp("sets")
    full = load_source("full", SourceConfig(str(write_set(root / "a", 12))))
    coco = load_source("coco", SourceConfig(str(write_set(root / "b", 7, 17, seed=1)), map="coco17", kind="real"))
    return full, coco


def maker(sources, folder=None, seed=0, batch=8, rank=0, world=1, clean=False, views=0):
    mixture = Mixture([len(s) for s in sources], shares([1, 1], [False, True], 0.25), batch, seed)
    stores = build_stores(sources, SIZE, folder, 10**8)
    stages = [(0, AugmentConfig()), (5, AugmentConfig(flip=0))]
    return BatchMaker(sources, stores, mixture, SIZE, stages, clean, views, rank, world)


def same(a, b):
    return torch.equal(a.images, b.images) and torch.equal(a.keypoints, b.keypoints) and a.people == b.people


def test_a_batch_depends_on_seed_and_step_alone(sources, tmp_path):
    one, other = maker(sources), maker(sources)
    later = [other[s] for s in (6, 3, 0)]
    assert same(one[3], later[1]) and same(one[0], later[2])
    assert not same(one[3], one[4]) and not same(one[3], maker(sources, seed=1)[3])
    assert same(one[3], maker(sources, tmp_path)[3])  # from a store: the same bytes
    assert list(tmp_path.glob("*.pixels"))


@pytest.mark.parametrize("workers", [0, 2])
def test_workers_change_nothing(sources, tmp_path, workers):
    made = list(batches(maker(sources, tmp_path), 2, 5, workers))
    assert [b.step for b in made] == [2, 3, 4]
    assert all(same(b, maker(sources)[b.step]) for b in made)


def test_ranks_share_one_batch(sources):
    whole = maker(sources)[1]
    parts = [maker(sources, rank=r, world=2)[1] for r in range(2)]
    for rank, part in enumerate(parts):
        assert torch.equal(part.images, whole.images[rank::2]) and part.people == whole.people[rank::2]


def test_missing_keypoints_are_masked_in_the_batch(sources):
    batch = maker(sources)[0]
    real = torch.tensor([s == 1 for s, _ in batch.people])
    assert real.any() and not batch.weights[real][:, 17:].any() and not batch.keypoints[real][:, 17:].any()
    weights = torch.tensor(spinetrack().weights, dtype=torch.float32)
    on = batch.weights > 0
    assert torch.equal(batch.weights[on], weights.expand_as(batch.weights)[on])  # SpineTrack's training weights


def test_clean_crops_and_views_that_come_back(sources):
    m = maker(sources, clean=True, views=2)
    seen = {}
    for step in range(5):
        batch = m[step]
        assert batch.clean.shape == batch.images.shape and not torch.equal(batch.clean, batch.images)
        for person, image in zip(batch.people, batch.clean, strict=True):
            seen.setdefault(person, set()).add(image.numpy().tobytes())
    assert max(len(v) for v in seen.values()) <= 2 < sum(len(v) for v in seen.values())


def test_shares_keep_the_real_bodies():
    assert np.allclose(shares([3, 1], [False, True], 0.5), [0.5, 0.5])
    assert np.allclose(shares([1, 1], [False, True], 0.25), [0.5, 0.5])  # has more than asked
    assert np.allclose(shares([1, 1], [False, False], 0.9), [0.5, 0.5])  # nothing real: no effect
    with pytest.raises(ConfigError, match="body_share"):
        shares([1, 0], [False, True], 0.25)
    with pytest.raises(ConfigError, match="weight 0"):
        shares([0, 0], [False, True], 0.25)


@pytest.mark.parametrize("parts", [[0.75, 0.25], [0.9, 0.07, 0.03], [1.0], [0.34, 0.33, 0.33]])
def test_every_source_gets_its_share_and_everybody_a_turn(parts):
    sizes = [11, 5, 3][: len(parts)]
    mixture = Mixture(sizes, parts, batch=7, seed=4)
    counts = np.array([mixture.counts(s) for s in range(200)])
    assert (counts >= 0).all() and (counts.sum(1) == 7).all()
    assert np.abs(counts.cumsum(0) - np.outer(np.arange(1, 201) * 7, parts)).max() < len(parts)
    drawn = [p for s in range(200) for p in mixture.draw(s)]
    for source, size in enumerate(sizes):
        records = [r for s, r in drawn if s == source]
        tally = np.bincount(records, minlength=size)
        assert tally.max() - tally.min() <= 2  # nobody twice before everybody once, up to the order inside a batch
    assert Mixture(sizes, parts, 7, 4).draw(123) == mixture.draw(123)
    assert Mixture(sizes, parts, 7, 5).draw(123) != mixture.draw(123)


def test_places_in_a_batch_depend_on_seed_and_step():
    """One person per source and all of them in each batch: only their places are left to chance."""
    sizes, parts = [1] * 8, [1 / 8] * 8
    mixture, other = Mixture(sizes, parts, 8, 4), Mixture(sizes, parts, 8, 5)
    drawn = [tuple(mixture.draw(step)) for step in range(6)]
    assert all(sorted(people) == [(s, 0) for s in range(8)] for people in drawn)
    assert len(set(drawn)) == 6  # another order in each step
    assert all(tuple(other.draw(step)) != drawn[step] for step in range(6))
    assert drawn == [tuple(Mixture(sizes, parts, 8, 4).draw(step)) for step in range(6)]


def test_the_order_of_people_depends_on_seed_source_and_round():
    def walk(source, seed):
        """Records of one of two sources, as they come; a batch of two holds one of each."""
        mixture = Mixture([9, 9], [0.5, 0.5], 2, seed)
        people = [p for step in range(18) for p in sorted(mixture.draw(step))]
        return [record for s, record in people if s == source]

    first, second = walk(0, 4)[:9], walk(0, 4)[9:]
    assert sorted(first) == sorted(second) == list(range(9))
    others = (list(range(9)), second, walk(1, 4)[:9], walk(0, 5)[:9])
    assert all(first != other for other in others)


def test_the_generators_of_a_picture_are_all_different():
    mixture, other = Mixture([5], [1.0], 2, 4), Mixture([5], [1.0], 2, 5)
    streams = [m.rng(step, place) for m in (mixture, other) for step in (0, 1, 2) for place in (0, 1, 2)]
    streams += [
        m.view_rng(source, record, view)
        for m in (mixture, other) for source in (0, 1) for record in (0, 1, 2) for view in (0, 1, 2)
    ]  # fmt: skip
    assert len({int(rng.integers(1 << 62)) for rng in streams}) == len(streams)


def test_a_full_store_holds_what_it_can(sources, tmp_path):
    stores = build_stores(sources[:1], SIZE, tmp_path, 120_000)
    held = build_stores(sources[:1], SIZE, tmp_path, 120_000)[0].build()
    assert 0 < held < len(sources[0])
    free = build_stores(sources[:1], SIZE, None, 0)[0]
    for i in range(len(sources[0])):
        a, b = stores[0].region(i), free.region(i)
        assert np.array_equal(a.image, b.image) and np.array_equal(a.region_from_image, b.region_from_image)


def test_bad_pictures_are_named(tmp_path):
    path = write_set(tmp_path / "a", 4)
    (tmp_path / "a" / "0002.jpg").write_bytes(b"nothing")
    with pytest.raises(DatasetError, match=r"0002\.jpg does not decode"):
        build_stores([load_source("x", SourceConfig(str(path)))], SIZE, tmp_path / "store", 10**8)
    (tmp_path / "a" / "0002.jpg").unlink()
    with pytest.raises(DatasetError, match=r"0002\.jpg is missing"):
        build_stores([load_source("x", SourceConfig(str(path)))], SIZE, tmp_path / "store", 10**8)

    def away(data):
        data["annotations"][0]["bbox"] = [5000, 5000, 40, 40]

    path = edit(write_set(tmp_path / "b", 4), away)
    with pytest.raises(DatasetError, match="outside the picture"):
        build_stores([load_source("x", SourceConfig(str(path)))], SIZE, tmp_path / "store", 10**8)


def test_measuring_the_loader(sources):
    assert measure(maker(sources), steps=2) > 10
