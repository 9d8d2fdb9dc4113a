"""Publish a consultation in the site at hand, answer for its pages and visit its admin area."""

import datetime

import django

django.setup()

import swapper  # noqa: E402
from django.apps import apps  # noqa: E402
from django.conf import settings  # noqa: E402
from django.contrib.auth import get_user_model  # noqa: E402
from django.core.management import call_command  # noqa: E402
from django.test import Client, RequestFactory  # noqa: E402
from django.utils import timezone  # noqa: E402
from wagtail.admin.menu import admin_menu  # noqa: E402

from wagtail_engagement.consultations.pages import ConsultationPageMixin  # noqa: E402

settings.ALLOWED_HOSTS = ["*"]


def expect_200(client, address):
    response = client.get(address, follow=True)
    assert response.status_code == 200, f"{address} answered {response.status_code}"
    return response


def consultation_page():
    (model,) = [m for m in apps.get_models() if issubclass(m, ConsultationPageMixin)]
    now = timezone.now()
    page = model(
        title="Where shall the new benches go?",
        summary="Help us to choose.",
        opens_at=now - datetime.timedelta(days=1),
        closes_at=now + datetime.timedelta(days=20),
    )
    home = swapper.load_model("wagtailcore", "Page").objects.get(depth=2)
    home.add_child(instance=page)
    page.save_revision().publish()
    return model.objects.get(pk=page.pk)


def main():
    user = get_user_model().objects.create_superuser("smoke", "smoke@example.org", "smoke")
    client = Client()
    page = consultation_page()
    assert page.title in expect_200(client, page.get_url()).content.decode()

    client.force_login(user)
    expect_200(client, "/admin/")
    request = RequestFactory().get("/admin/")
    request.user = user
    (group,) = [
        item
        for item in admin_menu.menu_items_for_request(request)
        if item.name == "wagtail-engagement"
    ]
    screens = [item.url for item in group.menu.menu_items_for_request(request)]
    assert screens, "the Engagement menu is empty"
    for address in screens:
        expect_200(client, address)
    call_command("engagement_work", once=True)
    print(f"Visited {page.get_url()} and {len(screens)} screens of the admin area.")


main()
