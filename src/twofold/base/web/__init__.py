"""The web layer: requests in, pages and JSON out, with the same checks for every route."""
