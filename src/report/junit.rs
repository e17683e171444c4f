//! JUnit XML, which pipelines show as tests: whether what is declared can be had. The changes of a plan are no
//! cases: what would be done about them is in the plan itself.
//!
//! A suite for a plan's tenant, or for each manifest that is checked. Of a plan there are always the cases
//! that everything declared could be read and that the limits hold. A blocked subject is a failure, for what
//! is declared of it is not so; an unknown one is an error, for nobody could look. A finding of severity
//! error is a failure. A warning or a note passes, for it never changes an exit code, and a test that is
//! always red is looked at by nobody; what it says stands in the suite's output.
//!
//! There is no standard. What is written is what the schemas of Jenkins (junit-10.xsd) and of Ant
//! (windyroad's JUnit.xsd) both accept, in every version. So a case has no `file` and no output of its own, none
//! is skipped, and the place is the first line of its text.

use std::collections::HashMap;

use quick_xml::Writer;
use quick_xml::events::{BytesDecl, BytesText, Event};

use super::json::v1::common::FindingDocument;
use super::json::v1::plan::PlanDocument;
use super::remarks::{self, Remark, Source, Unread, called, plain};
use super::words::{count, number, people};
use crate::diag::Severity;
use crate::model::Timestamp;

/// So many cases of one report, the worst first; a last one counts the rest. GitLab takes 500,000 cases and
/// 30 MB, other viewers are slow before that.
const CASES: usize = 5_000;
/// Characters of a name.
const NAME: usize = 300;
/// Characters of a message or a next step.
const TEXT: usize = 1_000;

/// The report of a plan.
pub fn of_plan(plan: &PlanDocument) -> String {
    let file = plan.manifest.files.first().map_or("", String::as_str);
    let mut suite = Suite::new(format!("advaudit plan of {}", plain(&plan.tenant.domain, NAME)), file);
    suite.at = plan.created_at;
    suite.properties.push(("tenant", plan.tenant.id.to_string()));
    suite.properties.push(("plan_sha256", plan.sha256.clone()));
    suite.properties.push(("summary", crate::plan::planned::Summary::from(plan.summary).to_string()));
    let all = remarks::of_plan(plan);
    suite.cases.push(everything_could_be_read(plan));
    suite.cases.push(limits_hold(plan));
    suite.add_all(&all, CASES);
    render(&[suite])
}

/// The report of manifests that were checked, one suite each; `at` is when. What has no place in any of them
/// stands in the first.
pub fn of_findings(
    findings: &[FindingDocument],
    unread: &[Unread],
    files: &[String],
    at: Timestamp,
) -> String {
    let all = remarks::of_findings(findings);
    let of_file = |one: &Remark<'_>| {
        let place = one.place?;
        files.iter().position(|file| *file == place.file)
    };
    let room = CASES / files.len().max(1);
    let suites: Vec<Suite> = files
        .iter()
        .enumerate()
        .map(|(at_file, file)| {
            let own: Vec<Remark<'_>> =
                all.iter().filter(|one| of_file(one).unwrap_or(0) == at_file).cloned().collect();
            let mut suite = Suite::new(format!("advaudit check of {}", plain(file, NAME)), file);
            suite.at = at;
            let unread = unread.iter().find(|one| one.file == *file);
            suite.cases.push(can_be_used(&own, unread));
            suite.add_all(&own, room.max(1));
            suite
        })
        .collect();
    render(&suites)
}

fn can_be_used(own: &[Remark<'_>], unread: Option<&Unread>) -> Case {
    let errors = own.iter().filter(|one| one.severity == Severity::Error).count();
    let says = match unread {
        Some(unread) => Some((Verdict::Error, unread.text())),
        None => (errors > 0).then(|| (Verdict::Failure, count(errors, "error", "errors"))),
    };
    Case::of_all("the manifest can be used", says)
}

fn everything_could_be_read(plan: &PlanDocument) -> Case {
    let unread = count(plan.unknown.len(), "declared subject", "declared subjects");
    let says = (!plan.complete).then(|| format!("{unread} could not be read"));
    Case::of_all("everything declared could be read", says.map(|text| (Verdict::Error, text)))
}

fn limits_hold(plan: &PlanDocument) -> Case {
    let exceeded = plan.limits.iter().filter(|limit| limit.exceeded);
    let each: Vec<String> = exceeded
        .map(|limit| {
            format!(
                "limits.{} allows {}, and this plan would {} {}",
                limit.name,
                people(limit.limit),
                limit.name,
                limit.actual
            )
        })
        .collect();
    Case::of_all("limits hold", (!each.is_empty()).then(|| (Verdict::Failure, each.join("; "))))
}

/// How a case ended.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Verdict {
    /// It is so.
    Passed,
    /// It is not so.
    Failure,
    /// Nobody could tell.
    Error,
}

struct Case {
    class: String,
    name: String,
    verdict: Verdict,
    /// A stable word.
    kind: String,
    message: String,
    text: String,
}

impl Case {
    fn of_all(name: &str, wrong: Option<(Verdict, String)>) -> Self {
        let (verdict, text) = wrong.unwrap_or((Verdict::Passed, String::new()));
        let message = text.lines().next().unwrap_or_default().to_owned();
        let name = name.to_owned();
        Case { class: "advaudit".into(), kind: name.replace(' ', "-"), name, verdict, message, text }
    }

