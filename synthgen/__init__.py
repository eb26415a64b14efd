"""Synthetic people with a true spine: pictures, SpineTrack keypoints, 24 vertebrae, and a check of every angle.

from synthgen import load_config, render_dataset
render_dataset(load_config(overrides=["poses=8"]), "out/eight")
"""

from importlib import import_module

__version__ = "0.1.0"

# Name -> module. Resolved on first use, so that `import synthgen` stays quick and draws no picture library in.
_WHERE = {
    "Annotation": "synthgen.sample_types",
    "Config": "synthgen.config",
    "Sample": "synthgen.sample_types",
    "dataset_digest": "synthgen.dataset",
    "load_config": "synthgen.config",
    "read_dataset": "synthgen.dataset",
    "render_dataset": "synthgen.render",
    "spinetrack": "synthgen.keypoints",
    "validate": "synthgen.checks",
}
__all__ = [
    "Annotation",
    "Config",
    "Sample",
    "dataset_digest",
    "load_config",
    "read_dataset",
    "render_dataset",
    "spinetrack",
    "validate",
]


def __getattr__(name: str):
    if name in _WHERE:
        return getattr(import_module(_WHERE[name]), name)
    raise AttributeError(f"module 'synthgen' has no attribute {name!r}; it offers {', '.join(__all__)}")
