"""The hands that change Foodics' tags and addresses from outside its API."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from simulator.foodics.data import Data, alone
from simulator.foodics.switches import Record


class Labels(Data):
    """The ways to change tags, who has them, and addresses."""

    def tag_ids(self, tenant: str) -> list[str]:
        """Ids of a business's living tags."""
        return [one for one, tag in self.world[tenant].tags.items() if not tag["deleted_at"]]

    def tagged_ids(self, tenant: str, tag_id: str) -> list[str]:
        """Ids of the living customers that have a tag, those we may not see too."""
        business = self.world[tenant]
        return [one for one in business.living() if tag_id in business.tags_on(one)]

    @alone
    def create_tag(self, tenant: str, name: str, **fields: Any) -> str:
        """Add a tag, stamped now unless the fields say otherwise; return its id."""
        now, tag_id = self.now(), self.ids.new(self.switches.id_form)
        tag = {
            "id": tag_id, "name": name, "name_localized": None, "type": 1,
            "created_at": now, "updated_at": now, "deleted_at": None,
        } | fields  # fmt: skip
        self.world[tenant].tags[tag["id"]] = tag
        self.world[tenant].changed()
        return str(tag["id"])

    @alone
    def rename_tag(self, tenant: str, tag_id: str, name: str) -> None:
        """Give a tag another name."""
        self.world[tenant].tags[tag_id] |= {"name": name, "updated_at": self.now()}
        self.world[tenant].changed()

    @alone
    def delete_tag(self, tenant: str, tag_id: str) -> None:
        """Soft-delete a tag: it vanishes from every customer, whose stamp does not move."""
        now = self.now()
        self.world[tenant].tags[tag_id] |= {"deleted_at": now, "updated_at": now}
        self.world[tenant].changed()

    @alone
    def attach(self, tenant: str, tag_id: str, customer_id: str, *, _touch: bool = False) -> None:
        """Give a customer a tag further to those it has."""
        tags = self.world[tenant].tags_on(customer_id)
        self.set_tags(tenant, customer_id, [*tags, tag_id], _touch=_touch)

    @alone
    def detach(self, tenant: str, tag_id: str, customer_id: str, *, _touch: bool = False) -> None:
        """Take a tag from a customer."""
        tags = [one for one in self.world[tenant].tags_on(customer_id) if one != tag_id]
        self.set_tags(tenant, customer_id, tags, _touch=_touch)

    @alone
    def set_tags(
        self, tenant: str, customer_id: str, tag_ids: Sequence[str], *, _touch: bool = False
    ) -> None:
        """Make these a customer's tags; its stamp moves if told, or as the switch has it."""
        touches = _touch or self.switches.tag_touches
        self.update_customer(tenant, customer_id, _touch=touches, tags=tag_ids)

    @alone
    def set_addresses(
        self, tenant: str, customer_id: str, addresses: Sequence[Record], *, _touch: bool = False
    ) -> None:
        """Make these a customer's addresses; what a record lacks is made up."""
        self.update_customer(tenant, customer_id, _touch=_touch, addresses=addresses)
