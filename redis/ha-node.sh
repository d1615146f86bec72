#!/bin/sh
# Starts a Redis of the high-availability set in the role that the sentinels give it: ha-node.sh HOST-NAME.
#
# Its own files never say who is primary. A primary that comes back after a failover would go on as one; a primary that
# comes back without its disk would make its replicas as empty as it is itself.
set -eu

me=$1
nodes='redis redis-2 redis-3'
sentinels='sentinel-1 sentinel-2 sentinel-3'
# Sentinels that must name the same primary: a majority.
quorum=2
# An empty primary gives peers so long to show that there is data, in seconds.
peers_within=60
started=$(date +%s)

redis_password=$(sed -n 's/^requirepass //p' /run/redis-deployment.conf)
sentinel_password=$(cat /run/secrets/sentinel-password)
said=''

# Once, not every second.
say() {
  [ "$said" = "$1" ] || echo "$me: $1"
  said=$1
}

# ask PASSWORD HOST PORT COMMAND…: prints nothing when there is no answer.
ask() {
  password=$1 host=$2 port=$3
  shift 3
  REDISCLI_AUTH=$password timeout 2 redis-cli -h "$host" -p "$port" "$@" 2>/dev/null || true
}

primary_named_by_a_majority() {
  for sentinel in $sentinels; do
    ask "$sentinel_password" "$sentinel" 26379 SENTINEL GET-MASTER-ADDR-BY-NAME coupons | head -n 1
  done | sort | uniq -c | while read -r count name; do
    case " $nodes " in *" $name "*) [ "$count" -lt "$quorum" ] || echo "$name" ;; esac
  done
}

sentinels_know_replicas() {
  for sentinel in $sentinels; do
    ask "$sentinel_password" "$sentinel" 26379 SENTINEL REPLICAS coupons
  done | grep -q runid
}

has_data() { ls /data/appendonlydir/*.manifest >/dev/null 2>&1; }

# A set that was never started. One that loads its data answers with an error, which counts as data.
nobody_has_data() {
  silent=0
  for node in $nodes; do
    [ "$node" != "$me" ] || continue
    case $(ask "$redis_password" "$node" 6379 DBSIZE) in
      0) ;;
      '') silent=1 ;;
      *) return 1 ;;
    esac
  done
  [ "$silent" = 0 ] && return 0
  # Somebody is silent. Sentinels that know replicas have seen this set at work: it may hold data.
  [ $(($(date +%s) - started)) -gt "$peers_within" ] && ! sentinels_know_replicas
}

start() {
  # Clients and sentinels use names: addresses change when a container is made again.
  exec sh /usr/local/bin/start.sh --replica-announce-ip "$me" "$@"
}

while :; do
  primary=$(primary_named_by_a_majority)
  if [ -z "$primary" ]; then
    say 'waiting until a majority of the sentinels names a primary'
  elif [ "$primary" != "$me" ]; then
    say "starting as a replica of $primary"
    start --replicaof "$primary" 6379
  elif has_data || nobody_has_data; then
    say 'starting as the primary'
    start
  else
    say 'named primary, but without data that others may have: waiting until the sentinels promote another'
  fi
  sleep 1
done
