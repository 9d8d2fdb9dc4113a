"""Bring in a form that the site already has: people by the rules of any sheet, and their answers.

The people are rows like any other. The answers are recorded by the rule for past exercises, in
the transaction of the same rows, so that both come in, and are undone, as one.
"""

from __future__ import annotations

import datetime
from collections import Counter
from collections.abc import Sequence
from itertools import islice
from typing import Any

from django.conf import settings
from django.db import transaction
from django.utils.functional import cached_property
from django.utils.timezone import localdate
from django.utils.translation import gettext as _

from .. import conf
from ..consultations import bringing as answers
from ..consultations.queries import form_pages, forms_of
from . import questions, submissions
from .declaring import ImportRefused, note
from .judging import Judged
from .mapping import Field, Mapping
from .models import ALREADY, ANSWERS, RESPONSES, SAID, ImportBatch, ImportRow
from .questions import FormChanged
from .spreadsheet import SheetRefused
from .terms import moment

# Who somebody is, and what staff know of them, is kept apart from what they answered.
CONTACT = (
    Field.EMAIL,
    Field.NAME,
    Field.GIVEN_NAME,
    Field.FAMILY_NAME,
    Field.ORGANISATION,
    Field.POSTCODE,
    Field.NOTES,
)
Rows = Sequence[tuple[int, list[str]]]
AT_ONCE = 500
STANDING = (ImportBatch.Status.RUNNING, ImportBatch.Status.FINISHED)


def bring(*, page: Any, actor: Any, at: datetime.datetime) -> ImportBatch:
    """Begin to bring in a form page; what was filled in until now, and no more.

    Raises ImportRefused where there is nothing, SheetRefused where it cannot be read.
    """
    form = page.specific
    found = submissions.survey(form)
    if not found:
        raise ImportRefused(_("Nobody has filled in this form yet. Choose another one."))
    known = answers.of_form(str(form.pk))
    first, last = submissions.days_of(found)
    with transaction.atomic():
        batch = ImportBatch(
            filename=form.title[:200],
            form_page=str(form.pk),
            form=found,
            title=known.title if known else form.title[:255],
            is_sensitive=known.is_sensitive if known else False,
            source=_("The form “%(title)s” on our website") % {"title": form.title[:150]},
            collected_from=first,
            collected_to=last,
            created_at=at,
            created_by=actor,
        )
        batch.headers = submissions.headings(batch)
        batch.save()
        note(batch, "received", actor)
    return batch


def may_read(user: Any, batch: ImportBatch) -> bool:
    """Whether somebody may see the cells of a batch: of a form, who may read its submissions."""
    if not batch.form_page or not form_pages().filter(pk=batch.form_page).exists():
        return True
    return forms_of(user).filter(pk=batch.form_page).exists()


def answer_columns(mapping: Mapping) -> list[int]:
    """Return the columns whose cells are kept as answers: all but what says who somebody is."""
    apart = mapping.columns(*CONTACT)
    return [index for index in mapping.answers if index not in apart]


class Answers:
    """The answers of a form that is being brought in; `batch` has been described."""

    def __init__(
        self, batch: ImportBatch, *, now: datetime.datetime, about: Sequence[int] = ()
    ) -> None:
        """`about` are the interests that the form was about."""
        self.batch, self.now, self.about = batch, now, about
        mapping = Mapping.from_json(batch.mapping)
        self.fields = {i: batch.form["fields"][i] for i in answer_columns(mapping)}
        self.postcodes = mapping.columns(Field.POSTCODE)

    @cached_property
    def page(self) -> Any:
        return submissions.page_of(self.batch)

    @cached_property
    def exercise(self) -> answers.Exercise:
        """What is declared about the form; its days are those of the people's rows."""
        batch = self.batch
        first, last = submissions.days_of(batch.form)
        after = moment((batch.collected_to or last) + datetime.timedelta(days=1))
        return answers.Exercise(
            form_page=batch.form_page,
            title=batch.title or batch.filename,
            opens_at=moment(batch.collected_from or first),
            closes_at=min(after, self.now),
            questions=[field["question"] for field in self.fields.values()],
            interest_ids=self.about,
            is_sensitive=batch.is_sensitive,
            owner=batch.attested_by,
        )

    def count(self, rows: Rows) -> Counter[str]:
        """Return how many responses and answers these rows would bring, and how many are here."""
        found = [self._filled(number, cells) for number, cells in rows]
        here = answers.already_here([each.uuid for each in found])
        return _said([each for each in found if each.uuid not in here], of=len(found))

    def store(self, rows: Rows, judged: Sequence[Judged], *, at: datetime.datetime) -> Counter[str]:
        """Record what these rows answer and return the same numbers.

        The caller's transaction holds it.
        """
        people = {each.number: each for each in judged}
        fresh = answers.record(
            version=answers.begin(exercise=self.exercise),
            forms=[
                self._filled(number, cells, **self._who(people[number], cells))
                for number, cells in rows
            ],
            batch=str(self.batch.uuid),
            language=self._language(),
            at=at,
        )
        return _said(fresh, of=len(rows))

    def _filled(self, number: int, cells: list[str], **who: str) -> answers.Filled:
        try:
            said = {
                field["question"]["key"]: value
                for index, field in self.fields.items()
                if (value := questions.answer(field, cells[index])) is not None
            }
        except FormChanged as changed:
            raise submissions.changed() from changed
        return answers.Filled(
            uuid=submissions.uuid_of(self.page, number),
            submitted_at=submissions.moment(cells),
            answers=said,
            **who,
        )

    def _who(self, judged: Judged, cells: list[str]) -> dict[str, str]:
        """Return who a row says it is from; nothing of somebody who asked us to stop."""
        row = judged.row
        if row is None or judged.outcome == ImportRow.Outcome.SUPPRESSED:
            return {}
        names = dict.fromkeys(filter(None, (row.name, row.organisation)))
        typed = " ".join(cells[index] for index in self.postcodes)
        return {
            "email": row.email,
            "name": ", ".join(names)[:200],
            "postcode": row.postcode or " ".join(typed.split())[:40],
        }

    def _language(self) -> str:
        if getattr(settings, "WAGTAIL_I18N_ENABLED", False):
            return str(self.page.locale.language_code)
        return settings.LANGUAGE_CODE


