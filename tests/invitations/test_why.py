"""Why is this person in, or left out? One sentence, by the query that counts."""

import random

import pytest
from django.contrib.auth.models import Permission
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone
from wagtail.models import ModelLogEntry

from tests import factories
from wagtail_engagement.invitations import reasons
from wagtail_engagement.invitations.audience import Audience, Exclusion
from wagtail_engagement.models import ContactPermission, Invitation, ParticipantInterest

from .test_audience import DAY, a_random_register, person

pytestmark = pytest.mark.django_db
MAY = timezone.make_aware(timezone.datetime(2025, 5, 3))
SEES = ("access_admin", "change_invitation", "view_participant", "view_participant_pii")


def why(draft, someone):
    return reasons.why(Audience.of(draft, at=timezone.now()), someone)


def standing(someone, **facts):
    ContactPermission.objects.filter(participant=someone).update(**{"since": MAY, **facts})
    return someone


@pytest.mark.parametrize("seed", range(3))
def test_a_sentence_never_disagrees_with_the_counts(draft, seed):
    a_random_register(random.Random(seed), draft)
    draft.consultation.area = "North"
    audience = Audience.of(draft, at=timezone.now())
    for someone in audience.eligible():
        assert reasons.why(audience, someone).startswith("Included: may be invited since ")
    for reason in Exclusion:
        for someone in audience.left_out(reason):
            assert reasons.why(audience, someone).startswith("Not included: "), reason


@pytest.mark.parametrize("days", [30, 0])
def test_whoever_is_in_reads_as_a_chain_of_facts(draft, days):
    draft.consultation.area, draft.not_invited_days = "Hill", days
    cycling, roads = (factories.InterestFactory(name=name) for name in ("Cycling", "Roads"))
    draft.interests.set([cycling, roads])
    someone = standing(person(cycling, roads, area="Hill"))
    spared = "in the last 30 days" if days else "to this consultation before"
    assert why(draft, someone) == (
        "Included: may be invited since 3 May 2025, interested in Cycling and Roads,"
        f" lives in Hill, not invited {spared}, has not answered."
    )


def test_whoever_was_only_told_is_no_audience_for_what_is_sold(draft):
    someone = standing(person(), is_by_consent=False)
    assert why(draft, someone).startswith("Included: ")
    draft.is_promotional = True
    assert why(draft, someone).startswith(
        "Not included: was told that we write, but has not agreed"
    )


def test_topics_that_were_not_chosen_say_how_they_are_known(draft):
    parks = factories.InterestFactory(name="Parks")
    draft.interests.set([parks])
    shown, nobody = person(), person()
    factories.ParticipantInterestFactory(participant=shown, interest=parks, inferred=True)
    assert "interested in Parks (shown by taking part)" in why(draft, shown)
    assert "no topic in particular" in why(draft, nobody)
    draft.interests.clear()
    assert "has chosen no topics" in why(draft, shown)


def test_whom_the_law_says_to_tell_is_in_for_that_reason(draft):
    draft.interests.set([factories.InterestFactory()])
    council = person(factories.InterestFactory(), must_be_notified=True)
    assert "must be notified, whatever the topics" in why(draft, council)


@pytest.mark.parametrize(
    ("facts", "said"),
    [
        ({"may_write": False, "reason": "stopped"}, "asked us to stop, on 3 May 2025"),
        ({"may_write": False, "reason": "undeliverable"}, "does not arrive, since 3 May 2025"),
        ({"may_write": False, "reason": "paused", "recheck_at": MAY}, "until 3 May 2025"),
        ({"may_write": False, "reason": "lapsed"}, "the agreement ran out on 3 May 2025"),
        ({"may_write": False, "reason": "never_agreed"}, "has not agreed to be invited"),
        ({"recheck_at": MAY}, "the agreement ran out on 3 May 2025"),
    ],
)
def test_whoever_may_not_be_written_to_is_out_for_that(draft, facts, said):
    sentence = why(draft, standing(person(), **facts))
    assert sentence.startswith("Not included: ") and sentence.endswith(f"{said}.")


