"""What `callboard plugin new` writes: a small plugin that works, is tested and can be installed."""
