#!/usr/bin/env bash
# Tests one adapter against the real package from PyPI, in an environment of its own (the trainers' requirements conflict):
#
#   tests/trainers/run.sh trl|verl|openrlhf|verifiers|openenv [pytest arguments…]
#
# The environments lie in build/trainers/NAME; crucible is the one installed in .venv, shown through a folder that holds
# nothing else. torch is installed first, so that no package brings a build for GPUs. OpenRLHF asks for packages that need a
# GPU to install (flash-attn, deepspeed): it is installed without its requirements, and those of its interface modules by hand.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
name=${1:?which trainer: trl, verl, openrlhf, verifiers or openenv}
shift
# What the adapters were last tested with; another version: CRUCIBLE_TRAINER_VERSION=…
torch="torch==2.13.0"
common=(pytest pytest-timeout gymnasium numpy rich)
case $name in
  trl) version=1.16.0; package=trl; first=("$torch"); needs=("trl==VERSION" matplotlib); bare=() ;;
  verl)  # it imports cachetools, fastapi and uvicorn without asking for them (its rollout engines bring them)
    version=0.9.1; package=verl; first=("$torch"); needs=("verl==VERSION" cachetools fastapi uvicorn); bare=() ;;
  openrlhf)
    version=0.11.2; package=openrlhf; first=("$torch" setuptools wheel numpy); bare=("openrlhf==VERSION")
    export DS_BUILD_OPS=0
    needs=(accelerate aiohttp datasets einops jsonlines loralib peft pylatexenc "ray[default]==2.55.0" torchdata torchmetrics
           tqdm "transformers==5.15.0" tensorboard sympy packaging "deepspeed==0.19.6") ;;
  verifiers) version=0.4.0; package=verifiers; first=(); needs=("verifiers==VERSION"); bare=() ;;
  openenv) version=0.10.0; package=openenv; first=(); needs=("openenv==VERSION"); bare=() ;;
  *) echo "unknown trainer $name; known: trl, verl, openrlhf, verifiers, openenv" >&2; exit 2 ;;
esac
version=${CRUCIBLE_TRAINER_VERSION:-$version}
needs=("${needs[@]//VERSION/$version}")
bare=("${bare[@]//VERSION/$version}")

product=$(.venv/bin/python -c 'import crucible, os; print(os.path.dirname(crucible.__file__))')
site=build/trainers/site
mkdir -p "$site"
ln -sfn "${CRUCIBLE_PACKAGE:-$product}" "$site/crucible"

environment=build/trainers/$name
stamp=$(printf '%s\n' "${first[@]}" "${needs[@]}" "${bare[@]}" "${common[@]}" | sha256sum)
if [ "$(cat "$environment/crucible.stamp" 2>/dev/null)" != "$stamp" ]; then
  echo "trainers: installing $package $version (output in build/trainers/$name.log)"
  [ -x "$environment/bin/python" ] || "$(readlink -f .venv/bin/python)" -m venv "$environment"
  pip=("$environment/bin/python" -m pip install --no-input)
  {
    [ ${#first[@]} -eq 0 ] || "${pip[@]}" "${first[@]}"
    [ "$name" != openrlhf ] || pip+=(--no-build-isolation)  # deepspeed looks at torch while it is built
    "${pip[@]}" "${needs[@]}" "${common[@]}"
    [ ${#bare[@]} -eq 0 ] || "${pip[@]}" --no-deps "${bare[@]}"
  } >"build/trainers/$name.log" 2>&1 || { tail -n 20 "build/trainers/$name.log" >&2; exit 1; }
  printf '%s' "$stamp" >"$environment/crucible.stamp"
fi
# One run directory for all: a kernel that one trainer's test has judged is answered from the cache in the next.
export CRUCIBLE_TRAINER_RUN=$PWD/build/trainers/run PYTHONPATH=$PWD/$site:$PWD/tests/trainers:$PWD/tests/python
export HF_HUB_OFFLINE=1 WANDB_MODE=disabled RAY_DISABLE_DOCKER_CPU_WARNING=1 TOKENIZERS_PARALLELISM=false
exec "$environment/bin/python" -m pytest -q -ra -c tests/trainers/pytest.ini --timeout 1200 "tests/trainers/test_$name.py" "$@"
