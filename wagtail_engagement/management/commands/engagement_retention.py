"""Runs the retention clocks now, or says what they would do."""

from __future__ import annotations

import datetime
import json
from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from django.utils import timezone

from ...conf import PREFIX
from ...rights import retaining


class Command(BaseCommand):
    help = (
        "Does what the retention clocks say is due: a worker does the same once a day by itself."
        " With --dry-run it only says what it would do."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--dry-run", action="store_true", help="Change nothing.")
        parser.add_argument("--json", action="store_true", help="For machines.")

    def handle(self, *args: Any, **options: Any) -> None:
        at = timezone.now()
        counts = retaining.plan(at=at) if options["dry_run"] else retaining.run(at=at)
        rows = [_row(clock, counts[clock.name], at) for clock in retaining.CLOCKS]
        if options["json"]:
            said = {"at": at.isoformat(), "dry_run": options["dry_run"], "clocks": rows}
            self.stdout.write(json.dumps(said, indent=2))
            return
        for row in rows:
            next_day = f"next on {row['next'][:10]}" if row["next"] else ""
            told = f"{row['count']:>9,}  {row['says']} {_term(row)}  {next_day}"
            self.stdout.write(told.rstrip())
        self.stdout.write("Nothing was changed." if options["dry_run"] else "Done.")


def _row(clock: retaining.Clock, count: int, at: datetime.datetime) -> dict[str, Any]:
    first = clock.first(at) if clock.first else None
    return {
        "clock": clock.name,
        "says": str(clock.label),
        "setting": f"{PREFIX}{clock.setting}" if clock.setting else None,
        "days": clock.lasts() or None,
        "count": count,
        "next": timezone.localtime(first).isoformat() if first else None,
    }


def _term(row: dict[str, Any]) -> str:
    if row["setting"]:
        return f"({row['setting']}: {row['days'] or 0} days)"
    return f"({row['days']} days)" if row["days"] else ""
