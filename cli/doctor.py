"""gcolor doctor: what is installed, what runs here, and what to install for the rest."""

from __future__ import annotations

import json

import click


@click.command("doctor", short_help="Say what is installed and which engines run here.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object on stdout.")
def command(as_json: bool) -> int:
    """Print versions, devices and engines, and what to install to get each. Ends with 6 where no engine runs."""
    from ..runtime.doctor import examine

    report = examine()
    if as_json:
        click.echo(json.dumps(report, indent=2))
    else:
        from rich.console import Console
        from rich.markup import escape
        from rich.table import Table

        table = Table("part", "state", "what to do", title=f"gcolor {report['gcolor']}")
        for row in report["parts"]:
            # 'gcolor[cpu]' would be markup.
            table.add_row(*map(escape, (row["part"], row["state"], row["do"])))
        Console().print(table)
    return 0 if report["usable"] else 6