def test_whoever_never_said_anything_has_not_agreed(draft):
    sentence = why(draft, factories.ParticipantFactory())
    assert sentence == "Not included: has not agreed to be invited."


def test_whoever_lives_elsewhere_or_has_answered_reads_that(draft):
    draft.consultation.area = "Hill"
    assert why(draft, person(area="Vale")) == (
        "Not included: lives in Vale, and this is about Hill."
    )
    form = draft.consultation.form_versions.get()
    answered = factories.ConsultationResponseFactory(form_version=form, participant=person())
    assert why(draft, answered.participant) == "Not included: has answered already."


def test_whoever_cares_about_something_else_reads_what(draft):
    parks, roads, bins = (
        factories.InterestFactory(name=name) for name in ("Parks", "Roads", "Bins")
    )
    draft.match = "all"
    draft.interests.set([parks, roads])
    assert why(draft, person(parks)) == (
        "Not included: chose Parks, and this asks for Parks and Roads."
    )
    shown, left = person(), person()
    factories.ParticipantInterestFactory(participant=shown, interest=bins, inferred=True)
    factories.ParticipantInterestFactory(participant=left, interest=parks, removed=True)
    assert why(draft, shown).endswith("interested in Bins, and this asks for Parks and Roads.")
    assert why(draft, left).endswith("took Parks and Roads away from their topics.")
    draft.interests.clear()
    assert why(draft, person(bins)).endswith("chose Bins, and this is about no topic.")


def test_whoever_was_invited_reads_when(draft):
    lately, soon, same = person(), person(), person()
    at = timezone.now() - 3 * DAY
    factories.DeliveryFactory(participant=lately, state="accepted", handed_at=at)
    factories.DeliveryFactory(participant=soon, state="pending", handed_at=None)
    before = factories.InvitationFactory(consultation=draft.consultation)
    factories.DeliveryFactory(invitation=before, participant=same, state="accepted", handed_at=MAY)
    day = timezone.localtime(at)
    assert why(draft, lately).endswith(f"another consultation on {day.day} {day:%B %Y}.")
    assert why(draft, soon).endswith("another invitation to them is on its way.")
    assert why(draft, same).endswith("was invited to this consultation before.")


def test_whoever_gets_summaries_reads_that_and_is_asked_no_days(draft):
    someone = standing(person(summaries_since=timezone.now()))
    sent = factories.DeliveryFactory(participant=someone, accepted=True)
    assert "gets it in a summary, has chosen no topics, not invited to this" in why(draft, someone)
    factories.DeliveryFactory(participant=someone, state="pending", in_summary=True)
    assert why(draft, someone).startswith("Included")
    for _ in range(2):
        factories.DeliveryFactory(participant=someone, accepted=True)
    assert "had 3 invitations in the last 30 days" in why(draft, someone)
    assert sent.carried_by is None


def test_a_record_that_was_merged_is_in_no_audience(draft):
    gone = person(merged_into=person())
    assert "is part of another" in why(draft, gone)


def test_the_answer_is_one_statement_about_one_person(draft, people):
    audience = Audience.of(draft, at=timezone.now())
    with CaptureQueriesContext(connection) as statements:
        reasons.why(audience, people[0])
    judging = [query["sql"] for query in statements if "CASE WHEN" in query["sql"]]
    assert len(judging) == 1 and f"= {people[0].pk}" in judging[0]


# On screen


def login(client, *codenames):
    user = factories.UserFactory(is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename__in=codenames))
    client.force_login(user)


def url(name, *numbers):
    return reverse(f"engagement_invitations:{name}", args=numbers)


def editor(draft):
    return reverse("wagtailsnippets_wagtail_engagement_invitation:edit", args=[draft.pk])


