"""For which systems packages are built, and which wheels each of them can run."""

from dataclasses import dataclass

GLIBC = {12: 36, 13: 41}  # the second number of each Debian release's glibc 2.x
OLDEST_GLIBC = {"amd64": 5, "arm64": 17}  # from which manylinux platforms begin
LEGACY = {  # names that older wheels bear instead, with the glibc 2.x that they stand for
    "amd64": {"manylinux2014": 17, "manylinux2010": 12, "manylinux1": 5},
    "arm64": {"manylinux2014": 17},
}
MACHINES = {"amd64": "x86_64", "arm64": "aarch64"}


@dataclass(frozen=True, slots=True)
class Target:
    """One Debian release with its Python on one architecture."""

    debian: int
    python: tuple[int, int]
    architecture: str

    @property
    def name(self) -> str:
        """Return what a command line and a file name call it."""
        return f"deb{self.debian}_{self.architecture}"

    @property
    def python_version(self) -> str:
        """Return Python's version as in `3.11`."""
        return f"{self.python[0]}.{self.python[1]}"

    @property
    def next_python(self) -> str:
        """Return the first version of Python that does not fit any more."""
        return f"{self.python[0]}.{self.python[1] + 1}"

    @property
    def platforms(self) -> tuple[str, ...]:
        """Return the wheels' platforms that run there, newest first; Raspberry Pi OS has Debian's glibc."""
        machine = MACHINES[self.architecture]
        newest, oldest = GLIBC[self.debian], OLDEST_GLIBC[self.architecture]
        numbered = [f"manylinux_2_{minor}_{machine}" for minor in range(newest, oldest - 1, -1)]
        return (*numbered, *(f"{legacy}_{machine}" for legacy in LEGACY[self.architecture]))

    def runs(self, wheel: str) -> bool:
        """Tell whether a wheel, by its file's name, runs there (PEP 425; names joined by dots are alternatives)."""
        pythons, abis, platforms = (tag.split(".") for tag in wheel.removesuffix(".whl").split("-")[-3:])
        major, minor = self.python
        if abis == ["none"] and platforms == ["any"]:
            return f"py{major}" in pythons
        stable = {f"cp{major}{older}" for older in range(2, minor + 1)}
        exact = f"cp{major}{minor}"
        interpreter = (exact in pythons and exact in abis) or ("abi3" in abis and bool(stable & set(pythons)))
        pure = "none" in abis and f"py{major}" in pythons
        return (interpreter or pure) and any(platform in self.platforms for platform in platforms)


TARGETS = (
    Target(12, (3, 11), "amd64"),
    Target(13, (3, 13), "amd64"),
    Target(12, (3, 11), "arm64"),
    Target(13, (3, 13), "arm64"),
)
