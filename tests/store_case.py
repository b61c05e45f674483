"""What tests of the store share: a writing, ready to be kept."""

from fencun.store.schema import WritingRow
from fencun.store.writings import new_id


def row(owner: str = "", identity: str | None = None) -> WritingRow:
    return WritingRow(
        id=identity or new_id(), owner=owner, source="api", scenario="s", asked={"a": "“甲”"},
        brief={}, arm="prompt", model="m", seed=2**40, decoding={"temperature": 0.7},
    )  # fmt: skip
