"""What an operator can choose, read once at the start, refused with all its faults together."""

from twofold.config.declare import ConfigError, Setting
from twofold.config.places import Network, SecretKey
from twofold.config.settings import SETTINGS, Config, load
from twofold.config.sources import PREFIX
from twofold.config.units import Backoff, HashCost, Rate

__all__ = [
    "PREFIX",
    "SETTINGS",
    "Backoff",
    "Config",
    "ConfigError",
    "HashCost",
    "Network",
    "Rate",
    "SecretKey",
    "Setting",
    "load",
]
