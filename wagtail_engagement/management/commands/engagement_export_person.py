"""Write the copy of one person's data, as the screen for requests does."""

from __future__ import annotations

import os
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from ...rights import access, asking
from ...rights.models import RightsRequest
from ...rights.tracing import NotInRegister, find


class Command(BaseCommand):
    help = (
        "Writes everything that the register holds of one person to a ZIP file, for that person"
        " alone. Make sure first that it is they who ask."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("address", help="The person's email address, or their uuid.")
        parser.add_argument("--output", required=True, metavar="FILE", help="A new ZIP file.")

    def handle(self, *args: Any, **options: Any) -> None:
        now = timezone.now()
        try:
            person = find(options["address"])
        except NotInRegister as unknown:
            raise CommandError(str(unknown)) from unknown
        content = access.archive(person, at=now)
        try:
            # For our own eyes, and never over a file that is there.
            handle = os.open(options["output"], os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        except OSError as error:
            told = f"The file could not be made: {error.strerror}. Choose another name or folder."
            raise CommandError(told) from error
        with os.fdopen(handle, "wb") as file:
            file.write(content)
        # How the identity was checked is known to whoever runs this, and not to us.
        request = RightsRequest(kind=RightsRequest.Kind.ACCESS, participant=person, asked_at=now)
        done = asking.hand_out(person=person, at=now, request=request)
        self.stdout.write(f"Reference {done.reference}: {len(content):,} bytes written.")
