"""What the dummy plugin keeps."""

from django.db import models


class Thing(models.Model):
    """A thing that belongs to somebody; ``announced`` says whether the event about it has arrived."""

    name = models.CharField(max_length=100, unique=True)
    owner = models.CharField(max_length=300, blank=True)
    announced = models.BooleanField(default=False)

    class Meta:
        """Table name."""

        db_table = "cb_dummy_thing"

    def __str__(self) -> str:
        """Name, for logs."""
        return self.name
