#!/bin/sh
# Starts Redis with redis.conf, the deployment's own settings (requirepass, maxmemory: docker-compose.yml) and the accounts of
# accounts.conf: start.sh [OPTION…]. Passwords come from files, and go into one that only Redis can read: arguments are for
# everybody to see.
set -eu
umask 077
secret() { cat "/run/secrets/$1"; }
sed -e "s/\${REDIS_API_PASSWORD}/$(secret redis-api-password)/" \
  -e "s/\${REDIS_WORKER_PASSWORD}/$(secret redis-worker-password)/" \
  -e "s/\${REDIS_OPS_PASSWORD}/$(secret redis-ops-password)/" \
  -e "s/\${METRICS_PASSWORD}/$(secret metrics-password)/" \
  /usr/local/etc/redis/accounts.conf >/data/accounts.conf
exec redis-server /usr/local/etc/redis/redis.conf \
  --include /run/redis-deployment.conf --include /data/accounts.conf "$@"
