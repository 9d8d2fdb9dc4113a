"""What `engagement_sanitise` does to each table, and which texts it leaves because they name nobody.

Every table has a line here, and every column that could hold words is either in its `texts` or
said to be `kept`. A new table, or a new column, fails a test until somebody has decided; the
command refuses a table that it does not know.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from django.db.models import Case, CharField, Exists, F, OuterRef, Q, Value, When
from django.db.models.functions import Cast, Concat

from ..consent.models import ConsentEvent, Suppression
from ..imports.models import ImportBatch
from ..invitations.models import Delivery, Invitation
from ..participants.places import Area

DOMAIN = "@example.invalid"  # RFC 2606: nobody can ever have an address there.
MADE_SAFE = "This copy was made safe"
TEXT = CharField()


def numbered(before: str, path: str = "pk", after: str = "") -> Any:
    """Words around a row's own number, or another's: `person-7@example.invalid`."""
    return Concat(Value(before), Cast(path, TEXT), Value(after))


def unless_ours(name: str, ours: list[str]) -> Any:
    """Empty what somebody typed or a server said; keep words of our own."""
    return Case(When(Q(**{f"{name}__in": ours}), then=F(name)), default=Value(""))


@dataclass(frozen=True)
class Mask:
    """What becomes of a table: all rows go, or some do and `texts` are put over the rest.

    `kept` are columns of words that name nobody. `others` are columns to set besides.
    """

    texts: dict[str, Any] = field(default_factory=dict)
    kept: tuple[str, ...] = ()
    others: dict[str, Any] = field(default_factory=dict)
    is_emptied: bool = False
    goes: Callable[[], Q] | None = None


GOES = Mask(is_emptied=True)
NO_LEASE: dict[str, Any] = {"lease_until": None}
UNSENT = Delivery.LIVE
ENDED = (Invitation.Status.DRAFT, Invitation.Status.STOPPED, Invitation.Status.FINISHED)
OVER = (ImportBatch.Status.FINISHED, ImportBatch.Status.UNDONE, ImportBatch.Status.FAILED)

PERSON = numbered("person-", after=DOMAIN)
KNOWN_AREA = Case(
    When(Exists(Area.objects.filter(name=OuterRef("area"))), then=F("area")), default=Value("")
)
THEIR_ADDRESS = Case(
    When(participant__isnull=False, then=numbered("person-", "participant_id", DOMAIN)),
    default=numbered("claim-", after=DOMAIN),
)

MASKS: dict[str, Mask] = {
    # People
    "Participant": Mask(
        texts={
            "address_key": PERSON,
            "email": PERSON,
            "name": numbered("Person "),
            "area": KNOWN_AREA,
        }
    ),
    "ParticipantName": GOES,
    "ParticipantNote": Mask(texts={"text": "A note of staff."}),
    "ParticipantInterest": Mask(),
    "PossibleDuplicate": Mask(),
    "Merge": Mask(kept=("moved",)),
    "AddressChange": GOES,
    "Link": GOES,
    "RegisterMail": GOES,
    "Claim": Mask(
        goes=lambda: Q(confirmed_at=None),  # They would be written to.
        texts={
            "address_key": THEIR_ADDRESS,
            "email": THEIR_ADDRESS,
            "name": "",
            "page_url": "",
        },
        kept=("purposes", "interest_ids", "inferred_ids", "source"),
    ),
    # What we may do
    "ConsentEvent": Mask(texts={"evidence": ""}),
    "ContactPermission": Mask(),
    "ConsentWording": Mask(kept=("language", "label", "hint")),
    "Suppression": Mask(
        texts={
            # Those of people who are here were put under their new addresses before.
            "source": Case(
                When(source__in=ConsentEvent.Channel.values, then=F("source")),
                When(source__regex=f"^{Suppression.SHEET}[0-9a-f-]{{36}}$", then=F("source")),
                default=Value(""),
            ),
        },
        kept=("fingerprint", "key_id"),
    ),
    "EngagementSettings": Mask(
        # What the council says in public; whoever decides there is staff.
        kept=(
            "about_us",
            "privacy_notice",
            "complaints",
            "other_ways",
            "organisation",
            "dpo",
            "processors",
            "basis_decided_by",
        ),
    ),
    # Asking
    "Consultation": Mask(kept=("title", "summary", "area", "form_page")),
    "NamedLink": Mask(kept=("name", "code")),
    "FormVersion": Mask(kept=("digest", "definition")),
    "ConsultationResponse": Mask(
        texts={"submission_hash": Concat(Value("safe:"), Cast("uuid", TEXT))},
        # Texts among the answers are emptied one by one, by the kind of the question.
        kept=("reference", "answers", "held_because", "route_key", "language"),
    ),
    "Answer": Mask(texts={"text": ""}, others={"date": None}, kept=("question_key", "option_key")),
    "ResponseContact": Mask(
        texts={
            "email": Case(
                When(email="", then=Value("")), default=numbered("answer-", after=DOMAIN)
            ),
            "name": Case(When(name="", then=Value("")), default=numbered("Respondent ")),
            "postcode": "",
        }
    ),
    "Interest": Mask(kept=("name", "slug", "description")),
    "Area": Mask(kept=("name", "code")),
    "Postcode": Mask(kept=("code",)),
    # Writing to people
    "Invitation": Mask(
        texts={
            "status_reason": Case(
                When(status__in=ENDED, then=Value("")), default=Value(f"{MADE_SAFE}.")
            ),
            "reminder_failed": "",
        },
        others={
            "status": Case(
                When(status__in=ENDED, then=F("status")),
                default=Value(Invitation.Status.STOPPED),
            ),
        },
        kept=(
            "code",
            "subject",
            "preheader",
            "opening",
            "exclusions",
            "audience_sentence",
            "rendered",
            "beyond_cap_reason",
            "asked_version",
            "acknowledged",
            "halted",
        ),
    ),
    "Delivery": Mask(
        texts={
            "reason": Case(
                When(state__in=UNSENT, then=Value(Delivery.Reason.STOPPED)),
                default=unless_ours("reason", Delivery.Reason.values),
            ),
            "owner": "",
            "fingerprint": "",
            "provider_id": "",
        },
        others={
            "state": Case(
                When(state__in=UNSENT, then=Value(Delivery.State.SKIPPED)), default=F("state")
            ),
            **NO_LEASE,
        },
        kept=("key_id", "bounce", "chosen"),
    ),
    "ProviderEvent": GOES,
    "Team": Mask(
        texts={
            "reply_to": numbered("team-", after=DOMAIN),
            "mailbox": numbered("team-", after=DOMAIN),
        },
        kept=("name", "sender_name"),
    ),
    "TeamNotice": GOES,
    "SendingLimit": GOES,
    "WorkerSign": GOES,
    # Bringing in
    "ImportBatch": Mask(
        texts={
            "status_reason": Case(
                When(status__in=OVER, then=Value("")), default=Value(f"{MADE_SAFE}.")
            ),
            "filename": numbered("sheet-", after=".csv"),
            "stored_as": "",
            "sha256": "",
            "sheet": "",
            "headers": [],
            "mapping": {},
            "interest_words": {},
            "form": {},
            "title": Case(When(title="", then=Value("")), default=numbered("Brought in ")),
            "source": numbered("List "),
            "words": "",
            "waits_for": "",
            "owner": "",
        },
        others={
            "status": Case(
                When(status__in=OVER, then=F("status")),
                default=Value(ImportBatch.Status.FAILED),
            ),
            **NO_LEASE,
        },
        kept=("encoding", "delimiter", "form_page", "totals"),
    ),
    "ImportRow": Mask(texts={"reason": "", "values": None, "repeats": None}),
    # Rights, and the register itself
    "RightsRequest": Mask(texts={"receipt": {}}, kept=("reference",)),
    "RetentionRun": Mask(kept=("counts",)),
    "Seal": Mask(kept=("host", "environment", "proof", "key_id", "journal")),
    "JournalEntry": GOES,
}
