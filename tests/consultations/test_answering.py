"""A resident answers a consultation."""

import datetime
from decimal import Decimal

import pytest
from django.utils import timezone

from tests.site import (
    DAY,
    EVERY_ANSWER,
    add_consultation,
    block,
    form_data,
    key_of,
)
from wagtail_engagement.consultations.questions import option_key
from wagtail_engagement.models import (
    Answer,
    Claim,
    ConsentWording,
    ConsultationResponse,
    Interest,
    ResponseContact,
)

pytestmark = pytest.mark.django_db


def answered(question):
    return Answer.objects.filter(question_key=key_of(question))


def test_every_kind_of_answer_is_stored_as_what_it_is(client):
    page = add_consultation()
    client.post(page.url, form_data(client, page, **EVERY_ANSWER))
    assert answered("Which park?").get().text == "Mill Meadow"
    assert answered("What should change?").get().text == "More benches.\nFewer cars."
    assert answered("How often do you go?").get().option_key == option_key("Weekly")
    ticked = set(answered("What do you do there?").values_list("option_key", flat=True))
    assert ticked == {option_key("Walk"), option_key("Play")}
    assert answered("The park feels safe").get().option_key == "agree"
    assert answered("How many minutes away?").get().number == Decimal(1200)
    assert answered("When were you last there?").get().date == datetime.date(2026, 3, 27)


def test_the_confirmation_page_has_a_clean_address_a_reference_and_a_copy(client):
    page = add_consultation()
    sent = client.post(page.url, form_data(client, page, **EVERY_ANSWER))
    assert sent.url == f"{page.url}thank-you/"
    shown = client.get(sent.url).content.decode()
    assert ConsultationResponse.objects.get().reference in shown
    assert "Mill Meadow" in shown
    assert "Walk, Play" in shown


def test_another_browser_sees_a_general_thank_you(client):
    page = add_consultation()
    client.post(page.url, form_data(client, page, **EVERY_ANSWER))
    client.cookies.clear()
    shown = client.get(f"{page.url}thank-you/").content.decode()
    assert ConsultationResponse.objects.get().reference not in shown


def test_a_double_press_is_one_response(client):
    page = add_consultation()
    data = form_data(client, page, **EVERY_ANSWER)
    first, second = client.post(page.url, data), client.post(page.url, data)
    assert ConsultationResponse.objects.count() == 1
    assert first.url == second.url


def test_two_people_behind_one_cached_page_are_two_responses(client):
    page = add_consultation()
    data = form_data(client, page, **EVERY_ANSWER)
    client.post(page.url, data, headers={"user-agent": "one"})
    client.post(page.url, data, headers={"user-agent": "another"})
    assert ConsultationResponse.objects.count() == 2


def test_nothing_ticked_means_no_claim(client):
    page = add_consultation()
    client.post(page.url, form_data(client, page, email="ann@example.com"))
    assert not Claim.objects.exists()
    assert ResponseContact.objects.get().email == "ann@example.com"


def test_a_tick_without_an_address_asks_for_the_address_and_keeps_the_tick(client):
    page = add_consultation()
    shown = client.post(page.url, form_data(client, page, may_invite="on"))
    assert "Enter your email address so that we can write to you" in shown.content.decode()
    assert shown.context["form"]["may_invite"].value() is True
    assert not ConsultationResponse.objects.exists()


def test_a_claim_keeps_what_was_ticked_and_the_words_that_were_shown(client):
    page = add_consultation()
    data = form_data(client, page, email="Ann@Example.com", may_invite="on", may_result="on")
    client.post(page.url, data)
    claim = Claim.objects.get()
    assert claim.purposes == {
        "invite": int(data["wording_invite"]),
        "result": int(data["wording_result"]),
    }
    assert claim.address_key == "ann@example.com"
    assert ConsultationResponse.objects.get().claim == claim
    assert ConsultationResponse.objects.get().participant is None


def test_boxes_are_not_ticked_for_anybody(client):
    Interest.objects.create(name="Parks")
    form = client.get(add_consultation().url).context["form"]
    assert not form["may_invite"].value()
    assert not form["may_result"].value()
    assert not form["topics"].value()


def test_a_required_question_left_open_is_named_and_everything_else_is_kept(client):
    page = add_consultation(
        questions=[block("text", "Your street?", required=True), block("text", "Why?")]
    )
    sent = client.post(page.url, form_data(client, page, **{f"q-{key_of('Why?')}": "Noise"}))
    shown = sent.content.decode()
    assert "Enter an answer to “Your street?”" in shown
    assert 'value="Noise"' in shown
    assert "<title>Error: " in shown


@pytest.mark.parametrize(
    ("field", "typed", "message"),
    [
        ("How many minutes away?", "soon", "must be a number, like 12 or 3.5"),
        ("How many minutes away?", "1e999", "must be a number, like 12 or 3.5"),
        ("How often do you go?", "hourly", "Choose an answer to"),
        ("What do you do there?", "fly", "from the list"),
        ("Which park?", "x" * 501, "must be 500 characters or fewer. It has 501"),
    ],
)
def test_a_wrong_answer_gets_a_sentence_and_stays(client, field, typed, message):
    page = add_consultation()
    shown = client.post(page.url, form_data(client, page, **{f"q-{key_of(field)}": typed}))
    assert message in shown.content.decode()
    assert not ConsultationResponse.objects.exists()


