#!/bin/bash
# The same by Ray: `ray symmetric-run` starts it on every node of the job and the command on one of them.
#
#   sbatch slurm_ray.sh
#SBATCH --job-name=fastbench
#SBATCH --nodes=4
#SBATCH --ntasks-per-node=1
#SBATCH --cpus-per-task=4
#SBATCH --exclusive
#SBATCH --time=01:00:00
#SBATCH --output=fastbench-%j.log
set -euo pipefail

HEAD="$(scontrol show hostnames "${SLURM_JOB_NODELIST}" | head -n 1)"
export RAY_USAGE_STATS_ENABLED=0

srun ray symmetric-run \
    --address "${HEAD}:6379" \
    --min-nodes "${SLURM_JOB_NUM_NODES}" \
    --num-cpus "${SLURM_CPUS_PER_TASK}" \
    -- \
    fastbench perf run.py --ray auto --nodes "${SLURM_JOB_NUM_NODES}" --work-dir results
