"""What stands in front of the site that is driven: its headers, and a count of who is served."""

from threading import Condition

STRICT = (
    "default-src 'none'; script-src 'self' 'report-sample'; style-src 'self' 'report-sample'; "
    "img-src 'self' data:; font-src 'self'; connect-src 'self'; frame-src 'self'; "
    "form-action 'self'; frame-ancestors 'self'; base-uri 'none'"
)


class Serving:
    """Counts requests, so that a test can wait for the last one before its rows are removed."""

    def __init__(self):
        self.number = 0
        self.changed = Condition()

    def __enter__(self):
        self._add(1)

    def __exit__(self, *error):
        self._add(-1)

    def _add(self, one):
        with self.changed:
            self.number += one
            self.changed.notify_all()

    def wait_for_none(self):
        with self.changed:
            assert self.changed.wait_for(lambda: self.number == 0, timeout=30)


SERVING = Serving()


class StrictPolicy:
    """Forbid every inline script and style on public pages, and report them in the admin.

    Wagtail's own admin screens have inline parts, so there the browser only says what it found.
    """

    def __init__(self, get_response):
        self.get_response = get_response

    def __call__(self, request):
        with SERVING:
            response = self.get_response(request)
        is_admin = request.path.startswith("/admin/")
        name = "Content-Security-Policy" + ("-Report-Only" if is_admin else "")
        response.headers[name] = STRICT
        return response
