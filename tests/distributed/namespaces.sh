#!/bin/sh
# namespaces.sh FOLDER COMMAND...: run the command beside two "machines": network namespaces with
# the addresses 10.77.0.2 and 10.77.0.3, joined by a bridge with 10.77.0.1. FOLDER/enter MACHINE
# LINE runs a line on one of them ("one" or "two"), as a cluster would. Needs a namespace of its own.
set -e
folder=$1
shift
mount -t proc proc /proc
ip link set lo up
ip link add bridge type bridge
ip addr add 10.77.0.1/24 dev bridge
ip link set bridge up
number=2
for host in one two; do
    unshare --net sleep 1000 &
    pid=$!
    until [ "$(readlink /proc/$pid/ns/net)" != "$(readlink /proc/self/ns/net)" ]; do sleep 0.05; done
    echo $pid >"$folder/$host.pid"
    ip link add "to-$host" type veth peer name ethernet netns $pid
    ip link set "to-$host" master bridge up
    nsenter --target $pid --net ip addr add 10.77.0.$number/24 dev ethernet
    nsenter --target $pid --net ip link set ethernet up
    nsenter --target $pid --net ip link set lo up
    number=$((number + 1))
done
printf '#!/bin/sh\nexec nsenter --target "$(cat "%s/$1.pid")" --net sh -c "$2"\n' "$folder" >"$folder/enter"
chmod +x "$folder/enter"
"$@"
