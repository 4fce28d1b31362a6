"""Below a base path, a proxy may remove the base path or pass it on."""

from collections.abc import Iterator

import httpx2
import pytest

from tests.support.service import Service
from twofold.base.web.paths import mounted, path_of
from twofold.config import ConfigError
from twofold.features import FEATURES
from twofold.running import ROUTES

FIRST_PARTS = sorted({path.split("/")[1] for path in ROUTES.paths} - {""})


def read(base_path: str) -> None:
    """Read settings with this base path."""
    FEATURES.read_settings({"TWOFOLD_BASE_URL": f"https://example.org{base_path}"})


@pytest.mark.parametrize("base_path", [*(f"/{part}" for part in FIRST_PARTS if part[0] != "."), "/api/v1", "/static/x"])
def test_base_path_that_is_the_start_of_a_route_is_refused(base_path: str) -> None:
    """A request could mean the route or the mount point; the error says what to do."""
    with pytest.raises(ConfigError, match=r"TWOFOLD_BASE_URL must not have a path .* choose another"):
        read(base_path)


@pytest.mark.parametrize("base_path", ["", "/account", "/login", "/settings2", "/a/settings", "/api/login", "/sign"])
def test_any_other_base_path_is_accepted(base_path: str) -> None:
    """This includes one that only shares letters with a route."""
    read(base_path)


@pytest.mark.parametrize(
    "path, below",
    [
        ("/sign/settings", "/settings"),
        ("/sign", "/"),
        ("/sign/", "/"),
        ("/sign-in", "/sign-in"),
        ("/sign-in/code", "/sign-in/code"),
        ("/settings", "/settings"),
        ("/sign/sign-in", "/sign-in"),
    ],
)
def test_base_path_is_removed_only_as_whole_segments(path: str, below: str) -> None:
    """This holds however a proxy passes the request on."""
    scope = mounted({"type": "http", "path": path}, "/sign")
    assert (path_of(scope), scope.get("root_path", "")) == (below, "/sign" if path.split("/")[1] == "sign" else "")


@pytest.fixture(scope="module")
def below(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """Yield a service whose base path has the first letters of a route."""
    service = Service(tmp_path_factory.mktemp("below"))
    service.settings["base_url"] = f"{service.url}/sign"
    with service:
        yield service


@pytest.mark.parametrize("prefix", ["", "/sign"])
def test_pages_are_there_whether_a_proxy_cuts_the_base_path_or_not(below: Service, prefix: str) -> None:
    """Their links are public addresses."""
    for path in ("/sign-in", "/settings", "/api/v1/docs", "/healthz"):
        answer = httpx2.get(f"{below.url}{prefix}{path}", trust_env=False)
        assert answer.status_code == (303 if path == "/settings" else 200), f"{path}: {answer}"
        assert answer.headers.get("location", "/sign/").startswith("/sign/")
