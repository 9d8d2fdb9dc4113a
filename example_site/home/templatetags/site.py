"""What the base template needs to know about the site."""

from django import template
from wagtail.models import Page, Site

register = template.Library()

# The start of an interest's slug, and the picture that goes with it.
SCENES = {
    "cycl": "cycling",
    "walk": "cycling",
    "road": "roads",
    "transport": "roads",
    "travel": "roads",
    "park": "parks",
    "green": "parks",
    "climate": "parks",
    "librar": "libraries",
    "cultur": "libraries",
    "school": "libraries",
    "hous": "housing",
    "plan": "housing",
    "town": "town",
    "high": "town",
    "budget": "town",
    "wast": "recycling",
    "recycl": "recycling",
    "bin": "recycling",
}


@register.simple_tag(takes_context=True)
def navigation(context):
    """Return the pages below the home page that are shown in menus."""
    site = Site.find_for_request(context["request"])
    if site is None:
        return Page.objects.none()
    return site.root_page.get_children().live().public().in_menu()


@register.simple_tag
def scene(page):
    """Return the path of the picture that suits the page's first interest."""
    for interest in page.interests.all():
        for start, name in SCENES.items():
            if interest.slug.startswith(start):
                return f"home/scenes/{name}.svg"
    return "home/scenes/mere.svg"
