"""Reading torch files of others without running what they carry: only tensors and plain containers are made."""

import pickle
import types

import torch


class _Inert:
    """What stands for an object of a class that tensors do not need: mmpose files carry their configuration along."""

    def __new__(cls, *args, **kwargs):
        return super().__new__(cls)

    def __init__(self, *args, **kwargs):
        pass

    def __setstate__(self, state):
        pass

    def __call__(self, *args, **kwargs):
        return _Inert()

    def __setitem__(self, key, value):
        pass

    def append(self, value):
        pass

    def extend(self, values):
        pass


_NEEDED = {
    ("collections", "OrderedDict"),
    ("torch._utils", "_rebuild_tensor_v2"),
    ("torch._utils", "_rebuild_parameter"),
    ("torch", "Size"),
}


class _Unpickler(pickle.Unpickler):
    """Makes tensors and plain containers; whatever else a file names is never imported."""

    def find_class(self, module: str, name: str):
        storage = module == "torch" and (
            name.endswith("Storage") or isinstance(getattr(torch, name, None), torch.dtype)
        )
        if (
            (module, name) in _NEEDED
            or storage
            or (module == "torch.storage" and name in ("UntypedStorage", "TypedStorage"))
        ):
            return super().find_class(module, name)
        return _Inert


HARMLESS = types.SimpleNamespace(
    Unpickler=_Unpickler, load=lambda file, **kw: _Unpickler(file, **kw).load(), __name__="harmless"
)
