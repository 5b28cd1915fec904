"""Break a real portal in every way that happens, and see that nothing is lost, doubled or hidden."""
