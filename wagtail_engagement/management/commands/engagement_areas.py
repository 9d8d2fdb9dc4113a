"""Loads the council's areas and postcodes from its own file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from ...participants import areas


class Command(BaseCommand):
    help = (
        "Loads wards or other areas, and their postcodes, from a CSV file with a column of areas"
        " and, if wanted, columns of postcodes and of codes. Loading again adds and corrects."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", type=Path, metavar="FILE")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            with options["file"].open("rb") as file:
                found = areas.load(file)
        except (OSError, areas.FileRefused) as error:
            raise CommandError(str(error)) from error
        for row in found.shown:
            self.stderr.write(f"Row {row.number}: {row.value}: {row.reason}")
        self.stdout.write(
            f"{found.areas} new areas, {found.postcodes} postcodes, {found.left_out} rows left out."
        )
