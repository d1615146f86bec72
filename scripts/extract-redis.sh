#!/bin/sh
# Copies the Redis of docker-compose.yml out of its image into FOLDER and prints the path of a program for REDIS_SERVER,
# which starts it on this machine with the image's own C library. Needs a Docker engine and the secrets of .env.
set -eu
FOLDER=${1:?usage: extract-redis.sh FOLDER}
case $FOLDER in /*) ;; *) FOLDER=$PWD/$FOLDER ;; esac
ROOT=$FOLDER/image
PROGRAM=$FOLDER/redis-server
IMAGE=$(docker compose config --images redis | grep -E '(^|/)redis:' | head -n 1)

rm -rf "$FOLDER"
mkdir -p "$ROOT"
CONTAINER=$(docker create "$IMAGE")
trap 'docker rm "$CONTAINER" >/dev/null' EXIT
docker export "$CONTAINER" | tar -x -C "$ROOT" --exclude='dev/*'

SERVER=
for file in "$ROOT/usr/local/bin/redis-server" "$ROOT/usr/bin/redis-server"; do
  if [ -e "$file" ]; then SERVER=$file; break; fi
done
LOADER=$(find "$ROOT/lib/" "$ROOT/lib64/" \( -name 'ld-linux*.so.*' -o -name 'ld-musl*.so.*' \) 2>/dev/null | head -n 1)
if [ -z "$SERVER" ] || [ -z "$LOADER" ]; then
  echo "no redis-server, or no loader for it, in $IMAGE" >&2
  exit 1
fi
LIBRARIES=$(find "$ROOT/lib/" "$ROOT/usr/lib/" "$ROOT/usr/local/lib/" -maxdepth 1 -type d -name '*-linux-*' 2>/dev/null | tr '\n' ':')
cat >"$PROGRAM" <<END
#!/bin/sh
exec "$LOADER" --library-path "$LIBRARIES$ROOT/lib:$ROOT/usr/lib:$ROOT/usr/local/lib" "$SERVER" "\$@"
END
chmod 755 "$PROGRAM"
"$PROGRAM" --version >&2
echo "$PROGRAM"
