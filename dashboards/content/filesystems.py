"""Writeback, ext4 and its journal."""

from . import graph, rate

UID = "tracepoint-filesystems"
TITLE = "Tracepoints / File systems"
DESCRIPTION = "Writing back dirty pages, throttled writers, ext4 and its journal. Needs config/filesystem.yaml."
FILES = ("config/filesystem.yaml",)
BLOCK_NETWORK = ("Block and network", "tracepoint-block-network")

ROWS = [
    (
        "Writeback",
        9,
        [
            graph("Pages written back", "Dirty pages written to disk.", "cps", (rate("tracepoint_writeback_pages_total"), "pages"),
                  links=[BLOCK_NETWORK]),
            graph("Runs", "Runs of writeback, by backing device and reason.", "cps",
                  (rate("tracepoint_writeback_runs_total", "bdi, reason"), "{{bdi}} {{reason}}")),
            graph("Throttled writers", "Seconds a second that programs were made to pause, by device and program.", "percentunit",
                  (rate("tracepoint_dirty_throttle_seconds_total", "bdi, comm", top=True), "{{bdi}} {{comm}}")),
            graph("Errors", "Errors of writing back (data may be lost), and inconsistencies that ext4 found. Empty is good.", "cps",
                  (rate("tracepoint_writeback_errors_total", "device"), "{{device}} writeback"),
                  (rate("tracepoint_ext4_errors_total", "device"), "{{device}} ext4")),
        ],
    ),
    (
        "ext4",
        9,
        [
            graph("Syncs", "Calls of fsync(2) and fdatasync(2), by device.", "cps",
                  (rate("tracepoint_ext4_fsyncs_total", "device"), "{{device}}")),
            graph("Pages written", "Pages that ext4 wrote back, by device.", "cps",
                  (rate("tracepoint_ext4_written_pages_total", "device"), "{{device}}")),
            graph("Names", "Inodes created and names removed, by device.", "cps",
                  (rate("tracepoint_ext4_inodes_created_total", "device"), "{{device}} created"),
                  (rate("tracepoint_ext4_unlinks_total", "device"), "{{device}} removed")),
        ],
    ),
    (
        "Journal",
        9,
        [
            graph("Commits", "Transactions committed to the journal, by device.", "cps",
                  (rate("tracepoint_jbd2_commits_total", "device"), "{{device}}")),
            graph("Stalls", "Seconds a second that writers waited for a buffer that was being written to the journal.",
                  "percentunit", (rate("tracepoint_jbd2_lock_stall_seconds_total", "device"), "{{device}}")),
        ],
    ),
    (
        "Page cache (config/programs/pagecache.yaml)",
        9,
        [
            graph("Reads", "Reads that found their page, and reads that had to bring it in. Needs config/programs/pagecache.yaml.",
                  "cps", (rate("tracepoint_page_cache_reads_total", "device, result"), "{{device}} {{result}}")),
            graph("Pages", "Pages added to the page cache and removed. Needs config/programs/pagecache.yaml.", "cps",
                  (rate("tracepoint_page_cache_pages_total", "device, change"), "{{device}} {{change}}")),
        ],
    ),
]  # fmt: skip
