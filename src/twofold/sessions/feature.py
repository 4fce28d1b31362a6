"""The sessions feature."""

from twofold.accounts.consequences import Item
from twofold.base.feature import Export, Feature, Message
from twofold.base.texts import N_
from twofold.base.web.context import AccessControl
from twofold.sessions import api, check, export, pages, store
from twofold.sessions.actions import admit, end_sessions, keep_proofs, record_refused_change, require
from twofold.sessions.last_use import LastUse

FEATURE = Feature(
    routes=(*pages.ROUTES, *api.ROUTES),
    endpoints=(check.ENDPOINT,),
    cards=(pages.card,),
    messages={
        "session_ended": Message(N_("The session was ended."), "sessions"),
        "sessions_ended": Message(N_("All your other sessions were ended."), "sessions"),
    },
    parts=lambda *_: {AccessControl: AccessControl(require, admit, record_refused_change), LastUse: LastUse()},
    endings={Item.SESSIONS: end_sessions, Item.UNDER_WAY: keep_proofs},
    exports={"sessions": Export(export.sessions)},
    expiries=lambda _: (store.EXPIRY,),
)
