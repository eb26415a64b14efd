"""Graphics devices: which there are, how they are asked for, and how workers share them."""

import os

import pytest

from biomech.errors import RenderError
from scenes.devices import VARIABLE, Device, check_device, choose_devices, drawing_on, is_software, list_devices
from synthgen.pool import PoolStats, _note_driver, next_device

MACHINE = (Device(0, "/dev/dri/card0", False), Device(1, "", False), Device(2, "llvmpipe", True))


def test_numbers_are_taken_in_the_order_given_and_all_is_every_card():
    assert choose_devices("2, 0", MACHINE) == (2, 0)
    assert choose_devices("all", MACHINE) == (0, 1)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("0,3", "there is no device 3; devices are 0: /dev/dri/card0 (graphics card); 1: graphics card; 2: llvmpipe"),
        ("one", "write numbers of devices"),
        ("", "write numbers of devices"),
        ("-1", "write numbers of devices"),
        ("1,1", "names device 1 twice"),
    ],
)
def test_a_device_that_is_not_there_is_told_with_those_that_are(text, said):
    with pytest.raises(RenderError) as error:
        choose_devices(text, MACHINE)
    assert said in str(error.value)


def test_all_without_a_card_says_so():
    with pytest.raises(RenderError, match="no graphics card"):
        choose_devices("all", MACHINE[2:])
    with pytest.raises(RenderError, match="lists no device"):
        choose_devices("0", ())


def test_drivers_that_draw_with_the_processor_are_known():
    assert is_software("llvmpipe (LLVM 15.0.6, 256 bits)") and is_software("softpipe")
    assert not is_software("NVIDIA H200/PCIe/SSE2")


def test_the_environment_is_as_it_was_afterwards(monkeypatch):
    monkeypatch.setenv(VARIABLE, "7")
    with drawing_on(1):
        assert os.environ[VARIABLE] == "1"
    with drawing_on(None):
        assert os.environ[VARIABLE] == "7"
    monkeypatch.delenv(VARIABLE)
    with drawing_on(1):
        pass
    assert VARIABLE not in os.environ


def test_a_number_in_the_environment_is_checked_against_the_list(monkeypatch):
    found = list_devices()
    if not found:
        pytest.skip("EGL lists no device here")
    monkeypatch.setenv(VARIABLE, str(len(found)))
    with pytest.raises(RenderError, match="no such device; devices are 0: "):
        check_device()
    monkeypatch.setenv(VARIABLE, "first")
    with pytest.raises(RenderError, match="give a device's number"):
        check_device()


def test_workers_share_devices_evenly_also_after_one_died():
    taken: list[int | None] = []
    for _ in range(5):
        taken.append(next_device((4, 2), taken))
    assert taken == [4, 2, 4, 2, 4]
    taken.remove(2)
    assert next_device((4, 2), taken) == 2
    assert next_device((), [None]) is None


def test_a_card_that_was_asked_for_and_does_not_draw_is_told(caplog):
    stats = PoolStats()
    _note_driver(stats, "llvmpipe (LLVM 15)", ())
    assert stats.drivers == ["llvmpipe (LLVM 15)"] and not caplog.records
    stats = PoolStats()
    for _ in range(2):
        _note_driver(stats, "llvmpipe (LLVM 15)", (0,))
    assert len(caplog.records) == 1 and "draws with the processor (llvmpipe" in caplog.text
    _note_driver(stats, "NVIDIA H200/PCIe/SSE2", (0, 1))
    assert "two drivers draw two kinds of bytes" in caplog.text
