"""Erase one person, as the screen for requests does."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from ...rights import erasing, telling
from ...rights.tracing import NotInRegister, find


class Command(BaseCommand):
    help = (
        "Erases one person for good, with all that the register holds of them. The address stays"
        " as a keyed hash, so that nobody writes there again. Mails them a receipt, as the last mail"
        " there, and prints it."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        who = parser.add_mutually_exclusive_group(required=True)
        who.add_argument("address", nargs="?", default="", help="The person's email address.")
        who.add_argument("--uuid", default="", help="The person's uuid instead.")
        parser.add_argument("--drop-responses", action="store_true", help="Delete the answers too.")
        parser.add_argument(
            "--no-input", "--noinput", action="store_false", dest="interactive", help="Do not ask."
        )

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            person = find(options["address"] or options["uuid"])
        except NotInRegister as unknown:
            raise CommandError(str(unknown)) from unknown
        drops = options["drop_responses"]
        fate = "deleted too" if drops else "kept without a name"
        if options["interactive"]:
            told = f"Erase {person} for good? The answers are {fate}. Type yes to go on: "
            if input(told).strip().lower() != "yes":
                raise CommandError("Nothing was erased.")
        done = erasing.erase(person=person, keeps_responses=not drops, at=timezone.now())
        receipt = telling.receipt_of(done)
        self.stdout.write(f"Reference {receipt['reference']}, {receipt['closed_at']:%d %B %Y}")
        self.stdout.write(receipt["sentence"])
        for line in receipt["lines"]:
            self.stdout.write(f"  {line}")
        self.stdout.write(str(receipt["mailed"]))
