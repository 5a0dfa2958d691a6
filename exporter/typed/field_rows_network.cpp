// include/trace/events/net.h, napi.h, skb.h, sock.h, tcp.h, udp.h. Addresses of IPv6 are not here: a record has a mapped one for
// IPv4. What only struct inet_sock has is read behind a cast, as inet_sk() of include/net/inet_sock.h does.
#include "typed/field_rows.h"

namespace tpx::typed {

namespace {

// Ports in the order of the network. The destination is in struct sock_common, the source in struct inet_sock.
#define TPX_SOCKET_ROWS(EVENT)                                                                    \
  FieldRow{EVENT, "sport", "(cast(args.sk, \"inet_sock\")->inet_sport * 0x10001 >> 8) & 0xffff"}, \
      FieldRow{EVENT, "dport", "(args.sk->__sk_common.skc_dport * 0x10001 >> 8) & 0xffff"},       \
      FieldRow{EVENT, "saddr", "bytes(cast(args.sk, \"inet_sock\")->inet_saddr)"},                \
      FieldRow{EVENT, "daddr", "bytes(args.sk->__sk_common.skc_daddr)"}

// Not std::array: clang follows at most 256 arguments of its deduction guide.
constexpr FieldRow kRows[] = {
    // ---- napi
    FieldRow{"napi/dql_stall_detected", "thrs", "args.thrs"},
    FieldRow{"napi/dql_stall_detected", "len", "args.len"},
    FieldRow{"napi/dql_stall_detected", "last_reap", "args.last_reap"},
    FieldRow{"napi/dql_stall_detected", "now", "args.now"},
    FieldRow{"napi/napi_poll", "napi", "args.napi"},
    FieldRow{"napi/napi_poll", "work", "args.work"},
    FieldRow{"napi/napi_poll", "budget", "args.budget"},
    FieldRow{"napi/napi_poll", "dev_name", "if(args.napi->dev, args.napi->dev->name, \"(no_device)\")"},
    // ---- net
    FieldRow{"net/napi_gro_frags_exit", "ret", "args.ret"},
    FieldRow{"net/napi_gro_receive_exit", "ret", "args.ret"},
    FieldRow{"net/net_dev_start_xmit", "queue_mapping", "args.skb->queue_mapping"},
    FieldRow{"net/net_dev_start_xmit", "skbaddr", "args.skb"},
    FieldRow{"net/net_dev_start_xmit", "vlan_proto", "(args.skb->vlan_proto * 0x10001 >> 8) & 0xffff"},
    FieldRow{"net/net_dev_start_xmit", "protocol", "(args.skb->protocol * 0x10001 >> 8) & 0xffff"},
    FieldRow{"net/net_dev_start_xmit", "ip_summed", "args.skb->ip_summed"},
    FieldRow{"net/net_dev_start_xmit", "len", "args.skb->len"},
    FieldRow{"net/net_dev_start_xmit", "data_len", "args.skb->data_len"},
    FieldRow{"net/net_dev_start_xmit", "name", "args.dev->name"},
    FieldRow{"net/net_dev_xmit_timeout", "queue_index", "args.queue_index"},
    FieldRow{"net/net_dev_xmit_timeout", "name", "args.dev->name"},
    FieldRow{"net/net_dev_xmit_timeout", "driver", "str(args.dev->dev.parent->driver->name, 71)"},
    FieldRow{"net/netif_receive_skb_exit", "ret", "args.ret"},
    FieldRow{"net/netif_receive_skb_list_exit", "ret", "args.ret"},
    FieldRow{"net/netif_rx", "skbaddr", "args.skb"},
    FieldRow{"net/netif_rx", "len", "args.skb->len"},
    FieldRow{"net/netif_rx", "name", "args.skb->dev->name"},
    FieldRow{"net/netif_rx_exit", "ret", "args.ret"},
    // ---- skb
    FieldRow{"skb/kfree_skb", "rx_sk", "args.rx_sk"},
    FieldRow{"skb/kfree_skb", "protocol", "(args.skb->protocol * 0x10001 >> 8) & 0xffff"},
    FieldRow{"skb/skb_copy_datagram_iovec", "skbaddr", "args.skb"},
    FieldRow{"skb/skb_copy_datagram_iovec", "len", "args.len"},
    // ---- sock
    FieldRow{"sock/inet_sk_error_report", "error", "args.sk->sk_err"},
    FieldRow{"sock/inet_sk_error_report", "family", "args.sk->__sk_common.skc_family"},
    FieldRow{"sock/inet_sk_error_report", "protocol", "args.sk->sk_protocol"},
    TPX_SOCKET_ROWS("sock/inet_sk_error_report"),
    FieldRow{"sock/inet_sock_set_state", "skaddr", "args.sk"},
    FieldRow{"sock/inet_sock_set_state", "oldstate", "args.oldstate"},
    FieldRow{"sock/inet_sock_set_state", "newstate", "args.newstate"},
    FieldRow{"sock/inet_sock_set_state", "family", "args.sk->__sk_common.skc_family"},
    FieldRow{"sock/inet_sock_set_state", "protocol", "args.sk->sk_protocol"},
    TPX_SOCKET_ROWS("sock/inet_sock_set_state"),
    FieldRow{"sock/sk_data_ready", "skaddr", "args.sk"},
    FieldRow{"sock/sk_data_ready", "family", "args.sk->__sk_common.skc_family"},
    FieldRow{"sock/sk_data_ready", "protocol", "args.sk->sk_protocol"},
    FieldRow{"sock/sock_exceed_buf_limit", "allocated", "args.allocated"},
    FieldRow{"sock/sock_exceed_buf_limit", "rmem_alloc", "args.sk->sk_backlog.rmem_alloc.counter"},
    FieldRow{"sock/sock_exceed_buf_limit", "wmem_alloc", "args.sk->sk_wmem_alloc.refs.counter"},
    FieldRow{"sock/sock_exceed_buf_limit", "wmem_queued", "args.sk->sk_wmem_queued"},
    FieldRow{"sock/sock_exceed_buf_limit", "kind", "args.kind"},
    FieldRow{"sock/sock_exceed_buf_limit", "name", "args.prot->name"},
    FieldRow{"sock/sock_rcvqueue_full", "rmem_alloc", "args.sk->sk_backlog.rmem_alloc.counter"},
    FieldRow{"sock/sock_rcvqueue_full", "truesize", "args.skb->truesize"},
    FieldRow{"sock/sock_rcvqueue_full", "sk_rcvbuf", "args.sk->sk_rcvbuf"},
    FieldRow{"sock/sock_recv_length", "sk", "args.sk"},
    FieldRow{"sock/sock_recv_length", "family", "args.sk->__sk_common.skc_family"},
    FieldRow{"sock/sock_recv_length", "protocol", "args.sk->sk_protocol"},
    FieldRow{"sock/sock_recv_length", "ret", "args.ret"},
    FieldRow{"sock/sock_recv_length", "flags", "args.flags"},
    FieldRow{"sock/sock_send_length", "sk", "args.sk"},
    FieldRow{"sock/sock_send_length", "family", "args.sk->__sk_common.skc_family"},
    FieldRow{"sock/sock_send_length", "protocol", "args.sk->sk_protocol"},
    FieldRow{"sock/sock_send_length", "ret", "args.ret"},
    FieldRow{"sock/sock_send_length", "flags", "args.flags"},
    // ---- tcp
    FieldRow{"tcp/tcp_retransmit_skb", "skbaddr", "args.skb"},
    FieldRow{"tcp/tcp_retransmit_skb", "skaddr", "args.sk"},
    FieldRow{"tcp/tcp_retransmit_skb", "err", "args.err"},
    TPX_SOCKET_ROWS("tcp/tcp_retransmit_skb"),
    FieldRow{"tcp/tcp_receive_reset", "skaddr", "args.sk"},
    FieldRow{"tcp/tcp_receive_reset", "family", "args.sk->__sk_common.skc_family"},
    TPX_SOCKET_ROWS("tcp/tcp_receive_reset"),
    FieldRow{"tcp/tcp_destroy_sock", "skaddr", "args.sk"},
    FieldRow{"tcp/tcp_destroy_sock", "family", "args.sk->__sk_common.skc_family"},
    TPX_SOCKET_ROWS("tcp/tcp_destroy_sock"),
    FieldRow{"tcp/tcp_rcv_space_adjust", "skaddr", "args.sk"},
    FieldRow{"tcp/tcp_rcv_space_adjust", "family", "args.sk->__sk_common.skc_family"},
    TPX_SOCKET_ROWS("tcp/tcp_rcv_space_adjust"),
    FieldRow{"tcp/tcp_retransmit_synack", "skaddr", "args.sk"},
    FieldRow{"tcp/tcp_retransmit_synack", "req", "args.req"},
    FieldRow{"tcp/tcp_retransmit_synack", "family", "args.sk->__sk_common.skc_family"},
    FieldRow{"tcp/tcp_retransmit_synack", "sport", "args.req->__req_common.skc_num"},
    FieldRow{"tcp/tcp_retransmit_synack", "dport", "(args.req->__req_common.skc_dport * 0x10001 >> 8) & 0xffff"},
    FieldRow{"tcp/tcp_retransmit_synack", "saddr", "bytes(args.req->__req_common.skc_rcv_saddr)"},
    FieldRow{"tcp/tcp_retransmit_synack", "daddr", "bytes(args.req->__req_common.skc_daddr)"},
    // ---- udp
    FieldRow{"udp/udp_fail_queue_rcv_skb", "rc", "args.rc"},
    FieldRow{"udp/udp_fail_queue_rcv_skb", "family", "args.sk->__sk_common.skc_family"},
    FieldRow{"udp/udp_fail_queue_rcv_skb", "lport", "args.sk->__sk_common.skc_num"},
};
#undef TPX_SOCKET_ROWS

}  // namespace

std::span<const FieldRow> network_rows() {
  return kRows;
}

}  // namespace tpx::typed
