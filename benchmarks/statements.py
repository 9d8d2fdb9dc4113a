"""What recording and confirming ask of the database: the same, however much there is of it."""

from __future__ import annotations

import itertools
import uuid
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

from django.db import connection
from django.utils import timezone

from tests.site import add_consultation, block
from wagtail_engagement import addresses
from wagtail_engagement.consent.queries import current_wordings
from wagtail_engagement.consultations import publishing, responses
from wagtail_engagement.consultations.models import ConsultationResponse, FormVersion
from wagtail_engagement.participants import registry
from wagtail_engagement.participants.models import Interest, Participant, RegisterMail

SIZES = {"people": (10, 2000), "questions": (1, 30), "interests": (1, 20)}
GOALS = {"recording": 6, "confirming": 10}


@dataclass(frozen=True)
class Asked:
    """A consultation of some size."""

    version: FormVersion
    interest_ids: list[int]

    def answers(self) -> dict[str, str]:
        return {question["key"]: "More benches" for question in self.version.definition}


def run() -> list[str]:
    """Print the statements for every size; return what differs that should not."""
    wrong = []
    counts: dict[tuple[str, str], set[int]] = defaultdict(set)
    print(f"\n{'statements':12}{''.join(f'{name:>12}' for name in [*SIZES, *GOALS])}")
    for size in itertools.product(*SIZES.values()):
        people, questions, interests = size
        asked = _ask(questions, interests)
        _fill_register(people)
        email = _address()
        for who in ("newcomer", "known"):  # The same person, twice.
            record = partial(responses.record, submission=_submission(asked, email))
            response, recording = _counted(record)
            confirm = partial(registry.register, mail=_mail_for(response))
            person, confirming = _counted(confirm)
            wrong += _faults(asked, response, person)
            counts["recording", "anybody"].add(recording)
            counts["confirming", who].add(confirming)
            print(f"{who:12}{''.join(f'{n:12}' for n in [*size, recording, confirming])}")
    print("Without BEGIN and COMMIT, of which each is one.")
    for (rule, who), found in counts.items():
        if len(found) > 1:
            wrong.append(f"{rule} ({who}) takes {sorted(found)} statements, by size")
        verdict = "met" if max(found) <= GOALS[rule] else "MISSED"
        print(f"Goal for {rule} ({who}), at most {GOALS[rule]}: {verdict} with {max(found)}")
    return wrong


def _address() -> str:
    return f"{uuid.uuid4().hex}@example.com"


def _ask(questions: int, interests: int) -> Asked:
    names = [uuid.uuid4().hex for _ in range(interests)]
    topics = [Interest.objects.create(name=name, slug=name) for name in names]
    blocks = [block("text", f"Question {number}") for number in range(questions)]
    page = add_consultation(title=uuid.uuid4().hex, questions=blocks, interests=topics)
    return Asked(publishing.freeze(page), [topic.pk for topic in topics])


def _fill_register(people: int) -> None:
    missing = range(people - Participant.objects.count())
    rows = [Participant(email=email, address_key=email) for email in (_address() for _ in missing)]
    Participant.objects.bulk_create(rows)


def _counted(rule: Callable[..., Any]) -> tuple[Any, int]:
    """Return what a rule returns, and how many statements it took."""
    statements = []

    def note(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        # SQLite is told to begin by a statement, PostgreSQL is not; neither counts here.
        if not sql.startswith("BEGIN"):
            statements.append(sql)
        return execute(sql, params, many, context)

    with connection.execute_wrapper(note):
        result = rule(at=timezone.now())
    return result, len(statements)


def _submission(asked: Asked, email: str) -> responses.Submission:
    wordings = current_wordings("en")
    return responses.Submission(
        consultation=asked.version.consultation,
        form_version=asked.version,
        answers=asked.answers(),
        submission_key=uuid.uuid4().hex,
        sender_mark="",
        email=email,
        purposes={purpose: wording.pk for purpose, wording in wordings.items()},
        interest_ids=asked.interest_ids,
    )


def _mail_for(response: ConsultationResponse) -> RegisterMail:
    """The mail that lists the claim, as if the worker had sent it."""
    fingerprint, key_id = addresses.fingerprint(response.claim.email)
    mail = RegisterMail.objects.create(
        kind=RegisterMail.Kind.CONFIRM,
        state=RegisterMail.State.SENT,
        fingerprint=fingerprint,
        key_id=key_id,
    )
    response.claim.mail = mail
    response.claim.save(update_fields=["mail"])
    return mail


def _faults(asked: Asked, response: ConsultationResponse, person: Participant) -> list[str]:
    """Whatever was counted must also have been done."""
    response.refresh_from_db()
    declared = set(person.interest_links.values_list("interest", flat=True))
    done = {
        "a typed answer for each question": response.answer_rows.count() == len(asked.answers()),
        "a response linked to its person": response.participant_id == person.pk,
        "the interests that were ticked": declared >= set(asked.interest_ids),
        "a permission": person.permissions.filter(may_write=True).exists(),
    }
    return [f"no {what}" for what, is_done in done.items() if not is_done]
