// include/trace/events/net.h, napi.h, skb.h, sock.h, tcp.h, udp.h. Addresses of IPv6 are not here: a record has a mapped one for
// IPv4. What only struct inet_sock has is read behind a cast, as inet_sk() of include/net/inet_sock.h does.
#include "typed/field_rows.h"

namespace tpx::typed {

namespace {

// Ports in the order of the network. The destination is in struct sock_common, the source in struct inet_sock.
#define TPX_ENDPOINTS                                                            \
  "sport = (cast(args.sk, \"inet_sock\")->inet_sport * 0x10001 >> 8) & 0xffff; " \
  "dport = (args.sk->__sk_common.skc_dport * 0x10001 >> 8) & 0xffff; "           \
  "saddr = bytes(cast(args.sk, \"inet_sock\")->inet_saddr); daddr = bytes(args.sk->__sk_common.skc_daddr); "
#define TPX_FAMILY "family = args.sk->__sk_common.skc_family; "
#define TPX_FAMILY_AND_PROTOCOL TPX_FAMILY "protocol = args.sk->sk_protocol; "

constexpr FieldMappings kMappings[] = {
    // ---- napi
    {"napi/dql_stall_detected", "thrs; len; last_reap; now"},
    {"napi/napi_poll", "napi; work; budget; dev_name = if(args.napi->dev, args.napi->dev->name, \"(no_device)\")"},
    // ---- net
    {"net/napi_gro_frags_exit net/napi_gro_receive_exit net/netif_receive_skb_exit net/netif_receive_skb_list_exit "
     "net/netif_rx_exit",
     "ret"},
    {"net/net_dev_start_xmit",
     "queue_mapping = args.skb->queue_mapping; skbaddr = args.skb; "
     "vlan_proto = (args.skb->vlan_proto * 0x10001 >> 8) & 0xffff; "
     "protocol = (args.skb->protocol * 0x10001 >> 8) & 0xffff; ip_summed = args.skb->ip_summed; "
     "len = args.skb->len; data_len = args.skb->data_len; name = args.dev->name"},
    {"net/net_dev_xmit_timeout",
     "queue_index; name = args.dev->name; driver = str(args.dev->dev.parent->driver->name, 71)"},
    {"net/netif_rx", "skbaddr = args.skb; len = args.skb->len; name = args.skb->dev->name"},
    // ---- skb
    {"skb/kfree_skb", "rx_sk; protocol = (args.skb->protocol * 0x10001 >> 8) & 0xffff"},
    {"skb/skb_copy_datagram_iovec", "skbaddr = args.skb; len"},
    // ---- sock
    {"sock/inet_sk_error_report", "error = args.sk->sk_err; " TPX_FAMILY_AND_PROTOCOL TPX_ENDPOINTS},
    {"sock/inet_sock_set_state", "skaddr = args.sk; oldstate; newstate; " TPX_FAMILY_AND_PROTOCOL TPX_ENDPOINTS},
    {"sock/sk_data_ready", "skaddr = args.sk; " TPX_FAMILY_AND_PROTOCOL},
    {"sock/sock_exceed_buf_limit",
     "allocated; rmem_alloc = args.sk->sk_backlog.rmem_alloc.counter; "
     "wmem_alloc = args.sk->sk_wmem_alloc.refs.counter; wmem_queued = args.sk->sk_wmem_queued; kind; "
     "name = args.prot->name"},
    {"sock/sock_rcvqueue_full",
     "rmem_alloc = args.sk->sk_backlog.rmem_alloc.counter; truesize = args.skb->truesize; "
     "sk_rcvbuf = args.sk->sk_rcvbuf"},
    {"sock/sock_recv_length sock/sock_send_length", "sk; " TPX_FAMILY_AND_PROTOCOL "ret; flags"},
    // ---- tcp
    {"tcp/tcp_retransmit_skb", "skbaddr = args.skb; skaddr = args.sk; err; " TPX_ENDPOINTS},
    {"tcp/tcp_receive_reset tcp/tcp_destroy_sock tcp/tcp_rcv_space_adjust",
     "skaddr = args.sk; " TPX_FAMILY TPX_ENDPOINTS},
    {"tcp/tcp_retransmit_synack",
     "skaddr = args.sk; req; " TPX_FAMILY "sport = args.req->__req_common.skc_num; "
     "dport = (args.req->__req_common.skc_dport * 0x10001 >> 8) & 0xffff; "
     "saddr = bytes(args.req->__req_common.skc_rcv_saddr); daddr = bytes(args.req->__req_common.skc_daddr)"},
    // ---- udp
    {"udp/udp_fail_queue_rcv_skb", "rc; " TPX_FAMILY "lport = args.sk->__sk_common.skc_num"},
};
#undef TPX_ENDPOINTS
#undef TPX_FAMILY
#undef TPX_FAMILY_AND_PROTOCOL

}  // namespace

std::span<const FieldMappings> network_rows() {
  return kMappings;
}

}  // namespace tpx::typed
