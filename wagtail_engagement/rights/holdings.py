"""Where the register holds people: one declaration for each table, for access and for erasure.

A table that is in neither list here fails a test, so that nothing new is forgotten.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import Any

from django.db.models import Case, CharField, F, Model, Q, QuerySet, Value, When
from django.db.models.functions import Cast, Concat
from django.utils.translation import gettext_lazy as _

from ..consent.models import ConsentEvent, ContactPermission, Suppression
from ..consent.queries import learned
from ..consultations.models import Answer, ConsultationResponse, ResponseContact
from ..consultations.questions import Definition
from ..imports.models import ImportRow
from ..invitations.affinity import in_words
from ..invitations.events import ProviderEvent
from ..invitations.models import Delivery
from ..participants.details import ParticipantName, ParticipantNote
from ..participants.merges import AddressChange, Merge, PossibleDuplicate
from ..participants.models import Claim, Link, Participant, ParticipantInterest, RegisterMail
from ..participants.queries import told
from . import tracing
from .models import RightsRequest
from .tracing import Whom


class Fate(Enum):
    """What erasure does to the rows of a table."""

    GOES = "goes"
    CUT = "cut"  # The row stays for its counts, without anything of the person.
    STAYS = "stays"


@dataclass(frozen=True)
class Holding:
    """How one table holds people.

    `find` names their rows, `fate` what erasure does to them and `cut` what it empties. `shown`
    are the columns of a copy of somebody's data: a heading, and a path or a function of the row.
    """

    model: type[Model]
    heading: Any
    find: Callable[[Whom], Q]
    fate: Fate
    shown: tuple[tuple[Any, str | Callable[[Any], Any]], ...]
    cut: dict[str, Any] | None = None
    related: tuple[str, ...] = ()

    def rows(self, them: Whom) -> QuerySet[Any]:
        return self.model._base_manager.filter(self.find(them))

    def to_show(self, them: Whom) -> QuerySet[Any]:
        return self.rows(them).select_related(*self.related).order_by("pk")


def _display(name: str) -> str:
    return f"get_{name}_display"


def staff(row: Any) -> str:
    """Who of the council it was is not the person's data."""
    return str(_("staff"))


def words_shown(event: ConsentEvent) -> str:
    """The very words that stood beside a box, or on the sheet that somebody came with."""
    if event.wording:
        return "\n".join(filter(None, [event.wording.label, event.wording.hint]))
    return event.batch.words if event.batch else ""


def said(response: ConsultationResponse) -> list[list[str]]:
    """Each question with its answer in words, sensitive ones too: they are the person's own."""
    definition = Definition(response.form_version.definition)
    return [list(pair) for pair in definition.readable(response.answers)]


def sheet(row: Any) -> str:
    """The spreadsheet that something comes from, and when it was collected."""
    return row.batch.from_where() if row.batch else ""


# What a mail server said may name somebody; our own reasons do not.
UNSENT = Q(state__in=[Delivery.State.PENDING, Delivery.State.LEASED])
ERASED_REASON = Case(
    When(UNSENT, then=Value(Delivery.Reason.ERASED)),
    When(reason__in=Delivery.Reason.values, then=F("reason")),
    default=Value(""),
)
SHEET = (_("From the spreadsheet"), sheet)
SINCE = (_("Since"), "since")

