"""One form sent many times at the same moment, on a database that lets it: PostgreSQL (S06)."""

import pytest
from django.db import connection
from django.test import Client

from tests.invitations.test_at_once import together
from tests.site import EVERY_ANSWER, add_consultation, form_data
from wagtail_engagement.models import Answer, Claim, ConsultationResponse, ResponseContact

pytestmark = [
    pytest.mark.django_db(transaction=True, serialized_rollback=True),
    pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite writes one at a time"),
]
THREADS = 20


def test_one_form_sent_twenty_times_at_once_is_one_response_and_one_claim():
    page = add_consultation(offer_invite=True)
    typed = {**EVERY_ANSWER, "email": "ann@example.com", "may_invite": "on"}
    data = form_data(Client(), page, **typed)
    page_url = page.url
    found = together(*[lambda: Client().post(page_url, data).headers["Location"]] * THREADS)
    assert found == [f"{page_url}thank-you/"] * THREADS
    (response,) = ConsultationResponse.objects.all()
    assert response.claim == Claim.objects.get()
    assert ResponseContact.objects.get().response == response
    assert Answer.objects.filter(response=response).count() == Answer.objects.count() == 8


def test_twenty_people_with_one_cached_page_are_twenty_responses():
    page = add_consultation()
    data, page_url = form_data(Client(), page, **EVERY_ANSWER), page.url
    browsers = [Client(headers={"user-agent": str(number)}) for number in range(THREADS)]
    found = together(*(lambda b=b: b.post(page_url, data).status_code for b in browsers))
    assert found == [302] * THREADS
    references = ConsultationResponse.objects.values_list("reference", flat=True)
    assert len(set(references)) == THREADS
