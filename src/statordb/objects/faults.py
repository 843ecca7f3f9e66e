"""Why something can't be done with objects. Codes and texts are those of S3: its own where it was asked, the same for a
directory. Source: S3's API reference, "Error responses"."""


class ObjectsFault(Exception):
    """`code`: S3's error code. `text`: a sentence."""

    def __init__(self, code: str, text: str) -> None:
        super().__init__(f"{code}: {text}")
        self.code = code
        self.text = text


class NoSuchBucket(ObjectsFault):
    """There is no bucket of that name."""


class NoSuchObject(ObjectsFault):
    """There is no object of that name."""


class AccessDenied(ObjectsFault):
    """The server may not do that."""


class BadCredentials(ObjectsFault):
    """The server's credentials are unknown, expired or wrong, or there are none."""


class OtherRegion(ObjectsFault):
    """The bucket is in another region than the one that was asked."""


class Away(ObjectsFault):
    """The place can't be reached, does not answer, or has too much to do: it may be there again later."""


class Full(ObjectsFault):
    """There is no space left for the object, or it is larger than one may be."""


class BadName(ObjectsFault):
    """No object, or no bucket, can have that name here."""


class Refused(ObjectsFault):
    """Anything else that S3 answers."""


class Damaged(ObjectsFault):
    """The object is not what was written under its name."""


class Foreign(ObjectsFault):
    """The object was sealed with keys that are not here."""


def no_such_bucket() -> NoSuchBucket:
    return NoSuchBucket("NoSuchBucket", "The specified bucket does not exist")


def no_such_object() -> NoSuchObject:
    return NoSuchObject("NoSuchKey", "The specified key does not exist.")


def access_denied() -> AccessDenied:
    return AccessDenied("AccessDenied", "Access Denied")


def bad_bucket_name() -> BadName:
    return BadName("InvalidBucketName", "The specified bucket is not valid.")


def bad_name(why: str) -> BadName:
    return BadName("InvalidArgument", f"The name of the object {why}.")


def too_long_name() -> BadName:
    return BadName("KeyTooLongError", "Your key is too long.")


def replaced(name: str) -> Damaged:
    return Damaged("PreconditionFailed", f"Another object took the name {name} while it was read.")
