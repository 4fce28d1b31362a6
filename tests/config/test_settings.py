"""Where settings come from, which source wins, and that all errors are reported together without values."""

import subprocess
import sys
from base64 import urlsafe_b64encode
from pathlib import Path

import pytest

from twofold.config import SETTINGS, Backoff, Config, ConfigError, Rate, load
from twofold.features import FEATURES

MARKER = "marker0123456789"


def faults(**environ: str) -> list[str]:
    """Return the errors of invalid settings."""
    with pytest.raises(ConfigError) as error:
        FEATURES.read_settings({f"TWOFOLD_{name}": value for name, value in environ.items()})
    return list(error.value.faults)


def toml(folder: Path, text: str) -> str:
    """Write a settings file."""
    path = folder / "twofold.toml"
    path.write_text(text, "utf-8")
    return str(path)


def test_defaults_match_the_contract() -> None:
    """The defaults are those of the contract."""
    config = Config.from_env({})
    assert config.data_dir == Path("twofold-data").absolute()
    assert config.database_url == f"sqlite:///{config.data_dir}/twofold.db"
    assert config.sqlite_path == config.data_dir / "twofold.db"
    assert (config.base_url, config.site_name, config.host) == ("http://localhost:8000", "localhost", "localhost")
    assert (config.registration, config.password_min, config.secret_keys) == ("open", 8, ())
    assert (config.mail_url, config.sms_url, config.voice_url) == ("console:", ("console:",), ("console:",))
    assert (config.phone_countries, config.send_budget) == (("*",), 500)
    assert (config.trust, config.session_idle, config.session_max, config.unlocked) == (2_592_000, 3_600, 86_400, 600)
    assert config.limit_codes == (Rate(5, 300), Rate(20, 3_600), Rate(50, 86_400))
    assert config.limit_passwords == Backoff(5, 30, 3_600)
    assert (config.limit_codes_in_a_row, config.trusted_proxies, config.log) == (100, (), None)


def test_default_base_url_uses_the_port() -> None:
    """`serve --port 9000` without a base URL uses port 9000."""
    assert Config.from_env({}, port=9_000).base_url == "http://localhost:9000"
    assert Config.from_env({"TWOFOLD_BASE_URL": "https://a.org"}, port=9_000).base_url == "https://a.org"


def test_base_url_has_an_origin_a_path_and_a_scheme() -> None:
    """Cookies, links and origin checks use these."""
    config = Config.from_env({"TWOFOLD_BASE_URL": "https://login.example.org:8443/account/"})
    assert (config.origin, config.base_path) == ("https://login.example.org:8443", "/account")
    assert (config.host, config.secure, config.loopback) == ("login.example.org", True, False)
    assert (config.site_name, config.sms_url) == ("login.example.org", ())
    local = Config.from_env({"TWOFOLD_BASE_URL": "http://[::1]:8000"})
    assert (local.host, local.origin, local.base_path) == ("::1", "http://[::1]:8000", "")
    assert (local.secure, local.loopback) == (False, True)


def test_environment_overrides_the_file_and_the_file_overrides_defaults(tmp_path: Path) -> None:
    """Each setting is overridden on its own, and its source is recorded."""
    path = toml(tmp_path, 'trust = "7d"\nunlocked = "5m"\npassword_min = 12\ntrusted_proxies = ["10.0.0.0/8", "::1"]')
    config, places = load({"TWOFOLD_CONFIG": path, "TWOFOLD_TRUST": "1d"})
    assert (config.trust, config.unlocked, config.password_min, config.session_max) == (86_400, 300, 12, 86_400)
    assert [str(network) for network in config.trusted_proxies] == ["10.0.0.0/8", "::1/128"]
    assert (places["trust"], places["unlocked"], places["log"]) == ("TWOFOLD_TRUST", f"unlocked in {path}", "default")


@pytest.mark.parametrize("name", SETTINGS)
def test_every_setting_can_be_read_from_a_file_of_its_own(name: str, tmp_path: Path) -> None:
    """Every setting accepts NAME_FILE or its key in the TOML file, and errors use that name."""
    content = tmp_path / "value"
    content.write_text("\x01", "utf-8")
    assert faults(**{f"{name.upper()}_FILE": str(content)})[0].startswith(f"TWOFOLD_{name.upper()}_FILE ")
    path = toml(tmp_path, f"{name} = 1.5")
    assert faults(CONFIG=path)[0].startswith(f"{name} in {path} ")


def test_trailing_newline_of_a_value_file_is_removed(tmp_path: Path) -> None:
    """Editors add one, which is not part of the value."""
    value = tmp_path / "value"
    value.write_text("7d\n", "utf-8")
    assert Config.from_env({"TWOFOLD_TRUST_FILE": str(value)}).trust == 604_800
    assert Config.from_env({"TWOFOLD_CONFIG": toml(tmp_path, f'trust_file = "{value}"')}).trust == 604_800


def test_setting_given_directly_and_by_file_is_refused() -> None:
    """The error names both."""
    assert faults(TRUST="1d", TRUST_FILE="/x") == [
        "TWOFOLD_TRUST and TWOFOLD_TRUST_FILE are both set: keep one of them."
    ]


