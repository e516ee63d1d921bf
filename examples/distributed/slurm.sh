#!/bin/bash
# Shares of one plan as a job array, a task each:
#
#   sbatch --array=0-3 --export=ALL,START="$(date -u -d '+5 minutes' +%Y-%m-%dT%H:%M:%SZ)",OF=4 slurm.sh
#
# START is one moment for all of them. It must be later than the last task of the array begins, so leave room for the
# queue; a task that begins too late sends nothing and says so. When all have ended:
#
#   fastbench merge shares/0 shares/1 shares/2 shares/3 --output whole
#SBATCH --job-name=fastbench
#SBATCH --ntasks=1
#SBATCH --cpus-per-task=2
#SBATCH --exclusive
#SBATCH --time=01:00:00
#SBATCH --signal=TERM@120
#SBATCH --output=fastbench-%A_%a.log
set -euo pipefail

: "${START:?the common start, such as 2026-11-24T12:30:00Z}"
: "${OF:?how many shares there are}"

exec srun fastbench perf run.py \
    --shard "${SLURM_ARRAY_TASK_ID}/${OF}" \
    --start-at "${START}" \
    --work-dir "shares/${SLURM_ARRAY_TASK_ID}"
