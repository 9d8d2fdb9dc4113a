"""Bring in what was asked and answered elsewhere: a consultation without a page.

Nobody is tied to such an answer: an address that was typed into a form proves nothing. What
people said of who they are is kept beside it for as long as beside any other answer, and no
longer (Settled 9): it never comes in after that.
"""

from __future__ import annotations

import datetime
import uuid
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from django.db import models, transaction

from .. import inserting
from . import publishing, queries
from .models import Answer, Consultation, ConsultationResponse, FormVersion, ResponseContact
from .questions import Definition
from .responses import TypedAnswer, plain, typed

Route = ConsultationResponse.Route


@dataclass(frozen=True)
class Exercise:
    """What is declared about a form that was filled in elsewhere.

    `form_page` is the key of the page: a second bringing adds to the same consultation.
    `questions` are items of a `Definition`.
    """

    form_page: str
    title: str
    opens_at: datetime.datetime
    closes_at: datetime.datetime
    questions: list[dict[str, Any]]
    interest_ids: Collection[int] = ()
    is_sensitive: bool = False
    owner: Any = None

    def names_until(self) -> datetime.datetime:
        """Return until when names and addresses are kept beside its answers."""
        return queries.cut_at(self.closes_at, None, None)


@dataclass(frozen=True)
class Filled:
    """One form that somebody filled in; `uuid` is the same whenever it is brought in.

    `answers` are by key of the question, as `responses.Submission` has them.
    """

    uuid: uuid.UUID
    submitted_at: datetime.datetime
    answers: dict[str, Any]
    email: str = ""
    name: str = ""
    postcode: str = ""


def begin(*, exercise: Exercise) -> FormVersion:
    """Return the questionnaire to record answers to; its consultation is made or brought up to date.

    What was there stays: dates and interests are only widened, and a sensitive consultation stays
    sensitive.
    """
    with transaction.atomic():
        row, is_new = Consultation.objects.select_for_update().get_or_create(
            form_page=exercise.form_page,
            defaults={
                "title": exercise.title,
                "opens_at": exercise.opens_at,
                "closes_at": exercise.closes_at,
                "is_sensitive": exercise.is_sensitive,
                "owner": exercise.owner,
            },
        )
        if not is_new:
            row.title = exercise.title
            row.opens_at = min(row.opens_at, exercise.opens_at)
            row.closes_at = max(row.closes_at, exercise.closes_at)
            row.is_sensitive = row.is_sensitive or exercise.is_sensitive
            row.save(update_fields=["title", "opens_at", "closes_at", "is_sensitive"])
        row.interests.add(*exercise.interest_ids)
        return publishing.version_of(row, Definition(exercise.questions))


def of_form(form_page: str) -> Consultation | None:
    """Return the consultation that a form page was brought in as, None before that."""
    return Consultation.objects.filter(form_page=form_page).exclude(form_page="").first()


def already_here(uuids: Collection[uuid.UUID]) -> set[uuid.UUID]:
    """Return which of these forms were brought in before."""
    rows = ConsultationResponse.objects.filter(uuid__in=uuids)
    return set(rows.values_list("uuid", flat=True))


@transaction.atomic
def record(
    *,
    version: FormVersion,
    forms: Sequence[Filled],
    batch: str,
    language: str,
    at: datetime.datetime,
) -> list[Filled]:
    """Store forms with their answers, those that are here already apart; return which.

    `batch` names what brings them in, for `take_back`. Nothing is announced by a signal: this
    was said long ago.
    """
    here = already_here([each.uuid for each in forms])
    fresh = [each for each in forms if each.uuid not in here]
    rows = [
        ConsultationResponse(
            uuid=each.uuid,
            consultation_id=version.consultation_id,
            form_version=version,
            answers={key: plain(value) for key, value in each.answers.items()},
            route=Route.BROUGHT,
            route_key=batch,
            language=language,
            submitted_at=each.submitted_at,
            # Not of who sent it; `uuid` is what tells one from another, also once this is cut.
            submission_hash=f"brought:{each.uuid}",
        )
        for each in fresh
    ]
    ConsultationResponse.objects.bulk_create(rows)
    pairs = list(zip(rows, fresh, strict=True))
    inserting.insert(
        Answer,
        ["response", *TypedAnswer._fields],
        [(row.pk, *answer) for row, each in pairs for answer in typed(version, each.answers)],
    )
    _keep_contacts(version.consultation, pairs, at)
    return fresh


def _keep_contacts(
    consultation: Consultation,
    pairs: Sequence[tuple[ConsultationResponse, Filled]],
    at: datetime.datetime,
) -> None:
    """Keep who people said they are, for as long as beside any other answer.

    A form can stay open for years, so that each submission is as old as it is.
    """
    row = consultation
    if queries.cut_at(row.closes_at, row.answered_at, row.decision_expected_on) <= at:
        return
    ResponseContact.objects.bulk_create(
        ResponseContact(response=row, email=each.email, name=each.name, postcode=each.postcode)
        for row, each in pairs
        if (each.email or each.name or each.postcode)
        and queries.cut_at(each.submitted_at, None, None) > at
    )


def hand_on(*, uuids: Collection[uuid.UUID], batch: str, to: str) -> None:
    """Let these forms, where `batch` brought them in, be counted as brought in by `to`."""
    rows = ConsultationResponse.objects.filter(uuid__in=uuids, route=Route.BROUGHT)
    rows.filter(route_key=batch).update(route_key=to)


@transaction.atomic
def take_back(*, batch: str, most: int) -> int:
    """Delete up to `most` responses that `batch` brought in, and return how many.

    With the last one goes the consultation, unless anything else hangs on it.
    """
    rows = ConsultationResponse.objects.filter(route=Route.BROUGHT, route_key=batch)
    ids = list(rows.order_by("pk").values_list("pk", flat=True)[:most])
    concerned = set(rows.filter(pk__in=ids).order_by().values_list("consultation", flat=True))
    for table in (Answer, ResponseContact):  # Many rows, at which nothing points.
        hanging = table._base_manager.filter(response__in=ids)
        hanging._raw_delete(hanging.db)
    ConsultationResponse.objects.filter(pk__in=ids).delete()
    for row in Consultation.objects.select_for_update().filter(pk__in=concerned):
        _remove_if_empty(row)
    return len(ids)


def _remove_if_empty(row: Consultation) -> None:
    """Delete a consultation that only its answers had made."""
    is_own = (FormVersion, Consultation.interests.through)
    for relation in row._meta.get_fields(include_hidden=True):
        if not isinstance(relation, models.ManyToOneRel) or relation.on_delete is models.SET_NULL:
            continue
        model: Any = relation.related_model
        others = model._base_manager.filter(**{relation.field.name: row})
        if model not in is_own and others.exists():
            return
    row.form_versions.all().delete()
    row.delete()
