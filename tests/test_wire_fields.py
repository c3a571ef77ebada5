"""The fields of a request travel in one order: what the Global API signs, and what a batch's ledger froze, hang on it.

`python tests/test_wire_fields.py` writes tests/data/wire_fields.json anew, for new endpoints.
"""

from __future__ import annotations

import json
from pathlib import Path

import attrs

from paycools_async.cli.endpoint_table import all_endpoints
from paycools_async.fields import wire_name

SNAPSHOT = Path(__file__).parent / "data" / "wire_fields.json"


def wire_fields() -> dict[str, list[str]]:
    return {
        entry.id: [wire_name(field) for field in attrs.fields(entry.request)]
        for entry in all_endpoints()
        if entry.kind == "request"
    }


def test_the_fields_of_every_request_travel_in_their_order() -> None:
    assert wire_fields() == json.loads(SNAPSHOT.read_text("utf-8"))


if __name__ == "__main__":
    lines = (f"  {json.dumps(id)}: {json.dumps(names)}" for id, names in sorted(wire_fields().items()))
    SNAPSHOT.write_text("{\n" + ",\n".join(lines) + "\n}\n", "utf-8")
