"""What waits to be sent, and whether somebody is sending it."""

from __future__ import annotations

import json
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import DatabaseError
from django.utils import timezone

from ...invitations import queries
from ...invitations.models import Delivery


class Command(BaseCommand):
    help = "Says what waits to be sent and when a worker was last seen."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--json", action="store_true", help="For machines.")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            found = queries.status(timezone.now())
        except DatabaseError as error:
            told = f"The database cannot be read ({type(error).__name__}). Does it run, and is it"
            raise CommandError(f"{told} migrated?") from error
        if options["json"]:
            self.stdout.write(json.dumps(found, indent=2))
            return
        if found["sending_refused"]:
            self.stdout.write(found["sending_refused_because"])
        if found["worker_seen_at"] is None:
            self.stdout.write("No worker has run yet. Start one: manage.py engagement_work")
        elif found["worker_is_late"]:
            self.stdout.write(f"No worker has been seen since {found['worker_seen_at']}.")
        else:
            self.stdout.write(f"A worker was last seen at {found['worker_seen_at']}.")
        if found["rate"]:
            self.stdout.write(f"Leaving now: {found['rate']:,} messages a second")
        if found["mail_server_trouble"]:
            self.stdout.write(
                f"The mail server takes nothing until {found['mail_server_tried_again_at']}:"
                f" {found['mail_server_trouble']}"
            )
        self.stdout.write(f"Confirmation emails waiting: {found['confirmations_waiting']:,}")
        self.stdout.write(f"Invitations being sent: {found['invitations_sending']:,}")
        for state in Delivery.State:
            self.stdout.write(f"  {state.label}: {found['deliveries'][state.value]:,}")
        if found["reports_waiting"]:
            self.stdout.write(f"Reports of the mail provider waiting: {found['reports_waiting']:,}")
        if found["oldest_lease_age"] is not None:
            self.stdout.write(f"Oldest message in a worker's hands: {found['oldest_lease_age']} s")
        if found["agreements_ended_unasked"]:
            self.stdout.write(
                "Agreements that ended in the last 30 days without our asking, for no worker ran or"
                f" no mail left: {found['agreements_ended_unasked']:,}"
            )
        if found["journal_waiting"]:
            self.stdout.write(f"Entries that wait for the journal: {found['journal_waiting']:,}")
        if found["uncertain"]:
            self.stdout.write(
                f"We cannot tell if {found['uncertain']:,} arrived. They are not sent again."
            )
