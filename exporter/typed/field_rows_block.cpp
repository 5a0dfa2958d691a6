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
#define TPX_RWBS_ROWS(EVENT, FLAGS)                                                                                \
  FieldRow{EVENT, "rwbs", TPX_RWBS(FLAGS, TPX_OPERATIONS, ""), 8},                                                 \
      FieldRow{EVENT, "rwbs", TPX_RWBS(FLAGS, TPX_OPERATIONS, TPX_ATOMIC), 9},                                     \
      FieldRow{EVENT, "rwbs", TPX_RWBS(FLAGS, "REQ_OP_WRITE_ZEROES=WZ " TPX_ZONES TPX_OPERATIONS, TPX_ATOMIC), 10, \
               "BLK_TC_WRITE_ZEROES"},                                                                             \
      FieldRow{EVENT, "rwbs", TPX_RWBS(FLAGS, TPX_ZONES TPX_OPERATIONS, TPX_ATOMIC), 10}

// blk_status_to_errno(), a byte for each status. Two were moved when zone write plugging came (6.10); what is beyond the
// last is EIO.
#define TPX_ERRNO(STATUS, SECOND, THIRD)                                                                 \
  "-((if(" STATUS " < 8, 0x3d3479431c6e5f00, if(" STATUS " < 16, " SECOND ", if(" STATUS " < 24, " THIRD \
  ", 0x0505050505050505))) >> (" STATUS " & 7) * 8) & 0xff)"
#define TPX_ERROR_ROWS(EVENT, STATUS)                                                        \
  FieldRow{EVENT, "error", TPX_ERRNO(STATUS, "0x4b6d100b4e050c54", "0x0505050516003e13"), 0, \
           "BIO_ZONE_WRITE_PLUGGING"},                                                       \
      FieldRow {                                                                             \
    EVENT, "error", TPX_ERRNO(STATUS, "0x6d00100b4e050c54", "0x05050505053e134b")            \
  }

// A request's disk: disk_devt(); rq_disk until 5.15.
#define TPX_REQUEST_ROWS(EVENT)                                                                           \
  FieldRow{EVENT, "dev", "args.rq->q->disk->major << 20 | args.rq->q->disk->first_minor"},                \
      FieldRow{EVENT, "dev", "args.rq->rq_disk->major << 20 | args.rq->rq_disk->first_minor"},            \
      FieldRow{EVENT, "ioprio", "args.rq->ioprio"}, FieldRow{EVENT, "ioprio", "args.rq->bio->bi_ioprio"}, \
      FieldRow{EVENT, "comm", "comm"}, FieldRow{EVENT, "cmd", "\"\""}, TPX_RWBS_ROWS(EVENT, "args.rq->cmd_flags")

// bio_dev(): the disk's, of a partition's operations too.
#define TPX_BIO_DEVICE_ROWS(EVENT)                                                                             \
  FieldRow{EVENT, "dev", "args.bio->bi_bdev->bd_disk->major << 20 | args.bio->bi_bdev->bd_disk->first_minor"}, \
      FieldRow{EVENT, "dev", "args.bio->bi_disk->major << 20 | args.bio->bi_disk->first_minor"}

// Commands of a driver's or of SCSI's own (operations 32 to 35) have no place on the disk.
#define TPX_UNLESS_PASSED_THROUGH(VALUE) "if((args.rq->cmd_flags & 0xfc) == 0x20, 0, " VALUE ")"

