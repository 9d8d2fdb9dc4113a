"""A council with one of everything, and one person for each role."""

from io import StringIO
from types import SimpleNamespace

import pytest
from django.contrib.auth.models import Group, Permission
from django.core.cache import cache
from django.core.management import call_command
from django.test import Client
from django.utils import timezone
from wagtail.models import GroupPagePermission

from tests.site import DAY, EVERY_ANSWER, add_consultation, add_index, form_data
from wagtail_engagement import addresses
from wagtail_engagement.models import (
    Claim,
    ConsentEvent,
    ConsentWording,
    ConsultationResponse,
    ContactPermission,
    Delivery,
    Interest,
    Invitation,
    Participant,
    Suppression,
)

GROUPS = {
    "lead": "Engagement lead",
    "analyst": "Engagement analyst",
    "steward": "Register steward",
    "all_in_one": "Engagement all-in-one",
    "editor": "Editors",
}
ROLES = ["anonymous", "plain", *GROUPS, "superuser"]
ADDRESS = "ann.canary@example.com"


@pytest.fixture(autouse=True)
def a_patient_site(settings):
    settings.WAGTAIL_ENGAGEMENT_QUICKEST_ANSWER = 0
    cache.clear()


def answer(page, **more):
    Client().post(page.url, form_data(Client(), page, **{**EVERY_ANSWER, **more}))
    return ConsultationResponse.objects.latest("id")


@pytest.fixture
def council(db):
    """Own is a consultation of a section that the roles may edit; foreign is none of theirs."""
    section = add_index()
    own = add_consultation(parent=section, title="Own park", ask_name="optional")
    foreign = add_consultation(title="Foreign park")
    for page in (own, foreign):
        answer(page)
    person = Participant.objects.create(
        email=ADDRESS, address_key=addresses.key(ADDRESS), name="Ann Canary"
    )
    return SimpleNamespace(section=section, own=own, foreign=foreign, person=person)


@pytest.fixture
def full_council(council):
    """The council with a history, for screens that show one."""
    now, person, consultation = timezone.now(), council.person, council.own.consultation
    ConsentEvent(participant=person, purpose="invite", action="given", channel="form").save()
    ContactPermission.objects.create(
        participant=person, purpose="invite", may_write=True, reason="granted", since=now
    )
    council.interest = Interest.objects.create(name="Cycling")
    council.invitation = Invitation.objects.create(consultation=consultation, subject="Come")
    council.delivery = Delivery.objects.create(
        invitation=council.invitation, participant=person, state="accepted", handed_at=now
    )
    council.claim = Claim.objects.create(
        address_key="bob@example.com",
        email="bob@example.com",
        purposes={"invite": 1},
        invite_until=now + 14 * DAY,
    )
    mark, key_id = addresses.fingerprint("gone@example.com")
    council.suppression = Suppression.objects.create(
        fingerprint=mark, key_id=key_id, reason="manual"
    )
    council.wording = ConsentWording.objects.first()
    return council


@pytest.fixture
def login(council, django_user_model):
    """Return a client for a role; groups may edit the pages of their own section."""
    call_command("engagement_roles", verbosity=0, stdout=StringIO())
    for name in GROUPS.values():
        GroupPagePermission.objects.create(
            group=Group.objects.get(name=name),
            page=council.section.page_ptr,
            permission=Permission.objects.get(codename="change_page"),
        )

    def log_in(role):
        client = Client()
        if role == "anonymous":
            return client
        user = django_user_model.objects.create(username=role, is_superuser=role == "superuser")
        if role in GROUPS:
            user.groups.add(Group.objects.get(name=GROUPS[role]))
        else:
            user.user_permissions.add(Permission.objects.get(codename="access_admin"))
        client.force_login(user)
        return client

    return log_in
