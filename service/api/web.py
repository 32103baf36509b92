"""The playground: a page at ``/`` and the files that it is made of, read once at start.

Invariant: only the files in ``service/web`` are served, from memory, by names fixed at start; the page's policy lets it
run its own scripts and speak to this gateway alone.
"""

import gzip
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from service.errors import NotFound

FOLDER = Path(__file__).parents[1] / "web"
PAGE = "index.html"
MEDIA_TYPES: Mapping[str, str] = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".json": "application/json",
    ".svg": "image/svg+xml",
}
POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self'",
        "connect-src 'self'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
        "require-trusted-types-for 'script'",
        "trusted-types 'none'",
    )
)
HEADERS: Mapping[str, str] = {
    "content-security-policy": POLICY,
    # Asked for again each time, and answered with 304: a page never mixes the files of two releases for long.
    "cache-control": "no-cache",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=()",
    "vary": "accept-encoding",
}


@dataclass(frozen=True, slots=True)
class Asset:
    """One file, plain and compressed, each with a strong entity tag of its own."""

    media_type: str
    plain: bytes
    packed: bytes

    def answer(self, request: Request) -> Response:
        """The file as this client takes it; 304 where the client has it."""
        packed = "gzip" in _encodings(request.headers.get("accept-encoding", ""))
        body = self.packed if packed else self.plain
        tag = f'"{hashlib.sha256(body).hexdigest()[:16]}"'
        headers = {**HEADERS, "etag": tag, **({"content-encoding": "gzip"} if packed else {})}
        if tag in _tags(request.headers.get("if-none-match", "")):
            return Response(status_code=304, headers=headers)
        return Response(body, headers=headers, media_type=self.media_type)


def read_assets(folder: Path = FOLDER) -> dict[str, Asset]:
    """Every file of the page by its name under ``static/``. Raises ``KeyError`` for one of an unknown kind."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): _asset(path) for path in files}


def page_routes() -> list[BaseRoute]:
    """The page and its files."""
    assets = read_assets()

    async def page(request: Request) -> Response:
        return assets[PAGE].answer(request)

    async def static(request: Request) -> Response:
        asset = assets.get(request.path_params["name"])
        if asset is None:
            raise NotFound("the page has no such file")
        return asset.answer(request)

    return [Route("/", page), Route("/static/{name:path}", static)]


def _asset(path: Path) -> Asset:
    plain = path.read_bytes()
    return Asset(MEDIA_TYPES[path.suffix], plain, gzip.compress(plain, 9, mtime=0))


def _encodings(header: str) -> set[str]:
    """The encodings that a client takes, those with a quality of nought left out."""
    offers = (offer.replace(" ", "").lower().partition(";q=") for offer in header.split(","))
    return {name for name, _, quality in offers if quality.strip("0.") or not quality}


def _tags(header: str) -> set[str]:
    return {tag.strip().removeprefix("W/") for tag in header.split(",")}
