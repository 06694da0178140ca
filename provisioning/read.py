"""`greengate read`: which symbols pictures, a camera's frames or a video hold, and why the others show none."""

import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.progress import track

from drivers.clock import open_clock
from drivers.errors import DeviceError
from drivers.symbols import FrameReader, FrameReaderKind, open_frame_reader
from firmware.config_sections import SymbolsConfig
from provisioning.exits import Exit
from provisioning.read_line import Answer, Fault, Report
from provisioning.talk import JsonOption, LangOption, Talk

if TYPE_CHECKING:
    from provisioning.read_play import Player

_PROGRESS_FROM = 20  # pictures: from here on it takes about a second
_FPS, _FPS_RANGE = 15.0, (0.1, 240.0)
_RANGES_MS = {"--budget-ms": (1.0, 1000.0), "--rescue-limit-ms": (0.0, 2000.0)}
_READY_S = 10.0  # for the rescue's process to load its libraries, also on a slow card
_USUAL = SymbolsConfig()
STILL_BUDGET_MS = 500.0  # ours: for a picture no frame rate is to be held, and a rescue takes as long

Files = Annotated[list[Path], typer.Argument(metavar="FILE...", help="Pictures (PNG, JPEG or WebP), or one video.")]
Stream = Annotated[bool, typer.Option("--stream", help="They are one camera's frames, in real time.")]
VideoFlag = Annotated[bool, typer.Option("--video", help="The file is a video, read at its own pace.")]
Fps = Annotated[float | None, typer.Option("--fps", help="Frames a second of --stream; else 15.")]
Reader = Annotated[FrameReaderKind, typer.Option("--reader", help="Which reader reads them.")]
BudgetMs = Annotated[
    float | None,
    typer.Option(
        "--budget-ms", help=f"What a frame may cost; else {_USUAL.budget_ms:g}, a picture {STILL_BUDGET_MS:g}."
    ),
]
LimitMs = Annotated[
    float | None,
    typer.Option("--rescue-limit-ms", help=f"What a rescue may take, 0 for none; else {_USUAL.rescue_limit_ms:g}."),
]


def read(
    files: Files,
    stream: Stream = False,  # noqa: FBT002 - typer makes a flag of it
    video: VideoFlag = False,  # noqa: FBT002 - as above
    fps: Fps = None,
    reader: Reader = "pipeline",
    budget_ms: BudgetMs = None,
    rescue_limit_ms: LimitMs = None,
    lang: LangOption = None,
    as_json: JsonOption = False,  # noqa: FBT002 - as above
) -> None:
    """Tell which symbols pictures hold, and why the others show none.

    Example: greengate read --json photo1.png photo2.jpg

    Each picture is read for itself. With --stream they are consecutive frames of one camera, each due at its time: what
    one frame shows helps with the next, and a frame that nobody could take in time is dropped, as by a camera.

    Exit codes: 0 every picture holds a symbol (--stream, --video: one does), 1 one holds none (none does), 2 wrong
    usage, 66 a file cannot be read or a video breaks off, 69 the reader is not installed.
    """
    talk = Talk("read", lang, as_json=as_json)
    _check_kind(talk, files, fps, stream=stream, video=video)
    _check_pipeline(talk, reader, {"--budget-ms": budget_ms, "--rescue-limit-ms": rescue_limit_ms})
    limit_ms = _USUAL.rescue_limit_ms if rescue_limit_ms is None else rescue_limit_ms
    budget_ms = budget_ms or (_USUAL.budget_ms if stream or video else STILL_BUDGET_MS)
    with closing(_opened(talk, reader, budget_ms, limit_ms)) as opened:
        opened.ready(_READY_S)  # without its rescue it reads all the same
        report = Report(talk, [str(path) for path in files])
        if video:
            code = report.run(_video(opened, files[0], limit_ms))
        elif stream:
            code = report.run(_stream(opened, files, fps or _FPS, limit_ms))
        else:
            looks_ms = budget_ms if reader == "pipeline" else 0.0  # one reader alone sees the same again
            code = report.stills(_stills(opened, files, looks_ms, limit_ms))
        if opened.fault:
            talk.warn("rescue-fault", why=opened.fault)
    raise typer.Exit(code)


