"""Bring sheets into the register from the shell, by the rules of the screens."""

from __future__ import annotations

import datetime
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from django.contrib.auth import get_user_model
from django.core.management.base import BaseCommand, CommandError, CommandParser, OutputWrapper
from django.utils import timezone
from django.utils.dateparse import parse_date

from ...consent.models import LawfulBasis
from ...imports import columns, importing, queries, running, scanning, spreadsheet
from ...imports.knowing import Register
from ...imports.mapping import Field, Mapping, MappingRefused
from ...imports.models import ImportBatch, ImportRow
from ...imports.terms import Terms
from ...participants.models import Interest, Participant

REFUSALS = (spreadsheet.SheetRefused, MappingRefused, importing.ImportRefused)
Outcome = ImportRow.Outcome


class Command(BaseCommand):
    help = (
        "Brings the people of spreadsheets into the register. Without --mapping it guesses what"
        " each column is, and prints that. Begin with --dry-run."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("files", nargs="+", metavar="FILE")
        parser.add_argument(
            "--sheet",
            action="append",
            metavar="NAME",
            help="A sheet of a workbook; can be given several times. Without it every sheet with"
            " addresses is brought in, but for hidden ones, each as an import of its own: what you"
            " declare then holds for all of them.",
        )
        parser.add_argument("--mapping", help="JSON file: what each column is.")
        parser.add_argument("--source", required=True, help="Where the sheet comes from.")
        parser.add_argument("--basis", required=True, choices=LawfulBasis.values)
        parser.add_argument("--wording", help="File with the words people were shown.")
        parser.add_argument("--collected-from", metavar="DATE")
        parser.add_argument("--collected-to", metavar="DATE")
        parser.add_argument("--attested-by", required=True, metavar="USER")
        parser.add_argument("--dry-run", action="store_true", help="Store nothing.")
        parser.add_argument("--json", action="store_true", help="For machines.")

    def handle(self, *args: Any, **options: Any) -> None:
        self.options, self.now = options, timezone.now()
        named = options["sheet"] or []
        self.named = [named] if isinstance(named, str) else named
        self.actor = _actor(options["attested_by"])
        self.told = _json(Path(options["mapping"])) if options["mapping"] else None
        self.words = _text(Path(options["wording"])) if options["wording"] else ""
        self.days = {name: _day(options[name]) for name in ("collected_from", "collected_to")}
        # What one file would bring is known to the next, as it is when they are brought in.
        self.register = Register(batch_id=None, now=self.now)
        found = [report for path in options["files"] for report in self._file(Path(path))]
        if options["json"]:
            self.stdout.write(json.dumps(found, indent=2, ensure_ascii=False))
        else:
            for report in found:
                _print(report, self.stdout)
        if wrong := [report["file"] for report in found if "error" in report]:
            raise CommandError(f"Not imported: {', '.join(wrong)}")

    def _file(self, path: Path) -> Iterator[dict[str, Any]]:
        try:
            if not path.is_file():
                raise importing.ImportRefused("There is no such file.")
            book = spreadsheet.inspect(path, filename=path.name, limits=spreadsheet.COMMAND)
            chosen, left_out = self._sheets(book, path)
        except REFUSALS as refused:
            yield {"file": path.name, "error": str(refused)}
            return
        for sheet, mapping in chosen:
            report: dict[str, Any] = {"file": path.name, "sheet": sheet.name}
            report["other_sheets"] = left_out
            try:
                report.update(self._sheet(path, book, sheet, mapping))
            except REFUSALS as refused:
                report["error"] = str(refused)
            yield report

    def _sheets(
        self, book: spreadsheet.Workbook, path: Path
    ) -> tuple[list[tuple[spreadsheet.Sheet, Mapping]], dict[str, str]]:
        """The sheets to import, each with what its columns are; and why the others are not.

        A sheet that was named is brought in, or the file is refused.
        """
        there = [sheet.name for sheet in book.sheets]
        if unknown := [name for name in self.named if name not in there]:
            told = f"There is no sheet “{unknown[0]}”. There are: {', '.join(there)}."
            raise importing.ImportRefused(told)
        found, left_out, last = [], {}, None
        for sheet in book.sheets:
            why, mapping = self._why_not(sheet), None
            try:
                mapping = None if why else self._mapping(sheet, path)
            except MappingRefused as refused:
                why, last = str(refused), refused
            if mapping and mapping.columns(Field.EMAIL):
                found.append((sheet, mapping))
                continue
            left_out[sheet.name] = why or "no column of email addresses was found"
            if sheet.name in self.named:
                told = f"“{sheet.name}” cannot be brought in: {left_out[sheet.name]}."
                raise last or importing.ImportRefused(told)
        if not found:
            raise last or importing.ImportRefused("No column of email addresses was found.")
        # Those who left come first, so that nobody is mailable until their no comes in.
        return sorted(found, key=lambda each: not each[1].everyone_out), left_out

    def _why_not(self, sheet: spreadsheet.Sheet) -> str:
        if self.named and sheet.name not in self.named:
            return "not named with --sheet"
        if sheet.is_hidden and not self.named:
            return "hidden; name it with --sheet to bring it in"
        return scanning.why_left_out(sheet)

    def _mapping(self, sheet: spreadsheet.Sheet, path: Path) -> Mapping:
        if self.told is not None:
            return Mapping.from_json(self.told, sheet.headers)
        named = f"{sheet.name} {path.name}"
        return columns.guess(sheet.headers, sheet.samples, sheet.hidden_columns, sheet=named)

    def _sheet(
        self,
        path: Path,
        book: spreadsheet.Workbook,
        sheet: spreadsheet.Sheet,
        mapping: Mapping,
    ) -> dict[str, Any]:
        if self.told is None:
            self._tell_guess(path, sheet, mapping)
        declared = {
            "sheet": sheet.name,
            "header_row": sheet.header_row,
            "encoding": book.encoding,
            "delimiter": book.delimiter,
            "headers": sheet.headers,
            "mapping": mapping.to_json(),
            "interest_words": _interests((self.told or {}).get("interest_words") or {}),
            "kind": (self.told or {}).get("kind") or Participant.Kind.PERSON,
            "source": self.options["source"],
            "basis": self.options["basis"],
            "words": self.words,
            **self.days,
        }
        if self.options["dry_run"]:
            return self._rehearse(path, declared)
        return self._run(path, declared)

    def _rehearse(self, path: Path, declared: dict[str, Any]) -> dict[str, Any]:
        importing.refuse_nonsense(declared, self.now)
        batch = ImportBatch(filename=path.name, **declared)
        terms = Terms.of(batch, at=self.now, everyone=())
        tally, refused = running.Tally(), []
        rows = running.chunks(batch, limits=spreadsheet.COMMAND, path=path)
        self.register.begin_sheet()
        for judged, _rows in running.rehearse(rows, terms, self.register):
            tally.add(judged)
            refused += [
                {
                    "row": each.number,
                    "column": queries.heading(batch, each.column) or None,
                    "reason": each.reason,
                }
                for each in judged
                if each.outcome in queries.LEFT_OUT
            ]
        return _report(tally, refused)

    def _run(self, path: Path, declared: dict[str, Any]) -> dict[str, Any]:
        with path.open("rb") as file:
            batch = importing.receive(file=file, filename=path.name, actor=self.actor, at=self.now)
        importing.describe(batch=batch, at=self.now, **declared)
        importing.start(batch=batch, actor=self.actor, at=self.now)
        tally = importing.finish_now(batch=batch, at=timezone.now())
        if batch.status != ImportBatch.Status.FINISHED:
            raise importing.ImportRefused(batch.status_reason or batch.get_status_display())
        return {"batch": batch.pk, **_report(tally, queries.refused(batch))}

    def _tell_guess(self, path: Path, sheet: spreadsheet.Sheet, mapping: Mapping) -> None:
        out = self.stderr if self.options["json"] else self.stdout
        for note in sheet.notes:
            out.write(f"{path.name}, {sheet.name}: {note}")
        out.write(f"{path.name}, {sheet.name}: this is what the columns seem to be.")
        for index, text in enumerate(sheet.headers):
            value = mapping.fields.get(index, "not stored")
            out.write(f"  {' '.join(text.split()) or index + 1}: {value}")
        if mapping.polarity:
            means = {"in": "may be written to", "out": "opted out"}[mapping.polarity]
            out.write(f"  In the permission column, yes means: {means}")
        if mapping.everyone_out:
            out.write("  Everybody on it seems to have left: none of them is written to.")


def _day(text: str | None) -> datetime.date | None:
    try:
        day = parse_date(text) if text else None
    except ValueError:
        day = None
    if text and day is None:
        raise CommandError(f"“{text}” is not a day. Write it like 2025-06-14.")
    return day


def _actor(name: str) -> Any:
    people = get_user_model()
    try:
        return people.objects.get(**{people.USERNAME_FIELD: name})
    except people.DoesNotExist:
        raise CommandError(f"Nobody logs in as “{name}”. Give the name of who attests.") from None


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise CommandError(f"{path} cannot be read as UTF-8 text.") from error


def _json(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(_text(path))
    except ValueError as error:
        raise CommandError(f"{path} is not JSON: {error}") from error
    if not isinstance(found, dict):
        raise CommandError(f'{path} must hold an object like {{"fields": {{"E-mail": "email"}}}}.')
    return found


def _interests(words: Any) -> dict[str, int | None]:
    """What words mean: the file names interests, the batch keeps their ids."""
    if not isinstance(words, dict):
        raise MappingRefused('Give "interest_words" as an object: {"bins": "Waste"}.')
    known = {name.casefold(): pk for name, pk in Interest.objects.values_list("name", "pk")}
    unknown = [str(name) for name in words.values() if name and str(name).casefold() not in known]
    if unknown:
        raise MappingRefused(f"There is no interest called: {', '.join(unknown)}.")
    return {text: known[str(name).casefold()] if name else None for text, name in words.items()}


def _report(tally: running.Tally, refused: list[dict[str, Any]]) -> dict[str, Any]:
    """Numbers of rows by outcome, which add up to `rows`.

    Those that are not imported are given one by one; `without_address` says how many of them
    name no address.
    """
    totals: dict[str, Any] = tally.totals()
    rows, nameless = sum(totals.values()), totals.pop(Outcome.NO_ADDRESS)
    totals[Outcome.REFUSED] = refused
    return {
        "rows": rows,
        **{str(outcome): found for outcome, found in totals.items()},
        "without_address": nameless,
        "unknown_interests": dict(tally.words.most_common()),
    }


def _print(report: dict[str, Any], out: OutputWrapper) -> None:
    title = ", ".join(filter(None, [report["file"], report.get("sheet")]))
    if "error" in report:
        out.write(f"{title}: {report['error']}")
        return
    out.write(f"{title}: {report['rows']:,} rows")
    for name, why in report["other_sheets"].items():
        out.write(f"  “{name}” is left out: {why}")
    for outcome in Outcome:
        if outcome not in queries.LEFT_OUT:
            out.write(f"  {outcome.label}: {report[outcome.value]:,}")
    refused, nameless = len(report[Outcome.REFUSED.value]), report["without_address"]
    out.write(f"  {Outcome.REFUSED.label}: {refused:,}, of which without an address {nameless:,}")
    for row in report[Outcome.REFUSED.value]:
        column = f", column {row['column']}" if row["column"] else ""
        out.write(f"  Row {row['row']}{column}: {row['reason']}")
    for word, number in report["unknown_interests"].items():
        rows = "row says" if number == 1 else "rows say"
        out.write(f"  {number:,} {rows} “{word}”, which is no interest here")
