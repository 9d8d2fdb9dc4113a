"""The other basis: people are told instead of asked, and can say no (Settled 3)."""

import datetime

import pytest
from django.core.exceptions import ValidationError
from django.utils import timezone
from wagtail.models import Site

from tests import factories
from tests.site import add_consultation, form_data
from wagtail_engagement.consent import barring, settling
from wagtail_engagement.models import Claim, ConsentEvent, ConsentWording, EngagementSettings
from wagtail_engagement.participants import registry

pytestmark = pytest.mark.django_db


@pytest.fixture
def told():
    return ConsentWording.objects.create(
        purpose="invite",
        basis="public_task",
        label="Do not invite me to other consultations",
        hint="We tell people who answer about other consultations, as our public task.",
    )


@pytest.fixture
def decision():
    return EngagementSettings.objects.create(
        site=Site.objects.get(is_default_site=True),
        invite_basis="public_task",
        basis_decided_by="A. Head of Engagement",
        basis_decided_on=datetime.date(2026, 11, 2),
    )


def answer(client, **data):
    page = add_consultation()
    sent = form_data(client, page, email="ann@example.com", **data)
    client.post(page.url, sent)
    return Claim.objects.first()


def test_a_decision_without_a_name_is_none(decision):
    decision.basis_decided_by = ""
    assert not decision.is_public_task
    with pytest.raises(ValidationError):
        decision.clean()


def test_switching_the_basis_makes_nobody_mailable(told, decision):
    person = factories.ParticipantFactory()
    settling.settle([person.pk], at=timezone.now())
    assert not person.permissions.filter(may_write=True).exists()


def test_confirming_after_being_told_is_informed_and_never_given(told):
    claim = factories.ClaimFactory(mailed=True, purposes={"invite": told.pk})
    registry.register(mail=claim.mail, at=timezone.now())
    event = ConsentEvent.objects.get()
    assert (event.action, event.wording) == ("informed", told)


def test_being_told_lifts_nothing_that_somebody_asked_for(told):
    claim = factories.ClaimFactory(mailed=True, purposes={"invite": told.pk})
    barring.suppress(address=claim.email, reason="objected", at=timezone.now())
    person = registry.register(mail=claim.mail, at=timezone.now())
    assert person.permissions.get().reason == "stopped"


def test_a_form_asks_for_consent_until_the_words_and_the_decision_are_there(client, told):
    page = add_consultation().url
    assert told.label not in client.get(page).content.decode()


def test_whoever_was_told_and_does_not_refuse_is_asked_to_confirm(client, told, decision):
    assert answer(client).purposes["invite"] == told.pk


def test_whoever_refuses_is_left_alone(client, told, decision):
    assert answer(client, no_invite="on") is None


def test_without_an_address_nobody_is_told_anything(client, told, decision):
    page = add_consultation()
    client.post(page.url, form_data(client, page))
    assert not Claim.objects.exists()


def test_the_box_for_saying_no_is_not_ticked(client, told, decision):
    form = client.get(add_consultation().url).context["form"]
    assert form["no_invite"].label == told.label and not form["no_invite"].value()
