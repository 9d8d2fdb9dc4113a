"""Every public state meets WCAG 2.2 AA as far as axe can tell, on every kind of host (A01)."""

import pytest

from tests.browser.states import STATES
from tests.browser.watch import WIDTHS, barriers, shot, too_wide

pytestmark = pytest.mark.django_db(transaction=True, serialized_rollback=True)


def look(page, name):
    """Look at a page on a telephone and on a desk."""
    found = {}
    for kind, width in WIDTHS.items():
        page.set_viewport_size({"width": width, "height": 900})
        shot(page, f"{name}-{kind}")
        found[kind] = barriers(page)
        assert too_wide(page) <= 0, f"{width} pixels are not enough"
    assert found == {kind: [] for kind in WIDTHS}


@pytest.mark.parametrize("name", STATES)
def test_a_state_has_no_barriers_and_never_scrolls_sideways(name, town, page):
    STATES[name](town, page)
    look(page, name)


@pytest.mark.parametrize("frame", ["bare", "grid"])
@pytest.mark.parametrize("name", ["open_now", "errors", "done", "sign_up_errors"])
def test_a_state_has_no_barriers_inside_another_site(name, frame, town, page, host):
    host(frame)
    STATES[name](town, page)
    look(page, f"{frame}-{name}")


@pytest.mark.parametrize("name", ["errors", "choices", "done"])
def test_a_state_has_no_barriers_in_the_dark(name, town, open_browser):
    page = open_browser(color_scheme="dark")
    STATES[name](town, page)
    look(page, f"dark-{name}")


def test_colours_forced_by_the_system_leave_every_control_visible(town, open_browser):
    page = open_browser(forced_colors="active")
    STATES["errors"](town, page)
    page.get_by_role("group", name="Do you cycle?").get_by_label("Yes").check()
    boxes = page.locator("input:visible, textarea:visible, button:visible")
    borders = boxes.evaluate_all(
        "all => all.map(e => [getComputedStyle(e).borderTopWidth, getComputedStyle(e).appearance])"
    )
    assert [one for one in borders if one[0] == "0px" and one[1] == "none"] == []
    look(page, "forced-errors")
