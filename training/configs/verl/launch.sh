#!/usr/bin/env bash
# launch.sh RUN METHOD [KEY=VALUE ...]   on the first node: starts Ray, waits for the others, trains.
# launch.sh join HEAD:6379               on every other node: joins Ray and stays until it ends.
# RUN is qwen3-{30b-a3b,4b}-{1x8,4x8}, METHOD is grpo or crpo; KEY=VALUE overrides any key of the configuration.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$here/../../.." && pwd)
port=6379
wait_seconds=1800

usage() {
  sed -n '2,4s/^# //p' "${BASH_SOURCE[0]}" >&2
  exit 2
}

[[ $# -ge 2 ]] || usage
export PYTHONPATH="$root${PYTHONPATH:+:$PYTHONPATH}"
export VERL_USE_EXTERNAL_MODULES=training.verl_adapter.plugin

if [[ $1 == join ]]; then
  exec ray start --address="$2" --block
fi

run=$1 method=$2
shift 2
[[ -f $here/$run.yaml && $run == *-*x8 && -f $here/method/$method.yaml ]] || usage
nodes=${run##*-}
gpus=$((${nodes%x*} * ${nodes#*x}))

ray status >/dev/null 2>&1 || ray start --head --port="$port" --include-dashboard=false
export RAY_ADDRESS=auto

echo "waiting for $gpus GPUs, at most $wait_seconds s" >&2
python - "$gpus" "$wait_seconds" <<'PYTHON'
import sys, time, ray
wanted, until = int(sys.argv[1]), time.monotonic() + float(sys.argv[2])
ray.init(log_to_driver=False)
while (there := int(ray.cluster_resources().get("GPU", 0))) < wanted:
    if time.monotonic() > until:
        sys.exit(f"error: {there} of {wanted} GPUs joined; on each other node run: launch.sh join HEAD:6379")
    time.sleep(5)
PYTHON

exec python -m verl.trainer.main_ppo --config-path "$here" --config-name "$run" "method=$method" "$@"
