"""A little fuzzing in every test run; scripts/fuzz.py does it at length and prints the counts."""

import os
import signal

import cage as cage_module
import fuzz
import pytest
from cage import Cage
from fuzz_cases import CASES

from biomech.errors import ConfigError

EXAMPLES = {"config": 40, "osim": 15, "bvh": 25, "trc": 20, "c3d": 20, "mot": 30, "coco": 40, "dataset": 10}


@pytest.mark.parametrize("name", CASES)
def test_damaged_input_is_refused_in_a_sentence(name):
    if name in ("coco", "dataset"):
        pytest.importorskip("torch", reason="torch is not installed")
    case = CASES[name]()
    for seed in case.seeds[:2]:
        case.work(seed)  # what is whole is accepted, so a refusal means something
    cage = fuzz.fuzz(case, EXAMPLES[name])
    assert not cage.findings
    assert cage.counts.total() == EXAMPLES[name] and cage.counts["refused"]


def test_the_cage_tells_what_went_wrong(monkeypatch):
    def work(example: bytes) -> None:
        if example == b"refuse":
            raise ConfigError("no")
        if example == b"raise":
            raise KeyError("no such key")
        if example == b"crash":
            os.kill(os.getpid(), signal.SIGKILL)
        while example == b"hang":
            pass

    monkeypatch.setattr(cage_module, "SECONDS", 1)
    tried = Cage(work)
    try:
        said = [tried.try_(example) for example in (b"", b"refuse", b"raise", b"crash", b"hang", b"refuse")]
    finally:
        tried.close()
    assert said[:2] == ["accepted", "refused"] and said[5] == "refused"
    assert said[2].startswith("traceback: KeyError: 'no such key' at test_fuzz.py:")
    assert said[3] == "crash: -9" and said[4] == "hang"
    assert tried.counts == {"accepted": 1, "refused": 2, "traceback": 1, "crash": 1, "hang": 1}
