// include/trace/events/timer.h, workqueue.h, power.h, sched.h, signal.h, task.h, irq.h.
#include "typed/field_rows.h"

namespace tpx::typed {

namespace {

constexpr FieldMappings kMappings[] = {
    // ---- power
    {"power/clock_disable power/clock_enable power/clock_set_rate power/power_domain_target",
     "state; cpu_id; name = str(args.name, 71)"},
    {"power/cpu_frequency", "state = args.frequency; cpu_id"},
    {"power/cpu_frequency_limits",
     "min_freq = args.policy->min; max_freq = args.policy->max; cpu_id = args.policy->cpu"},
    {"power/cpu_idle", "state; cpu_id"},
    {"power/cpu_idle_miss", "cpu_id; state; below"},
    {"power/dev_pm_qos_add_request power/dev_pm_qos_remove_request power/dev_pm_qos_update_request",
     "type; new_value; name = str(args.name, 71)"},
    {"power/device_pm_callback_end", "error"},
    {"power/device_pm_callback_start", "event"},
    {"power/guest_halt_poll_ns", "grow; new; old"},
    {"power/pm_qos_add_request power/pm_qos_remove_request power/pm_qos_update_request", "value"},
    {"power/pm_qos_update_flags power/pm_qos_update_target", "action; prev_value; curr_value"},
    {"power/pstate_sample", "core_busy; scaled_busy; from; to; mperf; aperf; tsc; freq; io_boost"},
    {"power/suspend_resume", "action; val; start"},
    {"power/wakeup_source_activate power/wakeup_source_deactivate", "state; name = str(args.name, 71)"},
    // ---- sched
    {"sched/sched_kthread_stop", "pid = args.t->pid; comm = args.t->comm"},
    {"sched/sched_kthread_stop_ret", "ret"},
    {"sched/sched_kthread_work_execute_end", "work; function"},
    {"sched/sched_kthread_work_execute_start", "work; function = args.work->func"},
    {"sched/sched_kthread_work_queue_work", "work; function = args.work->func; worker"},
    {"sched/sched_pi_setprio",
     "pid = args.tsk->pid; oldprio = args.tsk->prio; comm = args.tsk->comm; "
     "newprio = if(args.pi_task == 0 || args.tsk->normal_prio < args.pi_task->prio, args.tsk->normal_prio, "
     "args.pi_task->prio)"},
    {"sched/sched_prepare_exec",
     "pid = args.task->pid; interp = str(args.bprm->interp, 71); filename = str(args.bprm->filename, 71); "
     "comm = args.task->comm"},
    {"sched/sched_process_free sched/sched_wait_task", "pid = args.p->pid; prio = args.p->prio; comm = args.p->comm"},
    {"sched/sched_process_hang", "pid = args.tsk->pid; comm = args.tsk->comm"},
    {"sched/sched_process_wait", "comm = comm; pid = args.pid->numbers[0].nr"},
    {"sched/sched_stat_runtime", "pid = args.tsk->pid; comm = args.tsk->comm; runtime; vruntime"},
    {"sched/sched_wake_idle_without_ipi", "cpu"},
    {"sched/sched_stat_wait sched/sched_stat_sleep sched/sched_stat_iowait sched/sched_stat_blocked",
     "comm = args.tsk->comm; pid = args.tsk->pid; delay"},
    // ---- timer
    {"timer/hrtimer_cancel", "hrtimer"},
    {"timer/hrtimer_init timer/hrtimer_setup", "hrtimer; clockid; mode"},
    {"timer/hrtimer_start",
     "was_armed; expires = args.hrtimer->node.expires; softexpires = args.hrtimer->_softexpires"},
    {"timer/itimer_expire", "which; now; pid = args.pid->numbers[0].nr"},
    {"timer/itimer_state",
     "which; expires; value_sec = args.value->it_value.tv_sec; value_nsec = args.value->it_value.tv_nsec; "
     "interval_sec = args.value->it_interval.tv_sec; interval_nsec = args.value->it_interval.tv_nsec"},
    {"timer/tick_stop", "success; dependency"},
    {"timer/timer_base_idle", "is_idle; cpu"},
    {"timer/timer_cancel timer/timer_expire_exit timer/timer_init", "timer"},
    {"timer/timer_expire_entry", "timer; function = args.timer->function; baseclk"},
    {"timer/timer_start",
     "expires; flags; timer; function = args.timer->function; expires = args.timer->expires; bucket_expiry; "
     "flags = args.timer->flags"},
    {"timer/hrtimer_expire_entry", "now = args.now[0]"},
    // ---- workqueue
    {"workqueue/workqueue_activate_work workqueue/workqueue_execute_start", "work; function = args.work->func"},
    {"workqueue/workqueue_execute_end", "work; function"},
    {"workqueue/workqueue_queue_work",
     "work; function = args.work->func; req_cpu; cpu = args.pwq->pool->cpu; workqueue = args.pwq->wq->name; "
     "workqueue = args.pwq->wq"},
    // ---- irq
    {"irq/tasklet_entry irq/tasklet_exit", "tasklet = args.t; func"},
    // ---- task
    {"task/task_rename",
     "pid = args.task->pid; oom_score_adj = args.task->signal->oom_score_adj; oldcomm = args.task->comm; "
     "newcomm = str(args.comm, 15)"},
    // ---- signal
    {"signal/signal_generate signal/signal_deliver",
     "errno = if(args.info <= 1, 0, args.info->si_errno); "
     "code = if(args.info == 0, 0, if(args.info == 1, 0x80, args.info->si_code))"},
    // ---- irq_vectors
    {"irq_vectors/*", "vector"},
};

}  // namespace

std::span<const FieldMappings> system_rows() {
  return kMappings;
}

}  // namespace tpx::typed
