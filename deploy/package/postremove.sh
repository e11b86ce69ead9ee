#!/bin/sh
# After the files are gone. "dpkg --purge" also takes the logs, and never what
# clients were told is safe.
set -e
if [ -d /run/systemd/system ]; then
	systemctl daemon-reload
fi
[ "$1" = purge ] || exit 0
rm -rf /var/log/sealquay
rmdir --ignore-fail-on-non-empty /var/lib/sealquay 2>/dev/null || true
if [ -d /var/lib/sealquay ]; then
	echo "sealquay: the received files stay in /var/lib/sealquay"
fi
