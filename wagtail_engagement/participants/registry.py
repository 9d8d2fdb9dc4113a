"""The register's rules: who claims to be whom, who comes in, and what ends by itself."""

from __future__ import annotations

import datetime
from functools import partial
from typing import Any, NotRequired, TypedDict, Unpack

from django.db import IntegrityError, transaction
from django.db.models import BigIntegerField, Exists, OuterRef, Q, QuerySet, Subquery
from django.db.models.fields.json import KeyTextTransform
from django.db.models.functions import Cast

from .. import addresses, signals
from ..consent import settling
from ..consent.models import ConsentEvent, ConsentWording, LawfulBasis, Purpose
from . import links
from .models import Claim, Interest, Link, Participant, ParticipantInterest, RegisterMail

Action = ConsentEvent.Action
Channel = ConsentEvent.Channel
Origin = ParticipantInterest.Origin

DAY = datetime.timedelta(days=1)
RESULT_KEPT = datetime.timedelta(days=30)
LEDGER_KEPT = datetime.timedelta(days=30)


class NothingToConfirm(Exception):
    """Nothing in the mail waits to be confirmed: it was confirmed before, or its time is over."""


class _TakenMeanwhile(Exception):
    """What was read a moment ago waits no longer."""


# Claims


class ClaimFacts(TypedDict):
    """What a form says beside an address. `purposes` maps each tick to the wording shown."""

    name: str
    purposes: dict[str, int]
    interest_ids: list[int]
    inferred_ids: list[int]
    consultation: Any
    page_url: str
    source: NotRequired[str]
    invite_until: datetime.datetime
    result_until: datetime.datetime | None
    held_until: datetime.datetime | None


def make_claim(*, email: str, at: datetime.datetime, **facts: Unpack[ClaimFacts]) -> Claim:
    """Note what somebody says about a cleaned address, in one statement whoever it is (S04)."""
    claim = Claim(email=email, address_key=addresses.key(email), created_at=at, **facts)
    claim.save(force_insert=True)
    return claim


def release_claim(claim_id: int) -> None:
    """Let a held claim's mail go."""
    Claim.objects.pending().filter(pk=claim_id).update(held_until=None)


def drop_claim(claim_id: int) -> None:
    """Forget a claim that nobody confirmed; what came with it stays, without it."""
    Claim.objects.pending().filter(pk=claim_id).delete()


def end_wishes_for_result(*, consultation_id: int, at: datetime.datetime) -> None:
    """Let unconfirmed wishes to hear a result end 30 days after it is published (Settled 2)."""
    end = at + RESULT_KEPT
    waiting = Claim.objects.pending().filter(consultation=consultation_id, result_until__gt=end)
    waiting.update(result_until=end)


def granted_by(claim: Claim, *, at: datetime.datetime) -> dict[str, int]:
    """Return the purposes of a claim that can still be confirmed, with their wordings."""
    ends = {Purpose.INVITE: claim.invite_until, Purpose.RESULT: claim.result_until}
    return {
        purpose: wording_id
        for purpose, wording_id in claim.purposes.items()
        if (ends[Purpose(purpose)] or at + DAY) > at
        and (purpose != Purpose.RESULT or claim.consultation_id)
    }


def register(*, mail: RegisterMail, at: datetime.datetime) -> Participant:
    """Confirm exactly what one mail listed, and return its person.

    Somebody with two addresses is one person under either of them.
    Finds or makes the person by address, and never overwrites an address or a name that is
    there. Raises NothingToConfirm. Costs the same statements for any number of claims and
    interests.
    """
    try:
        return _register(mail, at)
    except (_TakenMeanwhile, IntegrityError):
        # Somebody pressed twice, or confirmed another mail to the same new address.
        return _register(mail, at)


@transaction.atomic
def _register(mail: RegisterMail, at: datetime.datetime) -> Participant:
    granted = _granted(mail, at)
    claims = list(granted)
    # People before claims, as erasure does, so that the two do not wait for each other.
    person, is_new = _find(claims, at) or (_make(claims, at), True)
    _take(claims, person.pk, at)
    _responses_of(claims).update(participant_id=person.pk)
    _keep_links(mail, person.pk, at)
    _keep_interests([c for c in claims if Purpose.INVITE in granted[c]], person.pk, at)
    events = [
        _agreed(claim, purpose, wording_id, person.pk, at)
        for claim, given in granted.items()
        for purpose, wording_id in given.items()
    ]
    if is_new:
        settling.give_first(person=person, events=events, at=at)
    else:
        settling.give_locked(person=person, events=events, is_proven=True, at=at)
    _tell(person, claims)
    return person


