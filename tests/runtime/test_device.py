from __future__ import annotations

import pytest
from gcolor.color.errors import EngineError
from gcolor.runtime.device import Device, parse_device, parse_devices


@pytest.mark.parametrize(
    ("text", "devices"),
    [
        ("auto", ["auto"]),
        ("cpu", ["cpu"]),
        ("cuda", ["cuda"]),
        ("cuda:3", ["cuda:3"]),
        ("cuda:0,1,2,3", ["cuda:0", "cuda:1", "cuda:2", "cuda:3"]),
        ("cuda:0,cuda:2", ["cuda:0", "cuda:2"]),
        ("cpu,cpu", ["cpu", "cpu"]),
        ("cpu:3", ["cpu", "cpu", "cpu"]),
        ("cuda:1,0,cpu:2", ["cuda:1", "cuda:0", "cpu", "cpu"]),
    ],
)
def test_a_list_of_devices(text: str, devices: list[str]) -> None:
    assert list(map(str, parse_devices(text))) == devices


@pytest.mark.parametrize("text", ["cpu,", "cuda,cpu", "auto,cpu", "cpu,0", "0,1", "cuda:0,x", ",", "cpu:0,cpu"])
def test_what_is_no_list_of_devices(text: str) -> None:
    with pytest.raises(EngineError, match="is not known; several are named as in"):
        parse_devices(text)


@pytest.mark.parametrize(
    ("text", "device"),
    [
        ("auto", Device()),
        ("cpu", Device("cpu")),
        ("cuda", Device("cuda")),
        ("cuda:0", Device("cuda", 0)),
        ("cuda:12", Device("cuda", 12)),
    ],
)
def test_a_device(text: str, device: Device) -> None:
    assert parse_device(text) == device and str(device) == text


@pytest.mark.parametrize(
    "text", ["", "abacus", "CPU", "cuda:", "cuda:x", "cuda:-1", "cuda:²", "cpu:1", "auto:0", " cpu", "cpu\n"]
)
def test_what_is_no_device(text: str) -> None:
    with pytest.raises(EngineError, match="is not known; use auto, cpu, cuda or cuda:N"):
        parse_device(text)
