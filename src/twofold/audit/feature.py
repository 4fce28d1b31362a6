"""The audit log feature."""

from twofold.audit import api, export, pages, store
from twofold.audit.actions import REFUSALS
from twofold.base.feature import Export, Feature

FEATURE = Feature(
    routes=(*pages.ROUTES, *api.ROUTES),
    cards=(pages.card,),
    account_keys=(REFUSALS,),
    exports={"events": Export(export.events)},
    expiries=lambda config: (store.expiry(config),),
)
