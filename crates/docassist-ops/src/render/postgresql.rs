//! `postgresql.conf`.

use super::{comment, head, reason, warnings};
use crate::plan::Plan;

pub(super) fn render(plan: &Plan) -> String {
    let mut text = head(plan, "PostgreSQL 15 and newer, for docassist.");
    text.push_str(&comment(
        "",
        "Where the data is, at which port and addresses the server listens, who may connect and TLS's files are given where it is \
         started (-c data_directory=… -c listen_addresses=… -c hba_file=…), so that containers, systemd and tests share this file.",
    ));
    text.push_str(&warnings(plan, &["effective_cache_size", "work_mem"]));
    let mut section = "";
    for setting in &plan.postgres {
        if setting.section != section {
            section = setting.section;
            text.push_str(&format!("\n## {section}\n"));
        }
        text.push('\n');
        text.push_str(&comment("", &reason(&setting.why, &setting.formula)));
        text.push_str(&format!("{} = {}\n", setting.name, setting.value.postgres()));
    }
    text
}