@transaction.atomic
def not_me(*, mail: RegisterMail, at: datetime.datetime) -> None:
    """Delete what one mail listed. Responses stay, without the address that somebody else typed."""
    claims = list(mail.claims.pending().select_for_update())
    responses = _responses_of(claims)
    contacts: Any = responses.model._meta.get_field("contact").related_model
    contacts.objects.filter(response__in=responses).delete()
    Claim.objects.filter(pk__in=[claim.pk for claim in claims]).delete()
    _links_of(mail).update(used_at=at)


def _granted(mail: RegisterMail, at: datetime.datetime) -> dict[Claim, dict[str, int]]:
    """What of a mail can still be confirmed, read without a lock: `_take` notices a change."""
    known = Participant.objects.filter(address_key=OuterRef("address_key"))
    pending = mail.claims.pending().select_related("consultation").order_by("created_at", "id")
    rows: Any = pending.annotate(
        is_known=Exists(known), **{_basis_of(purpose): _basis(purpose) for purpose in Purpose}
    )
    granted = {claim: given for claim in rows if (given := granted_by(claim, at=at))}
    if not granted:
        raise NothingToConfirm
    return granted


def _basis_of(purpose: str) -> str:
    return f"{purpose}_basis"


def _basis(purpose: str) -> Subquery:
    """Whether the words that a claim was shown asked people something or told them."""
    shown = Cast(KeyTextTransform(str(purpose), OuterRef("purposes")), BigIntegerField())
    return Subquery(ConsentWording.objects.filter(pk=shown).values("basis"))


def _find(claims: list[Any], at: datetime.datetime) -> tuple[Participant, bool] | None:
    """Lock the person with the claims' address, and note that it was confirmed."""
    key = claims[-1].address_key
    family = settling.locked_whole(address_key=key) if claims[-1].is_known else []
    named = next((record for record in family if record.address_key == key), None)
    if named is None:
        return None
    standing = settling.standing_for(named.pk, family)
    person = next(record for record in family if record.pk == standing)
    named.confirmed_at = at
    person.name = person.name or _agreed_name(claims)
    for record in {named, person}:
        record.save(update_fields=["name", "confirmed_at"])
    return person, False


def _make(claims: list[Claim], at: datetime.datetime) -> Participant:
    newest = claims[-1]
    return Participant.objects.bulk_create(
        [
            Participant(
                address_key=newest.address_key,
                email=newest.email,
                name=_agreed_name(claims),
                joined_at=at,
                confirmed_at=at,
            )
        ]
    )[0]


def _take(claims: list[Claim], person_id: int, at: datetime.datetime) -> None:
    """Confirm the claims, unless somebody else did so, or took one back, since they were read."""
    rows = Claim.objects.pending().filter(pk__in=[claim.pk for claim in claims])
    if rows.update(participant_id=person_id, confirmed_at=at) < len(claims):
        raise _TakenMeanwhile


def _agreed_name(claims: list[Claim]) -> str:
    """The name that all forms give: of several, one may be somebody else's joke."""
    names = {claim.name for claim in claims if claim.name}
    return names.pop() if len(names) == 1 else ""


def _responses_of(claims: list[Claim]) -> Any:
    """Responses that came with the claims, by the reverse relation: their part is above ours."""
    responses: Any = Claim._meta.get_field("responses").related_model
    return responses.objects.filter(claim__in=[claim.pk for claim in claims])


def _links_of(mail: RegisterMail) -> Any:
    hashes = [
        links.fingerprint(links.token(purpose=purpose, uuid=mail.uuid, key_id=mail.key_id))
        for purpose in (Link.Purpose.CONFIRM, Link.Purpose.CHOICES)
    ]
    return Link.objects.filter(token_hash__in=hashes)


def _keep_links(mail: RegisterMail, person_id: int, at: datetime.datetime) -> None:
    """Let the mail's links work on: to say that all is confirmed, and to show the choices."""
    _links_of(mail).update(participant_id=person_id, used_at=at, expires_at=None)


