"""What every page has in common: its language, and that no cache keeps it."""

from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponseBase
from django.utils import translation
from django.utils.cache import add_never_cache_headers, patch_vary_headers


def language(
    get_response: Callable[[HttpRequest], HttpResponseBase],
) -> Callable[[HttpRequest], HttpResponseBase]:
    """Show Traditional Chinese unless the visitor chose otherwise here (a cookie holds the choice).

    Django's LocaleMiddleware would ask the browser's Accept-Language: a ministry's machine set up in English
    would then greet its owner in English. This site is Traditional Chinese first.
    """
    ours = dict(settings.LANGUAGES)

    def middleware(request: HttpRequest) -> HttpResponseBase:
        chosen = request.COOKIES.get(settings.LANGUAGE_COOKIE_NAME)
        # Not restored afterwards: a streamed response is still being made when this function has returned.
        translation.activate(chosen if chosen in ours else settings.LANGUAGE_CODE)
        response = get_response(request)
        response.headers.setdefault("Content-Language", translation.get_language())
        patch_vary_headers(response, ("Cookie",))
        return response

    return middleware


def uncached(
    get_response: Callable[[HttpRequest], HttpResponseBase],
) -> Callable[[HttpRequest], HttpResponseBase]:
    """Keep every page out of caches, errors included: nearly all of them name who is signed in."""

    def middleware(request: HttpRequest) -> HttpResponseBase:
        response = get_response(request)
        if "Cache-Control" not in response.headers:
            add_never_cache_headers(response)
        return response

    return middleware
