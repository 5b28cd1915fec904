"""One client for every product: `opening.open_client(access)` answers the one that fits."""
