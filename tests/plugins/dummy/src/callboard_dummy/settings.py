"""What operators may set under `dummy:`."""

from pydantic import BaseModel, ConfigDict, Field


class DummySettings(BaseModel):
    """Settings of the dummy plugin."""

    model_config = ConfigDict(extra="forbid")

    greeting: str = Field(default="Hello", max_length=100, description="First words of the page.")