# In the order in which erasure goes through them: what points before what is pointed at.
HOLDINGS: tuple[Holding, ...] = (
    Holding(
        Answer,
        _("Single answers"),
        lambda them: Q(response__participant__in=them.ids),
        Fate.STAYS,  # It goes or stays with its response.
        (),  # Shown with its response.
    ),
    Holding(
        ResponseContact,
        _("Contact details given with an answer"),
        tracing.contacts_of,
        Fate.GOES,
        (
            (_("Reference of the answer"), "response.reference"),
            (_("Email address"), "email"),
            (_("Name"), "name"),
            (_("Postcode"), "postcode"),
        ),
        related=("response",),
    ),
    Holding(
        ConsultationResponse,
        _("Answers to consultations"),
        tracing.of_person,
        Fate.CUT,
        (
            (_("Consultation"), "consultation.title"),
            (_("Reference"), "reference"),
            (_("Received"), "submitted_at"),
            (_("Status"), _display("status")),
            (_("Held because"), "held_because"),
            (_("Arrived by"), _display("route")),
            (_("Language"), "language"),
            (_("Answers"), said),
        ),
        cut={
            "participant": None,
            "claim": None,
            # It was made from the address among others; nobody presses that button again.
            "submission_hash": Concat(Value("cut:"), Cast(F("uuid"), CharField())),
        },
        related=("consultation", "form_version"),
    ),
    Holding(
        Claim,
        _("What was ticked on forms"),
        tracing.claims_of,
        Fate.GOES,
        (
            (_("Email address"), "email"),
            (_("Name"), "name"),
            (_("Ticked"), lambda row: sorted(row.purposes)),
            (_("Consultation"), "consultation.title"),
            (_("Page"), "page_url"),
            (_("Typed in by staff from"), "source"),
            (_("When"), "created_at"),
            (_("Confirmed"), "confirmed_at"),
            (_("Invitations end unless confirmed"), "invite_until"),
            (_("Results end unless confirmed"), "result_until"),
        ),
        related=("consultation",),
    ),
    Holding(
        AddressChange,
        _("Changes of address"),
        tracing.moves_of,
        Fate.GOES,
        (
            (_("Address that was asked for, or left"), "email"),
            (_("Asked"), "asked_at"),
            (_("Confirmed"), "confirmed_at"),
        ),
    ),
    Holding(
        Link,
        _("Links that we mailed"),
        tracing.links_of,
        Fate.GOES,
        (
            (_("For"), _display("purpose")),
            (_("Made"), "created_at"),
            (_("Ends"), "expires_at"),
            (_("Used"), "used_at"),
        ),
    ),
    Holding(
        RegisterMail,
        _("Emails about the register itself"),
        tracing.mails_to,
        Fate.GOES,
        (
            (_("What it does"), _display("kind")),
            (_("State"), _display("state")),
            (_("When"), "at"),
        ),
    ),
    Holding(
        ProviderEvent,
        _("What the mail provider reported"),
        tracing.events_of,
        Fate.GOES,
        (
            (_("Provider"), "provider"),
            (_("What it says"), _display("kind")),
            (_("When"), "received_at"),
        ),
    ),
    Holding(
        Delivery,
        _("Invitations"),
        tracing.of_person,
        Fate.CUT,
        (
            (_("Subject"), "invitation.subject"),
            (_("Consultation"), "invitation.consultation.title"),
            (_("State"), _display("state")),
            (_("Reason"), "why"),
            (_("How chosen"), lambda row: in_words(row.chosen)),
            (_("In a summary"), "in_summary"),
            (_("Somebody answered from it"), "has_answered"),
            (_("When"), "handed_at"),
        ),
        cut={
            "participant": None,
            "carried_by": None,
            "chosen": "",
            "fingerprint": "",
            "key_id": "",
            "provider_id": "",
            "reason": ERASED_REASON,
            "state": Case(When(UNSENT, then=Value(Delivery.State.SKIPPED)), default=F("state")),
        },
        related=("invitation__consultation",),
    ),
    Holding(
        ParticipantInterest,
        _("Interests"),
        tracing.of_person,
        Fate.GOES,
        (
            (_("Interest"), "interest.name"),
            (_("How we know"), told),
            (_("From the consultation"), "consultation.title"),
            SINCE,
            (_("Renewed"), "renewed_at"),
            (_("Taken away"), "removed_at"),
        ),
        related=("interest", "consultation", "batch"),
    ),
    Holding(
        ParticipantName,
        _("Names on record"),
        tracing.of_person,
        Fate.GOES,
        ((_("Name"), "name"), SINCE, SHEET),
        related=("batch",),
    ),
    Holding(
        ParticipantNote,
        _("Notes of staff"),
        tracing.of_person,
        Fate.GOES,
        ((_("Note"), "text"), (_("Written"), "at"), (_("By"), staff), SHEET),
        related=("batch",),
    ),
    Holding(
        ConsentEvent,
        _("What was agreed to and withdrawn"),
        tracing.of_person,
        Fate.GOES,
        (
            (_("Purpose"), _display("purpose")),
            (_("What"), _display("action")),
            (_("How"), _display("channel")),
            (_("When"), "at"),
            (_("Until"), "until"),
            (_("Consultation"), "consultation.title"),
            (_("Words that were shown"), words_shown),
            SHEET,
            (_("Proof"), "evidence"),
        ),
        related=("consultation", "wording", "batch"),
    ),
    Holding(
        ContactPermission,
        _("What we may write today"),
        tracing.of_person,
        Fate.GOES,
        (
            (_("Purpose"), _display("purpose")),
            (_("Consultation"), "consultation.title"),
            (_("May we write?"), "may_write"),
            (_("Because"), _display("reason")),
            (_("By your own agreement"), "is_by_consent"),
            SINCE,
            (_("Looked at again"), "recheck_at"),
        ),
        related=("consultation",),
    ),
    Holding(
        ImportRow,
        _("Rows of spreadsheets"),
        tracing.rows_of_sheets,
        Fate.CUT,
        (
            (_("From the spreadsheet"), "batch.source"),
            (_("File"), "batch.filename"),
            (_("Collected from"), "batch.collected_from"),
            (_("Collected until"), "batch.collected_to"),
            (_("Row"), "number"),
            (_("What became of it"), _display("outcome")),
            (_("Reason"), "reason"),
            (_("Cells"), "values"),
            (_("Names that were here before"), lambda row: (row.repeats or {}).get("names", [])),
        ),
        cut={"participant": None, "values": None, "repeats": None},
        related=("batch",),
    ),
    Holding(
        PossibleDuplicate,
        _("Records that may be the same person"),
        tracing.pairs_of,
        Fate.GOES,
        (
            (_("Why"), _display("hint")),
            (_("State"), _display("state")),
            (_("Found"), "found_at"),
            (_("Decided"), "decided_at"),
        ),
    ),
    Holding(
        Merge,
        _("Records that were made one"),
        tracing.merges_of,
        Fate.GOES,
        ((_("When"), "at"), (_("By"), staff), (_("Taken back"), "undone_at")),
    ),
    Holding(
        RightsRequest,
        _("Requests about this data"),
        tracing.of_person,
        Fate.CUT,
        (
            (_("Reference"), "reference"),
            (_("Asks for"), _display("kind")),
            (_("State"), _display("state")),
            (_("Identity checked"), _display("identity")),
            (_("Asked"), "asked_at"),
            (_("Answer by"), "due_at"),
            (_("Closed"), "closed_at"),
            (_("What was noted"), lambda row: row.receipt.get("note", "")),
        ),
        cut={"participant": None, "receipt": {}},
    ),
    Holding(
        Suppression,
        _("Do not contact"),
        lambda them: Q(fingerprint__in=them.marks),
        Fate.STAYS,  # Only its keyed hash is left, which keeps us from writing again.
        (
            (_("Purpose"), _display("purpose")),
            (_("Reason"), _display("reason")),
            (_("How we learned it"), lambda row: learned([row])[row.source]),
            (_("Since"), "at"),
        ),
    ),
    Holding(
        Participant,
        _("Your record in the register"),
        lambda them: Q(pk__in=them.ids),
        Fate.GOES,
        (
            (_("Email address"), "email"),
            (_("Name"), "name"),
            (_("Kind"), _display("kind")),
            (_("Area"), "area"),
            (_("Must be notified"), "must_be_notified"),
            (_("Joined"), "joined_at"),
            (_("Last confirmed"), "confirmed_at"),
            SHEET,
            (_("Invitations together since"), "summaries_since"),
            (_("Kept until"), "kept_until"),
        ),
        related=("batch",),
    ),
)
