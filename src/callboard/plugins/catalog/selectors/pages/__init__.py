"""Answer what the pages of the catalog show, in few queries on narrow columns."""
