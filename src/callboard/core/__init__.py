"""The kernel: what every room stands on. Rooms reach it through `callboard.sdk` only."""
