"""A flame graph of one process while it answers one operation; see scripts/bench."""

import subprocess
import sys

import fill
from measure import load
from stack import DATA, HOME, processes

# Odd, so that it does not beat with timers of whole milliseconds.
SAMPLES_A_SECOND = 199
# Bytes of stack that are kept of each sample: async code nests deep.
STACK_BYTES = 32768


def flame(operation, process, seconds):
    """Samples where the process is, while 32 connections ask for the operation; writes an SVG and prints its path."""
    if operation == "complete":
        fill.reset()
    load(operation, 32, 2, 0)
    pids = ",".join(map(str, [processes()[process], *children(processes()[process])]))
    recorded = DATA / "perf.data"
    command = ["perf", "record", "-q", "-e", "cpu-clock", "-F", str(SAMPLES_A_SECOND), "-p", pids, "-o", str(recorded)]
    recorder = subprocess.Popen([*command, "--call-graph", f"dwarf,{STACK_BYTES}", "--", "sleep", str(seconds)])
    load(operation, 32, seconds, 1)
    if recorder.wait() != 0:
        sys.exit("perf could not record: is kernel.perf_event_paranoid above 2?")
    script = subprocess.run(["perf", "script", "-i", str(recorded)], check=True, capture_output=True).stdout
    folded = subprocess.run(["inferno-collapse-perf"], input=script, check=True, capture_output=True).stdout
    title = f"{process}, {operation}"
    graph = subprocess.run(["inferno-flamegraph", "--title", title], input=folded, check=True, capture_output=True).stdout
    output = HOME / "bench" / f"{process}-{operation}.svg"
    output.write_bytes(graph)
    recorded.unlink()
    print(output)


def children(pid):
    """The processes of a process: PostgreSQL has one for each connection."""
    listed = subprocess.run(["pgrep", "-P", str(pid)], capture_output=True, text=True).stdout
    return listed.split()
