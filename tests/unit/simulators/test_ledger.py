"""The ledger counts always and remembers when asked, through a file too."""

from pathlib import Path

import numpy as np
import pytest

from simulators.ledger import Entry, Ledger, load


def test_it_counts_messages_and_entries() -> None:
    ledger = Ledger()
    ledger.acknowledged(3)
    ledger.acknowledged([Entry("d", "p", 1, 2.0)], unmatched=True)
    ledger.refuse()
    assert (ledger.messages, ledger.entries, ledger.refused, ledger.unmatched) == (2, 4, 1, 1)
    with pytest.raises(ValueError, match="only counted"):
        ledger.columns()


def test_what_is_kept_survives_a_file(tmp_path: Path) -> None:
    ledger = Ledger(keep=True)
    ledger.acknowledged([Entry("d1", "p1", 5, 1.5), Entry("d1", "p2", 5, 0.1)])
    ledger.acknowledged([Entry("d2", "p1", 6, -1.0)])
    ledger.columns().save(tmp_path / "ledger.npz")
    found = load(tmp_path / "ledger.npz")
    assert len(found) == 3
    assert [found.devices[i] for i in found.device] == ["d1", "d1", "d2"]
    assert [found.properties[i] for i in found.property] == ["p1", "p2", "p1"]
    np.testing.assert_array_equal(found.time, [5, 5, 6])
    np.testing.assert_array_equal(found.value, [1.5, 0.1, -1.0])
