#!/bin/bash
# A sweep on several nodes of a SLURM cluster. Submit it from the project's folder, whose .venv must be
# visible on all nodes:
#
#   sbatch cluster/slurm.sh paper --store runs/paper
#
# The arguments are those of `sparsest run`. Submit the same line again to resume (docs/cluster.md,
# section SLURM).
#
#SBATCH --job-name=sparsest
#SBATCH --nodes=4
#SBATCH --ntasks-per-node=1
#SBATCH --cpus-per-task=32
#SBATCH --exclusive
#SBATCH --time=24:00:00
#SBATCH --signal=B:TERM@300
#SBATCH --output=sparsest-%j.log

set -euo pipefail

cd "${SLURM_SUBMIT_DIR:-.}"
PATH="$PWD/.venv/bin:$PATH"

# A token for this job: other users of the nodes can reach Ray's ports, and Ray runs any code it receives.
# Child processes inherit it; it appears on no command line and in no file.
RAY_AUTH_TOKEN=$(python -c 'import secrets; print(secrets.token_hex(32))')
export RAY_AUTH_TOKEN RAY_AUTH_MODE=token

# The batch script runs on the first node, the head. The port depends on the job.
mapfile -t nodes < <(scontrol show hostnames "$SLURM_JOB_NODELIST")
head=${nodes[0]}
head_ip=$(hostname --ip-address)
head_ip=${head_ip%% *}
port=$((20000 + SLURM_JOB_ID % 10000))
cpus=$SLURM_CPUS_PER_TASK

# The driver keeps one CPU of the head. Socket paths must be short, so they are not in the home folder.
ray start --head --block --node-ip-address="$head_ip" --port="$port" --num-cpus=$((cpus - 1)) \
    --include-dashboard=false --disable-usage-stats --temp-dir="/tmp/ray-$SLURM_JOB_ID" &
background=($!)

for _ in {1..120}; do
    if (exec 3<>"/dev/tcp/$head_ip/$port") 2>/dev/null; then break; fi
    sleep 0.5
done

others=$((${#nodes[@]} - 1))
if ((others > 0)); then
    srun --nodes="$others" --ntasks="$others" --ntasks-per-node=1 --cpus-per-task="$cpus" \
        --exclude="$head" \
        ray start --block --address="$head_ip:$port" --num-cpus="$cpus" --disable-usage-stats &
    background+=($!)
fi

# Five minutes before the time limit SLURM sends SIGTERM to this script (--signal above): running tasks
# are finished and stored. A signal ends `wait`, so it is called again.
driver=
signalled=1
trap 'signalled=1; kill -TERM $driver 2>/dev/null || true' TERM INT
sparsest run "$@" --address "$head_ip:$port" &
driver=$!
while [[ -n $signalled ]]; do
    signalled=
    status=0
    wait "$driver" || status=$?
done

# Not `ray stop`, which would also stop the Ray processes of your other jobs on these nodes.
kill "${background[@]}" 2>/dev/null || true
wait "${background[@]}" 2>/dev/null || true
exit "$status"
