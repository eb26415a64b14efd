"""How cloth and skin answer light: materials of a dressed person."""

import numpy as np

from scenes.fabric import ROUGHNESS, SHEEN, SPECULAR, pore_tile, relief_tile
from scenes.prints import Pattern
from scenes.renderer import Material

_THREADS = {"jersey": 0.004, "knit": 0.022, "denim": 0.007, "nylon": 0.002, "fleece": 0.014}  # of a repeat's width
_PORES = (56.0, 56.0)  # repeats over the skin's picture


def cloth_material(
    pattern: Pattern, picture: np.ndarray, repeats: tuple[float, float], cutout: bool = False
) -> Material:
    """Of a garment made from the body's surface; `repeats` of the threads' relief over its picture."""
    return Material(
        texture=picture,
        roughness=ROUGHNESS[pattern.fabric],
        specular=SPECULAR[pattern.fabric],
        cutout=cutout,
        double_sided=True,
        detail=relief_tile(pattern.fabric),
        detail_scale=repeats,
        detail_depth=_THREADS[pattern.fabric],
        sheen=SHEEN[pattern.fabric],
    )


def skin_material(picture: np.ndarray, roughness: float, specular: float, half_cloth: bool) -> Material:
    """Of skin; where much of it is painted with cloth, a compromise that shines less."""
    return Material(
        texture=picture,
        roughness=max(roughness, 0.62) if half_cloth else roughness,
        specular=specular,
        detail=pore_tile(),
        detail_scale=_PORES,
        detail_depth=0.011,
        detail_gloss=0.5,
        subsurface=0.3 if half_cloth else 0.6,
    )
