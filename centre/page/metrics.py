"""The fleet's metrics for Prometheus, from a snapshot; of single devices only as many as a server can take."""

from collections.abc import Iterable, Iterator

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from centre.page.plots import HOUR_MS, VERDICTS
from centre.page.snapshot import Snapshot

TYPE = "text/plain; version=0.0.4; charset=utf-8"


def metrics(snapshot: Snapshot | None) -> bytes:
    """Return them as text; without a snapshot only that the store cannot be read."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Fleet(snapshot))
    return generate_latest(registry)


class _Fleet(Collector):
    def __init__(self, snapshot: Snapshot | None) -> None:
        self._snapshot = snapshot

    def collect(self) -> Iterable[Metric]:
        """Give each metric."""
        yield _gauge("store_up", "Whether the store can be read.", int(self._snapshot is not None))
        if self._snapshot is not None:
            yield from _of_fleet(self._snapshot)
            yield _of_hour(self._snapshot)
            yield from _of_devices(self._snapshot)


def _of_fleet(snapshot: Snapshot) -> Iterator[Metric]:
    totals, journals = snapshot.totals, snapshot.unsound
    states = GaugeMetricFamily("greengate_fleet_devices", "Devices by state.", labels=["state"])
    for state, count in totals.states.items():
        states.add_metric([state], count)
    yield states
    yield _gauge("checkins_stored", "Check-ins that came, since the store was begun.", totals.stored)
    yield _gauge("checkins_today", "Check-ins of today, in Viet Nam.", snapshot.today)
    yield _gauge("checkins_missing", "Check-ins that were recorded and never came.", totals.missing)
    yield _gauge("checkins_unsent", "Check-ins that wait on devices, as they said last.", totals.unsent)
    yield _gauge("devices_with_gaps", "Devices of which something is missing or does not follow.", totals.gapped)
    yield _gauge("devices_forked", "Devices with numbers of two contents: a copied card.", totals.forked)
    yield _gauge("journal_holes", "Ranges of missing numbers.", sum(len(one.missing) for one in journals))
    yield _gauge("journal_breaks", "Batches that follow none that came.", sum(one.breaks for one in journals))
    yield _gauge("journal_conflicts", "Numbers with two contents.", sum(one.conflicts for one in journals))
    if totals.last_received_ms is not None:
        received_s = totals.last_received_ms / 1000
        yield _gauge("last_received_timestamp_seconds", "When check-ins came last.", received_s)
    if totals.oldest_unsent_ms is not None:
        oldest_s = totals.oldest_unsent_ms / 1000
        yield _gauge("oldest_unsent_timestamp_seconds", "When the oldest that waits was recorded.", oldest_s)


def _of_hour(snapshot: Snapshot) -> Metric:
    last_ms = max((count.begins_ms for count in snapshot.hours), default=0)
    family = GaugeMetricFamily("greengate_fleet_checkins_hour", "Check-ins of the present hour.", labels=["verdict"])
    found = dict.fromkeys(VERDICTS, 0)
    for count in snapshot.hours:
        if count.begins_ms == last_ms and count.verdict in found and snapshot.at_ms - last_ms < HOUR_MS:
            found[count.verdict] += count.count
    for verdict, many in found.items():
        family.add_metric([verdict], many)
    return family


def _of_devices(snapshot: Snapshot) -> Iterator[Metric]:
    shown = [view for view in snapshot.longest if view.unsent]
    family = GaugeMetricFamily("greengate_fleet_device_unsent", "Check-ins that wait on a device.", labels=["device"])
    for view in shown:
        family.add_metric([view.name], view.unsent)
    yield family
    left_out = snapshot.waiting - len(shown)
    yield _gauge("device_unsent_left_out", "Devices that wait and are not in greengate_fleet_device_unsent.", left_out)


def _gauge(name: str, words: str, value: float) -> Metric:
    return GaugeMetricFamily(f"greengate_fleet_{name}", words, value)
