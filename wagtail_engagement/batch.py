"""Many people in one call to a mail provider, each with a message of their own.

One message to several people shows everybody's address to all of them, unless the provider makes
one of it for each. So a call goes out only to a provider of which that is known, and only after
what is about to be sent was read again: whatever differs from what it should say takes the call
apart, and its people get one message each.

What is merged is letters, digits, "-" and "_", which mean nothing in HTML or to any provider. A
letter in which a provider would find fields of its own is not merged at all.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from . import conf, mail
from .mail import EngagementMessage, Receipt, Verdict

_HARMLESS = re.compile(r"[A-Za-z0-9_-]+")
TAKEN = {"sent", "queued"}


@dataclass(frozen=True)
class Person:
    """What only one person's message says, beside the address that it goes to."""

    to: str
    fields: dict[str, str]
    headers: dict[str, str]
    metadata: dict[str, str]


@dataclass(frozen=True)
class Provider:
    """How one provider merges, and how many people it takes at once."""

    most: int
    hole: str  # What stands in a text for the field of a name.
    foreign: str  # With this in it, in any case, a letter would be merged with more than is ours.
    tells_apart: Callable[[dict[str, Any], list[Person]], bool]
    extra: dict[str, Any] = field(default_factory=dict)  # For anymail's `esp_extra`.


@dataclass(frozen=True)
class Batch:
    """One letter with holes, whose fields have names that no text holds by chance."""

    message: EngagementMessage
    people: list[Person]


def provider() -> Provider | None:
    """The provider that this site's mail goes through in batches; None for one by one."""
    if not conf.batch_calls():
        return None
    return PROVIDERS.get(provider_name())


def provider_name() -> str:
    """The backend's own name for its provider, "" for what is not one of anymail's."""
    path = mail.backend_path()
    is_known = path.startswith("anymail.backends.")
    return path.removeprefix("anymail.backends.").partition(".")[0] if is_known else ""


def most() -> int:
    """How many people one call carries on this site: never more than may be in doubt; 1 for no batch."""
    found = provider()
    return min(conf.in_doubt(), found.most) if found else 1


def merged(message: EngagementMessage, marks: dict[str, str]) -> EngagementMessage | None:
    """Turn the marks in a letter, by name of field, into the holes of the provider.

    None where there is no provider to merge it, or it would merge more than that.
    """
    found = provider()
    if found is None:
        return None
    html = str(message.alternatives[0][0])
    said = [message.subject, message.body, html, message.from_email, *message.reply_to]
    if found.foreign and found.foreign in "\n".join(map(str, said)).lower():
        return None
    for name, mark in marks.items():
        hole = found.hole.format(name)
        message.body = str(message.body).replace(mark, hole)
        html = html.replace(mark, hole)
    message.alternatives = []
    message.attach_alternative(html, "text/html")
    return message


def hand_over(backend: Any, batch: Batch) -> list[Receipt] | None:
    """Give one call for many people to the provider; return what is known of each.

    None where nothing left and the people have to be told apart first: the call could not be
    proved to be safe, or was refused as a whole, which one address among them may have done.
    """
    message: Any = batch.message
    people = batch.people
    message.to = [person.to for person in people]
    message.extra_headers = {}
    message.merge_data = {person.to: person.fields for person in people}
    message.merge_headers = {person.to: person.headers for person in people}
    message.merge_metadata = {person.to: person.metadata for person in people}
    if not is_safe(backend, batch):
        return None
    error: Exception | None = None
    try:
        backend.send_messages([message])
    except Exception as raised:  # noqa: BLE001  Whatever a backend raises, rows must be settled.
        error = raised
    found = getattr(getattr(message, "anymail_status", None), "recipients", {})
    if found:
        return [_receipt(found.get(person.to)) for person in people]
    if error is None:
        return None  # A receiver of anymail's signal called it off.
    verdict = mail.verdict_of(error)
    if verdict == Verdict.REFUSED:
        return None
    return [Receipt(verdict, reason=mail.scrub(error))] * len(people)


def is_safe(backend: Any, batch: Batch) -> bool:
    """Whether what would be sent says to each of these people what is theirs, and to nobody more."""
    found = provider()
    people = batch.people
    if found is None or len({person.to.lower() for person in people}) != len(people):
        return False
    if not all(_HARMLESS.fullmatch(text) for one in people for text in one.fields.values()):
        return False
    message: Any = batch.message
    message.esp_extra = dict(found.extra)
    try:
        payload = backend.build_message_payload(message, backend.send_defaults)
        sent = payload.get_request_params(backend.api_url)
        return bool(payload.is_batch()) and found.tells_apart(sent, people)
    except Exception:  # noqa: BLE001  What cannot be written is not proved; one by one says why.
        return False


def _receipt(status: Any) -> Receipt:
    """What the provider said of one person; who is missing may or may not get a message."""
    said = getattr(status, "status", None)
    if said in TAKEN:
        return Receipt(Verdict.ACCEPTED, provider_id=str(status.message_id or "")[:255])
    verdict = Verdict.REFUSED if said in mail.NOT_TAKEN else Verdict.UNKNOWN
    return Receipt(verdict, reason=f"the provider said: {said if status else 'nothing'}")


# What each provider is sent, and what it has to say


def _by_variables(sent: dict[str, Any], people: list[Person]) -> bool:
    """Mailgun: one list of people, and what is to be merged for every one of them."""
    data = sent["data"]
    theirs = {
        person.to: {
            **person.fields,
            **{f"h:{name.title()}": value for name, value in person.headers.items()},
            **{f"v:{name}": value for name, value in person.metadata.items()},
        }
        for person in people
    }
    is_alone = not {"cc", "bcc"} & set(data) and data["to"] == list(theirs)
    return is_alone and json.loads(data["recipient-variables"]) == theirs


def _by_personalization(sent: dict[str, Any], people: list[Person]) -> bool:
    """SendGrid: a part for each person, with their address alone."""
    parts = json.loads(sent["data"])["personalizations"]
    for part in parts:
        part["custom_args"].pop("anymail_id", None)
    return bool(
        parts
        == [
            {
                "to": [{"email": person.to}],
                "substitutions": {f"-{name}-": text for name, text in person.fields.items()},
                "headers": person.headers,
                "custom_args": person.metadata,
            }
            for person in people
        ]
    )


def _by_message(sent: dict[str, Any], people: list[Person]) -> bool:
    """Mailjet: a message for each person, and what they share beside them."""
    data = json.loads(sent["data"])
    parts = data["Messages"]
    for part in parts:
        part["EventPayload"] = json.loads(part["EventPayload"])
    theirs = [
        {
            "To": [{"Email": person.to}],
            "Variables": person.fields,
            "Headers": person.headers,
            "EventPayload": person.metadata,
        }
        for person in people
    ]
    return parts == theirs and not {"Cc", "Bcc", "To"} & set(data["Globals"])


# By anymail's name. Left out are those whose texts only a template kept there can merge (Amazon
# SES, Brevo, Mailtrap, Postmark, Resend), and those that have no headers for one person, or
# replace ours (MailerSend, Mandrill, SparkPost, Unisender Go).
PROVIDERS = {
    "mailgun": Provider(1000, "%recipient.{}%", "%recipient", _by_variables),
    "sendgrid": Provider(
        1000, "-{}-", "", _by_personalization, extra={"merge_field_format": "-{}-"}
    ),
    "mailjet": Provider(50, "[[var:{}]]", "[[", _by_message),
}
