"""What source hosts hold, whichever product they are, and what may go wrong with them."""
