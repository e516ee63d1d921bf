#!/bin/sh
# Tries ./quickstart and ./test where nothing is: in minimal Debian roots that debootstrap makes, as root and as a plain
# user. As root, on Debian or what is like it; `make fresh` runs it for bookworm and trixie.
#
#   scripts/fresh-root.sh SUITE TRIAL…
#
#   user        without Python, and with Python alone, a plain user gets one sentence that says what to type
#   wheel       quickstart with the wheel in dist/ and without a compiler: Python and all; with Python there; set up; then
#               `fastbench doctor` as a plain user
#   source      quickstart without a wheel: installs a compiler, compiles
#   test        the whole test suite
#   image       the Dockerfile's steps: its size, and its command as its own user on a read-only root
#
# The roots are kept in ROOTS (default: /var/tmp/fastbench-roots); each trial has a fresh copy of SUITE.pristine. What pip
# is told here (its configuration, certificates, directories of wheels) holds there too.
set -eu
here=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd)
roots=${ROOTS:-/var/tmp/fastbench-roots}
suite=$1
shift
mkdir -p "$roots"
if [ ! -e "$roots/$suite.pristine" ]; then
  debootstrap --variant=minbase "$suite" "$roots/$suite.making" http://deb.debian.org/debian >"$roots/$suite.log"
  mv "$roots/$suite.making" "$roots/$suite.pristine"
fi

bound=

# Nothing is removed as long as a directory of this machine is mounted below it.
leave() {
  for place in $bound; do umount --recursive "$place" || exit 1; done
  bound=
  if [ -z "${root:-}" ]; then return; fi
  if grep -qF " $root/" /proc/self/mounts; then
    echo "$root still has mounts; it is left" >&2
    exit 1
  fi
  rm -rf --one-file-system "$root"
  root=
}
trap leave EXIT
trap 'exit 130' INT TERM

# A fresh copy with the sources in /src, as git has them.
enter() {
  leave
  root=$(mktemp -d "$roots/$suite.XXXXXX")
  cp -a "$roots/$suite.pristine/." "$root"
  chmod 755 "$root"
  cp /etc/resolv.conf "$root/etc/"
  # Which an installer writes, and debootstrap does not.
  printf '%s\n' "127.0.0.1 localhost" "::1 localhost ip6-localhost ip6-loopback" >"$root/etc/hosts"
  mkdir -p "$root/src" "$root/etc/xdg"
  (cd "$here" && git ls-files -z --cached --others --exclude-standard | tar -c --null -T - | tar -x -C "$root/src")
  chown -R 1000:1000 "$root/src"
  cp "${PIP_CERT:-/etc/ssl/certs/ca-certificates.crt}" "$root/opt/certificates.pem"
  if [ -e /etc/xdg/pip ]; then cp -r /etc/xdg/pip "$root/etc/xdg/"; fi
  for place in /proc /dev /opt/pypi /opt/pypi-more /opt/wheels; do
    if [ ! -e "$place" ]; then continue; fi
    mkdir -p "$root$place"
    mount --rbind "$place" "$root$place"
    bound="$root$place $bound"
    mount --make-rslave "$root$place"
    case $place in /proc | /dev) ;; *) mount -o remount,bind,ro "$root$place" ;; esac
  done
}

# inside USER COMMAND: at /src, with no more of this environment than pip's settings and the certificates.
inside() {
  user=$1 home=/nonexistent
  shift
  if [ "$user" = 0 ]; then home=/root; fi
  # shellcheck disable=SC2046  # a word for each setting
  set -- env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=$home TERM=dumb $(env | grep -E '^(PIP_|PACKAGE=|WORKERS=)') \
    PIP_CERT=/opt/certificates.pem SSL_CERT_FILE=/opt/certificates.pem setpriv --reuid="$user" --regid="$user" --clear-groups sh -c "cd /src && $*"
  chroot "$root" "$@"
}

# CPU seconds of all that has ended.
cpu() {
  times >"$roots/$suite.times"
  awk 'NR == 2 { gsub(/[ms]/, " "); print $1 * 60 + $2 + $3 * 60 + $4 }' "$roots/$suite.times"
}

# How long a command took, on a machine as busy as the load average says, and its CPU time.
timed() {
  begun=$(date +%s.%N)
  cpu >"$roots/$suite.before"
  status=0
  "$@" || status=$?
  cpu >"$roots/$suite.after"
  took=$(echo "$(date +%s.%N) $begun $(cat "$roots/$suite.after" "$roots/$suite.before" | tr '\n' ' ')" |
    awk '{printf "%.1f s, CPU time %.1f s", $1 - $2, $3 - $4}')
  echo "== $suite $trial: status $status after $took, load $(cut -d' ' -f1-3 /proc/loadavg)"
  if [ "$status" != 0 ]; then exit 1; fi
}

