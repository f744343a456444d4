"""Erasing customers: out of the logs, their rejects, and every history, in one transaction."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import cached_property

from transforms.fold import literals
from transforms.histories import note
from transforms.model import ENTITIES, Entity
from transforms.publish import RunRow, Warehouse, ensure, find_news, log_rows, queries_for


@dataclass
class Erasing:
    """Erases customers of a tenant of a vendor.

    Attributes:
        people: Tables of `raw_<vendor>` that are about one customer a row → the column of its id.
        keys: The same tables → the column a reject tells a record of theirs by.
        ids: The customers.
        rows: How many rows were erased, by table.
    """

    warehouse: Warehouse
    vendor: str
    people: Mapping[str, str]
    keys: Mapping[str, str]
    tenant_id: str
    ids: Sequence[str]
    rows: dict[str, int] = field(default_factory=dict)

    def found(self) -> set[str]:
        """Return those of the customers any log or history holds anything of."""
        return {
            str(row[0])
            for table, column, where in self._places
            for row in self.warehouse.run(f"select distinct {column} from {table} where {where}")
        }

    def erase(self, run: RunRow, open_scans: Sequence[str]) -> None:
        """Erase them, and write the run's row; nobody else's history is touched.

        What is folded already is counted anew, so that the next publish has nothing to do for it.
        """
        with self.warehouse.connection.begin_transaction():
            ensure(self.warehouse)
            settled = {entity: self._settled(entity, open_scans) for entity in ENTITIES}
            self._erase_rejects()
            for table, _, where in self._places:
                self._delete(table, where)
            for entity, scans in settled.items():
                held = self._held(entity, open_scans)
                note(self.warehouse.run, entity, {scan: held.get(scan, 0) for scan in scans})
            self.warehouse.insert("runs", [asdict(run)])

    @cached_property
    def _places(self) -> list[tuple[str, str, str]]:
        """Return (table, column of the id, condition) of all that is about one customer a row."""
        ids, existing = literals(self.ids), self.warehouse.tables()
        tenant = f"tenant_id = {literals([self.tenant_id])}"
        found = [
            (f"raw_{self.vendor}.{name}", column, f"{tenant} and {column} in ({ids})")
            for name, column in self.people.items()
        ]
        found += [
            (
                f"core.{entity.history}",
                "customer_id",
                f"vendor = '{self.vendor}' and {tenant} and customer_id in ({ids})",
            )
            for entity in ENTITIES
            if "customer_id" in entity.key
        ]
        return [place for place in found if place[0] in existing]

    def _erase_rejects(self) -> None:
        """Erase what was rejected of them and of what they hold, before that is erased itself."""
        table = f"raw_{self.vendor}.rejects"
        if table not in self.warehouse.tables():
            return
        for place, _, where in self._places:
            name = place.removeprefix(f"raw_{self.vendor}.")
            if name in self.keys:
                held = f"select {self.keys[name]} from {place} where {where}"
                tenant = f"tenant_id = {literals([self.tenant_id])}"
                either = f"record_id in ({held}) or record_id in ({literals(self.ids)})"
                self._delete(table, f"resource = '{name}' and {tenant} and ({either})")

    def _delete(self, table: str, where: str) -> None:
        count = int(self.warehouse.run(f"select count(*) from {table} where {where}")[0][0])
        if count:
            self.warehouse.run(f"delete from {table} where {where}")
            self.rows[table] = self.rows.get(table, 0) + count

    def _settled(self, entity: Entity, open_scans: Sequence[str]) -> set[str]:
        """Return the scans all of whose rows are folded."""
        held = self._held(entity, open_scans)
        return held.keys() - find_news(self.warehouse, entity, held).keys()

    def _held(self, entity: Entity, open_scans: Sequence[str]) -> dict[str, int]:
        queries = queries_for(self.vendor, entity, self.warehouse.tables())
        return log_rows(self.warehouse, queries, open_scans) if queries else {}
