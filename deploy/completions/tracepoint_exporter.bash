# bash completion for tracepoint_exporter; installed as completions/tracepoint_exporter.

# What only root may read is asked for with sudo where that needs no password.
_tracepoint_exporter_ask() {
    tracepoint_exporter "$@" 2>/dev/null || sudo -n tracepoint_exporter "$@" 2>/dev/null
}

# All tracepoints as CATEGORY/NAME.
_tracepoint_exporter_tracepoints() {
    _tracepoint_exporter_ask list | sed -n 's/^  //p'
}

# The fields of the tracepoints that are on the command line, and the builtins.
_tracepoint_exporter_fields() {
    local i name
    printf '%s\n' pid tid ppid uid gid comm cpu cgroup nsecs
    for ((i = 1; i < COMP_CWORD; i++)); do
        name=${COMP_WORDS[i]}
        # CATEGORY NAME as well as CATEGORY/NAME
        [[ $name != */* && ${COMP_WORDS[i + 1]} =~ ^[a-z][a-z0-9_]*$ && ${COMP_WORDS[i - 1]} =~ ^(tracepoint|trace)$ ]] && name+=/${COMP_WORDS[i + 1]}
        [[ $name == [a-z]*/* ]] && _tracepoint_exporter_ask describe "$name" | sed -n '/^Fields:/,/^$/s/^  \([a-z_][a-zA-Z0-9_]*\) .*/\1/p'
    done
}

_tracepoint_exporter() {
    local cur prev command word
    cur=${COMP_WORDS[COMP_CWORD]}
    prev=${COMP_WORDS[COMP_CWORD - 1]}
    COMPREPLY=()
    for word in "${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
        case $word in
            serve | list | describe | tracepoint | trace | top | check | unpin)
                command=$word
                break
                ;;
        esac
    done
    local paths="--path.procfs --path.sysfs --path.tracefs --help"
    case $prev in
        --output)
            mapfile -t COMPREPLY < <(compgen -W "text json $([[ $command == top ]] && echo prom)" -- "$cur")
            return
            ;;
        --sort)
            mapfile -t COMPREPLY < <(compgen -W "rate total p99 label" -- "$cur")
            return
            ;;
        --log.level)
            mapfile -t COMPREPLY < <(compgen -W "debug info warn error" -- "$cur")
            return
            ;;
        --log.format)
            mapfile -t COMPREPLY < <(compgen -W "logfmt json" -- "$cur")
            return
            ;;
        --from | --to)
            mapfile -t COMPREPLY < <(compgen -W "$(_tracepoint_exporter_tracepoints)" -- "$cur")
            return
            ;;
        --by | --fields | --filter | --from-filter | --value | --key)
            mapfile -t COMPREPLY < <(compgen -W "$(_tracepoint_exporter_fields)" -- "$cur")
            return
            ;;
        --config.file | --web.config.file | --path.*)
            mapfile -t COMPREPLY < <(compgen -f -- "$cur")
            return
            ;;
    esac
    if [[ $cur == -* ]]; then
        local options
        case $command in
            list | describe) options="--output $paths" ;;
            tracepoint | trace) options="--duration --filter --fields --from --to --key --from-filter --count --output $paths" ;;
            top) options="--by --value --filter --histogram --from --to --key --metric --config.file --batch --interval --count --rows --sort --output $paths" ;;
            unpin) options="--dry-run --help" ;;
            check) options="--cpus --dump --verbose $paths" ;;
            *) options="--config.file --config.strict --config.watch --web.listen-address --web.systemd-socket --web.telemetry-path --web.route-prefix --web.disable-exporter-metrics --web.series-start --series.min-age --series.linger --web.config.file --web.max-requests --web.max-connections --web.enable-lifecycle --bpf.pin-path --bpf.detach-on-exit --log.level --log.format --version $paths" ;;
        esac
        mapfile -t COMPREPLY < <(compgen -W "$options" -- "$cur")
        return
    fi
    case $command in
        "") mapfile -t COMPREPLY < <(compgen -W "serve list describe tracepoint top check unpin" -- "$cur") ;;
        list | describe | top) mapfile -t COMPREPLY < <(compgen -W "$(_tracepoint_exporter_tracepoints)" -- "$cur") ;;
        tracepoint | trace)
            if [[ $prev == "$command" ]]; then
                mapfile -t COMPREPLY < <(compgen -W "$(_tracepoint_exporter_tracepoints | cut -d/ -f1 | sort -u)" -- "$cur")
            else
                mapfile -t COMPREPLY < <(compgen -W "$(_tracepoint_exporter_tracepoints | sed -n "s|^$prev/||p")" -- "$cur")
            fi
            ;;
        *) mapfile -t COMPREPLY < <(compgen -f -- "$cur") ;;
    esac
}

complete -F _tracepoint_exporter tracepoint_exporter
