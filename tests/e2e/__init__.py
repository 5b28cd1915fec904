"""Drive a whole portal with a real browser, as the people do who use it."""
