"""Names of groups."""

import re

from twofold.base.problems import FieldError, InvalidRequest
from twofold.base.texts import N_

_GROUP = re.compile("[a-z0-9._-]{1,64}")


def check_group(text: str) -> str:
    """Return the name of a group. Raise InvalidRequest unless it is one."""
    if not _GROUP.fullmatch(text):
        raise InvalidRequest(FieldError("group", N_("Use 1 to 64 of a-z, 0-9, dot, hyphen and underscore.")))
    return text
