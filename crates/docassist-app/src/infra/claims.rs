//! The claims of the document that the project was started from, beside what a run measured.

use docassist_ops::Plan;
use docassist_ops::quantity::{cpus, human_bytes};
use docassist_ops::seed::CLAIMS;

use super::figures::{Verdict, mean_ratio};
use super::report::{Measured, Report, Standing, State};

/// `query_time` is about queries: what is read, not what is written.
const CLAIMED_FASTER: f64 = 0.8;
/// `cached_answers`: at least so many times as fast.
const CLAIMED_GAIN: f64 = 5.0;
/// `query_cache_hit`: at least this part, or so much more than before.
const CLAIMED_HITS: f64 = 0.95;

/// Settings of a Redis that this run has started.
#[derive(Debug, Clone, Default)]
pub(super) struct RedisSettings {
    /// `maxmemory` without a configuration, in bytes; 0 is no limit.
    pub(super) default_memory: Option<String>,
    /// The same with the rendered one.
    pub(super) tuned_memory: Option<String>,
    /// `maxmemory-policy` with the rendered one.
    pub(super) policy: Option<String>,
}

/// Every claim with what is known of it.
pub(super) fn measured(report: &Report, plan: &Plan, redis: &RedisSettings) -> Vec<Measured> {
    let of = |id: &str| match id {
        "postgres_memory" => postgres_memory(report),
        "redis_memory" => redis_memory(redis),
        "query_cache_hit" => cache_hits(report),
        "query_time" => query_time(report),
        "cached_answers" => cached_answers(report),
        "resource_isolation" => unmeasured(
            "this run starts plain processes, and isolation is a property of containers; docker-compose.yml and the systemd \
             units set the limits",
        ),
        "oom_kills" => unmeasured(
            "whether limits keep the kernel from killing shows in weeks of a running deployment: the alert on restarts, and \
             `docassist monitor`",
        ),
        "memory_usage" => unmeasured(&format!(
            "limits are those of containers; the plan for this machine has {} at most and {} reserved, of {}",
            human_bytes(plan.total().memory_limit),
            human_bytes(plan.total().memory_reserved),
            human_bytes(plan.machine.memory_bytes)
        )),
        "cpu_usage" => unmeasured(&format!(
            "limits are those of containers; the plan for this machine has {} CPUs at most and {} reserved, of {}",
            cpus(plan.total().millicpus_limit),
            cpus(plan.total().millicpus_reserved),
            cpus(plan.machine.millicpus)
        )),
        "downtime" => downtime(report),
        _ => unmeasured("this run has nothing that measures it"),
    };
    CLAIMS
        .iter()
        .map(|claim| {
            let (standing, measured) = of(claim.id);
            Measured { claim: *claim, measured, standing }
        })
        .collect()
}

fn unmeasured(why: &str) -> (Standing, String) {
    (Standing::NotMeasured, format!("not measured here, because {why}"))
}

fn percent(share: f64) -> String {
    format!("{:.1} %", share * 100.0)
}

fn postgres_memory(report: &Report) -> (Standing, String) {
    let Some(setting) = report.settings.iter().find(|setting| setting.name == "shared_buffers") else {
        return (Standing::DoesNotHold, "both servers have the same shared_buffers".to_owned());
    };
    let text = format!(
        "shared_buffers {} → {}, as the servers say; what it gains is in the rows of queries",
        setting.default, setting.tuned
    );
    (Standing::Holds, text)
}

fn redis_memory(redis: &RedisSettings) -> (Standing, String) {
    let bytes = |text: &Option<String>| text.as_deref().and_then(|text| text.parse::<u64>().ok());
    let said = |bytes: u64| if bytes == 0 { "no limit".to_owned() } else { human_bytes(bytes) };
    match (bytes(&redis.default_memory), bytes(&redis.tuned_memory)) {
        (Some(default), Some(tuned)) => {
            let policy = redis.policy.as_deref().unwrap_or("unknown");
            let standing = if default == 0 && tuned > 0 { Standing::Holds } else { Standing::DoesNotHold };
            (standing, format!("{} → {} with {policy}, as the servers say", said(default), said(tuned)))
        }
        _ => unmeasured("there is no redis-server in PATH that could be asked"),
    }
}

