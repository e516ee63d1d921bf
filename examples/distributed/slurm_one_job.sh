#!/bin/bash
# The same in one job of four nodes: all begin together, so a minute is enough, and the job makes the report itself.
#
#   sbatch slurm_one_job.sh
#SBATCH --job-name=fastbench
#SBATCH --nodes=4
#SBATCH --ntasks-per-node=1
#SBATCH --cpus-per-task=2
#SBATCH --exclusive
#SBATCH --time=01:00:00
#SBATCH --output=fastbench-%j.log
set -euo pipefail

START="$(date -u -d '+1 minute' +%Y-%m-%dT%H:%M:%SZ)"
export START
# A share that fails must not keep the others' from their report.
srun --kill-on-bad-exit=0 bash -c 'exec fastbench perf run.py \
    --shard "${SLURM_PROCID}/${SLURM_NTASKS}" \
    --start-at "${START}" \
    --work-dir "shares-${SLURM_JOB_ID}/${SLURM_PROCID}"' || true

fastbench merge --partial "shares-${SLURM_JOB_ID}"/* --output "whole-${SLURM_JOB_ID}"
