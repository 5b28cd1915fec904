"""Look through sources: each module knows one kind and answers a `types.Discovery`."""
