"""A pose model with a spine: RTMPose and BlazePose trunks, teachers, losses, training, evaluation, export.

Everything here needs the extra `train` (torch). Nothing here is imported by `synthgen render` or its workers.
"""

from importlib import import_module

# Name -> module. Resolved on first use: listing the commands must not cost the import of torch.
_WHERE = {
    "Crop": "crop",
    "Outputs": "heatmap",
    "blazepose_pack": "blazepose",
    "build_model": "model",
    "crop_from_box": "crop",
    "load_checkpoint": "checkpoint",
    "make_teacher": "teacher",
    "save_checkpoint": "checkpoint",
    "spine_prior": "losses",
    "total_loss": "losses",
}
__all__ = [
    "Crop",
    "Outputs",
    "blazepose_pack",
    "build_model",
    "crop_from_box",
    "load_checkpoint",
    "make_teacher",
    "save_checkpoint",
    "spine_prior",
    "total_loss",
]


def __getattr__(name: str):
    if name in _WHERE:
        return getattr(import_module(f"{__name__}.{_WHERE[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}; it offers {', '.join(__all__)}")