fn cache_hits(report: &Report) -> (Standing, String) {
    let mut parts = Vec::new();
    let counts = (report.counts.default.buffer_hit_rate, report.counts.tuned.buffer_hit_rate);
    if let (Some(default), Some(tuned)) = counts {
        parts.push(format!("PostgreSQL's buffers, by the seed's own query: {} → {}", percent(default), percent(tuned)));
    }
    for rate in &report.hit_rates {
        parts.push(format!("answers, {}: {}", rate.setup, percent(rate.total)));
    }
    let best = report.hit_rates.iter().map(|rate| rate.total).fold(0.0, f64::max);
    let by_buffers = counts.1.is_some_and(|tuned| tuned >= CLAIMED_HITS);
    let standing = match (by_buffers, best >= CLAIMED_HITS) {
        _ if parts.is_empty() => return unmeasured("nothing was counted"),
        (true, true) => Standing::Holds,
        (false, false) => Standing::DoesNotHold,
        _ => Standing::HoldsInPart,
    };
    (standing, parts.join("; "))
}

fn query_time(report: &Report) -> (Standing, String) {
    let read = || report.metrics.iter().filter(|metric| metric.state != State::Writing);
    let part =
        |state: State| mean_ratio(read().filter(|metric| metric.state == state).map(|metric| metric.comparison.ratio));
    let (Some(warm), Some(cold)) = (part(State::Warm), part(State::Cold)) else {
        return unmeasured("nothing was read");
    };
    let count = |wanted: &dyn Fn(Verdict, f64) -> bool| {
        read().filter(|metric| wanted(metric.comparison.verdict, metric.comparison.ratio)).count()
    };
    let all = read().count();
    let claimed = count(&|verdict, ratio| verdict == Verdict::Faster && ratio <= CLAIMED_FASTER);
    let faster = count(&|verdict, _| verdict == Verdict::Faster);
    let slower = count(&|verdict, _| verdict == Verdict::Slower);
    let undecided = count(&|verdict, _| verdict == Verdict::Undecided);
    let mut text = format!(
        "{claimed} of {all} are 20 % faster or more; {} a little faster, {slower} slower, {} no gain",
        faster - claimed,
        all - faster - slower - undecided
    );
    if undecided > 0 {
        text.push_str(&format!(", {undecided} run once and undecided"));
    }
    text.push_str(&format!("; mean ratio {warm:.2} warm, {cold:.2} cold"));
    let standing = match claimed {
        // One run of most is no measurement.
        _ if undecided * 2 >= all => Standing::NotMeasured,
        _ if warm <= CLAIMED_FASTER && cold <= CLAIMED_FASTER => Standing::Holds,
        0 => Standing::DoesNotHold,
        _ => Standing::HoldsInPart,
    };
    (standing, text)
}

fn cached_answers(report: &Report) -> (Standing, String) {
    let range = |gains: &[f64]| {
        let least = gains.iter().copied().fold(f64::INFINITY, f64::min);
        let most = gains.iter().copied().fold(0.0, f64::max);
        format!("{least:.1} to {most:.1} times as fast as computed")
    };
    let memory: Vec<f64> = report.answers.iter().map(|answer| answer.memory_gain).collect();
    if memory.is_empty() {
        return unmeasured("no question could be asked");
    }
    let mut text = format!("from memory {}", range(&memory));
    let redis: Vec<f64> = report.answers.iter().filter_map(|answer| answer.redis_gain).collect();
    if !redis.is_empty() {
        text.push_str(&format!("; from Redis {}", range(&redis)));
    }
    text.push_str(", from a graph in memory, not from SQL");
    let fast = memory.iter().chain(&redis).filter(|gain| **gain >= CLAIMED_GAIN).count();
    let standing = match fast {
        0 => Standing::DoesNotHold,
        all if all == memory.len() + redis.len() => Standing::Holds,
        _ => Standing::HoldsInPart,
    };
    (standing, text)
}

fn downtime(report: &Report) -> (Standing, String) {
    let Some(restart) = report.restart else { return unmeasured("no server was restarted") };
    let text = format!(
        "nobody could connect to PostgreSQL for {:.1} s in each restart that new settings take (median of {}), so it is not zero; \
         the service's own rolling restart is tested elsewhere",
        restart.median / 1000.0,
        restart.runs
    );
    // "Zero downtime" and "< 2 minutes" in one document: one of them holds.
    (Standing::HoldsInPart, text)
}
