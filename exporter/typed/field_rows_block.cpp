// include/trace/events/block.h; blk_rq_trace_sector() and blk_rq_trace_nr_sectors() of include/linux/blktrace_api.h;
// blk_fill_rwbs() of kernel/trace/blktrace.c; blk_status_to_errno() of block/blk-core.c.
#include "typed/field_rows.h"

namespace tpx::typed {

namespace {

// The letters of blk_fill_rwbs(): before the operation F for a flush before it, behind it those of its flags.
#define TPX_RWBS(FLAGS, OPERATIONS, MORE)                                  \
  "letters(" FLAGS ", bit(\"__REQ_PREFLUSH\"), \"F\", 0xff, \"" OPERATIONS \
  "\", bit(\"__REQ_FUA\"), \"F\", "                                        \
  "bit(\"__REQ_RAHEAD\"), \"A\", bit(\"__REQ_SYNC\"), \"S\", bit(\"__REQ_META\"), \"M\"" MORE ")"
#define TPX_OPERATIONS                                                                                       \
  "REQ_OP_READ=R REQ_OP_WRITE=W REQ_OP_FLUSH=F REQ_OP_DISCARD=D REQ_OP_SECURE_ERASE=DE REQ_OP_WRITE_SAME=W " \
  "*=N"
#define TPX_ZONES                                                                               \
  "REQ_OP_ZONE_APPEND=ZA REQ_OP_ZONE_RESET=ZR REQ_OP_ZONE_RESET_ALL=ZRA REQ_OP_ZONE_FINISH=ZF " \
  "REQ_OP_ZONE_OPEN=ZO REQ_OP_ZONE_CLOSE=ZC "
#define TPX_ATOMIC ", bit(\"__REQ_ATOMIC\"), \"U\""
// Each growth of the field told of letters that are new: 9 bytes since U (6.16), 10 since the zones' (6.18). WZ came without.
#define TPX_RWBS_FIELD(FLAGS) \
  "rwbs[8] = " TPX_RWBS(FLAGS, TPX_OPERATIONS, "") "; "                                                    \
  "rwbs[9] = " TPX_RWBS(FLAGS, TPX_OPERATIONS, TPX_ATOMIC) "; "                                            \
  "rwbs[10] @BLK_TC_WRITE_ZEROES = "                                                                       \
  TPX_RWBS(FLAGS, "REQ_OP_WRITE_ZEROES=WZ " TPX_ZONES TPX_OPERATIONS, TPX_ATOMIC) "; "                     \
  "rwbs[10] = " TPX_RWBS(FLAGS, TPX_ZONES TPX_OPERATIONS, TPX_ATOMIC) "; "

// blk_status_to_errno(), a byte for each status. Two were moved when zone write plugging came (6.10); what is beyond the
// last is EIO.
#define TPX_ERRNO(STATUS, SECOND, THIRD)                                                                 \
  "-((if(" STATUS " < 8, 0x3d3479431c6e5f00, if(" STATUS " < 16, " SECOND ", if(" STATUS " < 24, " THIRD \
  ", 0x0505050505050505))) >> (" STATUS " & 7) * 8) & 0xff)"
#define TPX_ERROR(STATUS)                                                                                      \
  "error @BIO_ZONE_WRITE_PLUGGING = " TPX_ERRNO(                                                               \
      STATUS, "0x4b6d100b4e050c54", "0x0505050516003e13") "; error = " TPX_ERRNO(STATUS, "0x6d00100b4e050c54", \
                                                                                 "0x05050505053e134b") "; "

// A request's disk: disk_devt(); rq_disk until 5.15.
#define TPX_REQUEST                                                       \
  "dev = args.rq->q->disk->major << 20 | args.rq->q->disk->first_minor; " \
  "dev = args.rq->rq_disk->major << 20 | args.rq->rq_disk->first_minor; " \
  "ioprio = args.rq->ioprio; ioprio = args.rq->bio->bi_ioprio; "          \
  "comm = comm; cmd = \"\"; " TPX_RWBS_FIELD("args.rq->cmd_flags")

// bio_dev(): the disk's, of a partition's operations too.
#define TPX_BIO_DEVICE                                                                        \
  "dev = args.bio->bi_bdev->bd_disk->major << 20 | args.bio->bi_bdev->bd_disk->first_minor; " \
  "dev = args.bio->bi_disk->major << 20 | args.bio->bi_disk->first_minor; "

// Commands of a driver's or of SCSI's own (operations 32 to 35) have no place on the disk.
#define TPX_SECTOR "if(args.rq->__sector == -1, 0, args.rq->__sector)"
#define TPX_SECTORS "args.rq->__data_len >> 9"
#define TPX_UNLESS_PASSED_THROUGH(VALUE) "if((args.rq->cmd_flags & 0xfc) == 0x20, 0, " VALUE "); "

constexpr FieldMappings kMappings[] = {
    // What is completed is so many bytes, not the whole request. The error is an errno until 5.15.
    {"block/block_rq_complete",
     TPX_REQUEST "sector = args.rq->__sector; nr_sector = args.nr_bytes >> 9; error = signed(args.error); " TPX_ERROR(
         "args.error")},
    {"block/block_rq_error",
     TPX_REQUEST "sector = args.rq->__sector; nr_sector = args.nr_bytes >> 9; " TPX_ERROR("args.error")},
    // nr_bios counts a list.
    {"block/block_rq_remap",
     TPX_REQUEST "sector = args.rq->__sector; nr_sector = args.rq->__data_len >> 9; old_dev = args.dev; "
                 "old_sector = args.from"},
    // block_rq_issue, _insert, _merge, _requeue; block_io_start, _done
    {"block/block_rq_* block/block_io_*",
     TPX_REQUEST
     "sector = " TPX_UNLESS_PASSED_THROUGH(TPX_SECTOR) "nr_sector = " TPX_UNLESS_PASSED_THROUGH(TPX_SECTORS)  //
     "bytes = args.rq->__data_len"},

    // ---- single operations: queue, complete, backmerge, frontmerge, bounce, remap, getrq, sleeprq, split
    {"block/block_bio_complete", TPX_ERROR("args.bio->bi_status")},
    {"block/block_bio_remap", "old_dev = args.dev; old_sector = args.from"},
    {"block/block_bio_* block/block_getrq block/block_sleeprq", TPX_BIO_DEVICE
     "sector = args.bio->bi_iter.bi_sector; nr_sector = args.bio->bi_iter.bi_size >> 9; comm = comm; " TPX_RWBS_FIELD(
         "args.bio->bi_opf")},
    {"block/block_split", TPX_BIO_DEVICE
     "sector = args.bio->bi_iter.bi_sector; new_sector; comm = comm; " TPX_RWBS_FIELD("args.bio->bi_opf")},

    {"block/block_plug", "comm = comm"},
    {"block/block_unplug", "comm = comm; nr_rq = args.depth"},
    {"block/block_touch_buffer block/block_dirty_buffer",
     "dev = args.bh->b_bdev->bd_dev; sector = args.bh->b_blocknr; size = args.bh->b_size"},
};
#undef TPX_RWBS
#undef TPX_OPERATIONS
#undef TPX_ZONES
#undef TPX_ATOMIC
#undef TPX_RWBS_FIELD
#undef TPX_ERRNO
#undef TPX_ERROR
#undef TPX_REQUEST
#undef TPX_BIO_DEVICE
#undef TPX_SECTOR
#undef TPX_SECTORS
#undef TPX_UNLESS_PASSED_THROUGH

}  // namespace

std::span<const FieldMappings> block_rows() {
  return kMappings;
}

}  // namespace tpx::typed
