"""Speaking HTTP: requests in, pages and JSON out, the same checks for every route."""
