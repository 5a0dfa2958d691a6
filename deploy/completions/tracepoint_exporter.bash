# bash completion for tracepoint_exporter; installed as completions/tracepoint_exporter.

# All tracepoints as CATEGORY/NAME; none for a user who may not read tracefs.
_tracepoint_exporter_tracepoints() {
    tracepoint_exporter list 2>/dev/null | sed -n 's/^  //p'
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
            mapfile -t COMPREPLY < <(compgen -W "text json" -- "$cur")
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
        --config.file | --web.config.file | --path.*)
            mapfile -t COMPREPLY < <(compgen -f -- "$cur")
            return
            ;;
    esac
    if [[ $cur == -* ]]; then
        local options
        case $command in
            list | describe) options="--output $paths" ;;
            tracepoint | trace) options="--duration --filter --fields --count --output $paths" ;;
            top) options="--by --value --filter --histogram --from --to --key --metric --config.file --batch --interval --count --rows --sort $paths" ;;
            unpin) options="--dry-run --help" ;;
            check) options="--dump --verbose $paths" ;;
            *) options="--config.file --config.strict --web.listen-address --web.telemetry-path --web.series-start --series.min-age --series.linger --web.config.file --web.max-requests --web.max-connections --web.enable-lifecycle --config.watch --bpf.pin-path --bpf.detach-on-exit --log.level --log.format --version $paths" ;;
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
