"""Examples to fuzz with, and what is done with them: shared by tests/faults/test_fuzz.py and scripts/fuzz.py.

Seeds are valid files, made here; hypothesis decides what is done to them: bytes flipped, cut, doubled and moved, words
replaced by awkward ones. A case is a name, its seeds, and the work that an example is given to.
"""

import json
import shutil
import struct
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from bvh_text import bvh_text
from fake_source import SOURCE
from hypothesis import strategies as st

AWKWARD = [
    b"", b"0", b"-1", b"1e999", b"nan", b"-inf", b"99999999999999999999", b"null", b"[]", b"{}", b'""', b"\xff\xfe",
    b"\0", b"true", b"[[[[[[[[", b"../../../etc/passwd", b"/dev/zero", b"~", b"&a [*a]", b"<<: *a", b"2020-13-45", b"=",
    b"!!python/object:os.system", b"\xf0\x9f\xa6\xb4", b"1:60", b"%", b"'", b'"', b"<", b"&x;", b"\r", b"\t", b"0x10",
    b"1e-320", b"- ",
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Case:
    """One kind of input."""

    name: str
    seeds: tuple[bytes, ...]
    work: Callable[[bytes], object]


def mutated(seeds: tuple[bytes, ...]) -> st.SearchStrategy[bytes]:
    """Seeds with up to six injuries; half of them with one, which gets past the first checks more often."""
    edit = st.tuples(
        st.sampled_from(("flip", "cut", "drop", "double", "word", "line", "put")),
        st.floats(0, 1),
        st.integers(1, 64),
        st.sampled_from(AWKWARD),
        st.integers(0, 255),
    )
    edits = st.one_of(st.lists(edit, min_size=1, max_size=1), st.lists(edit, min_size=2, max_size=6))
    return st.builds(injured, st.sampled_from(seeds), edits)


def injured(data: bytes, edits: list[tuple[str, float, int, bytes, int]]) -> bytes:
    """Apply edits (kind, place 0..1, length, word, byte) one after another."""
    for kind, place, length, word, byte in edits:
        at = int(place * len(data))
        if kind == "flip" and data:
            at = min(at, len(data) - 1)
            data = data[:at] + bytes([data[at] ^ (byte or 1)]) + data[at + 1 :]
        elif kind == "cut":
            data = data[:at]
        elif kind == "drop":
            data = data[:at] + data[at + length :]
        elif kind == "double":
            data = data[:at] + data[at : at + length] * 2 + data[at + length :]
        elif kind == "put":
            data = data[:at] + word + data[at:]
        elif kind == "line":
            lines = data.split(b"\n")
            where = min(int(place * len(lines)), len(lines) - 1)
            lines[where : where + 1] = [word] if byte % 2 else [lines[where], lines[where]]
            data = b"\n".join(lines)
        elif kind == "word":
            begin = max(data.rfind(b, 0, at) for b in (b" ", b"\n", b"\t", b",", b":", b">", b'"', b"[")) + 1
            ends = [e for e in (data.find(b, at) for b in (b" ", b"\n", b"\t", b",", b":", b"<", b'"', b"]")) if e >= 0]
            data = data[:begin] + word + data[min(ends, default=len(data)) :]
    return data


def as_file(suffix: str, use: Callable[[Path], object]) -> Callable[[bytes], object]:
    """Work that wants a file."""

    def work(example: bytes) -> object:
        with tempfile.TemporaryDirectory(prefix="fuzz-") as folder:
            path = Path(folder) / f"example{suffix}"
            path.write_bytes(example)
            return use(path)

    return work


def c3d_bytes(frames: int = 4) -> bytes:
    """A small valid C3D file of Intel reals."""
    names = ["C7", "T10", "LASI", "RASI", "LPSI", "RPSI", "LKNE", "RKNE", "LANK", "RANK"]
    labels = b"".join(n.ljust(8).encode() for n in names)

    def parameter(name: str, group: int, kind: int, shape: tuple[int, ...], data: bytes) -> bytes:
        body = struct.pack("<bB", kind, len(shape)) + bytes(shape) + data + b"\0"
        return struct.pack("<bb", len(name), group) + name.encode() + struct.pack("<h", len(body) + 2) + body

    group = struct.pack("<bb", 5, -1) + b"POINT" + struct.pack("<h", 3) + b"\0"
    params = group + parameter("LABELS", 1, -1, (8, len(names)), labels)
    params += parameter("UNITS", 1, -1, (2,), b"mm") + parameter("RATE", 1, 4, (), struct.pack("<f", 100.0))
    params += parameter("USED", 1, 2, (), struct.pack("<h", len(names))) + b"\0\0"
    blocks = -(-(4 + len(params)) // 512)
    header = bytearray(512)
    header[:2] = b"\x02\x50"
    struct.pack_into("<4H", header, 2, len(names), 0, 1, frames)
    struct.pack_into("<Hf", header, 10, 10, -1.0)
    struct.pack_into("<HHf", header, 16, 2 + blocks, 0, 100.0)
    points = np.zeros((frames, len(names), 4), "<f4")
    points[..., :3] = np.random.default_rng(0).uniform(0, 400, (1, len(names), 3))
    points[..., 2] += np.linspace(1400, 0, len(names))
    section = struct.pack("<BBBB", 1, 0x50, blocks, 84) + params
    return bytes(header) + section.ljust(512 * blocks, b"\0") + points.tobytes()


def config_yaml() -> bytes:
    from synthgen.config import Config, commented_yaml

    return commented_yaml(Config()).encode()


def read_config(path: Path) -> None:
    """What `render --dry-run` does with a config."""
    from synthgen.config import load_config, split_of
    from synthgen.folder import estimate_bytes
    from synthgen.render import progress_so_far
    from synthgen.settings import canonical_json, to_plain
    from synthgen.shards import plan

    config = load_config(path)
    canonical_json(to_plain(config))
    assert len(config.digest) == 64 and estimate_bytes(config) > 0
    if config.poses <= 100_000:
        progress_so_far(path.parent, config)
        assert sum(map(len, plan(config))) == config.poses
    split_of(config, 0)


def read_motion(path: Path) -> None:
    from biomech.motion_import import import_motion

    import_motion(path)


def read_people(path: Path) -> None:
    """A COCO file, as training and measuring read it."""
    from synthgen.spinepose.check_data import describe, judge
    from synthgen.spinepose.sources import SourceConfig, load_source

    source = load_source("fuzz", SourceConfig(annotations=str(path), map="spinetrack37"))
    describe(source)
    judge(source)
    source.record(0)


def read_model(path: Path) -> None:
    from biomech.published import load_published

    load_published(path)


def model_text() -> bytes:
    from biomech.limits import load_limits
    from biomech.model import default_geometry, write_osim

    return write_osim(default_geometry(), None, load_limits().hard).encode()


def dataset_files() -> dict[str, bytes]:
    """A finished dataset of four cardboard people, by relative path."""
    from synthgen.config import Config, with_values
    from synthgen.render import render_dataset

    config = with_values(Config(), poses=4, width=64, height=48, poses_per_subject=2, splits={"train": 0.5, "val": 0.5})
    with tempfile.TemporaryDirectory(prefix="fuzz-") as folder:
        render_dataset(config, folder, workers=0, source=SOURCE)
        return {p.relative_to(folder).as_posix(): p.read_bytes() for p in Path(folder).rglob("*") if p.is_file()}


class DatasetCase:
    """An example is <number of the file>|<its new content>; the dataset goes through every command that reads one."""

    def __init__(self) -> None:
        self.files = dataset_files()
        names = sorted(self.files)
        labels = [n for n in names if not n.startswith(("depth", "instances", "parts", "images", "subjects"))]
        self.names = labels * 2 + [n for n in names if n not in labels][:6]
        self.seeds = tuple(f"{i}|".encode() + self.files[n] for i, n in enumerate(self.names))

    def work(self, example: bytes) -> None:
        from synthgen.checks import validate
        from synthgen.dataset import read_dataset
        from synthgen.verify import verify

        head, _, content = example.partition(b"|")
        number = int(head) if head.isdigit() and len(head) < 5 else 0
        name = self.names[number % len(self.names)]
        with tempfile.TemporaryDirectory(prefix="fuzz-") as folder:
            root = Path(folder) / "d"
            for path, data in self.files.items():
                (root / path).parent.mkdir(parents=True, exist_ok=True)
                (root / path).write_bytes(data)
            (root / name).write_bytes(content)
            changed = content != self.files[name]
            ours = name in ("run.json", "dataset.json")
            found = list(verify(root))
            problems = validate(root)
            if changed and not ours and not (found and problems):
                raise AssertionError(f"{name} was altered and neither verify nor validate says so")
            dataset = read_dataset(root)
            for use in (self.export, self.judged, self.reported):
                use(root, changed)
            list(dataset.scenes())

    @staticmethod
    def export(root: Path, changed: bool) -> None:
        from biomech.errors import SynthgenError
        from synthgen.exchange.export import export_dataset

        for kind in ("yolo", "coco-zip", "webdataset", "hf", "mmpose"):
            out = root.parent / kind
            try:
                export_dataset(root, kind, out)
            except SynthgenError:
                if out.exists():
                    raise AssertionError(f"a refused export left {kind} behind") from None
            shutil.rmtree(out, ignore_errors=True) if out.is_dir() else out.unlink(missing_ok=True)

    @staticmethod
    def judged(root: Path, changed: bool) -> None:
        """All that `judge` reads of a dataset before the network sees a picture."""
        from biomech.errors import SynthgenError
        from synthgen.spinepose.judge import rendered_source
        from synthgen.spinepose.sources import read_image

        try:
            source = rendered_source(root, "val")
            read_image(source.images[0])
        except SynthgenError:
            pass

    @staticmethod
    def reported(root: Path, changed: bool) -> None:
        from biomech.errors import SynthgenError
        from synthgen.review import read_material

        try:
            read_material(root)
        except SynthgenError:
            pass


def coco_seed() -> bytes:
    from people_on_disk import write_set

    with tempfile.TemporaryDirectory() as folder:
        data = json.loads(write_set(Path(folder), 2).read_text())
    return json.dumps(data, indent=0).encode()


MARKERS = (
    "C7", "T10", "LASI", "RASI", "LPSI", "RPSI", "LKNE", "RKNE", "LANK", "RANK", "LSHO", "RSHO", "CLAV", "STRN",
)  # fmt: skip


def trc_seed() -> bytes:
    from biomech.trc import trc_text

    points = np.random.default_rng(0).uniform(-0.2, 0.2, (1, len(MARKERS), 3)).repeat(4, 0)
    points[..., 1] += np.linspace(1.5, 0, len(MARKERS))
    return trc_text(np.arange(4) / 30, MARKERS, points).encode()


def mot_seed() -> bytes:
    from biomech.anatomy import COORDINATES
    from biomech.motion import mot_text

    return mot_text(np.arange(4) / 30, COORDINATES, np.zeros((4, len(COORDINATES)))).encode()


def _dataset() -> Case:
    made = DatasetCase()
    return Case("dataset", made.seeds, made.work)


SMALL = (b"poses: 8\nseed: 1\n", b"width: 64\nlight: {}\n", b"a: &x [1]\nb: [*x, *x]\n")
CASES: dict[str, Callable[[], Case]] = {
    "config": lambda: Case("config", (config_yaml(), *SMALL), as_file(".yaml", read_config)),
    "osim": lambda: Case("osim", (model_text(),), as_file(".osim", read_model)),
    "bvh": lambda: Case("bvh", (bvh_text().encode(),), as_file(".bvh", read_motion)),
    "trc": lambda: Case("trc", (trc_seed(),), as_file(".trc", read_motion)),
    "c3d": lambda: Case("c3d", (c3d_bytes(),), as_file(".c3d", read_motion)),
    "mot": lambda: Case("mot", (mot_seed(),), as_file(".mot", read_motion)),
    "coco": lambda: Case("coco", (coco_seed(),), as_file(".json", read_people)),
    "dataset": _dataset,
}
"""Everything that travels from elsewhere into this program; made when it is asked for."""
