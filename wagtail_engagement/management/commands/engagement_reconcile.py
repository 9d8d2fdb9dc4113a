"""Brings a restored database up to its journal, or makes a database this site's own."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from ... import journal
from ...rights import reconciling, replaying
from ...seal import sealing

WORDS = {
    replaying.KNOWN: "known here already",
    replaying.DONE: "done again",
    replaying.NOBODY: "about nobody who is in this database",
    replaying.NOWHERE: "about a consultation that is not in this database",
    replaying.UNREADABLE: "cut short or not understood",
}


class Command(BaseCommand):
    help = (
        "After a backup was restored: reads the journal and does again what the database has"
        " forgotten. Who left or was erased since is gone again, and nobody is written to twice."
        " Sending goes on afterwards. May be stopped and run again."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--dry-run", action="store_true", help="Only say what would be done.")
        parser.add_argument(
            "--adopt",
            action="store_true",
            help="Make this database and the journal of the settings this site's own.",
        )
        parser.add_argument("--host", default="", help="With --adopt: the site's host, to confirm.")

    def handle(self, *args: Any, **options: Any) -> None:
        at = timezone.now()
        if options["adopt"]:
            self._adopt(options["host"])
            reconciling.look(at=at)
        else:
            try:
                counts = reconciling.reconcile(at=at, is_dry=options["dry_run"])
            except reconciling.CannotReconcile as error:
                raise CommandError(str(error)) from error
            for outcome, words in WORDS.items():
                self.stdout.write(f"{counts[outcome]:>11,}  {words}")
            self.stdout.write(f"{sum(counts.values()):>11,}  lines of the journal read")
        if options["dry_run"]:
            self.stdout.write("Nothing was changed.")
            return
        refusal = sealing.why_not()
        self.stdout.write(refusal.text if refusal else "This database may send.")

    def _adopt(self, typed: str) -> None:
        name = sealing.host()
        try:
            typed = typed or input(
                "This database will send to real people as the site of these settings. Is it the"
                f" only one that does? Type {name} to go on: "
            )
        except EOFError as error:
            raise CommandError(f"Nothing was changed: nobody typed the host, {name}.") from error
        try:
            sealing.adopt(typed=typed, actor=None, at=timezone.now())
        except sealing.NotConfirmed as error:
            raise CommandError(f"Nothing was changed: the host is {name}.") from error
        except journal.Unwritable as error:
            raise CommandError(f"The journal cannot be made: {error}.") from error
        self.stdout.write(f"This database belongs to {name} now.")