def test_an_editor_asks_by_address_and_no_address_is_in_the_one_of_the_page(client, draft, people):
    login(client, *SEES)
    assert url("ask_why", draft.pk) in client.get(editor(draft)).text
    typed = {"address": f" {people[0].email.upper()} "}
    page = client.post(url("ask_why", draft.pk), typed, follow=True)
    assert page.redirect_chain == [(url("why", draft.pk, people[0].pk), 302)]
    assert "Included: may be invited since" in page.text and people[0].email in page.text
    acts = ModelLogEntry.objects.values_list("action", flat=True)
    acts = set(acts.filter(action__startswith="wagtail_engagement."))
    assert acts == {f"wagtail_engagement.participant{act}" for act in ("s_searched", "_viewed")}


@pytest.mark.parametrize(
    ("address", "said"),
    [("nobody@example.com", "Nobody in the register has this"), ("no address", "Enter an email")],
)
def test_an_address_of_nobody_leads_back(address, said, client, draft):
    login(client, *SEES)
    page = client.post(url("ask_why", draft.pk), {"address": address}, follow=True)
    assert page.redirect_chain[-1][0] == editor(draft) and said in page.text


def test_each_person_of_a_list_is_explained_by_the_choices_of_the_list(client, draft, people):
    login(client, *SEES[:3])
    topic = factories.InterestFactory(name="Cycling")
    person(factories.InterestFactory(name="Bins"))
    chosen = {"match": "any", "not_invited_days": 0, "interests": topic.pk}
    page = client.get(url("audience", draft.pk), {**chosen, "why": "not_interested"})
    (link,) = [part.split('"')[0] for part in page.text.split('href="') if "/why/" in part[:60]]
    answer = client.get(link.replace("&amp;", "&"))
    assert "Not included: chose Bins, and this asks for Cycling." in answer.text
    assert "•" in answer.text and "example.com" not in answer.text


def test_a_persons_page_leads_to_the_answers_of_all_drafts(client, draft, people):
    login(client, *SEES)
    over = factories.InvitationFactory(consultation=draft.consultation, status="finished")
    inspect = reverse("wagtail_engagement_participants:inspect", args=[people[0].pk])
    assert url("why_person", people[0].pk) in client.get(inspect).text
    page = client.get(url("why_person", people[0].pk)).text
    assert page.count("Included: ") == 1 and editor(draft) in page and editor(over) not in page


def test_nobody_learns_by_asking_who_answered_a_sensitive_consultation(client, draft, people):
    draft.consultation.is_sensitive = True
    draft.consultation.save()
    login(client, *SEES)
    assert url("ask_why", draft.pk) not in client.get(editor(draft)).text
    assert "Why?" not in client.get(url("audience", draft.pk)).text
    assert client.get(url("why", draft.pk, people[0].pk)).status_code == 302
    assert "Included" not in client.get(url("why_person", people[0].pk)).text
    login(client, *SEES, "view_sensitive_response")
    assert "Included: " in client.get(url("why", draft.pk, people[0].pk)).text


def test_without_the_permission_to_see_addresses_nobody_asks_by_address(client, draft, people):
    login(client, *SEES[:3])
    assert url("ask_why", draft.pk) not in client.get(editor(draft)).text
    answer = client.post(url("ask_why", draft.pk), {"address": people[0].email})
    assert answer.status_code == 302 and answer.url == reverse("wagtailadmin_home")


def test_an_invitation_that_was_started_explains_nobody(client, draft, people):
    login(client, *SEES)
    Invitation.objects.update(status="sending")
    answer = client.get(url("why", draft.pk, people[0].pk))
    assert answer.url == url("progress", draft.pk)


def test_topics_taken_from_a_merged_one_count_as_in_the_query(draft):
    kept = factories.InterestFactory(name="Parks")
    old = factories.InterestFactory(name="Green", merged_into=kept)
    draft.interests.set([kept])
    someone = person(old)
    assert ParticipantInterest.objects.filter(participant=someone).exists()
    assert "interested in Green" in why(draft, someone)