@pytest.mark.parametrize(
    ("parts", "message"),
    [
        (("31", "2", "2026"), "Enter a real date, like 27 3 2026"),
        (("", "2", "2026"), "The date must include a day"),
        (("x", "2", "2026"), "Enter a real date"),
        (("1", "1", "99999"), "Enter a real date"),
    ],
)
def test_a_date_that_is_none_is_refused_with_what_is_wrong(client, parts, message):
    page = add_consultation()
    name = f"q-{key_of('When were you last there?')}"
    typed = dict(zip((f"{name}_day", f"{name}_month", f"{name}_year"), parts, strict=True))
    shown = client.post(page.url, form_data(client, page, **typed)).content.decode()
    assert message in shown
    assert not ConsultationResponse.objects.exists()


def test_a_closed_consultation_stores_nothing_and_hands_back_what_was_typed(client):
    page = add_consultation()
    data = form_data(client, page, **EVERY_ANSWER)
    page.closes_at = timezone.now() - datetime.timedelta(minutes=1)
    page.save()
    shown = client.post(page.url, data).content.decode()
    assert "we have not stored your answers" in shown
    assert "More benches." in shown
    assert not ConsultationResponse.objects.exists()


def test_a_planned_consultation_shows_when_it_opens_and_no_form(client):
    page = add_consultation(opens_at=timezone.now() + DAY)
    shown = client.get(page.url)
    assert shown.context["form"] is None
    assert "has not opened yet" in shown.content.decode()


def test_answers_meet_the_questions_that_were_shown(client):
    page = add_consultation(questions=[block("text", "Old question")])
    data = form_data(client, page, **{f"q-{key_of('Old question')}": "an answer"})
    page.questions = page._meta.get_field("questions").to_python([block("text", "New question")])
    page.save()
    client.post(page.url, data)
    response = ConsultationResponse.objects.get()
    assert response.form_version.definition[0]["label"] == "Old question"
    assert response.answers == {key_of("Old question"): "an answer"}


def test_a_version_of_another_consultation_is_not_believed(client):
    page = add_consultation()
    other = add_consultation(title="Another", questions=[block("text", "Another question")])
    digest = other.consultation.form_versions.get().digest
    client.post(page.url, form_data(client, page) | {"version": digest})
    assert ConsultationResponse.objects.get().form_version.consultation == page.consultation


def test_an_invitations_code_is_the_route_and_an_unknown_one_is_not(client):
    page = add_consultation()
    invitation = page.consultation.invitations.create(code="7K3M9QRT")
    client.post(f"{page.url}?i={invitation.code}", form_data(client, page, **EVERY_ANSWER))
    client.post(f"{page.url}?i=AAAAAAAA", form_data(client, page, email="b@example.com"))
    routes = ConsultationResponse.objects.order_by("pk").values_list("route", "route_key")
    assert list(routes) == [("invitation", "7K3M9QRT"), ("open", "")]


def test_a_sensitive_consultation_keeps_no_code_and_infers_nothing(client):
    page = add_consultation(is_sensitive=True)
    page.consultation.invitations.create(code="7K3M9QRT")
    data = form_data(client, page, email="a@example.com", may_invite="on")
    client.post(f"{page.url}?i=7K3M9QRT", data)
    assert ConsultationResponse.objects.get().route_key == ""
    assert Claim.objects.get().inferred_ids == []


def test_wording_that_changed_meanwhile_is_kept_as_it_was_shown(client):
    page = add_consultation()
    data = form_data(client, page, email="a@example.com", may_invite="on")
    ConsentWording.objects.create(purpose="invite", language="en", label="Newer words")
    client.post(page.url, data)
    assert Claim.objects.get().purposes == {"invite": int(data["wording_invite"])}


def test_a_form_with_a_mistake_goes_on_showing_the_words_that_it_showed_first(client):
    page = add_consultation()
    shown_first = str(client.get(page.url).context["form"]["may_invite"].label)
    data = form_data(client, page, may_invite="on")
    ConsentWording.objects.create(purpose="invite", language="en", label="Newer words")
    again = client.post(page.url, data).context["form"]
    assert again["may_invite"].label == shown_first
    assert str(again["wording_invite"].value()) == str(data["wording_invite"])


def test_forged_wording_is_refused_and_nothing_is_lost(client):
    page = add_consultation()
    data = form_data(client, page, email="a@example.com", may_invite="on", wording_invite="999999")
    shown = client.post(page.url, data).content.decode()
    assert "The words beside this box have changed" in shown
    assert 'value="999999"' not in shown
    assert not ConsultationResponse.objects.exists()


def test_only_get_head_and_post_are_answered(client):
    page = add_consultation()
    assert client.put(page.url).status_code == 405
    assert client.head(page.url).status_code == 200


@pytest.mark.parametrize("version", ["1" * 5000, "0" * 64, "²", "x"])
def test_a_form_that_names_no_version_of_ours_is_recorded_all_the_same(client, version):
    page = add_consultation()
    client.post(page.url, form_data(client, page, **EVERY_ANSWER) | {"version": version})
    assert ConsultationResponse.objects.get().form_version.consultation == page.consultation


def test_a_topic_that_is_gone_by_then_refuses_nobody(client):
    page = add_consultation()
    ticked = {"email": "ann@example.com", "may_invite": "on", "topics": ["987654"]}
    client.post(page.url, form_data(client, page, **EVERY_ANSWER, **ticked))
    assert ConsultationResponse.objects.get().claim.email == "ann@example.com"
