"""The proof that no change was lost: what was acknowledged, held against what the carts hold.

Two things are checked. For each line of a cart, the sum of all acknowledged changes is its quantity. And every
acknowledged change made a version of its cart of its own, with no version that nobody made. A change whose answer never
came may have been made or not: it widens what is allowed, and by how much is part of the verdict.
"""

from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple


class Stored(NamedTuple):
    """A cart as read back: its version, and the quantity of each product."""

    version: int
    lines: Mapping[str, int]


@dataclass
class Account:
    """One line of one cart: the sum of acknowledged changes, and what unknown ones may have put in or taken out."""

    acknowledged: int = 0
    put_in_at_most: int = 0
    may_be_emptied: bool = False

    @property
    def least(self) -> int:
        """The least quantity that fits. What was set or removed may have taken everything."""
        return 0 if self.may_be_emptied else self.acknowledged

    @property
    def most(self) -> int:
        """The greatest quantity that fits."""
        return self.acknowledged + self.put_in_at_most


@dataclass
class Verdict:
    """The sums over all carts, and each thing that does not fit."""

    acknowledged: int = 0
    least: int = 0
    most: int = 0
    found: int = 0
    changes: int = 0
    versions: int = 0
    unknown: int = 0
    faults: list[str] = field(default_factory=list)


class Ledger:
    """What the browsers know of their changes."""

    def __init__(self) -> None:
        self._accounts: defaultdict[tuple[str, str], Account] = defaultdict(Account)
        self._versions: defaultdict[str, list[int]] = defaultdict(list)
        self._unknown: Counter[str] = Counter()

    def acknowledge(self, user: str, product: str, before: int, after: int, version: int) -> None:
        """A change was answered: it took the line from `before` to `after` and made the cart's `version`."""
        self._accounts[user, product].acknowledged += after - before
        self._versions[user].append(version)

    def lose(self, user: str, product: str, action: str, quantity: int) -> None:
        """A change got no answer: an add of, or a change to, `quantity`, or a removal."""
        account = self._accounts[user, product]
        if action != "remove":
            account.put_in_at_most += quantity
        if action != "add":
            account.may_be_emptied = True
        self._unknown[user] += 1

    def check(self, carts: Mapping[str, Stored]) -> Verdict:
        """Hold the carts, read back after the last change, against what is known of them."""
        verdict = Verdict()
        nothing = Stored(0, {})
        keys = self._accounts.keys() | {(user, product) for user, cart in carts.items() for product in cart.lines}
        for user, product in sorted(keys):
            account = self._accounts.get((user, product), Account())
            found = carts.get(user, nothing).lines.get(product, 0)
            verdict.acknowledged += account.acknowledged
            verdict.least += account.least
            verdict.most += account.most
            verdict.found += found
            if not account.least <= found <= account.most:
                verdict.faults.append(
                    f"{user}, {product}: {found} in the cart, {account.least} to {account.most} expected"
                )
        for user in sorted(self._versions.keys() | self._unknown.keys() | carts.keys()):
            self._check_versions(user, carts.get(user, nothing).version, verdict)
        return verdict

    def _check_versions(self, user: str, stored: int, verdict: Verdict) -> None:
        made, unknown = self._versions.get(user, []), self._unknown[user]
        verdict.changes += len(made)
        verdict.versions += stored
        verdict.unknown += unknown
        if len(set(made)) != len(made):
            verdict.faults.append(f"{user}: two changes made the same version")
        if not len(made) <= stored <= len(made) + unknown:
            verdict.faults.append(f"{user}: version {stored} after {len(made)} changes and {unknown} without an answer")
