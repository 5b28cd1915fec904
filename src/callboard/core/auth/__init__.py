"""Who is calling: people, guests, API tokens and sessions."""