def _said(fresh: Sequence[answers.Filled], *, of: int) -> Counter[str]:
    said = sum(len(each.answers) for each in fresh)
    return Counter({RESPONSES: len(fresh), ANSWERS: said, ALREADY: of - len(fresh)})


def answers_of(
    batch: ImportBatch, *, now: datetime.datetime, about: Sequence[int] = ()
) -> Answers | None:
    """Return the answers of a batch, None of a sheet and of a form of which none is kept."""
    if not (batch.form_page and batch.mapping):
        return None
    found = Answers(batch, now=now, about=about)
    return found if found.fields else None


def what_is_said(batch: ImportBatch, *, at: datetime.datetime) -> dict[str, Any]:
    """Return what there is to tell of the answers of a form that is checked or imported.

    Keys: exercise (None where no answer is kept), responses, answers, already, last_day,
    names_who (whether a field says who somebody is), names_until (when that ends beside the
    answers, None where it is over) and names_from (from which submission on it is kept, None for
    all of them).
    """
    found = answers_of(batch, now=batch.started_at or at)
    if found is None:
        return {"exercise": None}
    now = batch.started_at or at
    until = found.exercise.names_until()
    oldest = localdate(now - datetime.timedelta(days=conf.undecided_days()))
    first, last = submissions.days_of(batch.form)
    return {
        "exercise": found.exercise,
        **{name: batch.totals.get(name, 0) for name in SAID},
        "names_until": until if until > now else None,
        "names_from": oldest if first <= oldest else None,
        "names_who": bool(Mapping.from_json(batch.mapping).columns(*CONTACT)),
        "last_day": batch.collected_to or last,
    }


def hand_on(batch: ImportBatch) -> None:
    """Leave answers that another import of the form passed over, for they were here, to that one.

    Only to one that keeps all that this one keeps: somebody may have left a question out since.
    """
    if not batch.form_page:
        return
    others = ImportBatch.objects.filter(form_page=batch.form_page, status__in=STANDING)
    for other in others.exclude(pk=batch.pk).order_by("pk"):
        if _names_kept(batch) <= _names_kept(other):
            _hand_on_to(other, batch)


def _names_kept(batch: ImportBatch) -> set[str]:
    columns = answer_columns(Mapping.from_json(batch.mapping))
    return {batch.form["fields"][index]["name"] for index in columns}


def _hand_on_to(other: ImportBatch, batch: ImportBatch) -> None:
    try:
        page = submissions.page_of(batch)
    except SheetRefused:
        return  # Nobody can tell any more which answers are of which row.
    numbers = other.rows.order_by("number").values_list("number", flat=True).iterator()
    while chunk := list(islice(numbers, AT_ONCE)):
        answers.hand_on(
            uuids=[submissions.uuid_of(page, number) for number in chunk],
            batch=str(batch.uuid),
            to=str(other.uuid),
        )


def take_back(batch: ImportBatch, *, most: int) -> int:
    """Delete up to so many responses that a batch brought in; return how many."""
    return answers.take_back(batch=str(batch.uuid), most=most) if batch.form_page else 0
