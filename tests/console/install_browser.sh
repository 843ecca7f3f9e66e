#!/bin/sh
# Chromium for the console's tests, where it is missing and Debian's packages can be installed.
set -e
if command -v chromium > /dev/null; then exit 0; fi
if [ "$(id -u)" = 0 ] && command -v apt-get > /dev/null; then
    apt-get -qq update && apt-get -qq install -y --no-install-recommends chromium > /dev/null && exit 0
fi
echo "There is no Chromium: the console's tests in a browser are skipped." >&2
