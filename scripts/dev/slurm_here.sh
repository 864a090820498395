#!/usr/bin/env bash
# A toy Slurm on this machine, to try slurm/run.sbatch for real: one controller, two nodes in network namespaces of their own.
#
#   scripts/dev/slurm_here.sh start     starts munge, slurmctld and two slurmd; prints what to export
#   scripts/dev/slurm_here.sh stop      ends them and takes the network down
#
# Needs root and: apt-get install slurm-wlm munge iproute2. Everything lies in ${SLURM_HERE:-/var/tmp/slurm_here},
# which must not be below /tmp: each node has a /tmp of its own.
set -euo pipefail

home=${SLURM_HERE:-/var/tmp/slurm_here}
bridge=rfbr0
net=10.213.77

write_config() {
  mkdir -p "$home"/{state,spool_n1,spool_n2,tmp1,tmp2,log,pids}
  cat >"$home/slurm.conf" <<END
ClusterName=here
SlurmctldHost=ctl($net.254)
SlurmctldPort=17817
SlurmdPort=17818
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
AuthInfo=socket=$home/munge.socket
StateSaveLocation=$home/state
SlurmdSpoolDir=$home/spool_%n
SlurmctldPidFile=$home/pids/slurmctld.slurm
SlurmdPidFile=$home/pids/slurmd.%n.slurm
SlurmctldLogFile=$home/log/slurmctld.log
SlurmdLogFile=$home/log/slurmd.%n.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SwitchType=switch/none
MpiDefault=none
ReturnToService=2
KillWait=5
SlurmdParameters=config_overrides
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
NodeName=n1 NodeAddr=$net.1 CPUs=2
NodeName=n2 NodeAddr=$net.2 CPUs=2
PartitionName=all Nodes=n1,n2 Default=YES MaxTime=INFINITE State=UP OverSubscribe=NO
END
}

start_network() {
  ip link add "$bridge" type bridge
  ip addr add "$net.254/24" dev "$bridge"
  ip link set "$bridge" up
  local node
  for node in 1 2; do
    ip netns add "rf$node"
    ip link add "rfv$node" type veth peer name eth0 netns "rf$node"
    ip link set "rfv$node" master "$bridge" up
    ip -n "rf$node" addr add "$net.$node/24" dev eth0
    ip -n "rf$node" link set eth0 up
    ip -n "rf$node" link set lo up
  done
  printf '%s\n' "127.0.0.1 localhost" "$net.254 ctl" "$net.1 n1" "$net.2 n2" >"$home/hosts"
}

# A command in a mount and host namespace of its own: its host name, the toy's hosts file and, for a node, its own /tmp.
# (PMIx keeps sockets in /tmp; two nodes on one must not meet there.)
as_host() {
  local name=$1 tmp=$2
  shift 2
  unshare --uts --mount bash -c '
    name=$1 hosts=$2 tmp=$3; shift 3
    hostname "$name"
    mount --bind "$hosts" /etc/hosts
    if [[ -n $tmp ]]; then mount --bind "$tmp" /tmp; fi
    exec "$@"' as_host "$name" "$home/hosts" "$tmp" "$@"
}

start_daemons() {
  export SLURM_CONF=$home/slurm.conf
  [[ -s $home/munge.key ]] || (umask 077 && head -c 1024 /dev/urandom >"$home/munge.key")
  munged --force --key-file="$home/munge.key" --socket="$home/munge.socket" --pid-file="$home/pids/munged" \
    --log-file="$home/log/munged.log" --seed-file="$home/munge.seed"
  as_host ctl "" slurmctld -D -f "$SLURM_CONF" >"$home/log/slurmctld.out" 2>&1 &
  local node
  for node in 1 2; do
    # Not `ip netns exec`: it hides /sys/fs/cgroup, and slurmd refuses to start.
    nsenter --net="/run/netns/rf$node" "$0" node "$node" >"$home/log/slurmd$node.out" 2>&1 &
  done
  local second
  for second in $(seq 30); do
    [[ $(sinfo -h -o %t 2>/dev/null) == idle ]] && break
    sleep 1
  done
  sinfo
  echo "export SLURM_CONF=$SLURM_CONF"
}

# The daemons of this toy and no others: all are given a file in its folder.
daemons() { pgrep -f "(slurmctld|slurmd|slurmstepd|munged) .*$home/" || true; }

stop() {
  local second found
  for second in $(seq 10); do
    found=$(daemons)
    [[ -n $found ]] || break
    # shellcheck disable=SC2086 # one word a process
    if ((second < 8)); then kill $found 2>/dev/null || true; else kill -KILL $found 2>/dev/null || true; fi
    sleep 1
  done
  rm -rf "$home/pids"
  local name
  for name in 1 2; do ip netns del "rf$name" 2>/dev/null || true; done
  ip link del "$bridge" 2>/dev/null || true
}

case ${1:-} in
  start) write_config; start_network; start_daemons ;;
  node) SLURM_CONF=$home/slurm.conf as_host "n$2" "$home/tmp$2" slurmd -D -N "n$2" -f "$home/slurm.conf" ;;
  stop) stop ;;
  *) sed -n '2,8p' "$0" >&2; exit 2 ;;
esac
