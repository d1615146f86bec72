#!/bin/sh
# What depends on the version of Redis, on the one of docker-compose.yml: WAIT means less from Redis 7.2 on, and a machine's
# own Redis may be older. Without an engine: skipped, unless REDIS_SERVER names a Redis to test.
set -eu
if [ -z "${REDIS_SERVER:-}" ]; then
  if ! docker compose version >/dev/null 2>&1 || ! docker version >/dev/null 2>&1; then
    echo 'test-redis8: skipped, no Docker engine answers and REDIS_SERVER names no Redis'
    exit 0
  fi
  REDIS_SERVER=$(sh scripts/extract-redis.sh .stack/redis-of-image)
fi
export REDIS_SERVER
"$REDIS_SERVER" --version
STATUS=0
npm run --silent test:integration -- confirmed lua-commands sentinels worker-drainer || STATUS=1
node dist/cli/main.js faults --only 8 || STATUS=1
exit $STATUS
