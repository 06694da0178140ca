"""Where things are, on this machine and on a mounted card."""

from pathlib import Path

from provisioning.layout import Layout


def test_on_this_machine() -> None:
    here = Layout()
    assert here.here
    assert here.config == Path("/etc/greengate/greengate.toml")
    assert here.journal == Path("/var/lib/greengate/journal/journal.db")
    assert here.identity == Path("/var/lib/greengate/identity")
    assert here.trust == Path("/var/lib/greengate/trust")
    assert here.run == Path("/run/greengate")
    assert here.lock == Path("/run/greengate-service/lock")


def test_on_a_mounted_card_everything_lies_below_its_root(tmp_path: Path) -> None:
    card = Layout(tmp_path)
    assert not card.here
    for path in (card.config, card.data, card.identity, card.trust, card.journal, card.run, card.lock):
        assert path.is_relative_to(tmp_path)


def test_another_name_of_the_root_is_this_machine(tmp_path: Path) -> None:
    (tmp_path / "root").symlink_to("/")
    assert Layout(tmp_path / "root").here
    assert Layout(Path("/tmp/..")).here  # noqa: S108 - only a name
