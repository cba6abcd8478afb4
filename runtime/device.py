"""How devices are named, in the one place that reads such texts."""

from __future__ import annotations

import re
from dataclasses import dataclass

from ..color.errors import EngineError


@dataclass(frozen=True, slots=True)
class Device:
    """A device as it was asked for. kind: "auto", "cpu" or "cuda"; number: of a CUDA device, None where any will do."""

    kind: str = "auto"
    number: int | None = None

    @property
    def index(self) -> int:
        """The number of the CUDA device: the first where none is named."""
        return self.number or 0

    def __str__(self) -> str:
        return self.kind if self.number is None else f"{self.kind}:{self.number}"


AUTO = Device()


def parse_device(text: str) -> Device:
    """The device called "auto", "cpu", "cuda" or "cuda:N". Raises EngineError for another text."""
    found = _read(text)
    if found is None:
        raise EngineError(f"device {text!r} is not known; use auto, cpu, cuda or cuda:N")
    return found


def parse_devices(text: str) -> list[Device]:
    """One device, or those of a list: "cuda:0,1" is cuda:0 and cuda:1; "cpu,cpu" and "cpu:2" are the CPU for two
    processes. Raises EngineError.
    """
    devices: list[Device | None] = []
    parts, before = text.split(","), ""
    for part in parts:
        part = f"cuda:{part}" if part.isdigit() and before.startswith("cuda") else part
        before = part
        if share := re.fullmatch(r"cpu:(0*[1-9][0-9]*)", part):
            devices += [Device("cpu")] * int(share[1])
        else:
            devices.append(_read(part))
    if len(parts) == 1 and devices == [None]:
        return [parse_device(text)]
    known = [device for device in devices if device]
    if len(known) < len(devices) or (
        len(known) > 1 and any(device.kind != "cpu" and device.number is None for device in known)
    ):
        raise EngineError(f"device {text!r} is not known; several are named as in cuda:0,1,2,3 or cpu:4")
    return known


def _read(text: str) -> Device | None:
    found = re.fullmatch(r"(auto|cpu|cuda)|cuda:([0-9]{1,9})", text)
    if found is None:
        return None
    return Device(found[1]) if found[1] else Device("cuda", int(found[2]))