def _place(claim: Claim) -> int | None:
    """Where something was ticked; of a sensitive consultation that is kept nowhere."""
    sensitive = claim.consultation and claim.consultation.is_sensitive
    return None if sensitive else claim.consultation_id


def _agreed(
    claim: Any, purpose: str, wording_id: int, person_id: int, at: datetime.datetime
) -> ConsentEvent:
    about = claim.consultation_id if purpose == Purpose.RESULT else _place(claim)
    is_told = getattr(claim, _basis_of(purpose)) == LawfulBasis.PUBLIC_TASK
    return ConsentEvent(
        participant_id=person_id,
        purpose=purpose,
        action=Action.INFORMED if is_told else Action.GIVEN,
        channel=Channel.FORM,
        consultation_id=about,
        wording_id=wording_id,
        evidence=", ".join(filter(None, [f"claim {claim.uuid}", claim.source])),
        at=at,
    )


def _tell(person: Participant, claims: list[Claim]) -> None:
    send = partial(
        signals.participant_confirmed.send_robust,
        sender=Participant,
        participant=person,
        claims=claims,
    )
    transaction.on_commit(send, robust=True)


# Interests


def _keep_interests(claims: list[Claim], person_id: int, at: datetime.datetime) -> None:
    """Keep what was ticked and what taking part shows; taking part never brings back a topic."""
    ticked = {pk: _place(claim) for claim in claims for pk in claim.interest_ids}
    shown = {pk: _place(claim) for claim in claims for pk in claim.inferred_ids}
    declare(ticked, person_id, at, inferred=shown)


def declare(
    ticked: dict[int, int | None],
    person_id: int,
    at: datetime.datetime,
    inferred: dict[int, int | None] | None = None,
) -> None:
    """Write interests, each with the place it comes from. Merged ones become what they are now."""
    known = Interest.objects.filter(pk__in={*ticked, *(inferred or {})})
    now = {pk: merged_id or pk for pk, merged_id in known.values_list("pk", "merged_into")}
    declared = {now[pk]: place for pk, place in ticked.items() if pk in now}
    shown = {now[pk]: place for pk, place in (inferred or {}).items() if pk in now}
    for rows, origin, renewed in (
        (declared, Origin.DECLARED, ["origin", "renewed_at", "removed_at"]),
        ({pk: shown[pk] for pk in shown.keys() - declared.keys()}, Origin.INFERRED, ["renewed_at"]),
    ):
        ParticipantInterest.objects.bulk_create(
            [
                ParticipantInterest(
                    participant_id=person_id,
                    interest_id=pk,
                    origin=origin,
                    consultation_id=place,
                    since=at,
                    renewed_at=at,
                )
                for pk, place in sorted(rows.items())
            ],
            update_conflicts=True,
            unique_fields=["participant", "interest"],
            update_fields=renewed,
        )


# The end of what waits


# Claims of which a wish to hear a result is not, or no longer, part.
NO_RESULT = ~Q(purposes__has_key=Purpose.RESULT) | Q(consultation=None)


def over(*, at: datetime.datetime) -> QuerySet[Claim]:
    """Claims that end, in whole or in half, for nobody confirmed them in time."""
    late = Claim.objects.pending().filter(invite_until__lte=at)
    halved = Q(purposes__has_key=Purpose.INVITE)
    return late.filter(NO_RESULT | Q(result_until__lte=at) | halved)


@transaction.atomic
def expire(*, at: datetime.datetime) -> int:
    """End claims, ledger rows and links whose time is over; return how many claims ended."""
    late = over(at=at)
    ended = late.filter(NO_RESULT | Q(result_until__lte=at))
    count: int = ended.delete()[1].get(Claim._meta.label, 0)
    halved = list(late.filter(purposes__has_key=Purpose.INVITE))
    for claim in halved:
        del claim.purposes[Purpose.INVITE]
        claim.interest_ids = claim.inferred_ids = []
    Claim.objects.bulk_update(halved, ["purposes", "interest_ids", "inferred_ids"], batch_size=500)
    waiting = Claim.objects.pending().filter(mail=OuterRef("pk"))
    RegisterMail.objects.filter(~Exists(waiting), at__lte=at - LEDGER_KEPT).delete()
    Link.objects.filter(expires_at__lte=at).delete()
    return count + len(halved)
