"""Records the demo of the network monitor as a picture of a terminal: `make recording`.

It runs in a terminal of its own, and each line appears in the picture when it appeared there. The picture shows its end
where animations are not wanted.
"""

from __future__ import annotations

import fcntl
import os
import pty
import re
import struct
import sys
import termios
from html import escape
from pathlib import Path

from informers._base.clock import SystemClock

ROOT = Path(__file__).parents[1]
PICTURE = ROOT / "docs" / "_static" / "network-monitor.svg"
COLUMNS, ROWS = 80, 36
COLOURS = {"31": "#ff8a7d", "32": "#8fd6a8", "33": "#f2c66d", "36": "#7fd0e8", "2": "#8496ab"}
LETTER, LINE, MARGIN = 7.9, 17, 14


def record() -> list[tuple[float, str, str]]:
    """Run the demo; return the rows of the terminal: seconds from the first one, colour, text."""
    command = [sys.executable, str(ROOT / "examples" / "network_monitor.py"), "--demo", "--duration", "14"]
    clock = SystemClock()
    child, terminal = pty.fork()
    if child == 0:
        fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, COLUMNS, 0, 0))
        os.execve(sys.executable, command, {**os.environ, "TERM": "xterm"})
    rows: list[tuple[float, str, str]] = []
    begin, rest, colour = clock.monotonic(), "", ""
    while True:
        try:
            data = os.read(terminal, 65536)
        except OSError:  # Linux: the other side was closed
            break
        if not data:
            break
        *lines, rest = (rest + data.decode()).split("\r\n")
        for line in lines:
            seconds = clock.monotonic() - begin
            shown = line.rpartition("\r\x1b[K")[2]  # without the progress bar that was there before
            for code in re.findall(r"^\x1b\[(\d+)m", shown):
                colour = COLOURS.get(code, "")
            rows.append((seconds, colour, re.sub(r"\x1b\[\d*m", "", shown)))
            if shown.endswith("\x1b[0m"):
                colour = ""
    os.close(terminal)
    assert os.waitpid(child, 0)[1] == 0, rest
    return [(seconds - rows[0][0], colour, text) for seconds, colour, text in rows]


def picture(rows: list[tuple[float, str, str]]) -> str:
    """Return the picture of a terminal in which these rows appear."""
    width, height = round(COLUMNS * LETTER + 2 * MARGIN), ROWS * LINE + 2 * MARGIN
    end = rows[-1][0]
    steps = [
        f"{100 * seconds / end:.1f}% {{ transform: translateY({-LINE * (number - ROWS)}px) }}"
        for number, (seconds, _, _) in enumerate(rows, 1)
        if number > ROWS
    ]
    lines = [
        f'<text y="{LINE * number - 4}" style="animation-delay:{seconds:.1f}s{f";fill:{colour}" if colour else ""}">'
        f"{escape(text)}</text>"
        for number, (seconds, colour, text) in enumerate(rows, 1)
    ]
    newline = "\n"
    return f"""<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}"
 role="img">
<title>The network monitor in a terminal: pods and policies change, watches are cut, missed deletes recovered</title>
<!-- Made by tests/recording.py. A panel of its own colour, for light and dark pages. -->
<style>
text {{ font: 13px ui-monospace, Menlo, Consolas, 'DejaVu Sans Mono', monospace; fill: #d5dfeb; white-space: pre }}
@media not (prefers-reduced-motion: reduce) {{
text {{ opacity: 0; animation: appear 0s forwards }}
#rows {{ animation: scroll {end:.1f}s step-end }}
}}
@keyframes appear {{ to {{ opacity: 1 }} }}
@keyframes scroll {{
0% {{ transform: none }}
{newline.join(steps)}
}}
#rows {{ transform: translateY({-LINE * max(0, len(rows) - ROWS)}px) }}
</style>
<rect width="{width}" height="{height}" rx="10" fill="#1c2634"/>
<svg x="{MARGIN}" y="{MARGIN}" width="{width - 2 * MARGIN}" height="{ROWS * LINE}"><g id="rows">
{newline.join(lines)}
</g></svg>
</svg>
"""


if __name__ == "__main__":
    PICTURE.write_text(picture(record()), encoding="utf-8")
