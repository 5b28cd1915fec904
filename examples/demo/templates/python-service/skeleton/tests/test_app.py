from limelight_kit.testing import client_for

from ${{ values.package }}.app import app


def test_it_says_its_name() -> None:
    assert client_for(app).get("/").json() == {"service": "${{ values.name }}"}