    fn new(remark: &Remark<'_>) -> Self {
        let (class, verdict) = match (remark.source, remark.severity) {
            (Source::Blocked, _) => ("blocked", Verdict::Failure),
            (Source::Unknown, _) => ("unknown", Verdict::Error),
            (Source::Finding, Severity::Error) => ("finding", Verdict::Failure),
            (Source::Finding, Severity::Warning | Severity::Note) => ("finding", Verdict::Passed),
        };
        // A name that stays when lines move or numbers change: viewers keep the history of a case by it.
        let name = match (remark.subject, remark.under()) {
            (Some(subject), _) => called(subject),
            (None, Some(under)) => format!("{}: {under}", remark.code),
            (None, None) => remark.code.to_owned(),
        };
        let place =
            remark.place.map(|place| format!("{}:{}:{}", plain(&place.file, TEXT), place.line, place.column));
        let message = plain(&remark.text(), TEXT);
        let help = remark.help.map(|help| format!("next: {}", plain(help, TEXT)));
        let lines = [place, Some(message.clone()), help];
        Case {
            class: format!("advaudit.{class}"),
            name: plain(&name, NAME),
            verdict,
            kind: plain(remark.code, NAME),
            message,
            text: lines.into_iter().flatten().collect::<Vec<_>>().join("\n"),
        }
    }
}

struct Suite {
    name: String,
    file: String,
    at: Timestamp,
    properties: Vec<(&'static str, String)>,
    cases: Vec<Case>,
}

impl Suite {
    fn new(name: String, file: &str) -> Self {
        let properties = vec![("manifest", plain(file, TEXT))];
        Suite { name, file: plain(file, NAME), at: Timestamp::UNIX_EPOCH, properties, cases: Vec::new() }
    }

    fn add_all(&mut self, remarks: &[Remark<'_>], most: usize) {
        let (listed, left) = remarks.split_at(remarks.len().min(most));
        // Viewers take two cases of one name for one.
        let mut seen: HashMap<(String, String), usize> = HashMap::new();
        for mut case in listed.iter().map(Case::new) {
            let nth = seen.entry((case.class.clone(), case.name.clone())).or_default();
            *nth += 1;
            if *nth > 1 {
                case.name = format!("{} ({nth})", case.name);
            }
            self.cases.push(case);
        }
        if !left.is_empty() {
            let failed = left.iter().filter(|one| Case::new(one).verdict != Verdict::Passed).count();
            let text = format!(
                "{} left out, {} of them failed; `--json` shows them all",
                count(left.len(), "more case is", "more cases are"),
                number(failed as u64)
            );
            let verdict = if failed > 0 { Verdict::Failure } else { Verdict::Passed };
            self.cases.push(Case::of_all("every case is listed", Some((verdict, text))));
        }
    }

    fn count(&self, verdict: Verdict) -> String {
        self.cases.iter().filter(|case| case.verdict == verdict).count().to_string()
    }

    /// What passes and still has something to say.
    fn said(&self) -> String {
        let notes = self.cases.iter().filter(|case| case.verdict == Verdict::Passed && !case.text.is_empty());
        notes.map(|case| format!("{}: {}\n", case.kind, case.text)).collect()
    }
}

fn render(suites: &[Suite]) -> String {
    let mut bytes = Vec::new();
    let mut xml = Writer::new_with_indent(&mut bytes, b' ', 2);
    // A vector takes everything, so no write fails.
    _ = write(&mut xml, suites);
    bytes.push(b'\n');
    String::from_utf8_lossy(&bytes).into_owned()
}

type Xml<'a> = Writer<&'a mut Vec<u8>>;

fn write(xml: &mut Xml<'_>, suites: &[Suite]) -> std::io::Result<()> {
    xml.write_event(Event::Decl(BytesDecl::new("1.0", Some("UTF-8"), None)))?;
    let all = xml.create_element("testsuites");
    all.write_inner_content(|xml| {
        suites.iter().enumerate().try_for_each(|(id, suite)| write_suite(xml, id, suite))
    })?;
    Ok(())
}

fn write_suite(xml: &mut Xml<'_>, id: usize, suite: &Suite) -> std::io::Result<()> {
    let (id, tests) = (id.to_string(), suite.cases.len().to_string());
    let (failures, errors) = (suite.count(Verdict::Failure), suite.count(Verdict::Error));
    // Without a zone, as the schema of Ant has it.
    let at = suite.at.strftime("%Y-%m-%dT%H:%M:%S").to_string();
    let element = xml.create_element("testsuite").with_attributes([
        ("id", id.as_str()),
        ("name", &suite.name),
        ("package", &suite.file),
        ("timestamp", &at),
        ("hostname", "localhost"),
        ("tests", &tests),
        ("failures", &failures),
        ("errors", &errors),
        ("time", "0"),
    ]);
    element.write_inner_content(|xml| {
        xml.create_element("properties").write_inner_content(|xml| {
            suite.properties.iter().try_for_each(|(name, value)| {
                let property = xml.create_element("property");
                property.with_attributes([("name", *name), ("value", value)]).write_empty().map(drop)
            })
        })?;
        suite.cases.iter().try_for_each(|case| write_case(xml, case))?;
        xml.create_element("system-out").write_text_content(BytesText::new(&suite.said()))?;
        xml.create_element("system-err").write_empty().map(drop)
    })?;
    Ok(())
}

fn write_case(xml: &mut Xml<'_>, case: &Case) -> std::io::Result<()> {
    let element = xml.create_element("testcase").with_attributes([
        ("name", case.name.as_str()),
        ("classname", &case.class),
        ("time", "0"),
    ]);
    let inner = match case.verdict {
        Verdict::Passed => return element.write_empty().map(drop),
        Verdict::Failure => "failure",
        Verdict::Error => "error",
    };
    element.write_inner_content(|xml| {
        let own = xml.create_element(inner);
        let own = own.with_attributes([("message", case.message.as_str()), ("type", &case.kind)]);
        own.write_text_content(BytesText::new(&case.text)).map(drop)
    })?;
    Ok(())
}
