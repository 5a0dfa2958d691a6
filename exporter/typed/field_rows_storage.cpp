// include/trace/events/ext4.h, jbd2.h, writeback.h. Of balance_dirty_pages nothing is here: it counts in ticks, whose length
// BTF does not tell; nor are cgroup_ino and the backing device of an inode: functions of the kernel find those.
#include "typed/field_rows.h"

namespace tpx::typed {

namespace {

#define TPX_INODE "dev = args.inode->i_sb->s_dev; ino = args.inode->i_ino; "
#define TPX_SUPER_BLOCK "dev = args.sb->s_dev; "
#define TPX_JOURNAL "dev = args.journal->j_fs_dev->bd_dev; "
#define TPX_COMMIT \
  TPX_JOURNAL      \
  "sync_commit = args.commit_transaction->t_synchronous_commit; transaction = args.commit_transaction->t_tid; "

constexpr FieldMappings kMappings[] = {
    // ---- ext4
    {"ext4/ext4_alloc_da_blocks", TPX_INODE},
    {"ext4/ext4_allocate_inode", TPX_INODE "dir = args.dir->i_ino; mode"},
    {"ext4/ext4_begin_ordered_truncate", TPX_INODE "new_size"},
    {"ext4/ext4_da_reserve_space",
     TPX_INODE "i_blocks = args.inode->i_blocks; reserve_blocks = args.nr_resv; mode = args.inode->i_mode"},
    {"ext4/ext4_da_write_begin ext4/ext4_write_begin", TPX_INODE "pos; len"},
    {"ext4/ext4_da_write_end ext4/ext4_write_end", TPX_INODE "pos; len; copied"},
    {"ext4/ext4_discard_blocks", TPX_SUPER_BLOCK "blk; count"},
    {"ext4/ext4_drop_inode", TPX_INODE "drop"},
    {"ext4/ext4_error", TPX_SUPER_BLOCK "function; line"},
    {"ext4/ext4_es_shrink", TPX_SUPER_BLOCK "nr_shrunk; nr_skipped; retried"},
    {"ext4/ext4_es_shrink_count ext4/ext4_es_shrink_scan_enter", TPX_SUPER_BLOCK "nr_to_scan; cache_cnt"},
    {"ext4/ext4_es_shrink_scan_exit", TPX_SUPER_BLOCK "nr_shrunk; cache_cnt"},
    {"ext4/ext4_evict_inode", TPX_INODE "nlink = args.inode->i_nlink"},
    {"ext4/ext4_fallocate_enter ext4/ext4_punch_hole", TPX_INODE "offset; len; mode"},
    {"ext4/ext4_fallocate_exit", TPX_INODE "pos = args.offset; blocks = args.max_blocks; ret"},
    {"ext4/ext4_free_blocks", TPX_INODE "block; count; flags; mode = args.inode->i_mode"},
    {"ext4/ext4_free_inode", TPX_INODE "blocks = args.inode->i_blocks; mode = args.inode->i_mode"},
    {"ext4/ext4_journal_start", TPX_SUPER_BLOCK "ip = args.IP; blocks; rsv_blocks; revoke_creds"},
    {"ext4/ext4_journal_start_inode",
     "dev = args.inode->i_sb->s_dev; ip = args.IP; blocks; rsv_blocks; revoke_creds; type; "
     "ino = args.inode->i_ino"},
    {"ext4/ext4_journal_start_reserved", TPX_SUPER_BLOCK "ip = args.IP; blocks"},
    {"ext4/ext4_journal_start_sb", TPX_SUPER_BLOCK "ip = args.IP; blocks; rsv_blocks; revoke_creds; type"},
    {"ext4/ext4_load_inode", TPX_SUPER_BLOCK "ino"},
    {"ext4/ext4_mark_inode_dirty", TPX_INODE "ip = args.IP"},
    {"ext4/ext4_request_inode", "dev = args.dir->i_sb->s_dev; dir = args.dir->i_ino; mode"},
    {"ext4/ext4_shutdown", TPX_SUPER_BLOCK "flags"},
    {"ext4/ext4_sync_file_enter",
     "dev = args.file->f_path.dentry->d_sb->s_dev; ino = args.file->f_path.dentry->d_inode->i_ino; datasync; "
     "parent = args.file->f_path.dentry->d_parent->d_inode->i_ino"},
    {"ext4/ext4_sync_file_exit", TPX_INODE "ret"},
    {"ext4/ext4_sync_fs", TPX_SUPER_BLOCK "wait"},
    {"ext4/ext4_truncate_enter ext4/ext4_truncate_exit", TPX_INODE "blocks = args.inode->i_blocks"},
    {"ext4/ext4_unlink_enter",
     "dev = args.dentry->d_sb->s_dev; ino = args.dentry->d_inode->i_ino; parent = args.parent->i_ino; "
     "size = args.dentry->d_inode->i_size"},
    {"ext4/ext4_unlink_exit", "dev = args.dentry->d_sb->s_dev; ino = args.dentry->d_inode->i_ino; ret"},
    {"ext4/ext4_writepages",
     TPX_INODE "nr_to_write = args.wbc->nr_to_write; pages_skipped = args.wbc->pages_skipped; "
               "range_start = args.wbc->range_start; range_end = args.wbc->range_end; "
               "writeback_index = args.inode->i_mapping->writeback_index; sync_mode = args.wbc->sync_mode; "
               "for_kupdate = args.wbc->for_kupdate; range_cyclic = args.wbc->range_cyclic"},
    {"ext4/ext4_writepages_result",
     TPX_INODE "ret; pages_written; pages_skipped = args.wbc->pages_skipped; "
               "writeback_index = args.inode->i_mapping->writeback_index; sync_mode = args.wbc->sync_mode"},
    // ---- jbd2
    {"jbd2/jbd2_checkpoint", TPX_JOURNAL "result"},
    {"jbd2/jbd2_checkpoint_stats",
     "dev; tid; chp_time = args.stats->cs_chp_time; forced_to_close = args.stats->cs_forced_to_close; "
     "written = args.stats->cs_written; dropped = args.stats->cs_dropped"},
    {"jbd2/jbd2_commit_flushing jbd2/jbd2_commit_locking jbd2/jbd2_commit_logging jbd2/jbd2_drop_transaction "
     "jbd2/jbd2_start_commit",
     TPX_COMMIT},
    {"jbd2/jbd2_end_commit", TPX_COMMIT "head = args.journal->j_tail_sequence"},
    {"jbd2/jbd2_handle_extend", "dev; tid; type; line_no; buffer_credits; requested_blocks"},
    {"jbd2/jbd2_handle_restart jbd2/jbd2_handle_start", "dev; tid; type; line_no; requested_blocks"},
    {"jbd2/jbd2_handle_stats", "dev; tid; type; line_no; interval; sync; requested_blocks; dirtied_blocks"},
    {"jbd2/jbd2_lock_buffer_stall", "dev; stall_ms"},
    {"jbd2/jbd2_run_stats",
     "dev; tid; wait = args.stats->rs_wait; request_delay = args.stats->rs_request_delay; "
     "running = args.stats->rs_running; locked = args.stats->rs_locked; flushing = args.stats->rs_flushing; "
     "logging = args.stats->rs_logging; handle_count = args.stats->rs_handle_count; "
     "blocks = args.stats->rs_blocks; blocks_logged = args.stats->rs_blocks_logged"},
    {"jbd2/jbd2_shrink_checkpoint_list", TPX_JOURNAL "first_tid; tid; last_tid; nr_freed; next_tid"},
    {"jbd2/jbd2_shrink_count jbd2/jbd2_shrink_scan_enter", TPX_JOURNAL "nr_to_scan; count"},
    {"jbd2/jbd2_shrink_scan_exit", TPX_JOURNAL "nr_to_scan; nr_shrunk; count"},
    {"jbd2/jbd2_submit_inode_data", TPX_INODE},
    {"jbd2/jbd2_update_log_tail",
     TPX_JOURNAL "tail_sequence = args.journal->j_tail_sequence; first_tid; block_nr; freed"},
    {"jbd2/jbd2_write_superblock", TPX_JOURNAL "write_flags"},
    // ---- writeback
    {"writeback/global_dirty_state", "background_thresh; dirty_thresh"},
    {"writeback/writeback_pages_written", "pages = args.pages_written"},
    {"writeback/writeback_queue writeback/writeback_exec writeback/writeback_start writeback/writeback_written "
     "writeback/writeback_wait",
     "name = if(args.wb->bdi->dev, str(args.wb->bdi->dev_name, 31), \"(unknown)\"); "
     "nr_pages = args.work->nr_pages; sb_dev = args.work->sb->s_dev; sync_mode = args.work->sync_mode; "
     "for_kupdate = args.work->for_kupdate; range_cyclic = args.work->range_cyclic; "
     "for_background = args.work->for_background; reason = args.work->reason"},
    {"writeback/writeback_wake_background",
     "name = if(args.wb->bdi->dev, str(args.wb->bdi->dev_name, 31), \"(unknown)\")"},
    {"writeback/writeback_bdi_register", "name = if(args.bdi->dev, str(args.bdi->dev_name, 31), \"(unknown)\")"},
};
#undef TPX_INODE
#undef TPX_SUPER_BLOCK
#undef TPX_JOURNAL
#undef TPX_COMMIT

}  // namespace

std::span<const FieldMappings> storage_rows() {
  return kMappings;
}

}  // namespace tpx::typed
