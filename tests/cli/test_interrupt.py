"""Signals that a library loses: the block that they are to end ends at its next step."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from gcolor.cli.interrupt import unwinding
from gcolor.cli.views import StepView

pytestmark = pytest.mark.skipif(os.name != "posix", reason="signals")


@contextmanager
def ended_by(number: int) -> Iterator[None]:
    """The block must end as a process does that this signal ends."""
    if number == signal.SIGINT:
        with pytest.raises(KeyboardInterrupt):
            yield
    else:
        with pytest.raises(SystemExit) as ended:
            yield
        assert ended.value.code == 143


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_the_block_at_once(number: int) -> None:
    before, after = signal.getsignal(number), False
    with ended_by(number), unwinding():
        os.kill(os.getpid(), number)
        after = True
    assert not after and signal.getsignal(number) is before


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_that_is_lost_ends_the_block_before_its_next_step(
    number: int, capfd: pytest.CaptureFixture[str]
) -> None:
    lost = False
    with ended_by(number), unwinding() as heed, StepView(heed) as view:
        view.step("first")
        try:
            os.kill(os.getpid(), number)
        except BaseException:  # as a library would
            lost = True
        view.step("second")
    assert lost and capfd.readouterr().err == "first\n"
