"""The settings, read once at start; all faults are reported together."""

from twofold.config.addresses import Network
from twofold.config.config import SETTINGS, Config, Fault, load
from twofold.config.declare import ConfigError, Setting
from twofold.config.sources import PREFIX
from twofold.config.values import Backoff, HashCost, Rate, SecretKey

__all__ = [
    "PREFIX",
    "SETTINGS",
    "Backoff",
    "Config",
    "ConfigError",
    "Fault",
    "HashCost",
    "Network",
    "Rate",
    "SecretKey",
    "Setting",
    "load",
]
