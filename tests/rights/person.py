"""Somebody who did everything that the register can remember, with words found nowhere else."""

import datetime
import json
from types import SimpleNamespace

from anymail.signals import AnymailTrackingEvent
from django.apps import apps
from django.core.cache import cache
from django.db import connection
from django.utils import timezone

from tests import factories
from wagtail_engagement import addresses, models
from wagtail_engagement.consent import settling
from wagtail_engagement.invitations import receiving
from wagtail_engagement.participants import choosing, links, merging, registry, sending
from wagtail_engagement.participants.models import Link

DAY = datetime.timedelta(days=1)
WORD = "zzcanary"
EMAIL = f"{WORD}.one@example.com"
OTHER = f"{WORD}.two@example.com"
QUESTION = "What should change?"


def asked(consultation=None):
    definition = [
        {"key": "park", "kind": "long_text", "label": QUESTION, "required": False, "hint": ""}
    ]
    return factories.FormVersionFactory(
        definition=definition,
        **({"consultation": consultation} if consultation else {}),
    )


def answer(version, text, *, name="", email=EMAIL):
    """An answer with contact details and a claim, as the form leaves them."""
    claim = factories.ClaimFactory(
        email=email, consultation=version.consultation, name=name, both=True
    )
    row = factories.ConsultationResponseFactory(
        form_version=version,
        claim=claim,
        answers={"park": text},
        submission_hash=factories.LinkFactory.build(token=f"{email}{text}").token_hash,
    )
    factories.AnswerFactory(response=row, question_key="park", text=text)
    factories.ResponseContactFactory(response=row, email=email, name=name)
    return row


def who_did_everything(folder, *, words=f"I am {WORD} of Mill Lane"):
    """Return the person and what belongs to them: answers, claim, mails, sheet, notes, a merge."""
    now = timezone.now()
    first = answer(asked(), words, name=f"Ann {WORD}")
    topic = factories.InterestFactory(name="Cycling")
    person = confirm(now)
    settling.settle([person.pk], at=now)
    answer(asked(), "More benches, from nobody we know", name=f"Bob {WORD}")
    other = factories.ParticipantFactory(email=OTHER, name=f"Nan {WORD}", agreed=True)
    factories.ParticipantInterestFactory(participant=person, interest=topic)
    models.ParticipantName.objects.create(participant=person, name=f"A. {WORD}")
    models.ParticipantNote.objects.create(participant=person, text=f"Rang about {WORD}")
    delivery(person, now)
    report(now)
    batch = sheet(person, folder, now)
    settling.record(
        participant=person,
        purpose="invite",
        action="given",
        channel="import",
        batch_id=batch.pk,
        at=now - DAY,
    )
    pair = models.PossibleDuplicate.objects.create(first=person, second=other, hint="name")
    merging.merge(kept=person, merged=other, actor=None, at=now)
    choosing.ask_fresh(participant=person, at=now)
    mail = models.RegisterMail.objects.latest("pk")
    models.AddressChange.objects.create(
        participant=person, email=f"{WORD}.new@example.com", address_key="n@x", mail=mail
    )
    models.RightsRequest.objects.create(
        kind="access", participant=person, receipt={"note": f"letter of {WORD}"}
    )
    sending.work(at=now)
    return SimpleNamespace(person=person, other=other, response=first, batch=batch, pair=pair)


def confirm(now):
    """Let the worker mail, and press the button in the mail."""
    sending.work(at=now)
    mail = models.RegisterMail.objects.latest("pk")
    return registry.register(mail=mail, at=now)


def report(now):
    """What a provider reported and no worker has applied yet, so that it still holds the address."""
    event = AnymailTrackingEvent(
        event_type="complained", message_id="not ours", recipient=EMAIL, esp_event={"to": EMAIL}
    )
    receiving.store(event, provider="Postmark", at=now)


def delivery(person, now):
    mark, key_id = addresses.fingerprint(person.email)
    row = factories.DeliveryFactory(
        participant=person,
        accepted=True,
        fingerprint=mark,
        key_id=key_id,
        provider_id=f"<{WORD}@provider>",
        reason=f"550 {WORD} unknown",
    )
    made = {"purpose": Link.Purpose.LEAVE, "uuid": row.uuid, "participant_id": person.pk}
    links.issue([links.row(at=now, **made)])


def sheet(person, folder, now):
    """A stored sheet with two rows about the person, one of which nobody has decided."""
    (folder / "sheet").write_text(f"email,name\n{EMAIL.upper()},Ann {WORD}\n")
    batch = models.ImportBatch.objects.create(
        filename="contacts.csv",
        stored_as="sheet",
        sha256="0" * 64,
        status="finished",
        source="Parks list",
        words="Tell me about parks",
        attested_at=now,
    )
    facts = {"batch": batch, "values": {"0": EMAIL, "1": f"Ann {WORD}"}}
    models.ImportRow.objects.create(number=2, outcome="added", participant=person, **facts)
    models.ImportRow.objects.create(number=3, outcome="review", **facts)
    return batch


def everything_stored(folder):
    """Every cell of every table of the database, every file of the import folder, the cache."""
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names(cursor):
            cursor.execute(f'SELECT * FROM "{table}"')
            yield table, repr(cursor.fetchall())
    for path in folder.rglob("*"):
        yield path.name, path.read_bytes().decode("utf-8", "replace")
    yield "cache", repr(getattr(cache, "_cache", ""))


def trace_of(folder, *words):
    """The places where any of these words is still found."""
    return [
        place
        for place, text in everything_stored(folder)
        if any(word.lower() in text.lower() for word in words)
    ]


def tables_of_ours():
    return list(apps.get_app_config("wagtail_engagement").get_models())


def data_of(archive):
    return json.loads(archive.read("data.json"))
