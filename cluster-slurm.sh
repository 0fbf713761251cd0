#!/bin/bash
# A sweep on several nodes of a SLURM cluster. From the checkout, whose .venv all nodes must see:
#
#   sbatch cluster-slurm.sh paper --store runs/paper
#
# What stands behind the script's name goes to `sparsest run`. Submit the same line again to go on: the
# store knows what is left. docs/cluster.md, section SLURM.
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

# This job's own token: other users of the nodes can reach Ray's ports, and Ray runs what it is sent.
# Children inherit it; it stands on no command line and in no file.
RAY_AUTH_TOKEN=$(python -c 'import secrets; print(secrets.token_hex(32))')
export RAY_AUTH_TOKEN RAY_AUTH_MODE=token

# The batch script runs on the first node, which is the head. The port differs from job to job.
mapfile -t nodes < <(scontrol show hostnames "$SLURM_JOB_NODELIST")
head=${nodes[0]}
head_ip=$(hostname --ip-address)
head_ip=${head_ip%% *}
port=$((20000 + SLURM_JOB_ID % 10000))
cpus=$SLURM_CPUS_PER_TASK

# One CPU of the head is left to the driver. Paths of sockets must be short: not in the home folder.
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

# Five minutes before the end SLURM sends SIGTERM to this script (--signal above): what is in training
# is finished and stored. `wait` ends with the signal, and has to be asked again.
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

# Not `ray stop`, which would end the Ray of your other jobs on these nodes too.
kill "${background[@]}" 2>/dev/null || true
wait "${background[@]}" 2>/dev/null || true
exit "$status"
