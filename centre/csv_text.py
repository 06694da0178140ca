"""The text of a CSV file that an administrator brings."""

from collections.abc import Callable


def csv_text(data: bytes, problem: Callable[[str], Exception]) -> str:
    """Return the text, without a byte order mark.

    Raises: The `problem`, which names the line, where it is not UTF-8, or holds what no text does.
    """
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        raise problem(f"line {line}: not UTF-8: save the file as UTF-8") from None
    if "\0" in text:
        line = text[: text.index("\0")].count("\n") + 1
        raise problem(f"line {line}: this is no text: save it as CSV, UTF-8")
    return text
