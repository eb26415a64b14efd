"""A dataset depends on what photographs hold, not on where they lie."""

import cv2
import numpy as np
import pytest

from biomech.errors import AssetError
from scenes import photo
from synthgen.config import Config, with_values
from synthgen.photos import resolve_photos


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("SYNTHGEN_PHOTOS", str(tmp_path / "cache"))
    photo.open_photo.cache_clear()
    (tmp_path / "a" / "deep").mkdir(parents=True)
    rng = np.random.default_rng(0)
    for name in ("one.png", "deep/two.jpg"):
        cv2.imwrite(str(tmp_path / "a" / name), rng.integers(0, 255, (80, 100, 3), np.uint8))
    (tmp_path / "a" / "broken.jpg").write_bytes(b"no picture")
    (tmp_path / "a" / "notes.txt").write_text("not looked at")
    return tmp_path / "a"


def config_with(*places) -> Config:
    return with_values(Config(), backdrop={"photos": [str(place) for place in places]})


def test_photos_become_digests_and_paths_leave_no_trace(folder, tmp_path):
    found, failed = resolve_photos(config_with(folder))
    assert len(found.backdrop.photo_sources) == 2 and found.backdrop.photos == ()
    assert failed == ["broken.jpg is no picture of at least 64 px a side"]
    folder.rename(tmp_path / "elsewhere")
    again, _ = resolve_photos(config_with(tmp_path / "elsewhere"))
    assert again.digest == found.digest != Config().digest
    assert resolve_photos(found) == (found, [])
    assert photo.open_photo(found.backdrop.photo_sources[0]).picture.shape == (80, 100, 3)


def test_a_folder_without_pictures_is_an_error(folder, tmp_path):
    (tmp_path / "empty").mkdir()
    with pytest.raises(AssetError, match="holds no picture; allowed: .jpg"):
        resolve_photos(config_with(tmp_path / "empty"))
    with pytest.raises(AssetError, match="no such file or folder"):
        resolve_photos(config_with(tmp_path / "missing"))
    with pytest.raises(AssetError, match="none of the photographs can be used"):
        resolve_photos(config_with(folder / "broken.jpg"))


def test_a_photograph_lost_from_the_cache_is_named(folder):
    found, _ = resolve_photos(config_with(folder))
    for path in photo.photo_cache().iterdir():
        path.unlink()
    photo.open_photo.cache_clear()
    with pytest.raises(AssetError, match="two is not in|one is not in"):
        resolve_photos(found)
