"""The reader of pages finds what it is there for."""

import pytest

from tests.page_lint import faults

GOOD = (
    "<!doctype html><html lang='en'><head><title>Cycling – Westmere</title></head>"
    "<body><h1>Cycling</h1><label for='a'>Name</label><input id='a'></body></html>"
)


def test_a_good_page_has_no_faults():
    assert faults(GOOD) == []
    assert faults(GOOD.replace("<title>", "<title>Error: ")) == []


@pytest.mark.parametrize(
    ("was", "becomes", "said"),
    [
        ("<!doctype html>", "", "expected-doctype"),
        ("</label>", "</em></label>", "invalid HTML"),
        (" lang='en'", "", "no language"),
        ("<h1>", "<h1>x</h1><h1>", "2 main headings"),
        ("<title>", "<title>Have your say: ", "does not begin with"),
        ("<input id='a'>", "", "points to a"),
        ("<input id='a'>", "<input id='a'><p id='a'></p>", "2 times"),
        ("<input", "<input aria-describedby='b'", "points to b"),
        ("</body>", "<a href='#c'>c</a></body>", "leads to #c"),
        ("<input", "<input style='color:red'", "inline script or style"),
        ("</body>", "<script>1</script></body>", "inline script"),
    ],
)
def test_each_fault_is_named(was, becomes, said):
    assert said in "; ".join(faults(GOOD.replace(was, becomes, 1)))
