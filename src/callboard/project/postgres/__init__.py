"""The PostgreSQL that comes with the portal: created, started, shared, upgraded and stopped here.

A *guardian* process owns the server: it starts it, restarts it when it dies, and stops it once no
`callboard` process uses it any longer. Every process that does holds a shared lock, which the
kernel gives back however the process ends, so nothing is left behind and nothing is counted twice.
"""

from callboard.project.postgres.server import Status, ensure_running, status, stop

__all__ = ["Status", "ensure_running", "status", "stop"]
