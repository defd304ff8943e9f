//! A plan for people: every value with its formula and its reason.

use crate::plan::{FIXED, Plan, Setting};
use crate::quantity::{cpus, human_bytes};
use crate::render::command;

/// How a file writes a setting.
type Write = fn(&Setting) -> String;

/// All of a plan as text: which machine, what each service may use, every setting with the formula and the numbers in it, and
/// what does not add up.
#[must_use]
pub fn explain(plan: &Plan) -> String {
    let mut text = format!("{}\n{}\n", command(plan), plan.machine);
    text.push_str("\nLimits and reservations\n");
    for entry in &plan.services {
        let resources = entry.resources;
        text.push_str(&format!(
            "  {}: {} and {} CPUs at most, {} and {} CPUs reserved\n    memory = {}\n    {}\n    CPUs = {}\n    {}\n",
            entry.service.title(),
            human_bytes(resources.memory_limit),
            cpus(resources.millicpus_limit),
            human_bytes(resources.memory_reserved),
            cpus(resources.millicpus_reserved),
            entry.memory_formula,
            entry.memory_why,
            entry.cpu_formula,
            entry.cpu_why,
        ));
    }
    let total = plan.total();
    text.push_str(&format!(
        "  In total: {} and {} CPUs at most, {} and {} CPUs reserved, on {} and {} CPUs\n",
        human_bytes(total.memory_limit),
        cpus(total.millicpus_limit),
        human_bytes(total.memory_reserved),
        cpus(total.millicpus_reserved),
        human_bytes(plan.machine.memory_bytes),
        cpus(plan.machine.millicpus),
    ));
    let written: [(&str, &[Setting], Write); 5] = [
        ("postgresql.conf", &plan.postgres, |setting| format!("{} = {}", setting.name, setting.value.postgres())),
        ("PostgreSQL's container", std::slice::from_ref(&plan.postgres_shm), plainly),
        ("redis.conf", &plan.redis, |setting| format!("{} {}", setting.name, setting.value.redis())),
        ("Qdrant", &plan.qdrant, plainly),
        ("docassist serve", &plan.api, |setting| format!("--{}={}", setting.name, setting.value.plain())),
    ];
    for (title, settings, write) in written {
        if settings.is_empty() {
            continue;
        }
        text.push_str(&format!("\n{title}\n"));
        for setting in settings {
            text.push_str(&format!("  {}\n", write(setting)));
            if setting.formula != FIXED {
                text.push_str(&format!("    = {}\n", setting.formula));
            }
            text.push_str(&format!("    {}\n", setting.why));
        }
    }
    if !plan.warnings.is_empty() {
        text.push_str("\nWhat does not add up\n");
        for warning in &plan.warnings {
            text.push_str(&format!("  {}: {}\n", warning.about, warning.text));
        }
    }
    text
}

fn plainly(setting: &Setting) -> String {
    format!("{}={}", setting.name, setting.value.plain())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::machine::{Disk, Machine};
    use crate::plan::{Profile, plan};
    use crate::quantity::GIB;

    #[test]
    fn every_setting_and_warning_is_in_the_text() {
        for profile in [Profile::Defended, Profile::Seed] {
            let plan = plan(Machine::new(8 * GIB, 7000, Disk::Ssd, 50).unwrap(), profile);
            let text = explain(&plan);
            for setting in plan.postgres.iter().chain(&plan.redis).chain(&plan.qdrant).chain(&plan.api) {
                assert!(text.contains(setting.name) && text.contains(&setting.why), "{}", setting.name);
            }
            for warning in &plan.warnings {
                assert!(text.contains(&warning.text));
            }
        }
    }
}
