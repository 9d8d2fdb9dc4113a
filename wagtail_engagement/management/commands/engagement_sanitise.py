"""Makes a copied database safe for staging."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from ...rights import sanitising
from ...seal import sealing


class Command(BaseCommand):
    help = (
        "Takes everybody out of a copy of the database: addresses, names, notes, texts of answers,"
        " sheets. Counts, choices, interests and consultations stay. Stops every invitation, empties"
        " the queues and seals the copy for the site of these settings. Never run it on the live"
        " site. Tables of other apps, such as form submissions and users, are left as they are."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--yes-this-is-a-copy",
            metavar="HOST",
            default="",
            dest="typed",
            help="The host of the live site, where the settings here do not differ from its own.",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            counts = sanitising.sanitise(typed=options["typed"], at=timezone.now())
        except sanitising.LooksLive as live:
            raise CommandError(
                f"Nothing was changed: these are the settings of {live.host}, the live site as far"
                " as anybody can tell. Everybody in the register would be lost. If this is a copy,"
                f" give --yes-this-is-a-copy {live.host}"
            ) from live
        except sanitising.LiveJournal as live:
            raise CommandError(
                "Nothing was changed: WAGTAIL_ENGAGEMENT_JOURNAL is the journal of the live site."
                " Give the copy another path, or none."
            ) from live
        except sanitising.NoMask as unknown:
            raise CommandError(f"Nothing was changed: no mask for {unknown}.") from unknown
        for name, number in counts.items():
            if number:
                self.stdout.write(f"{number:>11,}  {name}")
        self.stdout.write(f"Nobody is left in this copy. It belongs to {sealing.host()} now.")
