"""The gate: forward authentication for reverse proxies, which ask before each request to an application."""
