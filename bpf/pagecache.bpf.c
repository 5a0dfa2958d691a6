/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * What the page cache saves: reads that found their page there and reads that had to bring it in, and the pages that came
 * and went, by device. A page that is brought in ahead of the reads is no miss of the read that started it.
 */
#include "tpx.bpf.h"

enum pagecache_result { HIT, MISS };
enum pagecache_change { ADDED, REMOVED };

struct pagecache_read {
  __u32 dev;
  enum pagecache_result result;
};
struct pagecache_pages {
  __u32 dev;
  enum pagecache_change change;
};

/* The pages that a thread added since its last read: one run of them in one file, which is what readahead adds. */
struct addition {
  __u64 dev;
  __u64 file;
  __u64 first;
  __u64 end;
};

TPX_MAP(additions, LRU_HASH, __u32, struct addition, 16384);
TPX_MAP(reads, HASH, struct pagecache_read, __u64, 4096);
TPX_MAP(pages, HASH, struct pagecache_pages, __u64, 4096);

/* struct trace_event_raw_mm_filemap_op_page_cache_range of newer kernels; the event came with Linux 6.12. */
struct trace_event_raw_mm_filemap_op_page_cache_range___new {
  unsigned long i_ino;
  dev_t s_dev;
  unsigned long index;
} __attribute__((preserve_access_index));

/* The records say the same on all kernels, where the members of struct folio moved with almost every one. */
static __always_inline __u64 size_of(struct trace_event_raw_mm_filemap_op_page_cache* record) {
  return 1ULL << (bpf_core_field_exists(record->order) ? BPF_CORE_READ(record, order) : 0);
}

static __always_inline void changed(__u32 dev, enum pagecache_change change, __u64 count) {
  const struct pagecache_pages key = {.dev = dev, .change = change};
  tpx_add(&pages, &key, count);
}

SEC("tp/filemap/mm_filemap_add_to_page_cache")
int added(struct trace_event_raw_mm_filemap_op_page_cache* record) {
  const __u32 tid = bpf_get_current_pid_tgid();
  const __u64 file = BPF_CORE_READ(record, i_ino), first = BPF_CORE_READ(record, index), count = size_of(record);
  const struct addition fresh = {
      .dev = BPF_CORE_READ(record, s_dev), .file = file, .first = first, .end = first + count};
  struct addition* known = bpf_map_lookup_elem(&additions, &tid);
  changed(fresh.dev, ADDED, count);
  if (known && known->dev == fresh.dev && known->file == file && known->end == first) {
    known->end += count;
  } else {
    bpf_map_update_elem(&additions, &tid, &fresh, BPF_ANY);
  }
  return 1;
}

SEC("tp/filemap/mm_filemap_delete_from_page_cache")
int removed(struct trace_event_raw_mm_filemap_op_page_cache* record) {
  changed(BPF_CORE_READ(record, s_dev), REMOVED, size_of(record));
  return 1;
}

/* Fires when the pages of a read have been found or brought in. */
SEC("tp/filemap/mm_filemap_get_pages")
int got(struct trace_event_raw_mm_filemap_op_page_cache_range___new* record) {
  const __u32 tid = bpf_get_current_pid_tgid();
  const __u64 index = BPF_CORE_READ(record, index);
  struct pagecache_read key = {.dev = BPF_CORE_READ(record, s_dev), .result = HIT};
  const struct addition* addition = bpf_map_lookup_elem(&additions, &tid);
  if (addition) {
    if (addition->dev == key.dev && addition->file == BPF_CORE_READ(record, i_ino) && addition->first <= index &&
        index < addition->end) {
      key.result = MISS;
    }
    bpf_map_delete_elem(&additions, &tid);
  }
  tpx_add(&reads, &key, 1);
  return 1;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
