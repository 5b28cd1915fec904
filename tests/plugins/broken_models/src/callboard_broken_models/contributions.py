"""A page that must never appear."""

from django.http import HttpResponse

from callboard.sdk.contributions import Page

contributions = (
    Page(
        id="broken_models.page",
        title="Never seen",
        path="broken_models",
        view=lambda request: HttpResponse("never seen"),
        name="broken_models.page",
    ),
)
