// Package batch sends many UDP datagrams with few system calls: sendmmsg(2) for
// datagrams to different receivers, and generic segmentation offload (UDP_SEGMENT,
// udp(7)) for several to one. Where the system has neither, datagrams leave one by
// one.
package batch
