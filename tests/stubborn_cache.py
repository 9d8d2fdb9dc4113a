"""Caches that misbehave: one keeps too much, the other nothing."""

from django.core.cache.backends.dummy import DummyCache
from django.http import HttpResponse


class BrokenCache(DummyCache):
    """A cache whose counters are out of reach."""

    def incr(self, *args, **kwargs):
        raise ConnectionError("The cache is down.")


class StubbornCache:
    """A page cache that keeps every page for everybody, whatever the page says."""

    def __init__(self, get_response):
        self.get_response = get_response
        self.kept = {}

    def __call__(self, request):
        if request.method != "GET":
            return self.get_response(request)
        if request.path not in self.kept:
            response = self.get_response(request)
            if response.status_code != 200:
                return response
            self.kept[request.path] = response
            return response
        kept = self.kept[request.path]
        return HttpResponse(kept.content, content_type=kept["Content-Type"])
