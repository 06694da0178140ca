"""Frames of one camera, each when it is due: what a kiosk's reader would meet, from files.

```
 due            k                    k+1                   k+2
 reader   read(k)  decode, poll ...  read(k+1)  poll ...
 told              answer of k, or of the rescue that came before k+1 was due
```
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from drivers.clock import Clock
from drivers.errors import DeviceError
from drivers.symbols import FrameReader, Seen
from provisioning.read_ahead import Ahead
from provisioning.read_line import Answer, Fault

NANO = 1e9
NOTHING = Seen([])


@dataclass(frozen=True, slots=True)
class Player:
    """A reader, and the time by which it gets its frames."""

    reader: FrameReader
    clock: Clock
    pause: Callable[[float], None]  # lets so many seconds pass
    fps: float
    keeps_newest: bool  # as cameras do: a frame that nobody took when the next was due is dropped
    last_wait_s: float  # for the rescue's answer after the last frame

    def play(self, ahead: Ahead) -> Iterator[Answer | Fault]:
        """Read the frames in their time and give what each of them came to, in order."""
        ahead.fill()
        start_ns = self.clock.monotonic_ns()
        number = 0
        while ahead.more:
            due_ns, next_ns = (start_ns + round(at * NANO / self.fps) for at in (number, number + 1))
            self._idle(due_ns, ahead)
            if self.keeps_newest and self.clock.monotonic_ns() >= next_ns and ahead.another:
                yield Answer(ahead.skip(), NOTHING, 0.0, dropped=True)
            else:
                yield from self._read(ahead, start_ns, due_ns, next_ns)
            number += 1

    def _read(self, ahead: Ahead, start_ns: int, due_ns: int, next_ns: int) -> Iterator[Answer | Fault]:
        name, luma = ahead.take()
        if isinstance(luma, DeviceError):
            yield Fault(name, str(luma))
            return
        had_ns = self.clock.monotonic_ns()
        answer = self._answer(name, self.reader.read(luma, due_ns), start_ns, had_ns)
        if self.reader.pending:
            until_ns = next_ns if ahead.more else self.clock.monotonic_ns() + round(self.last_wait_s * NANO)
            answer = self._awaited(answer, ahead, start_ns, had_ns, until_ns)
        yield answer

    def _awaited(self, answer: Answer, ahead: Ahead, start_ns: int, had_ns: int, until_ns: int) -> Answer:
        """Wait for the rescue until the next frame is due; what comes is this frame's answer."""
        while self.reader.pending and (left_s := self._left_s(until_ns)) > 0:
            if ahead.fill_one(left_s):
                continue
            found = self.reader.poll(left_s)
            if found is not None and found.symbols:
                both = found if not answer.seen.symbols else _joined(answer.seen, found)
                answer = self._answer(answer.file, both, start_ns, had_ns)
        return answer

    def _idle(self, until_ns: int, ahead: Ahead) -> None:
        while (left_s := self._left_s(until_ns)) > 0:
            if not ahead.fill_one(left_s):
                self.pause(left_s)

    def _answer(self, name: str, seen: Seen, start_ns: int, had_ns: int) -> Answer:
        now_ns = self.clock.monotonic_ns()
        return Answer(name, seen, (now_ns - had_ns) / 1e6, at_s=(now_ns - start_ns) / NANO)

    def _left_s(self, until_ns: int) -> float:
        return (until_ns - self.clock.monotonic_ns()) / NANO


def _joined(read: Seen, rescued: Seen) -> Seen:
    """Add what only the rescue read to what a frame itself gave."""
    texts = {symbol.text for symbol in read.symbols}
    return replace(read, symbols=read.symbols + [one for one in rescued.symbols if one.text not in texts])