// Not std::array: clang follows at most 256 arguments of its deduction guide.
constexpr FieldRow kRows[] = {
    // What is completed is so many bytes, not the whole request.
    TPX_REQUEST_ROWS("block/block_rq_complete"),
    FieldRow{"block/block_rq_complete", "sector", "args.rq->__sector"},
    FieldRow{"block/block_rq_complete", "nr_sector", "args.nr_bytes >> 9"},
    FieldRow{"block/block_rq_complete", "error", "signed(args.error)"},  // an errno until 5.15
    TPX_ERROR_ROWS("block/block_rq_complete", "args.error"),
    TPX_REQUEST_ROWS("block/block_rq_error"),
    FieldRow{"block/block_rq_error", "sector", "args.rq->__sector"},
    FieldRow{"block/block_rq_error", "nr_sector", "args.nr_bytes >> 9"},
    TPX_ERROR_ROWS("block/block_rq_error", "args.error"),

    // nr_bios counts a list.
    TPX_REQUEST_ROWS("block/block_rq_remap"),
    FieldRow{"block/block_rq_remap", "sector", "args.rq->__sector"},
    FieldRow{"block/block_rq_remap", "nr_sector", "args.rq->__data_len >> 9"},
    FieldRow{"block/block_rq_remap", "old_dev", "args.dev"},
    FieldRow{"block/block_rq_remap", "old_sector", "args.from"},

    // block_rq_issue, _insert, _merge, _requeue; block_io_start, _done
    TPX_REQUEST_ROWS("block/block_rq_*"),
    FieldRow{"block/block_rq_*", "sector",
             TPX_UNLESS_PASSED_THROUGH("if(args.rq->__sector == -1, 0, args.rq->__sector)")},
    FieldRow{"block/block_rq_*", "nr_sector", TPX_UNLESS_PASSED_THROUGH("args.rq->__data_len >> 9")},
    FieldRow{"block/block_rq_*", "bytes", "args.rq->__data_len"},
    TPX_REQUEST_ROWS("block/block_io_*"),
    FieldRow{"block/block_io_*", "sector",
             TPX_UNLESS_PASSED_THROUGH("if(args.rq->__sector == -1, 0, args.rq->__sector)")},
    FieldRow{"block/block_io_*", "nr_sector", TPX_UNLESS_PASSED_THROUGH("args.rq->__data_len >> 9")},
    FieldRow{"block/block_io_*", "bytes", "args.rq->__data_len"},

    // ---- single operations: queue, complete, backmerge, frontmerge, bounce, remap, getrq, sleeprq, split
    TPX_ERROR_ROWS("block/block_bio_complete", "args.bio->bi_status"),
    FieldRow{"block/block_bio_remap", "old_dev", "args.dev"},
    FieldRow{"block/block_bio_remap", "old_sector", "args.from"},
    TPX_BIO_DEVICE_ROWS("block/block_bio_*"),
    FieldRow{"block/block_bio_*", "sector", "args.bio->bi_iter.bi_sector"},
    FieldRow{"block/block_bio_*", "nr_sector", "args.bio->bi_iter.bi_size >> 9"},
    FieldRow{"block/block_bio_*", "comm", "comm"},
    TPX_RWBS_ROWS("block/block_bio_*", "args.bio->bi_opf"),
    TPX_BIO_DEVICE_ROWS("block/block_getrq"),
    FieldRow{"block/block_getrq", "sector", "args.bio->bi_iter.bi_sector"},
    FieldRow{"block/block_getrq", "nr_sector", "args.bio->bi_iter.bi_size >> 9"},
    FieldRow{"block/block_getrq", "comm", "comm"},
    TPX_RWBS_ROWS("block/block_getrq", "args.bio->bi_opf"),
    TPX_BIO_DEVICE_ROWS("block/block_sleeprq"),
    FieldRow{"block/block_sleeprq", "sector", "args.bio->bi_iter.bi_sector"},
    FieldRow{"block/block_sleeprq", "nr_sector", "args.bio->bi_iter.bi_size >> 9"},
    FieldRow{"block/block_sleeprq", "comm", "comm"},
    TPX_RWBS_ROWS("block/block_sleeprq", "args.bio->bi_opf"),
    TPX_BIO_DEVICE_ROWS("block/block_split"),
    FieldRow{"block/block_split", "sector", "args.bio->bi_iter.bi_sector"},
    FieldRow{"block/block_split", "new_sector", "args.new_sector"},
    FieldRow{"block/block_split", "comm", "comm"},
    TPX_RWBS_ROWS("block/block_split", "args.bio->bi_opf"),

    FieldRow{"block/block_plug", "comm", "comm"},
    FieldRow{"block/block_unplug", "comm", "comm"},
    FieldRow{"block/block_unplug", "nr_rq", "args.depth"},
    FieldRow{"block/block_touch_buffer", "dev", "args.bh->b_bdev->bd_dev"},
    FieldRow{"block/block_touch_buffer", "sector", "args.bh->b_blocknr"},
    FieldRow{"block/block_touch_buffer", "size", "args.bh->b_size"},
    FieldRow{"block/block_dirty_buffer", "dev", "args.bh->b_bdev->bd_dev"},
    FieldRow{"block/block_dirty_buffer", "sector", "args.bh->b_blocknr"},
    FieldRow{"block/block_dirty_buffer", "size", "args.bh->b_size"},
};
#undef TPX_RWBS
#undef TPX_OPERATIONS
#undef TPX_ZONES
#undef TPX_ATOMIC
#undef TPX_RWBS_ROWS
#undef TPX_ERRNO
#undef TPX_ERROR_ROWS
#undef TPX_REQUEST_ROWS
#undef TPX_BIO_DEVICE_ROWS
#undef TPX_UNLESS_PASSED_THROUGH

}  // namespace

std::span<const FieldRow> block_rows() {
  return kRows;
}

}  // namespace tpx::typed