# A plain user's command must end with status 1 and one sentence that has the words.
refused() {
  words=$1
  shift
  if said=$(inside 1000 "$@" 2>&1); then
    echo "$suite $trial: $* did not fail: $said"
    exit 1
  fi
  echo "== $suite $trial: $* says: $said"
  case $said in
    *"
"* | "") echo "that is not one line" && exit 1 ;;
    *"$words"*) ;;
    *) echo "that does not say: $words" && exit 1 ;;
  esac
}

# Runs what the Dockerfile's FROM number so much has to run.
steps() {
  awk -v wanted="$1" '$1 == "FROM" { stage++ } $1 == "RUN" && stage == wanted { sub(/^RUN /, ""); print }' \
    "$here/Dockerfile" >"$roots/$suite.steps"
  while read -r step; do inside 0 "$step" </dev/null >>"$roots/$suite.log" 2>&1 || fail_step; done <"$roots/$suite.steps"
}

fail_step() {
  tail -n 20 "$roots/$suite.log"
  echo "== $suite image: $step failed"
  exit 1
}

# The Dockerfile's two stages, each in a root of its own; the second must then run the command on a read-only root.
image() {
  mkdir "$root/src/dist" && cp "$here"/dist/*manylinux*.whl "$root/src/dist/"
  PACKAGE=/src/dist/$(basename "$root"/src/dist/*.whl)
  export PACKAGE
  steps 1
  mv "$root/opt/fastbench" "$roots/$suite.fastbench"
  enter
  rm -rf "$root/src" && mkdir "$root/src"
  steps 2
  mv "$roots/$suite.fastbench" "$root/opt/fastbench"
  # What debian:trixie-slim does not have.
  rm -rf "$root"/var/cache/apt/* "$root"/usr/share/doc/* "$root"/usr/share/man/* "$root"/usr/share/locale/*
  echo "== $suite image: $(du -smx --exclude="$root/opt/pypi*" --exclude="$root/opt/wheels" "$root" | cut -f1) MB, of it" \
    "fastbench $(du -sm "$root/opt/fastbench" | cut -f1) MB"
  mount --rbind "$root" "$root" && bound="$root $bound" && mount -o remount,bind,ro "$root"
  for place in /tmp /work; do
    mount -t tmpfs -o mode=1777 tmpfs "$root$place"
    bound="$root$place $bound"
  done
  timed inside 10001 "cd /work && PATH=/opt/fastbench/bin:\$PATH $(sed -n 's/^CMD //p' "$here/Dockerfile" | tr -d '[],"')"
}

for trial in "$@"; do
  enter
  case $trial in
    user)
      python="as root: apt-get install -y --no-install-recommends python3 python3-venv"
      refused "$python gcc libc6-dev python3-dev" ./quickstart
      refused "$python gcc libc6-dev python3-dev openssl" ./test
      inside 0 "apt-get update && apt-get install -y --no-install-recommends python3" >/dev/null 2>&1
      refused "as root: apt-get install -y python3-venv gcc libc6-dev python3-dev" ./quickstart
      refused "as root: apt-get install -y gcc libc6-dev python3-dev python3-venv" ./test
      # With a wheel no compiler is asked for; what is in it does not matter as long as there is no place for it.
      inside 1000 "mkdir dist && touch dist/fastbench_llm-\$(sed -n 's/^__version__ = \"\(.*\)\"/\1/p' fastbench/__init__.py)-none.whl"
      refused "venv cannot be found or used; as root: apt-get install -y python3-venv" ./quickstart
      ;;
    wheel)
      mkdir "$root/src/dist" && cp "$here"/dist/*.whl "$root/src/dist/"
      timed inside 0 ./quickstart
      rm -rf "$root/src/.venv" "$root/root/.cache"
      timed inside 0 ./quickstart
      timed inside 0 ./quickstart
      timed inside 1000 ".venv/bin/fastbench doctor --work-dir /tmp/outputs"
      if inside 0 "command -v cc gcc make"; then echo "there is a compiler" && exit 1; fi
      ;;
    source) timed inside 0 ./quickstart ;;
    test) timed inside 0 ./test ;;
    image) image ;;
    *) echo "no such trial: $trial" && exit 2 ;;
  esac
done
