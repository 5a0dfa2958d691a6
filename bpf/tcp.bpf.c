/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* TCP connections: opened, accepted, how long they lived, what they carried, what they sent again. */
#include "tpx.bpf.h"

#define SLOTS 17 /* 16 bounds, 1 above: 1 ms … 32.8 s */

enum tcp_role { OPENED, ACCEPTED };
enum tcp_direction { SENT, RECEIVED };
/* include/net/tcp_states.h */
enum tcp_state {
  ESTABLISHED = 1,
  SYN_SENT,
  SYN_RECV,
  FIN_WAIT1,
  FIN_WAIT2,
  TIME_WAIT,
  CLOSE,
  CLOSE_WAIT,
  LAST_ACK,
  LISTEN,
  CLOSING,
  NEW_SYN_RECV
};

struct tcp_birth {
  __u64 time;
  enum tcp_role role;
};
struct tcp_life {
  __u64 slots[SLOTS];
  __u64 sum;
};

TPX_MAP(born, HASH, __u64, struct tcp_birth, 65536);
TPX_MAP(connections, HASH, enum tcp_role, __u64, 2);
TPX_MAP(lifetime, HASH, enum tcp_role, struct tcp_life, 2);
TPX_MAP(bytes, HASH, enum tcp_direction, __u64, 2);
TPX_MAP(retransmits, HASH, enum tcp_state, __u64, 16);

static __always_inline void ended(const struct sock* sk, const struct tcp_birth* birth) {
  static const struct tcp_life zero;
  const __u64 age = bpf_ktime_get_ns() - birth->time;
  const __u32 slot = tpx_bucket(age, 1000000, SLOTS - 1);
  const enum tcp_role role = birth->role;
  const enum tcp_direction sent = SENT, received = RECEIVED;
  const struct tcp_sock* tcp = (const struct tcp_sock*)sk;
  struct tcp_life* life = tpx_find(&lifetime, &role, &zero);
  if (life && slot < SLOTS) {
    __sync_fetch_and_add(&life->slots[slot], 1);
    __sync_fetch_and_add(&life->sum, age);
  }
  tpx_add(&bytes, &sent, BPF_CORE_READ(tcp, bytes_acked));
  tpx_add(&bytes, &received, BPF_CORE_READ(tcp, bytes_received));
}

SEC("tp_btf/inet_sock_set_state")
int BPF_PROG(tcp_set_state, const struct sock* sk, int before, int after) {
  const __u64 id = (__u64)sk;
  if (BPF_CORE_READ(sk, sk_protocol) != 6) { /* IPPROTO_TCP */
    return 0;
  }
  if (after == ESTABLISHED) {
    const enum tcp_role role = before == SYN_SENT ? OPENED : ACCEPTED;
    const struct tcp_birth birth = {.time = bpf_ktime_get_ns(), .role = role};
    tpx_add(&connections, &role, 1);
    if (bpf_map_update_elem(&born, &id, &birth, BPF_ANY)) {
      __sync_fetch_and_add(&lost_events, 1);
    }
  } else if (after == CLOSE) {
    struct tcp_birth* birth = bpf_map_lookup_elem(&born, &id);
    if (birth) {
      ended(sk, birth);
      bpf_map_delete_elem(&born, &id);
    }
  }
  return 0;
}

SEC("tp_btf/tcp_retransmit_skb")
int BPF_PROG(tcp_retransmit, const struct sock* sk) {
  const enum tcp_state state = BPF_CORE_READ(sk, __sk_common.skc_state);
  tpx_add(&retransmits, &state, 1);
  return 0;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
