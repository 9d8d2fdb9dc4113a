"""Screens about people who may be one, one person's history, interests and areas."""

import io
import re

import pytest
from django.urls import reverse
from django.utils import timezone

from tests import factories
from tests.browser.watch import barriers, shot
from tests.site import DAY
from wagtail_engagement.consent import settling
from wagtail_engagement.models import ImportBatch, ParticipantName, ParticipantNote
from wagtail_engagement.participants import areas, duplicates, merging

pytestmark = pytest.mark.django_db(transaction=True, serialized_rollback=True)
WAGTAILS_INLINE = ("script-src-elem initDateChooser(",)
PEOPLE = "wagtail_engagement_participants"
TOPICS = "wagtail_engagement_interests"
WARDS = (("A", "Hill"), ("B", "Vale"))
SCREENS = ("person", "merge", "duplicates", "areas", "load_areas", "merge_interest", "unused")


def agree(person, days, **facts):
    at = timezone.now() - days * DAY
    factories.ConsentEventFactory(participant=person, at=at, **facts)
    settling.settle([person.pk], at=timezone.now())


def a_long_story(town, topics):
    """Somebody who came from a sheet, agreed, was invited, took part and has a note."""
    now = timezone.now()
    park = town.answered().consultation
    fair = ImportBatch.objects.create(filename="f.csv", sha256="0", source="Park fair 2024")
    ada = factories.ParticipantFactory(
        email="ada.lovelace@gmail.com", name="Ada Lovelace", area="Hill", batch=fair,
        joined_at=now - 800 * DAY,
    )  # fmt: skip
    words = factories.ConsentWordingFactory(label="Invite me to other consultations by email")
    agree(ada, 500, consultation=park, wording=words)
    agree(ada, 500, purpose="result", consultation=park)
    factories.DeliveryFactory(
        participant=ada, invitation__consultation=park, handed_at=now - 20 * DAY, state="delivered"
    )
    factories.ConsultationResponseFactory(
        participant=ada, form_version=park.form_versions.first(), submitted_at=now - 18 * DAY
    )
    for topic, origin in zip(topics, ("declared", "inferred"), strict=True):
        factories.ParticipantInterestFactory(
            participant=ada, interest=topic, origin=origin, since=now - 18 * DAY, consultation=park
        )
    ParticipantName.objects.create(participant=ada, name="Ada King")
    ParticipantNote.objects.create(participant=ada, text="Prefers large print.")
    return ada


@pytest.fixture
def addresses(town):
    """The address of each screen, with something on it to see."""
    factories.InterestFactory(name="Trams")
    ada = a_long_story(town, town.topics)
    other = factories.ParticipantFactory(email="adalovelace@googlemail.com", name="A. Lovelace")
    agree(other, 90)
    agree(other, 10, action="withdrawn", channel="leave_page")
    areas.load(io.BytesIO(wards()))
    duplicates.find(at=timezone.now())
    third = factories.ParticipantFactory(email="ada@work.example")
    merging.merge(kept=ada, merged=third, actor=None, at=timezone.now() - DAY)
    return {
        "person": reverse(f"{PEOPLE}:inspect", args=[ada.pk]),
        "merge": reverse(f"{PEOPLE}:merge", args=[ada.pk, other.pk]),
        "duplicates": reverse("wagtail_engagement_duplicates:index"),
        "areas": reverse("wagtail_engagement_areas:index"),
        "load_areas": reverse("wagtail_engagement_areas:load"),
        "merge_interest": reverse(f"{TOPICS}:merge", args=[town.topics[0].pk])
        + f"?into={town.topics[1].pk}",
        "unused": reverse(f"{TOPICS}:unused"),
    }


def wards():
    """A council's file: sixteen postcodes in two wards."""
    rows = [f"WM{n} 1A{sign},{area}" for n in range(1, 9) for sign, area in WARDS]
    return "\n".join(["Postcode,Ward", *rows, ""]).encode()


@pytest.mark.parametrize("name", SCREENS)
def test_a_screen_about_people_has_no_barriers_and_nothing_inline(name, addresses, staff):
    page = staff("Engagement all-in-one", "Moderators")
    page.goto(addresses[name])
    page.get_by_role("main").wait_for()
    shot(page, f"people-{name}")
    assert barriers(page, within="main") == []
    foreign = [line for line in page.watch.reports if not line.startswith(WAGTAILS_INLINE)]
    assert foreign == []


def test_two_records_are_merged_and_taken_apart_again_by_hand(addresses, staff):
    page = staff("Engagement all-in-one", "Moderators")
    page.goto(addresses["duplicates"])
    page.get_by_role("link", name="ada.lovelace@gmail.com").click()
    page.get_by_role("button", name="Merge, and write to ada.lovelace@gmail.com").click()
    page.get_by_text("They are one participant now.").wait_for()
    page.get_by_text("May not be invited: stopped on").wait_for()
    shot(page, "people-merged")
    page.get_by_role("button", name=re.compile("Take the merge back.*adalovelace")).click()
    page.get_by_text("These are two participants again").wait_for()
    page.get_by_text("May be invited: agreed").wait_for()


def test_a_file_of_areas_is_loaded_by_hand(addresses, staff, tmp_path):
    path = tmp_path / "wards.csv"
    path.write_bytes(wards() + b"nonsense,Hill\n")
    page = staff("Engagement all-in-one", "Moderators")
    page.goto(addresses["load_areas"])
    page.get_by_label("CSV file of areas").set_input_files(path)
    page.get_by_role("button", name="Load the file").click()
    page.get_by_text("1 row was left out").wait_for()
    shot(page, "people-areas-loaded")
