"""Whether streams may still be read for event source mappings: what was right when one was made may be no more."""

from statordb.commands.gate import Gate
from statordb.commands.stream_readers import may_read, principal_of
from statordb.store.functions.mappings import MappingRecord, is_url
from statordb.store.store import Store


async def may_read_for(store: Store, gate: Gate, record: MappingRecord) -> bool:
    """Whether the role of a mapping's function may read its stream, as AWS asks, or who has set the function."""
    if record.reader is None:
        return True
    readers = [record.reader]
    if not is_url(record.function):
        _, _, _, region, account, _, name, *_ = record.function.split(":")
        function = await store.functions.find(account, region, name)
        if function is not None:
            readers = [function.role, record.reader]
    for arn in filter(None, readers):
        principal = await principal_of(store.identities, record.account, record.region, arn)
        if principal is not None and await may_read(gate, principal, record.stream_arn):
            return True
    return False
