"""Starts the measured programs; measure.py talks to it by lines.

A program's peak resident memory, as the kernel counts it for wait4, begins with that of the process it was spawned
from. So they are spawned from here, where next to nothing is imported (run it with -I -S).

in:   standard output's file NUL standard error's file NUL program NUL argument …
out:  seconds, seconds of processor time, peak KiB, exit code
"""

import os
import sys
import time

OVERWRITE = os.O_WRONLY | os.O_CREAT | os.O_TRUNC

for line in sys.stdin:
    output, errors, *command = line.removesuffix("\n").split("\0")
    files = [(os.POSIX_SPAWN_OPEN, 0, "/dev/null", os.O_RDONLY, 0),
             (os.POSIX_SPAWN_OPEN, 1, output, OVERWRITE, 0o644),
             (os.POSIX_SPAWN_OPEN, 2, errors, OVERWRITE, 0o644)]
    started = time.perf_counter()
    try:
        process = os.posix_spawnp(command[0], command, os.environ, file_actions=files)
    except OSError as problem:
        with open(errors, "w") as file:
            file.write(f"{command[0]}: {problem.strerror}")
        print(0, 0, 0, 127, flush=True)
        continue
    _, status, usage = os.wait4(process, 0)
    print(time.perf_counter() - started, usage.ru_utime + usage.ru_stime, usage.ru_maxrss,
          os.waitstatus_to_exitcode(status), flush=True)
