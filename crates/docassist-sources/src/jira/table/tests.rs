use super::*;
use crate::jira::{Format, read};

fn items(csv: &[u8]) -> Vec<Item> {
    read(csv, Format::Auto).collect()
}

fn tickets(csv: &str) -> Vec<Ticket> {
    items(csv.as_bytes())
        .into_iter()
        .map(|item| match item {
            Item::Ticket(ticket) => *ticket,
            Item::Problem(problem) => panic!("{problem}"),
        })
        .collect()
}

fn problems(csv: &[u8]) -> Vec<String> {
    let problem = |item| match item {
        Item::Ticket(_) => None,
        Item::Problem(problem) => Some(problem.to_string()),
    };
    items(csv).into_iter().filter_map(problem).collect()
}

const EXPORT: &str = "Summary,Issue key,Issue id,Parent id,Issue Type,Status,Status Category,Priority,Resolution,Assignee,Assignee Id,Created,Updated,Resolved,Fix Version/s,Fix Version/s,Component/s,Labels,Labels,Description,Inward issue link (Blocks),Outward issue link (Relates),Custom field (Epic Link),Custom field (Team),Sprint,Sprint,Comment,Comment\r\n\
\"Fix \"\"it\"\"\",A-2,101,,Bug,Closed,Done,None,Fixed,Ann,5b,16/May/12 7:56 AM,17/May/12 7:56 AM,18/May/12 12:00 PM,1.0,2.0,Core,x,y,\"*bold*\nline; two\",A-7,B-8,A-9,Web,S1,S2,\"16/May/12 8:00 AM;bo;see A-3; soon\",no date; here\r\n\
Part,A-3,102,101,Sub-task,Open,,High,Unresolved,,5c,2012-05-16 07:56,,,,,,,,,,,,,,,,\r\n";

#[test]
fn an_export_is_read_column_by_column() {
    let [first, second] = &tickets(EXPORT)[..] else { panic!("two tickets") };
    assert_eq!(first.summary, "Fix \"it\"");
    assert_eq!(first.description, "**bold**\nline; two");
    assert_eq!((first.category, &first.priority), (StatusCategory::Done, &None));
    assert_eq!(first.assignee.as_ref().unwrap().name, "Ann");
    assert_eq!(first.created.to_string(), "2012-05-16T07:56:00Z");
    assert_eq!(first.resolved.unwrap().to_string(), "2012-05-18T12:00:00Z");
    assert_eq!(first.fix_versions, ["1.0", "2.0"]);
    assert_eq!(first.labels, ["x", "y"]);
    let links: Vec<_> = first.links.iter().map(|link| (link.kind.as_str(), link.key.as_str())).collect();
    assert_eq!(links, [("Blocks", "A-7"), ("Relates", "B-8")]);
    assert_eq!(first.epic.as_ref().unwrap().as_str(), "A-9");
    assert_eq!(
        serde_json::to_value(&first.custom).unwrap(),
        serde_json::json!({"Sprint": ["S1", "S2"], "Team": "Web"})
    );
    assert_eq!(first.comments[0].body, "see A-3; soon");
    assert_eq!(first.comments[0].author.as_ref().unwrap().name, "bo");
    assert_eq!(first.comments[0].created.unwrap().to_string(), "2012-05-16T08:00:00Z");
    assert_eq!((first.comments[1].body.as_str(), &first.comments[1].created), ("no date; here", &None));

    assert_eq!(second.parent.as_ref(), Some(&first.key), "found by its id");
    assert_eq!(second.assignee.as_ref().unwrap().name, "5c", "the id where there is no name");
    assert_eq!((second.updated, &second.resolution), (second.created, &None));
}

#[test]
fn delimiters_byte_order_marks_and_sep_lines_make_no_difference() {
    let csv = "Issue key,Summary,Created\nA-1,s,2020-01-01\n";
    let expected = tickets(csv);
    assert_eq!(expected.len(), 1);
    for same in [
        csv.replace(',', ";"),
        csv.replace(',', "\t"),
        format!("\u{feff}{csv}"),
        format!("sep=;\n{}", csv.replace(',', ";")),
        csv.replace('\n', "\r\n"),
    ] {
        assert_eq!(tickets(&same), expected, "{same:?}");
    }
}

#[test]
fn a_bad_record_costs_itself_alone() {
    let csv = b"Issue key,Created,Summary\nA-1,2020-01-01,\"a\nb\"\nnope,2020-01-01\n,2020-01-01\nA-2,soon\nA-3\nA-4,2020-01-01,caf\xe9\n";
    let expected = [
        "line 4 (issue 2, byte 47): nope: `nope` is no ticket key",
        "line 5 (issue 3, byte 63): it has no key",
        "line 6 (issue 4, byte 75): A-2: no created date: `soon` is no date that is known here; ISO 8601 (2012-05-16T07:56:13Z) always is",
        "line 7 (issue 5, byte 84): A-3: no created date",
    ];
    assert_eq!(problems(csv), expected);
    let last = items(csv).into_iter().next_back();
    assert!(matches!(last, Some(Item::Ticket(ticket)) if ticket.summary == "caf\u{fffd}"));
}

#[test]
fn a_table_without_keys_is_one_problem() {
    assert_eq!(problems(b"a,b\n1,2\n3,4\n"), ["line 1 (issue 1, byte 0): the header has no `Issue key` column: a, b"]);
}

#[test]
fn a_parent_that_comes_later_is_kept_by_its_id() {
    let tickets = tickets("Issue key,Created,Parent\nA-1,2020-01-01,77\nA-2,2020-01-01,a-1\n");
    assert_eq!(tickets[0].parent, None);
    assert_eq!(tickets[0].custom["Parent id"], serde_json::json!("77"));
    assert_eq!(tickets[1].parent.as_ref().unwrap().as_str(), "A-1");
}

#[test]
fn an_open_quote_ends_the_reading_not_the_memory() {
    let endless = io::repeat(b'x').take(200 * 1024 * 1024);
    let csv = b"Issue key,Created\nA-1,2020-01-01\nA-2,\"".chain(endless);
    let items: Vec<Item> = read(csv, Format::Csv).collect();
    let [Item::Ticket(_), Item::Problem(problem)] = &items[..] else { panic!("a ticket and a problem") };
    assert_eq!(problem.reason, "reading stopped: a record is larger than 64 MiB; a quote may be left open");
}
