"""Which methods a path has, over all of its routes: a router knows those of the first one only."""

from fastapi import Request
from starlette.routing import Match, Route


def methods_of(request: Request) -> str:
    """The methods of the route that is first to know the path, and of those with the same path; as in ``Allow``."""
    known = [
        route
        for route in request.app.routes
        if isinstance(route, Route) and route.matches(request.scope)[0] is not Match.NONE
    ]
    methods = {method for route in known if route.path == known[0].path for method in route.methods or ()}
    return ", ".join(sorted(methods))
