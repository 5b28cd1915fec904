"""Addresses of the sample pages, mounted the way the portal mounts them."""

from __future__ import annotations

from callboard.core.ui import pages

handler400 = "callboard.core.ui.errors.bad_request"
handler403 = "callboard.core.ui.errors.permission_denied"
handler404 = "callboard.core.ui.errors.page_not_found"
handler500 = "callboard.core.ui.errors.server_error"

urlpatterns = pages.urlpatterns()
