"""The objects of a place that is named. Nothing is opened or imported that is not needed yet."""

from pathlib import Path

from statordb.objects.contract import Objects
from statordb.objects.directory import DirectoryObjects
from statordb.objects.place import place_of


def open_objects(text: str, credentials: Path | None = None) -> Objects:
    """See `objects.place` for the text. `credentials`: a file of the AWS SDKs' form, which is read rather than where
    these look. Raises ValueError with the end of a sentence."""
    place = place_of(text)
    if isinstance(place, Path):
        return DirectoryObjects(place)
    from statordb.objects.s3 import S3Objects  # few servers have them there

    return S3Objects(place, credentials)
