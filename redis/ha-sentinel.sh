#!/bin/sh
# Starts a sentinel: ha-sentinel.sh HOST-NAME. What it has learnt (who is primary, epochs, other sentinels) is kept in its
# volume; settings and passwords are written anew at each start, so that a change takes effect.
set -eu

me=$1
file=/data/sentinel.conf
learnt='^sentinel (myid|monitor|config-epoch|leader-epoch|current-epoch|known-replica|known-sentinel) '
state=$(grep -E "$learnt" "$file" 2>/dev/null || true)
umask 077
cat >"$file.draft" <<END
port 26379
dir /data
requirepass $(cat /run/secrets/sentinel-password)
sentinel resolve-hostnames yes
sentinel announce-hostnames yes
sentinel announce-ip $me
${state:-sentinel monitor coupons redis 6379 2}
sentinel auth-pass coupons $(cat /run/secrets/redis-password)
sentinel down-after-milliseconds coupons $SENTINEL_DOWN_AFTER_MS
sentinel failover-timeout coupons $SENTINEL_FAILOVER_TIMEOUT_MS
sentinel parallel-syncs coupons 1
END
mv "$file.draft" "$file"
exec redis-server "$file" --sentinel
