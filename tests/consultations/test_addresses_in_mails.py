"""Which host the address of a consultation begins with in a mail."""

import pytest
from wagtail.models import Site

from tests.site import add_consultation, home
from wagtail_engagement.consultations import queries
from wagtail_engagement.pages.models import ConsultationIndexPage

pytestmark = pytest.mark.django_db


@pytest.fixture
def beside():
    """The root page of a second site, with a host of its own."""
    root = home().add_sibling(instance=ConsultationIndexPage(title="Parks", slug="parks"))
    Site.objects.create(hostname="parks.example.gov.uk", port=443, root_page=root)
    return root


def address_of(page):
    return queries.url_of(page.consultation)


def test_the_default_site_has_the_host_of_the_settings(beside):
    assert address_of(add_consultation(slug="a")) == "https://engage.example.gov.uk/a/"


def test_a_site_beside_it_keeps_its_own_host(beside):
    page = add_consultation(parent=beside, slug="a")
    assert address_of(page) == "https://parks.example.gov.uk/a/"


def test_an_only_site_has_the_host_of_the_settings_though_it_is_no_default():
    page = add_consultation(slug="a")
    site = Site.objects.get()
    site.is_default_site = False
    site.save()
    assert address_of(page) == "https://engage.example.gov.uk/a/"


def test_a_page_of_no_site_has_no_address(beside):
    page = add_consultation(parent=beside, slug="a")
    Site.objects.get(root_page=beside).delete()
    assert address_of(page) == ""
