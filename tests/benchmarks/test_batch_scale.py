"""A real run of the benchmark on two tiny folders; it checks itself what each run of gcolor said."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

SCRIPT = Path(__file__).resolve().parents[2] / "benchmarks" / "batch_scale.py"


def test_each_kind_of_run_is_measured() -> None:
    command = [sys.executable, str(SCRIPT), "--counts", "20,60", "--work", "2", "--json"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert [row["pictures"] for row in found["rows"]] == [20, 60]
    for row in found["rows"]:
        assert all(
            row[kind]["seconds"] > 0 and row[kind]["peak_mb"] > 10 for kind in ("new", "current", "idle", "work")
        )
        # Only the run that paints has the model in memory.
        assert row["work"]["peak_mb"] > row["idle"]["peak_mb"] + 20
    assert found["rows"][1]["journal_mb"] > 2.5 * found["rows"][0]["journal_mb"]
    assert set(found["per_picture"]) == {"new", "current", "idle"}
