"""Whether streams may still be read for event source mappings: what was right when one was made may be no more."""

from statordb.commands.gate import Gate
from statordb.commands.stream_readers import may_read, principal_of, role_of_function
from statordb.store.functions.mappings import MappingRecord, is_url
from statordb.store.store import Store


async def may_read_for(store: Store, gate: Gate, record: MappingRecord) -> bool:
    """Whether the role of a mapping's function may read its stream, as AWS asks, or who has set the function."""
    if record.reader is None:
        return True
    account, region = record.account, record.region
    if not is_url(record.function):
        function = await store.functions.find(account, region, record.function.split(":")[6])
        role = None if function is None else await role_of_function(store.identities, account, region, function.role)
        if role is not None and await may_read(gate, role, record.stream_arn):
            return True
    reader = await principal_of(store.identities, account, region, record.reader) if record.reader else None
    return reader is not None and await may_read(gate, reader, record.stream_arn)
