"""The pack, its printed page, the proof of notification, what is typed in: no barriers, nothing inline."""

import pytest
from django.urls import reverse
from django.utils import timezone
from wagtail.models import Site

from tests import factories
from tests.browser.watch import barriers, shot, too_wide
from wagtail_engagement.models import EngagementSettings, RightsRequest

pytestmark = pytest.mark.django_db(transaction=True, serialized_rollback=True)
OURS = {"include": [["main"]]}
SCREENS = {
    "upkeep": "wagtail_engagement_overview",
    "pack": "wagtail_engagement_pack",
    "pack_printed": "wagtail_engagement_pack_print",
    "notified": "wagtail_engagement_notified",
    "enter": "wagtail_engagement_enter",
}
ABOUT_ONE = {"notified", "enter"}


@pytest.fixture
def consultation(town):
    """A consultation that some were told of, on a site with its papers half filled in."""
    found = town.open().consultation
    invitation = factories.InvitationFactory(consultation=found, status="finished")
    for name, state in (("Easton Parish Council", "delivered"), ("Westmere NHS", "bounced")):
        council = factories.ParticipantFactory(
            kind="organisation", must_be_notified=True, name=name
        )
        factories.DeliveryFactory(
            invitation=invitation, participant=council, state=state, handed_at=timezone.now()
        )
    RightsRequest.objects.create(kind="access")
    EngagementSettings.objects.update_or_create(
        site=Site.objects.get(), defaults={"organisation": "Westmere Council"}
    )
    return found


@pytest.mark.parametrize("screen", SCREENS)
def test_a_screen_about_upkeep_has_no_barriers(screen, consultation, staff):
    page = staff("Engagement all-in-one")
    args = [consultation.pk] if screen in ABOUT_ONE else []
    page.goto(reverse(SCREENS[screen], args=args))
    page.get_by_role("main").wait_for()
    shot(page, f"insight-{screen}")
    assert barriers(page, within=OURS) == []
    assert page.watch.reports == []


def test_the_printed_pack_fits_a_narrow_window(consultation, staff):
    page = staff("Register steward")
    page.set_viewport_size({"width": 320, "height": 900})
    page.goto(reverse(SCREENS["pack_printed"]))
    shot(page, "insight-pack-320")
    assert too_wide(page) == 0
