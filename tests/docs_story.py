"""Do what the documents say: one centre, its broker and three kiosks in a folder, commands as they stand there.

What is put in place of the documents' own: `--home`, `--root` or `--config`, addresses here, a stick's folder, a
card's image; and what people do: they type codes, agree, and switch a kiosk on.
"""

import os
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.docs_text import PROJECT, Block, blocks, leaves, options_of, tree, words_of
from tests.fixtures_mqtt import HOST, free_port
from tests.provisioning import cards
from tests.provisioning.journal_site import Site
from tests.provisioning.kiosk import signer

BIN = Path(sys.executable).parent
TIMEOUT_S = 60
RUNS_ON = {"serve", "collect"}  # until they are told to stop
DEVICES = "name,site,lane,direction\ngate-2,Chợ Bến Thành,B,out\ngate-3,Cầu Rồng,1,in\n"
PASSPHRASE = "gate gate gate"  # noqa: S105 - of a Wi-Fi that is none


@dataclass
class Story:
    """A folder in which the documents' commands are run, one after another."""

    folder: Path
    names: dict[str, str] = field(default_factory=dict)  # what stands in the documents --> what it is here
    codes: dict[str, str] = field(default_factory=dict)
    kiosk: str = "gate-1"
    told: list[str] = field(default_factory=list)
    opened: ExitStack = field(default_factory=ExitStack)

    def __post_init__(self) -> None:
        """Lay out what the documents take for granted: a card, a stick with signers, a list of devices, a package."""
        self.home, self.stick, self.boot = (self.folder / name for name in ("centre", "stick", "boot"))
        for folder in (self.home, self.stick, self.boot):
            folder.mkdir()
        now = datetime.now(UTC).replace(microsecond=0)
        (self.stick / "signers").mkdir()
        (self.stick / "signers" / "dsc.der").write_bytes(signer(now))
        (self.home / "devices.csv").write_text(DEVICES)
        package = b"!<arch>\ndebian-binary   0           0     0     644     4         `\n2.0\n"
        (self.folder / "greengate_0.1.0~deb13_arm64.deb").write_bytes(package)
        self.card = cards.make_image(self.folder, files={"config.txt": b"", "cmdline.txt": b"ds=nocloud\n"})
        self.port = free_port()
        self.names = {
            "/var/lib/greengate-centre": str(self.home),
            "/media/stick": str(self.stick),
            "/srv/trust": str(self.folder / "web"),
            "/dev/sda1": str(self.stick),
            "/dev/sdX": str(self.card),
            "broker.example": HOST,
            "centre.example": HOST,
        }

    @property
    def root(self) -> Path:
        """Return the present kiosk's root folder."""
        return self.folder / self.kiosk

    @property
    def config(self) -> Path:
        """Return the present kiosk's configuration."""
        return self.root / "etc/greengate/greengate.toml"

    def tell(self, document: str) -> None:
        """Run a document's blocks, once."""
        if document in self.told:
            return
        self.told.append(document)
        for block in blocks((PROJECT / "docs" / document).read_text()):
            if block.kind == "toml" and "[store]" in block.text:
                self._configure_collector(block.text)
            if block.kind == "console" and "not run" not in block.marks:
                self._tell(block, f"{document}:{block.line}")

    def _tell(self, block: Block, where: str) -> None:
        self.kiosk = block.marks.get("kiosk", "gate-1")
        self.root.mkdir(exist_ok=True)
        for command in block.commands:
            words = self._words(command)
            if RUNS_ON & set(words):
                self._start(words, where)
                continue
            done = self._run(words)
            said = f"{where}: {command}\n{done.stdout}{done.stderr}"
            assert done.returncode in block.may_exit, f"{said}exit {done.returncode}, not {sorted(block.may_exit)}"
            assert "Traceback" not in done.stderr, said
            self._afterwards(words, done.stdout)

    def run(self, *words: str) -> str:
        """Run a command that stands in no document; return what it prints."""
        done = self._run(list(words))
        assert done.returncode == 0, done.stderr
        return done.stdout

    def _run(self, words: list[str]) -> "subprocess.CompletedProcess[str]":
        line = [str(BIN / words[0]), *words[1:]]
        where = {"PATH": f"{BIN}:/usr/sbin:{os.environ.get('PATH', '')}", "LC_ALL": "C.UTF-8", "HOME": str(self.folder)}
        return subprocess.run(
            line, input=self._typed(words), capture_output=True, text=True, timeout=TIMEOUT_S, check=False,
            cwd=self.folder, env=where,
        )  # fmt: skip

    def _words(self, command: str) -> list[str]:
        """Return a command's words as they are to be here."""
        words = words_of(command)
        assert words[0] in tree(), f"{command}: mark it `not run`, with the reason"
        path, leaf = next(one for one in leaves(tree()[words[0]], (words[0],)) if list(one[0]) == words[: len(one[0])])
        known, place = options_of(leaf), "/mnt" if "/mnt" in words else None
        words = [self._here(word) if word != place else str(self.root) for word in words]
        more: dict[str, str] = {}
        if "--home" in known:
            more["--home"] = str(self.home)
        if "--root" in known:
            more["--root"] = str(self.root)
        elif "--config" in known and words[0] == "greengate":
            more["--config"] = str(self.config)
        if path[-1] == "mosquitto":
            user = "root" if os.geteuid() == 0 else "mosquitto"
            more |= {"--port": str(self.port), "--bind": HOST, "--user": user, "--pid-file": f"{self.home}/pid"}
        if path[1:] == ("serve",):
            more["--port"] = "0"
        if path[1:] == ("enrol", "serve"):
            more |= {"--listen": HOST, "--port": "0", "--broker-port": str(self.port)}
        words += [part for name, value in more.items() if name not in words for part in (name, value)]
        if "--yes" in known and "--dry-run" not in words:
            words.append("--yes")
        return [*words, str(self.config)] if path[1:] == ("config", "check") else words

    def _here(self, word: str) -> str:
        for name, here in self.names.items():
            word = word.replace(name, here)
        return word

    def _typed(self, words: list[str]) -> str:
        """Return what somebody types: a Wi-Fi's passphrase, a one-time code."""
        typed = [PASSPHRASE] if "--wifi" in words else []
        name = words[words.index("--name") + 1] if "--name" in words else self.kiosk
        if (
            "--code" in words
            or "sign" in words
            or (words[1] == "enrol" and not {"--csr", "--certificate"} & set(words))
        ):
            typed.append(self.codes[name])
        return "".join(f"{line}\n" for line in typed)

    def _afterwards(self, words: list[str], said: str) -> None:
        """Take what a command gave; do what somebody does next."""
        if found := re.search(r"sha256:[0-9a-f]{64}", said):
            self.names |= {"sha256:...": found[0]}
        if words[1:3] == ["device", "add"]:
            shown = re.findall(r"device (\S+)  code (\S+)", said)
            listed = (self.home / "codes.csv").read_text().splitlines()[1:] if "--codes" in words else []
            self.codes |= dict(shown) | {row.split(",")[0]: row.split(",")[1] for row in listed}
        if words[1] == "mosquitto" and "--server" in words:  # the first time; later the running one is told
            self._start_broker()
        if words[1] == "prepare":
            self._switch_on()
        if words[1] == "enrol" and "--csr" not in words:
            self._live()

    def _start(self, words: list[str], where: str) -> None:
        """Start what runs on, and wait for its first line."""
        process = self._process([str(BIN / words[0]), *words[1:]], cwd=self.folder, stdout=subprocess.PIPE, text=True)
        assert process.stdout is not None
        line = process.stdout.readline()
        assert process.poll() is None, f"{where}: {words}: ended at once"
        if "enrol" in words:
            port = line.split()[2]
            self.names = {"https://centre.example:8443": f"https://{HOST}:{port}"} | self.names

    def _start_broker(self) -> None:
        program = shutil.which("mosquitto", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
        assert program is not None, "mosquitto is not installed: apt-get install mosquitto"
        with (self.folder / "mosquitto.log").open("ab") as log:
            self._process([program, "-c", str(self.home / "broker/mosquitto.conf")], stdout=log, stderr=log)

    def _process(self, line: list[str], **more: object) -> "subprocess.Popen[str]":
        process: subprocess.Popen[str] = subprocess.Popen(line, **more)  # type: ignore[call-overload]

        def end() -> None:
            process.terminate()
            process.communicate(timeout=TIMEOUT_S)

        self.opened.callback(end)
        return process

    def _configure_collector(self, text: str) -> None:
        table = tomllib.loads(text)
        assert {"broker", "store", "centre"} == set(table)
        here = self._here(text).replace("[broker]", f"[broker]\nport = {self.port}")
        (self.home / "centre.toml").write_text(here)

    def _switch_on(self) -> None:
        """Put the card into the kiosk: its first boot begins."""
        cards.run("mcopy", "-s", "-n", "-i", f"{self.card}@@{cards.OFFSET}", "::/greengate", str(self.boot))
        done = self._run(
            ["greengate", "first-boot", "--boot", str(self.boot), "--root", str(self.root), "--lang", "en"]
        )
        assert done.returncode == 0, done.stdout + done.stderr
        assert "enrolled" in (self.boot / "greengate/result.json").read_text()
        self._live()

    def _live(self) -> None:
        """Let time pass at a kiosk: gate-3, which has no network, records visitors; service state is in the folder."""
        text = self.config.read_text()
        self.config.write_text(text.replace("[run]", f'[run]\nservice = "{self.folder / self.kiosk}-service"'))
        (self.root / "var/lib/greengate/journal").mkdir(parents=True, exist_ok=True)
        if self.kiosk == "gate-3":
            Site(self.root, self.stick, self.kiosk).record(1, 2, 3)


@pytest.fixture(scope="session")
def story(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Story]:
    """Give a story that has not begun."""
    told = Story(tmp_path_factory.mktemp("docs"))
    with told.opened:
        yield told
