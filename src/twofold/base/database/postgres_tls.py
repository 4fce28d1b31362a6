"""TLS for PostgreSQL, without the driver's search for certificates in HOME and the environment."""

import ssl

from twofold.config.postgres import PostgresUrl, Server

Tls = ssl.SSLContext | bool


def tls_of(url: PostgresUrl, server: Server) -> list[Tls]:
    """Return the TLS settings to try with a server, in order. Raise OSError for unusable files."""
    if server.host.startswith("/"):
        return [False]
    match url.sslmode:
        case "disable":
            return [False]
        case "allow":
            return [False, _context(url)]
        case "prefer":
            return [_context(url), False]
        case _:
            return [_context(url)]


def _context(url: PostgresUrl) -> ssl.SSLContext:
    authority = url.options.get("sslrootcert")
    context = ssl.create_default_context(cafile=None if authority == "system" else authority)
    # As in libpq, `require` with an authority means `verify-ca`, and `system` always means `verify-full`.
    full = url.sslmode == "verify-full" or authority == "system"
    context.check_hostname = full
    if not full and not (url.sslmode == "verify-ca" or (url.sslmode == "require" and authority)):
        context.verify_mode = ssl.CERT_NONE
    if certificate := url.options.get("sslcert"):
        context.load_cert_chain(certificate, url.options.get("sslkey"))
    return context
