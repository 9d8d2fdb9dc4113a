"""Reads a mail that arrived and says whether it arrived as it should."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from django.core.management.base import BaseCommand, CommandError, CommandParser

from ... import conf, received
from ...received import Verdict

MARKS = {Verdict.GOOD: "ok ", Verdict.BAD: "BAD", Verdict.UNKNOWN: " ? "}


class Command(BaseCommand):
    help = (
        "Reads a test mail as it came into a mailbox (Gmail: Show original, Download) and says line"
        " by line whether people can leave with one click, who signed it, and whether the provider"
        " added tracking. Ends with 1 where something has to be mended."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", help="The message's source, usually FILE.eml; - for stdin.")
        parser.add_argument("--json", action="store_true", help="For machines.")
        parser.add_argument("--no-dns", action="store_true", help="Verify no signature.")
        parser.add_argument(
            "--dns-records",
            metavar="FILE",
            help="Instead of DNS: a line for each key, NAME._domainkey.DOMAIN and its text record.",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        host = urlsplit(conf.base_url()).hostname or ""
        try:
            raw = sys.stdin.buffer.read() if options["file"] == "-" else _bytes_of(options["file"])
            findings = received.look_at(raw, host=host, lookup=_lookup(options))
        except received.NotAMessage as error:
            raise CommandError("This is no message: save its source, with all headers.") from error
        bad = sum(found.verdict is Verdict.BAD for found in findings)
        if options["json"]:
            rows = [
                {"about": found.about, "verdict": found.verdict.value, "text": found.text}
                for found in findings
            ]
            self.stdout.write(json.dumps({"is_good": not bad, "findings": rows}, indent=2))
        else:
            for found in findings:
                self.stdout.write(f"{MARKS[found.verdict]}  {found.about}: {found.text}")
            self.stdout.write(f"To mend: {bad}" if bad else "Nothing to mend.")
        if bad:
            sys.exit(1)


def _bytes_of(name: str) -> bytes:
    try:
        return Path(name).read_bytes()
    except OSError as error:
        raise CommandError(f"{name} cannot be read: {error.strerror}") from error


def _pair(line: str) -> tuple[str, str]:
    name, _space, text = line.strip().partition(" ")
    return name, text.strip().strip('"')


def _lookup(options: dict[str, Any]) -> received.Lookup | None:
    if options["dns_records"]:
        lines = _bytes_of(options["dns_records"]).decode("ascii", "replace").splitlines()
        return {name.rstrip("."): text for name, text in map(_pair, lines)}.get
    return None if options["no_dns"] or not received.can_verify() else received.ask_dns
