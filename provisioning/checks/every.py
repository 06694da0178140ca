"""Every check, in the order in which they are told."""

from provisioning.checks import (
    Check,
    broker,
    camera,
    centre,
    clock,
    configuration,
    journal,
    lamps,
    machine,
    pins,
    services,
    storage,
)
from provisioning.checks import trust as trust_data

QUIET = (  # touch no device, and run side by side
    Check("configuration", "configuration", configuration.configuration, ()),
    Check("camera", "camera", camera.present),
    Check("camera", "frames", camera.frames),
    Check("lamps", "pins", pins.pins),
    Check("clock", "clock", clock.synchronised),
    Check("clock", "rtc", clock.rtc, ("here",)),
    Check("clock", "time-zone", clock.time_zone, ()),
    Check("machine", "watchdog", machine.watchdog, ("here",)),
    Check("machine", "temperature", machine.temperature, ("here",)),
    Check("machine", "power", machine.power, ("here",)),
    Check("machine", "host-name", machine.host_name, ("config",)),
    Check("storage", "room", storage.room, ("config",)),
    Check("storage", "root-rights", storage.root_rights, ("here",)),
    Check("storage", "wear", storage.wear, ("here",)),
    Check("storage", "written", storage.written),
    Check("trust", "trust", trust_data.trust, ("config",)),
    Check("trust", "sync", trust_data.syncing),
    Check("trust", "repository", trust_data.repository, deadline_s=trust_data.ASKED_MAX_S),
    Check("broker", "certificate", broker.certificate, ("config",)),
    Check("broker", "centre-keys", centre.keys, ("config",)),
    Check("broker", "broker", broker.broker, deadline_s=broker.PROBE_MAX_S),
    Check("journal", "journal", journal.journal, ("config",)),
    Check("units", "running", services.running, ("here",)),
    Check("units", "hardened", services.hardened, ("here",)),
    Check("units", "service-state", services.service_state, ("here",)),
)
FOCUS = Check("camera", "focus", camera.focus, ("config", "here", "root", "service"), camera.LOOK_MAX_S + 1)
LAMPS = Check("lamps", "lamps", lamps.lamps, ("config", "here", "root", "service"), 3.0)
DEVICES = (FOCUS, LAMPS)  # take a device from its program
AREAS = tuple(dict.fromkeys(check.area for check in (*QUIET, *DEVICES)))
