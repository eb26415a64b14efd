"""Options of `synthgen render` that stand for several settings."""

from biomech.errors import ConfigError


def take_settings(views: int | None, frames: int | None, fps: float | None, sets: list[str]) -> list[str]:
    """Settings of takes; a subject's pictures become whole takes unless the caller said how many they are."""
    given = {"views": views, "frames": frames, "fps": fps}
    settings = [f"capture.{key}={value}" for key, value in given.items() if value is not None]
    size = (views or 1) * (frames or 1)
    if size > 1 and not any(text.startswith("poses_per_subject=") for text in sets):
        settings.append(f"poses_per_subject={size * max(1, round(8 / size))}")
    return settings


def size_settings(text: str | None) -> list[str]:
    """Settings of --size WxH.

    Raises:
        ConfigError: it is not written like that.
    """
    if text is None:
        return []
    width, cross, height = text.lower().partition("x")
    if not cross or not width.strip().isdigit() or not height.strip().isdigit():
        raise ConfigError(f"--size is '{text}'; write width x height in pixels, for example 640x480")
    return [f"width={int(width)}", f"height={int(height)}"]
