"""`/gate/forward?authorization=repeat`, for Traefik, which copies headers from the answer of the check only."""

import httpx2
import pytest

from tests.doors.conftest import APP, OPEN, Site


@pytest.mark.parametrize("query", ["", "?authorization=repeat"])
def test_authorization_is_repeated_only_if_the_proxy_wants_it(site: Site, query: str) -> None:
    """And only when a request is admitted."""
    for host, repeated in ((OPEN, bool(query)), (APP, False)):
        asked = {
            "X-Forwarded-Host": host,
            "X-Forwarded-Uri": "/",
            "X-Forwarded-Method": "GET",
            "X-Forwarded-Proto": "https",
            "X-Forwarded-For": "192.0.2.7",
            "Authorization": "Basic YTpi",
        }
        answer = httpx2.get(f"{site.service.url}/gate/forward{query}", headers=asked, trust_env=False)
        assert answer.status_code == (200 if host == OPEN else 401)
        assert answer.headers.get("authorization") == ("Basic YTpi" if repeated else None)
