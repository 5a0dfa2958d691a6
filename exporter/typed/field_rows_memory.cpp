// include/trace/events/kmem.h, vmscan.h, compaction.h, migrate.h, huge_memory.h, oom.h, filemap.h. Page frame numbers and
// nodes of zones are not here: they take the kernel's memory map.
#include "typed/field_rows.h"

namespace tpx::typed {

namespace {

// The device of an inode: its filesystem's, or the special file's own.
#define TPX_DEVICE_OF(INODE) "s_dev = if(" INODE "->i_sb, " INODE "->i_sb->s_dev, " INODE "->i_rdev); "

constexpr FieldMappings kMappings[] = {
    // ---- compaction
    {"compaction/mm_compaction_begin",
     "zone_start; migrate_pfn = args.cc->migrate_pfn; free_pfn = args.cc->free_pfn; zone_end; sync; "
     "migrate_pfn; free_pfn"},
    {"compaction/mm_compaction_defer_compaction compaction/mm_compaction_defer_reset compaction/mm_compaction_deferred",
     "order; considered = args.zone->compact_considered; defer_shift = args.zone->compact_defer_shift; "
     "order_failed = args.zone->compact_order_failed"},
    {"compaction/mm_compaction_end",
     "zone_start; migrate_pfn = args.cc->migrate_pfn; free_pfn = args.cc->free_pfn; zone_end; sync; status; "
     "migrate_pfn; free_pfn"},
    {"compaction/mm_compaction_fast_isolate_freepages compaction/mm_compaction_isolate_freepages "
     "compaction/mm_compaction_isolate_migratepages",
     "start_pfn; end_pfn; nr_scanned; nr_taken"},
    {"compaction/mm_compaction_finished compaction/mm_compaction_suitable", "order; ret"},
    {"compaction/mm_compaction_kcompactd_sleep", "nid"},
    {"compaction/mm_compaction_kcompactd_wake compaction/mm_compaction_wakeup_kcompactd",
     "nid; order; highest_zoneidx"},
    {"compaction/mm_compaction_migratepages", "nr_migrated = args.nr_succeeded"},
    {"compaction/mm_compaction_try_to_compact_pages", "order; gfp_mask; prio"},
    // ---- filemap
    {"filemap/file_check_and_advance_wb_err",
     "i_ino = args.file->f_mapping->host->i_ino; old; new = args.file->f_wb_err; " TPX_DEVICE_OF(
         "args.file->f_mapping->host")},
    {"filemap/filemap_set_wb_err",
     "i_ino = args.mapping->host->i_ino; errseq = args.eseq; " TPX_DEVICE_OF("args.mapping->host")},
    {"filemap/mm_filemap_add_to_page_cache filemap/mm_filemap_delete_from_page_cache",
     "i_ino = args.folio->mapping->host->i_ino; index = args.folio->index; " TPX_DEVICE_OF("args.folio->mapping->host")
         TPX_DEVICE_OF("args.page->mapping->host") "i_ino = args.page->mapping->host->i_ino; index = args.page->index"},
    {"filemap/mm_filemap_fault", "i_ino = args.mapping->host->i_ino; index"},
    {"filemap/mm_filemap_get_pages filemap/mm_filemap_map_pages",
     "i_ino = args.mapping->host->i_ino; index; last_index"},
    // ---- huge_memory
    {"huge_memory/mm_collapse_huge_page", "mm; isolated; status"},
    {"huge_memory/mm_collapse_huge_page_isolate", "none_or_zero; referenced; writable; status"},
    {"huge_memory/mm_collapse_huge_page_swapin", "mm; swapped_in; referenced; ret"},
    {"huge_memory/mm_khugepaged_collapse_file", "mm; index; addr; is_shmem; nr; result"},
    {"huge_memory/mm_khugepaged_scan_file", "mm; present; swap; result"},
    {"huge_memory/mm_khugepaged_scan_pmd", "mm; writable; referenced; none_or_zero; status; unmapped"},
    // ---- kmem
    {"kmem/kmalloc kmem/kmem_cache_alloc_node kmem/kmalloc_node",
     "call_site; ptr; bytes_req; bytes_alloc; gfp_flags; node"},
    {"kmem/kmem_cache_alloc",
     "bytes_req = args.s->object_size; bytes_alloc = args.s->size; node; bytes_req; bytes_alloc"},
    {"kmem/kmem_cache_free", "call_site; ptr; name = str(args.s->name, 71)"},
    {"kmem/mm_page_alloc_extfrag", "alloc_order; fallback_order; alloc_migratetype; fallback_migratetype"},
    {"kmem/mm_page_alloc_zone_locked", "order; migratetype; percpu_refill"},
    {"kmem/mm_page_pcpu_drain", "order; migratetype"},
    // ---- migrate
    {"migrate/mm_migrate_pages",
     "succeeded; failed; thp_succeeded; thp_failed; thp_split; large_folio_split; mode; reason"},
    {"migrate/mm_migrate_pages_start", "mode; reason"},
    // ---- oom
    {"oom/compact_retry", "order; priority; retries; max_retries; ret"},
    {"oom/finish_task_reaping oom/skip_task_reaping oom/start_task_reaping oom/wake_reaper", "pid"},
    {"oom/mark_victim",
     "pid = args.task->pid; uid; oom_score_adj = args.task->signal->oom_score_adj; comm = args.task->comm"},
    {"oom/oom_score_adj_update",
     "pid = args.task->pid; oom_score_adj = args.task->signal->oom_score_adj; comm = args.task->comm"},
    {"oom/reclaim_retry_zone",
     "order; reclaimable; available; min_wmark; no_progress_loops; wmark_check; "
     "zone_idx = args.zoneref->zone_idx"},
    // ---- vmscan
    {"vmscan/mm_shrink_slab_end",
     "shr; nid; shrink = args.shr->scan_objects; unused_scan = args.unused_scan_cnt; "
     "new_scan = args.new_scan_cnt; retval = args.shrinker_retval; total_scan"},
    {"vmscan/mm_shrink_slab_start",
     "shr; shrink = args.shr->scan_objects; nid = args.sc->nid; nr_objects_to_shrink; "
     "gfp_flags = args.sc->gfp_mask; cache_items; delta; total_scan; priority"},
    {"vmscan/mm_vmscan_direct_reclaim_begin vmscan/mm_vmscan_memcg_reclaim_begin "
     "vmscan/mm_vmscan_memcg_softlimit_reclaim_begin",
     "order; gfp_flags"},
    {"vmscan/mm_vmscan_direct_reclaim_end vmscan/mm_vmscan_memcg_reclaim_end "
     "vmscan/mm_vmscan_memcg_softlimit_reclaim_end vmscan/mm_vmscan_node_reclaim_end",
     "nr_reclaimed"},
    {"vmscan/mm_vmscan_kswapd_sleep", "nid"},
    {"vmscan/mm_vmscan_kswapd_wake", "nid; zid; order"},
    {"vmscan/mm_vmscan_lru_isolate",
     "highest_zoneidx; order; nr_requested; nr_scanned; nr_skipped; nr_taken; lru; isolate_mode"},
    {"vmscan/mm_vmscan_lru_shrink_active", "nid; nr_taken; nr_active; nr_deactivated; nr_referenced; priority"},
    {"vmscan/mm_vmscan_lru_shrink_inactive",
     "nid; nr_scanned; nr_reclaimed; nr_dirty = args.stat->nr_dirty; nr_writeback = args.stat->nr_writeback; "
     "nr_congested = args.stat->nr_congested; nr_immediate = args.stat->nr_immediate; "
     "nr_activate0 = args.stat->nr_activate[0]; nr_activate1 = args.stat->nr_activate[1]; "
     "nr_ref_keep = args.stat->nr_ref_keep; nr_unmap_fail = args.stat->nr_unmap_fail; priority"},
    {"vmscan/mm_vmscan_node_reclaim_begin", "nid; order; gfp_flags"},
    {"vmscan/mm_vmscan_throttled", "nid; usec_timeout; usec_delayed; reason = 1 << args.reason"},
    {"vmscan/mm_vmscan_wakeup_kswapd", "nid; zid; order; gfp_flags"},
};
#undef TPX_DEVICE_OF

}  // namespace

std::span<const FieldMappings> memory_rows() {
  return kMappings;
}

}  // namespace tpx::typed