@pytest.mark.parametrize(
    "name, nearest",
    [
        ("TRUSTT", "TWOFOLD_TRUST"),
        ("LIMIT_CODE", "TWOFOLD_LIMIT_CODES"),
        ("DATABASE", "TWOFOLD_DATABASE_URL"),
        ("DATABASE_URI_FILE", "TWOFOLD_DATABASE_URL_FILE"),
        ("CONFIG_FILE", "TWOFOLD_CONFIG"),
        ("trust", "TWOFOLD_TRUST"),
        ("", "TWOFOLD_"),
    ],
)
def test_unknown_setting_suggests_the_nearest_known_one(name: str, nearest: str) -> None:
    """The error for a mistyped name suggests the likely intended one."""
    (fault,) = faults(**{name: MARKER})
    assert fault.startswith(f"TWOFOLD_{name} is not a setting: did you mean {nearest}")
    assert MARKER not in fault


def test_unknown_key_in_the_file_suggests_the_nearest_known_one(tmp_path: Path) -> None:
    """Keys are lower-case names; upper-case keys, tables and misspelt keys are unknown."""
    path = toml(tmp_path, 'TRUST = "1d"\nsesion_max = "1h"\n[gate]\nx = 1\n')
    assert [fault.partition(" in ")[0] for fault in faults(CONFIG=path)] == ["gate", "sesion_max", "TRUST"]
    assert "did you mean session_max?" in faults(CONFIG=path)[1]


def test_all_setting_errors_are_reported_together() -> None:
    """An operator can fix everything at once."""
    found = faults(TRUST="0d", LOG="xml", NONSENSE="1", SESSION_IDLE="2h", SESSION_MAX="1h", BASE_URL="http://a.org")
    assert [fault.split()[0] for fault in found] == [
        *["TWOFOLD_NONSENSE", "TWOFOLD_BASE_URL", "TWOFOLD_TRUST", "TWOFOLD_LOG", "TWOFOLD_SESSION_IDLE"]
    ]
    assert all(fault.endswith((".", "?")) for fault in found)


def test_invalid_setting_causes_no_further_errors() -> None:
    """Errors that would disappear with the first one are not reported."""
    assert len(faults(SESSION_IDLE="never", SESSION_MAX="30m", UNLOCKED="10m")) == 1
    assert len(faults(SESSION_IDLE_FILE="/nowhere", SESSION_MAX="30m", UNLOCKED="10m")) == 1


@pytest.mark.parametrize("value", ["", "  ", "a\x00b", "\x1b[2J", "\ud800"])
def test_empty_or_unprintable_values_are_refused(value: str) -> None:
    """An empty value often comes from a mistake in a template, and control characters are never intended."""
    assert len(faults(SITE_NAME=value)) == 1


@pytest.mark.parametrize(
    "text, where", [("trust = ", "line 1"), ('a = "x"\nb ==\n', "line 2"), ('trust = "1d"\ntrust = "2d"', "")]
)
def test_syntax_error_in_the_file_is_reported_with_its_line(text: str, where: str, tmp_path: Path) -> None:
    """The error names the line to fix."""
    (fault,) = faults(CONFIG=toml(tmp_path, text))
    assert "is not valid TOML at " in fault
    assert where in fault


@pytest.mark.parametrize("content", [None, b"\xff\xfe", b"#" * 2_000_000])
def test_unusable_file_is_a_one_line_error(content: bytes | None, tmp_path: Path) -> None:
    """This covers missing, binary and endless files."""
    path = tmp_path / "file"
    if content is not None:
        path.write_bytes(content)
    assert faults(CONFIG=str(path))[0].startswith("TWOFOLD_CONFIG names a file")
    assert faults(TRUST_FILE=str(path))[0].startswith("TWOFOLD_TRUST_FILE names a file")
    assert faults(CONFIG=str(tmp_path))[0].startswith("TWOFOLD_CONFIG names a file")


@pytest.mark.parametrize("name", SETTINGS)
def test_setting_errors_never_repeat_the_value(name: str, tmp_path: Path) -> None:
    """A secret in the wrong variable or in a file is not printed."""
    value = f"https://{MARKER}:{MARKER}@{MARKER}?{MARKER}"
    if name != "data_dir":
        assert MARKER not in "".join(faults(**{name.upper(): value}))
        content = tmp_path / "value"
        content.write_text(value, "utf-8")
        assert MARKER not in "".join(faults(**{f"{name.upper()}_FILE": str(content)}))


def test_repr_of_the_configuration_contains_no_secret() -> None:
    """A log line or traceback that prints the configuration reveals no password or key."""
    key = urlsafe_b64encode(b"marker0123456789" * 2).decode()
    config = Config.from_env(
        {"TWOFOLD_DATABASE_URL": f"postgresql://me:{MARKER}@host/db", "TWOFOLD_SECRET_KEYS": f"a:{key}"}
    )
    assert MARKER not in repr(config)
    assert key[:10] not in repr(config)
    for name, each in SETTINGS.items():
        assert MARKER not in each.write(getattr(config, name))
        assert key[:10] not in each.write(getattr(config, name))


@pytest.mark.parametrize("name", SETTINGS)
def test_displayed_settings_can_be_read_back(name: str) -> None:
    """`config show` prints all settings except secrets and unset ones in the form in which they are read."""
    config, each = Config.from_env({}), SETTINGS[name]
    if not each.secret and getattr(config, name):
        assert each.parse(each.write(getattr(config, name))) == getattr(config, name)


def test_configuration_imports_no_heavy_library() -> None:
    """Commands that only read settings start quickly."""
    heavy = {"asyncio", "click", "cryptography", "msgspec", "starlette", "tomllib", "difflib", "ssl"}
    script = "import sys, twofold.config; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout.split()
    assert not heavy & set(loaded)
