"""A benchmark beside an older one: which configurations became slower, and what else has changed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from ...color.errors import UsageError

KEY = ("bundle", "precision", "backend", "device", "size", "batch")
"""What makes two rows the same configuration."""


def read_report(path: Path) -> dict[str, Any]:
    """A report that `gcolor bench --json` printed. Raises UsageError where it is none."""
    try:
        report: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        for row in report["rows"]:
            key_of(row)
            float(row.get("p50_ms", 1.0))
        dict(report["machine"]), dict(report["settings"])
        return report
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise UsageError(f"{path}: not a report of `gcolor bench --json` ({error})") from error


def key_of(row: dict[str, Any]) -> tuple[Any, ...]:
    """What tells a row from the others."""
    return tuple(row[name] for name in KEY)


def compare_reports(new: dict[str, Any], old: dict[str, Any], limit: float | None) -> dict[str, Any]:
    """Ratios of the median latencies, new / old, row by row; "slower" where it is more than 1 + limit.

    Says in "warnings" what else differs and which rows only one of them has. Raises UsageError where a limit is set and
    no row is in both: nothing would be guarded.
    """
    before, now = ({key_of(r): r["p50_ms"] for r in report["rows"] if "p50_ms" in r} for report in (old, new))
    both = [key for key in now if key in before]
    if limit is not None and not both:
        raise UsageError("no configuration was measured both now and in the report to compare with")
    rows = []
    for key in both:
        ratio = now[key] / before[key]
        slower = limit is not None and ratio > 1.0 + limit
        figures = {"old_p50_ms": before[key], "p50_ms": now[key], "ratio": ratio, "slower": slower}
        rows.append(dict(zip(KEY, key, strict=True)) | figures)
    warnings = [*_differences("machine", new["machine"], old["machine"]), *_settings(new["settings"], old["settings"])]
    for name, one, other in (("not in the old report", now, before), ("only in the old report", before, now)):
        alone = [" ".join(map(str, key)) for key in one if key not in other]
        if alone:
            warnings.append(f"{name}: {'; '.join(alone)}")
    return {"fail_above": limit, "rows": rows, "warnings": warnings}


def _settings(new: dict[str, Any], old: dict[str, Any]) -> list[str]:
    """Differences that change what is timed; how long it is timed does not."""
    parts = {"threads": lambda s: s.get("threads")} | {
        f"bundle {name}": lambda s, name=name: s.get("bundles", {}).get(name, {}).get("name")
        for name in new["bundles"]
        if name in old.get("bundles", {})
    }
    return _differences("settings", *({name: take(s) for name, take in parts.items()} for s in (new, old)))


def _differences(what: str, new: dict[str, Any], old: dict[str, Any]) -> list[str]:
    names = dict.fromkeys([*old, *new])
    return [
        f"another {what}: {n} was {old.get(n, 'not there')}, is {new.get(n, 'not there')}"
        for n in names
        if old.get(n) != new.get(n)
    ]
