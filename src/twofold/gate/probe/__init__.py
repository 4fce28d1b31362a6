"""`twofold gate probe`: find out from outside what a proxy lets through.

Each request has a mark in its query, which our keys have signed. A gate that is asked about it takes a note in the
database, so the probe learns whether the gate was asked, about which address, and what it answered.
"""
