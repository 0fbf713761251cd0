"""cluster/slurm.sh, with stand-ins for SLURM's programs, for Ray and for `sparsest`."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SCRIPT = ROOT / "cluster" / "slurm.sh"

# Each logs its arguments and the length of its token. Ray's head listens, and both nodes run until
# they are terminated, as with `--block`.
PROGRAMS = {
    "hostname": "echo '127.0.0.1 fe80::1'",
    "scontrol": "printf 'node1\\nnode2\\nnode3\\n'",
    "srun": 'while [[ $1 == --* ]]; do options+=" $1"; shift; done; log_call "$options"; exec "$@"',
    "ray": """log_call "$@"
[[ $* != *--head* ]] || exec python -c '
import socket, sys, time
with socket.create_server(("127.0.0.1", int(sys.argv[1]))): time.sleep(60)
' $(sed -E 's/.*--port=([0-9]+).*/\\1/' <<< "$*")
exec sleep 60""",
    "sparsest": """trap 'log_call stopped; exit 143' TERM
log_call "$@"
until grep -q 'ray start.* --address' $CALLS; do sleep 0.05; done
if [[ -n ${HANG:-} ]]; then sleep 60 & wait; fi
exit 3""",
}


@pytest.fixture
def job(tmp_path: Path) -> tuple[dict[str, str], Path]:
    """The environment of a batch script on three nodes, and the log of the programs' calls."""
    calls, bin_folder = tmp_path / "calls", tmp_path / ".venv" / "bin"
    bin_folder.mkdir(parents=True)
    for name, body in PROGRAMS.items():
        command = f'echo "{name} $* token=${{#RAY_AUTH_TOKEN}}" >> {calls}'
        program = bin_folder / name
        program.write_text(f"#!/bin/bash\nlog_call() {{ {command}; }}\n{body}\n")
        program.chmod(0o755)
    environment = dict(
        os.environ,
        SLURM_SUBMIT_DIR=str(tmp_path),
        CALLS=str(calls),
        SLURM_JOB_ID=str(os.getpid()),
        SLURM_JOB_NODELIST="node[1-3]",
        SLURM_CPUS_PER_TASK="8",
    )
    return environment, calls


def test_script_is_valid() -> None:
    subprocess.run(["bash", "-n", SCRIPT], check=True)


def test_nodes_join_their_head_and_end_with_the_sweep(
    job: tuple[dict[str, str], Path],
) -> None:
    environment, calls = job
    port = 20000 + os.getpid() % 10000
    words = [str(SCRIPT), "phase1", "--store", "a b"]
    ended = subprocess.run(words, env=environment, timeout=60, capture_output=True, text=True)
    assert ended.returncode == 3, ended.stderr
    logged = calls.read_text().splitlines()
    (head,) = [line for line in logged if line.startswith("ray ") and "--head" in line]
    (worker,) = [line for line in logged if line.startswith("ray ") and "--head" not in line]
    (srun,) = [line for line in logged if line.startswith("srun ")]
    (run,) = [line for line in logged if line.startswith("sparsest ")]
    assert f"--port={port} --num-cpus=7" in head
    assert f"--address=127.0.0.1:{port} --num-cpus=8" in worker
    assert re.search("--nodes=2 --ntasks=2 .*--exclude=node1", srun)
    assert run == f"sparsest run phase1 --store a b --address 127.0.0.1:{port} token=64"
    assert all(line.endswith("token=64") for line in logged)
    assert environment["SLURM_JOB_ID"] in head  # its own folder
    with socket.socket() as gone:
        assert gone.connect_ex(("127.0.0.1", port)) != 0


def test_driver_stores_its_rows_before_the_time_limit(
    job: tuple[dict[str, str], Path],
) -> None:
    environment, calls = job
    script = subprocess.Popen([str(SCRIPT), "phase1"], env=environment | {"HANG": "1"})
    deadline = time.monotonic() + 60
    while "sparsest run" not in (calls.read_text() if calls.exists() else ""):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    script.send_signal(signal.SIGTERM)
    assert script.wait(60) == 143
    assert "sparsest stopped" in calls.read_text()
