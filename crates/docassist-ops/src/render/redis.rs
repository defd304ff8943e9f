//! `redis.conf`. Redis has no comments behind values: each stands in a line of its own.

use super::{comment, head, reason, warnings};
use crate::plan::Plan;

pub(super) fn render(plan: &Plan) -> String {
    let mut text = head(plan, "Redis 7, as a cache of answers for docassist.");
    text.push_str(&comment(
        "",
        "Address, port and password are given where the server is started, so that containers, systemd and tests share this file, \
         and no secret is in it.",
    ));
    text.push_str(&warnings(plan, &["maxmemory", "redis.conf"]));
    let mut section = "";
    for setting in &plan.redis {
        if setting.section != section {
            section = setting.section;
            text.push_str(&format!("\n## {section}\n"));
        }
        text.push('\n');
        text.push_str(&comment("", &reason(&setting.why, &setting.formula)));
        text.push_str(&format!("{} {}\n", setting.name, setting.value.redis()));
    }
    text
}