def _check_kind(talk: Talk, files: list[Path], fps: float | None, *, stream: bool, video: bool) -> None:
    """Leave where it is not clear what the files are, or a stream's option is given for others."""
    if stream and video:
        talk.fail(Exit.USAGE, "one-kind")
    if video and len(files) != 1:
        talk.fail(Exit.USAGE, "one-video")
    if fps is not None and not stream:
        talk.fail(Exit.USAGE, "only-stream")
    _check(talk, "--fps", fps, _FPS_RANGE)


def _check_pipeline(talk: Talk, reader: FrameReaderKind, told_ms: dict[str, float | None]) -> None:
    """Leave where an option of the pipeline's is beyond its bounds, or given for another reader."""
    for flag, value in told_ms.items():
        _check(talk, flag, value, _RANGES_MS[flag])
        if value is not None and reader != "pipeline":
            talk.fail(Exit.USAGE, "only-pipeline", flag=flag)


def _check(talk: Talk, flag: str, value: float | None, bounds: tuple[float, float]) -> None:
    """Leave where an option's value is beyond its bounds, or no number."""
    least, most = bounds
    if value is not None and not least <= value <= most:
        talk.fail(Exit.USAGE, "out-of-range", flag=flag, least=f"{least:g}", most=f"{most:g}")


def _opened(talk: Talk, reader: FrameReaderKind, budget_ms: float, limit_ms: float) -> FrameReader:
    """Open a reader before any thread is there; leave where its library is not installed."""
    try:
        return open_frame_reader(reader, budget_ms=budget_ms, rescue_limit_ms=limit_ms)
    except DeviceError as error:
        talk.fail(Exit.UNAVAILABLE, "reader-missing", why=str(error))


def _stills(reader: FrameReader, paths: list[Path], budget_ms: float, limit_ms: float) -> Iterator[Answer | Fault]:
    from provisioning.read_ahead import loaded  # noqa: PLC0415 - OpenCV loads only where pictures are read
    from provisioning.read_still import StillReader  # noqa: PLC0415 - as above

    still = StillReader(reader, open_clock("system"), budget_ms, limit_ms)
    few = len(paths) < _PROGRESS_FROM
    for path in track(paths, "reading", console=Console(stderr=True), disable=few, transient=True):
        luma = loaded(path)
        if isinstance(luma, DeviceError):
            yield Fault(str(path), str(luma))
        else:
            yield still.read(str(path), luma)


def _stream(reader: FrameReader, paths: list[Path], fps: float, limit_ms: float) -> Iterator[Answer | Fault]:
    from provisioning.read_ahead import Ahead, pictures_of  # noqa: PLC0415 - as above

    clock = open_clock("system")
    yield from _player(reader, fps, limit_ms, keeps_newest=True).play(Ahead(pictures_of(paths), clock))


def _video(reader: FrameReader, path: Path, limit_ms: float) -> Iterator[Answer | Fault]:
    from drivers.symbols.video import VideoError, open_video  # noqa: PLC0415 - as above
    from provisioning.read_ahead import Ahead, frames_of  # noqa: PLC0415 - as above

    try:
        video = open_video(path)
    except VideoError as error:
        yield Fault(str(path), str(error))
        return
    with video:
        ahead = Ahead(frames_of(video, str(path)), open_clock("system"))
        yield from _player(reader, video.fps, limit_ms, keeps_newest=False).play(ahead)


def _player(reader: FrameReader, fps: float, limit_ms: float, *, keeps_newest: bool) -> "Player":
    from provisioning.read_play import Player  # noqa: PLC0415 - as above
    from provisioning.read_still import LATE_MS  # noqa: PLC0415 - as above

    last_wait_s = (limit_ms + LATE_MS) / 1e3
    return Player(reader, open_clock("system"), time.sleep, fps, keeps_newest=keeps_newest, last_wait_s=last_wait_s)
