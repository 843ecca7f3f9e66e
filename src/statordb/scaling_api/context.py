"""What every operation of Application Auto Scaling's API gets: the store, who asks, and the way to targets, past the
gate."""

import re
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, NamedTuple

from statordb.commands.demands import EVERYTHING, ResourceDemand
from statordb.commands.gate import Gate, admit_call
from statordb.commands.key_permission import named, of_tags
from statordb.model.request import Origin, Principal
from statordb.scaling_api import errors
from statordb.store.scaling.records import DIMENSIONS, INDEX, SERVICE, TargetName, TargetRecord, target_arn
from statordb.store.store import Store

Request = dict[str, Any]
Answer = dict[str, Any]
"""Members that are None are left out."""
Facts = dict[str, tuple[str, ...]]

_NAME = r"[a-zA-Z0-9_.-]{1,255}"
_RESOURCE = re.compile(rf"table/{_NAME}(/index/{_NAME})?", re.ASCII)
_ACTION = "application-autoscaling:"
_NO_FACTS: Mapping[str, tuple[str, ...]] = {}


class Context(NamedTuple):
    """The surroundings of one request. `asked`: its members."""

    store: Store
    principal: Principal
    origin: Origin
    gate: Gate
    asked: Request

    def now(self) -> float:
        """Seconds since the epoch."""
        return self.store.clock.now()

    async def admit(
        self, operation: str, arn: str = EVERYTHING, facts: Mapping[str, tuple[str, ...]] = _NO_FACTS
    ) -> None:
        """Raises AccessDeniedException unless the principal may do that."""
        await self._admit(ResourceDemand(_ACTION + operation, arn, dict(facts)))

    async def admit_role(self, arn: str) -> None:
        """Raises AccessDeniedException unless the principal may hand on a role."""
        await self._admit(ResourceDemand("iam:PassRole", arn))

    def name(self) -> TargetName:
        """Which capacity a request is about. Raises ValidationException for what is not DynamoDB's."""
        resource, dimension = self.asked["ResourceId"], self.asked["ScalableDimension"]
        kind = DIMENSIONS.get(dimension)
        found = _RESOURCE.fullmatch(resource)
        if self.asked["ServiceNamespace"] != SERVICE or kind is None or found is None:
            raise errors.unsupported_scope()
        if (kind[0] == INDEX) != (found[1] is not None):
            raise errors.unsupported_scope()
        return TargetName(self.principal.account, self.principal.region, resource, dimension)

    async def target(self, operation: str, name: TargetName) -> TargetRecord | None:
        """The target of a request by which an action is demanded; None if there is none."""
        found = await self.store.scaling.targets.find(name)
        arn = target_arn(name.account, name.region, EVERYTHING if found is None else found.id)
        await self.admit(operation, arn, self.facts(found))
        return found

    async def registered(self, operation: str) -> TargetRecord:
        """The same for operations that need one. Raises also ObjectNotFoundException."""
        name = self.name()
        found = await self.target(operation, name)
        if found is None:
            raise errors.not_registered(name.resource, name.dimension)
        return found

    async def tagged(self, operation: str) -> TargetRecord:
        """The target that an ARN names. Raises also ResourceNotFoundException."""
        arn: str = self.asked["ResourceARN"]
        _, _, _, region, account, kind = arn.split(":", 5)
        principal, found = self.principal, None
        if (account, region) == (principal.account, principal.region):
            found = await self.store.scaling.targets.by_id(account, region, kind.partition("/")[2])
        await self.admit(operation, arn, self.facts(found))
        if found is None:
            raise errors.arn_not_found(arn)
        return found

    async def admit_list(self, operation: str) -> None:
        """Raises AccessDeniedException unless the principal may see what there is."""
        await self.admit(operation, EVERYTHING, self.facts(None))

    async def _admit(self, demand: ResourceDemand) -> None:
        gate, principal, origin = self.gate, self.principal, self.origin
        if gate.surely(principal, origin, demand):
            return
        await admit_call(gate, principal, origin, demand, self.asked)

    def facts(self, found: TargetRecord | None) -> Facts:
        """Condition keys: service authorization reference, "Condition keys for AWS Application Auto Scaling"."""
        facts: Facts = dict(of_tags(self.asked.get("Tags") or {}))
        if "TagKeys" in self.asked:
            facts["aws:tagkeys"] = tuple(self.asked["TagKeys"])
        for key, member in (("service-namespace", "ServiceNamespace"), ("scalable-dimension", "ScalableDimension")):
            if self.asked.get(member) is not None:
                facts[_ACTION + key] = (self.asked[member],)
        if found is not None:
            facts |= named("aws:resourcetag/", found.tags)
        return facts


Operation = Callable[[Context, Request], Awaitable[Answer]]
